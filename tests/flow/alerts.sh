#!/bin/sh
# alerts.sh - a service tells each incident once when it begins and once when it is over, and remembers it over a restart.
. "$(dirname "$0")/lib.sh"
plugins act campaign
provider --records 20

configure() { # configure LINES...: of [alert]
	host 'request_timeout = 2s' 'fail_pause = 100ms' 'fail_pause_max = 200ms' 'first_spread = 0s' 'retries = 0'
	ini <<-INI
		[integration campaign]
		base_url = $at
		[connection acme : campaign]
		[sync acme : campaign : paged]
		every = 1s
		step_retries = 0
		[sync acme : campaign : handmade]
		auto_sync = no
		[alert]
	INI
	for line; do echo "$line" >>"$conf/sluice.ini"; done
}

serve() {
	"$build/sluice" --conf "$conf" --log-format json serve >>"$dir/log" 2>&1 </dev/null &
	server=$!
	pids="$pids $server"
	until_true 20 grep -q 'serves 1 connection' "$dir/log" || { ok 1 "the service begins"; tail -n 3 "$dir/log"; exit 1; }
}
unserve() {
	kill "$server"
	wait "$server"
}
said() { grep -c "$1" "$dir/log"; }
logged() { grep -q "$1" "$dir/log"; }

configure 'consecutive_failures = 3' 'stale_after = 0x' 'error_rate = 0%'
control faults '{"match":"GET /plain","do":"500"}' >/dev/null
serve
until_true 30 logged 'alert begins: failures'
ok $? "after three failed runs in a row the alert begins"
has "$dir/log" '"connection":"acme","integration":"campaign","sync":"paged".*alert begins: failures: 3 runs in a row have failed: .*500|alert begins: failures: 3 runs in a row have failed: .*500.*"connection":"acme"' "it names the sync and the reason"
run alerts --format jsonl
has "$dir/out" '"kind":"failures","connection":"acme","integration":"campaign","sync":"paged","since":"[^"]*","until":null' "sluice alerts lists it"
run status
has "$dir/out" 'paged: alert since .*3 runs in a row have failed' "and status shows it"
runs() { [ "$("$build/sluice" --conf "$conf" history --status error --format jsonl 2>/dev/null | wc -l)" -ge "$1" ]; }
until_true 30 runs 6
is "$(said 'alert begins')" 1 "three more failures are no second alert"
unserve
serve
until_true 30 runs 8
is "$(said 'alert begins')" 1 "nor is it begun again by a restart"
run alerts
has "$dir/out" 'open +failures' "it is still open"
control reset >/dev/null
until_true 30 logged 'alert over: failures'
ok $? "a run that succeeds ends it"
run alerts
has "$dir/out" 'No alert is open' "then none is open"
run alerts --all --format jsonl
has "$dir/out" '"kind":"failures".*"until":"20' "and --all shows what was"
unserve
run alerts --all --format jsonl
has "$dir/out" '"kind":"failures".*"until":"20' "also without a service"

# ---- no success for too long

configure 'consecutive_failures = 0' 'stale_after = 2x' 'error_rate = 0%'
: >"$dir/log"
serve
control faults '{"match":"GET /plain","do":"silence"}' >/dev/null
until_true 40 logged 'alert begins: stale'
ok $? "no success for two intervals is told, while a run goes on too"
control reset >/dev/null
run pause --sync paged
until_true 20 logged 'alert over: stale'
ok $? "one that is paused is not stale"
unserve

# ---- refused credentials

configure 'stale_after = 0x' 'error_rate = 0%'
: >"$dir/log"
control faults '{"match":"GET /plain","do":"401"}' >/dev/null
serve
run start --sync paged
until_true 20 logged 'alert begins: attention'
ok $? "refused credentials are told"
has "$dir/log" 'alert begins: attention: nothing of it begins: the credentials are refused' "with what they stop"
control reset >/dev/null
run trigger --sync paged
until_true 20 logged 'alert over: attention'
ok $? "a run that somebody asked for, and that succeeds, ends it"

# ---- a run that lost something

control faults '{"match":"GET /plain","do":"insert","record":"{}","at":0}' >/dev/null
run trigger --sync paged
until_true 20 logged '"msg":"ended in part, 1 rejected, which records are gone is not known"'
ok $? "the log says of no run that it ended well when it rejected something"
control reset >/dev/null

# ---- no room

unserve
: >"$dir/log"
configure 'stale_after = 0x'
sed 's/^\[host\]/[host]\nmin_free = 1000GiB/' "$conf/sluice.ini" >"$dir/ini" && cp "$dir/ini" "$conf/sluice.ini"
serve
until_true 20 logged 'alert begins: no_room'
ok $? "a full disk is told"
run alerts
has "$dir/out" 'no_room .*min_free' "and listed with the limit"
unserve
