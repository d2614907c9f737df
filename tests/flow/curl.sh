#!/bin/sh
# curl.sh - the guide's chapter "All of it with curl" does what it says: each part of its blocks is run as it stands, in the
# guide's order, against a running host; and what each has done is looked at. Then the lines of the README.
#
# A part begins at its line `# NAME`. All run in this shell, so what one leaves in a variable the next has. Names of connections
# are the guide's; the address and the key are this test's. A part that this script does not run is a failure.
. "$(dirname "$0")/lib.sh"
. tests/flow/contract.inc
for tool in jq openssl curl; do
	command -v $tool >/dev/null || { skip "the guide's chapter for curl" "no $tool"; exit 0; }
done
plugins act
provider --records 20

secret=whsec_$(openssl rand -base64 32)
stripe_secret=a-secret-of-stripe
slack_secret=a-secret-of-slack
host 'retry_base = 10ms' 'first_spread = 0s'
keys
ini <<INI
[key cron]
value = 7c2b7b1e-9d3e-4c38-8a52-0f0a7d3f6b17
scope = trigger
[integration stripe]
base_url = $at/stripe
[integration slack]
base_url = $at/slack
[integration crm]
plugin = act
base_url = $at
[connection acme : stripe]
token = sk_test_guide
webhook_secret = $stripe_secret
[connection acme : crm]
[connection team : slack]
token = xoxb-guide
channels = ["*"]
webhook_secret = $slack_secret
[sync acme : stripe : events]
auto_sync = no
[webhook crm]
url = $at/hook
secret = $secret
events = records.created, records.updated, records.deleted, sync
of = acme:stripe:StripeCustomer
INI
control faults '{"route":"POST /hook","replies":[{"status":200}]}' >/dev/null
serve_begin
synced() { [ "$(curl -s -H "Authorization: Bearer $read_key" "$url/api/v1/datasets" | jq '[.data[] | select(.model == "StripeCustomer") | .live] | add')" = 20 ]; }
until_true 60 synced
ok $? "the customers are synced"

# ---- the parts

awk '/^## / { here = $0 == "## All of it with curl" } /^```/ { inside = here && $0 == "```bash"; next }
	here && inside' conf/GUIDE.md >"$dir/lines"
grep -E '^# [a-z-]+$' "$dir/lines" | cut -c3- >"$dir/parts"
: >"$dir/done"
export SLUICE_SECRET_KEY=$write_key token=sk_test_beta

part() { # part NAME: runs it; $came is how it went, what it wrote in $dir/out
	echo "$1" >>"$dir/done"
	awk -v name="# $1" '/^# [a-z-]+$/ { inside = $0 == name; next } inside' "$dir/lines" >"$dir/part"
	cd "$dir" || exit 1
	eval "$(cat part)" >out 2>err
	came=$?
	cd "$home" || exit 1
}
says() { # says NAME WANTED SENTENCE: its output
	part "$1"
	is "$came $(cat "$dir/out")" "0 $2" "$3"
}
shows() { # shows NAME PATTERN SENTENCE
	part "$1"
	[ "$came" = 0 ] && grep -qE -e "$2" "$dir/out"
	ok $? "$3"
}
home=$PWD

part client
ok $came "the client is defined"
host=$url

part list
is "$came $(jq -r .id "$dir/out" | sort -u | wc -l) $(wc -l <"$dir/out")" "0 20 20" "list: pages of two hold every record once"
jq -r .id "$dir/out" >"$dir/ids"
one=$(head -n 1 "$dir/ids") other=$(tail -n 1 "$dir/ids")
says since "" "since: nothing has changed"
since=$(date -u +%Y-%m-%dT%H:%M:%S.%NZ) # the first sync may be of this second
says ids "$one
$other" "ids: the two that were asked for, in order"
control mutate api=stripe kind=customers change=2 drop=1 >"$dir/mutated"
ids stripe customers dropped "$dir/mutated" >"$dir/dropped"
ids stripe customers changed "$dir/mutated" >"$dir/changed"

# ---- syncs

sleeping() { api GET /sync/status -G -d provider_config_key=stripe -d connection_id=acme -d syncs=customers | jq -e '.syncs[0].status == "PAUSED"'; }
runs_ended() { "$build/sluice" --conf "$conf" history --sync customers --connection-id acme --status success --format jsonl 2>/dev/null | wc -l; }
before=$(runs_ended)
says trigger '{"success":true}' "trigger: is asked for"
ran() { [ "$(runs_ended)" -gt "$before" ]; }
until_true 60 ran
ok $? "and runs"
shows status '^customers (SUCCESS|RUNNING) next 20' "status: how it stands"
# What changed is seen by a listing of everything.
api POST /sync/trigger -H "$json" -d '{"provider_config_key":"stripe","connection_id":"acme","syncs":["customers"],"opts":{"reset":true}}' >/dev/null
gone() { [ -n "$(api GET /records $acme -G -d model=StripeCustomer -d filter=deleted | jq -r '.records[].id')" ]; }
until_true 60 gone
part since
is "$came $(grep -c UPDATED "$dir/out") $(grep -c DELETED "$dir/out")" "0 2 1" "since: a reset's run brought two updates and a delete"
same_ids() { sort "$dir/out" >"$dir/sorted" && cmp -s "$dir/sorted" "$1"; }
part deleted
same_ids "$dir/dropped"
ok $? "deleted: the one that the provider dropped"
part filter
is "$came $(wc -l <"$dir/out")" "0 19" "filter: without it there are nineteen"
part modified-after
sort "$dir/changed" "$dir/dropped" >"$dir/moved"
same_ids "$dir/moved"
ok $? "modified-after: what has changed since then"
shows prune '"has_more":false' "prune: gives up the content that was read"
says pause '{"success":true}' "pause: is taken"
sleeping >/dev/null
ok $? "and the sync is paused"
says start '{"success":true}' "start: is taken"
! sleeping >/dev/null
ok $? "and the sync goes on"
says frequency '{"frequency":"2 hours"}' "frequency: an interval of its own"
shows frequency-back '"frequency":"1h"' "frequency-back: the connector's again"

