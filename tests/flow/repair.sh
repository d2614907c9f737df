#!/bin/sh
# repair.sh - what a person does when something is wrong: deletes that were held back are confirmed or dismissed, dead letters
# resolved, tried again and purged, logs read; beside a running sync and without one.
. "$(dirname "$0")/lib.sh"
plugins mend

configure() { # configure ROWS [LINES]: [connection acme : mend]
	host 'retries = 0'
	ini <<-INI
		[integration mend]
		base_url = http://127.0.0.1:9
		[connection acme : mend]
		rows = [$1]
		${2-}
	INI
}
rows() { # rows FROM TO: as JSON
	awk -v from="$1" -v to="$2" 'BEGIN { for (i = from; i <= to; i++) printf "%s{\"id\":\"r%02d\",\"secret\":\"s%d\"}", (i > from ? "," : ""), i, i }'
}
held() { # how many status says, and how many the list says
	"$build/sluice" --conf "$conf" status --sync rows --format jsonl 2>/dev/null | sed -n 's/.*"held":{"Row":\([0-9]*\)}.*/\1/p'
	"$build/sluice" --conf "$conf" confirm-deletes list --format jsonl 2>/dev/null | sed -n 's/.*"held":\([0-9]*\).*/\1/p'
}
background() { # background SYNC: it runs in another process until `foreground`
	"$build/sluice" --conf "$conf" run --sync "$1" >"$dir/beside.out" 2>"$dir/beside.err" </dev/null &
	beside=$!
	pids="$pids $beside"
	until_true 10 running "$1"
}
running() { "$build/sluice" --conf "$conf" status --sync "$1" 2>/dev/null | grep -q running; }
foreground() { kill -TERM "$beside"; wait "$beside" 2>/dev/null; }

# ---- deletes that were held back

configure "$(rows 1 40)"
run confirm-deletes list --format json
is "$status $(cat "$dir/out")" "0 []" "nothing is held back before anything was synced"
run run --sync rows
configure "$(rows 1 10)"
run run --sync rows
is "$status $(live Row)" "1 40" "a listing that lost 30 of 40 is held back"
has "$dir/said" 'sluice confirm-deletes show rows --connection-id acme' "and the run names the verb that decides"
is "$(held | tr '\n' ' ')" "30 30 " "status and confirm-deletes list say the same"
run confirm-deletes list
has "$dir/out" 'acme +mend +rows +Row +30 +40 +20[-0-9]+ [:0-9]+ +2 +waiting' "with since when and by which run"
run confirm-deletes show rows
is "$(grep -c '^  20.* r[0-9]' "$dir/out")" 20 "show has a sample of 20"
has "$dir/out" 'and 10 more' "and says that there is more"
has "$dir/out" '"secret":"\*\*\*"' "sensitive fields are masked"
run confirm-deletes show rows --all --format jsonl
sed 's/.*"id":"\(r[0-9]*\)","first.*/\1/' "$dir/out" >"$dir/got"
awk 'BEGIN { for (i = 11; i <= 40; i++) printf "r%02d\n", i }' >"$dir/want"
same "$dir/want" "$dir/got" "--all shows every record that would go, and no other"
run confirm-deletes confirm
is "$status $(live Row)" "2 40" "confirm wants a sync to be named"
run confirm-deletes confirm rows --connection-id nobody
is "$status" 2 "what nobody holds back cannot be confirmed"
mark=$(sequence Row)
background ticks
run confirm-deletes show rows --format jsonl
is "$status $(wc -l <"$dir/out")" "0 20" "show works beside a sync that another process runs"
run confirm-deletes confirm rows --format jsonl
is "$status $(sed -n 's/.*"deleted":\([0-9]*\).*/\1/p' "$dir/out")" "0 30" "and so does confirm"
foreground
is "$(live Row) $(changes Row "$mark" deleted | tr '\n' ' ')" "10 $(tr '\n' ' ' <"$dir/want")" "exactly what was held back is deleted"
is "$(held | tr '\n' ' ')" "" "and nothing is held back any more"
run status --sync rows
is "$(grep -c 'mend  *rows  *success' "$dir/out") $(grep -c 'held back' "$dir/out")" "1 0" "nor does status say so, or call it partial"
run history --run 2
has "$dir/out" 'Row: the 30 deletes that were held back were confirmed by ' "the decision stands in the history"
run confirm-deletes confirm rows
is "$status" 2 "it cannot be confirmed twice"

