#!/bin/sh
# variants.sh - variants of a sync: made and removed over the API and by the verb; each with a schedule, checkpoint, records and
# pause of its own; over restarts, kill -9 and a reload.
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
down() { # down SIGNAL
	kill "-$1" "$server"
	wait "$server" 2>/dev/null
}

ask() { # ask METHOD PATH [BODY]: $code, $dir/out
	code=$(curl -s -g -m 20 -X "$1" -o "$dir/out" -w '%{http_code}' -H "Authorization: Bearer $key" -H 'Content-Type: application/json' \
		-H 'Connection-Id: acme' -H 'Provider-Config-Key: sorts' ${3:+-d "$3"} "$url$2")
	: >"$dir/err"
}
error() { echo "$code $(sed -n 's/^{"error":{"code":"\([a-z_]*\)".*/\1/p' "$dir/out")"; }
said() { echo "$code $(cat "$dir/out")"; }
of() { echo "\"provider_config_key\":\"sorts\",\"connection_id\":\"${1:-acme}\""; }
make() { ask POST "/sync/things/variant/$1" "{$(of)}"; }
status_of() { ask GET "/sync/status?syncs=$1&provider_config_key=sorts&connection_id=acme"; }
syncs() { sed 's/},{"id"/}\n{"id"/g' "$dir/out" | sed -n 's/.*"name":"\([a-z]*\)","variant":"\([a-z0-9_-]*\)","type":"[A-Z]*","status":"\([A-Z]*\)".*/\1 \2 \3/p'; }
member() { sed -n 's/.*"'"$1"'":"\{0,1\}\([^",}]*\).*/\1/p' "$dir/out"; } # of the last sync listed
is_now() { status_of "$1" && grep -q "\"status\":\"$2\"" "$dir/out"; }
ran() { is_now "$1" SUCCESS && [ "$(member checkpoint)" = "$2" ]; }
ids() { ask GET "/records?model=$1${2:+&variant=$2}"; grep -o '"id":"[^"]*"' "$dir/out" | sort | tr '\n' ' '; }
runs() { "$build/sluice" --conf "$conf" history --limit 1000 --sync "$1" --format jsonl 2>/dev/null | grep -c '"status":"success"'; }

plugins sorts
host 'first_spread = 10ms'
ini <<INI
[connection acme : sorts]
max_runs = 4
[connection other : sorts]
active = no
[sync acme : sorts : steps]
run_limit = 1h
[key app]
value = $key
scope = admin
[webhook app]
url = http://127.0.0.1:1/
secret = whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw
events = sync
of = acme:sorts:Thing
INI
serve
until_true 20 ran things 1

# ---- made

make eu
is "$code" 200 "a variant is made"
has "$dir/out" '^\{"id":"[0-9a-f-]{36}","name":"things","variant":"eu"\}$' "and told with an id"
id=$(member id)
make eu
is "$(error)" "400 sync_variant_already_exists" "a second one of that name is refused"
make base
is "$(error)" "400 invalid_variant" "base is what the sync itself is"
make 'a.b'
is "$(error)" "400 invalid_variant" "a name is of letters, digits, _ and -"
ask POST /sync/nothing/variant/eu "{$(of)}"
is "$(error)" "400 unknown_sync" "an unknown sync is told"
ask POST /sync/things::eu/variant/us "{$(of)}"
is "$(error)" "400 unknown_sync" "a variant has none of its own"
ask POST /sync/things/variant/eu "{$(of nobody)}"
is "$(error)" "400 unknown_connection" "and an unknown connection"
until_true 20 ran things::eu 1
ok $? "it runs by itself"
is "$(member id)" "$id" "under the id that was told"
status_of '*'
is "$(syncs | sort | tr '\n' ';')" "steps base SUCCESS;things base SUCCESS;things eu SUCCESS;" "a star lists it too"
status_of 'things,things::eu,things::us'
is "$(syncs | sort | tr '\n' ';')" "things base SUCCESS;things eu SUCCESS;" "by name each is listed that there is"

# ---- records of its own

is "$(ids Thing)" '"id":"base" "id":"of base" ' "the sync's records are its own"
is "$(ids Thing eu)" '"id":"eu" "id":"of eu" ' "and the variant's, whose connector was told its name"
is "$(ids Thing us)" '' "of another variant there are none"
status_of things::eu
has "$dir/out" '"recordCount":\{"Thing":2\},"checkpoint":1' "its records are counted alone, and its checkpoint is its own"
ask GET "/api/v1/datasets/acme/sorts/Thing/changes?variant=eu"
has "$dir/out" '"id":"of eu"' "its feed is read by the same name"
ask GET "/api/v1/datasets?model=Thing&variant=eu"
has "$dir/out" '"model":"Thing","live":2,.*"variant":"eu"' "and it is a dataset"

# ---- triggered, paused, given an interval: one alone

