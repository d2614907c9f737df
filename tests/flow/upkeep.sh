#!/bin/sh
# upkeep.sh - what keeps a store well over years: verify, backup, restore, export, prune and rekey, beside a run and
# without one, killed in the middle and interrupted.
. "$(dirname "$0")/lib.sh"
plugins chores
provider --records 500
shim=$build/tests/plugins/shim.so
[ -e "$shim" ] || { echo "not ok 1 - $shim is built: run make tests"; exit 1; }

configure() { # configure ROWS [HOST LINES...]
	listed=$1
	shift
	host 'retries = 0' "$@"
	ini <<-INI
		[integration chores]
		base_url = $at
		[connection acme : chores]
		token = t0ken
		rows = $listed
		vouch = yes
		[sync acme : chores : handmade]
		max_delete_share = 100%
	INI
}
cut_at() { # cut_at N ARGUMENTS: dies instead of the Nth call that makes something durable
	n=$1
	shift
	LD_PRELOAD=$shim SHIM_KILL_AT=$n SHIM_FILES=1 SHIM_COMM=sluice ASAN_OPTIONS=verify_asan_link_order=0:detect_leaks=0 \
		timeout 60 "$build/sluice" --conf "$conf" "$@" >"$dir/out" 2>"$dir/err" </dev/null
	status=$?
}
number() { sed -n "s/.*\"$1\": *\([0-9]*\).*/\1/p" "$dir/out" | head -n 1; }
rows5='[{"id":"1","secret":"plain"},{"id":"2","secret":"two \"quoted\", with comma"},{"id":"3","secret":"line\nbreak","n":12345678901234567890.10},{"id":"4","secret":""},{"id":"5","deep":{"a":[1,{"b":null}]}}]'

# ---- without a store

configure "$rows5"
for verb in verify "backup $dir/none" ; do
	run $verb
	is "$status" 2 "$verb without a store is refused"
	has "$dir/err" 'there is no store' "and why is said"
done
[ ! -e "$dir/none" ] && [ ! -e "$dir/store/data.mdb" ]; ok $? "and nothing was made"
run prune --deleted-after 0s
is "$status" 0 "nothing is there to be pruned"

# ---- verify

run run --sync handmade
run run --sync mixed
run verify
is "$status" 0 "a store that is well is verified"
has "$dir/out" 'sound; [0-9]+ datasets, 510 records' "and counted"
run verify --format json
has "$dir/out" '"sound": true' "also for programs"

# ---- backup and restore, alone

run backup "$dir/kept"
is "$status" 0 "a backup is made"
has "$dir/out" "verified" "and verified"
has "$dir/out" "$dir/store.key" "and says where the key is that it needs"
is "$(ls "$dir/kept")" data.mdb "it holds one file"
is "$(stat -c %a "$dir/kept") $(stat -c %a "$dir/kept/data.mdb")" "700 600" "for its owner only"
run backup "$dir/kept"
is "$status" 2 "a backup replaces nothing"
has "$dir/err" 'exists' "which is said"
is "$(ls -d "$dir"/kept* | wc -l)" 1 "and nothing is left beside it"
run restore "$dir/kept"
is "$status" 2 "restoring over a store is refused"
has "$dir/err" 'not empty.*--data-dir' "with the remedy"
stored Row >"$dir/rows.before"
stored Paged >"$dir/paged.before"
mv "$dir/store" "$dir/old"
run restore "$dir/kept"
is "$status" 0 "into an absent directory it is restored"
stored Row >"$dir/rows.after"
stored Paged >"$dir/paged.after"
same "$dir/rows.before" "$dir/rows.after" "and every record is as it was"
same "$dir/paged.before" "$dir/paged.after" "of every model"
since=$(sequence Row)
run run --sync handmade
is "$status $(sequence Row)" "0 $since" "and the next run finds nothing new"
"$build/sluice" --conf "$conf" --data-dir "$dir/kept" --set "encryption_key=file:$dir/store.key" records Row --format jsonl >"$dir/out" 2>"$dir/err"
is "$(wc -l <"$dir/out")" 5 "a host can open a backup where it stands, too"
rm -f "$dir"/kept/lock.mdb "$dir"/kept/store.lock "$dir"/kept/sluice.sock
run restore "$dir/nowhere" --data-dir "$dir/else" --set "encryption_key=file:$dir/store.key"
is "$status" 2 "what is no backup restores nothing"
run restore "$dir/store" --data-dir "$dir/else" --set "encryption_key=file:$dir/lost.key"
is "$status" 2 "nor does one whose key is not there"
has "$dir/err" 'lost.key' "which is named"
[ ! -e "$dir/else/data.mdb" ] && [ ! -e "$dir/lost.key" ]; ok $? "and nothing is made in its stead"

