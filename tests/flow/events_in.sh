#!/bin/sh
# events_in.sh - events that providers send: refused unless genuine, stored before they are answered, handled in order and once, put
# aside when they fail again and again; and no slow page overwrites what a newer event wrote.
. "$(dirname "$0")/lib.sh"
plugins heard

serve() {
	: >"$dir/log"
	"$build/sluice" --conf "$conf" serve >/dev/null 2>"$dir/log" &
	server=$!
	pids="$pids $server"
	until_true 20 grep -q 'listens on http://' "$dir/log" || { cat "$dir/log"; exit 1; }
	url=$(sed -n 's/.*listens on \(http:\/\/[0-9.:]*\).*/\1/p' "$dir/log" | head -n 1)
}
stop() { # the exit code of the host: $code
	kill "$server"
	wait "$server" 2>/dev/null
	code=$?
}
sign() { printf '%s' "$2" | openssl dgst -sha256 -hmac "$1" | sed 's/.* //'; }

send() { # send BODY [PATH [SECRET [TIME]]]: $code, $dir/out
	when=${4:-$(date +%s)}
	code=$(curl -s -g -m 20 -o "$dir/out" -w '%{http_code}' -H 'Content-Type: application/json' \
		-H "X-Signature: t=$when,v1=$(sign "${3:-one}" "$when.$1")" -d "$1" "$url${2:-/webhook/heard/acme}")
	: >"$dir/err"
}
said() { echo "$code $(sed -n 's/^{"error":{"code":"\([a-z_]*\)".*/\1/p' "$dir/out")"; }
events() { "$build/sluice" --conf "$conf" events list --format jsonl "$@" 2>/dev/null; }
settled() { [ "$(events --waiting | wc -l)" = 0 ]; }
record() { stored Heard | grep "\"id\":\"$1\""; }
handled() { # ids in the order in which webhook $1's events were handled
	"$build/sluice" --conf "$conf" checkpoint get --connection-id acme --integration heard --sync "webhook:$1" 2>/dev/null | tr -d '"'
}

cat >"$dir/script.json" <<'JSON'
[{"route": "GET /gate", "replies": [{"status": 500}, {"status": 200, "body": {}}]},
 {"route": "GET /list?after=2", "replies": [{"body": {"data": [{"id":"old","v":1},{"id":"gone","v":1},{"id":"kept","v":1}]}}]},
 {"route": "GET /list", "replies": [{"body": {"data": [{"id":"first","v":1}], "next": "2"}}]},
 {"match": "GET /list?after=2", "from": 2, "do": "delay", "ms": 3000}]
JSON
provider "$dir/script.json"
host 'retry_base = 20ms' 'first_spread = 100ms'
ini <<INI
[integration heard]
base_url = $at
[integration app]
plugin = heard
base_url = $at
webhook_secret = of-the-app
webhook_secret_before = of-the-app-before
[connection first : app]
[connection second : app]
webhook_secret = of-its-own
[sync first : app : all]
auto_sync = no
[sync second : app : all]
auto_sync = no
[key app]
value = 5f2b7b1e-9d3e-4c38-8a52-0f0a7d3f6b10
scope = admin
[connection acme : heard]
webhook_secret = one
webhook_secret_before = before
account = A1
[connection open : heard]
webhook_secret = two
webhook_unsigned = yes
[connection bare : heard]
[connection off : heard]
webhook_secret = one
active = no
[sync acme : heard : all]
auto_sync = no
[sync open : heard : all]
auto_sync = no
[sync bare : heard : all]
auto_sync = no
INI
serve

# ---- who is let in

send '{"id":"e1","type":"signed","save":[{"id":"a","v":1}]}'
is "$code" 200 "a genuine event is taken"
until_true 20 settled
is "$(record a)" '{"id":"a","v":1}' "and its handler has saved what it says"
send '{"id":"x1","type":"signed"}' /webhook/heard/acme wrong
is "$(said)" "401 invalid_signature" "a wrong signature is refused"
send '{"id":"x1","type":"signed"}' /webhook/heard/acme one 1000000000
is "$(said)" "401 stale_signature" "and one of long ago"
send '{"id":"x1","type":"signed"}' /webhook/heard/bare one
is "$(said)" "401 invalid_signature" "a connection without a secret takes nothing"
send '{"id":"x1","type":"open"}' /webhook/heard/acme
is "$(said)" "200 " "an event whose signature fits, of a type that is not handled, is answered"
has "$dir/out" '"ignored":true' "and passed over"
for path in /webhook/heard/nobody /webhook/nothing/acme /webhook/heard/off; do
	send '{"id":"x1","type":"signed"}' $path
	is "$(said)" "404 unknown_webhook" "nobody is at $path"
