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

# ---- everything at once

under() { # under NAME RULE...: an empty store, and a provider that follows these rules
	configure "$1"
	shift
	control reset >/dev/null
	control faults "$@" >/dev/null
}
had() { # had FAULT...: the storm was one
	control faults >"$dir/used"
	missing=
	for fault; do
		grep -q "\"do\":\"$fault\"[^}]*},\"seen\":[0-9]*,\"used\":[1-9]" "$dir/used" || missing="$missing $fault"
	done
	is "$missing" "" "it had: $*"
}

under storm '{"probability":0.06,"do":"429","retry_after":1}' '{"probability":0.02,"do":"503","retry_after":"date:2"}' \
	'{"probability":0.1,"do":"500"}' '{"probability":0.1,"do":"cut","percent":60}' '{"probability":0.1,"do":"cut-chunked","percent":30}' \
	'{"probability":0.1,"do":"reset"}' '{"probability":0.05,"do":"hang-up"}' '{"probability":0.1,"do":"gzip-cut"}' \
	'{"nth":7,"times":6,"do":"length-lie"}' '{"nth":9,"times":6,"do":"truncated-json","percent":80}' '{"nth":11,"times":6,"do":"close-no-length","percent":50}'
run run --sync cursor
is "$status" 0 "under the storm one run ends well"
stored M_cursor >"$dir/storm.records"
same "$dir/calm.records" "$dir/storm.records" "the store is the same as without"
control requests >"$dir/requests"
has "$dir/requests" '"early_requests":0,' "no request was sent before its Retry-After had passed"
echo "# $(sed 's/,"paths".*//' "$dir/requests")"
had 429 503 500 cut cut-chunked reset hang-up gzip-cut length-lie truncated-json close-no-length

# ---- what stays torn ends the run

under torn '{"from":9,"do":"truncated-json","percent":80}'
run run --sync cursor
is "$status" 1 "an answer that is torn each time ends the run"
has "$dir/said" 'not sound JSON' "with its reason"
control reset >/dev/null
run run --sync cursor
is "$status" 0 "the next run ends well"
stored M_cursor >"$dir/storm.records"
same "$dir/calm.records" "$dir/storm.records" "and the store is the same as without"