# ---- killed

n=1
whole=0
while [ $n -le 60 ]; do
	cut_at $n backup "$dir/cut"
	[ "$status" = 137 ] || break
	[ -e "$dir/cut" ] && whole=$((whole + 1))
	if [ -e "$dir/cut" ]; then
		rm -rf "$dir/again"
		"$build/sluice" --conf "$conf" --data-dir "$dir/again" --set "encryption_key=file:$dir/store.key" restore "$dir/cut" >/dev/null 2>&1 || whole=broken
		rm -rf "$dir/cut"
	fi
	rm -rf "$dir"/cut.new-*
	n=$((n + 1))
done
[ $n -gt 3 ] && [ "$whole" != broken ]; ok $? "a backup killed at any call is whole or not there (killed $((n - 1)) times)"
is "$status" 0 "and one that is left alone is made"
rm -rf "$dir"/cut*
run verify
is "$status" 0 "the store is none the worse"

n=1
bad=
while [ $n -le 60 ]; do
	rm -rf "$dir/again"
	cut_at $n restore "$dir/kept" --data-dir "$dir/again" --set "encryption_key=file:$dir/store.key"
	[ "$status" = 137 ] || break
	if [ ! -e "$dir/again/data.mdb" ]; then
		"$build/sluice" --conf "$conf" --data-dir "$dir/again" --set "encryption_key=file:$dir/store.key" restore "$dir/kept" >"$dir/out" 2>"$dir/err" || bad="$bad $n"
	fi
	"$build/sluice" --conf "$conf" --data-dir "$dir/again" --set "encryption_key=file:$dir/store.key" verify >"$dir/out" 2>"$dir/err" || bad="$bad $n"
	n=$((n + 1))
done
[ $n -gt 3 ]; ok $? "a restore is killed at each of its calls ($((n - 1)))"
is "$bad" "" "it is whole or not there, and then restored by the next attempt"

# ---- export

run export Row --to csv --output "$dir/row.csv"
is "$status" 0 "a csv is exported"
has "$dir/err" '5 records.*--cursor [0-9]' "with the cursor to go on from"
sed 's/,_sequence,_first_seen_at,_modified_at,_deleted_at,/,/; s/^\([0-9]\),[0-9]*,[-0-9:.TZ]*,[-0-9:.TZ]*,,/\1,/' "$dir/row.csv" >"$dir/got"
printf '_id,id,secret,_other\r\n1,1,plain,\r\n2,2,"two ""quoted"", with comma",\r\n3,3,"line\nbreak","{""n"":12345678901234567890.10}"\r\n4,4,"",\r\n5,5,,"{""deep"":{""a"":[1,{""b"":null}]}}"\r\n' >"$dir/want"
same "$dir/want" "$dir/got" "its columns are the model's, its values quoted by RFC 4180, and nothing is lost"
is "$(stat -c %a "$dir/row.csv")" 600 "it is for its owner only"
run export Paged --to jsonl
is "$status $(wc -l <"$dir/out")" "0 500" "jsonl goes to stdout"
sed -n 's/^{"id":.*"record":\(.*\)}$/\1/p' "$dir/out" | LC_ALL=C sort >"$dir/got"
same "$dir/paged.before" "$dir/got" "and is what is stored"
run export Row --to xml
is "$status" 2 "another format is refused"
echo old >"$dir/row.csv"
run export Nothing --to jsonl --output "$dir/row.csv"
is "$status $(cat "$dir/row.csv")" "2 old" "an export that fails leaves the old file"
is "$(ls "$dir" | grep -c row.csv)" 1 "and nothing beside it"
run export Row --to csv --mask
has "$dir/out" '^1,.*,1,\*\*\*,' "with --mask what is sensitive is not written"
hasnt "$dir/out" plain "anywhere"
run export Row --to jsonl --mask
hasnt "$dir/out" plain "in jsonl neither"

