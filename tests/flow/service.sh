#!/bin/sh
# service.sh - what befalls a service: refused credentials over restarts and reloads, runs that cannot begin, secrets that come
# late, storms of requests, limits and order between syncs, a forced end, and a host that changes under a waiting `run`.
. "$(dirname "$0")/lib.sh"
plugins odd
provider --records 300
others='leaves crashes letters counted silent claims proves'

configure() { # configure CONNECTION-LINE... ; the rest stands in $more
	host 'first_spread = 0s' 'retry_base = 5ms' 'stop_grace = 1s' 'fail_pause = 1h'
	printf '[integration odd]\nbase_url = %s\n%s\n[connection acme : odd]\n' "$at" "${limit:-}" | ini
	for line; do echo "$line"; done | ini
	for sync in $others; do printf '[sync acme : odd : %s]\nauto_sync = no\n' "$sync"; done | ini
	printf '%s\n' "${more:-}" | ini
}
hourly() { for sync; do printf '[sync acme : odd : %s]\nevery = 1h\n' "$sync"; done; }
serve() {
	: >"$dir/log"
	"$build/sluice" --conf "$conf" serve >/dev/null 2>"$dir/log" &
	host=$!
	pids="$pids $host"
	until_true 20 grep -q '"msg":"serves ' "$dir/log" || { cat "$dir/log"; exit 1; }
}
stop() { kill -TERM "$host"; wait "$host"; code=$?; }
state() { "$build/sluice" --conf "$conf" status --sync "$1" --format jsonl 2>/dev/null | sed -n 's/.*"schedule":{"state":"\([a-z]*\)".*/\1/p'; }
is_state() { [ "$(state "$1")" = "$2" ]; }
steps() { "$build/sluice" --conf "$conf" status --sync "$1" --format jsonl 2>/dev/null | grep -q '"state":"stepping"'; }
runs() { "$build/sluice" --conf "$conf" history --limit 1000 --sync "$1" --format jsonl 2>/dev/null | grep -c "\"sync\":\"$1\""; }
over() { [ "$(runs "$1")" -gt "$2" ]; }
asked() { control requests 2>/dev/null | grep -c "$1"; }

# ---- credentials

more=$(hourly cursor offset number)
control faults '{"match":"GET /plain/","do":"401"}' >/dev/null
configure
serve
until_true 20 is_state cursor attention
ok $? "refused credentials wait for a person"
kill -9 "$host"; wait "$host" 2>/dev/null
serve
is "$(state cursor)" attention "after kill -9 too"
stop
run status --sync cursor
has "$dir/out" 'cursor +attention' "status says so without a host"
n=$(runs cursor)
run run --due
is "$status $(runs cursor)" "3 $n" "run --due leaves it alone, and says so"
control reset >/dev/null
configure 'token = other'
serve
until_true 20 grep -q '"msg":"ended well".*"sync":"cursor"' "$dir/log"
ok $? "other credentials, put in while the host was down, lift it"
control faults '{"match":"GET /plain/","do":"401"}' >/dev/null
run run --sync cursor
is "$status" 3 "refused again"
is "$(state offset)" attention "all of the connection waits"
run reload
is "$(state offset)" attention "a reload that changes nothing lifts nothing"
control reset >/dev/null
configure 'token = third'
run reload
is "$status" 0 "a reload with other credentials is taken"
becomes waiting "and lifts it" state offset
stop

# ---- what cannot begin

more="[connection late : odd]
token = file:$dir/secret
$(hourly cursor | sed 's/acme/late/')"
configure 'options.colour = red'
run config --check
is "$status" 2 "an option that nobody declared is refused"
more="[connection absent : nothing]"
configure
serve
becomes waiting "one connection without a plugin stops no other" state cursor
has "$dir/log" 'connection absent : nothing is not scheduled' "it is told"
stop

# ---- one at a time, under a storm of requests

more=$(hourly cursor offset number)
configure
serve
control faults '{"match":"GET /plain/cursor","nth":[1,5],"do":"delay","ms":4000}' >/dev/null
n=$(runs cursor)
run trigger --sync cursor
until_true 20 is_state cursor running
askers=
for i in 1 2 3 4 5 6 7 8; do
	"$build/sluice" --conf "$conf" trigger --sync cursor >/dev/null 2>&1 &
	askers="$askers $!"
done
for pid in $askers; do wait "$pid"; done
wait_for() { is_state cursor waiting; }
until_true 20 over cursor "$((n + 1))"
until_true 20 wait_for
is "$(($(runs cursor) - n))" 2 "eight requests while a run is under way make one more run"
control reset >/dev/null
stop

# ---- priority and max_runs

