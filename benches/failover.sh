#!/bin/bash
# What a failover costs: a primary with a synchronous standby, one server, 8 clients. The primary is killed under load and
# the standby promoted. Prints how long nothing was acknowledged, and how many acknowledged requests are missing.
# benches/failover.sh [SECONDS] [PROGRAM]
set -euo pipefail
seconds=${1:-30}
program=$(realpath "${2:-target/dist/rollbook}")
binaries=$(ls -d /usr/lib/postgresql/*/bin | sort -V | tail -n 1)
directory=$(mktemp -d)
server=
as() { "$@"; }
if [ "$(id -u)" = 0 ]; then
    chown postgres "$directory"
    as() { setpriv --reuid=postgres --regid=postgres --init-groups "$@"; }
fi
stop() {
    if [ -n "$server" ]; then kill "$server" 2>/dev/null || true; wait "$server" 2>/dev/null || true; fi
    for node in primary standby; do as "$binaries/pg_ctl" stop -s -m immediate -D "$directory/$node" 2>/dev/null || true; done
    rm -rf "$directory"
}
trap stop EXIT
cd "$directory"
as "$binaries/initdb" --auth=trust --username=rollbook --encoding=UTF8 --locale=C --pgdata=primary >init.log 2>&1
printf '%s\n' "listen_addresses = ''" "unix_socket_directories = '$directory'" 'port = 5431' >>primary/postgresql.conf
as "$binaries/pg_ctl" start -w -s -D "$directory/primary" -l "$directory/primary/log"
psql -h "$directory" -p 5431 -U rollbook -d postgres -Xq -c 'CREATE DATABASE contacts'
as "$binaries/pg_basebackup" -c fast -h "$directory" -p 5431 -U rollbook -D "$directory/standby" -R
printf '%s\n' 'port = 5432' "primary_conninfo = 'host=$directory port=5431 user=rollbook application_name=standby'" \
    >>standby/postgresql.auto.conf
as "$binaries/pg_ctl" start -w -s -D "$directory/standby" -l "$directory/standby/log"
psql -h "$directory" -p 5431 -U rollbook -d postgres -Xq -c "ALTER SYSTEM SET synchronous_standby_names = 'standby'" \
    -c 'SELECT pg_reload_conf()' >/dev/null
host=$(echo "$directory" | sed 's|/|%2F|g')
export ROLLBOOK_DATABASE="postgres://rollbook@$host:5431,$host:5432/contacts?target_session_attrs=read-write"
export ROLLBOOK_LISTEN=127.0.0.1:0 ROLLBOOK_FILES=$directory/files
token=$("$program" account create Shop --json | sed 's/.*"accessToken":"\([^"]*\)".*/\1/')
"$program" serve >/dev/null 2>server.log &
server=$!
until grep -q address= server.log; do sleep 0.1; done
url=http://$(sed -n 's/.*address=\([^ ]*\).*/\1/p' server.log | head -n 1)
ask() { curl -s -m 60 "$url/v3/$1" -H "Access-Token: $token" -d "$2"; }
list=$(ask contact-list/create '{"contactListName":"List"}' | sed 's/.*"contactListId":"\([^"]*\)".*/\1/')
end=$((SECONDS + seconds))
client() {
    local number=0 answer
    while [ $SECONDS -lt $end ]; do
        number=$((number + 1))
        answer=$(ask contacts/update "{\"contactListId\":\"$list\",\"upsert\":true,\"contacts\":[{\"contact\":\"c-$1-$number\"}]}")
        if grep -q requestId <<<"$answer"; then
            echo "$(date +%s%N) $(sed 's/.*"requestId":"\([^"]*\)".*/\1/' <<<"$answer") c-$1-$number"
        else
            sleep 0.05
        fi
    done >"acknowledged-$1"
}
for number in 1 2 3 4 5 6 7 8; do client "$number" & clients+=($!); done
sleep $((seconds / 3))
as "$binaries/pg_ctl" stop -s -m immediate -D "$directory/primary"
as "$binaries/pg_ctl" promote -w -s -D "$directory/standby"
# Else the promoted one would wait for a standby of its own.
psql -h "$directory" -p 5432 -U rollbook -d postgres -Xq -c 'ALTER SYSTEM RESET synchronous_standby_names' \
    -c 'SELECT pg_reload_conf()' >/dev/null
wait "${clients[@]}"
sort -n acknowledged-* >all
sql() { psql -h "$directory" -p 5432 -U rollbook -d contacts -XqAt "$@"; }
until [ "$(sql -c 'SELECT count(*) FROM batch')" = 0 ]; do sleep 0.2; done
sql -c "SELECT encode(id, 'hex') FROM request" | sort >stored
awk '{ print $2 }' all | sort >accepted
awk 'NR > 1 && $1 - last > gap { gap = $1 - last } { last = $1 } END { printf "no answer for %.1f s\n", gap / 1e9 }' all
missing=$(comm -23 accepted stored | wc -l)
echo "$missing of $(wc -l <accepted) acknowledged requests are missing"
[ "$missing" = 0 ]
