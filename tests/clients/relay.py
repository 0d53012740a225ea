"""Stands between a client and the server: remembers bodies, and answers as a later version of the server may.

Requests about the contact `later` get members and codes that the description does not know.
"""

import http.server
import json
import threading
import urllib.error
import urllib.request


class Relay:
    """Relays to a server while it is open; `bodies` are the requests of contacts/update."""

    def __init__(self, server):
        self.bodies = []
        relay = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.read()
                request = urllib.request.Request(server + self.path, data=body, method="POST")
                request.add_header("Access-Token", self.headers.get("Access-Token", ""))
                try:
                    with urllib.request.urlopen(request, timeout=60) as answer:
                        status, told = answer.status, json.load(answer)
                except urllib.error.HTTPError as error:
                    status, told = error.code, json.load(error)
                sent = json.loads(body)
                if self.path == "/v3/contacts/update":
                    relay.bodies.append(sent)
                told = json.dumps(of_a_later_version(sent, told)).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(told)))
                self.end_headers()
                self.wfile.write(told)

            def read(self):
                if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
                    return self.rfile.read(int(self.headers.get("Content-Length", 0)))
                body = b""
                while size := int(self.rfile.readline().split(b";")[0], 16):
                    body += self.rfile.read(size)
                    self.rfile.readline()
                self.rfile.readline()
                return body

            def log_message(self, *_):
                pass

        self.http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_port}"
        threading.Thread(target=self.http.serve_forever, daemon=True).start()

    def close(self):
        self.http.shutdown()
        self.http.server_close()


def of_a_later_version(sent, told):
    """An answer about the contact `later` with members and codes that nobody knows yet; any other as it is."""
    if "later" not in (sent.get("userId"), *(contact.get("contact") for contact in sent.get("contacts") or [])):
        return told
    told["laterMember"] = {"a": [1]}
    if told.get("contact"):
        told["contact"]["laterMember"] = {"a": [1]}
        told["contact"]["cac"] = {"value": "1.00000", "currency": "XTS", "laterMember": True}
    if "requestId" in told:
        warning = {"position": 0, "field": "x", "code": "LATER_CODE", "message": "x", "laterMember": True}
        told["warnings"] = [warning]
    return told
