#!/bin/sh
# cli.sh - every verb of the command line against a real store: what it shows, in which format, with which exit code.
. "$(dirname "$0")/lib.sh"
plugins chores
provider --records 200

configure() { # configure LINES: [connection acme : chores]
	host 'retries = 0'
	ini <<-INI
		[integration chores]
		base_url = $at
		[connection acme : chores]
		token = canary-of-acme
		$1
	INI
}
rows='rows = [{"id":"1","secret":"s3cr3t"},{"id":"2"},{"id":"3"}]
vouch = yes'

# ---- usage

run --help
is "$status" 0 "--help is no error"
for verb in run dry-run test-connection status history logs records changes dead-letters confirm-deletes metadata checkpoint describe config version datasets export verify backup restore prune rekey; do
	has "$dir/out" "^  $verb " "--help lists $verb"
	"$build/sluice" "$verb" --help >"$dir/verb" 2>"$dir/err"
	is "$? $(head -c 20 "$dir/verb" | cut -d' ' -f1-2)" "0 usage: sluice" "$verb has a help of its own"
done
run ruin
is "$status" 2 "an unknown verb exits 2"
has "$dir/err" "did you mean 'run'" "and the nearest one is named"
run help run
is "$status $(head -c 17 "$dir/out")" "0 usage: sluice run" "help VERB is VERB --help"
run reload now
is "$status" 2 "an argument too many exits 2"
has "$dir/err" "'now' is too much; usage: sluice reload$" "and is named"
run run --resume --reset
is "$status" 2 "to go on and to begin anew do not go together"
run run --conection-id acme
is "$status" 2 "an unknown flag exits 2"
has "$dir/err" 'did you mean --connection-id' "and the nearest one is named"
run records --format xml
is "$status" 2 "an unknown format exits 2"
run --version
is "$status $(cat "$dir/out" | tr -d '0-9')" "0 sluice .." "--version"
run version
has "$dir/out" '^sluice [0-9]+\.[0-9]+' "version"

# ---- without a store

configure "$rows"
for verb in status history logs datasets 'dead-letters list' 'confirm-deletes list'; do
	run $verb
	is "$status" 0 "$verb works before anything was synced"
	has "$dir/err" "there is no store in $dir/store yet: .sluice run. makes it" "and says that there is no store"
done
[ ! -e "$dir/store/data.mdb" ]; ok $? "and makes no store"
run records Row
is "$status" 2 "records of what was never synced is an error"
run dry-run --format jsonl
is "$status $(grep -c '"action":"added"' "$dir/out")" "0 3" "a dry run works without a store"
[ ! -e "$dir/store/data.mdb" ]; ok $? "and makes none"

# ---- configuration

run config
has "$dir/out" 'token +\*\*\* +.*sluice.ini:[0-9]+' "config shows where a value came from, and no secret"
hasnt "$dir/out" 'canary' "not even in part"
run config --check
is "$status" 0 "a good configuration is good"
run config --check --format jsonl
is "$status $(cat "$dir/out")" '0 {"good":true,"errors":0,"connections":1,"syncs":0}' "and says so as JSON too"
ini <<-INI
	[sync acme : chores : handmate]
	every = 1h
INI
run config --check
is "$status" 2 "a sync that the connector does not have is an error"
has "$dir/err" "sluice.ini:[0-9]+.*did you mean 'handmade'" "with file, line and the nearest one"
configure 'rowz = []'
run config --check
is "$status" 2 "so is an option that nobody declared"
has "$dir/err" "sluice.ini:[0-9]+.*did you mean 'rows'" "with file, line and the nearest one"
configure 'rows = 5'
run config --check
is "$status" 2 "and one of another type"
run run
is "$status" 2 "such a run does not begin"
configure "$rows"
run describe chores
has "$dir/out" 'handmade +Row +full, deletes' "describe shows the syncs"
run describe stripe
has "$dir/out" '^webhook events: POST /webhook/INTEGRATION/CONNECTION$' "and the webhooks, with the way in"
has "$dir/out" '^  signed in Stripe-Signature' "how they are signed"
has "$dir/out" '^  handles customer' "and what they handle"
run describe "$build/tests/plugins/act.so"
has "$dir/out" '^calls +anything +anything +30s +- \(repeatable\)$' "and the actions"
run describe "$dir/plugins/chores.so" --format json
has "$dir/out" '"name": "chores"' "describe takes a file, and prints JSON"
run describe
has "$dir/out" '^stripe ' "without a name it lists what there is"
mkdir "$dir/nothing"
run describe --plugin-dir "$dir/none"
has "$dir/err" "there is no connector in $dir/none" "where there is none it names the folder"
(mkdir "$dir/cwd" && cd "$dir/cwd" && echo nonsense >sluice.ini && "$build/sluice" describe "$dir/plugins/chores.so") >"$dir/out" 2>"$dir/err"
is "$? $(head -c 6 "$dir/out")" "0 chores" "a path needs no configuration, not even the one that lies there"
run describe nobody
is "$status" 2 "a plugin that is not there exits 2"

