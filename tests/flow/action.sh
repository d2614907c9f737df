#!/bin/sh
# action.sh - `sluice action`: input and answer are what the connector declares, or nothing is printed; failures have their codes.
. "$(dirname "$0")/lib.sh"
plugins act

host 'retry_base = 10ms' 'retries = 0'
ini <<INI
[connection acme : act]
[connection down : act]
base_url = http://127.0.0.1:1
INI

run action echo --connection-id acme --input '{"name":"Ada"}' --format jsonl
is "$status $(cat "$dir/out")" '0 {"name":"Ada"}' "an action's answer, and it alone, is printed"
echo '{"name":"Bob"}' >"$dir/in"
run action echo --connection-id acme --input "@$dir/in" --format jsonl
is "$status $(cat "$dir/out")" '0 {"name":"Bob"}' "input may come from a file"
run action echo --connection-id acme --input '{"name":7}'
is "$status" 2 "input that does not fit is refused"
has "$dir/err" "input of action 'echo'.*name" "and is told by its path"
is "$(cat "$dir/out")" "" "and nothing is printed"
run action echo --connection-id acme --input 'no JSON'
is "$status" 2 "input that is no JSON is refused"
run action wrong --connection-id acme
is "$status$(cat "$dir/out")" 1 "an answer that is not what was declared is the connector's failure"
has "$dir/err" "answer of action 'wrong'.*name" "and is told by its path"
run action fails --connection-id acme
is "$status" 1 "a connector's failure is no success"
has "$dir/err" 'no such ticket' "and is told in its words"
run action endless --connection-id acme --timeout 1s
[ "$status" != 0 ]; ok $? "an action has a time limit"
has "$dir/err" "timed out|did not end within 1s" "which is told"
run action ecko --connection-id acme
is "$status" 2 "an action that is not there is refused"
has "$dir/err" "did you mean 'echo'" "with the nearest name"

run action silent --connection-id acme
is "$status" 1 "an action that declares an answer and gives none has failed"
has "$dir/err" "action 'silent' declares an answer, and gave none" "which is told"
run action calls --connection-id down
is "$status" 75 "a provider that is down is a temporary failure"
is "$(grep -c 'is tried again in' "$dir/err")" 2 "and a repeatable action is tried twice more"
run action calls-once --connection-id down
is "$status $(grep -c 'is tried again in' "$dir/err")" "75 0" "any other is not"

"$build/sluice" --conf "$conf" serve >"$dir/serve.out" 2>"$dir/serve.err" </dev/null &
serve=$!
pids="$pids $serve"
until_true 20 test -S "$dir/store/sluice.sock"
run action echo --connection-id acme --input '{"name":"Eve"}' --format jsonl
is "$status $(cat "$dir/out")" '0 {"name":"Eve"}' "beside a running host an action has its answer too"
run action calls --connection-id down
is "$status $(grep -c 'is tried again in' "$dir/serve.err")" "75 2" "and that host runs it"
run action fails --connection-id acme
is "$status" 1 "a failure there is a failure here"
has "$dir/err" 'no such ticket' "in its words"
"$build/sluice" --conf "$conf" action endless --connection-id acme >"$dir/endless" 2>&1 </dev/null &
endless=$!
pids="$pids $endless"
under_way() { [ -n "$(cat /proc/$serve/task/*/children)" ]; } # it has a worker
until_true 10 under_way
kill -TERM $serve
wait $serve
is $? 0 "a host that is told to end stops an action in good order"
wait $endless
[ $? != 0 ]
ok $? "and its asker is told"