configure ''
run run --sync rows
is "$status $(live Row) $(held | tr '\n' ' ')" "1 10 10 10 " "an empty listing is held back, whatever the share"
run confirm-deletes show rows
has "$dir/out" 'held back 10 deletes, all of 10' "show says that all would go"
run confirm-deletes dismiss rows
is "$status $(live Row) $(held | tr '\n' ' ')" "0 10 " "dismissed, they stay and nothing is held back"
run status --sync rows
is "$(grep -c 'mend  *rows  *success' "$dir/out") $(grep -c 'held back' "$dir/out")" "1 0" "which is settled for status, too"
run run --sync rows
run confirm-deletes confirm --sync rows --model Row
is "$status $(live Row)" "0 0" "confirmed, a dataset may become empty"

configure "$(rows 1 10)"
run run --sync rows
configure ''
run run --sync rows
configure "$(rows 1 10)" 'wait = 20000'
background rows
run confirm-deletes confirm rows
is "$status $(live Row)" "4 10" "while the sync runs nobody confirms: exit 4"
has "$dir/err" 'acme : mend : rows is running' "and why is said"
run confirm-deletes dismiss rows
is "$status" 4 "nor dismisses"
run confirm-deletes list
has "$dir/out" 'running' "list says that it runs"
foreground
run confirm-deletes list
has "$dir/out" 'void: a run has begun since' "a later run makes what was held back void"
run confirm-deletes confirm rows
is "$status $(live Row)" "1 10" "so it cannot be confirmed"
has "$dir/err" 'a run has begun since' "and that is said"
run confirm-deletes dismiss rows
is "$status" 0 "but dismissed"

# ---- dead letters

configure '{"id":"a","number":1},{"id":"b","number":1.5,"secret":"s3cr3t"},{"id":"c","number":"x"},{"number":2}' 'vouch = no'
run run --sync rows
run dead-letters list --format jsonl
is "$(wc -l <"$dir/out")" 3 "three records of four are refused"
letter() { "$build/sluice" --conf "$conf" dead-letters list --format jsonl 2>/dev/null | sed -n "s/^{\"number\":\([0-9]*\),.*\"id\":\"$1\".*/\1/p" | tail -n 1; }
b=$(letter b) c=$(letter c) none=$(letter '')
run dead-letters show "$b"
hasnt "$dir/out" 's3cr3t' "show masks sensitive fields"
has "$dir/out" '"number":1.5' "and nothing else"
run dead-letters show "$b" --format json
has "$dir/out" 's3cr3t' "for programs it does not"
run dead-letters retry "$b"
is "$status" 1 "tried again with the same connector, it is refused again"
has "$dir/out" 'attempt 2.*number' "with the reason, and counted"
run dead-letters list --model Row --sync rows --unresolved --limit 1
has "$dir/out" "^ *$b +2 " "list shows the attempts"
is "$(wc -l <"$dir/out")" 2 "and keeps to its limit"
cp "$build/tests/plugins/mended.so" "$dir/plugins/mend.so"
run dead-letters retry "$b"
is "$status $(stored Row | grep -c '"number":1.5')" "0 1" "after the connector's update it is saved, byte by byte"
is "$(letter b)" "" "and the letter is gone"
run dead-letters retry "$b"
is "$status" 2 "what is gone cannot be tried again"
run dead-letters retry "$none"
is "$status" 1 "a record without an id is still refused"
has "$dir/out" "'id' is missing" "for that"
background ticks
run dead-letters retry "$c"
is "$status $(stored Row | grep -c '"number":"x"')" "0 1" "a retry works beside a running sync"
run dead-letters resolve "$none"
is "$status" 0 "and so does resolving"
foreground
run dead-letters list --format jsonl
has "$dir/out" "\"resolved_at\":\"20.*\"resolved_by\":\"$(id -un)\"" "a resolved letter is kept, with who and when"
run dead-letters list --unresolved --format json
is "$(cat "$dir/out")" "[]" "and no longer among the unresolved"
run status --sync rows --format jsonl
has "$dir/out" '"dead_letters":0' "nor counted by status"
run dead-letters resolve "$none"
is "$status" 2 "it is resolved only once"
cp "$build/tests/plugins/mend.so" "$dir/plugins/"
run run --sync rows
run dead-letters list --unresolved --format jsonl
is "$(wc -l <"$dir/out")" 3 "refused again, a resolved record is news"
run dead-letters purge
is "$status" 2 "purge wants to be told which"
run dead-letters purge --older-than 1h
has "$dir/out" '^0 dead' "nothing is older than an hour"
run dead-letters purge --resolved
has "$dir/out" '^1 dead' "the resolved one is purged"
run dead-letters purge --all --sync other
has "$dir/out" '^0 dead' "purge keeps to its filters"
run dead-letters purge --all --sync rows
has "$dir/out" '^3 dead' "all are purged"
run dead-letters list --format json
is "$(cat "$dir/out")" "[]" "and none is left"

