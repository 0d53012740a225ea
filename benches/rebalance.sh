#!/bin/bash
# Moves shards of a Citus under load, and then walks what was written: two servers, four lists, and in each list a contact
# that every request renames. A request fails if the one before it was lost, or was applied twice or out of order.
# The address names an empty database on the coordinator, with the extension, two workers, and wal_level = logical.
# benches/rebalance.sh postgres://rollbook@coordinator.internal/empty [SECONDS] [PROGRAM]
set -euo pipefail
address=$1
seconds=${2:-60}
program=$(realpath "${3:-target/dist/rollbook}")
directory=$(mktemp -d)
: >"$directory/refused"
processes=()
stop() {
    for process in "${processes[@]}"; do kill "$process" 2>/dev/null || true; wait "$process" 2>/dev/null || true; done
    rm -rf "$directory"
}
trap stop EXIT
sql() { psql -XqAt -v ON_ERROR_STOP=1 -d "$address" "$@"; }
export ROLLBOOK_DATABASE=$address ROLLBOOK_LISTEN=127.0.0.1:0 ROLLBOOK_FILES=$directory/files
"$program" migrate --citus >"$directory/migrate"
token=$("$program" account create Shop --json | sed 's/.*"accessToken":"\([^"]*\)".*/\1/')
urls=()
for number in 1 2; do
    "$program" serve >/dev/null 2>"$directory/server$number" &
    processes+=($!)
    until grep -q address= "$directory/server$number"; do sleep 0.1; done
    urls+=("http://$(sed -n 's/.*address=\([^ ]*\).*/\1/p' "$directory/server$number" | head -n 1)")
done
ask() { # SERVER METHOD BODY
    curl -s -m 60 "${urls[$1]}/v3/$2" -H "Access-Token: $token" -H 'Content-Type: application/json' -d "$3"
}
lists=()
for number in 1 2 3 4; do
    answer=$(ask 0 contact-list/create "{\"contactListName\":\"List $number\"}")
    lists+=("$(sed 's/.*"contactListId":"\([^"]*\)".*/\1/' <<<"$answer")")
    [ "${#lists[-1]}" = 24 ] || { echo "no list: $answer"; exit 1; }
    ask 0 contacts/update "{\"contactListId\":\"${lists[-1]}\",\"upsert\":true,\"contacts\":[{\"contact\":\"link-0\"}]}" >/dev/null
done
end=$((SECONDS + seconds))
chain() { # LIST: every link is renamed to the next
    local link=0 answer
    while [ $SECONDS -lt $end ]; do
        local contact="{\"contact\":\"link-$link\",\"userId\":\"link-$((link + 1))\"}"
        local key="chain-$link"
        # A request that is not accepted is sent again, with its key.
        until answer=$(curl -s -m 60 "${urls[$((link % 2))]}/v3/contacts/update" -H "Access-Token: $token" \
            -H 'Content-Type: application/json' -H "Idempotency-Key: $key" \
            -d "{\"contactListId\":\"$1\",\"contacts\":[$contact]}") && grep -q requestId <<<"$answer"; do
            echo "$answer" >>"$directory/refused"
            sleep 0.2
        done
        link=$((link + 1))
    done
    echo "$link" >"$directory/links-$1"
}
for list in "${lists[@]}"; do chain "$list" & clients+=($!); done
moves=0
while [ $SECONDS -lt $end ]; do
    for list in 1 2 3 4; do
        [ $SECONDS -lt $end ] || break
        sql -c "SELECT citus_move_shard_placement(s.shardid, s.nodename, s.nodeport, n.nodename, n.nodeport, 'force_logical')
            FROM (SELECT shardid, nodename, nodeport FROM citus_shards WHERE shardid =
                (SELECT get_shard_id_for_distribution_column('queue', (SELECT no FROM list WHERE name = 'List $list')))) s,
            LATERAL (SELECT nodename, nodeport FROM pg_dist_node WHERE groupid <> 0 AND shouldhaveshards
                AND (nodename, nodeport) <> (s.nodename, s.nodeport) LIMIT 1) n" >/dev/null 2>>"$directory/moves"
        moves=$((moves + 1))
    done
done
wait "${clients[@]}"
failed=0
for list in "${lists[@]}"; do
    links=$(cat "$directory/links-$list")
    until [ "$(sql -c "SELECT count(*) FROM batch")" = 0 ]; do sleep 0.2; done
    found=$(ask 0 contact/get "{\"contactListId\":\"$list\",\"userId\":\"link-$links\"}")
    grep -q "\"userId\":\"link-$links\"" <<<"$found" || { echo "the chain of $list is broken: $found"; failed=1; }
    echo "$links links"
done
errors=$(sql -c "SELECT count(*) FROM request WHERE failed > 0")
refused=$(wc -l <"$directory/refused")
echo "$moves moves; $errors requests failed; $refused answers were refusals"
grep -hoE 'WARN.*|ERROR.*' "$directory"/server* | sed -E 's/[0-9a-f]{12,}|[0-9]+/N/g' | sort | uniq -c | sort -rn | head -10 || true
for process in "${processes[@]}"; do kill "$process"; wait "$process" || true; done
processes=()
"$program" check | tail -n 1 || failed=1
[ "$errors" = 0 ] && [ "$failed" = 0 ]
