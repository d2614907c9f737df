#!/bin/sh
# state.sh - `sluice state`: where paginations stand is shown, set and cleared by hand; the run goes on there, and what it
# then does not list is not taken for gone.
. "$(dirname "$0")/lib.sh"
plugins odd
provider --records 450

host 'retry_base = 1ms' 'retries = 1'
ini <<-INI
	[integration odd]
	base_url = $at
	[connection acme : odd]
	[sync acme : odd : cursor]
	max_delete_share = 100%
INI
member() { sed -n "s/.*\"$1\":\([^,}]*\).*/\1/p" "$dir/out"; }
requests() { sed -n 's/.*"requests":\([0-9]*\).*/\1/p' "$dir/out"; }
key='GET /plain/cursor'

# ---- shown

run state get --sync cursor --format jsonl
is "$status $(wc -l <"$dir/out")" "0 0" "a sync that never ran has no state"
control faults '{"nth":[3],"do":"401"}' >/dev/null
run run --sync cursor
control reset >/dev/null
run state get --sync cursor --format jsonl
is "$(member key) $(member kind) $(member total_processed) $(member iterations_in_chunk) $(member has_more)" "\"$key\" \"cursor\" 200 2 true" \
	"after two pages it says so"
third=$(member cursor)
run state get --sync cursor
has "$dir/out" "^$key +1? *cursor +$(echo "$third" | tr -d '"') +200 +open" "and as a table"

# ---- set in an interrupted run

run state set "$key" '{"total_processed":7}' --sync cursor
run state get --sync cursor --format jsonl
is "$(member total_processed) $(member cursor)" "7 $third" "set changes what it names, and leaves the rest"
run run --sync cursor --format jsonl
is "$(live M_cursor)" 450 "the run goes on there"
has "$dir/out" '"status":"partial"' "and proves no absence any more"
run run --sync cursor --format jsonl
has "$dir/out" '"status":"success"' "the one after it does"

# ---- set where nothing is interrupted

was=$(sequence M_cursor)
control mutate api=plain drop=20 >/dev/null
run state set "$key" "{\"cursor\":$third}" --sync cursor
is "$status" 0 "a cursor is set by hand"
run state get --sync cursor --format jsonl
is "$(member cursor) $(member has_more) $(member total_processed)" "$third true 0" "and shown"
run status --sync cursor --format jsonl
hasnt "$dir/out" '"status":"interrupted"' "which is no interrupted run"
run run --sync cursor --format jsonl
is "$(requests)" 3 "the next run asks for the three pages from there only"
is "$(changes M_cursor "$was" deleted | wc -l)" 0 "and deletes nothing that it did not list, though no brake would hold it back"
has "$dir/out" 'a position was set by hand' "saying why"
run state get --sync cursor --format jsonl
is "$(wc -l <"$dir/out")" 0 "the run ended well, and nothing is left"
run run --sync cursor --format jsonl
is "$(changes M_cursor "$was" deleted | wc -l)" 20 "the next one lists everything, and deletes what is gone"

# ---- cleared

run state set "$key" "{\"cursor\":$third}" --sync cursor
run state clear "$key" --sync cursor
run run --sync cursor --format jsonl
has "$dir/out" '"status":"success"' "set and cleared, it is as if nothing had been"
run state set "$key" "{\"cursor\":$third}" --sync cursor
run run --sync cursor --full-refresh --format jsonl
has "$dir/out" '"status":"success"' "a full refresh does not go on there"
run state set "$key" "{\"cursor\":$third}" --sync cursor
run state set other '{"offset":5}' --sync cursor
run state clear --sync cursor
run state get --sync cursor --format jsonl
is "$(wc -l <"$dir/out")" 0 "clear without a key clears all"

# ---- refused

for bad in '[]' '{"offset":-1}' '{"url":5}' '{"cursor":{}}' '{"cursor":"a","offset":1}' '{"kind":"wheel","cursor":"a"}' '{"has_more":true}' \
	'{"cursor":"a","total_processed":"many"}' '{'; do
	run state set "$key" "$bad" --sync cursor
	is "$status" 2 "refused: $bad"
done
run state clear nobody --sync cursor
is "$status" 2 "a key that is not there is named"
run state get --sync cursor --format jsonl
is "$(wc -l <"$dir/out")" 0 "what was refused has left nothing"

# ---- beside a service

control faults '{"nth":[2],"do":"delay","ms":60000}' >/dev/null
"$build/sluice" --conf "$conf" serve >/dev/null 2>"$dir/log" &
pids="$pids $!"
until_true 20 grep -q '"msg":"serves ' "$dir/log"
run trigger --sync cursor
held() { control faults | grep -q '"used":[1-9]'; }
until_true 20 held
run state set "$key" "{\"cursor\":$third}" --sync cursor
is "$status" 4 "while its run is under way it is refused"
has "$dir/err" 'sluice cancel' "with the remedy"
run state set 'GET /plain/offset' '{"offset":100}' --sync offset
is "$status" 0 "another sync's is set through the service"
has "$dir/err" 'next run begins at' "which says when that will be used"
