#!/bin/sh
# Plausible guess: `httpx` reads JSON lines with `iter_lines()`, since JSON text never holds a raw line break.
# Truth: `iter_lines()` breaks at every line boundary that Python knows. U+2028 and U+0085 may stand raw in a JSON
# string, so one event with such a note becomes several pieces, and none of them is JSON. A server that feeds such
# clients writes these characters as \u escapes; a client splits `iter_bytes()` at b"\n".
set -eu
cd "$(mktemp -d)"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check httpx==0.28.1
cat >read.py <<'PY'
import json
from importlib.metadata import version
import httpx

event = {"contact": "ann@example.com", "note": "first\u2028second\u0085third"}

def answer(text):
    transport = httpx.MockTransport(lambda request: httpx.Response(200, content=text.encode()))
    with httpx.Client(transport=transport) as client, client.stream("POST", "http://example.com/feed") as response:
        return list(response.iter_lines())

raw = answer(json.dumps(event, ensure_ascii=False) + "\n")
escaped = answer(json.dumps(event) + "\n")
print("httpx", version("httpx"))
print("one event, written raw:", len(raw), "lines")
print("one event, written with escapes:", len(escaped), "line")
assert len(raw) == 3
assert [json.loads(line) for line in escaped] == [event]
for piece in raw:
    try:
        json.loads(piece)
    except json.JSONDecodeError:
        continue
    raise SystemExit("a piece is JSON")
PY
venv/bin/python read.py
# Seen on 2026-11-30:
#   httpx 0.28.1
#   one event, written raw: 3 lines
#   one event, written with escapes: 1 line
