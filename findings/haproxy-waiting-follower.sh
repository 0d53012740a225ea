#!/bin/sh
# Plausible guess: when the client of a long poll hangs up, the proxy closes its connection to the server, and the server
# frees what the poll holds.
# Truth: HAProxy, as its package configures it, does not tell the server as long as nothing is written: the poll of a
# client that left a second ago is still there five seconds later. A follower that reconnects ten times thus holds ten
# places. With `option abortonclose` the server learns it at once, as it does without a proxy.
set -eu
dir=$(mktemp -d)
cd "$dir"
libraries="liblua5.3-0 libopentracing-c-wrapper0 libopentracing1"
# Where a point release has taken the pinned one's place, the newer is tried.
# shellcheck disable=SC2086
apt-get download haproxy=2.6.12-1+deb12u4 $libraries >/dev/null 2>&1 ||
    apt-get download haproxy $libraries >/dev/null 2>&1
for package in *.deb; do dpkg -x "$package" .; done
export LD_LIBRARY_PATH="$dir/usr/lib/x86_64-linux-gnu"
cat >server.py <<'PY'
import select, socket, sys, threading, time
listener = socket.create_server(("127.0.0.1", 0))
print(listener.getsockname()[1], flush=True)
def wait(connection):
    request = b""
    while b"{}" not in request:
        request += connection.recv(4096)
    begun = time.monotonic()
    # A poll of 6 s: it holds its place until the client is seen to leave.
    gone = select.select([connection], [], [], 6)[0]
    held = time.monotonic() - begun
    with open(request.split(b" ")[1][1:].decode(), "w") as file:
        file.write("at once" if gone and held < 3 else "not at all")
while True:
    threading.Thread(target=wait, args=(listener.accept()[0],), daemon=True).start()
PY
python3 -u server.py >port & server=$!
trap 'kill $server $(cat haproxy.pid 2>/dev/null) 2>/dev/null || true' EXIT
until [ -s port ]; do :; done
free() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
plain=$(free); abort=$(free)
cat >haproxy.cfg <<H
global
    pidfile $dir/haproxy.pid
defaults
    mode http
    timeout connect 5s
    timeout client 50s
    timeout server 50s
listen plain
    bind 127.0.0.1:$plain
    server one 127.0.0.1:$(cat port)
listen abort
    bind 127.0.0.1:$abort
    option abortonclose
    server one 127.0.0.1:$(cat port)
H
usr/sbin/haproxy -v | head -1
usr/sbin/haproxy -D -f haproxy.cfg >/dev/null 2>&1
poll() { curl -s -m 1 -X POST -d '{}' "http://127.0.0.1:$1/$2" >/dev/null || true; }
poll "$(cat port)" direct & poll "$plain" plain & poll "$abort" abort &
for name in direct plain abort; do
    until [ -s "$name" ]; do sleep 0.2; done
done
echo "the client leaves after 1 s; the server notices, without a proxy: $(cat direct)"
echo "behind HAProxy: $(cat plain)"
echo "behind HAProxy with option abortonclose: $(cat abort)"
[ "$(cat direct), $(cat plain), $(cat abort)" = "at once, not at all, at once" ]
# Seen on 2026-11-30:
#   HAProxy version 2.6.12-1+deb12u4 2026/10/17 - https://haproxy.org/
#   the client leaves after 1 s; the server notices, without a proxy: at once
#   behind HAProxy: not at all
#   behind HAProxy with option abortonclose: at once
