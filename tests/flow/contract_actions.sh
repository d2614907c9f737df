#!/bin/sh
# contract_actions.sh - actions over HTTP: answers and errors in the contract's shape; those that nobody waits for outlive a kill,
# are begun at most once unless repeatable, and wait for one another.
. "$(dirname "$0")/lib.sh"
. tests/flow/contract.inc
plugins act
provider

host 'retry_base = 10ms' 'retries = 0'
keys
ini <<INI
[connection acme : act]
base_url = $at/act
[connection down : act]
base_url = http://127.0.0.1:1
[integration scarce]
plugin = act
quota = 1/6h
[connection acme : scarce]
base_url = $at/act
[webhook app]
url    = http://127.0.0.1:1/
secret = a secret for the signature of events
events = action
INI
serve_begin

act() { # act NAME INPUT [curl's]: triggers it of $who
	name=$1 input=$2
	shift 2
	ask POST /action/trigger "{\"action_name\":\"$name\",\"input\":$input}" -H "Connection-Id: $who" -H 'Provider-Config-Key: act' "$@"
}
coded() { # coded STATUS CODE SENTENCE
	is "$code $(sed -n 's/^{"error":{"code":"\([a-z_]*\)".*/\1/p' "$dir/body")" "$1 $2" "$3"
}
calls() { control requests | tr -d '\n' | sed -n 's/.*"total":\([0-9]*\).*/\1/p'; }

# ---- at once

act echo '{"name":"Ada"}'
is "$code $(cat "$dir/body")" '200 {"name":"Ada"}' "an action answers with its bare output"
act silent-fine 'null'
coded 404 not_found "an action that is not there is 404 not_found, as the contract has it"
act ecko '{}'
holds "did you mean 'echo'" "with the nearest name"
act echo '{"name":7}'
coded 400 invalid_action_input "input that does not fit is refused"
holds '"path":["input","name"]' "by its path"
act fails '{}'
coded 500 action_script_failure "a connector's failure is told"
holds 'no such ticket' "in its words"
act wrong '{}'
is "$code" 500 "an answer that is not what was declared is a failure"
act slow '{}'
coded 504 action_script_timeout "an action has a time limit"
who=nobody
act echo '{"name":"Ada"}'
coded 400 unknown_connection "an unknown connection is told"
who=acme
ask POST /action/trigger '{"action_name":"echo","input":{}}' -H 'Connection-Id: acme' -H 'Provider-Config-Key: nothing'
coded 400 unknown_provider "an unknown integration too"
ask POST /action/trigger '{"input":{}}' -H 'Connection-Id: acme' -H 'Provider-Config-Key: act'
is "$code" 400 "an action needs a name"
as=$read_key
act echo '{"name":"Ada"}'
coded 403 forbidden "a key of scope read carries out nothing"
as=$write_key

control faults '{"route":"GET /act/","replies":[{"status":422,"headers":{"X-Why":"because"},"body":{"error":"no such lead"}}]}' >"$dir/control"
act calls '{}'
coded 424 script_http_error "what the provider refused is told as its refusal"
holds '"upstream":{"status":422,"headers":{' "with its status"
holds '"x-why":"because"' "headers"
holds '"body":{"error":"no such lead"}}' "and body"

control reset >"$dir/control"
control faults '{"route":"GET /act/","replies":[{"status":503}]}' >"$dir/control"
act calls '{}' -H 'X-Max-Retries: 1'
is "$code $(calls)" "424 2" "a repeatable action is tried again as often as the caller says"
act calls '{}' -H 'X-Max-Retries: 0'
is "$(calls)" 3 "also not at all"
act calls-once '{}' -H 'X-Max-Retries: 5'
is "$(calls)" 4 "any other is tried once, whatever the caller says"
act calls '{}' -H 'X-Max-Retries: 6'
is "$code" 400 "more than five is refused"
who=down
act calls-once '{}'
coded 424 provider_error "a provider that cannot be reached is told"
who=acme
control faults '{"route":"GET /act/","replies":[{"status":200,"body":{}}]}' >"$dir/control"
for time in 1 2; do
	ask POST /action/trigger '{"action_name":"calls-once"}' -H 'Connection-Id: acme' -H 'Provider-Config-Key: scarce'