ask POST /sync/trigger "{\"syncs\":[\"things::eu\"],$(of)}"
is "$(said)" '200 {"success":true}' "one is triggered by name::variant"
until_true 20 ran things::eu 2
ok $? "and runs, with the checkpoint that it left"
ask GET "/records?model=Thing&variant=eu&ids=eu"
has "$dir/out" '"runs":2,"found":2' "and finds the records that are its own"
status_of things
is "$(member checkpoint)" 1 "the sync itself did not"
ask POST /sync/pause "{\"syncs\":[{\"name\":\"things\",\"variant\":\"eu\"}],$(of)}"
status_of '*'
is "$(syncs | grep things | sort | tr '\n' ';')" "things base SUCCESS;things eu PAUSED;" "one is paused alone, named as an object"
ask PUT /sync/update-connection-frequency "{\"sync_name\":\"things\",\"sync_variant\":\"eu\",\"frequency\":\"every 2h\",$(of)}"
is "$(said)" '200 {"frequency":"2h"}' "and given an interval"
status_of things::eu
a=$(member frequency)
status_of things
is "$a $(member frequency)" "2h 1h" "which the sync itself does not get"
ask PUT /sync/update-connection-frequency "{\"sync_name\":\"things\",\"sync_variant\":\"us\",\"frequency\":\"every 2h\",$(of)}"
is "$(error)" "400 unknown_sync" "one that there is not gets none"
ask POST /sync/trigger "{\"syncs\":[{\"name\":\"things\",\"variant\":\"us\"}],$(of)}"
is "$(error)" "400 no_syncs_found" "nor a run"

# ---- /api/v1 and the command line

ask GET '/api/v1/syncs?connection=acme&sync=things&variant=eu'
has "$dir/out" '"sync":"things::eu"' "/api/v1 takes the variant as a parameter"
hasnt "$dir/out" '"sync":"things"' "and means that one"
ask GET '/api/v1/datasets/acme/sorts/Thing::eu/records'
has "$dir/out" '"id":"of eu"' "records go by MODEL::VARIANT too"
ask GET '/api/v1/runs?sync=things&variant=eu'
is "$(grep -o '"sync":"[a-z:]*"' "$dir/out" | sort | uniq -c | tr -s ' ')" ' 2 "sync":"things::eu"' "so its runs are found"
ask GET '/api/v1/syncs/acme/sorts/things/checkpoint?variant=eu'
has "$dir/out" '^\{"data":.*2' "and its checkpoint"
run status --format jsonl --sync things::eu --connection-id acme
has "$dir/out" '"sync":"things::eu"' "the command line knows it beside a service"
run records Thing::eu --connection-id acme
has "$dir/out" 'of eu' "and shows its records"
run variants
has "$dir/out" '^acme +sorts +things +eu *$' "and lists it"
run variants add things::us --connection-id acme
is "$status" 0 "and makes one"
until_true 20 ran things::us 1
ok $? "which the service begins at once"
run variants add things::us --connection-id acme
is "$status $(grep -c 'has a variant' "$dir/err")" "2 1" "once"
run variants add things --connection-id acme
is "$status" 2 "what names no variant is refused"
run deliveries list --format jsonl
for n in $(grep -o '"number":[0-9]*' "$dir/out" | cut -d: -f2); do
	"$build/sluice" --conf "$conf" deliveries show "$n" --format jsonl
done >"$dir/events" 2>/dev/null
has "$dir/events" '"syncName": ?"things".*"syncVariant": ?"base"' "an application is told of a sync's run"
has "$dir/events" '"syncName": ?"things".*"syncVariant": ?"eu"' "and of its variant's, by name and variant"

# ---- it outlives the host

down TERM
serve
status_of '*'
is "$(syncs | grep things | cut -d' ' -f1,2 | sort | tr '\n' ';')" "things base;things eu;things us;" "a restart keeps them"
status_of things::eu
is "$(member status) $(member frequency) $(member checkpoint)" "PAUSED 2h 2" "with all that was said of one"
ask POST /sync/steps/variant/eu "{$(of)}"
ask POST /sync/trigger "{\"syncs\":[\"steps\",\"steps::eu\"],$(of)}"
both() { is_now steps RUNNING && [ "$(member checkpoint)" != null ] && is_now steps::eu RUNNING && [ "$(member checkpoint)" != null ]; }
until_true 20 both
ok $? "a sync and its variant run side by side"
status_of steps::eu
before=$(member checkpoint)
down KILL
serve
further() { is_now steps::eu RUNNING && [ "$(member checkpoint)" -gt "$before" ]; }
until_true 20 further
ok $? "killed, each goes on from its own checkpoint"
run verify
is "$status" 0 "and the store is whole"
ask POST /api/v1/reload
is "$code" 200 "a reload"
status_of '*'
is "$(syncs | grep -c ' \(eu\|us\) ')" 3 "keeps them"

# ---- removed

