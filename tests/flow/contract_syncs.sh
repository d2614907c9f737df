#!/bin/sh
# contract_syncs.sh - the contract's control of syncs: trigger, start, pause, status and an interval of their own (variants: variants.sh).
. "$(dirname "$0")/lib.sh"

key=5f2b7b1e-9d3e-4c38-8a52-0f0a7d3f6b10

serve() {
	: >"$dir/log" # not by the child, which may be late
	"$build/sluice" --conf "$conf" serve >/dev/null 2>"$dir/log" &
	server=$!
	pids="$pids $server"
	until_true 20 grep -q 'listens on http://' "$dir/log" || { cat "$dir/log"; exit 1; }
	url=$(sed -n 's/.*listens on \(http:\/\/[0-9.:]*\).*/\1/p' "$dir/log" | head -n 1)
}

ask() { # ask METHOD PATH [BODY]: $code, $dir/out
	code=$(curl -s -g -m 20 -X "$1" -o "$dir/out" -w '%{http_code}' -H "Authorization: Bearer $key" -H 'Content-Type: application/json' \
		${3:+-d "$3"} "$url$2")
	: >"$dir/err"
}
error() { echo "$code $(sed -n 's/^{"error":{"code":"\([a-z_]*\)".*/\1/p' "$dir/out")"; }
said() { echo "$code $(cat "$dir/out")"; }
of() { echo "\"provider_config_key\":\"close\",\"connection_id\":\"${1:-acme}\""; }
status_of() { ask GET "/sync/status?syncs=$1&provider_config_key=close&connection_id=acme"; }
member() { sed -n 's/.*"'"$1"'":"\{0,1\}\([^",}]*\).*/\1/p' "$dir/out"; } # of the last sync listed
is_now() { status_of "$1" && grep -q "\"status\":\"$2\"" "$dir/out"; }
runs() { "$build/sluice" --conf "$conf" history --limit 1000 --format jsonl 2>/dev/null | grep -c "\"sync\":\"$1\""; }
over() { [ "$(runs "$1")" -gt "$2" ] && ! is_now "$1" RUNNING; }

provider --records 300
host 'retry_base = 10ms' 'first_spread = 10ms'
ini <<INI
[integration close]
base_url   = $at/close/api
rate_limit = 10000/s
[connection acme : close]
api_key = api_flow
[connection slow : close]
api_key = api_flow
active = no
[sync acme : close : contacts]
every = every 2 hours
[sync acme : close : users]
auto_start = no
[key app]
value = $key
scope = write
INI
serve

# ---- status

finished() { is_now leads SUCCESS && grep -q '"finishedAt"' "$dir/out"; }
until_true 30 finished
has "$dir/out" '^\{"syncs":\[\{"id":"[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}","connection_id":"acme","name":"leads","variant":"base","type":"INITIAL","status":"SUCCESS"' \
	"a sync that ended well is SUCCESS, and INITIAL"
has "$dir/out" "\"latestResult\":\{\"CloseLead\":\{\"added\":$(total close lead),\"updated\":0,\"deleted\":0\}\},\"latestExecutionStatus\":\"SUCCESS\",\"recordCount\":\{\"CloseLead\":$(total close lead)\}" \
	"it says what its last run did, and how many records there are"
is "$(member nextScheduledSyncAt | cut -c1-2)" 20 "and when it is next due"
id=$(member id)
status_of 'nothing,leads::base'
is "$(member id)" "$id" "names go by comma and with their variant; what there is not is left out"
status_of 'leads::other'
is "$(said)" '200 {"syncs":[]}' "another variant there is not"
status_of '*'
is "$(grep -o '"name":"[a-z_-]*"' "$dir/out" | sort -u | wc -l)" "$(grep -o '"name":"[a-z_-]*"' "$dir/out" | wc -l)" "a star means all, each once"
has "$dir/out" '"name":"opportunities"' "and every one"
ask GET '/sync/status?syncs=*&provider_config_key=close&connection_id=nobody'
is "$(error)" "400 invalid_body" "an unknown connection is told"
ask GET '/sync/status?syncs=*&provider_config_key=nothing'
is "$(error)" "400 unknown_provider_config" "and an unknown integration"
status_of users
is "$(member status)" PAUSED "one that waits for its first start is PAUSED"
ask GET '/sync/status?syncs=leads&provider_config_key=close&connection_id=slow'
is "$(member status)" STOPPED "and one whose connection is off is STOPPED"

# ---- start, pause

