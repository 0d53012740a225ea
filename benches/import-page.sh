#!/bin/sh
# What an import by the page takes: rows a second, and the most memory that the server had.
# benches/import-page.sh [ROWS] [PROGRAM]
set -eu
rows=${1:-1000000}
program=$(realpath "${2:-target/dist/rollbook}")
directory=$(mktemp -d)
server=
trap 'if [ -n "$server" ]; then kill "$server"; wait "$server" || true; fi; rm -rf "$directory"' EXIT
cd "$directory"
export ROLLBOOK_DATABASE="$directory/rollbook.db" ROLLBOOK_LISTEN=127.0.0.1:0

account=$("$program" account create Bench --json)
token=$(echo "$account" | sed 's/.*"accessToken":"\([^"]*\)".*/\1/')
user=$(echo "$account" | sed 's/.*"userId":"\([^"]*\)".*/\1/')
"$program" serve 2>server.log &
server=$!
until grep -q ' address=' server.log; do sleep 0.1; done
url=http://$(sed -n 's/.* address=\([^ ]*\).*/\1/p' server.log | head -n 1)
list=$(curl -s "$url/v3/contact-list/create" -H "Access-Token: $token" \
    -d '{"contactListName": "Bench"}' | sed 's/.*"contactListId":"\([^"]*\)".*/\1/')
curl -s "$url/v3/contact-list/variables/add" -H "Access-Token: $token" \
    -d '{"contactListId": "'"$list"'", "variables": [{"name": "plan", "type": "ENUM_STRING"}]}' >answer.json
link=$("$program" user invite "$user" | grep -o '/welcome/[A-Za-z0-9_-]*')
curl -s -c jar -o page.html "$url$link" --data-urlencode name=Jo --data-urlencode email=jo@example.com \
    --data-urlencode 'password=correct horse battery' --data-urlencode 'again=correct horse battery'
page() { curl -s -b jar "$url$1"; }
csrf=$(page /lists | sed -n 's/.*name="csrf" value="\([^"]*\)".*/\1/p' | head -n 1)
memory() { awk '/VmHWM/ { print int($2 / 1024) }' "/proc/$server/status"; }

awk -v rows="$rows" 'BEGIN {
    print "userId,email,phoneNumber,firstName,lastName,active,emailSubscribe,contactBirthday,contactLanguage,plan"
    for (i = 0; i < rows; i++)
        printf "user%d,user%d@example.com,+1555%07d,Jo%d,Doe%d,yes,%d,19%02d-0%d-1%d,en,plan %d\n",
            i, i, i, i % 1000, i % 5000, i % 2, i % 100, i % 9 + 1, i % 9, i % 10
}' >people.csv
echo "$rows rows, $(($(stat -c %s people.csv) >> 20)) MiB; the server has $(memory) MiB"

start=$(date +%s%N)
job=$(curl -s -b jar -o page.html -w '%{redirect_url}' -F "csrf=$csrf" -F file=@people.csv "$url/lists/$list/import")
millis=$((($(date +%s%N) - start) / 1000000))
echo "uploaded and looked through in $millis ms; at most $(memory) MiB"
start=$(date +%s%N)
columns="-d column-0=userId -d column-1=email -d column-2=phoneNumber -d column-3=firstName -d column-4=lastName -d column-5=active
    -d column-6=emailSubscribe -d column-7=contactBirthday -d column-8=contactLanguage -d column-9=variables.plan"
# shellcheck disable=SC2086 # these are words
curl -s -b jar -o page.html $columns -d "csrf=$csrf" -d mode=upsert -d do=begin "$job/begin"
while curl -s -b jar "$job/progress" >page.html && grep -q hx-trigger page.html; do sleep 0.2; done
millis=$((($(date +%s%N) - start) / 1000000))
grep -o '<dt>Created</dt><dd>[0-9]*' page.html | sed 's/.*>/created: /'
echo "imported: $((rows * 1000 / millis)) rows a second; the server at most $(memory) MiB"
start=$(date +%s%N)
curl -s -b jar "$url/lists/$list/export/file?format=csv" >out.csv
millis=$((($(date +%s%N) - start) / 1000000))
echo "exported: $((rows * 1000 / millis)) rows a second; the server at most $(memory) MiB"
start=$(date +%s%N)
curl -s -b jar "$url/lists/$list/export/file?format=xlsx" >out.xlsx
millis=$((($(date +%s%N) - start) / 1000000))
echo "exported as XLSX: $((rows * 1000 / millis)) rows a second, $(($(stat -c %s out.xlsx) >> 20)) MiB; the server at most $(memory) MiB"
