#!/bin/sh
# chores.sh - what a run copes with: connectors that die, hang, do not listen, stop in good order, read what they wrote, stream,
# send an id twice, send rubbish, or want metadata that is not there.
. "$(dirname "$0")/lib.sh"
plugins chores
provider --records 300

configure() { # configure LINES: [connection acme : chores]
	host 'call_limit = 2s' 'stop_grace = 2s' 'retries = 0'
	ini <<-INI
		[integration chores]
		base_url = $at
		[connection acme : chores]
		token = t0ken-of-acme
		$1
	INI
}
count() { # count FIELD: of the one result in the last output
	sed -n "s/.*\"$1\":\([0-9]*\).*/\1/p" "$dir/out" | head -n 1
}

configure ''
run run --sync dies_once --format jsonl
is "$status $(count workers)" "0 2" "a worker that dies after having come further is followed by another, once"
is "$(stored Thing | tr -d '\n')" '{"id":"after"}{"id":"before"}' "what it had committed is there, what came after it is not"
run run --sync dies
is "$status" 1 "one that dies at once fails the run"
has "$dir/out" 'SIGABRT' "and the signal is named"
run run --sync relapses --format jsonl
is "$status $(count workers)" "1 4" "one that dies at the same place again is followed no further than step_retries"
run history --run "$(count run)"
has "$dir/out" 'the last words' "and the log keeps what it said before it died"
run run --sync hangs
is "$status" 1 "a connector that computes for ever fails its run"
has "$dir/out" 'call_limit' "and the limit is named"
run records Thing --id unseen
is "$(wc -c <"$dir/out")" 0 "nothing of it is stored"

LIMIT=60 run --set call_limit=50s run --sync deaf --timeout 1s
is "$status" 75 "one that does not listen is ended after the grace period"
run run --sync stops --timeout 1500ms --format jsonl
is "$status" 75 "one that listens stops in good order"
first=$(count added)
run checkpoint get --connection-id acme --sync stops
is "$(cat "$dir/out")" "$first" "its checkpoint is that of what is stored"
run run --sync stops --timeout 1500ms --format jsonl
more=$(count added)
run checkpoint get --connection-id acme --sync stops
is "$(cat "$dir/out")" "$((first + more))" "and the next run goes on from there"
"$build/sluice" --conf "$conf" run --sync stops >"$dir/out" 2>"$dir/err" </dev/null &
pid=$!
pids="$pids $pid"
running() { "$build/sluice" --conf "$conf" status --sync stops 2>/dev/null | grep -q running; }
until_true 10 running
ok $? "status sees a run that another process does"
run records Thing --id before
has "$dir/out" '"id":"before"' "and records can be read beside it"
run metadata update '{"seen":true,"region":"x"}' --connection-id acme
is "$status" 0 "and metadata be written"
run run --sync reads
is "$status" 4 "a second run beside it is refused with exit 4"
has "$dir/err" 'open in another process .pid [0-9]*.: a command there .*say it again when that has ended' "and what to do"
kill -TERM $pid
wait $pid
is $? 143 "SIGTERM ends it with 143"
run metadata get --connection-id acme
has "$dir/out" '"seen": true' "what was written beside it stands"

kept() { "$build/sluice" --conf "$conf" history --sync stops --limit 1 --format jsonl 2>/dev/null | sed -n 's/.*"status":"running".*"added":\([0-9]*\).*/\1/p'; }
further() { [ "$(kept)" -gt 10 ]; } # as its history has it, which is what a kill leaves
"$build/sluice" --conf "$conf" run --sync stops >"$dir/killed" 2>&1 </dev/null &
pid=$!
pids="$pids $pid"
until_true 20 further
kill -9 $pid
wait $pid 2>/dev/null
run history --sync stops --limit 1 --format jsonl
has "$dir/out" '"status":"interrupted"' "a run that was killed is not under way any more"
run status --sync stops --format jsonl
has "$dir/out" '"status":"interrupted"' "and status has the same word for it"
run run --sync stops --timeout 1500ms
run status --sync stops --format jsonl
has "$dir/out" '"status":"stopped"' "one that was stopped is stopped, although the next goes on with it"
run history --sync stops --limit 2 --format jsonl
past=$(sed -n '2s/.*"status":"\([a-z]*\)".*"saved":\([0-9]*\),"added":\([0-9]*\).*/\1 \2 \3/p' "$dir/out")
[ "${past%% *}" = interrupted ] && [ "$(echo "$past" | cut -d' ' -f2)" -gt 5 ] && [ "${past##* }" -gt 5 ]
ok $? "a run that was killed stands in the history as interrupted, with what it had done ($past)"
run checkpoint clear --connection-id acme --sync stops
run run --sync reads
run records Thing --id sum --format jsonl
has "$dir/out" '"found":2,"listed":[1-9]' "a run reads its own writes"
run run --sync stream
run records Thing --id stream --format jsonl
has "$dir/out" '"status":200,"bytes":[1-9][0-9][0-9][0-9]' "a body is read in pieces"
whole=$("$build/sluice-provider" --control "$at" get '/plain/cursor?limit=100' | wc -c)
got=$(sed -n 's/.*"bytes":\([0-9]*\).*/\1/p' "$dir/out")
[ $((whole - got)) -le 1 ]; ok $? "to its end"
control faults '{"match":"/plain/cursor","do":"cut","after":4000}' >/dev/null
run run --sync stream
is "$status" 75 "a body that is cut in the middle is the provider's failure, not an end"
has "$dir/out" 'cut off' "which is named"
control reset >/dev/null

