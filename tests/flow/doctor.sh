#!/bin/sh
# doctor.sh - `sluice doctor` finds what is wrong, says what to do, and is silent where all is well.
. "$(dirname "$0")/lib.sh"
plugins campaign
provider --records 20

configure() {
	host 'min_free = 0' 'retries = 0' 'fail_pause = 1h'
	ini <<-INI
		[integration campaign]
		base_url = $at
		[connection acme : campaign]
		[connection beta : campaign]
		[sync acme : campaign : handmade]
		auto_sync = no
		[sync beta : campaign : handmade]
		auto_sync = no
	INI
}
finds() { # finds PATTERN SENTENCE: and exits 1
	run doctor --format jsonl
	is "$status" 1 "$2"
	has "$dir/out" "$1" "and is told with what to do"
}

configure
finds '"check":"schedule|never ran.*"todo":"`sluice run`' "before the first run doctor says that nothing ran"
run doctor
has "$dir/out" 'warn +last run: acme : campaign : paged: it never ran' "by the sync's name"
hasnt "$dir/out" 'handmade' "but not of one that runs only when it is asked for"
run run
run doctor --all
has "$dir/out" 'ok +plugin: campaign: version 1.0.0; a worker loads and describes it in the sandbox' "the sandbox is tried"
has "$dir/out" 'ok +last run: acme : campaign : paged: the last run' "a run that went well is well"
has "$dir/out" 'warn +service: host: no service runs' "that nobody serves is worth a warning"

# ---- beside a service all is well

serve() {
	"$build/sluice" --conf "$conf" --log-format json serve >"$dir/log" 2>&1 </dev/null &
	server=$!
	pids="$pids $server"
	until_true 20 grep -q 'serves 2 connections' "$dir/log" || { ok 1 "the service begins"; exit 1; }
}
unserve() {
	kill "$server"
	wait "$server"
}
serve
run trigger --sync handmade
all_ran() { [ "$("$build/sluice" --conf "$conf" history --sync handmade --status success --format jsonl 2>/dev/null | wc -l)" -ge 2 ]; }
until_true 20 all_ran
run doctor
is "$status $(cat "$dir/out")" "0 $(cat "$dir/out" | grep '^All is well: ')" "beside a service all is well, in one line"
run pause --connection-id acme --sync paged
finds '"check":"schedule","subject":"acme : campaign : paged","verdict":"warn","found":"somebody has paused it.*sluice start' "a paused sync is found"
run start --connection-id acme --sync paged
control faults '{"match":"GET /plain","do":"401"}' >/dev/null
run trigger --connection-id acme --sync paged
refused() { "$build/sluice" --conf "$conf" doctor 2>/dev/null | grep -q 'refuses the credentials'; }
until_true 20 refused
finds '"verdict":"problem","found":"the provider refuses the credentials.*sluice test-connection' "refused credentials are found"
has "$dir/out" '"check":"last run","subject":"acme : campaign : paged".*\(credentials\)' "with the last run's reason"
is "$(grep -c 'found":"the provider refuses' "$dir/out") $(grep -c 'found":"alert: nothing of it begins' "$dir/out")" "1 1" "once for the connection, not for each of its syncs"
hasnt "$dir/out" 'was interrupted' "and what failed is not called interrupted"
run doctor --connection-id beta --sync handmade
is "$status" 0 "another connection is well by itself"
cp /dev/null "$dir/plugins/new.so" && mv "$dir/plugins/new.so" "$dir/plugins/campaign.so"
broken() { "$build/sluice" --conf "$conf" doctor 2>/dev/null | grep -q 'the one before stays in use'; }
until_true 40 broken
ok $? "a broken file is found while the one before stays in use"
cp "$build/tests/plugins/campaign.so" "$dir/plugins/"
control reset >/dev/null
unserve

# ---- records

id=$("$build/sluice" --conf "$conf" records Paged --connection-id acme --limit 1 --format jsonl 2>/dev/null | sed 's/^{"id":"\([^"]*\)".*/\1/')
run doctor --record "$id" --model Paged --connection-id acme --all
has "$dir/out" "ok +record: acme : campaign : Paged: it is there" "a record that is there is said to be"
run doctor --record nobody --format jsonl
is "$status" 1 "one that never was is a finding"
has "$dir/out" '"check":"record".*no live record of this id was ever seen' "by name"

# ---- what this process sees itself

mv "$dir/plugins/campaign.so" "$dir/campaign.so"
finds '"check":"plugin","subject":"campaign","verdict":"problem"' "a plugin that is not there is found"
mv "$dir/campaign.so" "$dir/plugins"
echo 'nonsense = 1' >>"$conf/sluice.ini"
echo '[hosst]' >>"$conf/sluice.ini"
finds '"check":"configuration".*nonsense' "a faulty configuration is a finding"
is "$(grep -c '"check":"configuration"' "$dir/out")" 2 "each fault is one"
hasnt "$dir/err" '.' "and none is told twice"
configure
echo 'min_free = 1000GiB' >"$dir/least"
sed -i '/^min_free/d; s/^\[host\]/[host]\nmin_free = 1000GiB/' "$conf/sluice.ini"
finds '"check":"store".*below .*min_free.*make room' "a full disk is found"
