#!/bin/sh
# Plausible guess: nodemailer's `list: { unsubscribe: [link, address] }` writes one List-Unsubscribe header with both
# URIs: RFC 2369 shows it so, and forbids a second header of the name.
# Truth: it writes two headers. A reader takes one of them: nodemailer's own mailparser keeps the last and loses the
# link, and a DKIM signature that names the header once covers the last one. A list in a list makes one header.
set -eu
cd "$(mktemp -d)"
npm install --silent --no-audit --no-fund nodemailer@10.6.1 mailparser@3.14.2 >/dev/null
cat >mail.cjs <<'JS'
const assert = require('node:assert')
const nodemailer = require('nodemailer')
const { simpleParser } = require('mailparser')
const link = 'https://contacts.example.com/u/0123456789abcdefghijkl'
const transport = nodemailer.createTransport({ streamTransport: true, buffer: true })
const send = async (unsubscribe) => {
  const mail = { from: 'shop@example.com', to: 'ann@example.com', subject: 'News', text: 'Hello' }
  const { message } = await transport.sendMail({ ...mail, list: { unsubscribe } })
  const headers = message.toString().split('\r\n\r\n')[0].match(/^List-Unsubscribe:/gim).length
  return { headers, read: (await simpleParser(message)).headers.get('list').unsubscribe }
}
;(async () => {
  console.log('nodemailer', require('nodemailer/package.json').version)
  const list = await send([link, 'leave@example.com'])
  const nested = await send([[link, 'leave@example.com']])
  console.log('a list:          ', JSON.stringify(list))
  console.log('a list in a list:', JSON.stringify(nested))
  assert.deepEqual(list, { headers: 2, read: { mail: 'leave@example.com' } })
  assert.deepEqual(nested, { headers: 1, read: { url: link, mail: 'leave@example.com' } })
})()
JS
node mail.cjs
# Seen on 2026-11-30:
#   nodemailer 10.6.1
#   a list:           {"headers":2,"read":{"mail":"leave@example.com"}}
#   a list in a list: {"headers":1,"read":{"url":"https://contacts.example.com/u/0123456789abcdefghijkl","mail":"leave@example.com"}}
