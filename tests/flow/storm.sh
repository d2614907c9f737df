#!/bin/sh
# storm.sh - a sync of 50 pages under a storm of 429, 500, cut connections and truncated answers ends with the same store as
# without, and nothing was asked before its Retry-After had passed.
. "$(dirname "$0")/lib.sh"
plugins odd
provider --records 5000 --seed "${STORM_SEED:-7}"

configure() {
	store=$dir/$1
	host 'retry_base = 5ms' 'retries = 30'
	ini <<-INI
		[integration odd]
		base_url = $at
		[connection acme : odd]
	INI
}

configure calm
run run --sync cursor
is "$status" 0 "without a storm the sync ends well"
stored M_cursor >"$dir/calm.records"
is "$(wc -l <"$dir/calm.records")" 5000 "and every record is there"

configure storm
control reset >/dev/null
control faults '{"probability":0.08,"do":"429","retry_after":1}' '{"probability":0.02,"do":"503","retry_after":"date:2"}' \
	'{"probability":0.1,"do":"500"}' '{"probability":0.1,"do":"cut","percent":60}' '{"probability":0.1,"do":"cut-chunked","percent":30}' \
	'{"probability":0.1,"do":"reset"}' '{"probability":0.05,"do":"hang-up"}' '{"probability":0.1,"do":"gzip-cut"}' \
	'{"probability":0.1,"do":"close-no-length","percent":50}' '{"probability":0.05,"do":"truncated-json","percent":80}' >/dev/null
LIMIT=300 run run --sync cursor
first=$status
runs=1
while [ "$status" != 0 ] && [ $runs -lt 30 ]; do # an answer that is whole by its framing but no JSON ends a run; the next one goes on
	runs=$((runs + 1))
	LIMIT=300 run run --sync cursor
done
is "$status" 0 "under the storm it ends well in the end"
echo "# the first run ended with $first; runs: $runs; requests: $(control requests | sed 's/,"paths".*//')"
stored M_cursor >"$dir/storm.records"
same "$dir/calm.records" "$dir/storm.records" "the store is the same as without"
control faults >"$dir/used"
for fault in 429 503 500 cut cut-chunked reset hang-up gzip-cut close-no-length truncated-json; do
	grep -o "\"do\":\"$fault\"[^}]*},\"seen\":[0-9]*,\"used\":[1-9]" "$dir/used" >/dev/null
	ok $? "the storm had its $fault"
done
control requests >"$dir/requests"
has "$dir/requests" '"early_requests":0,' "no request was sent before its Retry-After had passed"