order() { "$build/sluice" --conf "$conf" history --limit 3 --format jsonl 2>/dev/null | sed -n 's/.*"sync":"\([a-z]*\)".*/\1/p' | tac | tr '\n' ' '; }
more="$(hourly cursor)
priority = 1
$(hourly offset)
priority = 3
$(hourly number)
priority = 2"
store=$dir/ranked
limit=
configure
serve
all_over() { [ "$(runs cursor)$(runs offset)$(runs number)" = 111 ]; }
until_true 20 all_over
is "$(order)" "offset number cursor " "one after the other by priority"
stop
several() { [ "$("$build/sluice" --conf "$conf" status --format jsonl 2>/dev/null | grep -c '"schedule":{"state":"running"')" = "$1" ]; }
limited() { [ "$("$build/sluice" --conf "$conf" status --format jsonl 2>/dev/null | grep -c "\"limit\":\"$1\"")" = "$2" ]; }
control faults '{"match":"GET /plain/","do":"silence"}' >/dev/null
store=$dir/beside
configure 'max_runs = 2'
serve
until_true 20 several 2
ok $? "max_runs = 2 of a connection: two of its syncs run side by side"
limited connection 1
ok $? "the third waits for the connection"

stop

store=$dir/integration
limit='max_runs = 1'
configure 'max_runs = 2'
serve
until_true 20 several 1
until_true 20 limited integration 2
ok $? "max_runs of an integration holds before a connection's"
control reset >/dev/null
stop
is "$code" 0 "and it ends well"

# ---- after, in a host

limit=
store=$dir/after
more="$(hourly cursor)
after = acme : odd : number
$(hourly offset)
auto_start = no
$(hourly number)"
configure 'max_runs = 2'
run pause --sync number
serve
until_true 20 is_state cursor after
run status --sync cursor
has "$dir/out" 'cursor: after acme : odd : number, which is paused' "who comes after another is told of which, and what that does"
run start --sync number
until_true 20 over cursor 0
ok $? "what comes after another runs"
is "$(order)" "number cursor " "behind it, also where both could run at once"
is "$(state offset) $(runs offset)" "unstarted 0" "auto_start = no waits"
run start --sync offset
until_true 20 over offset 0
ok $? "for its first start"
sed 's/^\[sync acme : odd : number\]/&\nafter = acme : odd : cursor/' "$conf/sluice.ini" >"$dir/ini" && cp "$dir/ini" "$conf/sluice.ini"
run reload
is "$status" 2 "a circle is refused at a reload"
has "$dir/err" 'a circle, in which nothing would ever begin' "by its name"
becomes waiting "and everything goes on as it was" state number

# ---- another host under a waiting run

configure
control faults '{"match":"GET /plain/cursor","do":"silence"}' >/dev/null
run reload
timeout 60 "$build/sluice" --conf "$conf" run --sync cursor >"$dir/waited" 2>&1 &
waits=$!
until_true 20 steps cursor
sleep 0.3 # its request has gone from the store
kill -9 "$host"; wait "$host" 2>/dev/null
control reset >/dev/null
serve
wait "$waits"
is "$? $(grep -c 'cursor  success' "$dir/waited")" "0 1" "a waiting run sees the end of its sync in the next host"

# ---- cancelled is cancelled

control faults '{"match":"GET /plain/cursor","do":"silence"}' >/dev/null
run trigger --sync cursor
until_true 20 is_state cursor running
run cancel --sync cursor
until_true 20 is_state cursor waiting
n=$(runs cursor)
kill -9 "$host"; wait "$host" 2>/dev/null
control reset >/dev/null
serve
sleep 1
is "$(state cursor) $(runs cursor)" "waiting $n" "what a person has cancelled is not begun again by the next host"
run status --sync cursor --format jsonl
run run --sync cursor --timeout 30s
is "$status" 0 "but when it is asked for"
control faults '{"match":"GET /plain/cursor","do":"silence"}' >/dev/null
run run --sync cursor --timeout 1s
is "$status" 75 "--timeout beside a host ends it in good order"
has "$dir/out" 'the time given by --timeout is up' "and says why"
run status --sync cursor
has "$dir/out" 'the time given by --timeout is up' "so does the status"
hasnt "$dir/out" 'by a person' "which blames no person"
control reset >/dev/null
stop

# ---- interrupted, without a host

control faults '{"match":"GET /plain/cursor","nth":2,"do":"silence"}' >/dev/null
"$build/sluice" --conf "$conf" run --sync cursor >/dev/null 2>&1 &
one=$!
position() { "$build/sluice" --conf "$conf" status --sync cursor --format jsonl 2>/dev/null | grep -q '"positions":1'; }
until_true 20 position
kill -9 "$one"; wait "$one" 2>/dev/null
control reset >/dev/null
run run --resume
is "$status $(grep -c 'success.*resumed' "$dir/out")" "0 1" "--resume goes on with what was interrupted, and with nothing else"

# ---- a forced end

plugins chores
store=$dir/forced
host 'stop_timeout = 1s' 'stop_grace = 30s'
printf '[integration chores]\nbase_url = %s\n[connection acme : chores]\ntoken = t\n' "$at" | ini
serve
run trigger --sync region
until_true 20 over region 0
ok $? "a run that cannot begin, for want of metadata, stands in the history"
run history --sync region --format jsonl
has "$dir/out" '"status":"error".*metadata of connection acme : chores does not fit' "with its reason"
run trigger --sync hangs
stop
serve
until_true 20 steps hangs
ok $? "one that was asked for when the host ended begins in the next host"
stop
is "$code" 75 "a run that does not end within stop_timeout is left behind, with an exit code that says so"
has "$dir/log" 'did not end within stop_timeout' "and a line"
sed 's/^stop_timeout.*/stop_timeout = 1m/' "$conf/sluice.ini" >"$dir/ini" && cp "$dir/ini" "$conf/sluice.ini"
serve
until_true 20 steps hangs
ok $? "the next host goes on with it"
run status --sync region --format jsonl
has "$dir/out" '"failures":1' "and knows of failures before it"
kill -TERM "$host"
until_true 10 grep -q 'once more ends at once' "$dir/log"
kill -TERM "$host"
wait "$host"
is "$?" 143 "a second signal ends it at once"
echo "1..$cases"
