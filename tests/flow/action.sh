#!/bin/sh
# action.sh - `sluice action`: input and answer are what the connector declares, or nothing is printed; failures have their codes.
. "$(dirname "$0")/lib.sh"
plugins act

host
ini <<INI
[connection acme : act]
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
