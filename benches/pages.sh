#!/bin/sh
# How long the console's pages take on the server while contacts are updated: a list of CONTACTS contacts, RATE updates
# a second.
# benches/pages.sh [CONTACTS] [RATE] [PROGRAM]
set -eu
contacts=${1:-1000000}
rate=${2:-10000}
program=$(realpath "${3:-target/dist/rollbook}")
asks=200
directory=$(mktemp -d)
server="" load=""
# The loop assigns it.
# shellcheck disable=SC2154
trap 'for one in $load $server; do kill "$one" 2>/dev/null; wait "$one" || true; done; rm -rf "$directory"' EXIT
cd "$directory"
export ROLLBOOK_DATABASE="$directory/rollbook.db" ROLLBOOK_LISTEN=127.0.0.1:0

token=$("$program" account create Bench --json | sed 's/.*"accessToken":"\([^"]*\)".*/\1/')
"$program" serve >server.log 2>&1 &
server=$!
until grep -q address= server.log && grep -q /welcome/ server.log; do sleep 0.1; done
url=http://$(sed -n 's/.*address=\([^ ]*\).*/\1/p' server.log | head -1)
link=$(grep -o '/welcome/[A-Za-z0-9_-]*' server.log | head -1)
curl -s -o welcome.html -c cookies "$url$link" --data-urlencode name=Bench --data-urlencode email=bench@example.com \
    --data-urlencode "password=a bench is no secret" --data-urlencode "again=a bench is no secret"
page() { curl -s -b cookies "$url$1"; }

# Updates go on for as long as pages are measured, once all contacts are there.
"$program" bench --url "$url" --token "$token" --keep --workload insert,update --contacts "$contacts" \
    --rate "$rate" --seconds 3600 >load.log 2>&1 &
load=$!
list=
until [ -n "$list" ]; do
    sleep 0.2
    list=$(page /lists | grep -o 'href="/lists/[0-9a-f]\{24\}"' | head -1 | cut -d'"' -f2)
done
grouped=$(printf '%s' "$contacts" | rev | sed 's/\([0-9]\{3\}\)/\1,/g; s/,$//' | rev)
until page "$list" | grep -q "\"count\">$grouped<"; do
    kill -0 "$load" || { cat load.log; exit 1; }
    sleep 1
done
sleep 5

contact=$(page "$list" | grep -o "$list/contacts/[0-9a-f]\{24\}" | head -1)
next=$(page "$list" | sed -n 's/.*rel="next" href="\([^"]*\)".*/\1/p' | head -1)
source=$(curl -s "$url/v3/contact-source/add" -H "Access-Token: $token" -d '{"name":"Shop"}' | grep -o '[0-9a-f]\{24\}' | head -1)
request=$(page '/requests?state=processed' | grep -o '/requests/[0-9a-f]\{24\}' | head -1)
echo "$contacts contacts, $rate updates a second, $asks times each, in milliseconds:"
measure() {
    curl -s -b cookies -o page.html -w '%{http_code} %{time_total}\n' "$url$2#[1-$asks]" | sort -n -k 2 | awk -v name="$1" '
        $1 != 200 { wrong++ }
        { time[NR] = $2 * 1000 }
        END {
            printf "%-34s p50 %6.1f  p95 %6.1f  most %6.1f%s\n", name, time[int(NR * 0.5)], time[int(NR * 0.95)],
                time[NR], wrong ? "  (" wrong " failed)" : ""
        }'
}
measure "overview, an hour" /
measure "overview, a week" "/?span=week"
measure "lists" /lists
measure "contacts, newest first" "$list"
measure "contacts, oldest first" "$list?order=oldest"
measure "contacts, the page behind" "$(printf '%s' "$next" | sed 's/&#38;/\&/g; s/&amp;/\&/g')"
measure "contacts, a search for nobody" "$list?q=nobody%40example.com"
measure "contacts, a filter that few fit" "$list?namePrefix=nobody-at-all"
measure "contacts, a filter that half fit" "$list?active=true"
measure "a contact, with its history" "$contact"
measure "new contact" "$list/contacts/new"
measure "remove a contact" "$contact/remove"
measure "erase a person" "$contact/erase"
measure "variables" "$list/variables"
measure "import" "$list/import"
measure "export" "$list/export"
measure "rename a list" "$list/rename"
measure "remove a list" "$list/remove"
measure "sources" /sources
measure "a source" "/sources/$source"
measure "requests" /requests
measure "a request" "$request"
measure "undo a request" "$request/undo"
measure "jobs" /jobs
measure "API keys" /keys
measure "account" /account