ask DELETE /sync/steps/variant/eu "{$(of)}"
is "$(said)" '200 {"success":true}' "one that runs is removed"
gone() { [ "$("$build/sluice" --conf "$conf" history --limit 1 --sync steps::eu --format jsonl 2>/dev/null | grep -c '"status":"stopped"')" = 1 ]; }
until_true 20 gone
ok $? "its run is ended in good order"
status_of '*'
is "$(syncs | grep steps | tr '\n' ';')" "steps base RUNNING;" "the sync itself goes on"
ask POST /sync/trigger "{\"syncs\":[\"steps::eu\"],$(of)}"
is "$(error)" "400 no_syncs_found" "nothing of it begins any more"
case $(ids Step eu) in *'"id":"n0"'*) true ;; *) false ;; esac
ok $? "its records are there"
ask DELETE /sync/steps/variant/eu "{$(of)}"
is "$(error)" "404 not_found" "it cannot be removed twice"
ask DELETE /sync/steps/variant/base "{$(of)}"
is "$(error)" "400 invalid_variant" "nor the sync itself"
ask DELETE /sync/things/variant/eu "{$(of nobody)}"
is "$(error)" "400 unknown_connection" "nor one of an unknown connection"
ask DELETE /sync/things/variant/eu "{$(of)}"
make eu
ask POST /sync/trigger "{\"syncs\":[\"things::eu\"],$(of)}"
until_true 20 ran things::eu 3
ok $? "one that is made again goes on where it ended, and is not paused"
status_of things::eu
is "$(member frequency)" 1h "nor has it an interval of its own"
ask PUT /api/v1/syncs/acme/sorts/things/variants/de
is "$code" 200 "/api/v1 makes one"
ask DELETE /api/v1/syncs/acme/sorts/things/variants/de
is "$code" 200 "and removes it"
ask GET '/api/v1/variants?connection=acme&sync=things'
is "$(grep -o '"name":"[a-z:]*"' "$dir/out" | tr '\n' ' ')" '"name":"things::eu" "name":"things::us" ' "and lists what is left"

# ---- deletes held back, of one alone

ask POST /connections/metadata "{\"connection_id\":\"acme\",\"provider_config_key\":\"sorts\",\"metadata\":{\"empty\":true}}"
ask POST /sync/trigger "{\"syncs\":[\"things::us\"],$(of)}"
until_true 20 ran things::us 2
ask GET /api/v1/held
is "$(grep -o '"sync":"[a-z:]*"' "$dir/out") $(grep -o '"held":[0-9]*' "$dir/out")" '"sync":"things::us" "held":2' "its deletes are held back"
ask POST '/api/v1/held/acme/sorts/things/Thing/confirm?variant=us' '{}'
is "$code" 200 "and confirmed by its name"
ask GET '/api/v1/datasets?model=Thing'
is "$(grep -o '"live":[0-9]*' "$dir/out" | head -n 3 | tr '\n' ' ')" '"live":2 "live":2 "live":0 ' "which deletes nothing of the others"
status_of things::us
has "$dir/out" '"recordCount":\{"Thing":0\}' "as its count says"
ask POST /connections/metadata "{\"connection_id\":\"acme\",\"provider_config_key\":\"sorts\",\"metadata\":{}}"

# ---- how many

ask POST /sync/pause "{\"syncs\":[],$(of)}"
n=2
while [ "$n" -lt 100 ]; do
	n=$((n + 1))
	make "v$n"
	[ "$code" = 200 ] || break
done
is "$n $code" "100 200" "a sync has up to a hundred"
make v101
is "$(error)" "400 resource_capped" "and no more"
ask POST /sync/steps/variant/eu "{$(of)}"
is "$code" 200 "another sync has its own"

# ---- with their connection

ask POST /connections '{"provider_config_key":"sorts","connection_id":"user-1","credentials":{"type":"NONE"}}'
a=$code
ask POST /sync/things/variant/eu "{$(of user-1)}"
is "$a $code" "201 200" "a connection that an application makes has some too"
ask DELETE '/connections/user-1?provider_config_key=sorts'
is "$code" 200 "it is removed"
ask POST /connections '{"provider_config_key":"sorts","connection_id":"user-1","credentials":{"type":"NONE"}}'
ask GET '/api/v1/variants?connection=user-1'
is "$(said)" '200 {"data":[]}' "and made again it has none"
down TERM
run variants --connection-id user-1 --format jsonl
is "$(cat "$dir/out")" "" "also for the next host"
run run --sync things::us --connection-id acme
is "$status" 0 "without a service the command line runs one"
run records Thing::us --connection-id acme --format jsonl
has "$dir/out" '"runs":3' "once more"
run variants remove things::us --connection-id acme
is "$status" 0 "and removes it"
run run --sync things::us --connection-id acme
is "$status" 2 "then there is none"
run datasets
has "$dir/out" 'Thing::us +2 ' "but for its records"
echo "1..$cases"
