#!/bin/sh
# Plausible guess: PHP's file_get_contents returns an answer whole, or false and a warning; it reads chunked answers, so
# it knows where they end.
# Truth: if the connection ends in the middle of a chunked answer, it returns the part that came, as a string, with no
# warning. The same for an answer that is shorter than its Content-Length. An export of contacts that broke looks
# complete. PHP's curl reports both (error 18).
set -eu
cd "$(mktemp -d)"
command -v php >/dev/null || apt-get install --yes --no-install-recommends php-cli php-curl >/dev/null
cat >server.py <<'PY'
import socket, threading
listener = socket.create_server(("127.0.0.1", 0))
print(listener.getsockname()[1], flush=True)
whole = b'{"email":"ann@example.com"}\n{"email":"bob@example.com"}\n'
def answer(connection):
    request = b""
    while b"\r\n\r\n" not in request:
        request += connection.recv(4096)
    connection.sendall(b"HTTP/1.1 200 OK\r\n")
    half = whole[:28]
    if b"/chunked" in request:
        connection.sendall(b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n" % (len(half), half))
    else:
        connection.sendall(b"Content-Length: %d\r\n\r\n%s" % (len(whole), half))
    connection.close()
while True:
    threading.Thread(target=answer, args=(listener.accept()[0],), daemon=True).start()
PY
python3 -u server.py >port & server=$!
trap 'kill $server 2>/dev/null || true' EXIT
until [ -s port ]; do :; done
cat >read.php <<'P'
<?php
set_error_handler(function ($level, $text) { echo "warning: $text\n"; return true; });
foreach (['chunked', 'length'] as $form) {
    $url = "http://127.0.0.1:{$argv[1]}/$form";
    $text = file_get_contents($url, false, stream_context_create(['http' => ['protocol_version' => 1.1]]));
    $curl = curl_init($url);
    curl_setopt($curl, CURLOPT_RETURNTRANSFER, true);
    curl_exec($curl);
    echo "$form: file_get_contents returned ", is_string($text) ? substr_count($text, "\n") : 'false', ' of 2 lines; ';
    echo 'curl error ', curl_errno($curl), "\n";
}
P
php -r 'echo "PHP ", PHP_VERSION, "\n";'
php read.php "$(cat port)" | tee seen
printf '%s\n' 'chunked: file_get_contents returned 1 of 2 lines; curl error 18' \
    'length: file_get_contents returned 1 of 2 lines; curl error 18' | cmp - seen
# Seen on 2026-11-30:
#   PHP 8.2.36
#   chunked: file_get_contents returned 1 of 2 lines; curl error 18
#   length: file_get_contents returned 1 of 2 lines; curl error 18
