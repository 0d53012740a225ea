#!/bin/sh
# Plausible guess: with retry-axios, `Retry-After: 0` ("at once", valid by RFC 9110) is the quickest retry.
# Truth: it is no retry at all. With 0, and with a date that has just passed, retry-axios hands the 429 to the caller
# after one request. Without the header, or with 1, it retries. A server that wants to help writes at least 1.
set -eu
cd "$(mktemp -d)"
npm install --silent --no-audit --no-fund axios@1.16.1 retry-axios@4.0.3 >/dev/null
cat >get.mjs <<'JS'
import assert from 'node:assert'
import { createServer } from 'node:http'
import { readFileSync } from 'node:fs'
import axios from 'axios'
import * as rax from 'retry-axios'

let arrived = 0, after
const server = createServer((request, response) => {
  arrived += 1
  if (arrived === 1) response.writeHead(429, after === undefined ? {} : { 'Retry-After': after }).end()
  else response.writeHead(200).end('{}')
}).listen(0, '127.0.0.1')
await new Promise((done) => server.once('listening', done))
const version = (name) => JSON.parse(readFileSync(`node_modules/${name}/package.json`)).version
console.log('axios', version('axios'), 'retry-axios', version('retry-axios'))
const seen = []
for (after of [undefined, '1', '0', new Date(Date.now() - 1000).toUTCString()]) {
  arrived = 0
  const client = axios.create()
  client.defaults.raxConfig = { instance: client, retry: 3 }
  rax.attach(client)
  const answer = client.get(`http://127.0.0.1:${server.address().port}/`)
  const status = await answer.then((response) => response.status, (error) => error.response.status)
  const name = after?.length > 2 ? 'a second ago' : String(after)
  seen.push([status, arrived])
  console.log(`Retry-After ${name}: status ${status}, ${arrived} requests`)
}
server.close()
assert.deepEqual(seen, [[200, 2], [200, 2], [429, 1], [429, 1]])
JS
node get.mjs
# Seen on 2026-11-30:
#   axios 1.16.1 retry-axios 4.0.3
#   Retry-After undefined: status 200, 2 requests
#   Retry-After 1: status 200, 2 requests
#   Retry-After 0: status 429, 1 requests
#   Retry-After a second ago: status 429, 1 requests