done
has "$dir/log" 'event was refused: /webhook/heard: the URL names no connection that is switched on and takes events' "the log says why"
send '{"id":"x1","type":"signed","account":"A9"}' /webhook/heard
has "$dir/log" "/webhook/heard: what stands as account in it is the option or metadata 'account' of no connection" "and whose account is not known"
hasnt "$dir/log" '/webhook/nothing' "of integrations that are not there nothing"
send '{"id":"p1","type":"signed"}' /webhook/app/first of-the-app
is "$code" 200 "a secret of the integration is good for a connection that has none"
send '{"id":"p2","type":"signed"}' /webhook/app/first of-the-app-before
is "$code" 200 "and so is the one before"
send '{"id":"p3","type":"signed"}' /webhook/app/second of-its-own
is "$code" 200 "a connection's own goes before it"
send '{"id":"p4","type":"signed"}' /webhook/app/second of-the-app
is "$(said)" "401 invalid_signature" "and then the integration's is none of its"
send 'no JSON'
is "$(said)" "400 invalid_body" "what is no JSON is refused"
send '{"id":"o1","type":"open","save":[{"id":"o","v":1}]}' /webhook/heard/open wrong
is "$code" 200 "webhook_unsigned takes what nobody signs, by the operator's word"
send '{"id":"x1","type":"signed"}' /webhook/heard/open wrong
has "$dir/out" '"ignored":true' "but never for a webhook that declares a signature"
send '{"id":"e2","type":"signed","save":[{"id":"a","v":2}]}' /webhook/heard/acme before
is "$code" 200 "the secret before is good while it is rotated"
curl -s -m 20 -o "$dir/out" -d '{"id":"x1","type":"signed"}' "$url/webhook/heard/acme?n=[1-60]"
[ "$(grep -c 'event was refused' "$dir/log")" -le 42 ]
ok $? "who is refused again and again does not fill the log"
send '{"type":"who","say":"me"}'
is "$(cat "$dir/out")" '{"challenge":"me"}' "a challenge is answered, once its signature is checked"
send '{"type":"who","say":"me"}' /webhook/heard/acme wrong
is "$code" 401 "and not before"
send '{"id":"e3","type":"signed","account":"A1","save":[{"id":"a","v":3}]}' /webhook/heard
is "$code" 200 "without a connection in the URL the payload says whose it is"
send '{"id":"x2","type":"signed","account":"A9"}' /webhook/heard
is "$(said)" "404 unknown_webhook" "an account that nobody has is nobody's"
send '{"type":"who","say":"all"}' /webhook/heard two
is "$(cat "$dir/out")" '{"challenge":"all"}' "a challenge without an account is any connection's whose secret fits"
send "{\"type\":\"who\",\"say\":\"$(head -c 9000 /dev/zero | tr '\0' x)\"}" /webhook/heard two
is "$(said)" "404 unknown_webhook" "a long one is not: nobody makes the host go through it for every connection"

# ---- once, and in order

send '{"id":"e3","type":"signed","account":"A1","save":[{"id":"a","v":9}]}'
has "$dir/out" '"known":true' "the same event again is answered"
for n in 4 5 6 7 8; do send '{"id":"e'$n'","type":"signed.'$n'","save":[{"id":"a","v":'$n'}]}'; done
until_true 20 settled
is "$(record a)" '{"id":"a","v":8}' "and not handled again: the last one's word stands"
is "$(handled hook)" e1,e2,e3,e4,e5,e6,e7,e8 "they were handled in the order of their arrival"
run history --limit 50 --format jsonl
has "$dir/out" '"sync":"webhook:hook","kind":"event"' "the history shows their runs"

# ---- failures

