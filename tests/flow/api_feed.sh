#!/bin/sh
# api_feed.sh - /api/v1 as an application uses it, by curl: pages, cursors over a restart, long-poll, event streams, snapshots,
# exports; each refusal with its status and code; and what the command line can, over HTTP.
. "$(dirname "$0")/lib.sh"
plugins odd
provider --records 300
admin=11111111-2222-4333-8444-555555555555
reader=22222222-2222-4333-8444-555555555555
trigger=33333333-2222-4333-8444-555555555555

host 'retry_base = 5ms'
ini <<INI
[integration odd]
base_url = $at
[connection acme : odd]
[key boss]
value = $admin
scope = admin
[key looks]
value = $reader
scope = read
[key cron]
value = $trigger
scope = trigger
INI
for sync in cursor offset number leaves crashes letters counted silent claims proves; do
	printf '[sync acme : odd : %s]\nauto_sync = no\n' "$sync"
done | ini

serve() {
	: >"$dir/log"
	"$build/sluice" --conf "$conf" serve >/dev/null 2>"$dir/log" &
	host=$!
	pids="$pids $host"
	until_true 30 grep -q '"msg":"serves ' "$dir/log" || { cat "$dir/log"; exit 1; }
	port=$(sed -n 's/.*listens on http:..127.0.0.1:\([0-9]*\).*/\1/p' "$dir/log" | head -1)
	api=http://127.0.0.1:$port
}
ask() { # ask METHOD PATH [CURL ARGUMENTS]: body in $dir/out, status in $code
	method=$1 where=$2
	shift 2
	code=$(curl -s --max-time 60 -X "$method" -H "Authorization: Bearer ${key:-$admin}" -H 'Content-Type: application/json' \
		-o "$dir/out" -w '%{http_code}' "$@" "$api$where")
}
asked() { ask "$@" && [ "$code" = 200 ]; }
member() { # member NAME: the text or number of the first one of that name in the last answer
	grep -o "\"$1\":\"\{0,1\}[^\",}]*" "$dir/out" | head -1 | sed 's/^"[^"]*":"\{0,1\}//'
}
runs_over() { # runs_over SYNC N: so many stand in the history, and none is under way
	asked GET "/api/v1/runs?sync=$1&limit=1000" && [ "$(grep -o '"run":' "$dir/out" | wc -l)" -ge "$2" ] &&
		asked GET "/api/v1/syncs/acme/odd/$1" && grep -q '"running":false' "$dir/out"
}
sync() { # sync NAME N: runs it, as its Nth run
	asked POST "/api/v1/syncs/acme/odd/$1/trigger" -d '{}' && until_true 30 runs_over "$1" "$2"
}
lines() { grep -o "$1" "$dir/out" | wc -l; }
of=/api/v1/datasets/acme/odd/M_cursor

control faults '{"route":"GET /odd/letters","replies":[{"body":{"items":[{"id":"1","number":1},{"number":2},{"id":"3","number":3}]}}]}' >/dev/null
serve

# ---- before anything was synced

ask GET "$of/changes"
is "$code $(member code)" "404 unknown_dataset" "a dataset that was never synced is not there"
sync cursor 1
ok $? "a sync is triggered, and its end is seen in the history"

# ---- pages

asked GET "$of/records?limit=200"
is "$(lines '"sequence":') $(member more)" "200 true" "a page of records has as many as were asked for"
next=$(member cursor)
asked GET "$of/records?limit=200&cursor=$next"
is "$(lines '"sequence":') $(member more)" "100 false" "its cursor leads to the rest"
asked GET "$of/changes?limit=10000"
is "$(lines '"action":"added"') $(member more)" "300 false" "the feed from the beginning is everything, as added"
last=$(member cursor)
first=$(sed 's/.*"changes":\[{"action":"added","id":"\([^"]*\)".*/\1/' "$dir/out")
asked GET "$of/records/$first"
is "$(member id)" "$first" "one record is had by its id"
ask GET "$of/records/nobody"
is "$code $(member code)" "404 not_found" "one that is not there is 404"

# ---- cursors

ask GET "$of/changes?cursor=x$last"
is "$code $(member code)" "400 invalid_cursor" "what is no cursor is refused"
ask GET "$of/changes?cursor=$next"
is "$code $(member code)" "400 invalid_cursor" "a cursor of records is none of changes"
sync letters 1
ask GET "/api/v1/datasets/acme/odd/M_letters/changes?cursor=$last"
is "$code" 400 "a cursor of another dataset is refused"
has "$dir/out" 'of another dataset' "and says so"
ask GET "$of/changes?cursor=$last&limit=ten"
is "$code $(member code)" "400 invalid_query_params" "a limit that is no number is refused"
kill -9 "$host"
wait "$host" 2>/dev/null
serve
asked GET "$of/changes?cursor=$last"
is "$(lines '"action":') $(member more)" "0 false" "a cursor outlives a kill of the host"

