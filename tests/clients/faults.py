"""Stands between a client and the server, and fails as servers, proxies and networks do."""

import http.client
import http.server
import json
import threading
import urllib.parse

PAGE = b"<html><body><h1>502 Bad Gateway</h1></body></html>"


def refused(code, position=None):
    """The body of a rejected request."""
    problem = {"position": position, "field": None, "code": code, "message": "the text of the server"}
    return json.dumps({"result": False, "errors": ["the text of the server"], "details": [problem]}).encode()


# A fault is a status, headers and a body, or one of these:
# the connection ends before the server sees the request; after the server answered; in the middle of its answer.
CUT_BEFORE, CUT_AFTER, CUT_WITHIN = "cut before", "cut after", "cut within"
BUSY = (429, {"Retry-After": "1"}, refused("TOO_MANY_CONCURRENT_REQUESTS"))
NOT_SAVED = (503, {"Retry-After": "1"}, refused("NOT_SAVED"))
UNKNOWN = (503, {}, refused("OUTCOME_UNKNOWN"))
BAD_GATEWAY = (502, {"Content-Type": "text/html"}, PAGE)
GATEWAY = (504, {}, b'{"message": "Endpoint request timed out", "details": ["x"]}')
MOVED = (301, {"Location": "https://contacts.example.com/"}, b"")


class Faults:
    """Answers each request by the next of `plan`; None, and the end of the plan, pass it to the server.

    `seen` are the requests that arrived: path, Idempotency-Key and body.
    """

    def __init__(self, server, plan, always=None):
        self.seen = []
        plan = list(plan)
        faults, target = self, urllib.parse.urlsplit(server).netloc

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                faults.seen.append((self.path, self.headers.get("Idempotency-Key"), body))
                fault = plan.pop(0) if plan else always
                if isinstance(fault, tuple):
                    self.answer(*fault)
                elif fault == CUT_BEFORE:
                    self.cut()
                else:
                    self.relay(body, fault)

            def relay(self, body, fault):
                connection = http.client.HTTPConnection(target, timeout=60)
                names = ("Access-Token", "Idempotency-Key", "Content-Type")
                headers = {name: self.headers[name] for name in names if name in self.headers}
                connection.request("POST", self.path, body, headers)
                answer = connection.getresponse()
                told = answer.read()
                connection.close()
                if fault == CUT_AFTER:
                    self.cut()
                elif fault == CUT_WITHIN:
                    self.answer(answer.status, {}, told, len(told) + 10)
                    self.cut()
                else:
                    self.answer(answer.status, {}, fault(told) if callable(fault) else told)

            def answer(self, status, headers, body, length=None):
                self.send_response(status)
                for name, value in {"Content-Type": "application/json", **headers}.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body) if length is None else length))
                self.end_headers()
                self.wfile.write(body)

            def cut(self):
                self.close_connection = True

            def log_message(self, *_):
                pass

        self.http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_port}"
        threading.Thread(target=self.http.serve_forever, daemon=True).start()

    def close(self):
        self.http.shutdown()
        self.http.server_close()
