#!/bin/sh
# deletes.sh - deletes by absence only when absence is proven: whatever goes wrong with a listing, nothing is deleted.
. "$(dirname "$0")/lib.sh"
plugins odd
provider --records 450

configure() { # configure LINES for the sync named first
	host 'retry_base = 1ms' 'retries = 2'
	ini <<-INI
		[integration odd]
		base_url = $at
		[connection acme : odd]
	INI
	[ $# = 0 ] || { echo "[sync acme : odd : $1]" | ini; echo "$2" | ini; }
}

mark() { sequence "$1" >"$dir/mark.$1"; } # from here on deletes of it are counted
gone() { changes "$1" "$(cat "$dir/mark.$1")" deleted; }
deletes() { gone "$1" | wc -l; }

baseline() { # the listing as it is, without faults
	control reset >/dev/null
	run run --sync "$1"
	[ "$status" = 0 ] || ok 1 "$1: a run without faults ends well"
	mark "M_$1"
}

spoiled() { # spoiled SYNC STATUS SENTENCE RULE...: one run under these rules, which deletes nothing
	sync=$1 want=$2 sentence=$3
	shift 3
	baseline "$sync"
	before=$(live "M_$sync") already=$(deletes "M_$sync")
	control faults "$@" >/dev/null
	run run --sync "$sync"
	used=$(control faults | grep -c '"used":[1-9]')
	control reset >/dev/null
	is "$status live $(live "M_$sync") deleted $(deletes "M_$sync") used $used" "$want live $before deleted 0 used 1" "$sentence"
}

configure
spoiled cursor 1 "an empty list deletes nothing, and is held back" '{"do":"empty-list"}'
has "$dir/said" 'M_cursor.*held back' "what is held back is named"
spoiled cursor 1 "[] instead of an answer deletes nothing" '{"do":"reply","body":[]}'
spoiled cursor 1 "204 deletes nothing" '{"do":"reply","status":204,"body":""}'
spoiled cursor 75 "500 on the last page deletes nothing" '{"last_page":true,"do":"500"}'
spoiled cursor 3 "401 on page 3 deletes nothing" '{"nth":[3],"do":"401"}'
spoiled cursor 3 "403 on page 3 deletes nothing" '{"nth":[3],"do":"403"}'
spoiled cursor 1 "a last page that is cut in its JSON deletes nothing" '{"last_page":true,"do":"truncated-json"}'
spoiled cursor 75 "a last page whose connection is cut deletes nothing" '{"last_page":true,"do":"cut"}'
spoiled cursor 75 "a last page cut in its gzip deletes nothing" '{"last_page":true,"do":"gzip-cut"}'
spoiled cursor 1 "a login page with 200 deletes nothing" '{"nth":[2],"do":"html"}'
spoiled cursor 1 "an endless pagination deletes nothing" '{"from":3,"do":"cursor-same"}'
spoiled cursor 1 "an endless pagination of new cursors deletes nothing" '{"from":3,"do":"cursor-distinct"}'
spoiled cursor 1 "a record that comes faulty is not taken for gone" '{"nth":[2],"do":"spoil","with":"duplicate-key","at":5}'
spoiled cursor 1 "nor is one that comes without its id" '{"nth":[2],"do":"reply","body":{"items":[{"number":1}],"meta":{"next":"p200","has_more":true}}}'

# ---- loops that stop early, or claim too much

control reset >/dev/null
run run --sync leaves
mark M_leaves
is "$(live M_leaves)" 100 "a loop that is left after page 1 saves that page"
control mutate api=plain drop=30 >"$dir/mutated"
run run --sync leaves
is "$(deletes M_leaves)" 0 "and deletes nothing, whatever is gone"
has "$dir/said" 'deletes by absence are off' "with a warning in the run"

page() { # page N FROM TO: a reply with these ids
	awk -v from="$2" -v to="$3" 'BEGIN { printf "{\"body\":["; for (i = from; i <= to; i++) printf "%s{\"id\":\"r%d\"}", (i > from ? "," : ""), i; printf "]}" }'
}
listing() { # listing LAST END: two pages of r1..rLAST, then the reply END
	control reset >/dev/null
	control faults "{\"route\":\"GET /odd/list?page=1\",\"replies\":[$(page 1 1 60)]}" \
		"{\"route\":\"GET /odd/list?page=2\",\"replies\":[$(page 2 61 "$1")]}" \
		"{\"route\":\"GET /odd/list?page=3\",\"replies\":[$2]}" >/dev/null
}
for sync in silent claims proves; do
	listing 100 '{"status":404}'
	run run --sync $sync
	mark "M_$sync"
	is "$(live "M_$sync")" 100 "$sync: a handmade loop saves its pages"
	listing 95 '{"status":404}'
	run run --sync $sync
	case $sync in
	silent) is "$(deletes M_silent)" 0 "a handmade loop that takes a 404 for the end deletes nothing" ;;
	claims) is "$(deletes M_claims)" 0 "nor when it says sluice_full_done without having declared that 404" ;;
	proves) is "$(gone M_proves)" "$(printf 'r%s\n' 100 96 97 98 99)" "declared and said, the absent ones are deleted" ;;
	esac
