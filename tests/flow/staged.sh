#!/bin/sh
# staged.sh - `visibility = complete`: what a full sync brings is seen by nobody before its successful end, then all at once;
# and `run --reset`: what is not listed goes, behind the brake.
. "$(dirname "$0")/lib.sh"
plugins odd
provider --records 450

host 'retry_base = 1ms' 'retries = 1'
ini <<-INI
	[integration odd]
	base_url = $at
	[connection acme : odd]
	[sync acme : odd : cursor]
	visibility = complete
INI

control faults '{"nth":[3],"do":"401"}' >/dev/null
run run --sync cursor
is "$status $(live M_cursor)" "3 0" "a first run that fails on page 3 shows nothing of its two pages"
control reset >/dev/null
run run --sync cursor
is "$status $(live M_cursor)" "0 450" "the run that goes on with it shows all"
has "$dir/said" '450 added' "and counts all as added, whose pages came from two runs"
was=$(sequence M_cursor)
run run --sync cursor
is "$(sequence M_cursor)" "$was" "listed again, nothing changes"

control mutate api=plain drop=5 >"$dir/mutated"
control reset >/dev/null
control faults '{"last_page":true,"do":"delay","ms":20000}' >/dev/null
"$build/sluice" --conf "$conf" run --sync cursor >"$dir/out" 2>"$dir/err" </dev/null &
host_pid=$!
pids="$pids $host_pid"
last() { control faults | grep -q '"used":[1-9]'; }
until_true 20 last
kill -9 $host_pid
wait $host_pid 2>/dev/null
is "$(live M_cursor) $(sequence M_cursor)" "450 $was" "killed on the last page, readers see what was there before"
run verify
is "$status" 0 "and the store is well"
control reset >/dev/null
run run --sync cursor
ids plain records dropped "$dir/mutated" >"$dir/want"
changes M_cursor "$was" deleted >"$dir/got"
same "$dir/want" "$dir/got" "the next run goes on, and deletes exactly what is gone"

was=$(sequence M_cursor)
control mutate api=plain drop=3 >"$dir/mutated"
run run --sync cursor --reset
ids plain records dropped "$dir/mutated" >"$dir/want"
changes M_cursor "$was" deleted >"$dir/got"
same "$dir/want" "$dir/got" "a reset lists from the beginning, and deletes what is not listed"
control faults '{"do":"empty-list"}' >/dev/null
before=$(live M_cursor)
run run --sync cursor --reset
is "$(live M_cursor)" "$before" "a reset that lists nothing deletes nothing unasked"
has "$dir/said" 'held back' "and says that it held it back"
