#!/bin/sh
# Plausible guess: if a server breaks off in the middle of a chunked answer, a client behind a proxy sees an error.
# Truth: nginx 1.22, with no line but `proxy_pass`, asks the server by HTTP/1.0, where the end of the
# connection is the end of the answer. The client gets a last chunk, and curl exits with 0: a feed of JSON lines that
# broke looks complete. With `proxy_http_version 1.1` the break is passed on. So a stream needs a last line of its own.
set -eu
dir=$(mktemp -d)
cd "$dir"
apt-get download nginx=1.22.1-9+deb12u11 >/dev/null 2>&1 || apt-get download nginx >/dev/null 2>&1
for package in nginx_*.deb; do dpkg -x "$package" .; done
cat >server.py <<'PY'
import socket, threading
listener = socket.create_server(("127.0.0.1", 0))
print(listener.getsockname()[1], flush=True)
def answer(connection):
    request = b""
    while b"\r\n\r\n" not in request:
        request += connection.recv(4096)
    chunked = b"HTTP/1.1" in request.split(b"\r\n")[0]
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\n"
    line = b'{"cursor":"1"}\n'
    if chunked:
        connection.sendall(head + b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n" % (len(line), line))
    else:
        connection.sendall(head + b"Connection: close\r\n\r\n" + line)
    connection.close()
while True:
    threading.Thread(target=answer, args=(listener.accept()[0],), daemon=True).start()
PY
python3 -u server.py >port & server=$!
trap 'kill $server $(cat nginx.pid 2>/dev/null) 2>/dev/null || true' EXIT
until [ -s port ]; do :; done
free() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
one=$(free); two=$(free)
cat >nginx.conf <<N
pid $dir/nginx.pid; error_log $dir/error.log; daemon on; master_process off;
events {}
http { access_log off; client_body_temp_path $dir/b; proxy_temp_path $dir/p; fastcgi_temp_path $dir/f;
uwsgi_temp_path $dir/u; scgi_temp_path $dir/s;
server { listen 127.0.0.1:$one; location / { proxy_pass http://127.0.0.1:$(cat port); } }
server { listen 127.0.0.1:$two; location / { proxy_pass http://127.0.0.1:$(cat port); proxy_http_version 1.1; } } }
N
usr/sbin/nginx -v 2>&1
usr/sbin/nginx -c "$dir/nginx.conf" -e "$dir/error.log"
code() { curl -s -o /dev/null -X POST -d '{}' "http://127.0.0.1:$1/" && echo 0 || echo $?; }
direct=$(code "$(cat port)"); shipped=$(code "$one"); eleven=$(code "$two")
echo "curl's exit code, straight from the server: $direct"
echo "through nginx, proxy_pass alone: $shipped"
echo "through nginx, proxy_http_version 1.1: $eleven"
[ "$direct" = 18 ] && [ "$shipped" = 0 ] && [ "$eleven" = 18 ]
# Seen on 2026-11-30:
#   nginx version: nginx/1.22.1
#   curl's exit code, straight from the server: 18
#   through nginx, proxy_pass alone: 0
#   through nginx, proxy_http_version 1.1: 18
