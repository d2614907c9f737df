#!/bin/sh
# control.sh - start, pause, trigger, cancel and enable, with and without a host; `run` beside a host; what --due chooses.
. "$(dirname "$0")/lib.sh"
plugins odd
provider --records 300
host 'first_spread = 100ms' 'retry_base = 5ms' 'stop_grace = 1s'
ini <<INI
[integration odd]
base_url = $at
[connection acme : odd]
[connection beta : odd]
INI
for who in acme beta; do
	for sync in leaves crashes letters counted silent claims proves; do
		printf '[sync %s : odd : %s]\nauto_sync = no\n' "$who" "$sync"
	done
	printf '[sync %s : odd : %s]\nevery = 1h\n' $who cursor $who offset $who number
done | ini

serve() {
	: >"$dir/log"
	"$build/sluice" --conf "$conf" serve >/dev/null 2>"$dir/log" &
	host=$!
	pids="$pids $host"
	until_true 20 grep -q '"msg":"serves ' "$dir/log" || { cat "$dir/log"; exit 1; }
}
stop() {
	kill -TERM "$host"
	wait "$host"
}
state() { # state CONNECTION SYNC
	"$build/sluice" --conf "$conf" status --connection-id "$1" --sync "$2" --format jsonl 2>/dev/null |
		sed -n 's/.*"schedule":{"state":"\([a-z]*\)".*/\1/p'
}
is_state() { [ "$(state "$1" "$2")" = "$3" ]; }
runs() { "$build/sluice" --conf "$conf" history --limit 1000 --connection-id "$1" --format jsonl 2>/dev/null | grep -c "\"sync\":\"$2\""; }
over() { [ "$(runs "$1" "$2")" -gt "$3" ]; }

# ---- --due, alone

run run --due --limit 2
is "$status $(grep -c success "$dir/out")" "0 2" "--due --limit 2 runs two of six that are due"
run run --due
is "$status $(grep -c ' success ' "$dir/out")" "0 4" "--due then runs the other four"
run run --due
is "$status $(cat "$dir/out" | head -n 1)" "0 0 syncs: 0 ok, 0 not; 0 records in $(sed -n 's/.*records in //p' "$dir/out")" "and then nothing"
run run --due --resume
is "$status" 2 "--due and --resume do not go together"
run run --resume
is "$status $(grep -c success "$dir/out")" "0 0" "--resume runs nothing when nothing was interrupted"

# ---- decisions without a host

run pause --connection-id acme --sync cursor
is "$status" 0 "a sync is paused without a host"
run trigger --sync cursor
is "$status" 2 "trigger without a host is refused"
has "$dir/err" 'sluice run' "and says what does it"
run pause
is "$status" 2 "pause wants a name"
run pause --connection-id acme --sync nothing
is "$status" 2 "and one that is there"

# ---- with one

serve
is "$(state acme cursor) $(state beta cursor)" "paused waiting" "the host finds it paused"
run pause --connection-id beta --sync offset
run connections disable --connection-id acme --integration odd
is "$status" 0 "a connection is switched off"
is "$(state acme number)" inactive "its syncs are"
kill -9 "$host"
wait "$host" 2>/dev/null
serve
is "$(state acme number) $(state beta offset)" "inactive paused" "all that was said holds after kill -9"
run start --connection-id acme --sync number
has "$dir/out" 'number  started, but its connection is switched off: `sluice connections enable`' "start says what it cannot do: of a connection that is off"
run start --connection-id beta --sync letters
has "$dir/out" 'letters  started, but it only begins when it is asked for' "and of auto_sync = no"
run connections enable --connection-id acme --integration odd
run start --connection-id acme --sync cursor
has "$dir/out" 'cursor  started$' "of any other there is nothing to say"
states() { echo "$(state acme number) $(state acme cursor) $(state beta offset)"; }
becomes "waiting waiting paused" "started and switched on again" states

n=$(runs beta offset)
run trigger --connection-id beta --sync offset
is "$status" 0 "a paused sync can be triggered"
until_true 20 over beta offset "$n"
ok $? "and runs"

# ---- run beside a host

n=$(runs acme cursor)
run run --sync cursor
is "$status" 0 "run beside a host waits for the end"
is "$(grep -c ' success  nothing changed, 300 unchanged' "$dir/out")" 2 "and prints the lines of a run alone"
is "$(runs acme cursor)" "$((n + 1))" "one run each"
run run --connection-id acme --sync letters
is "$status" 1 "a run that fails has the exit code that it has alone"
has "$dir/out" '404' "and its reason"
run run --connection-id acme --sync cursor --format jsonl
has "$dir/out" '"status":"success".*"unchanged":300' "JSON too"
run run --due
is "$status" 0 "--due beside a host: nothing is"

# ---- cancel

control faults '{"match":"GET /plain/cursor","do":"silence"}' >/dev/null
run trigger --connection-id beta --sync cursor
until_true 20 is_state beta cursor running
run cancel --connection-id beta --sync cursor
is "$status" 0 "a run under way is cancelled"
until_true 20 is_state beta cursor waiting
ok $? "and not begun again before its time"
run status --connection-id beta --sync cursor --format jsonl
has "$dir/out" 'cancelled by a person' "the history says who ended it"
run cancel --connection-id beta --sync cursor
is "$status" 2 "there is nothing to cancel now"
control reset >/dev/null
run run --connection-id beta --sync cursor --timeout 30s
is "$status" 0 "and a person can run it again"

control faults '{"match":"GET /plain/cursor","do":"silence"}' >/dev/null
run trigger --connection-id acme --sync cursor
until_true 20 is_state acme cursor running
LIMIT=30 run run --connection-id acme --sync offset --timeout 1s
is "$status" 75 "run does not wait longer than its --timeout for a sync that cannot begin"
has "$dir/out" 'its time was up before it began' "and says so"
run cancel --connection-id acme --sync cursor
control reset >/dev/null
until_true 20 is_state acme cursor waiting

# ---- a request survives

control faults '{"match":"GET /plain/cursor","do":"silence"}' >/dev/null
run trigger --connection-id acme --sync cursor
until_true 20 is_state acme cursor running
run trigger --connection-id acme --sync offset
n=$(runs acme offset)
kill -9 "$host"
wait "$host" 2>/dev/null
control reset >/dev/null
serve
until_true 20 over acme offset "$n"
ok $? "what was asked for and had not begun is begun by the next host"
stop
