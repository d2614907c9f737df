#!/bin/sh
# api_connectors.sh - /api/connectors as a cron job elsewhere calls it: what is due, started by a key of scope trigger, what
# was, and a connection tested; wrong keys are refused.
. "$(dirname "$0")/lib.sh"
provider --records 60
secret=33333333-2222-4333-8444-555555555555

host 'retry_base = 5ms' 'first_spread = 1h' 'max_runs = 1'
ini <<INI
[integration stripe]
base_url = $at/stripe
[connection acme : stripe]
token = sk_test_4eC39HqLyjWDarjtT1zdp7dc
[connection gone : stripe]
token = sk_expired_4eC39HqLyjWDarjtT1zdp7dc
active = no
[key cron]
value = $secret
scope = trigger
INI

"$build/sluice" --conf "$conf" serve >/dev/null 2>"$dir/log" &
host=$!
pids="$pids $host"
until_true 30 grep -q '"msg":"serves ' "$dir/log" || { cat "$dir/log"; exit 1; }
api=http://127.0.0.1:$(sed -n 's/.*listens on http:..127.0.0.1:\([0-9]*\).*/\1/p' "$dir/log" | head -1)/api/connectors

ask() { # ask METHOD PATH [CURL ARGUMENTS]: body in $dir/out, status in $code
	method=$1 where=$2
	shift 2
	code=$(curl -s --max-time 60 -X "$method" -H "Authorization: Bearer ${key-$secret}" -H 'Content-Type: application/json' \
		-o "$dir/out" -w '%{http_code}' "$@" "$api$where")
}
rows() { grep -o "$1" "$dir/out" | wc -l; }

# ---- what is due

ask GET /sync
is "$code" 200 "what there is is told to a key of scope trigger"
total=$(rows '"lastSyncAt":')
ask GET '/sync?due=true'
due=$(rows '"due":true')
[ "$due" -gt 2 ] && [ "$(rows '"due":false')" = 0 ]
ok $? "due=true leaves out what is not ($due of $total)"
has "$dir/out" '^\{"connectors":\[\{"id":"acme:stripe:[a-z_-]+","name":"acme : stripe : [a-z_-]+","type":"stripe","status":"ACTIVE","lastSyncAt":null,"lastSyncStatus":null,"lastSyncError":null,"autoSync":true,"syncInterval":[0-9]+,"cron":null,"due":true,' "a row has the shape that was promised"
ask GET '/sync?limit=2'
is "$(rows '"lastSyncAt":') $(rows '"due":true')" "2 2" "limit cuts, and those that are due come first"
ask GET '/sync?limit=10000'
has "$dir/out" '"id":"gone:stripe:[^}]*"status":"INACTIVE"' "one that is switched off is inactive"

# ---- starting it

ask POST /sync -d '{"limit":2}'
is "$code $(rows '"id":"acme:stripe:')" "200 2" "POST starts as many as were asked for"
has "$dir/out" '^\{"success":true,"count":2,"started":\[.*\],"failed":\[\]\}$' "and says which"
id=$(sed 's/.*"started":\[{"id":"\([^"]*\)".*/\1/' "$dir/out")
completed() { ask GET "/history?connectorId=$id" && grep -q '"status":"COMPLETED"' "$dir/out"; }
until_true 60 completed
ok $? "its run stands in the history"
has "$dir/out" "\"connectorId\":\"$id\",\"status\":\"COMPLETED\",\"startedAt\":\"20[^\"]*\",\"finishedAt\":\"20[^\"]*\",\"recordsFetched\":[1-9][0-9]*,\"recordsProcessed\":[1-9]" "with its times and counts"
ask GET '/sync?limit=10000'
has "$dir/out" "\"id\":\"$id\"[^}]*\"lastSyncAt\":\"20[^}]*\"lastSyncStatus\":\"COMPLETED\",\"lastSyncError\":null[^}]*\"due\":false" "it is due no more"
ask POST /sync
is "$code" 200 "without a body the usual limit holds"
all_over() { ask GET '/sync?due=true' && [ "$(rows '"due":true')" = 0 ] && ask GET '/sync?limit=10000' && ! grep -q SYNCING "$dir/out"; }
until_true 60 all_over
ok $? "in the end nothing is due"
ask POST /sync -d '{"limit":5}'
is "$(cat "$dir/out")" '{"success":true,"count":0,"started":[],"failed":[]}' "and nothing is started"

# ---- testing a connection

ask POST /test -d '{"id":"acme:stripe"}'
has "$dir/out" '^\{"id":"acme:stripe","success":true,"class":null,"error":null,"status":200,' "good credentials are good"
ask POST /test -d '{"id":"gone:stripe"}'
is "$code" 200 "a test that fails has an answer"
has "$dir/out" '"success":false,"class":"credentials"' "which says what is wrong"
hasnt "$dir/out" 'sk_expired' "and never with what"
ask POST /test -d '{"id":"nobody:stripe"}'
is "$code" 404 "an unknown connection is 404"
ask POST /test -d '{"id":"nonsense"}'
is "$code" 400 "no id is 400"

# ---- who may

key=33333333-2222-4333-8444-555555555556
ask GET /sync
is "$code" 401 "a wrong key is refused"
ask POST /sync -d '{}'
is "$code" 401 "for starting too"
code=$(curl -s -o /dev/null -w '%{http_code}' "$api/sync")
is "$code" 401 "as is none"
kill "$host"
wait "$host"
is $? 0 "the host ends in good order"
echo "1..$cases"
