#!/bin/sh
# failing.sh - what a service does after each class of failure: refused credentials wait for a person, the provider's troubles
# pause the whole connection, those of a sync only that sync, and no failure of one connection touches another.
. "$(dirname "$0")/lib.sh"
plugins campaign chores
provider --records 20

configure() { # configure PAUSE
	store=$dir/store-$1
	host "fail_pause = $2" 'fail_pause_max = 1h' 'first_spread = 0s' "retries = ${retries:-0}"
	ini <<-INI
		[integration campaign]
		base_url = $at
		[connection acme : campaign]
		[connection beta : campaign]
		[integration chores]
		base_url = $at
		[connection crew : chores]
		token = canary
	INI
	for sync in "acme : campaign : paged" "acme : campaign : handmade" "beta : campaign : paged" "beta : campaign : handmade"; do
		printf '[sync %s]\nevery = 1s\nrun_retries = 5\nstep_retries = 0\n' "$sync" >>"$conf/sluice.ini"
	done
	printf '[sync crew : chores : dies]\nevery = 1h\nstep_retries = 0\nauto_sync = no\n' >>"$conf/sluice.ini"
}
serve() {
	"$build/sluice" --conf "$conf" --log-format json serve >"$dir/log" 2>&1 </dev/null &
	server=$!
	pids="$pids $server"
	until_true 20 grep -q 'serves 3 connections' "$dir/log" || { ok 1 "the service begins"; tail -n 3 "$dir/log"; exit 1; }
}
unserve() {
	kill "$server"
	wait "$server"
}
state() { # state CONNECTION SYNC: as status has it
	"$build/sluice" --conf "$conf" status --connection-id "$1" --sync "$2" --format jsonl 2>/dev/null |
		sed 's/.*"state":"\([^"]*\)".*/\1/'
}
is_in() { [ "$(state "$1" "$2")" = "$3" ]; }
ends() { # ends CLASS: how many runs in the history ended with it
	"$build/sluice" --conf "$conf" history --status error --limit 0 --format jsonl 2>/dev/null | grep -c "\"class\":\"$1\""
}
ended() { [ "$(ends "$1")" -ge 1 ]; }
asked() { control requests | sed 's/.*"total":\([0-9]*\).*/\1/'; }
good() { "$build/sluice" --conf "$conf" history --status success --limit 0 --format jsonl --connection-id "$1" 2>/dev/null | wc -l; }
more_good() { [ "$(good "$1")" -gt "$2" ]; }

# ---- credentials: nothing of the connection is asked for until a person says so

configure credentials 100ms
control faults '{"match":"GET /plain","do":"401"}' >/dev/null
serve
both_refused() { is_in acme paged attention && is_in acme handmade attention && is_in beta paged attention && is_in beta handmade attention; }
until_true 30 both_refused
ok $? "refused credentials want attention, all syncs of the connection"
before=$(asked)
sleep 2
is "$(asked)" "$before" "two seconds and twenty due times later the provider was not asked again"
control reset >/dev/null
run start --connection-id acme
until_true 20 more_good acme 1
ok $? "when somebody says that it is mended, it goes on"
is_in beta paged attention
ok $? "the other connection still waits"
unserve

# ---- the provider: the whole connection pauses

configure provider 1h
control faults '{"match":"GET /plain","do":"500"}' >/dev/null
serve
pausing() { is_in acme paged failing && is_in acme handmade failing && is_in beta paged failing; }
until_true 30 pausing
ok $? "a failing provider pauses all syncs of the connection"
is "$(ends provider)" 2 "one failure of each connection is enough"
control reset >/dev/null
run trigger --connection-id acme --sync paged
until_true 20 more_good acme 1
ok $? "a person's request lifts the pause"
is_in beta paged failing
ok $? "of that connection alone"

# ---- the connector: only its sync, and what happens is said

run trigger --connection-id crew --sync dies
until_true 20 ended connector
ok $? "a connector that dies is a failure of the connector"
before=$(good acme)
until_true 20 more_good acme "$before"
ok $? "and other connections go on"
unserve

# ---- the rate limit: as the provider

retries=2
configure rate 1h
retries=0
control faults '{"match":"GET /plain","do":"429","retry_after":3600}' >/dev/null
serve
until_true 30 pausing
ok $? "a provider that asks to wait for an hour pauses the connection"
[ "$(ends rate)" -ge 1 ]
ok $? "under its own class"
unserve
control reset >/dev/null
configure refused 1h
sed -i '/^\[sync acme : campaign : paged\]/,/^\[/s/^step_retries = 0/step_retries = 1/' "$conf/sluice.ini"
control faults '{"match":"GET /plain","do":"429"}' >/dev/null
run run --connection-id acme --sync paged --format jsonl
is "$status $(ends rate)" "75 1" "so is an answer 429 when no request is tried again any more"
has "$dir/out" '"workers":2' "and its step is tried again as any that may pass"
control reset >/dev/null

# ---- without a service: what waits for a person is told each time, not once

configure due 1h
control faults '{"match":"GET /plain","do":"401"}' >/dev/null
run run --due --connection-id acme
is "$status" 3 "run --due exits 3 when credentials are refused"
before=$(asked)
run run --due --connection-id acme
is "$status $(asked)" "3 $before" "the next one too, though nothing is begun"
has "$dir/err" 'acme : campaign: the provider refuses its credentials.*sluice start' "and says who waits for a person"
is "$(grep -c 'refuses its credentials' "$dir/err")" 1 "once for all syncs of a connection"
control reset >/dev/null
run run --connection-id acme
is "$status" 0 "a run that is asked for tries them again"
run run --due --connection-id acme
is "$status" 0 "and all is well"

# ---- data: only the sync

configure data 1h
control faults '{"match":"GET /plain","do":"truncated-json","percent":50}' >/dev/null
serve
both_data() { [ "$(ends data)" -ge 2 ] && is_in acme paged failing && is_in beta paged failing; }
until_true 30 both_data
ok $? "answers that are not sound pause their sync"
before=$(ends data)
sleep 1
is "$(ends data)" "$before" "none of them is tried again within its pause"
unserve

# ---- the host: nothing begins, nobody has failed

configure host 100ms
sed -i 's/^\[host\]/[host]\nmin_free = 1000GiB/' "$conf/sluice.ini"
serve
short() { grep -q 'no run begins: .*min_free' "$dir/log"; }
until_true 20 short
ok $? "without room no run begins, and the log says why"
is "$("$build/sluice" --conf "$conf" history --format jsonl 2>/dev/null | wc -l) $(state acme paged)" "0 queued" "nobody has failed by that: all wait"
