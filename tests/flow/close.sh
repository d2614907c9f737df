#!/bin/sh
# close.sh - the close connector against the provider: offsets by items, incremental by day, six lists in one model; windows of time.
. "$(dirname "$0")/lib.sh"

kinds='lead:CloseLead contact:CloseContact opportunity:CloseOpportunity activity:CloseActivity user:CloseUser'
fields='lead contact opportunity activity custom_object_type shared'

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
is "$(live CloseCustomField)" "$sum" "the six lists of custom fields are one model"

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

is "$(stored CloseCustomField | grep -c '"object_type":"lead"')" "$(total close custom_field/lead)" "and say which object they belong to"

# ---- lists that are longer than Close lets anybody skip

targets() { control requests log=1 | grep -o '"target":"[^"]*"' | grep -c "$1"; }
for pair in lead:CloseLead contact:CloseContact activity:CloseActivity; do sequence "${pair#*:}" >"$dir/since.${pair#*:}"; done
control set close.max_skip=100 >/dev/null
control mutate api=close drop=3 >"$dir/mutated"
for each in leads:lead contacts:contact activities:activity; do
	model=$(echo "$kinds" | tr ' ' '\n' | sed -n "s/^${each#*:}://p")
	control reset >/dev/null
	run run --full-refresh --sync "${each%:*}"
	is "$status $(live "$model")" "0 $(total close "${each#*:}")" "${each%:*}: past Close's bound of _skip, all are there"
	changes "$model" "$(since "$model")" deleted >"$dir/got"
	expected "$model" dropped >"$dir/want"
	same "$dir/want" "$dir/got" "${each%:*}: and exactly what was dropped is deleted"
	[ "$(targets 'date_created.*')" -gt 3 ]; ok $? "${each%:*}: they were asked for in windows of time"
done
control reset >/dev/null
control mutate api=close change=40% >"$dir/mutated"
sequence CloseActivity >"$dir/since.CloseActivity"
run run --sync activities
is "$status" 1 "more changes of one moment than Close lets anybody skip cannot be read"
has "$dir/said" 'more of one second \(date_updated 20' "which is said, with the moment"
control set close.max_skip=300 >/dev/null
run run --sync activities
changes CloseActivity "$(since CloseActivity)" updated >"$dir/got"
expected CloseActivity changed >"$dir/want"
is "$status" 0 "with room for them the next run ends well"
same "$dir/want" "$dir/got" "and finds exactly what was changed"
control set close.max_skip=0 >/dev/null

for case in 'wrong|API key is invalid' 'api_expired|has expired' 'api_noscope|lacks the scope'; do
	configure "${case%|*}"
	run run --sync leads
	is "$status" 3 "${case%|*}: exit 3"
	has "$dir/said" "${case#*|}" "${case%|*}: the reason is shown"
	run test-connection --connection-id acme
	is "$status" 3 "${case%|*}: so says test-connection"
done