send '{"id":"f1","type":"signed","save":[{"id":"f","v":1}],"do":"ask"}'
send '{"id":"f2","type":"signed","save":[{"id":"g","v":1}]}'
until_true 20 settled
is "$(handled hook)" e1,e2,e3,e4,e5,e6,e7,e8,f1,f2 "one that fails is tried again before the next"
send '{"id":"f3","type":"signed","save":[{"id":"never","v":1}],"do":"fail"}'
send '{"id":"f4","type":"signed","save":[{"id":"never","v":2}],"do":"crash"}'
send '{"id":"f5","type":"signed","save":[{"id":"g","v":2}]}'
until_true 30 settled
is "$(events --dead | grep -c '"attempts":5,')" 2 "what fails five times, or kills its worker, is put aside"
is "$(record never)$(record g)" '{"id":"g","v":2}' "nothing of it was saved, and the next went on"
run status
has "$dir/out" '^events of acme : heard: 2 failed too often and were put aside: `sluice events list --dead`' "status says so"
run doctor --format jsonl
has "$dir/out" '"check":"events","subject":"acme : heard","verdict":"warn","found":"2 failed too often' "and so does the doctor"
curl -s -m 20 -o "$dir/out" -H 'Authorization: Bearer 5f2b7b1e-9d3e-4c38-8a52-0f0a7d3f6b10' "$url/metrics"
has "$dir/out" '^sluice_events_dead[{]connection="acme",integration="heard"[}] 2' "and the metrics"
has "$dir/out" '^sluice_events_waiting[{]connection="acme",integration="heard"[}] 0' "where nothing waits, and the series is there"
number=$(events --dead | sed -n 's/^{"number":\([0-9]*\),.*"id":"f3".*/\1/p')
run events show "$number"
has "$dir/out" 'it was told to fail' "a person sees why"
hasnt "$dir/out" 'never' "and the body only when asked for"
run events show "$number" --body
has "$dir/out" '"never"' "with --body"
run events retry "$number"
is "$status" 0 "it can be tried again"
until_true 20 settled
is "$(events --dead | wc -l)" 2 "and fails again"
run events drop "$number"
is "$(events --dead | wc -l)" 1 "or be dropped"
run events retry "$number"
is "$status" 2 "what is gone is an error"

ask() { # ask METHOD PATH [BODY]
	code=$(curl -s -g -m 20 -X "$1" -o "$dir/out" -w '%{http_code}' -H 'Authorization: Bearer 5f2b7b1e-9d3e-4c38-8a52-0f0a7d3f6b10' \
		-H 'Content-Type: application/json' ${3:+-d "$3"} "$url$2")
}
ask GET '/api/v1/events?state=dead'
number=$(sed -n 's/^{"data":\[{"number":\([0-9]*\),.*/\1/p' "$dir/out")
is "$code $(grep -o '"number":' "$dir/out" | wc -l)" "200 1" "over HTTP the list says what was put aside"
ask GET "/api/v1/events/$number"
has "$dir/out" '"body":\{"id":"f4"' "one event is shown with its body"
ask POST /api/v1/events/drop "{\"numbers\":[$number]}"
is "$code $(events --dead | wc -l)" "200 0" "and dropped"
ask POST /api/v1/events/retry "{\"numbers\":[$number]}"
is "$(said)" "404 not_found" "what is gone is 404"

# ---- a kill

want=$(handled hook)
for n in $(seq 1 60); do
	send '{"id":"k'$n'","type":"signed","save":[{"id":"k","v":'$n'}]}'
	[ "$code" = 200 ] && want="$want,k$n"
	case $n in 20 | 40)
		kill -9 "$server"
		wait "$server" 2>/dev/null
		serve
		;;
	esac
done
until_true 30 settled
is "$(handled hook)" "$want" "over two kills every event that was answered is handled once, in order"
send '{"id":"f5","type":"signed","save":[{"id":"g","v":7}]}'
has "$dir/out" '"known":true' "a new process knows what was handled before a kill"

# ---- a slow page