# ---- beside a run

"$build/sluice" --conf "$conf" run --sync stops >"$dir/run.out" 2>"$dir/run.err" </dev/null &
pid=$!
pids="$pids $pid"
until_true 10 "$build/sluice" --conf "$conf" records Thing --id n20 --format jsonl
ok $? "a run is under way"
before=$(sequence Thing)
run backup "$dir/hot"
is "$status" 0 "a backup is made beside it"
run verify
is "$status" 0 "and the store verified"
run export Thing --to jsonl --output "$dir/hot.jsonl"
is "$status" 0 "and exported"
[ "$(wc -l <"$dir/hot.jsonl")" -ge "$before" ]; ok $? "whole"
run prune --runs-after 1000d
is "$status" 0 "and pruned"
run rekey --new-key "file:$dir/hot.key"
is "$status" 4 "a rekey is not done beside a run"
has "$dir/err" 'open in another process .pid [0-9]*.: its key is changed while nobody else has it: end that one first' "and says so"
[ "$(sequence Thing)" -gt "$before" ]; ok $? "and the run went on meanwhile"
kill -9 $pid
wait $pid 2>/dev/null
rm -rf "$dir/again"
run restore "$dir/hot" --data-dir "$dir/again" --set "encryption_key=file:$dir/store.key"
is "$status" 0 "the hot backup is restored"
run verify --data-dir "$dir/again" --set "encryption_key=file:$dir/store.key" --format json
is "$status" 0 "and is well"
last=$("$build/sluice" --conf "$conf" --data-dir "$dir/again" --set "encryption_key=file:$dir/store.key" datasets --format jsonl | sed -n 's/.*"model":"Thing".*"sequence":\([0-9]*\).*/\1/p')
[ "$last" -ge "$before" ] && [ "$last" -le "$(sequence Thing)" ]; ok $? "as of a moment between its beginning and its end"
run run --sync reads
is "$status" 0 "runs go on"

# ---- prune

configure '[{"id":"1"},{"id":"2"}]'
run run --sync handmade
is "$(live Row) $(changes Row 5 deleted | wc -l)" "2 3" "three records are deleted"
gone=$(feed Row 5 | sed -n 's/^{"id":"[^"]*","sequence":\([0-9]*\),"action":"deleted".*/\1/p' | tail -n 1)
run export Row --to jsonl
is "$(wc -l <"$dir/out")" 2 "an export leaves them out"
run export Row --to jsonl --deleted
is "$(wc -l <"$dir/out") $(grep -c '"deleted_at":"2' "$dir/out")" "5 3" "--deleted shows them"
run prune --deleted-after '1 hour'
has "$dir/out" 'removed 0 tombstones, 0 runs, 0 log lines' "what is young stays"
run prune --deleted-after 0s --dry-run --format json
is "$(number tombstones) $(changes Row 5 deleted | wc -l)" "3 3" "a dry run counts and removes nothing"
run prune --deleted-after 0s --format json
is "$(number tombstones) $(changes Row "$gone" deleted | wc -l)" "3 0" "what is old goes"
run changes Row --cursor 5
is "$status" 1 "an older cursor is refused"
has "$dir/err" cursor_expired "by name"
run changes Row --cursor "$gone" --format jsonl
is "$status" 0 "one that has seen the deletes goes on"
is "$(live Row)" 2 "the living are there"
run verify
is "$status" 0 "and the store is well"

control mutate api=plain drop=3 >/dev/null
run run --sync mixed
run prune --deleted-after 0s --format json
is "$(number tombstones)" 3 "what a listing lacks is pruned too"
run changes Paged --limit 100
cursor=$(sed -n 's/^more: --cursor //p' "$dir/err")
run changes Paged --cursor "$cursor" --format jsonl
is "$status $(wc -l <"$dir/out")" "0 397" "a reader who began after the prune goes on page by page"
run changes Paged --cursor "${cursor%-*}"
is "$status" 1 "one who stood there before is refused"
run records Paged --cursor "${cursor%-*}" --format jsonl
is "$status $(wc -l <"$dir/out")" "0 397" "records show no deletes, so nothing of theirs expires"