run run --sync twice --format jsonl
run records Thing --id x --format jsonl
has "$dir/out" '"n":2' "of an id that comes twice in one batch the last counts"
run run --sync twice --format jsonl
is "$(count unchanged) $(count updated)" "2 0" "and reading the same again is no change"
run run --sync rejects
is "$status" 1 "more than max_rejected bad records fail the run"
has "$dir/out" 'max_rejected' "which says so"
run dead-letters list --sync rejects --format jsonl
is "$(wc -l <"$dir/out")" 20 "each is a dead letter"
run dead-letters list --sync stops --limit 0 --format jsonl
is "$(wc -l <"$dir/out")" 0 "of its own sync"
run dead-letters list --limit 7 --format jsonl
is "$(wc -l <"$dir/out")" 7 "as many as are asked for"
run history --sync region --limit 0 --format jsonl
is "$status $(wc -l <"$dir/out")" "0 0" "a history of what never ran is empty"
run dead-letters list --sync rejects --format jsonl
number=$(sed -n '1s/.*"number":\([0-9]*\).*/\1/p' "$dir/out")
run dead-letters show "$number"
has "$dir/out" '\{"id":\[0\]\}' "which shows what it was"

run metadata clear --connection-id acme
run run --sync region
is "$status" 2 "a sync whose metadata is missing does not begin"
has "$dir/said" 'region' "and the path is named"
run metadata set '{"region":5}' --connection-id acme
is "$status" 2 "metadata of another shape is refused when it is set"
run metadata set '{"region":"eu"}' --connection-id acme
run run --sync region
is "$status" 0 "with the right one it runs"
run run --sync strays
is "$status" 1 "metadata of another shape is refused also when the run itself sets it"
has "$dir/said" 'region' "and the path is named"
run metadata get --connection-id acme
has "$dir/out" '"region": "eu"' "nothing of it is stored"
run metadata clear --connection-id acme

configure 'rows = [{"id":"1"},{"id":"2"},{"id":"3"},{"id":"4"},{"id":"5"}]'
run run
is "$status" 1 "a handmade listing that nobody vouches for is not complete"
has "$dir/said" 'sluice_full_done' "and the warning says what is missing"
configure 'rows = [{"id":"1"},{"id":"2"},{"id":"3"},{"id":"4"}]'
run run
is "$(live Row)" 5 "so nothing is deleted"
configure 'rows = [{"id":"1"},{"id":"2"},{"id":"3"},{"id":"4"}]
vouch = yes'
run dry-run --format jsonl
has "$dir/out" '"action":"deleted","model":"Row","id":"5"' "a dry run shows the delete"
is "$(live Row)" 5 "and does not do it"
run run
is "$status $(live Row)" "0 4" "vouched for, the absent one is deleted"

# ---- what was lost proves nothing later

configure 'rows = [{"id":"1"},{"id":"2"},{"id":"3"},{"id":"4"}]
vouch = yes'
run run --sync recants
configure 'rows = [{"id":"1"},{"id":"2"},{"id":"3"}]
vouch = yes'
run metadata set '{"region":"eu","recant":true}' --connection-id acme
run run --sync recants
is "$status" 1 "a listing that is vouched for, and lost before it is stored, fails"
run metadata update '{"recant":false}' --connection-id acme
configure 'rows = [{"id":"1"},{"id":"2"},{"id":"3"}]'
run run --sync recants
is "$status $(live Recanted)" "1 4" "that word is lost with it: the next run deletes nothing without one of its own"

configure 'rows = []
vouch = yes'
run run
is "$status $(live Row)" "1 4" "an empty listing is held back"
run status --format jsonl
has "$dir/out" '"held":\{"Row":4\}' "and status says so"
has "$dir/out" '"status":"partial".*held back' "in one word and in a sentence"
ini <<INI
[sync acme : chores : handmade]
max_delete_share = 100%
INI
run dry-run --sync handmade
has "$dir/out" 'delete 4;.* 0 held back' "with max_delete_share = 100%, as the run advises, a dry run shows all deletes"
run run --sync handmade
is "$status $(live Row)" "0 0" "and a run does them: the operator's word goes before the brake"

