#!/bin/sh
# Plausible guess: `"value": true` is a valid JSON Schema (it allows anything), so one tool with such a property is at
# worst shown without a form.
# Truth: the MCP TypeScript SDK 1.x checks `properties` as objects. One such property in one tool makes `listTools()`
# throw, so the client loses every tool of the server. Rust's schemars writes exactly this for `serde_json::Value`.
# The same schema as `{}` passes.
set -eu
cd "$(mktemp -d)"
npm install --silent --no-audit --no-fund @modelcontextprotocol/sdk@1.32.2 >/dev/null
cat >list.mjs <<'JS'
import assert from 'node:assert'
import { readFileSync } from 'node:fs'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { InMemoryTransport } from '@modelcontextprotocol/sdk/inMemory.js'

async function tools(anything) {
  const [near, far] = InMemoryTransport.createLinkedPair()
  const answers = {
    initialize: (params) => ({
      protocolVersion: params.protocolVersion, capabilities: { tools: {} }, serverInfo: { name: 'x', version: '1' } }),
    'tools/list': () => ({ tools: [
      { name: 'find', inputSchema: { type: 'object', properties: { email: { type: 'string' } } } },
      { name: 'set', inputSchema: { type: 'object', properties: { value: anything } } } ] }),
  }
  far.onmessage = ({ id, method, params }) =>
    id !== undefined && far.send({ jsonrpc: '2.0', id, result: answers[method](params) })
  await far.start()
  const client = new Client({ name: 'y', version: '1' })
  await client.connect(near)
  try {
    return (await client.listTools()).tools.map((tool) => tool.name).join(', ')
  } catch (error) {
    return error.constructor.name
  }
}

const { version } = JSON.parse(readFileSync('node_modules/@modelcontextprotocol/sdk/package.json'))
console.log('@modelcontextprotocol/sdk', version)
const [open, boolean] = [await tools({}), await tools(true)]
console.log('"value": {}   ->', open)
console.log('"value": true ->', boolean)
assert.equal(open, 'find, set')
assert.match(boolean, /Zod/)
JS
node list.mjs
# Seen on 2026-11-30:
#   @modelcontextprotocol/sdk 1.32.2
#   "value": {}   -> find, set
#   "value": true -> $ZodError
