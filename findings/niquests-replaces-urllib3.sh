#!/bin/sh
# Plausible guess: two HTTP libraries live side by side in one environment; installing the second changes nothing for
# programs that use the first.
# Truth: niquests depends on urllib3-future, which puts its files into the folder `urllib3`. After that, `requests`
# runs on another library of the same name. pip reports no conflict, and its list still has the old urllib3.
set -eu
cd "$(mktemp -d)"
python3 -m venv venv
pip() { venv/bin/pip --disable-pip-version-check "$@"; }
look() {
    venv/bin/python - <<'PY'
import requests, urllib3
print(f"requests {requests.__version__} runs on urllib3 {urllib3.__version__}")
PY
}
pip install --quiet requests==2.34.2 urllib3==2.8.0
before=$(look)
pip install --quiet niquests==3.20.1 urllib3-future==2.25.904
after=$(look)
echo "before: $before"
echo "after installing niquests: $after"
pip list 2>/dev/null | grep -iE '^(niquests|requests|urllib3)'
pip check
[ "$before" = "requests 2.34.2 runs on urllib3 2.8.0" ]
[ "$after" = "requests 2.34.2 runs on urllib3 2.25.904" ]
# Seen on 2026-11-30:
#   before: requests 2.34.2 runs on urllib3 2.8.0
#   after installing niquests: requests 2.34.2 runs on urllib3 2.25.904
#   niquests           3.20.1
#   requests           2.34.2
#   urllib3            2.8.0
#   urllib3-future     2.25.904
#   No broken requirements found.