# ---- connections

shows connect '"connection_id":"beta".*"tags":\{"plan":"trial"\}' "connect: a connection is made"
says connections beta "connections: found by its tag"
says connection '["beta","API_KEY",{"plan":"trial"}]' "connection: one, its secret not shown"
says label '{"success":true}' "label: is taken"
says connections "" "and it is found by the old tag no more"
shows set-metadata '"region":"eu"' "set-metadata: is taken"
shows update-metadata '"tier":2' "update-metadata: is taken"
is "$(api GET '/connections/beta?provider_config_key=stripe' | jq -c '[.tags, .metadata]')" '[{"plan":"paid"},{"region":"eu","tier":2}]' \
	"and both stand in the connection"
says disconnect '{"success":true}' "disconnect: it is removed"
shows integrations '^stripe$' "integrations: are listed"
shows scripts '^stripe customers StripeCustomer every 1h$' "scripts: name syncs and models"

# ---- actions, proxy

says action '{"name":"Ada"}' "action: answers with its output"
part action-later
is "$came $(cat "$dir/result.json")" '0 {"name":"Bea"}' "action-later: the result is fetched"
part proxy
is "$came $(grep -c '^cus_' "$dir/out")" "0 3" "proxy: the provider's own answer"

# ---- the feed

part snapshot
is "$came $(wc -l <"$dir/snapshot.jsonl")" "0 20" "snapshot: nineteen live records and the cursor"
part changes & # waits until something changes
waits=$!
sleep 0.5
control mutate api=stripe kind=customers change=3 >/dev/null
api POST /sync/trigger -H "$json" -d '{"provider_config_key":"stripe","connection_id":"acme","syncs":["customers"],"opts":{"reset":true}}' >/dev/null
wait $waits
is "$(grep -c '^\["updated","cus_' "$dir/out")" 3 "changes: a long-poll is answered with what changes"
part stream
is "$came $(grep -c '^event: change' "$dir/stream.txt")" "28 3" "stream: the same as events, behind Last-Event-ID, until the time is up"
part changes
is "$came $(grep -c '^\["updated"' "$dir/out")" "0 3" "changes: from the cursor again, at once"
part export
is "$came $(wc -l <"$dir/customers.csv")" "0 20" "export: a head and nineteen lines"

# ---- webhooks

hooked() { control requests log=1 | jq -c '[.requests[] | select(.target == "/hook" and .body)]' >"$dir/hooks" && [ "$(jq length "$dir/hooks")" -ge 2 ]; }
until_true 20 hooked
ok $? "events were posted"
jq -j '.[0].body' "$dir/hooks" >"$dir/body"
head_of() { jq -r ".[0].headers[\"$1\"]" "$dir/hooks"; }
id=$(head_of webhook-id) time=$(head_of webhook-timestamp) signature=$(head_of webhook-signature) nango=$(head_of x-nango-hmac-sha256)
says verify genuine "verify: by openssl"
says verify-nango genuine "verify-nango: by openssl"
printf ' ' >>"$dir/body"
says verify forged "verify: one byte more is found"
says verify-nango forged "verify-nango: one byte more is found"
shows deliveries '^crm (idle|sending) waiting [0-9]+ parked 0$' "deliveries: how the endpoint stands"
shows deliver '"queued":0' "deliver: what waits is tried"
says stripe-event '{"received":true,"known":false,"ignored":false}' "stripe-event: signed by openssl, is taken"
by_hand() { api GET $feed/records/cus_by_hand; }
until_true 20 by_hand
ok $? "and its record is there"
says slack-event '{"challenge":"is it you?"}' "slack-event: the question is answered"

# ---- cron, and the host

key=7c2b7b1e-9d3e-4c38-8a52-0f0a7d3f6b17
part due
is "$came" 0 "due: a key of scope trigger may ask"
part start-due
is "$came" 0 "start-due: and may start"
shows history '^acme:(stripe|crm):[a-z_-]+ (COMPLETED|FAILED|IN_PROGRESS) [0-9]+$|^team:slack' "history: the runs"
key=$read_key
says ready true "ready: the host can work"
shows metrics '^sluice_dead_letters[{]connection="acme",integration="stripe",sync="customers"[}] 0$' "metrics: are counted"

# ---- the README's, with the key that a host makes itself

serve_end
sed '/^\[key /,/^scope/d' "$conf/sluice.ini" >"$dir/keyless" && cp "$dir/keyless" "$conf/sluice.ini"
serve_begin
sluice() { "$build/sluice" --conf "$conf" "$@"; }
awk '/^```sh$/ { n = 0; inside = 1; text = ""; next } /^```/ { if (inside && text ~ /curl/) print text; inside = 0 }
	inside { text = text $0 "\n" }' README.md >"$dir/lines"
eval "$(sed "s|^at=.*|at=$url|; s/^curl /curl -sS --fail-with-body /" "$dir/lines")" >"$dir/out" 2>"$dir/err"
is "$? $(grep -o '"next_cursor":' "$dir/out" | wc -l) $(grep -o '"more":' "$dir/out" | wc -l)" "0 1 1" "the README's two requests are answered"

sort -u "$dir/done" | grep -vxF -f - "$dir/parts" >"$dir/out"
is "$(cat "$dir/out")" "" "every part of the chapter was run"
