#!/bin/sh
# shaped.sh - datasets that the operator names: models and syncs like declared ones, in every tool, and after a reload.
. "$(dirname "$0")/lib.sh"
plugins pattern act
provider --records 40

host 'first_spread = 0s'
ini <<INI
[integration pattern]
base_url = $at/plain
[connection acme : pattern]
tenant = acme
[dataset acme : pattern : things]
path   = /offset
limit  = 7
fields = id:string, number:integer, email:string, nothing:string?
description = all that is offered
[dataset acme : pattern : people]
path   = /offset
id     = email
every  = 15m
tenant = somebody
[sync acme : pattern : people]
page_size = 9
INI

run config --check
is "$status" 0 "sections of datasets are right"
run run --sync things
is "$status" 0 "a named dataset is synced"
run datasets --format jsonl
has "$dir/out" '"model":"things".*"live":40|"live":40.*"model":"things"' "under its name"
run run
is "$status" 0 "all of them are"
run records people --format jsonl
is "$(grep -c '' <"$dir/out")" 40 "another one, with a key of its own"
has "$dir/out" '"id":"[^"]*@example.com"' "which is its records' id"
run logs --sync people
has "$dir/out" "dataset people of tenant somebody" "a dataset's option goes before the connection's"
run logs --sync things
has "$dir/out" "dataset things of tenant acme" "which holds without one"
run run --sync things --format jsonl
is "$status" 0 "and again"
has "$dir/said" '"unchanged":40' "with nothing changed"
control mutate api=plain drop=3 >/dev/null
run run --sync things --format jsonl
has "$dir/said" '"deleted":3' "a full one proves what is gone"
run status --format jsonl
has "$dir/out" '"sync":"people"' "status shows them"
run dry-run --sync things
is "$status" 0 "they can be run dry"

bad() { # bad SECTION-LINES: the configuration with these too
	cp "$conf/sluice.ini" "$dir/kept"
	ini
	run config --check
	cp "$dir/kept" "$conf/sluice.ini"
}
bad <<INI
[dataset acme : pattern : more]
limit = 3
INI
is "$status" 2 "a required option that is missing is an error"
has "$dir/err" "dataset acme : pattern : more.*path is missing" "by section and name"
bad <<INI
[dataset acme : pattern : more]
path = /x
lmit = 3
INI
has "$dir/err" "lmit.*did you mean 'limit'" "an unknown one with the nearest"
bad <<INI
[dataset acme : pattern : more]
path = /x
fields = id:text
INI
has "$dir/err" "fields: 'id:text' is no field" "a field of no type is told"
bad <<INI
[dataset acme : pattern : no-such-name]
path = /x
INI
has "$dir/err" "dataset acme : pattern : no-such-name.*cannot be a model" "a name that cannot be a model's is told"
bad <<INI
[connection acme : act]
[dataset acme : act : more]
path = /x
INI
has "$dir/err" "takes no others" "a connector with datasets of its own takes none"

cp "$conf/sluice.ini" "$dir/kept"
ini <<INI
[dataset acme : pattern : wrong]
path = /offset
lmit = 3
INI
"$build/sluice" --conf "$conf" --log-format text serve >"$dir/serve.out" 2>"$dir/serve.err" </dev/null &
serve=$!
pids="$pids $serve"
until_true 20 test -S "$dir/store/sluice.sock"
run status --format jsonl
has "$dir/out" '"sync":"things"' "a service schedules them"
has "$dir/serve.err" "error .*sluice.ini:[0-9]*: lmit: .*did you mean 'limit'" "and says at its start what is wrong with one of them"
cp "$dir/kept" "$conf/sluice.ini"
ini <<INI
[dataset acme : pattern : late]
path = /offset
INI
run reload
is "$status" 0 "a section that is added is taken by a reload"
came() { run records late --format jsonl && [ "$(grep -c '' <"$dir/out")" = 37 ]; }
until_true 30 came
ok $? "and its first run comes by itself"
url=$(sed -n 's|.*listens on \(http://[^ ]*\).*|\1|p' "$dir/serve.err" | head -1)
key=$("$build/sluice" --conf "$conf" api-key show 2>/dev/null | tail -1)
curl -s -m 20 -H "Authorization: Bearer $key" "$url/api/v1/datasets/acme/pattern/things/export?to=csv" >"$dir/out"
is "$(head -1 "$dir/out" | tr -d "\r" | grep -o "id,number,email,nothing") $(grep -c rec_ <"$dir/out")" "id,number,email,nothing 37" "the fields that its section names are the columns of an export over HTTP"
curl -s -m 20 -H "Authorization: Bearer $key" "$url/api/v1/syncs/acme/pattern/things" >"$dir/out"
has "$dir/out" '"status":"success"' "and its sync is found there"
sed -i 's/^limit  = 7/limit  = 11/' "$conf/sluice.ini"
run reload
has "$dir/said" "dataset acme : pattern : things.*limit" "a changed option is told by its section"
grep -v 'late' "$conf/sluice.ini" | sed '/^path = .offset$/d' >"$dir/less"
cp "$dir/less" "$conf/sluice.ini"
run reload
is "$status" 0 "one that is taken out goes"
run status --format jsonl
hasnt "$dir/out" '"sync":"late"' "from the schedule"
run records late --format jsonl
is "$(grep -c '' <"$dir/out")" 37 "and its records stay"
kill -TERM $serve
wait $serve
is $? 0 "the service ends in good order"
