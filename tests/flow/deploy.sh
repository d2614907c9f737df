#!/bin/sh
# deploy.sh - `sluice deploy` and `sluice rollback`: what changes is shown first, the file is put in place in one step, what was there is kept.
. "$(dirname "$0")/lib.sh"

provider --records 50
host
ini <<INI
[integration hot]
base_url = $at

[connection acme : hot]

[sync acme : hot : items]
every = 1h
INI
made=$build/tests/plugins
in_use() { "$build/sluice" --conf "$conf" describe hot 2>/dev/null | sed -n '1s/^hot //p'; }

run deploy "$made/hot_one.so"
is "$status" 2 "without a terminal and without --yes nothing is changed"
has "$dir/said" "say --yes" "and it says how"
[ ! -e "$dir/plugins/hot.so" ]; ok $? "there is no file yet"
run deploy "$made/hot_one.so" --yes
is "$status $(in_use)" "0 1.0" "the first of its name is put in place under its connector's name"
has "$dir/out" "^hot: none -> 1.0" "the preview names both versions"
run run
is "$status" 0 "a sync runs with it"

run deploy "$made/hot_two.so" --yes
is "$status $(in_use)" "0 1.1" "a newer one takes its place"
has "$dir/out" "field email added" "the preview says what is new"
hasnt "$dir/out" "^  !" "and marks nothing as breaking"
run deploy "$made/hot_three.so" --yes --format jsonl
is "$status $(in_use)" "0 2.0" "one that breaks something goes with --yes"
has "$dir/out" '"change":"sync items removed","breaking":true' "a removed sync is marked"
has "$dir/out" 'acme : hot cannot run with it.*region' "so is a connection that lacks what is required now"
has "$dir/out" 'sync acme : hot : items\] is about a sync that it does not have' "and a section about the sync that is gone"

run rollback hot --yes
is "$status $(in_use)" "0 1.1" "rollback brings back the one before"
has "$dir/out" "^hot: 2.0 -> 1.1" "with the same preview"
run rollback hot --yes
is "$status $(in_use)" "0 2.0" "once more swaps them again"
run rollback hot --yes

run deploy /dev/null --yes
is "$status $(in_use)" "2 1.1" "what is no plugin is refused, and nothing changes"
cp "$build/tests/plugins/abi_needs.so" "$dir/bad.so"
run deploy "$dir/bad.so" --yes
is "$status $(in_use)" "2 1.1" "one that needs another library too"
run rollback never --yes
is "$status" 2 "there is nothing to bring back of what was never deployed"
has "$dir/said" "only what .sluice deploy. replaced" "and it says why"

i=0
while [ $i -lt 7 ]; do
	run deploy "$made/hot_one.so" --yes
	i=$((i + 1))
done
is "$(ls "$dir/plugins/.rollback" | wc -l | tr -d ' ')" 5 "the last five are kept"
is "$(ls -A "$dir/plugins" | grep -c '^\.hot')" 0 "and no half copy lies about"

# Killed at any moment: NAME.so is always one of the two, whole.
i=0
bad=0
while [ $i -lt 20 ]; do
	"$build/sluice" --conf "$conf" deploy "$made/hot_$( [ $((i % 2)) = 0 ] && echo two || echo one ).so" --yes >/dev/null 2>&1 &
	pid=$!
	sleep 0.0$((i % 10))
	kill -9 $pid 2>/dev/null
	wait $pid 2>/dev/null
	case $(in_use) in 1.0 | 1.1) ;; *) bad=$((bad + 1)) ;; esac
	i=$((i + 1))
done
is "$bad" 0 "killed at any moment, what is in use is one of the two, whole"
mkdir -p "$dir/here/conf/staging" "$dir/staged"
sed "s|^plugin_dir.*|plugin_dir = $dir/staged|" "$conf/sluice.ini" >"$dir/here/conf/staging/sluice.ini"
(cd "$dir/here" && "$build/sluice" deploy "$made/hot_two.so" --env staging --yes) >"$dir/out" 2>"$dir/err"
is "$?" 0 "--env deploys to another configuration's directory"
[ -e "$dir/staged/hot.so" ]; ok $? "the file is there"
cp -r "$dir/here/conf/staging" "$dir/here/conf/conf.d" && : >"$dir/here/conf/production.ini"
(cd "$dir/here" && "$build/sluice" config --env stagign) >"$dir/out" 2>"$dir/err"
is "$?" 2 "an --env that is not there is refused"
has "$dir/err" 'neither conf/stagign nor conf/stagign.ini.*there is production, staging; did you mean .staging.' "with what was looked for, and what there is"
(cd "$dir" && "$build/sluice" config --env prodd --conf "$conf") >"$dir/out" 2>"$dir/err"
is "$?" 2 "also where another configuration is named"
echo "1..$cases"
