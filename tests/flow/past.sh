#!/bin/sh
# past.sh - history, steps and logs show what was: filtered, page by page, and as text that a person can read.
. "$(dirname "$0")/lib.sh"
plugins campaign
provider --records 1200
configure() {
	host 'retries = 0' "$@"
	ini <<-INI
		[integration campaign]
		base_url = $at
		[connection acme : campaign]
		[connection beta : campaign]
		[sync acme : campaign : paged]
		step_calls = 5
		step_retries = 0
		[sync beta : campaign : paged]
		step_retries = 0
	INI
}
configure
control faults '{"match":"GET /plain","do":"delay","ms":5}' >/dev/null # so that there is a wait to be told of
run run --sync paged
control reset >/dev/null
run run --sync paged --connection-id beta
control faults '{"match":"GET /plain","do":"500"}' >/dev/null
run run --sync paged --connection-id beta
control reset >/dev/null
list() { "$build/sluice" --conf "$conf" history --format jsonl "$@" 2>/dev/null | sed 's/^{"run":\([0-9]*\).*/\1/' | tr '\n' ' '; }
is "$(list)" "4 3 2 1 " "history: the newest first"
is "$(list --status error)" "4 " "by how they ended"
is "$(list --connection-id beta --status success | wc -w)" 2 "by connection and end"
is "$(list --limit 2)|$(list --limit 2 --before 3)" "4 3 |2 1 " "page by page"
is "$(list --since 1h)|$(list --since 2030-01-01)" "4 3 2 1 |" "by when they began"
run history --status sucess
is "$status" 2 "an end that there is not is refused"
has "$dir/err" 'did you mean success' "with the nearest"
run history --since yesterday
is "$status" 2 "so is a time that is none"

run history --run 1
has "$dir/out" '^run 1 of (acme|beta) : campaign : paged$' "one run begins with its name"
has "$dir/out" '^status +success, a full listing, complete$' "how it ended"
has "$dir/out" '^provider +1 200 fetched, 1[23] pages, 1[23] requests, [0-9.]+ [KM]iB$' "what was asked of the provider"
has "$dir/out" '^records +1 200 processed, 1 200 added, 0 updated, 0 deleted' "what became of the records"
has "$dir/out" '^of which +.*waiting for the server' "where the time went"
has "$dir/out" '^20[0-9-]+ [0-9:]+  info +ends: 1 200 records saved' "and its log"
hasnt "$dir/out" '[{}]' "no JSON"
run history --run 4
has "$dir/out" '^reason +.*500' "a failed one has its reason"

acme=$(list --connection-id acme)
run steps $acme
has "$dir/out" '^STEP +TRY +STATUS' "steps of a run are a table"
is "$(grep -cE '^[0-9]+ +1 +done' "$dir/out")" 3 "of each step a line: 13 calls, five a step"
run steps $acme --format jsonl
is "$(sed 's/.*"added":\([0-9]*\).*/\1/' "$dir/out" | awk '{ n += $1 } END { print n }')" 1200 "what they added is what the run added"
is "$("$build/sluice" --conf "$conf" steps $acme --after 1 --limit 1 --format jsonl | sed 's/.*"step":\([0-9]*\).*/\1/')" 2 "page by page"
run steps 4
has "$dir/out" '^step 1: .*500' "why a step failed"
run steps 99
is "$status" 2 "a run that there is not is refused"

run logs --since 1h --sync paged
has "$dir/out" 'run 1 ' "logs --since shows all runs since then"
run logs --since 2030-01-01
is "$(cat "$dir/out")" "" "and nothing before"

# ---- what a run says of itself in the end

configure
sed -i 's/^retries = 0/retries = 3/' "$conf/sluice.ini"
control faults '{"match":"GET /plain","nth":[2],"times":1,"do":"429","retry_after":1}' >/dev/null
run run --sync paged --connection-id beta
has "$dir/out" '\(1 200 fetched, 1[34] requests, 1 retry, 1 rate-limit hit, [0-9.]+ [KM]iB, [0-9a-z.]+, of which .*waiting for rate limits' \
	"run tells what it fetched, how often it asked, and what it waited for"
run logs --sync paged --limit 1
has "$dir/out" 'ends: 1 200 records saved, 0 rejected; 1 200 fetched, 1[34] requests, 1 retry, 1 rate-limit hit, ' "so does the last line of its log"
control reset >/dev/null
run run --sync paged --connection-id beta --format jsonl
has "$dir/out" '"fetched":1200,"saved":1200,"added":0,.*"requests":1[234],"retries":0,"rate_limited":0,"bytes":[1-9]' "in JSON all of it"
has "$dir/out" '"time":\{"connecting_ms":[0-9]+,"server_ms":[0-9]+,"rate_limit_ms":[0-9]+,"retry_ms":[0-9]+,"token_ms":' "with the time by what it was waited for"
