#!/bin/sh
# Plausible guess: Python's EmailMessage leaves a URL in List-Unsubscribe whole, since RFC 2047 forbids encoded words
# inside <...>, and other libraries write up to 978 octets in one line.
# Truth: a link of 76 characters or more leaves as encoded words, without an error or a warning. RFC 8058 receivers
# look for "<https:" and offer no one-click. A short link, or a policy with a large max_line_length, stays whole.
set -eu
cd "$(mktemp -d)"
cat >mail.py <<'PY'
import email
import email.policy
import sys
from email.message import EmailMessage

def link(length):
    start = "https://contacts.example.com/u/"
    return start + "k" * (length - len(start))

def mail(length, policy=email.policy.SMTP):
    message = EmailMessage(policy=policy)
    message["From"] = "shop@example.com"
    message["List-Unsubscribe"] = f"<{link(length)}>"
    message.set_content("Hello")
    return message.as_bytes()

def raw_header(data):
    return email.message_from_bytes(data, policy=email.policy.compat32)["List-Unsubscribe"]

whole = [length for length in range(40, 400) if raw_header(mail(length)).strip() == f"<{link(length)}>"]
wide = email.policy.SMTP.clone(max_line_length=998)
print("Python", sys.version.split()[0])
print("longest link that stays whole:", max(whole))
print("one character more:", raw_header(mail(max(whole) + 1)).split()[0])
print("300 characters, max_line_length 998:", link(300) in raw_header(mail(300, wide)))
assert whole == list(range(40, 76))
assert raw_header(mail(76)).startswith("=?utf-8?q?=3Chttps")
assert link(300) in raw_header(mail(300, wide))
PY
python3 mail.py
# Seen on 2026-11-30:
#   Python 3.11.7
#   longest link that stays whole: 75
#   one character more: =?utf-8?q?=3Chttps=3A//contacts=2Eexample=2Ecom/u/kkkkkkkk?=
#   300 characters, max_line_length 998: True
