"""Calls every tool with the Python SDK, over HTTP and by `rollbook mcp`, with the newest version of the protocol and with
an older one. The SDK holds answers against their schemas."""

import asyncio
import json
import os

import httpx2
from mcp import Client, StdioServerParameters
from mcp.client.streamable_http import streamable_http_client

URL, TOKEN, LIST = (os.environ[name] for name in ("URL", "TOKEN", "LIST"))


async def visit(client, via):
    async def call(tool, **arguments):
        result = await client.call_tool(tool, arguments)
        if result.is_error:
            return {"error": result.content[0].text.split(":")[0]}
        return result.structured_content

    tools = (await client.list_tools()).tools
    contact = f"py {via}"
    update = {"contactListId": LIST, "upsert": True, "contacts": [{"contact": contact, "firstName": "Jo", "contactScore": 7}]}
    planned = await call("update_contacts", **update)
    applied = await call("update_contacts", **update, plan=planned["plan"])
    one = {"contactListId": LIST, "by": {"kind": "userId", "value": contact}}
    got = await call("get_contact", **one)
    undo = applied["undo"]["arguments"]
    undoing = await call("undo_request", **undo)
    undone = await call("undo_request", **undo, plan=undoing["plan"])
    print(json.dumps({
        "via": via,
        "version": client.protocol_version,
        "tools": len(tools),
        "access": (await call("describe_access"))["mayWrite"],
        "lists": len((await call("list_contact_lists"))["lists"]) > 0,
        "planned": planned["applied"],
        "applied": applied["applied"],
        "score": got["contact"]["contactScore"],
        "found": len((await call("find_contacts", contactListId=LIST, filter={}, limit=1))["contacts"]),
        "searched": isinstance((await call("search_contacts", text=contact))["more"], bool),
        "history": len((await call("get_contact_history", **one))["changes"]),
        "changes": len((await call("read_changes", contactListId=LIST, after="start", limit=1))["changes"]),
        "requests": len((await call("list_requests", limit=1))["requests"]),
        "request": (await call("get_request", requestId=applied["requestId"]))["request"]["status"],
        "undone": undone["results"]["success"][0]["action"],
        "gone": (await call("get_contact", **one))["contact"],
        "refused": (await call("get_contact", **one, dryRun=True))["error"],
    }), flush=True)


async def main():
    command = StdioServerParameters(
        command=os.environ["ROLLBOOK"], args=["mcp"], env={"ROLLBOOK_URL": URL, "ROLLBOOK_TOKEN": TOKEN}
    )
    for mode in ("auto", "legacy"):
        async with httpx2.AsyncClient(headers={"Authorization": f"Bearer {TOKEN}"}, timeout=60) as http:
            async with Client(streamable_http_client(f"{URL}/mcp", http_client=http), mode=mode) as client:
                await visit(client, f"http {mode}")
        async with Client(command, mode=mode) as client:
            await visit(client, f"stdio {mode}")


asyncio.run(main())
