#!/bin/sh
# patterns.sh - each pattern that sdk/examples shows, through a real host: what its head says is so, also when the host is killed at
# each of its requests (where the pattern has several).
. "$(dirname "$0")/lib.sh"
. tests/flow/trials.inc

begin() { # begin CONNECTOR LINES...: its connection acme, with these lines besides
	example=$1
	shift
	cp "$build/examples/$example.so" "$dir/plugins/"
	extra=$*
	configure
}

configure() {
	host 'retry_base = 10ms' 'first_spread = 0s'
	ini <<-INI
		[integration $example]
		base_url   = $at
		rate_limit = 10000/s
		[connection acme : $example]
		token = t
	INI
	printf '%b' "$extra" | ini
}

answers() { # answers PATH BODY...: pairs, as routes in $dir/routes.json
	sep='['
	while [ $# -gt 0 ]; do
		printf '%s{"route":"GET %s","replies":[{"body":%s}]}\n' "$sep" "$1" "$2"
		sep=,
		shift 2
	done >"$dir/routes.json"
	echo ']' >>"$dir/routes.json"
	scripts=$dir/routes.json
}

anew() { # with the metadata of the pattern, which stands in the store
	rm -rf "$dir/store" "$dir/store.key"
	control reset >/dev/null
	served
	[ -z "${metadata-}" ] || "$build/sluice" --conf "$conf" metadata set --connection-id acme "$metadata" >/dev/null 2>&1
}

targets() { control requests log=1 | tr '{' '\n' | sed -n 's/.*"target":"\([^"]*\)".*/\1/p'; }

provider

# ---- configuration based

answers '/v1/tickets?limit=100&after=2' '{"data":[{"id":"t2"}],"next":null}' '/v1/tickets' '{"data":[{"id":"t1","n":1}],"next":"2"}' \
	/v1/calls '{"data":[{"id":"c1"}],"next":null}'
metadata='{"lists":[{"kind":"ticket","path":"/v1/tickets"},{"kind":"call","path":"/v1/calls"}]}'
models=Item
begin configured
trial_whole 3
is "$(stored Item | head -n 1)" '{"id":"c1","kind":"call","data":{"id":"c1"}}' "configured: a record says which list it is from"
trial_kills
run metadata set --connection-id acme '{"lists":[{"kind":"call","path":"/v1/calls"}]}'
run run
is "$(live Item)" 1 "a list that is taken out of the metadata goes"
run metadata set --connection-id acme '{"lists":[{"kind":"X","path":"calls"}]}'
run run
has "$dir/said" 'each wants a kind of small letters and a path' "one that cannot be is told"
run metadata set --connection-id acme '{"lists":7}'
is "$status" 2 "what the input rules out is refused when it is set"

# ---- selection based

answers '/v1/tasks?project=p1&limit=100&after=2' '{"data":[{"id":"2","project":"p1"}],"next":""}' \
	'/v1/tasks?project=p1&limit=100' '{"data":[{"id":"1","project":"p1"}],"next":"2"}' \
	'/v1/tasks?project=p7&limit=100' '{"data":[{"id":"3","project":"p7"}],"next":""}'
metadata='{"projects":["p1"]}'
models=Task
begin selected
trial_whole 2
metadata='{"projects":["p1","p7"]}'
trial_whole 3
trial_kills
run metadata set --connection-id acme '{"projects":["p7"]}'
run run
is "$(stored Task)" '{"id":"3","project":"p7"}' "selected: the tasks of a project that is chosen no more are gone"
run metadata clear --connection-id acme
run run
has "$dir/said" "'projects' is missing .*sluice metadata update JSON --connection-id acme --integration selected" "metadata that is lacking is told, with the command that sets it"
is "$status $(live Task)" "2 1" "and nothing is taken for not chosen"

# ---- time windows

metadata=
answers /v1/events '{"data":[{"id":"e1","at":1767225600}],"next":null}'
models=Event
begin windows 'backfill_days = 4\n'
trial_whole 1
targets | sed 's/.*from=\([0-9]*\)&to=\([0-9]*\).*/\1 \2/' | awk '
	NR > 1 && NR < 5 && $1 != last { bad = 1 } NR < 5 && $2 - $1 != 86400 { bad = 1 } NR == 5 && last - $1 != 600 { bad = 1 }
	{ last = $2 } END { print NR, bad + 0 }' >"$dir/got"
is "$(cat "$dir/got")" "5 0" "windows: four days follow each other, and the second run begins ten minutes before the first"
asked=4
trial_kills

# ---- action leveraging synced records

answers /v1/agents '{"data":[{"id":"a1","email":"ada@example.com"},{"id":"a2","email":"bob@example.com"}],"next":null}'
models=Agent
begin assign
trial_whole 2
control faults '{"route":"POST /v1/assignments","replies":[{"body":{"ok":true}}]}' >/dev/null
run action assign --connection-id acme --input '{"ticket":"t1","agent":"bob@example.com"}' --format jsonl
has "$dir/out" '"agent_id":"a2"' "assign: an address becomes the id that was synced"
is "$(targets | tail -n 1)" /v1/assignments "by one request"
run action assign --connection-id acme --input '{"ticket":"t1","agent":"eve@example.com"}'
has "$dir/said" 'no agent with the address eve@example.com has been synced' "who was never synced is told"
is "$(targets | grep -c assignments)" 1 "and nothing is asked for"

# ---- extended sync beyond a run's limit

before_midnight # the month is to stay the same
month() { date -u -d "$(date -u +%Y-%m-01) -$1 month" +%Y-%m; }
answers "/v1/history/$(month 0)" '{"data":[{"id":"0"}]}' "/v1/history/$(month 1)?after=2" '{"data":[{"id":"1b"}]}' \
	"/v1/history/$(month 1)" '{"data":[{"id":"1"}],"next":"2"}' "/v1/history/$(month 2)" '{"data":[{"id":"2"}]}' \
	"/v1/history/$(month 3)" '{"data":[{"id":"3"}]}'
models=Entry
begin extended "since = $(month 3)\nmonths_per_run = 2\n"
anew
run run
is "$status $(live Entry) $(targets | wc -l)" "0 3 3" "extended: a run reads its share"
run run
is "$status $(live Entry)" "0 5" "the next one goes on"
run run
is "$status $(targets | wc -l)" "0 5" "and when all is read a run costs nothing"
echo '[sync acme : extended : history]
step_calls = 1' | ini
anew
run run
is "$status $(live Entry)" "0 3" "a run of many steps has the same share"

# ---- sequential sources with priority

answers /v1/agents '{"data":[{"id":"a1","name":"Ada"}],"next":null}' '/v1/tickets?after=2' '{"data":[{"id":"t2"}]}' \
	/v1/tickets '{"data":[{"id":"t1","agent_id":"a1"}],"next":"2"}'
models='Agent Ticket'
begin ordered
trial_whole 3
is "$(control requests log=1 | tr '{' '\n' | sed -n 's/.*"target":"\([^"]*\)".*/\1/p' | head -n 1)" /v1/agents "ordered: the agents come first"
is "$(stored Ticket | head -n 1)" '{"id":"t1","agent_id":"a1","agent_name":"Ada"}' "so the tickets have their names"
trial_kills

# ---- parallel with merge

answers /v1/contacts '{"data":[{"id":"c1","email":"ada@example.com","phone":"1"}]}' \
	/v1/payers '{"data":[{"id":"p1","email":"ada@example.com","plan":"gold"},{"id":"p2","email":"bob@example.com"}]}'
models='Contact Payer'
begin merged 'max_runs = 2\n[merge people]\nsources = acme:merged:Contact, acme:merged:Payer\nkey = email\n'
trial_whole 3
who=merge
is "$(stored people)" '{"id":"c1","email":"ada@example.com","phone":"1","plan":"gold","_sources":["acme:merged:Contact","acme:merged:Payer"]}
{"id":"p2","email":"bob@example.com","_sources":["acme:merged:Payer"]}' "merged: who is in both lists is one"
who=acme
control faults '{"match":"GET /v1/","do":"delay","ms":1500}' >/dev/null
before=$(requests)
"$build/sluice" --conf "$conf" serve >"$dir/serve.out" 2>"$dir/serve.err" </dev/null &
serve=$!
pids="$pids $serve"
until_true 20 test -S "$dir/store/sluice.sock"
run trigger --connection-id acme
both() { [ "$(requests)" -ge $((before + 2)) ]; }
until_true 20 both
run status --format jsonl
is "$(grep -c '"state":"running"' "$dir/out")" 2 "and both are read at the same time"
kill -TERM $serve
wait $serve

# ---- event driven

answers /v1/tickets '{"data":[{"id":"t1","subject":"one"}],"next":null}'
models=Ticket
begin events 'webhook_secret = s3cret\n'
trial_whole 1
"$build/sluice" --conf "$conf" serve >/dev/null 2>"$dir/log" </dev/null &
pids="$pids $!"
until_true 20 grep -q 'listens on http://' "$dir/log"
url=$(sed -n 's/.*listens on \(http:\/\/[0-9.:]*\).*/\1/p' "$dir/log" | head -n 1)
send() { # send BODY [SECRET]
	now=$(date +%s)
	sum=$(printf '%s.%s' "$now" "$1" | openssl dgst -sha256 -hmac "${2:-s3cret}" | sed 's/.* //')
	code=$(curl -s -g -m 20 -o /dev/null -w '%{http_code}' -H 'Content-Type: application/json' -H "X-Helpdesk-Timestamp: $now" \
		-H "X-Helpdesk-Signature: sha256=$sum" --data-binary "$1" "$url/webhook/events/acme")
}
send '{"event_id":"1","type":"ticket.created","ticket":{"id":"t2","subject":"two"}}'
two() { [ "$(live Ticket)" = 2 ]; }
until_true 20 two
is "$? $code" "0 200" "events: a ticket is there a moment after it was told of"
send '{"event_id":"2","type":"ticket.deleted","ticket":{"id":"t1"}}'
one() { [ "$(stored Ticket)" = '{"id":"t2","subject":"two"}' ]; }
until_true 20 one
ok $? "and gone after its delete"
send '{"event_id":"3","type":"ticket.created","ticket":{"id":"t3"}}' wrong
is "$code $(live Ticket)" "401 1" "an event of somebody else is not taken"