configure 'rows = [{"id":"1"},{"id":"2"},{"id":"3"}]'
run run --sync mixed
control mutate api=plain drop=3 >"$dir/mutated"
configure 'rows = [{"id":"1"},{"id":"2"}]'
run run --sync mixed
is "$status $(live Paged) $(live Handed)" "1 297 3" "a pagination to its end proves absence for its own model only"
has "$dir/said" 'Handed: deletes by absence are off' "which is said"

# ---- what one run may cost

limited() { # limited LINE: mixed under this limit
	host 'retries = 0'
	ini <<-INI
		[integration chores]
		base_url = $at
		[connection acme : chores]
		token = t0ken-of-acme
		[sync acme : chores : mixed]
		page_size = 50
		$1
	INI
	run run --sync mixed --full-refresh --format jsonl
}
limited 'max_requests = 2'
is "$status $(count requests) $(count saved)" "75 2 100" "a run ends when it has sent max_requests, and keeps what it has"
has "$dir/out" '"message":"2 requests were sent, more than max_requests' "the limit is named"
limited 'max_bytes = 1KiB'
[ "$status" = 75 ] && [ "$(count saved)" -ge 50 ] && [ "$(count saved)" -le 150 ]; ok $? "and when it has received max_bytes"
has "$dir/out" 'more than max_bytes' "which is named too"
run run --sync stream --format jsonl
is "$status" 0 "limits are those of the sync that they were given for"
ini <<INI
[sync acme : chores : stream]
max_bytes = 1KiB
INI
run run --sync stream --format jsonl
has "$dir/out" 'more than max_bytes' "a stream is cut off there in its middle"

# ---- every wait has a name

host 'retries = 3' 'retry_base = 300ms'
ini <<INI
[integration chores]
base_url = $at
[connection acme : chores]
token = t0ken-of-acme
INI
control reset >/dev/null
control faults '{"match":"/plain/cursor","nth":[1],"do":"delay","ms":400}' \
	'{"match":"/plain/cursor","nth":[2],"do":"429","retry_after":1}' '{"match":"/plain/cursor","nth":[3],"do":"500"}' >/dev/null
run run --sync mixed
run history --sync mixed --limit 1 --format jsonl
ms() { sed -n "s/.*\"time\":{[^}]*\"$1_ms\":\([0-9]*\).*/\1/p" "$dir/out"; }
sum=$(($(ms connecting) + $(ms server) + $(ms rate_limit) + $(ms retry) + $(ms starting) + $(ms computing) + $(ms committing)))
apart=$(($(ms total) - sum))
[ "$apart" -ge -100 ] && [ "$apart" -le $((300 + $(ms total) / 4)) ]
ok $? "the times that the history names add up to the duration ($sum of $(ms total) ms)"
[ "$(ms server)" -ge 350 ] && [ "$(ms rate_limit)" -ge 900 ]
ok $? "the server's time ($(ms server) ms) and the rate limit's ($(ms rate_limit) ms) under their names"
[ "$(ms starting)" -gt 0 ]; ok $? "also the time until the worker had its first step ($(ms starting) ms)"

# ---- on a terminal

if command -v script >/dev/null; then
	console() { # console SECONDS SIGNALS SYNC: run on a terminal of 60 columns, and interrupted so often
		rm -f "$dir/pid"
		script -qec "stty cols 60; sh -c 'echo \$\$ >$dir/pid; exec $build/sluice --conf $conf --set stop_grace=30s --set call_limit=50s run --sync $3'; echo exit \$?" /dev/null </dev/null >"$dir/out" 2>&1 &
		until_true 10 grep -q 'records' "$dir/out"
		sleep "$1"
		for signal in $2; do # the next one when the one before was heard
			kill -"$signal" "$(cat "$dir/pid")"
			until_true 10 grep -q 'once more ends at once' "$dir/out"
		done
		wait $!
	}
	console 0.5 'INT' stops
	tr '\r' '\n' <"$dir/out" | tr -d '\033' | sed 's/^\[K//' >"$dir/lines"
	has "$dir/lines" 'acme : chores : stops  [0-9]+ records' "a terminal shows progress"
	has "$dir/lines" 'exit 130' "one Ctrl-C ends it in good order"
	has "$dir/lines" 'acme : chores : stops  stopped ' "with its one line"
	console 0.3 'INT INT' deaf
	tr '\r' '\n' <"$dir/out" | tr -d '\033' | sed 's/^\[K//' >"$dir/lines"
	has "$dir/lines" 'exit 130' "a second Ctrl-C ends at once what does not listen"
	hasnt "$dir/lines" 'deaf  stopped' "without waiting for it"
fi
