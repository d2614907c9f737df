#!/bin/sh
# events.sh - what a run puts for applications: its records and its end, in one commit each, in the shapes that are promised;
# what a run brought that was killed or failed is told by the next that succeeds; a refusal is told once.
. "$(dirname "$0")/lib.sh"

provider --records 40
host 'retry_base = 10ms' 'retries = 1'
ini <<-INI
	[integration stripe]
	base_url   = $at/stripe
	rate_limit = 10000/s
	[connection acme : stripe]
	token = sk_test_a
	[webhook crm]
	url    = http://127.0.0.1:1/
	secret = a secret for the signature of events
	events = records.created, records.updated, records.deleted, sync.success, sync.error
	batch  = 25
	[webhook contract]
	url    = http://127.0.0.1:1/
	secret = a secret for the signature of events
	events = sync, auth
	[webhook pointer]
	url     = http://127.0.0.1:1/
	secret  = a secret for the signature of events
	events  = records.created, records.deleted
	of      = acme:stripe:StripeCustomer
	payload = pointer
INI
who=acme
one_sync() { run run --sync customers --connection-id acme "$@"; }
events() { # events ENDPOINT: type by type
	"$build/sluice" --conf "$conf" deliveries list --endpoint "$1" --limit 0 --format jsonl 2>/dev/null |
		sed -n 's/.*"type":"\([^"]*\)".*/\1/p' | tr '\n' ' ' | sed 's/ $//'
}
numbers() { "$build/sluice" --conf "$conf" deliveries list --endpoint "$1" --limit 0 --format jsonl 2>/dev/null | sed -n 's/.*"number":\([0-9]*\).*/\1/p'; }
body() { # body ENDPOINT: of the last one
	"$build/sluice" --conf "$conf" deliveries show --endpoint "$1" "$(numbers "$1" | tail -n 1)" --format jsonl >"$dir/body" 2>/dev/null
}
drop_all() { for e in crm contract pointer; do "$build/sluice" --conf "$conf" deliveries drop --endpoint "$e" --pending >/dev/null 2>&1; done; }

one_sync
is "$status" 0 "a sync with endpoints that nobody listens at"
is "$(events crm)" "records.created records.created sync.success" "its records in events of at most 25, then its end"
body crm
has "$dir/body" '"sync":"customers","run":[0-9]+,"full":(true|false),"started_at":"[^"]*Z","finished_at":"[^"]*Z","counts":\{"fetched":40,"saved":40,"added":40,"updated":0,"unchanged":0,"deleted":0,"held":0,"rejected":0\}' \
	"which counts them"
is "$(events contract)" "sync" "the contract's body, one of the model"
body contract
has "$dir/body" '"connectionId":"acme","from":"nango","model":"StripeCustomer","modifiedAfter":"[^"]*Z","providerConfigKey":"stripe","queryTimeStamp":"[^"]*Z","responseResults":\{"added":40,"deleted":0,"updated":0\},"success":true,"syncName":"customers","syncType":"INITIAL","syncVariant":"base","type":"sync"' \
	"with its keys in order"
is "$(events pointer)" "records.created" "a pointer to each commit's changes"
body pointer
has "$dir/body" '"count":40,"after":0,"to":40\}' "up to the last sequence"
hasnt "$dir/body" '"records"' "without records"

drop_all
one_sync --full-refresh
is "$(events crm)" "sync.success" "unchanged records are no events, the run's end is"
is "$(events contract)" "" "and the contract has no body for nothing"

drop_all
control mutate api=stripe change=2 drop=3 >"$dir/mutated"
one_sync --full-refresh
is "$(events crm)" "records.updated records.deleted sync.success" "what changed, what is gone, the end"
body crm
has "$dir/body" '"added":0,"updated":2,"unchanged":35,"deleted":3,"held":0' "which counts what its own commit swept away"
body contract
has "$dir/body" '"responseResults":\{"added":0,"deleted":3,"updated":2\},"success":true,"syncName":"customers","syncType":"INCREMENTAL"' \
	"as the contract's does"

# ---- runs that do not come to their end

ini <<-INI
	[sync acme : stripe : customers]
	page_size = 10
INI
drop_all
control mutate api=stripe change=100% >"$dir/mutated"
control faults '{"nth":[3],"do":"401"}' >/dev/null
one_sync --full-refresh
is "$status" 3 "credentials are refused on the third page"
is "$(events contract)" "sync auth" "the contract has a body of the failure, and one of the refusal"
body contract
has "$dir/body" '"error":\{"description":"[^"]+","type":"credentials_refused"\},"from":"nango","operation":"refresh","provider":"stripe","providerConfigKey":"stripe","success":false,"type":"auth"' \
	"that says why"
body crm
has "$dir/body" '"type":"sync.error".*"updated":20.*"error":\{"class":"credentials","message":"[^"]+"\}' "an event of the error, with what was committed before it"
"$build/sluice" --conf "$conf" deliveries show --endpoint contract "$(numbers contract | head -n 1)" --format jsonl >"$dir/body" 2>/dev/null
has "$dir/body" '"failedAt":"[^"]*Z","from":"nango","model":"StripeCustomer","providerConfigKey":"stripe","startedAt":"[^"]*Z","success":false,"syncName":"customers","syncType":"INCREMENTAL"' \
	"the contract's body of a failure"
failed_at=$(sed -n 's/.*"startedAt":"\([^"]*\)".*/\1/p' "$dir/body")
drop_all
control faults '{"nth":[1],"do":"401"}' >/dev/null
one_sync
is "$(events contract)" "sync" "the same refusal again is told by the failure alone"
drop_all
control reset >/dev/null
one_sync
is "$status" 0 "mended, it goes on"
body contract
has "$dir/body" '"responseResults":\{"added":0,"deleted":0,"updated":37\}' "and tells what the failed run had changed too"
is "$(sed -n 's/.*"modifiedAfter":"\([^"]*\)".*/\1/p' "$dir/body")" "$failed_at" "since when that began"
run verify
is "$status" 0 "all is well with the store"

# ---- a pointer leads into the feed

ini <<-INI
	[key reader]
	value = 0b7f1c1e-6a3d-4f0a-9a51-2f7f4c2f8e11
	scope = read
INI
drop_all
control mutate api=stripe change=2 >"$dir/mutated"
one_sync --full-refresh
"$build/sluice" --conf "$conf" deliveries list --endpoint crm --limit 0 --format jsonl 2>/dev/null | grep -q records.updated
ok $? "two records changed"
"$build/sluice" --conf "$conf" deliveries show --endpoint crm "$(numbers crm | head -n 1)" --format jsonl >"$dir/body" 2>/dev/null
after=$(sed -n 's/.*"after":\([0-9]*\),"to".*/\1/p' "$dir/body")
"$build/sluice" --conf "$conf" serve >/dev/null 2>"$dir/log" &
pids="$pids $!"
until_true 30 grep -q '"msg":"serves ' "$dir/log"
port=$(sed -n 's/.*listens on http:..127.0.0.1:\([0-9]*\).*/\1/p' "$dir/log" | head -1)
curl -s --max-time 30 -H "Authorization: Bearer 0b7f1c1e-6a3d-4f0a-9a51-2f7f4c2f8e11" \
	"http://127.0.0.1:$port/api/v1/datasets/acme/stripe/StripeCustomer/changes?after=$after" >"$dir/out"
is "$(grep -o '"action":"updated"' "$dir/out" | wc -l | tr -d ' ') $(grep -o '"sequence":[0-9]*' "$dir/out" | head -n 1)" \
	"2 \"sequence\":$((after + 1))" "the feed behind an event's \`after\` begins with its first change"