done
listing 90 '{"status":401}'
run run --sync proves
is "$(deletes M_proves)" 5 "a 401 is no end: nothing more is deleted"

# ---- workers that die

control reset >/dev/null
echo 0 >"$dir/mark.M_crashes"
run run --sync crashes
is "$status $(deletes M_crashes)" "1 0" "a connector that crashes on page 3 fails its run and deletes nothing"
has "$dir/said" 'SIGILL|SIGTRAP|signal' "and the signal is named"
baseline cursor
before=$(live M_cursor)
control mutate api=plain drop=5 >"$dir/mutated"
control reset >/dev/null
control faults '{"nth":[3],"do":"delay","ms":3000}' >/dev/null
"$build/sluice" --conf "$conf" run --sync cursor >"$dir/out" 2>"$dir/err" </dev/null &
host_pid=$!
pids="$pids $host_pid"
third() { control requests | grep -q '"total":[3-9]'; }
until_true 20 third
worker=$(cat "/proc/$host_pid/task/$host_pid/children" 2>/dev/null)
kill -9 $worker; ok $? "a worker is there to be killed in the middle"
kill -9 $host_pid
wait $host_pid 2>/dev/null
is "$(live M_cursor) $(deletes M_cursor)" "$before 0" "killed before the end, nothing is deleted"
control reset >/dev/null
run run --sync cursor
ids plain records dropped "$dir/mutated" >"$dir/want"
gone M_cursor >"$dir/got"
same "$dir/want" "$dir/got" "the next run finds exactly them"

# ---- lists that move while they are read

baseline offset
control reset >/dev/null
control faults '{"nth":[1],"do":"delay","ms":1500}' >/dev/null
timeout 60 "$build/sluice" --conf "$conf" run --sync offset >"$dir/out" 2>"$dir/err" </dev/null &
running=$!
asked() { control requests | grep -q '"total":[1-9]'; }
until_true 20 asked
control mutate api=plain drop=20 >"$dir/mutated" # the first page is on its way; the others are cut from the shorter list
wait $running
control reset >/dev/null
is "$(deletes M_offset)" 0 "a list by offset that shifts between two pages deletes nothing"
run run --sync offset
gone M_offset >"$dir/got"
ids plain records dropped "$dir/mutated" >"$dir/want"
same "$dir/want" "$dir/got" "the next run deletes exactly what was dropped, and no neighbour"

baseline number
control mutate api=plain drop=4 >"$dir/mutated"
run run --sync number
is "$status $(deletes M_number)" "0 0" "by page numbers, one absence deletes nothing"
run run --sync number
gone M_number >"$dir/got"
ids plain records dropped "$dir/mutated" >"$dir/want"
same "$dir/want" "$dir/got" "two absences do"

# ---- the brake

control set plain.records=1000 >/dev/null
baseline cursor
before=$(live M_cursor)
control mutate api=plain drop=30% >"$dir/mutated"
run run --sync cursor
is "$status $(live M_cursor)" "1 $before" "a list that lost more than the allowed share deletes nothing and exits 1"
has "$dir/said" 'held back' "the run says that deletes are held back"
has "$dir/said" 'max_delete_share' "and what to do about it"
run status
has "$dir/said" 'held' "so does status"
configure cursor 'max_delete_share = 100%'
run run --sync cursor
gone M_cursor >"$dir/got"
ids plain records dropped "$dir/mutated" >"$dir/want"
is "$status" 0 "with the share raised the run ends well"
same "$dir/want" "$dir/got" "and exactly the dropped ones are deleted"
