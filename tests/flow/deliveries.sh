#!/bin/sh
# deliveries.sh - what people see of webhooks out and do with them, by the command line and over HTTP: a receiver that nobody
# is, events listed, shown, had tried again and dropped; who may; metrics; what is wrong with a section.
. "$(dirname "$0")/lib.sh"

provider --records 40
host 'retry_base = 10ms'
ini <<-INI
	[integration stripe]
	base_url   = $at/stripe
	rate_limit = 10000/s
	[connection acme : stripe]
	token = sk_test_a
	[sync acme : stripe : customers]
	every = 1h
	[key reader]
	value = 0b7f1c1e-6a3d-4f0a-9a51-2f7f4c2f8e11
	scope = read
	[key chief]
	value = 5d0c1c9f-53c5-4a57-9d9f-8f5a9b4f5a01
	scope = admin
	[webhook crm]
	url    = http://127.0.0.1:1/a/path/that/is/a/secret
	secret = a secret for the signature of events
	events = records.created
	of     = *:stripe:StripeCustomer
	batch  = 10
INI
chmod 600 "$conf/sluice.ini"
reader=0b7f1c1e-6a3d-4f0a-9a51-2f7f4c2f8e11
chief=5d0c1c9f-53c5-4a57-9d9f-8f5a9b4f5a01

run deliveries endpoints
is "$status" 0 "before anything was synced"
run run --sync customers
run deliveries list
has "$dir/out" '^ *1 +records\.created +evt_[0-9a-f]+' "events wait, without a service"
run deliveries endpoints
has "$dir/out" '^crm +waiting +4 ' "for a service to come"
run deliveries retry 99
is "$status" 2 "there is no event 99 to try again"
run deliveries show 1 --endpoint cmr
has "$dir/err" 'did you mean crm' "a mistyped name brings the nearest one"

"$build/sluice" --conf "$conf" serve >/dev/null 2>"$dir/log" &
pids="$pids $!"
until_true 30 grep -q '"msg":"serves ' "$dir/log"
port=$(sed -n 's/.*listens on http:..127.0.0.1:\([0-9]*\).*/\1/p' "$dir/log" | head -1)
ask() { # ask KEY METHOD PATH: $code, $dir/out
	code=$(curl -s --max-time 30 -o "$dir/out" -w '%{http_code}' -X "$2" -H "Authorization: Bearer $1" "http://127.0.0.1:$port$3")
}

failing() { "$build/sluice" --conf "$conf" deliveries endpoints | grep -q 'waiting.*refused'; }
until_true 20 failing
ok $? "the endpoint waits, and the reason is told"
has "$dir/log" 'webhook crm: Connection refused; tried again in' "a warning says so"
run status
has "$dir/out" 'webhook crm: Connection refused, 1 times in a row; next try .*, 4 events wait' "status says so too"
ask $reader GET /api/v1/webhooks
is "$code" 200 "webhooks over HTTP"
has "$dir/out" '"endpoint":"crm","state":"waiting","receiver":"http://127.0.0.1:1","events":"records.created"' "with state and receiver"
hasnt "$dir/out" 'secret' "and neither its path nor its secret"
ask $reader GET '/api/v1/deliveries?endpoint=crm&limit=3'
has "$dir/out" '"cursor":3,"more":true' "deliveries in pages"
ask $reader GET '/api/v1/deliveries?endpoint=crm&limit=3&cursor=3'
has "$dir/out" '^\{"data":\[\{"endpoint":"crm","number":4,.*"more":false' "to the end"
ask $reader GET /api/v1/deliveries/crm/2
has "$dir/out" '"state":"pending".*"body":\{"type":"records.created"' "one with its body"
ask $reader GET /api/v1/deliveries/crm/99
is "$code" 404 "one that is not there"
ask $reader GET '/api/v1/deliveries?endpoint=cmr'
is "$code" 400 "a webhook that is not there"
ask $reader POST /api/v1/webhooks/crm/retry
is "$code" 403 "who may read may not have it tried again"
ask $reader DELETE /api/v1/deliveries/crm/2
is "$code" 403 "nor drop"
ask $chief POST /api/v1/webhooks/crm/retry
is "$code" 200 "an admin may"
twice() { "$build/sluice" --conf "$conf" deliveries list --format jsonl | head -n 1 | grep -q '"attempts":2'; }
until_true 20 twice
ok $? "and it is tried at once"
ask $chief DELETE /api/v1/deliveries/crm/2
is "$code" 200 "an event is dropped"
ask $reader GET /api/v1/deliveries/crm/2
is "$code" 404 "and is gone"
ask $reader GET /metrics
has "$dir/out" '^sluice_webhook_pending\{endpoint="crm"\} 3$' "metrics: three wait"
has "$dir/out" '^sluice_webhook_deliveries_total\{endpoint="crm",status="none"\} 2$' "two attempts got no answer"
has "$dir/out" '^sluice_webhook_failures\{endpoint="crm"\} 2$' "in a row"
run deliveries drop
is "$status" 2 "drop wants to know what"
run deliveries drop --pending
has "$dir/out" '^webhook crm: 3 events dropped$' "all that wait is dropped"

cp "$conf/sluice.ini" "$dir/good.ini"
ini <<-INI
	[webhook other]
	url    = http://127.0.0.1:1/
	secret = whsec_nothing
INI
run config --check
is "$status" 2 "a secret that cannot sign is refused"
has "$dir/err" 'webhook other.*secret.*whsec_' "by its place"
sed '/^\[webhook/,$d' "$dir/good.ini" >"$conf/sluice.ini"
run reload
run deliveries endpoints --format jsonl
hasnt "$dir/out" '"state":"(sending|waiting|idle)"' "an endpoint without its section gets nothing more"

echo "1..$cases"
