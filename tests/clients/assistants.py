"""What public clients of MCP do with the tools of a server: the same for each of them."""

import json
import os
import sys

# A client that validates answers fails by itself where an answer does not fit its schema.
EXPECTED = {
    "tools": 12, "access": True, "lists": True, "searched": True, "planned": False, "applied": True, "score": "7", "found": 1,
    "history": 2, "changes": 1, "requests": 1, "request": "processed", "undone": "removed", "gone": None,
    "refused": "INVALID_ARGUMENTS",
}
NEWEST, OLDER = "2026-07-28", "2025-11-25"
PYTHON = "mcp==2.3.0"


def typescript(work, run, fresh):
    directory = fresh("mcp", "mcp-typescript")
    run("npm", "install", "--no-audit", "--no-fund", cwd=directory)
    return ["node", directory / "main.mjs"], {"http": None, "stdio": None}


def python(work, run, fresh):
    directory, environment = fresh("mcp", "mcp-python"), work / "mcp-python-environment"
    if not (environment / "installed").exists() or (environment / "installed").read_text() != PYTHON:
        run(sys.executable, "-m", "venv", environment)
        run(environment / "bin/pip", "install", "-q", PYTHON)
        (environment / "installed").write_text(PYTHON)
    versions = {"http auto": NEWEST, "stdio auto": NEWEST, "http legacy": OLDER, "stdio legacy": OLDER}
    return [environment / "bin/python", directory / "main.py"], versions


ASSISTANTS = {"mcp-typescript": typescript, "mcp-python": python}


def try_assistant(server, run, rollbook, command, versions):
    """Has a client call every tool, over each transport; returns over how many."""
    target = server.call("contact-list/create", contactListName="Customers")["contactListId"]
    server.call("contacts/update", contactListId=target, upsert=True, contacts=[{"contact": "present"}])
    env = {"URL": server.url, "TOKEN": server.token, "LIST": target, "ROLLBOOK": os.path.abspath(rollbook)}
    visits = [json.loads(line) for line in run(*command, env=env).splitlines()]
    expected = []
    for via, version in versions.items():
        expected.append({"via": via, **({"version": version} if version else {}), **EXPECTED})
    for visit, wanted in zip(visits, expected, strict=True):
        if visit != wanted:
            raise RuntimeError(f"{json.dumps(visit)} and not {json.dumps(wanted)}")
    return len(visits)
