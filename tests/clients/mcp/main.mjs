// Calls every tool with the TypeScript SDK, over HTTP and by `rollbook mcp`. The SDK holds answers against their schemas.
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";

const { URL: url, TOKEN: token, LIST: contactListId, ROLLBOOK: rollbook } = process.env;
const transports = {
  http: () =>
    new StreamableHTTPClientTransport(new globalThis.URL(`${url}/mcp`), {
      requestInit: { headers: { Authorization: `Bearer ${token}` } },
    }),
  stdio: () =>
    new StdioClientTransport({
      command: rollbook,
      args: ["mcp"],
      env: { ROLLBOOK_URL: url, ROLLBOOK_TOKEN: token },
    }),
};

for (const [via, transport] of Object.entries(transports)) {
  const client = new Client({ name: "test", version: "1" });
  await client.connect(transport());
  const { tools } = await client.listTools();
  const call = async (name, args = {}) => {
    const result = await client.callTool({ name, arguments: args });
    return result.isError ? { error: result.content[0].text.split(":")[0] } : result.structuredContent;
  };
  const contact = `ts ${via}`;
  const update = { contactListId, upsert: true, contacts: [{ contact, firstName: "Jo", contactScore: 7 }] };
  const planned = await call("update_contacts", update);
  const applied = await call("update_contacts", { ...update, plan: planned.plan });
  const by = { kind: "userId", value: contact };
  const got = await call("get_contact", { contactListId, by });
  const undo = applied.undo.arguments;
  const undoing = await call("undo_request", undo);
  const undone = await call("undo_request", { ...undo, plan: undoing.plan });
  console.log(
    JSON.stringify({
      via,
      tools: tools.length,
      access: (await call("describe_access")).mayWrite,
      lists: (await call("list_contact_lists")).lists.length > 0,
      planned: planned.applied,
      applied: applied.applied,
      score: got.contact.contactScore,
      found: (await call("find_contacts", { contactListId, filter: {}, limit: 1 })).contacts.length,
      searched: typeof (await call("search_contacts", { text: contact })).more === "boolean",
      history: (await call("get_contact_history", { contactListId, by })).changes.length,
      changes: (await call("read_changes", { contactListId, after: "start", limit: 1 })).changes.length,
      requests: (await call("list_requests", { limit: 1 })).requests.length,
      request: (await call("get_request", { requestId: applied.requestId })).request.status,
      undone: undone.results.success[0].action,
      gone: (await call("get_contact", { contactListId, by })).contact,
      refused: (await call("get_contact", { contactListId, by, dryRun: true })).error,
    }),
  );
  await client.close();
}