# ---- waiting

began=$(date +%s%N)
asked GET "$of/changes?cursor=$last&wait=1s"
took=$((($(date +%s%N) - began) / 1000000))
[ "$took" -ge 900 ] && [ "$took" -lt 15000 ]
ok $? "with nothing new the call is answered when its time is up ($took ms)"
is "$(lines '"action":')" 0 "with no changes"
key=$reader asked GET "$of/changes?cursor=$last" # as a reader
control mutate api=plain change=3 drop=2 add=1 >/dev/null
curl -s --max-time 60 -H "Authorization: Bearer $reader" "$api$of/changes?cursor=$last&wait=30s" >"$dir/waited" &
waiting=$!
curl -sN --max-time 60 -H "Authorization: Bearer $reader" -H "Last-Event-ID: $last" "$api$of/changes/stream" >"$dir/events" &
streaming=$!
pids="$pids $streaming"
curl -sN --max-time 60 -H "Authorization: Bearer $reader" "$api/api/v1/live" >"$dir/live" &
watching=$!
pids="$pids $watching"
until_true 10 grep -q '^retry:' "$dir/events"
ok $? "a stream begins by saying how to come back"
sync cursor 2
wait "$waiting"
cp "$dir/waited" "$dir/out"
[ "$(lines '"action":')" -ge 1 ]
ok $? "a call that waits is answered with the next change"
stream_has() { [ "$(grep -c '^event: change' "$dir/events")" -ge "$1" ]; }
until_true 10 stream_has 6
ok $? "a stream is told of all that changed"
asked GET "$of/changes?cursor=$last"
is "$(lines '"action":"updated"') $(lines '"action":"deleted"') $(lines '"action":"added"')" "3 2 1" "as the provider changed it"
grep -o '"action":"[a-z]*","id":"[^"]*","sequence":[0-9]*' "$dir/out" >"$dir/paged"
grep -o '"action":"[a-z]*","id":"[^"]*","sequence":[0-9]*' "$dir/events" >"$dir/streamed"
same "$dir/streamed" "$dir/paged" "stream and page tell the same in the same order"
until_true 10 grep -q '^event: sync' "$dir/live"
ok $? "the live view tells of syncs"
until_true 10 grep -q '^event: alerts' "$dir/live"
ok $? "and of alerts"
kill "$watching" "$streaming"

# ---- a stream goes on from any of its events

third=$(sed -n 's/^id: //p' "$dir/events" | sed -n 3p)
curl -sN --max-time 60 -H "Authorization: Bearer $reader" -H "Last-Event-ID: $third" -H 'Accept: text/event-stream' "$api$of/changes" >"$dir/again" &
again=$!
three() { [ "$(grep -c '^data: ' "$dir/again")" -ge 3 ]; }
until_true 10 three
sleep 1 # whatever more would come
kill "$again"
sed -n 's/^data: //p' "$dir/events" | sed -n '4,6p' >"$dir/rest"
sed -n 's/^data: //p' "$dir/again" >"$dir/resumed"
same "$dir/resumed" "$dir/rest" "Last-Event-ID resumes behind that event, with nothing twice and nothing left out"
ask GET "$of/changes/stream" -H 'Last-Event-ID: nonsense'
is "$code $(member code)" "400 invalid_cursor" "a stream with a bad cursor is refused by its status"

# ---- snapshot and export

asked GET "$of/snapshot"
is "$(grep -c '"record":' "$dir/out") $(tail -1 "$dir/out" | grep -c '^{"cursor":"')" "299 1" "a snapshot is all live records and a cursor"
cursor=$(tail -1 "$dir/out" | sed 's/.*"cursor":"\([^"]*\)".*/\1/')
cp "$dir/out" "$dir/plain"
asked GET "$of/changes?cursor=$cursor"
is "$(lines '"action":')" 0 "behind which there is nothing yet"
curl -s --compressed -H "Authorization: Bearer $reader" "$api$of/snapshot" | grep -v '^{"cursor"' >"$dir/small"
grep -v '^{"cursor"' "$dir/plain" >"$dir/large"
same "$dir/small" "$dir/large" "compressed it is the same"
asked GET "$of/export?to=csv"
tr -d '\r' <"$dir/out" >"$dir/csv"
"$build/sluice" --conf "$conf" export M_cursor --to csv 2>/dev/null | tr -d '\r' >"$dir/csv.cli"
same "$dir/csv" "$dir/csv.cli" "a CSV is that of the command line"
asked GET "$of/export"
"$build/sluice" --conf "$conf" export M_cursor --to jsonl 2>/dev/null | sed 's/"action":"[a-z]*",//' >"$dir/jsonl.cli"
same "$dir/out" "$dir/jsonl.cli" "JSON lines too"

# ---- what was pruned is no gap

