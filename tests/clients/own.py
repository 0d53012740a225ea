"""What the clients of `clients/` do on a good day and on a bad one: the same for each language.

A client's program (own/main.*) runs every scenario against the address that it is given for it, and prints a line of
JSON for each. The expectations stand here once.
"""

import json
import os
import pathlib
import socket
import subprocess
import sys

from faults import BAD_GATEWAY, BUSY, CUT_AFTER, CUT_BEFORE, CUT_WITHIN, GATEWAY, MOVED, NOT_SAVED, UNKNOWN, Faults

HERE = pathlib.Path(__file__).resolve().parent
CLIENTS = HERE.parent.parent / "clients"


def changed(change):
    """A fault that changes the members of an answer."""

    def apply(told):
        answer = json.loads(told)
        change(answer)
        return json.dumps(answer).encode()

    return apply


def later(answer):
    answer["laterMember"] = {"a": [1]}
    answer["contact"]["laterMember"] = {"a": [1]}


def queued(answer):
    for request in answer["requests"].values():
        request["status"] = "queued"


def error(kind, code=None, status=None, **more):
    return {"error": kind, "code": code, "status": status, **more}


# Name, plan, what follows the plan, what the client reports, how many requests arrive, and how many keys they have.
SCENARIOS = [
    # 250 contacts from a generator, the second batch rejected once; the results of the last batch.
    ("batches", [None, NOT_SAVED], None, {"counts": [100, 100, 50], "firsts": [0, 100, 200], "created": 50}, None, 3),
    # A batch is full before it has a hundred contacts.
    ("large", [], None, {"counts": [90, 5]}, 2, 2),
    # The same input under one key is applied once.
    ("same key", [], None, {"same": True}, 4, 2),
    ("busy", [BUSY], None, {"ok": True}, 2, 1),
    ("page", [BAD_GATEWAY], None, {"ok": True}, 2, 1),
    ("gateway", [GATEWAY], None, {"ok": True}, 2, 1),
    ("cut before", [CUT_BEFORE], None, {"ok": True}, 2, 1),
    ("cut after", [CUT_AFTER], None, {"ok": True}, 2, 1),
    ("cut within", [CUT_WITHIN], None, {"ok": True}, 2, 1),
    ("outcome unknown", [UNKNOWN], None, {"ok": True}, 2, 1),
    # Without a key nothing is sent twice, also not by a library on a connection that was used before.
    ("write cut", [None, CUT_AFTER], None, error("OutcomeUnknown"), 2, 0),
    ("write page", [None, BAD_GATEWAY], None, error("OutcomeUnknown", None, 502), 2, 0),
    ("write unknown", [None, UNKNOWN], None, error("OutcomeUnknown", "OUTCOME_UNKNOWN", 503), 2, 0),
    # The server promises that it stored nothing.
    ("write not saved", [None, NOT_SAVED], None, {"ok": True}, 3, 0),
    ("write busy", [None, BUSY], None, {"ok": True}, 3, 0),
    ("read cut", [CUT_WITHIN, BAD_GATEWAY], None, {"ok": True}, 3, 0),
    ("invalid", [], None, error("Validation", "INVALID_EMAIL", 400, first=100, accepted=1,
                                positions=[20, 30], message="400: INVALID_EMAIL in email at position 20, "
                                "INVALID_EMAIL in email at position 30"), 2, 2),
    ("unauthorized", [], None, error("Unauthorized", "INVALID_TOKEN", 401), 1, 0),
    ("gives up: not saved", [], NOT_SAVED, error("Unavailable", "NOT_SAVED", 503), None, 1),
    ("gives up: busy", [], BUSY, error("TooManyRequests", "TOO_MANY_CONCURRENT_REQUESTS", 429), None, 1),
    ("gives up: cut", [CUT_AFTER], NOT_SAVED, error("OutcomeUnknown", "NOT_SAVED", 503, key=True), None, 1),
    ("gives up: read", [], BAD_GATEWAY, error("Unavailable", None, 502), None, 0),
    ("unreachable", None, None, error("Unavailable"), None, None),
    ("not ours", [(400, {}, GATEWAY[2])], None, error("Validation", None, 400), 1, 1),
    ("moved", [MOVED], None, error("Rollbook", None, 301), 1, 1),
    ("expired", [(410, {}, json.dumps({"result": False, "errors": ["x"], "details": [
        {"position": None, "field": "after", "code": "CURSOR_EXPIRED", "message": "x"}]}).encode())], None,
     error("CursorExpired", "CURSOR_EXPIRED", 410), 1, 0),
    # A cursor over all lists is none of one list.
    ("unknown cursor", [], None, error("CursorExpired", "CURSOR_UNKNOWN", 400), 2, 0),
    ("wait", [None], changed(queued), error("WaitTimeout"), None, 1),
    ("unknown request", [], None, error("Rollbook"), 1, 0),
    # One member set, and nothing cleared; a variable cleared.
    ("members", [], None, {"firstName": "Jo", "score": "7", "variables": [None]}, None, 3),
    # All contacts that the scenarios before made, in pages of 250.
    ("find", [], None, {"contacts": 605, "cursors": 1}, None, 0),
    # From the cursor of a first page: a creation and an update, each once and in order, though two polls fail.
    ("follow", [None, None, None, BAD_GATEWAY, CUT_WITHIN], None,
     {"actions": ["created", "updated"], "fields": [None, ["lastName"]], "cursors": 2}, None, 2),
    # A later version adds members.
    ("later", [changed(later)], None, {"name": "Jo", "cac": None}, 1, 0),
]
# Each batch of the scenarios that is accepted, once.
ACCEPTED = 22


