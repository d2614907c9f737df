#!/bin/sh
# hot.sh - `sluice serve` while its connectors and its configuration change: noticed without restart, refused as a whole when faulty.
. "$(dirname "$0")/lib.sh"

provider --records 50
host
cp "$build/tests/plugins/hot_one.so" "$dir/plugins/hot.so"
ini <<INI
[integration hot]
base_url = $at

[connection acme : hot]

[sync acme : hot : items]
every = 1s
INI
cp "$conf/sluice.ini" "$dir/good.ini"
"$build/sluice" --conf "$conf" serve >"$dir/serve.out" 2>"$dir/serve.err" </dev/null &
serve=$!
pids="$pids $serve"
runs() { "$build/sluice" --conf "$conf" history --format jsonl 2>/dev/null | grep -c '"success"'; }
more_runs() { [ "$(runs)" -gt "$1" ]; }
until_true 30 more_runs 0
ok $? "a served sync runs"

run deploy "$build/tests/plugins/hot_two.so" --yes
is "$status" 0 "deploy beside a running host"
has "$dir/out" "the running host uses it" "waits until the host uses it"
has "$dir/serve.err" "hot 1.1 took the place of 1.0" "the host says so"
has "$dir/serve.err" "model Item: field email added" "and what is new in it"
mkdir "$dir/elsewhere"
run deploy "$build/tests/plugins/hot_three.so" --yes --plugin-dir "$dir/elsewhere"
is "$status" 0 "deploy into another directory than the host's is no failure"
has "$dir/err" "its plugins are in $dir/plugins, not in $dir/elsewhere" "and it is said why the host does not use it"
hasnt "$dir/said" "has not noticed|the running host uses it" "and not that it does, or should"
n=$(runs)
until_true 30 more_runs "$n"
ok $? "its syncs go on"

cp "$build/tests/plugins/abi_needs.so" "$dir/plugins/.next" && mv "$dir/plugins/.next" "$dir/plugins/hot.so"
until_true 20 grep -q "it is not used; 1.1 goes on being used" "$dir/serve.err"
ok $? "a broken file is told, with what stays in use"
run status
has "$dir/out" '^acme +hot +items ' "status goes on showing the syncs of the one in use"
run run --connection-id acme
is "$status" 0 "and run beside the service has them run"
n=$(runs)
until_true 30 more_runs "$n"
ok $? "and the syncs go on with that"
run rollback hot --yes
is "$status" 0 "rollback beside the host, over the broken file"

printf '[connection beta : hot]\n' >>"$conf/sluice.ini"
kill -HUP $serve
until_true 20 grep -q 'reload: \[connection beta : hot\] added' "$dir/serve.err"
ok $? "SIGHUP reads the configuration anew, and says what was added"
printf '[connection gamma : absent]\n' >>"$conf/sluice.ini"
run reload
is "$status" 2 "a faulty configuration is refused"
has "$dir/said" "there is no plugin 'absent'" "with its reason"
n=$(runs)
until_true 30 more_runs "$n"
ok $? "and everything goes on as it was"
cp "$dir/good.ini" "$conf/sluice.ini"
run reload
is "$status" 0 "mended, it is taken"
has "$dir/serve.err" 'reload: \[connection beta : hot\] removed' "what was removed is told"
kill -TERM $serve
wait $serve
is "$?" 0 "and it ends in good order"
echo "1..$cases"
