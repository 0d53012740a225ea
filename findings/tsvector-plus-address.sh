#!/bin/sh
# Plausible guess: PostgreSQL's full-text parser knows e-mail addresses (it has a token type for them), so addresses
# can go into a tsvector and are found as they are typed.
# Truth: an address with a plus tag is not one token. `anna.maria+news@example.com` is indexed as the name
# `anna.maria` and as the address of somebody else, `news@example.com`; a search for that address finds Anna. And a
# plain address is found by its first letters and as a whole, but not while the part behind the @ is being typed.
set -eu
cd "$(mktemp -d)"
npm install --silent --no-audit --no-fund @electric-sql/pglite@0.5.17 >/dev/null
cat >look.mjs <<'JS'
import assert from 'node:assert'
import { PGlite } from '@electric-sql/pglite'

const db = new PGlite()
const value = async (sql) => Object.values((await db.query(sql)).rows[0])[0]
const found = (text, query) => value(`SELECT to_tsvector('simple', '${text}') @@ to_tsquery('simple', '''${query}'':*')`)

console.log((await value('SELECT version()')).split(' on ')[0])
const words = await value(`SELECT to_tsvector('simple', 'anna.maria+news@example.com')::text`)
console.log('anna.maria+news@example.com is indexed as', words)
const stranger = await found('anna.maria+news@example.com', 'news@example.com')
console.log('a search for news@example.com finds it:', stranger)
const typed = {}
for (const query of ['anna.mar', 'anna.maria@exam', 'anna.maria@example.com'])
  typed[query] = await found('anna.maria@example.com', query)
console.log('anna.maria@example.com, typed so far:', typed)
assert.equal(words, "'anna.maria':1 'news@example.com':2")
assert.equal(stranger, true)
assert.deepEqual(Object.values(typed), [true, false, true])
JS
node look.mjs
# Seen on 2026-11-30:
#   PostgreSQL 18.7 (PGlite 0.5.17)
#   anna.maria+news@example.com is indexed as 'anna.maria':1 'news@example.com':2
#   a search for news@example.com finds it: true
#   anna.maria@example.com, typed so far: {
#     'anna.mar': true,
#     'anna.maria@exam': false,
#     'anna.maria@example.com': true
#   }
