#!/bin/sh
# What an import takes: rows a second and the most memory that it had, from a table that is made here.
# benches/import.sh [ROWS] [PROGRAM]
set -eu
rows=${1:-1000000}
program=$(realpath "${2:-target/dist/rollbook}")
directory=$(mktemp -d)
server=
trap 'if [ -n "$server" ]; then kill "$server"; wait "$server" || true; fi; rm -rf "$directory"' EXIT
cd "$directory"
export ROLLBOOK_DATABASE="$directory/rollbook.db" ROLLBOOK_LISTEN=127.0.0.1:0

# The most resident memory of a process, in MiB, told when it ends.
watch() {
    peak=0
    while now=$(awk '/VmHWM/ { print $2 }' "/proc/$1/status" 2>/dev/null) && [ -n "$now" ]; do
        peak=$now
        sleep 0.05
    done
    echo $((peak / 1024))
}

ROLLBOOK_TOKEN=$("$program" account create Bench --json | sed 's/.*"accessToken":"\([^"]*\)".*/\1/')
"$program" serve 2>server.log &
server=$!
until grep -q address= server.log; do sleep 0.1; done
ROLLBOOK_URL=http://$(sed -n 's/.*address=\([^ ]*\).*/\1/p' server.log)
export ROLLBOOK_TOKEN ROLLBOOK_URL
list=$(curl -s "$ROLLBOOK_URL/v3/contact-list/create" -H "Access-Token: $ROLLBOOK_TOKEN" \
    -d '{"contactListName": "Bench"}' | sed 's/.*"contactListId":"\([^"]*\)".*/\1/')
curl -s "$ROLLBOOK_URL/v3/contact-list/variables/add" -H "Access-Token: $ROLLBOOK_TOKEN" \
    -d '{"contactListId": "'"$list"'", "variables": [{"name": "plan", "type": "ENUM_STRING"}]}' >answer.json

awk -v rows="$rows" 'BEGIN {
    print "userId,email,phoneNumber,firstName,lastName,active,emailSubscribe,contactBirthday,contactLanguage,plan"
    for (i = 0; i < rows; i++)
        printf "user%d,user%d@example.com,+1555%07d,Jo%d,Doe%d,yes,%d,19%02d-0%d-1%d,en,plan %d\n",
            i, i, i, i % 1000, i % 5000, i % 2, i % 100, i % 9 + 1, i % 9, i % 10
}' >people.csv
echo "$rows rows, $(($(stat -c %s people.csv) >> 20)) MiB"

for run in made "set again"; do
    start=$(date +%s%N)
    "$program" import people.csv --list "$list" 2>import.log &
    import=$!
    peak=$(watch "$import")
    wait "$import"
    millis=$((($(date +%s%N) - start) / 1000000))
    echo "$run: $((rows * 1000 / millis)) rows a second, at most $peak MiB"
done
start=$(date +%s%N)
"$program" export --list "$list" -o out.csv 2>export.log &
export=$!
peak=$(watch "$export")
wait "$export"
millis=$((($(date +%s%N) - start) / 1000000))
echo "export: $((rows * 1000 / millis)) rows a second, at most $peak MiB"
