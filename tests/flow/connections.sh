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

faulty '[.]ini:[0-9]+: \[limit act : search\]: match: .search. is no method and path' 'a limit that matches no request is refused' <<INI
[limit act : search]
match = search
rate = 1/s
INI
faulty '[.]ini:[0-9]+: \[merge all\]: sources: .acme:act. is no CONNECTION:INTEGRATION:MODEL' 'sources of no such form are refused' <<INI
[merge all]
sources = acme:act
key = id
INI
faulty "\[merge all\]: sources: connector 'act' has no model 'Thin'; did you mean 'Thing'" 'a source of an unknown model is refused' <<INI
[merge all]
sources = acme:act:Thing, beta:act:Thin
key = id
INI
faulty "\[merge more\]: sources: 'all' is itself merged" 'a merge of a merge is refused' <<INI
[merge all]
sources = acme:act:Thing, beta:act:Thing
key = id
[merge more]
sources = merge:merge:all, acme:act:Thing
key = id
INI
good
ini <<INI
[merge all]
sources = acme:act:Thing, betta:act:Thing
key = id
[connection delta : act]
metadata.regoin = eu
[limit other : x]
match = GET /x*
rate = 1/s
INI
run config --check
is "$status" 0 "what may be in the store, or is yet to come, is no error"
has "$dir/err" "there is no connection betta : act; did you mean 'beta'" "but a warning"
has "$dir/err" "no connection is one of integration 'other'" "so is a limit for nobody"
has "$dir/err" "metadata.regoin: no sync of connector 'act' asks for it; did you mean 'metadata.region'" "and metadata that nobody asks for"

good
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