# ---- data

run run --format json
is "$status" 0 "run"
has "$dir/out" '^\[$' "as JSON an array"
has "$dir/out" '"status":"success".*"added":3' "of results"
run run
has "$dir/out" 'nothing changed' "a second run says that nothing changed"
run records Row --format json
is "$(grep -c '"id"' "$dir/out") $(head -n 1 "$dir/out") $(tail -n 1 "$dir/out")" "3 [ ]" "records as JSON are one array"
run records Row
hasnt "$dir/out" 's3cr3t' "as text, what is sensitive is masked"
has "$dir/out" '"secret":"\*\*\*"' "visibly"
run records Row --limit 2 --format jsonl
is "$(wc -l <"$dir/out")" 2 "--limit"
run records Row --id 3 --id 1 --id 9 --format jsonl
is "$(wc -l <"$dir/out")" 2 "--id, several"
run records Rows
is "$status" 2 "a model that is not there exits 2"
run changes Row --cursor 2 --format jsonl
is "$(sed 's/.*"id":"\([^"]*\)","sequence":3.*/\1/' "$dir/out" | wc -l)" 1 "changes go on behind a cursor"
run changes Row --cursor 99
is "$status" 1 "a cursor from the future is refused"
run changes Row --cursor x1
is "$status" 2 "and so is one that is none"
"$build/sluice" --conf "$conf" changes Row --cursor 2 --follow --format jsonl >"$dir/follow" 2>"$dir/follow.err" </dev/null &
follower=$!
pids="$pids $follower"
until_true 10 test -s "$dir/follow" # it has read its configuration
configure 'rows = [{"id":"1","secret":"other"},{"id":"2"},{"id":"3"},{"id":"4"}]
vouch = yes'
run run
is "$status" 0 "a run beside a follower is not disturbed"
arrived() { grep -q '"id":"4"' "$dir/follow"; }
until_true 10 arrived
ok $? "changes --follow sees what comes"
kill $follower
run datasets --format jsonl
has "$dir/out" '"model":"Row","live":4,"deleted":0,.*"sequence":5' "datasets counts"
run status
has "$dir/out" 'acme +chores +handmade +success +4 ' "status"
hasnt "$dir/out" '(dies|hangs|stream)' "syncs that only a person starts are left out until somebody did"
for verb in 'records Row --format json' 'changes Row --format jsonl' status history describe config version --help; do
	"$build/sluice" --conf "$conf" $verb >/dev/full 2>"$dir/err"
	is "$? $(grep -c 'could not be written to stdout' "$dir/err")" "75 1" "$verb on a full disk"
done
for verb in 'records Row' 'export Row --to jsonl' 'export Row --to csv' 'changes Row' history; do
	"$build/sluice" --conf "$conf" $verb 2>"$dir/err" >/dev/full
	is "$(cat "$dir/err" | wc -l | tr -d ' ')" 1 "$verb says it in one line"
done
run history --limit 2 --format jsonl
is "$(wc -l <"$dir/out")" 2 "history, newest first, limited"
number=$(sed -n '1s/^{"run":\([0-9]*\).*/\1/p' "$dir/out")
run history --run "$number"
has "$dir/out" '^status +success' "and one run in full"

# ---- state

run checkpoint set '{"at":[1,2]}' --connection-id acme --sync handmade
run checkpoint get --connection-id acme --sync handmade --format jsonl
is "$(cat "$dir/out")" '{"at":[1,2]}' "a checkpoint is set and read"
run checkpoint clear --connection-id acme --sync handmade
run checkpoint clear --connection-id acme --sync handmade
is "$status" 0 "cleared, also twice"
run checkpoint get --connection-id acme --sync handmade
is "$(cat "$dir/out")" null "and gone"
run metadata set '{"region":"eu","n":12345678901234567890}' --connection-id acme
run metadata update '{"region":"us"}' --connection-id acme
run metadata get --connection-id acme --format jsonl
is "$(cat "$dir/out")" '{"region":"us","n":12345678901234567890}' "metadata is merged, its numbers intact"
run metadata set '{"region":' --connection-id acme
is "$status" 2 "what is no JSON is refused"
run metadata set '[]' --connection-id acme
is "$status" 2 "and what is no object"

# ---- is this connection usable?

reply() { # reply STATUS BODY
	control reset >/dev/null
	control faults "{\"route\":\"GET /me\",\"replies\":[{\"status\":$1,\"body\":$2}]}" >/dev/null
}
reply 200 '{}'
run test-connection
is "$status" 0 "a good connection is good"
has "$dir/out" 'acct_1' "with the facts of its check"
has "$dir/out" 'next: .*dry-run' "and what to do next"
reply 401 '{"error":{"message":"Invalid API Key"}}'
run test-connection
is "$status $(grep -c 'refused' "$dir/out")" "3 1" "refused"
has "$dir/out" 'Invalid API Key' "in the provider's words"
has "$dir/out" 'next: .*sluice.ini:[0-9]+' "and the place to look at"
reply 401 '{"error":"token has expired"}'
run test-connection
is "$status $(grep -c 'chores  expired' "$dir/out")" "3 1" "expired"
reply 403 "{\"message\":\"This token lacks the scope 'things:write'\"}"
run test-connection
is "$status" 3 "missing scope"
has "$dir/out" 'missing scope: things:write' "named"
reply 403 '{}'
run test-connection
has "$dir/out" 'missing scope: one of things:read' "or, when the provider does not say which, those that are needed"
reply 503 '{}'
run test-connection
is "$status" 75 "a provider that fails is for later"
control reset >/dev/null
control faults '{"match":"/me","do":"silence"}' >/dev/null
run test-connection --set request_timeout=1s
is "$status" 75 "a provider that says nothing is for later too"
has "$dir/out" 'unreachable \(timeout\)' "by name"
away() { # away URL PATTERN SENTENCE
	configure ''
	sed "s|^base_url = .*|base_url = $1|" "$conf/sluice.ini" >"$dir/ini"
	cp "$dir/ini" "$conf/sluice.ini"
	run test-connection --set connect_timeout=500ms
	is "$status" 75 "$3"
	has "$dir/out" "$2" "$3, by name"
}
away http://127.0.0.1:1 'unreachable \(no connection\)' "nobody listens there"
away http://no-such-host.invalid 'unreachable \(DNS\)' "the name does not exist"
hasnt "$dir/said" 'canary-of-acme' "and no secret is shown"
away "https${at#http}" 'unreachable \(TLS' "it speaks no TLS"
configure ''
control faults '{"match":"/me","do":"silence"}' >/dev/null
run test-connection --set request_timeout=200ms --set retries=5 --set retry_base=1ms
has "$dir/out" '2 attempts' "a check asks twice at most"
control reset >/dev/null
host
ini <<-INI
	[integration close]
	base_url = http://127.0.0.1:1
	[connection acme : close]
	api_key = canary-of-acme
INI
run run --set retries=2 --set retry_base=1ms
is "$status $(grep -c 'connection was refused' "$dir/out")" "75 1" "one that nobody answers is told of once"
has "$dir/out" 'unreachable still' "and its other syncs ask once"

# ---- errors

configure "$rows"
run run --sync nope --format json
is "$status" 2 "an unknown sync exits 2"
has "$dir/err" '^\{"error":\{"code":"usage","message":"' "as JSON an error is an object on stderr"
mkdir "$dir/none"
run run --timeout x --data-dir "$dir/nothing/store"
is "$status $(ls "$dir/nothing")" "2 " "a --timeout that is no duration is refused before the store is opened"
ini <<-INI
	[integration close]
	base_url = $at
	[connection acme : close]
	api_key = x
INI
run checkpoint get --connection-id acme --sync leads
is "$status" 0 "a checkpoint needs no --integration where one connection only has that sync"
configure "$rows"
run run --connection-id nobody
is "$status" 2 "so does an unknown connection"
run limits --connection-id acne
is "$status" 2 "also where limits are asked for"
has "$dir/err" "no connection 'acne'; did you mean 'acme'" "with the nearest name"
configure 'active = no'
run run --sync handmade
has "$dir/err" "inactive \(active = no, .*sluice.ini:[0-9]+\)" "one that is switched off is said to be so"
run status --integration chores
has "$dir/err" "acme : chores is inactive" "also where only the integration is named"
run status --connection-id acme
has "$dir/out" 'inactive' "named, it is shown"
configure "$rows"
sed "s|^token.*||" "$conf/sluice.ini" >"$dir/ini" && cp "$dir/ini" "$conf/sluice.ini"
run run
is "$status" 2 "a connection without credentials exits 2"
has "$dir/said" 'token' "and says which are wanted"
configure "$rows"
run run --set min_free=1000GiB
is "$status" 75 "without room on the disk no run starts"
has "$dir/said" 'min_free' "and the limit is named"
chmod 755 "$dir/store"
run status
is "$status" 2 "a store that others may enter is refused"
chmod 700 "$dir/store"

# ---- text fits where it is read

long=$(awk 'BEGIN { while (n++ < 60) printf "\303\244bcdefghij" }') # 600 characters
configure "rows = [{\"id\":\"1\",\"text\":\"$long\"},{\"id\":\"esc\\u001b[31m\"}]
vouch = yes"
run dry-run
is "$(LC_ALL=C awk '{ gsub(/[\200-\277]/, ""); if (length > 160) n++ } END { print n + 0 }' "$dir/out")" 0 "a dry run's lines as text are cut"
run run
run records Row --connection-id acme
is "$(LC_ALL=C awk '{ gsub(/[\200-\277]/, ""); print length }' "$dir/out" | sort -n | tail -n 1)" 160 "records as text are cut to 160 characters"
has "$dir/out" '…$' "with an ellipsis"
is "$(LC_ALL=C grep -c "$(printf '\033')" "$dir/out")" 0 "and steer no terminal"
run records Row --connection-id acme --format jsonl
has "$dir/out" "$long" "as JSON they are whole"
if command -v script >/dev/null; then
	script -qec "stty cols 72; exec '$build/sluice' --conf '$conf' changes Row --connection-id acme" /dev/null </dev/null >"$dir/out"
	is "$(tr -d '\r' <"$dir/out" | LC_ALL=C awk '{ gsub(/[\200-\277]/, ""); print length }' | sort -n | tail -n 1)" 72 "on a terminal to its width"
else
	skip "on a terminal to its width" "script is not installed"
fi
run status
hasnt "$dir/out" 'SANDBOX' "status says once what holds for every row"
has "$dir/out" '^Sandbox of every run: ' "below the table"
is "$(awk 'length > 120' "$dir/out" | wc -l)" 0 "and fits 120 columns"

# ---- a secret in a file that others may read

configure "$rows"
chmod 644 "$conf/sluice.ini"
run config --check
has "$dir/err" 'sluice.ini:[0-9]+: connection acme : chores: token: a secret stands here.*mode 644' "config --check warns of a secret that others may read"
is "$status $(grep -c 'a secret stands here' "$dir/err")" "0 1" "once for each file, and it is no error"
run run
has "$dir/err" 'a secret stands here' "so does a run"
chmod 600 "$conf/sluice.ini"
run config --check
hasnt "$dir/err" 'a secret stands' "not when only its owner may"
configure "$rows"
echo 't0ken' >"$dir/token"
sed "s|^token.*|token = file:$dir/token|" "$conf/sluice.ini" >"$dir/ini" && cp "$dir/ini" "$conf/sluice.ini"
chmod 644 "$conf/sluice.ini"
run config --check
hasnt "$dir/err" 'a secret stands' "nor when it stands elsewhere"
printf '[connection odd : chroes]\n' >>"$conf/sluice.ini"
run run --connection-id odd
has "$dir/err" "sluice.ini:[0-9]+: connection odd : chroes: there is no plugin 'chroes' in .*; did you mean 'chores'" "a plugin that is not there is told with its place and the nearest name"