done
coded 429 rate_limited "a quota that is used up is told"
is "$(sed -n 's/^[Rr]etry-[Aa]fter: \([0-9]\{5\}\).*/later/p' "$dir/head")" later "with the time when there is room again"

# ---- later

later() { # later NAME INPUT: $id
	act "$1" "$2" -H 'X-Async: true'
	id=$(sed -n 's/^{"id":"\([0-9a-f-]*\)".*/\1/p' "$dir/body")
}
over() { ask GET "/action/$1" && [ "$code" != 404 ]; }

later echo '{"name":"Bob"}'
is "$code $(cat "$dir/body")" "202 {\"id\":\"$id\",\"statusUrl\":\"/action/$id\"}" "an action may be asked for and fetched later"
has "$dir/head" "^[Ll]ocation: /action/$id" "where its Location says"
until_true 30 over "$id"
is "$code $(cat "$dir/body")" '200 {"name":"Bob"}' "its output is there when it is over"
ask GET "/action/$id"
is "$code" 200 "also for who asks once more"
"$build/sluice" --conf "$conf" deliveries show 1 --format jsonl 2>/dev/null | grep -q "\"payload\":{\"id\":\"$id\",\"statusUrl\":\"/action/$id\"}"
ok $? "an endpoint that wants to know was told that it is over"
ask GET /action/5f2b7b1e-9d3e-4c38-8a52-0f0a7d3f6b11
coded 404 not_found "one that is not there is 404"
later echo '{"name":7}'
coded 400 invalid_action_input "input is judged before it is kept"
later fails '{}'
until_true 30 over "$id"
coded 500 action_script_failure "a failure is told as at once"
unknown=$id

control reset >"$dir/control"
control faults '{"match":"GET /act/","do":"silence"}' >"$dir/control"
later calls-once '{}'
once=$id
ids=
for i in 1 2 3 4 5 6 7 8 9; do
	later calls '{}'
	ids="$ids $id"
done
eight() { [ "$(calls)" -ge 8 ]; }
until_true 60 eight
sleep 0.5
is "$(calls)" 8 "eight are under way at a time, the others wait"
ask GET "/action/$once"
coded 404 not_found "one that is not over is 404"
serve_kill
control reset >"$dir/control"
control faults '{"route":"GET /act/","replies":[{"status":200,"body":{}}]}' >"$dir/control"
serve_begin
until_true 30 over "$once"
coded 503 unavailable "one that was under way at a kill ends as failed, when it is not repeatable"
holds 'whether it was carried out is not known' "and says why"
whole=0
for id in $ids; do
	until_true 60 over "$id"
	[ "$code $(cat "$dir/body")" = '200 null' ] && whole=$((whole + 1))
done
is "$whole $(calls)" "9 9" "all others are carried out by the next host, once each"
ask GET "/action/$unknown"
coded 500 action_script_failure "results outlive a kill"

# ---- the host ends meanwhile

control reset >"$dir/control"
control faults '{"match":"GET /act/","do":"silence"}' >"$dir/control"
later calls '{}'
again=$id
(act calls-once '{}' && echo "$code" >"$dir/waited") &
waiter=$!
two() { [ "$(calls)" -ge 2 ]; }
until_true 30 two
serve_end
is $? 0 "the host ends in good order, though actions are under way"
wait $waiter
is "$(cat "$dir/waited")" 503 "who waits for one is told"
control reset >"$dir/control"
control faults '{"route":"GET /act/","replies":[{"status":200,"body":{}}]}' >"$dir/control"
serve_begin
until_true 30 over "$again"
is "$code $(cat "$dir/body")" '200 null' "a repeatable one that nobody waits for is gone on with by the next host"
serve_end