def php(work, run, fresh):
    directory = fresh("own", "client-php")
    project = {
        "repositories": [
            {"type": "path", "url": str(CLIENTS / "php"), "options": {"symlink": False}},
            {"packagist.org": False},
        ],
        "require": {"rollbook/client": "*"},
    }
    (directory / "composer.json").write_text(json.dumps(project))
    run("composer", "install", "--no-interaction", "--quiet", cwd=directory, env={"COMPOSER_ALLOW_SUPERUSER": "1"})
    (directory / "example.php").write_text(readme("php"))
    return ["php"], directory / "main.php", directory / "example.php"


def python(work, run, fresh):
    directory = fresh("own", "client-python")
    environment, wanted = work / "own-python", "mypy==2.4.1 urllib3==2.8.0 hatchling==1.28.0 editables==0.5"
    if not (environment / "installed").exists() or (environment / "installed").read_text() != wanted:
        run(sys.executable, "-m", "venv", environment)
        run(environment / "bin/pip", "install", "-q", *wanted.split())
        (environment / "installed").write_text(wanted)
    pip = [environment / "bin/pip", "install", "-q", "--no-deps", "--force-reinstall", "--no-build-isolation"]
    run(*pip, CLIENTS / "python")
    (directory / "example.py").write_text(readme("python"))
    run(environment / "bin/mypy", "--strict", "main.py", "example.py", cwd=directory)
    run(environment / "bin/mypy", "--strict", CLIENTS / "python/src/rollbook", cwd=directory)
    return [environment / "bin/python"], directory / "main.py", directory / "example.py"


def typescript(work, run, fresh):
    directory = fresh("own", "client-typescript")
    (directory / "example.ts").write_text(readme("typescript"))
    run("npm", "install", "--no-audit", "--no-fund", "--install-links", CLIENTS / "typescript", cwd=directory)
    run(directory / "node_modules/.bin/tsc", "--project", directory)
    return ["node"], directory / "out/main.js", directory / "out/example.js"


def readme(language):
    """The example of a client's README."""
    text = (CLIENTS / language / "README.md").read_text()
    return text.split(f"```{language}\n")[1].split("```")[0]


OWN = {"client-php": php, "client-python": python, "client-typescript": typescript}


def closed_address():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return "http://%s:%d" % probe.getsockname()


def try_own(server, command, scenarios, example):
    """Runs the scenarios and the example of the README. A difference is an error."""
    target = server.call("contact-list/create", contactListName=f"Customers {scenarios.suffix}")
    target = target["contactListId"]
    server.call("contact-list/variables/add", contactListId=target, variables=[{"name": "plan", "type": "ENUM_STRING"}])
    relays = {name: Faults(server.url, plan, always) for name, plan, always, *_ in SCENARIOS if plan is not None}
    urls = {name: relays[name].url if name in relays else closed_address() for name, *_ in SCENARIOS}
    given = json.dumps({"token": server.token, "list": target, "urls": urls})
    try:
        done = subprocess.run([*command, scenarios], input=given, text=True, capture_output=True, timeout=300)
    finally:
        for relay in relays.values():
            relay.close()
    if done.returncode != 0:
        raise RuntimeError(done.stdout + done.stderr)
    reported = {}
    for line in done.stdout.splitlines():
        entry = json.loads(line)
        reported[entry.pop("scenario")] = entry
    faults = []
    for name, _, _, expected, arrived, keys in SCENARIOS:
        if reported.get(name) != expected:
            faults.append(f"{name}: {json.dumps(reported.get(name))} and not {json.dumps(expected)}")
        if name not in relays:
            continue
        seen = relays[name].seen
        if arrived is not None and len(seen) != arrived:
            faults.append(f"{name}: {len(seen)} requests arrived, not {arrived}")
        if len({key for _, key, _ in seen if key}) != keys:
            faults.append(f"{name}: {[(path, key) for path, key, _ in seen]} have not {keys} keys")
        # One key, one body.
        if len({(path, key, body) for path, key, body in seen if key}) != keys:
            faults.append(f"{name}: another body under the same key")
    if faults:
        raise RuntimeError("\n".join(faults))
    # Those that the server accepted: one for each batch, however often it was sent.
    requests = server.call("request/list", contactListId=target, limit=1)["totalCount"]
    if requests != ACCEPTED:
        raise RuntimeError(f"the server accepted {requests} requests, not {ACCEPTED}")
    known = {"ROLLBOOK_URL": server.url, "ROLLBOOK_TOKEN": server.token, "CONTACT_LIST": target}
    shown = subprocess.run([*command, example], env={**os.environ, **known}, text=True, capture_output=True, timeout=60)
    if (shown.returncode, shown.stdout) != (0, "2 applied\n"):
        raise RuntimeError(f"the example of the README: {shown.stdout}{shown.stderr}")