run run --connection-id acme --sync all
is "$(record old)$(record gone)" '{"id":"old","v":1}{"id":"gone","v":1}' "a sync has listed its records, page by page"
"$build/sluice" --conf "$conf" run --connection-id acme --sync all --full-refresh >"$dir/slow" 2>&1 &
slow=$!
asked() { [ "$(control requests log=1 | grep -o 'after=2' | wc -l)" = 2 ]; }
until_true 20 asked
send '{"id":"s1","type":"signed","save":[{"id":"old","v":2},{"id":"new","v":1}],"delete":["gone"]}'
until_true 20 settled
ok $? "events are handled while a sync of their connection runs"
wait $slow
is "$(record old)" '{"id":"old","v":2}' "a page that was asked for before does not overwrite what the event wrote"
is "$(record gone)" '' "nor bring back what it deleted"
is "$(record new)" '{"id":"new","v":1}' "and what it made is not swept as absent"
is "$(record first)$(record kept)" '{"id":"first","v":1}{"id":"kept","v":1}' "what the pages before and the rest of this one listed is there"
control reset >/dev/null
control faults '{"route": "GET /list", "replies": [{"body": {"data": [{"id":"old","v":3},{"id":"kept","v":1},{"id":"g","v":1},{"id":"a","v":1}]}}]}' >/dev/null
run run --connection-id acme --sync all
is "$(record old)" '{"id":"old","v":3}' "a page that is asked for later is newer again"
send '{"id":"t2","type":"signed","at":2000,"save":[{"id":"late","v":2}]}'
send '{"id":"t1","type":"signed","at":1000,"save":[{"id":"late","v":1}]}'
until_true 20 settled
is "$(record late)" '{"id":"late","v":2}' "an event that comes late does not overwrite one that happened after it"

# ---- nobody there

control faults '{"match":"GET /gate","do":"silence"}' >/dev/null
send '{"id":"y1","type":"signed","do":"ask","save":[{"id":"y","v":1}]}'
kill -9 "$server"
wait "$server" 2>/dev/null
run doctor --format jsonl
has "$dir/out" '"check":"events","subject":"acme : heard","verdict":"warn","found":"1 waits, the first since .*sluice serve' "without a service the doctor says what waits for one"
run status
has "$dir/out" '^events of acme : heard: 1 waits to be handled' "and status"
control reset >/dev/null
control faults '{"route": "GET /gate", "replies": [{"status": 200, "body": {}}]}' >/dev/null
serve
until_true 20 settled
is "$(record y)" '{"id":"y","v":1}' "the next service handles it"

# ---- long ones, which are looked at beside the loop

fill=$(printf '%0100000d' 7)
long="{\"id\":\"long\",\"type\":\"signed\",\"fill\":\"$fill\",\"save\":[{\"id\":\"b\",\"v\":1}]}"
send "$long"
is "$code" 200 "a long event is taken too"
until_true 20 settled
is "$(record b)" '{"id":"b","v":1}' "and handled"
send "$long"
has "$dir/out" '"known":true' "the same again is known"
send "$long" /webhook/heard/acme wrong
is "$(said)" "401 invalid_signature" "a wrong signature of a long one is refused"
send "no JSON $fill"
is "$(said)" "400 invalid_body" "and what is no JSON"
send "{\"id\":\"long2\",\"type\":\"signed\",\"account\":\"A9\",\"fill\":\"$fill\"}" /webhook/heard
is "$(said)" "404 unknown_webhook" "and whose account is not known"
send "{\"id\":\"long3\",\"type\":\"signed\",\"account\":\"A1\",\"fill\":\"$fill\",\"save\":[{\"id\":\"b\",\"v\":3}]}" /webhook/heard
is "$code" 200 "whose account is known is taken"
printf '%s' "$long" >"$dir/long"
forged() { curl -s --no-progress-meter -g -m "$1" -Z -o "$dir/forged" -H 'X-Signature: t=1,v1=00' --data-binary "@$dir/long" "$url/webhook/heard/acme?n=[1-40]"; }
forged 20 &
forger=$!
forged 0.1 & # these clients leave
leaver=$!
"$build/sluice" --conf "$conf" reload >"$dir/out" 2>"$dir/err"
ok $? "the configuration is read anew while forged ones are looked at"
send '{"id":"e1b","type":"signed","save":[{"id":"a","v":"1b"}]}'
is "$code" 200 "and a genuine one is taken beside them"
wait "$forger" "$leaver"
until_true 20 settled

# ---- the end

forged 20 &
forger=$!
send '{"id":"z1","type":"signed","save":[{"id":"z","v":1}]}'
stop
wait "$forger"
is "$code" 0 "a host ends in good order, whatever waits to be looked at"
run verify
is "$status" 0 "the store is whole"
run events list --format jsonl
is "$(grep -c '"id":"z1"' "$dir/out")" 1 "what was answered is there"
echo "1..$cases"
