#!/bin/sh
# What an open snapshot costs on PostgreSQL: one contact a request over 8 connections, beside a transaction that stays
# open all the time. Prints the rates of every 30 seconds, and the last against the first.
# benches/open-snapshot.sh [SECONDS] [PROGRAM]
set -eu
seconds=${1:-600}
program=$(realpath "${2:-target/dist/rollbook}")
step=${STEP:-30}
binaries=$(ls -d /usr/lib/postgresql/*/bin | sort -V | tail -n 1)
directory=$(mktemp -d)
server= load= open= cluster=
as() { "$@"; }
if [ "$(id -u)" = 0 ]; then
    chown postgres "$directory"
    as() { setpriv --reuid=postgres --regid=postgres --init-groups "$@"; }
fi
stop() {
    for process in $load $open $server; do kill "$process" 2>/dev/null || true; wait "$process" 2>/dev/null || true; done
    if [ -n "$cluster" ]; then as "$binaries/pg_ctl" stop -s -m immediate -D "$directory/data"; fi
    rm -rf "$directory"
}
trap stop EXIT
cd "$directory"
as "$binaries/initdb" --auth=trust --username=rollbook --encoding=UTF8 --locale=C --pgdata=data >init.log 2>&1
printf '%s\n' "listen_addresses = ''" "unix_socket_directories = '$directory'" 'jit = off' 'max_wal_size = 4GB' \
    'shared_buffers = 512MB' >>data/postgresql.conf
as "$binaries/pg_ctl" start -w -s -D "$directory/data" -l "$directory/data/log"
cluster=yes
sql() { psql -h "$directory" -U rollbook -d contacts -XqAt "$@"; }
psql -h "$directory" -U rollbook -d postgres -Xq -c 'CREATE DATABASE contacts'
ROLLBOOK_DATABASE=postgres://rollbook@$(echo "$directory" | sed 's|/|%2F|g')/contacts
ROLLBOOK_LISTEN=127.0.0.1:0 ROLLBOOK_FILES=$directory/files
export ROLLBOOK_DATABASE ROLLBOOK_LISTEN ROLLBOOK_FILES
token=$("$program" account create Bench --json | sed 's/.*"accessToken":"\([^"]*\)".*/\1/')
"$program" serve 2>server.log &
server=$!
until grep -q address= server.log; do sleep 0.1; done
url=http://$(sed -n 's/.*address=\([^ ]*\).*/\1/p' server.log | head -n 1)

"$program" bench --url "$url" --token "$token" --contacts "${CONTACTS:-10000}" --batch 1 --connections 8 \
    --workload update --seconds "$seconds" >bench.log 2>&1 &
load=$!
# The load begins when the contacts are there.
until [ "$(sql -c "SELECT coalesce(max(last), 0) FROM queue WHERE list > 0")" -gt "${CONTACTS:-10000}" ]; do sleep 0.2; done
{ echo 'BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1;'; sleep "$((seconds + 60))"; } | sql >/dev/null &
open=$!

places() { sql -F ' ' -c "SELECT (SELECT last FROM queue WHERE list > 0 ORDER BY list DESC, last DESC LIMIT 1), \
    (SELECT position FROM request ORDER BY list DESC, position DESC LIMIT 1)"; }
echo 'after seconds: accepted a second, applied a second'
first= at=0
before=$(places)
while [ "$((at + step))" -le "$((seconds - 5))" ]; do
    sleep "$step"
    at=$((at + step))
    now=$(places)
    set -- $before $now
    before=$now
    echo "$at: $((($3 - $1) / step)) $((($4 - $2) / step))"
    [ -n "$first" ] || first=$((($4 - $2) / step))
    last=$((($4 - $2) / step))
done
echo "the last applied rate against the first: $((last * 100 / first)) %"
wait "$load" && load=
grep -E 'p99|update' bench.log || cat bench.log
