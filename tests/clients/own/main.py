"""Runs the scenarios with the Python client."""

import json
import sys
from collections.abc import Callable, Iterator
from typing import Any

import rollbook
from rollbook.api import ContactInput, FeedChange

given = json.load(sys.stdin)
LIST: str = given["list"]


def client(name: str, retry_for: float = 60, token: str = given["token"]) -> rollbook.Client:
    return rollbook.Client(given["urls"][name], token, retry_for=retry_for)


def scenario(name: str, work: Callable[[], dict[str, Any]]) -> None:
    try:
        seen = work()
    except rollbook.RollbookError as error:
        kind = type(error).__name__.removesuffix("Error")
        seen = {"error": kind, "code": error.code, "status": error.status}
        if name == "invalid":
            positions = [problem["position"] for problem in error.problems]
            seen |= {"first": error.first, "accepted": len(error.accepted), "positions": positions, "message": str(error)}
        if name == "gives up: cut":
            seen["key"] = error.idempotency_key is not None
    print(json.dumps({"scenario": name, **seen}))


def people(prefix: str, count: int, text: str = "x") -> Iterator[ContactInput]:
    for number in range(count):
        yield {"contact": f"{prefix}{number}", "name": text}


def large() -> Iterator[ContactInput]:
    for number in range(95):
        yield {"contact": f"large{number}", "variables": [{"name": "plan", "value": "x" * (10_000 if number else 1)}]}


def batches() -> dict[str, Any]:
    api = client("batches")
    sent = api.update_contacts(LIST, people("batch", 250), upsert=True)
    created = len(api.wait_for(sent[-1].request_id)["results"]["success"])
    return {"counts": [batch.count for batch in sent], "firsts": [batch.first for batch in sent], "created": created}


def same_key() -> dict[str, Any]:
    api = client("same key")
    first, second = (api.update_contacts(LIST, people("same", 150), upsert=True, key="import-py") for _ in range(2))
    return {"same": first == second}


def add(name: str, retry_for: float = 60) -> dict[str, Any]:
    sent = client(name, retry_for).add_contacts(LIST, [{"userId": f"add {name}"}])
    return {"ok": len(sent) == 1}


def write(name: str) -> dict[str, Any]:
    api = client(name)
    api.account_info()
    return {"ok": api.contact_list_create({"contactListName": f"py {name}"})["result"]}


def invalid() -> dict[str, Any]:
    wrong: list[ContactInput] = list(people("invalid", 150))
    wrong[120]["email"] = wrong[130]["email"] = "ann"
    return {"ok": client("invalid").update_contacts(LIST, wrong, upsert=True) == []}


def members() -> dict[str, Any]:
    api = client("members")
    one: ContactInput = {"contact": "member", "firstName": "Jo", "contactScore": 7}
    one["variables"] = [{"name": "plan", "value": "gold"}]
    api.contacts_update({"contactListId": LIST, "upsert": True, "contacts": [one]})
    clear: ContactInput = {"contact": "member", "variables": [{"name": "plan", "value": ""}]}
    api.contacts_update({"contactListId": LIST, "contacts": [clear]})
    last = api.contacts_update({"contactListId": LIST, "contacts": [{"contact": "member", "lastName": "Doe"}]})
    api.wait_for(last["requestId"])
    contact = api.contact_get({"contactListId": LIST, "userId": "member"})["contact"]
    assert contact is not None
    values = [variable["value"] for variable in contact["variables"]]
    return {"firstName": contact["firstName"], "score": contact["contactScore"], "variables": values}


def find() -> dict[str, Any]:
    pages = list(client("find").find_contacts({"contactListId": LIST, "limit": 250}))
    return {"contacts": sum(len(page["data"]) for page in pages), "cursors": sum("cursor" in page for page in pages)}


def follow() -> dict[str, Any]:
    api = client("follow")
    first = next(api.find_contacts({"contactListId": LIST, "limit": 1}))
    versions: list[ContactInput] = [{"contact": "followed", "firstName": "Jo"}, {"contact": "followed", "lastName": "Doe"}]
    for contact in versions:
        api.contacts_update({"contactListId": LIST, "upsert": True, "contacts": [contact]})
    changes: list[FeedChange] = []
    for page in api.follow({"contactListId": LIST, "after": first["cursor"], "include": "changes", "limit": 1}):
        changes += page["changes"]
        if len(changes) == 2:
            break
    fields = [list(change["fields"]) if change["action"] == "updated" else None for change in changes]
    cursors = len({change["cursor"] for change in changes})
    return {"actions": [change["action"] for change in changes], "fields": fields, "cursors": cursors}


def unknown_cursor() -> dict[str, Any]:
    api = client("unknown cursor")
    cursor = api.contacts_changes({})["next"]
    return {"next": next(api.follow({"contactListId": LIST, "after": cursor}))["next"]}


def later() -> dict[str, Any]:
    contact = client("later").contact_get({"contactListId": LIST, "userId": "member"})["contact"]
    assert contact is not None
    return {"name": contact["firstName"], "cac": contact["cac"]}


def wait() -> dict[str, Any]:
    api = client("wait")
    sent = api.update_contacts(LIST, people("wait", 1), upsert=True)
    return {"status": api.wait_for(sent[0].request_id, timeout=0.3)["status"]}


scenario("batches", batches)
scenario("large", lambda: {"counts": [batch.count for batch in client("large").update_contacts(LIST, large(), upsert=True)]})
scenario("same key", same_key)
for name in ("busy", "page", "cut before", "cut after", "cut within", "outcome unknown", "gateway", "not ours", "moved"):
    scenario(name, lambda: add(name))
for name in ("write cut", "write page", "write unknown", "write not saved", "write busy"):
    scenario(name, lambda: write(name))
scenario("read cut", lambda: {"ok": client("read cut").account_info()["result"]})
scenario("expired", lambda: {"next": next(client("expired").follow({"after": "x"}))["next"]})
scenario("invalid", invalid)
scenario("unauthorized", lambda: {"ok": client("unauthorized", token="none").account_info()["result"]})
for name in ("gives up: not saved", "gives up: busy", "gives up: cut"):
    scenario(name, lambda: add(name, 1.2))
scenario("gives up: read", lambda: {"ok": client("gives up: read", 1.2).account_info()["result"]})
scenario("unreachable", lambda: add("unreachable", 0))
scenario("wait", wait)
scenario("unknown request", lambda: {"ok": client("unknown request").wait_for("0" * 24)["id"]})
scenario("members", members)
scenario("unknown cursor", unknown_cursor)
scenario("find", find)
scenario("follow", follow)
scenario("later", later)
