#!/bin/sh
# Latency against load: how long a batch waits for its 200, and for being applied, at several rates of updates on
# schedule, from a tenth of what the server can do.
# benches/latency.sh [CONTACTS] [SECONDS] [PROGRAM]
set -eu
contacts=${1:-200000}
seconds=${2:-20}
program=$(realpath "${3:-target/dist/rollbook}")
directory=$(mktemp -d)
out=$directory/report.json
trap 'rm -rf "$directory"' EXIT

# One load after the other, each on a store of its own.
bench() {
    if ! "$program" bench --contacts "$contacts" --seconds "$seconds" --workload update --json "$@" \
        >"$out" 2>"$directory/log"; then
        cat "$directory/log" >&2
        exit 1
    fi
}

# What the report tells of the load that came last.
last() {
    python3 -c 'import functools, json, sys
last = json.load(open(sys.argv[1]))["phases"][-1]
for path in sys.argv[2:]:
    value = functools.reduce(lambda found, key: found and found[key], path.split("."), last)
    print("-" if value is None else round(value, 1), end=" ")' "$out" "$@"
}

bench
full=$(last appliedPerSecond)
full=${full%%.*}
echo "$contacts contacts, as fast as they are taken: $full updates a second"
echo "load: contacts a second, accept p50 and p99, accepted to applied p50 and p99, fdatasync p50 and p99 (ms), server CPU (us a contact)"
for percent in 10 25 50 75 90; do
    bench --rate "$((full * percent / 100))"
    echo "$percent %: $(last appliedPerSecond accept.p50 accept.p99 acceptedToApplied.p50 acceptedToApplied.p99 \
        fdatasync.p50 fdatasync.p99 serverMicrosPerContact)"
done