asked POST /api/v1/prune -d "{\"what\":\"deleted\",\"before\":\"2100-01-01T00:00:00Z\"}"
is "$(member tombstones)" 2 "old deletes are pruned"
ask GET "$of/changes?cursor=$last"
is "$code $(member code)" "410 cursor_expired" "a cursor from before them is refused: 410"
ask GET "$of/changes/stream?cursor=$last"
is "$code $(member code)" "410 cursor_expired" "a stream from there too"
asked GET "$of/changes?cursor=$cursor"
ok $? "one from behind them is not"

# ---- rights

key=$trigger ask GET "$of/changes"
is "$code" 403 "a key of scope trigger reads nothing"
key=$reader ask POST "/api/v1/syncs/acme/odd/cursor/trigger" -d '{}'
is "$code" 403 "a key of scope read triggers nothing"
key=$trigger ask POST "/api/v1/syncs/acme/odd/cursor/trigger" -d '{}'
is "$code" 403 "nor does one of scope trigger, which is for /api/connectors alone"
asked POST "/api/v1/syncs/acme/odd/cursor/trigger" -d '{}'
ok $? "one of scope write does"
key=$reader ask POST /api/v1/reload
is "$code" 403 "only an admin's key reloads"
until_true 20 runs_over cursor 3

# ---- what the command line can

for path in service doctor plugins limits alerts 'alerts?ended=true' datasets syncs due connections connections/acme/odd runs runs/1 \
	runs/1/steps runs/1/logs dead-letters held connections/acme/odd/metadata connections/acme/odd/token \
	syncs/acme/odd/cursor/checkpoint syncs/acme/odd/cursor/positions; do
	key=$reader ask GET "/api/v1/$path"
	is "$code" 200 "GET /api/v1/$path"
done
for path in runs/999 connections/nobody/odd dead-letters/99 syncs/acme/odd/nothing runs/999/steps; do
	ask GET "/api/v1/$path"
	is "$code" 404 "GET /api/v1/$path is 404"
done
asked PUT /api/v1/connections/acme/odd/metadata -d '{"region":"eu","n":1}'
asked PATCH /api/v1/connections/acme/odd/metadata -d '{"n":2}'
asked GET /api/v1/connections/acme/odd/metadata
has "$dir/out" '^\{"data":\{"region":"eu","n":2\}\}$' "metadata is set and updated"
asked POST /api/v1/syncs/acme/odd/cursor/pause
asked GET /api/v1/syncs/acme/odd/cursor
has "$dir/out" '"state":"paused"' "a sync is paused"
asked POST /api/v1/syncs/acme/odd/cursor/start
asked GET /api/v1/syncs/acme/odd/cursor
hasnt "$dir/out" '"state":"paused"' "and started again"
asked POST /api/v1/connections/acme/odd/disable
is "$(member enabled)" false "a connection is switched off"
asked POST /api/v1/connections/acme/odd/enable
is "$(member enabled)" true "and on"
asked GET "/api/v1/dead-letters?unresolved=true"
is "$(member model) $(member reason)" "M_letters id is missing: a record without its id cannot be kept" "a dead letter is listed"
number=$(member number)
asked POST "/api/v1/dead-letters/$number/retry"
is "$(member saved)" false "tried again it is refused again"
asked POST "/api/v1/dead-letters/$number/retry" -d '{"refetch":true}'
is "$(member sync)" letters "it can be fetched again, by a full run of its sync"
letters_ran() { asked GET "/api/v1/runs?sync=letters&limit=1" && grep -q '"full":true.*"rejected":1' "$dir/out" && asked GET "/api/v1/dead-letters/$number" && [ "$(member attempts)" -gt 2 ]; }
until_true 20 letters_ran
ok $? "which meets it again"
asked POST "/api/v1/dead-letters/$number/resolve"
asked GET "/api/v1/dead-letters/$number"
is "$(member resolved_by)" "key boss" "resolved, it says by whom"
ask POST /api/v1/dead-letters/purge -d '{}'
is "$code" 400 "a purge must say of which"
asked POST /api/v1/dead-letters/purge -d '{"resolved":true}'
is "$(member purged)" 1 "resolved ones are purged"
asked POST /api/v1/reload
ok $? "the configuration is read anew"
job() { asked POST "/api/v1/$1" -d "$2" && grep -q '"done":true' "$dir/out"; }
until_true 20 job verify '{"token":"v1"}'
ok $? "the store is verified"
until_true 20 job backup '{"token":"b1","name":"nightly"}'
ok $? "and copied"
[ -s "$dir/store/backups/nightly/data.mdb" ]
ok $? "to where the host says"
ask POST /api/v1/backup -d '{"token":"b2","name":"../../evil"}'
is "$code" 400 "no path comes from a request"
kill "$host"
wait "$host"
is $? 0 "the host ends in good order"
echo "1..$cases"
