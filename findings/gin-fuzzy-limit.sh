#!/bin/sh
# Plausible guess: gin_fuzzy_search_limit is a "soft upper limit of the number of rows returned", as PostgreSQL's
# documentation says: with 500, a search whose hits are fewer than 500 returns them all, and one with more some 500.
# Truth: the limit cuts the list of each word before the lists meet. Two common words together return a few of their
# hits, or none, with no error or notice, though the hits are far fewer than the limit.
set -eu
cd "$(mktemp -d)"
npm install --silent --no-audit --no-fund @electric-sql/pglite@0.5.17 >/dev/null
cat >look.mjs <<'JS'
import assert from 'node:assert'
import { PGlite } from '@electric-sql/pglite'

const db = new PGlite()
const value = async (sql) => Object.values((await db.query(sql)).rows[0])[0]
console.log((await value('SELECT version()')).split(' on ')[0])
// 40,000 people: 20,000 with the word anna, 20,000 with muller, 74 of them with both.
await db.exec(`CREATE TABLE person (name text);
  INSERT INTO person SELECT CASE WHEN n % 270 = 0 AND n <= 19980 THEN 'anna muller' WHEN n % 2 = 0 THEN 'anna smith'
    ELSE 'bob muller' END FROM generate_series(1, 40000) n;
  CREATE INDEX ON person USING gin (to_tsvector('simple', name)) WITH (fastupdate = off);
  ANALYZE person; SET enable_seqscan = off`)
const hits = (query) => value(`SELECT count(*)::int FROM person WHERE to_tsvector('simple', name) @@ '${query}'`)
const seen = {}
for (const limit of [0, 500]) {
  await db.exec(`SET gin_fuzzy_search_limit = ${limit}`)
  seen[limit] = []
  for (let time = 0; time < 5; time += 1) seen[limit].push(await hits('anna & muller'))
  console.log(`limit ${limit}: "anna & muller" in five searches:`, seen[limit].join(', '))
}
assert.deepEqual(seen[0], [74, 74, 74, 74, 74])
assert.ok(seen[500].every((found) => found < 37))
JS
node look.mjs
# Seen on 2026-11-30:
#   PostgreSQL 18.7 (PGlite 0.5.17)
#   limit 0: "anna & muller" in five searches: 74, 74, 74, 74, 74
#   limit 500: "anna & muller" in five searches: 0, 0, 0, 1, 1
