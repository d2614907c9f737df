#!/bin/sh
# stored.sh - connections made by a command: sealed, used like those of the INI, beside a running host too, and never both.
. "$(dirname "$0")/lib.sh"

provider --records 60
host 'retry_base = 10ms' 'first_spread = 1s'
ini <<INI
[integration slack]
base_url   = $at/slack/api
rate_limit = 10000/s
[connection fixed : slack]
token = xoxb-fixed
active = no
INI
cp "$conf/sluice.ini" "$dir/good.ini"
export STORED_TOKEN=xoxb-stored-7f3a91

# ---- what is refused

run connections add acme : slack --token xoxb-literal
is "$status" 2 "a secret on the command line is refused"
has "$dir/err" '--token: everybody here can read a command line; say env:NAME, file:PATH' "with the remedy"
hasnt "$dir/err" 'xoxb-literal' "and is not repeated"
run connections add acme : slack
is "$status" 2 "a connection without the credentials that its connector wants is not stored"
has "$dir/err" "the store: connection acme : slack: no credentials.*--token env:NAME" "and it is said what is missing"
run connections add acme : slack --token env:STORED_TOKEN --option chanels=x
has "$dir/err" "no option of this name; did you mean 'channels'" "an option that nobody declared is refused"
run connections add acme : slac --token env:STORED_TOKEN
is "$status" 2 "a connection of a plugin that is not there is refused"
run connections add fixed : slack --token env:STORED_TOKEN
is "$status" 2 "what the INI names is not stored too"
has "$dir/err" "defined_in_config: connection fixed : slack stands in .*sluice.ini:[0-9]+" "with its place"
run connections remove fixed : slack
has "$dir/err" "defined_in_config" "nor removed"
run connections list --format jsonl
hasnt "$dir/out" '"acme"' "of all this nothing was stored"

# ---- made, checked, used

run connections add acme : slack --token env:STORED_TOKEN --option 'channels=["*"]' --metadata '{"region":"eu"}' --check
is "$status" 0 "one that the provider accepts is stored"
has "$dir/out" 'acme : slack is stored; its secrets are sealed' "which is said"
run connections add acme : slack --token env:STORED_TOKEN
is "$status" 2 "a second time it is there already"
has "$dir/err" '--replace' "and --replace is named"
unset STORED_TOKEN
run connections show acme : slack --format jsonl
has "$dir/out" '"stored":true,"from":"the store","credentials":\["token"\],"options":\{"channels":.*"metadata":\{"region":"eu"\}' \
	"show tells its credentials by name, its options and its metadata"
run metadata get --connection-id acme --format jsonl
has "$dir/out" '"region":"eu"' "its first metadata is read"
run connections
has "$dir/out" 'acme +slack +slack +on +the store' "list says where it comes from"
run run --sync active-users
is "$status" 0 "a stored connection runs without the variable its token came from"
is "$(live SlackUser)" "$(total slack users)" "and its records are there"
run doctor --connection-id acme --all
has "$dir/out" 'ok +connection: acme : slack: it is stored; options and credentials' "doctor knows it"
! grep -rq 7f3a91 "$dir/store" "$dir/said"
ok $? "its token stands nowhere in clear"

echo xoxb-second >"$dir/token"
run connections add acme : slack --token - --replace
is "$status" 2 "an empty stdin is no secret"
run connections add acme : slack --token "file:$dir/token" --replace --format jsonl
is "$status" 0 "--replace takes the place of a stored one"
run connections show acme : slack --format jsonl
has "$dir/out" '"options":\{\}' "with all that it had"

# ---- INI and store name the same

ini <<INI
[connection acme : slack]
token = xoxb-ini
INI
run status
has "$dir/err" 'acme : slack stands in .*sluice.ini:[0-9]+, and in the store too: the stored one is not used' "where both name one it is said"
run connections show acme : slack --format jsonl
has "$dir/out" '"stored":false' "and INI's holds"
run connections remove acme : slack
is "$status" 0 "the stored one can then be removed"
run status
hasnt "$dir/err" 'in the store too' "and the conflict is over"
cp "$dir/good.ini" "$conf/sluice.ini"
run connections show acme : slack
is "$status" 2 "what was removed is not there"
is "$(live SlackUser)" "$(total slack users)" "but its records are"

# ---- beside a running host

"$build/sluice" --conf "$conf" serve >"$dir/serve.out" 2>"$dir/serve.err" </dev/null &
serve=$!
pids="$pids $serve"
until_true 20 test -S "$dir/store/sluice.sock"
run connections add beta : slack --token "file:$dir/token" --option 'channels=["*"]' --check
is "$status" 0 "one is made beside a running host"
ran() { "$build/sluice" --conf "$conf" history --connection-id beta --format jsonl 2>/dev/null | grep -q '"success"'; }
until_true 30 ran
ok $? "and its syncs are scheduled at once"
run status --connection-id beta
is "$status" 0 "status knows it"
hasnt "$dir/out" 'unusable' "and that it is usable"
run run --connection-id beta --sync active-users
is "$status" 0 "run asks the host for it"
run test-connection --connection-id beta
is "$status" 0 "test-connection has the host check it, which alone has its credentials"
has "$dir/out" '^beta : slack  ok  \([0-9]' "and tells what it found as ever"
control faults '{"match":"/slack/api/auth.test","do":"401"}' >/dev/null
run test-connection --connection-id beta --format jsonl
is "$status" 3 "a refusal there is a refusal here"
has "$dir/out" '"result":"refused","status":401,"reason":".*"duration_ms":[0-9]+,"next":"' "with all that is told of one"
control reset >/dev/null
run test-connection
is "$status" 0 "one that was refused is free to be checked again, beside others"
run doctor --connection-id beta --format jsonl
has "$dir/out" '"check":"connection","subject":"beta : slack","verdict":"ok","found":"it is stored' "doctor beside a host judges it there"
hasnt "$dir/out" 'do not leave the host' "and finds nothing wrong with where its credentials are"
run dry-run --connection-id beta
is "$status" 0 "a dry run beside a host reads the credentials in its store"
has "$dir/out" '^beta : slack : active-users  would add 0, ' "and compares with what is there"
run backup "$dir/copy"
cp "$dir/store.key" "$dir/copy.key"
run dry-run --connection-id beta --data-dir "$dir/copy"
is "$status" 0 "a copy of the store does as well"
run connections disable beta : slack
run status --connection-id beta --format jsonl
has "$dir/out" '"active":false' "status beside a host shows one that was switched off"
run run
is "$status" 2 "and run leaves it out"
run connections enable beta : slack
printf '[connection gamma : slack]\ntoken = xoxb-g\nactive = no\n' >>"$conf/sluice.ini"
run reload
is "$status" 0 "the configuration is read anew"
run connections list
has "$dir/out" 'beta +slack +slack +on +the store' "a reload keeps what is stored"
run connections remove beta : slack
is "$status" 0 "it is removed beside the host"
run status --connection-id beta
is "$status" 2 "and is no more"
kill -TERM $serve
wait $serve
is $? 0 "the host ends well"
! grep -q 'xoxb-second' "$dir/serve.err" "$dir/serve.out"
ok $? "no secret is in its log"