ask POST /sync/start "{\"syncs\":[\"users\"],$(of)}"
is "$(said)" '200 {"success":true}' "start answers success"
until_true 30 is_now users SUCCESS
ok $? "and what waited for it begins"
ask POST /sync/pause "{\"syncs\":[{\"name\":\"users\",\"variant\":\"base\"}],$(of)}"
is_now users PAUSED
ok $? "pause holds a sync, also one named as an object"
is "$(member nextScheduledSyncAt)" null "which is then not due"
ask POST /sync/pause "{\"syncs\":[],$(of)}"
statuses() { status_of '*' && grep -o '"status":"[A-Z]*"' "$dir/out" | sort -u; } # a run that was under way goes on to its end
becomes '"status":"PAUSED"' "no names mean all of them" statuses
kill -KILL "$server"
wait "$server" 2>/dev/null
serve
is_now leads PAUSED
ok $? "which holds over a kill"
ask POST /sync/start "{\"syncs\":[],$(of)}"
until_true 30 is_now leads SUCCESS
ok $? "start lets all of them go"

# ---- trigger

n=$(runs leads)
ask POST /sync/trigger "{\"syncs\":[\"leads\"],$(of)}"
is "$(said)" '200 {"success":true}' "trigger answers success"
ask POST /sync/trigger "{\"syncs\":[\"leads\"],$(of)}"
is "$(said)" '200 {"success":true}' "and once more while it runs"
until_true 30 over leads "$n"
ok $? "it has run"
status_of leads
is "$(member type)" INCREMENTAL "and is INCREMENTAL from now on"
for body in '"opts":{"reset":true}' '"opts":{"reset":true,"emptyCache":true}' '"sync_mode":"full_refresh"' '"sync_mode":"full_refresh_and_clear_cache"'; do
	until_true 30 is_now leads SUCCESS
	n=$(runs leads)
	ask POST /sync/trigger "{\"syncs\":[\"leads\"],$(of),$body}"
	until_true 30 over leads "$n"
	is "$("$build/sluice" --conf "$conf" history --limit 1 --sync leads --format jsonl 2>/dev/null | grep -o '"full":true')" '"full":true' "$body lists everything anew"
done
status_of leads
has "$dir/out" "\"latestResult\":\{\"CloseLead\":\{\"added\":0,\"updated\":0,\"deleted\":0\}\}.*\"recordCount\":\{\"CloseLead\":$(total close lead)\}" \
	"and what is as it was is no change, also after emptyCache"
for refused in '{"syncs":["leads","nothing"],'$(of)'}:400 no_syncs_found' \
	'{"syncs":["leads"],"provider_config_key":"nothing"}:400 unknown_provider_config' \
	'{"syncs":["leads"],'$(of nobody)'}:404 unknown_connection' \
	'{"syncs":["leads::other"],'$(of)'}:400 no_syncs_found' \
	'{"syncs":["leads"],'$(of)',"opts":{"reset":true},"sync_mode":"incremental"}:400 invalid_body' \
	'{"syncs":["leads"],'$(of)',"sync_mode":"sideways"}:400 invalid_body' \
	'{"syncs":["leads"],'$(of)',"color":"red"}:400 invalid_body' \
	'{"syncs":["leads"]}:400 invalid_body'; do
	n=$(runs leads)
	ask POST /sync/trigger "${refused%:*}"
	is "$(error) $(runs leads)" "${refused##*:} $n" "refused, and nothing begun: ${refused%:*}"
done

# ---- an interval of its own

frequency() { ask PUT /sync/update-connection-frequency "{\"sync_name\":\"$1\",$(of "${3:-acme}"),\"frequency\":$2}"; }
status_of leads
was=$(member frequency)
frequency leads '"every 7 minutes"'
is "$(said)" '200 {"frequency":"7 minutes"}' "an interval of its own is taken"
status_of leads
is "$(member frequency)" 7m "and shown"
run status --sync leads
has "$dir/out" 'every 7m, as an application asked' "also by status"
run status --sync leads --format jsonl
has "$dir/out" '"every":"7m","own_interval":true' "as JSON too"
kill -KILL "$server"
wait "$server" 2>/dev/null
serve
status_of leads
is "$(member frequency)" 7m "it outlives a killed host"
due=$(date -u -d "$(member nextScheduledSyncAt)" +%s)
[ $((due - $(date -u +%s))) -le 470 ] # 1.1 intervals at most
ok $? "and is when it is due"
frequency leads '"30s"'
n=$(runs leads)
is "$(said)" '200 {"frequency":"30s"}' "thirty seconds are the least"
frequency leads null
is "$(said)" "200 {\"frequency\":\"$was\"}" "null gives back what the connector says"
for refused in '"every 29 seconds"' '"every 32 days"' '"every now and then"' '""'; do
	frequency leads "$refused"
	is "$(error)" "400 invalid_body" "$refused is no frequency"
done
frequency nothing '"every hour"'
is "$(error)" "400 unknown_sync" "an unknown sync is told"
frequency leads '"every hour"' nobody
is "$(error)" "400 unknown_connection" "and an unknown connection"
frequency contacts '"every hour"'
is "$(error)" "409 defined_in_config" "what the configuration says when, it alone says"
status_of contacts
is "$(member frequency)" 2h "and it stays so"

echo "1..$cases"
