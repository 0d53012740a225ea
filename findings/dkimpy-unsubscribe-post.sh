#!/bin/sh
# Plausible guess: a DKIM signer that covers List-Unsubscribe by default covers List-Unsubscribe-Post too; RFC 8058
# demands both, and mailbox providers offer one-click only if both are signed.
# Truth: dkimpy signs List-Unsubscribe and leaves List-Unsubscribe-Post out, without a warning. The caller must name it.
set -eu
cd "$(mktemp -d)"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check dkimpy==1.1.8
cat >sign.py <<'PY'
import subprocess
from importlib.metadata import version
import dkim

key = subprocess.run(["openssl", "genrsa", "-traditional", "2048"], capture_output=True, check=True).stdout
mail = b"\r\n".join([
    b"From: shop@example.com", b"To: ann@example.com", b"Subject: News", b"Date: Mon, 30 Nov 2026 10:00:00 +0000",
    b"List-Unsubscribe: <https://example.com/u/0123456789abcdefghijkl>",
    b"List-Unsubscribe-Post: List-Unsubscribe=One-Click", b"", b"Hello", b""])

def signed(**options):
    header = dkim.sign(mail, b"s1", b"example.com", key, **options).replace(b"\r\n", b"").replace(b" ", b"")
    names = next(part for part in header.split(b";") if part.startswith(b"h="))[2:]
    return [name.decode().lower() for name in names.split(b":")]

default = signed()
named = signed(include_headers=[b"from", b"list-unsubscribe", b"list-unsubscribe-post"])
print("dkimpy", version("dkimpy"))
print("signed by default:", ", ".join(sorted(set(default))))
print("signed when named:", ", ".join(sorted(set(named))))
assert "list-unsubscribe" in default
assert "list-unsubscribe-post" not in default
assert "list-unsubscribe-post" in named
PY
venv/bin/python sign.py
# Seen on 2026-11-30:
#   dkimpy 1.1.8
#   signed by default: date, from, list-unsubscribe, subject, to
#   signed when named: from, list-unsubscribe, list-unsubscribe-post