run history --format jsonl --limit 1000
runs=$(wc -l <"$dir/out")
run prune --logs-after 0s --runs-after 0s --dry-run --format json
lines=$(number log_lines)
counted=$(number runs)
[ "$counted" -gt 2 ] && [ "$lines" -gt 0 ]; ok $? "runs and their lines are counted"
run prune --logs-after 0s --runs-after 0s --format json
is "$(number runs) $(number log_lines)" "$counted $lines" "and exactly these are removed"
run history --format jsonl --limit 1000
is "$(wc -l <"$dir/out")" $((runs - counted)) "what did not end, and the newest run, stay"
newest=$(sed -n '1s/.*"run":\([0-9]*\).*/\1/p' "$dir/out")
run run --sync handmade
run history --format jsonl --limit 1
is "$(sed -n '1s/.*"run":\([0-9]*\).*/\1/p' "$dir/out")" $((newest + 1)) "numbers of runs go on"
run prune
is "$status" 2 "a prune of nothing is a mistake"
run prune --runs-after soon
is "$status" 2 "and so is what is no duration"

bad=
n=1
while [ $n -le 40 ]; do
	configure "[{\"id\":\"1\"},{\"id\":\"2\"},{\"id\":\"x$n\"},{\"id\":\"y$n\"}]"
	run run --sync handmade
	configure '[{"id":"1"},{"id":"2"}]'
	run run --sync handmade
	cut_at $n prune --deleted-after 0s --runs-after 0s
	code=$status
	run verify
	[ "$status" = 0 ] || bad="$bad $n"
	is_there=$("$build/sluice" --conf "$conf" export Row --to jsonl --deleted 2>/dev/null | wc -l)
	[ "$is_there" = 2 ] || [ "$code" = 137 ] || bad="$bad $n:$is_there"
	[ "$code" = 137 ] || break
	n=$((n + 1))
done
[ $n -gt 3 ]; ok $? "a prune is killed at each of its calls ($((n - 1)))"
is "$bad" "" "the store is well each time, and the next prune does the rest"

# ---- rekey

run rekey --new-key 00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff
is "$status" 2 "a key on the command line is refused"
run rekey --new-key "file:$dir/store.key"
is "$status" 2 "and so is the key that it has"
rows=$(stored Row | wc -l)
run rekey --new-key "file:$dir/second.key"
is "$status" 0 "another key is taken"
has "$dir/out" "encryption_key = file:$dir/second.key" "and what to write is said"
is "$(stat -c %a "$dir/second.key")" 600 "it was made, for its owner only"
run records Row
is "$status" 2 "the old key is refused"
has "$dir/err" 'wrong key' "by name"
configure '[{"id":"1"},{"id":"2"}]' "encryption_key = file:$dir/second.key"
is "$(stored Row | wc -l)" "$rows" "with the new one all is there"
run verify
is "$status" 0 "and well"
SECOND=$(od -An -N32 -tx1 /dev/urandom | tr -d ' \n') && export SECOND
run rekey --new-key env:SECOND
is "$status" 0 "a key may come from the environment"
hasnt "$dir/said" "$SECOND" "and is not shown"
configure '[{"id":"1"},{"id":"2"}]' "encryption_key = env:SECOND"

head -c 32 /dev/urandom >"$dir/third.key"
chmod 600 "$dir/third.key"
opens() { "$build/sluice" --conf "$conf" --set "encryption_key=$1" records Row --format jsonl >"$dir/opened" 2>/dev/null && [ "$(wc -l <"$dir/opened")" = "$rows" ]; }
n=1
bad=
while [ $n -le 40 ]; do
	cut_at $n rekey --new-key "file:$dir/third.key"
	keys=
	opens env:SECOND && keys="$keys old"
	opens "file:$dir/third.key" && keys="$keys new"
	case $status:$keys in
	'137: old' | '137: new' | '0: new') ;;
	*) bad="$bad $n:$status:$keys" ;;
	esac
	[ "$status" = 137 ] || break
	[ "$keys" = ' old' ] || break
	n=$((n + 1))
done
[ $n -gt 3 ]; ok $? "a rekey is killed at each of its calls ($((n - 1)))"
is "$bad" "" "exactly one of the two keys opens the store each time"
