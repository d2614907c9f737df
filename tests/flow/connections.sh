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
