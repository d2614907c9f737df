# lib.sh - what the flow scripts share: a provider, a configuration, the program, and TAP. Sourced, never run.
#
#   . "$(dirname "$0")/lib.sh"
#   provider --records 500            starts one; $at is its address; it ends with the script
#   host 'log_level = debug'          begins $conf/sluice.ini: [host] with these lines besides the paths; $store names another store
#   ini <<INI ... INI                 adds to it
#   run ARGUMENTS                     the program: $status, $dir/out, $dir/err, both in $dir/said
#   is "$got" "$want" "a sentence"    one case; ok STATUS "a sentence" another
#   becomes "$want" "a sentence" COMMAND   a case about what comes to be: by waiting for it, never by sleeping
#
# Each script has a directory of its own, removed at the end (KEEP=1 leaves it); every wait is bounded. Works from any folder.
set -u
cd "$(dirname "$0")/../.." || exit 1
BUILD=${BUILD:-build}
case $BUILD in /*) build=$BUILD ;; *) build=$PWD/$BUILD ;; esac
[ -x "$build/sluice" ] && [ -x "$build/sluice-worker" ] || { echo "not ok 1 - $build holds the program: run make first"; exit 1; }
dir=$(mktemp -d "${TMPDIR:-/tmp}/sluice-flow-XXXXXX") || exit 1
conf=$dir/conf
export SLUICE_LISTEN="${SLUICE_LISTEN-127.0.0.1:0}" # services of tests run side by side
mkdir "$conf" "$dir/plugins"
cp "$build"/plugins/*.so "$dir/plugins"
cases=0
failed=0
pids=

finish() { # the exit status says whether all was well
	code=$?
	for pid in $pids; do kill "$pid" 2>/dev/null; done
	for pid in $pids; do wait "$pid" 2>/dev/null; done
	if [ -n "${KEEP-}" ]; then echo "# kept: $dir"; else rm -rf "$dir"; fi
	[ "$code" = 0 ] && [ "$failed" = 0 ] || exit 1
}
trap finish EXIT
trap 'exit 130' INT TERM

ok() { # ok STATUS SENTENCE: a case; what the program said last is shown when it failed
	cases=$((cases + 1))
	if [ "$1" = 0 ]; then
		echo "ok $cases - $2"
		return 0
	fi
	failed=1
	for said in out err; do
		[ -s "$dir/$said" ] && tail -n 6 "$dir/$said" | cut -c1-400 | sed "s/^/# $said: /"
	done
	echo "not ok $cases - $2"
	return 0
}

is() { # is GOT WANT SENTENCE
	if [ "$1" = "$2" ]; then
		ok 0 "$3"
	else
		printf '%s\n' "got: $1" "want: $2" | head -n 12 | cut -c1-300 | sed 's/^/# /'
		ok 1 "$3"
	fi
}

same() { # same FILE FILE SENTENCE: line by line
	if cmp -s "$1" "$2"; then
		ok 0 "$3"
	else
		diff "$1" "$2" | head -n 8 | cut -c1-300 | sed 's/^/# /'
		ok 1 "$3"
	fi
}

has() { # has FILE PATTERN SENTENCE
	grep -qE -e "$2" "$1"
	ok $? "$3"
}

hasnt() { # hasnt FILE PATTERN SENTENCE
	! grep -qE -e "$2" "$1"
	ok $? "$3"
}

skip() {
	cases=$((cases + 1))
	echo "ok $cases - $1 # SKIP $2"
}

until_true() { # until_true SECONDS COMMAND...: asks ten times a second; a busy machine is given three times as long
	tries=$(($1 * 30))
	shift
	until "$@" >/dev/null 2>&1; do
		tries=$((tries - 1))
		[ "$tries" -gt 0 ] || return 1
		sleep 0.1
	done
}

becomes() { # becomes WANT SENTENCE COMMAND...: a case; what the command says is that in the end
	wanted=$1 sentence=$2
	shift 2
	gives() { [ "$("$@")" = "$wanted" ]; }
	until_true 20 gives "$@"
	is "$("$@")" "$wanted" "$sentence"
}

before_midnight() { # for what counts by the day: not in the last minute of one (UTC)
	while [ "$(date -u +%H%M)" = 2359 ]; do sleep 1; done
}

# ---- the provider

provider() {
	rm -f "$dir/port"
	"$build/sluice-provider" --quiet --exit-with-parent --lifetime 10m --port-file "$dir/port" "$@" 2>"$dir/provider.err" &
	pids="$pids $!"
	until_true 10 test -s "$dir/port" || { cat "$dir/provider.err" >&2; exit 1; }
	at=http://127.0.0.1:$(cat "$dir/port")
}

control() { "$build/sluice-provider" --control "$at" "$@"; }

ids() { # ids API KIND WHAT <FILE: the ids under WHAT (changed, dropped, added) in the answer of a mutation, sorted
	tr -d '\n' <"$4" | awk -v api="\"$1\":{" -v kind="\"$2\":{" -v what="\"$3\":[" '{
		at = index($0, api); s = substr($0, at + length(api))
		at = index(s, kind); s = substr(s, at + length(kind))
		at = index(s, what); s = substr(s, at + length(what))
		print substr(s, 1, index(s, "]") - 1) }' | tr ',' '\n' | tr -d '"' | sed '/^$/d' | LC_ALL=C sort
}

total() { # total API KIND: how many objects the provider has
	control data | awk -v api="\"$1\":{" -v kind="\"$2\":" '{
		s = substr($0, index($0, api) + length(api)); s = substr(s, index(s, kind) + length(kind)); print s + 0 }'
}

# ---- the program

host() {
	cat >"$conf/sluice.ini" <<-INI
		[host]
		data_dir   = ${store:-$dir/store}
		plugin_dir = $dir/plugins
		worker     = $build/sluice-worker
	INI
	for line; do echo "$line" >>"$conf/sluice.ini"; done
}

ini() { cat >>"$conf/sluice.ini"; }

run() { # at most two minutes; LIMIT=seconds for another bound
	timeout -k 5 "${LIMIT:-120}" "$build/sluice" --conf "$conf" "$@" >"$dir/out" 2>"$dir/err" </dev/null
	status=$?
	cat "$dir/out" "$dir/err" >"$dir/said"
}

plugins() { # the test connectors that a script needs
	for name; do
		cp "$build/tests/plugins/$name.so" "$dir/plugins/" || { echo "not ok 1 - $name.so is built: run make tests"; exit 1; }
	done
}

# ---- what is in the store (connection $who of these tests)

who=acme

feed() { # feed MODEL CURSOR: the changes after it, a JSON object a line
	"$build/sluice" --conf "$conf" changes "$1" --connection-id "$who" --cursor "$2" --format jsonl 2>/dev/null
}

sequence() { # sequence MODEL: where its feed stands; 0 when there is none
	"$build/sluice" --conf "$conf" datasets --format jsonl 2>/dev/null |
		sed -n "s/^{\"connection\":\"$who\".*\"model\":\"$1\".*\"sequence\":\([0-9]*\).*/\1/p" | grep . || echo 0
}

changes() { # changes MODEL CURSOR ACTION: ids, sorted
	feed "$1" "$2" | sed -n "s/^{\"id\":\"\([^\"]*\)\",\"sequence\":[0-9]*,\"action\":\"$3\".*/\1/p" | LC_ALL=C sort
}

stored() { # stored MODEL: the JSON of every record that is not deleted, a line each, sorted
	"$build/sluice" --conf "$conf" records "$1" --connection-id "$who" --format jsonl 2>/dev/null |
		sed -n 's/^{"id":.*"deleted_at":null,"record":\(.*\)}$/\1/p' | LC_ALL=C sort
}

live() { # live MODEL: how many there are
	stored "$1" | wc -l
}
