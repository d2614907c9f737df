#!/bin/sh
# serve.sh - `sluice serve`: what is due begins by itself, again and again, also after a kill; control is durable; it ends in
# good order, and tells systemd where it stands.
. "$(dirname "$0")/lib.sh"
plugins odd
provider --records 300

configure() { # configure KEY = VALUE...: of [host]
	host 'first_spread = 100ms' 'retry_base = 5ms' "$@"
	ini <<-INI
		[integration odd]
		base_url = $at
		[connection acme : odd]
		[sync acme : odd : cursor]
		every = 1s
		[sync acme : odd : offset]
		auto_sync = no
		[sync acme : odd : number]
		auto_start = no
	INI
	for sync in leaves crashes letters counted silent claims proves; do
		printf '[sync acme : odd : %s]\nauto_sync = no\n' "$sync"
	done | ini
}
serve() { # in the background: $host is its pid
	: >"$dir/log"
	"$build/sluice" --conf "$conf" serve >/dev/null 2>"$dir/log" &
	host=$!
	pids="$pids $host"
	until_true 20 grep -q '"msg":"serves ' "$dir/log" || { cat "$dir/log"; exit 1; }
}
ended() { # ended: its exit code is in $code
	wait "$host"
	code=$?
}
runs() { # runs SYNC: how many stand in the history
	"$build/sluice" --conf "$conf" history --limit 1000 --format jsonl 2>/dev/null | grep -c "\"sync\":\"$1\""
}
over() { [ "$(runs "$1")" -gt "$2" ]; } # over SYNC N: more than that
state() { # state SYNC: as the service says
	"$build/sluice" --conf "$conf" status --sync "$1" --format jsonl 2>/dev/null | sed -n 's/.*"schedule":{"state":"\([a-z]*\)".*/\1/p'
}
is_state() { [ "$(state "$1")" = "$2" ]; }

# ---- what is due begins

configure
serve
has "$dir/log" 'serves 1 connection, 10 syncs; next due: 20' "one line at the start says what is served"
until_true 20 over cursor 2
ok $? "a sync of every second runs again and again"
is "$(runs offset) $(runs number)" "0 0" "auto_sync = no and auto_start = no do not"
is "$(state offset) $(state number)" "manual unstarted" "status says so"
run serve
is "$status" 4 "a second host is refused"
has "$dir/err" "open in another process .pid $host.: one at a time writes a store: end that one first" "with who is there, and what to do"

# ---- a kill

kill -9 "$host"
wait "$host" 2>/dev/null
n=$(runs cursor)
serve
until_true 20 over cursor "$((n + 1))"
ok $? "after kill -9 the next one goes on"
is "$(live M_cursor)" 300 "with all records"

# ---- signals

configure 'log_level = info'
mv "$dir/log" "$dir/log.1"
kill -HUP "$host"
until_true 10 grep -q '"msg":"reload: ' "$dir/log.1"
ok $? "SIGHUP reads the configuration anew"
kill -TERM "$host"
ended
is "$code" 0 "SIGTERM ends it with 0"
n=$(runs cursor)

configure "log_file = $dir/sluice.log"
"$build/sluice" --conf "$conf" serve 2>/dev/null &
host=$!
pids="$pids $host"
until_true 20 grep -q '"msg":"serves ' "$dir/sluice.log"
ok $? "log_file gets the log"
mv "$dir/sluice.log" "$dir/sluice.log.1"
kill -USR1 "$host"
until_true 10 test -s "$dir/sluice.log"
ok $? "SIGUSR1 opens it anew"
kill -INT "$host"
ended
is "$code" 0 "SIGINT ends it with 0, too"

# ---- a slow provider

configure 'stop_timeout = 20s' 'stop_grace = 1s'
control faults '{"match":"GET /plain/cursor","do":"silence"}' >/dev/null
serve
until_true 20 is_state cursor running
ok $? "a run that waits for its provider is shown as running"
run status --sync cursor --format jsonl
has "$dir/out" '"progress":\{.*"step":1,.*"waiting":"waiting for the server".*"until_us":[1-9]' "with what it waits for, and until when at the latest"
before=$(date +%s)
kill -TERM "$host"
ended
is "$code" 0 "SIGTERM ends it in good order"
took=$(($(date +%s) - before))
[ "$took" -le 15 ]
ok $? "well within stop_timeout ($took s)"
run status --sync cursor
has "$dir/out" 'cursor +stopped' "its run was stopped, not lost"
control reset >/dev/null
serve
until_true 20 over cursor "$((n + 2))"
ok $? "the next start goes on with it"

# ---- systemd

kill -TERM "$host"
wait "$host"
if command -v python3 >/dev/null; then
	python3 - "$dir/notify" >"$dir/notified" <<-'PY' &
		import socket, sys
		s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
		s.bind(sys.argv[1])
		s.settimeout(30)
		while True:
		    text = s.recv(4096).decode()
		    print(text.replace("\n", " "), flush=True)
		    if "STOPPING=1" in text: break
	PY
	listener=$!
	pids="$pids $listener"
	until_true 10 test -S "$dir/notify"
	export NOTIFY_SOCKET="$dir/notify" WATCHDOG_USEC=200000
	serve
	unset NOTIFY_SOCKET WATCHDOG_USEC
	until_true 10 grep -q WATCHDOG=1 "$dir/notified"
	kill -HUP "$host"
	until_true 10 grep -q 'RELOADING=1 MONOTONIC_USEC=[0-9]' "$dir/notified"
	kill -TERM "$host"
	wait "$host"
	wait "$listener"
	is "$(grep -oE '^(READY|WATCHDOG|RELOADING|STOPPING)' "$dir/notified" | uniq | sort -u | tr '\n' ' ')" "READY RELOADING STOPPING WATCHDOG " \
		"systemd is told of readiness, reloads, the end, and that the loop turns"
else
	skip "systemd is told of readiness" "no python3 to listen"
fi

# ---- no room

configure 'min_free = 1TiB'
n=$(runs cursor)
serve
until_true 10 grep -q 'no run begins' "$dir/log"
ok $? "without room no run begins, and the log says why"
run status --sync cursor
has "$dir/out" 'no run starts below' "status too: it answers"
is "$(runs cursor)" "$n" "nothing ran"
configure 'min_free = 1MiB'
kill -HUP "$host"
until_true 20 over cursor "$n"
ok $? "with room again it goes on by itself"
kill -TERM "$host"
ended
is "$code" 0 "and ends well"
