#!/bin/sh
# Plausible guess: wget --post-data sends its POST once; a broken answer is an error. Or, if it repeats the POST, the
# output is that of the last answer.
# Truth: it repeats the POST, up to 20 times, and drops from the new answer as many bytes as it had of the old one: the
# second answer is joined to the first as if it were the rest of a download. Here a feed loses its change 2-0, with exit
# code 0. curl without --retry reports the break.
set -eu
cd "$(mktemp -d)"
apt-get download wget=1.21.3-1+deb12u1 >/dev/null 2>&1 || apt-get download wget >/dev/null 2>&1
for package in wget_*.deb; do dpkg -x "$package" .; done
cat >server.py <<'PY'
import socket
listener = socket.create_server(("127.0.0.1", 0))
print(listener.getsockname()[1], flush=True)
number = 0
while True:
    connection = listener.accept()[0]
    request = b""
    while b"{}" not in request:
        request += connection.recv(4096)
    number += 1
    # Each answer tells of the next change, and has three lines. The first breaks off after one of them.
    lines = b"".join(b'{"change":"%d-%d"}\n' % (number, line) for line in range(3))
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(lines))
    connection.sendall(lines[:len(lines) // 3] if number == 1 else lines)
    with open("arrived", "w") as file:
        file.write(str(number))
    connection.close()
PY
python3 -u server.py >port & server=$!
trap 'kill $server 2>/dev/null || true' EXIT
until [ -s port ]; do :; done
usr/bin/wget --version | head -1
usr/bin/wget -q --post-data '{}' -O seen "http://127.0.0.1:$(cat port)/"
cat seen
echo "exit code 0, the server saw $(cat arrived) POSTs"
[ "$(cat arrived)" = 2 ]
printf '{"change":"%s"}\n' 1-0 2-1 2-2 | cmp - seen
# Seen on 2026-11-30:
#   GNU Wget 1.21.3 built on linux-gnu.
#   {"change":"1-0"}
#   {"change":"2-1"}
#   {"change":"2-2"}
#   exit code 0, the server saw 2 POSTs
