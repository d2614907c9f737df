#!/bin/sh
# connections.sh - what config --check finds in a schedule, and connections switched off and on by a command.
. "$(dirname "$0")/lib.sh"
plugins act

good() {
	host
	ini <<-INI
		[connection acme : act]
		[connection beta : act]
	INI
}

faulty() { # faulty PATTERN SENTENCE: what stands on stdin is refused
	good
	ini
	run config --check
	is "$status" 2 "$2"
	has "$dir/err" "$1" "and is told with its place"
}

good
run config --check
is "$status" 0 "a good configuration is good"
faulty '\[sync acme : act : things\].*61' 'a cron expression that is none is refused' <<INI
[sync acme : act : things]
cron = 61 * * * *
INI
faulty '\[sync acme : act : things\].*Mars' 'a zone that is none is refused' <<INI
[sync acme : act : things]
cron = @daily
timezone = Mars/Olympus
INI
faulty 'acme:act:things after beta:act:things after acme:act:things' 'a circle of after is refused' <<INI
[sync acme : act : things]
after = beta : act : things
[sync beta : act : things]
after = acme : act : things
INI
faulty 'there is no sync gone:act:things' 'after what is not there is refused' <<INI
[sync acme : act : things]
after = gone : act : things
INI

run run
run records Thin
has "$dir/err" 'did you mean Thing' "a model's name that is nearly right brings the right one"

# ---- switched off and on

good
run connections disable --connection-id acme --format jsonl
is "$status" 0 "a connection is switched off"
has "$dir/out" '"connection":"acme".*"enabled":false,"active":true' "and is shown so"
run run --format jsonl
hasnt "$dir/out" '"connection":"acme"' "nothing of it runs"
has "$dir/out" '"connection":"beta"' "others run"
run connections
has "$dir/out" 'acme +act +act +off' "list shows it as off"
run connections disable --connection-id beta
run run
is "$status" 2 "with all switched off there is nothing to run"
has "$dir/err" 'switched off: .sluice connections enable --connection-id acme' "and the remedy is told"
sed 's/^\[connection acme : act\]/&\nactive = no/' "$conf/sluice.ini" >"$dir/ini"
run connections enable --connection-id acme --format jsonl
has "$dir/out" '"enabled":true' "it is switched on again"
run run --format jsonl
has "$dir/out" '"connection":"acme"' "and runs"
cp "$dir/ini" "$conf/sluice.ini"
run connections --format jsonl --connection-id acme
has "$dir/out" '"enabled":false,"active":false' "a change of active in the INI wins over what a command said"
