#!/bin/sh
# Plausible guess: libcurl sends a POST once. Retries are the caller's, since a repeated POST may be applied twice; and
# a connection that ends without an answer is an error (52, "Empty reply from server").
# Truth: on a connection that an earlier request used, libcurl sends the POST again by itself, on a new connection, and
# reports success. The server saw two, and it may have applied the first. On a fresh connection it is the error. A
# client that must not send twice sets CURLOPT_FRESH_CONNECT.
set -eu
cd "$(mktemp -d)"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check pycurl==7.45.7
cat >post.py <<'PY'
import io
import socket
import threading

import pycurl

arrived = []
listener = socket.create_server(("127.0.0.1", 0))

def serve(connection):
    """Answers a read. Takes each first POST whole, and ends the connection before its answer."""
    data = b""
    while True:
        received = connection.recv(4096)
        if not received:
            return connection.close()
        data += received
        while b"\r\n\r\n" in data:
            head, rest = data.split(b"\r\n\r\n", 1)
            length = next((int(line[15:]) for line in head.split(b"\r\n") if line.startswith(b"Content-Length:")), 0)
            if len(rest) < length:
                break
            method, data = head.split(b" ")[0].decode(), rest[length:]
            arrived.append(method)
            if method == "POST" and arrived.count("POST") == 1:
                return connection.close()
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")

def accept():
    while True:
        threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()

threading.Thread(target=accept, daemon=True).start()

def post(read_before):
    arrived.clear()
    curl = pycurl.Curl()
    curl.setopt(pycurl.URL, "http://127.0.0.1:%d/" % listener.getsockname()[1])
    curl.setopt(pycurl.WRITEDATA, io.BytesIO())
    if read_before:
        curl.perform()
    curl.setopt(pycurl.POSTFIELDS, '{"add": "ann@example.com"}')
    try:
        curl.perform()
        outcome = f"success, status {curl.getinfo(pycurl.RESPONSE_CODE)}"
    except pycurl.error as error:
        outcome = f"error {error.args[0]}"
    return outcome, arrived.count("POST")

print(pycurl.version.split(" ")[1])
fresh, reused = post(False), post(True)
print(f"on a fresh connection: {fresh[0]}; the server saw {fresh[1]} POST")
print(f"after a read on it:    {reused[0]}; the server saw {reused[1]} POSTs")
assert fresh == ("error 52", 1)
assert reused == ("success, status 200", 2)
PY
venv/bin/python post.py
# Seen on 2026-11-30:
#   libcurl/8.16.0-DEV
#   on a fresh connection: error 52; the server saw 1 POST
#   after a read on it:    success, status 200; the server saw 2 POSTs
