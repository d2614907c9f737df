#!/bin/sh
# close.sh - the close connector against the provider: offsets by items, incremental by day, five lists in one model.
. "$(dirname "$0")/lib.sh"

kinds='lead:CloseLead contact:CloseContact opportunity:CloseOpportunity activity:CloseActivity user:CloseUser'
fields='lead contact opportunity activity shared'

configure() {
	host 'retry_base = 10ms'
	ini <<-INI
		[integration close]
		base_url   = $at/close/api
		rate_limit = 10000/s
		[connection acme : close]
		api_key = $1
	INI
}

remember() { for model in $models; do sequence "$model" >"$dir/since.$model"; done; }
since() { cat "$dir/since.$1"; }
models='CloseLead CloseContact CloseOpportunity CloseActivity CloseUser CloseCustomField'
expected() { # expected MODEL WHAT: ids of the last mutation
	if [ "$1" = CloseCustomField ]; then
		for field in $fields; do ids close "custom_field/$field" "$2" "$dir/mutated"; done | LC_ALL=C sort
	else
		for pair in $kinds; do [ "${pair#*:}" = "$1" ] && ids close "${pair%:*}" "$2" "$dir/mutated"; done
	fi
}

provider --records 500
configure api_flow
run run
is "$status" 0 "a first sync ends well"
for pair in $kinds; do
	is "$(live "${pair#*:}")" "$(total close "${pair%:*}")" "every ${pair%:*} is in the store"
done
sum=0
for field in $fields; do sum=$((sum + $(total close "custom_field/$field"))); done
is "$(live CloseCustomField)" "$sum" "the five lists of custom fields are one model"

remember
run run
moved=
for model in $models; do [ "$(sequence "$model")" = "$(since "$model")" ] || moved="$moved $model"; done
is "$status$moved" 0 "a second sync changes nothing"

control mutate api=close change=1% drop=1% add=2 >"$dir/mutated"
run run
is "$status" 0 "the usual sync ends well"
for model in $models; do
	for what in changed:updated added:added; do
		changes "$model" "$(since "$model")" "${what#*:}" >"$dir/got"
		expected "$model" "${what%:*}" >"$dir/want"
		same "$dir/want" "$dir/got" "the usual sync finds exactly the ${what%:*} of $model"
	done
done
run run --full-refresh
is "$status" 0 "a full refresh ends well"
for model in $models; do
	changes "$model" "$(since "$model")" deleted >"$dir/got"
	expected "$model" dropped >"$dir/want"
	same "$dir/want" "$dir/got" "exactly the dropped of $model are deletes"
done

control set close.max_skip=200 >/dev/null
run run --full-refresh --sync activities
is "$status" 1 "past Close's own bound of _skip a run fails"
has "$dir/said" "maximum for this resource" "with Close's words"
is "$(live CloseActivity)" "$(total close activity)" "and deletes nothing"
control set close.max_skip=0 >/dev/null

for case in 'wrong|API key is invalid' 'api_expired|has expired' 'api_noscope|lacks the scope'; do
	configure "${case%|*}"
	run run --sync leads
	is "$status" 3 "${case%|*}: exit 3"
	has "$dir/said" "${case#*|}" "${case%|*}: the reason is shown"
	run test-connection --connection-id acme
	is "$status" 3 "${case%|*}: so says test-connection"
done