# ---- fetched again

run run --sync rows
b=$(letter b) c=$(letter c) none=$(letter '')
run dead-letters retry "$b" --refetch
is "$status" 1 "what the provider still gives so is refused again"
has "$dir/out" "^dead letter $b: refused again \(attempt 2\): .*number" "by the run that fetched it"
configure '{"id":"a","number":1},{"id":"b","number":15},{"id":"c","number":"x"},{"id":"d","number":2}' 'vouch = no'
run dead-letters retry "$b" "$c" "$none" --refetch --format jsonl
is "$status $(stored Row | grep -c '"number":15')" "1 1" "what it has mended comes as it now is"
is "$(sed 's/^{"number":[0-9]*,"outcome":"\([a-z ]*\)".*/\1/' "$dir/out" | tr '\n' ',')" "resolved,refused,not seen," "of each letter it is told what became of it"
is "$("$build/sluice" --conf "$conf" history --sync rows --limit 1 --format jsonl | grep -c '"full":true')" 1 "one full run for all of them"
run dead-letters retry "$b" --refetch
is "$status" 2 "what is gone is not fetched"
run dead-letters list --refetch
is "$status" 2 "--refetch goes with retry alone"
options='vouch = no
max_runs = 2' # an interrupted run of ticks is gone on with
configure '{"id":"a","number":1},{"id":"c","number":"x"}' "$options"
"$build/sluice" --conf "$conf" serve 2>"$dir/log" </dev/null &
host=$!
pids="$pids $host"
until_true 20 grep -q '"msg":"serves ' "$dir/log"
configure '{"id":"a","number":1},{"id":"c","number":9}' "$options"
run reload
run dead-letters retry "$c" --refetch
has "$dir/out" "^dead letter $c: resolved" "beside a service that runs it"
kill "$host"
wait "$host"

# ---- logs

configure '{"id":"a","number":1},{"id":"b","number":1.5},{"id":"c","number":"x"}' 'vouch = no'
run run --sync rows
run logs --sync rows --limit 1
has "$dir/out" 'info +run [0-9]+ acme : mend : rows  begins: a full listing' "a run's log begins with its begin"
has "$dir/out" 'warn +.*went to the dead letters' "has its warnings"
has "$dir/out" 'info +.*ends: ' "and its end"
run logs --sync rows --limit 1 --level warn
hasnt "$dir/out" ' info ' "--level leaves out what is below it"
run run --sync chatty
number=$("$build/sluice" --conf "$conf" history --sync chatty --limit 1 --format jsonl 2>/dev/null | sed 's/^{"run":\([0-9]*\).*/\1/')
run logs --run "$number" --format jsonl
is "$(wc -l <"$dir/out")" 10000 "of a run that has too much to say 10 000 lines are kept"
is "$(grep -c 'log of this run is cut here' "$dir/out") $(tail -n 1 "$dir/out" | grep -c '"msg":"ends')" "1 1" "with a line that says so, and the end"
has "$dir/out" '"msg":"line 9997"' "up to there they are whole"
run logs --run 99999
is "$status" 2 "a run that never was has no log"
background ticks
timeout 60 "$build/sluice" --conf "$conf" logs -f --sync ticks --format jsonl >"$dir/follow" 2>&1 </dev/null &
follow=$!
pids="$pids $follow"
more() { [ "$(wc -l <"$dir/follow")" -gt "$1" ]; }
until_true 20 more 5 && until_true 20 more $(($(wc -l <"$dir/follow") + 20))
ok $? "-f goes on with what a running sync says in another process"
foreground
over() { tail -n 1 "$dir/follow" | grep -q '"msg":"ends'; }
until_true 20 over
ok $? "to its end, also when that process is gone"
kill $follow
sed -n 's/^{"run":\([0-9]*\).*"msg":"tick \([0-9]*\)".*/\1 \2/p' "$dir/follow" >"$dir/got"
is "$(sort -u "$dir/got" | wc -l)" "$(wc -l <"$dir/got")" "and no line twice"
