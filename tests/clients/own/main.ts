// Runs the scenarios with the TypeScript client.
import { readFileSync } from "node:fs";
import { Client, type ContactInput, RollbookError } from "@rollbook/client";

interface Given {
  token: string;
  list: string;
  urls: Record<string, string>;
}

const given = JSON.parse(readFileSync(0, "utf8")) as Given;
const contactListId = given.list;

const client = (name: string, retryFor = 60_000, token = given.token): Client =>
  new Client(given.urls[name] ?? "", token, { retryFor });

async function scenario(name: string, work: () => Promise<object>): Promise<void> {
  let seen: object;
  try {
    seen = await work();
  } catch (error) {
    if (!(error instanceof RollbookError)) {
      throw error;
    }
    seen = { error: error.name.replace(/Error$/, ""), code: error.code ?? null, status: error.status ?? null };
    if (name === "invalid") {
      const positions = error.problems.map((problem) => problem.position);
      seen = { ...seen, first: error.first, accepted: error.accepted.length, positions, message: error.message };
    }
    if (name === "gives up: cut") {
      seen = { ...seen, key: error.idempotencyKey !== undefined };
    }
  }
  console.log(JSON.stringify({ scenario: name, ...seen }));
}

function* people(prefix: string, count: number): Generator<ContactInput> {
  for (let number = 0; number < count; number += 1) {
    yield { contact: `${prefix}${number}`, name: "x" };
  }
}

async function* large(): AsyncGenerator<ContactInput> {
  for (let number = 0; number < 95; number += 1) {
    yield { contact: `large${number}`, variables: [{ name: "plan", value: "x".repeat(number > 0 ? 10_000 : 1) }] };
  }
}

async function add(name: string, retryFor?: number): Promise<object> {
  const sent = await client(name, retryFor).addContacts(contactListId, [{ userId: `add ${name}` }]);
  return { ok: sent.length === 1 };
}

async function write(name: string): Promise<object> {
  const api = client(name);
  await api.accountInfo();
  return { ok: (await api.contactListCreate({ contactListName: `ts ${name}` })).result };
}

await scenario("batches", async () => {
  const api = client("batches");
  const sent = await api.updateContacts(contactListId, people("batch", 250), { upsert: true });
  const { results } = await api.waitFor(sent.at(-1)?.requestId ?? "");
  return { counts: sent.map(({ count }) => count), firsts: sent.map(({ first }) => first), created: results.success.length };
});
await scenario("large", async () => {
  const sent = await client("large").updateContacts(contactListId, large(), { upsert: true });
  return { counts: sent.map(({ count }) => count) };
});
await scenario("same key", async () => {
  const api = client("same key");
  const send = () => api.updateContacts(contactListId, people("same", 150), { upsert: true, key: "import-ts" });
  return { same: JSON.stringify(await send()) === JSON.stringify(await send()) };
});
for (const name of ["busy", "page", "cut before", "cut after", "cut within", "outcome unknown", "gateway", "not ours", "moved"]) {
  await scenario(name, () => add(name));
}
for (const name of ["write cut", "write page", "write unknown", "write not saved", "write busy"]) {
  await scenario(name, () => write(name));
}
await scenario("read cut", async () => ({ ok: (await client("read cut").accountInfo()).result }));
await scenario("expired", async () => await client("expired").follow({ after: "x" }).next());
await scenario("invalid", async () => {
  const wrong = [...people("invalid", 150)];
  Object.assign(wrong[120] ?? {}, { email: "ann" });
  Object.assign(wrong[130] ?? {}, { email: "ann" });
  return client("invalid").updateContacts(contactListId, wrong, { upsert: true });
});
await scenario("unauthorized", () => client("unauthorized", 60_000, "none").accountInfo());
for (const name of ["gives up: not saved", "gives up: busy", "gives up: cut"]) {
  await scenario(name, () => add(name, 1_200));
}
await scenario("gives up: read", () => client("gives up: read", 1_200).accountInfo());
await scenario("unreachable", () => add("unreachable", 0));
await scenario("wait", async () => {
  const api = client("wait");
  const sent = await api.updateContacts(contactListId, people("wait", 1), { upsert: true });
  return api.waitFor(sent[0]?.requestId ?? "", { timeout: 300 });
});
await scenario("unknown request", () => client("unknown request").waitFor("0".repeat(24)));
await scenario("members", async () => {
  const api = client("members");
  const update = (contact: ContactInput) => api.contactsUpdate({ contactListId, upsert: true, contacts: [contact] });
  await update({ contact: "member", firstName: "Jo", contactScore: 7, variables: [{ name: "plan", value: "gold" }] });
  await update({ contact: "member", variables: [{ name: "plan", value: "" }] });
  await api.waitFor((await update({ contact: "member", lastName: "Doe" })).requestId);
  const { contact } = await api.contactGet({ contactListId, userId: "member" });
  const variables = contact?.variables.map(({ value }) => value);
  return { firstName: contact?.firstName, score: contact?.contactScore, variables };
});
await scenario("unknown cursor", async () => {
  const api = client("unknown cursor");
  const { next } = await api.contactsChanges({});
  return await api.follow({ contactListId, after: next }).next();
});
await scenario("find", async () => {
  const pages = [];
  for await (const page of client("find").findContacts({ contactListId, limit: 250 })) {
    pages.push(page);
  }
  const contacts = pages.reduce((sum, { data }) => sum + data.length, 0);
  return { contacts, cursors: pages.filter(({ cursor }) => cursor !== undefined).length };
});
await scenario("follow", async () => {
  const api = client("follow");
  const first = await api.findContacts({ contactListId, limit: 1 }).next();
  for (const name of [{ firstName: "Jo" }, { lastName: "Doe" }]) {
    await api.contactsUpdate({ contactListId, upsert: true, contacts: [{ contact: "followed", ...name }] });
  }
  const changes = [];
  const after = first.value?.cursor;
  for await (const page of api.follow({ contactListId, after, include: "changes", limit: 1 })) {
    changes.push(...page.changes);
    if (changes.length === 2) {
      break;
    }
  }
  const fields = changes.map(({ action, fields }) => (action === "updated" ? Object.keys(fields ?? {}) : null));
  const cursors = new Set(changes.map(({ cursor }) => cursor)).size;
  return { actions: changes.map(({ action }) => action), fields, cursors };
});
await scenario("later", async () => {
  const { contact } = await client("later").contactGet({ contactListId, userId: "member" });
  return { name: contact?.firstName, cac: contact?.cac };
});
