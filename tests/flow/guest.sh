#!/bin/sh
# guest.sh - `sluice dry-run` and `sluice dev` beside a service that syncs at the same time: what is shown is what a run would do, the
# service does not notice, and whichever of the two is killed, the other goes on. Tokens that rotate are the service's alone.
. "$(dirname "$0")/lib.sh"
plugins odd oauth
provider --records 300
control set plain.records=300 >/dev/null

host 'first_spread = 100ms' 'retry_base = 5ms' 'retries = 0'
ini <<INI
[integration odd]
base_url = $at
[connection acme : odd]
[sync acme : odd : cursor]
every = 1s
[integration oauth]
base_url = $at
token_url = $at/oauth/token
client_id = app
client_secret = cnrysecret
rate_limit = 1000/s
[connection ada : oauth]
refresh_token = rt.guest.0
INI
for sync in offset number leaves crashes letters counted silent claims proves; do
	printf '[sync acme : odd : %s]\nauto_sync = no\n' "$sync"
done | ini
printf '[sync ada : oauth : %s]\nauto_sync = no\n' one two | ini

serve() { # in the background: $host is its pid
	: >"$dir/log"
	"$build/sluice" --conf "$conf" serve >/dev/null 2>"$dir/log" &
	host=$!
	pids="$pids $host"
	until_true 20 grep -q '"msg":"serves ' "$dir/log" || { cat "$dir/log"; exit 1; }
}
serve_killed() {
	kill -9 "$host"
	wait "$host" 2>/dev/null
}
dry() { # in the background: $dry is its pid, what it says is in $dir/dry
	"$build/sluice" --conf "$conf" dry-run "$@" >"$dir/dry" 2>"$dir/dry.err" </dev/null &
	dry=$!
	pids="$pids $dry"
}
runs() { "$build/sluice" --conf "$conf" history --sync cursor --limit 1000 --format jsonl 2>/dev/null | grep -c "\"status\":\"success\""; }
more() { [ "$(runs)" -gt "$1" ]; } # more N: runs that ended well
quiet() { ! "$build/sluice" --conf "$conf" status --sync cursor --format jsonl 2>/dev/null | grep -q '"running":true'; }
asked() { # asked NAME: what the provider counted
	control oauth | tr -d '\n' | sed "s/.*\"$1\":\"\{0,1\}\([^,\"}]*\).*/\1/"
}
requests() { control requests | tr -d '\n' | sed -n 's/.*"total":\([0-9]*\).*/\1/p'; }
requested() { [ "$(requests)" -gt "$1" ]; }
shown() { # shown ACTION: ids in the dry run's rows, sorted
	sed -n "s/.*\"action\":\"$1\",\"model\":\"M_cursor\",\"id\":\"\([^\"]*\)\".*/\1/p" "$dir/out" | LC_ALL=C sort
}
goes_on() { # goes_on SENTENCE: the service syncs again, and its store is well
	before=$(runs)
	until_true 30 more "$before"
	ok $? "$1"
	run verify
	is "$status" 0 "and its store is well"
}

serve
until_true 30 more 1
ok $? "a service syncs each second"

# ---- what is shown

run dry-run --sync cursor
is "$status" 0 "a dry run beside it is none of its business"
has "$dir/out" '^acme : odd : cursor  would add 0, update 0, delete 0; 300 unchanged' "and compares with what it has stored"
hasnt "$dir/err" 'rate limit' "where no limit is known none is spoken of"
run pause --sync cursor
until_true 20 quiet
control mutate api=plain change=5 drop=3 add=2 >"$dir/mutated"
place=$(sequence M_cursor)
run dry-run --sync cursor --all --format jsonl
is "$status" 0 "what the provider changed since"
ids plain records changed "$dir/mutated" >"$dir/want"
shown updated >"$dir/got"
same "$dir/got" "$dir/want" "is shown: what changed"
is "$(shown added) $(shown deleted)" "$(ids plain records added "$dir/mutated") $(ids plain records dropped "$dir/mutated")" "what came, and what went"
is "$(sequence M_cursor)" "$place" "and nothing of it is stored"
run history --limit 1000 --format jsonl
is "$(grep -vc '"sync":"cursor"' "$dir/out")" 0 "a dry run stands in no history"
run start --sync cursor
before=$(runs)
until_true 30 more "$before"
run dry-run --sync cursor
has "$dir/out" 'would add 0, update 0, delete 0; 299 unchanged' "once the service has it, there is nothing to show"
run dev "$build/tests/plugins/odd.so" --once --sync cursor --connection-id acme
is "$status" 0 "dev works beside it too"
has "$dir/out" '^acme : odd : cursor  would add' "with the same comparison"
run status
has "$dir/out" 'Another process has the store open, and answered' "who asks is answered by the service, as ever"

# ---- both at once

good=0
for i in 1 2 3 4 5; do
	control mutate api=plain change=20% >/dev/null
	run dry-run --sync cursor
	[ "$status" = 0 ] && good=$((good + 1))
done
is "$good" 5 "dry runs go well while syncs write"
dry --sync cursor
run dry-run --sync cursor
is "$status" 0 "two of them as well"
wait "$dry"
is "$?" 0 "each"

# ---- kills

control faults '{"match":"GET /plain/cursor","do":"delay","ms":150}' >/dev/null
for i in 1 2 3 4 5; do
	dry --sync cursor
	sleep "0.$i"
	kill -9 "$dry" 2>/dev/null
	wait "$dry" 2>/dev/null
done
goes_on "dry runs that are killed do not disturb the service"
run pause --sync cursor
until_true 20 quiet
before=$(requests)
dry --sync cursor
until_true 20 requested "$before"
serve_killed
serve
wait "$dry"
is "$?" 0 "a service that is killed and begins anew does not disturb a dry run"
has "$dir/dry" 'would add 0, .* delete 0; ' "which shows what there is to show"
control reset >/dev/null
run start --sync cursor
goes_on "nor the dry run the new service"

# ---- tokens

control set oauth.expires=2 >/dev/null
run run --sync one
is "$status" 0 "the service has an access token"
renewals=$(asked refresh)
sleep 2 # its life, by the provider's clock and by ours
run dry-run --sync one
is "$status" 0 "a dry run begins when that has expired"
has "$dir/out" '^ada : oauth : one  would add 0, update 0, delete 0; 299 unchanged' "and goes well"
[ "$(asked refresh)" -gt "$renewals" ]
ok $? "by a new one"
has "$dir/err" 'ada : oauth has a rate limit: .* does not count what this dry run sends' "and says that limits are not counted together"
control set oauth.expires=3600 >/dev/null
sleep 2
run run --sync one
is "$status $(asked refused)" "0 0" "which the service had renewed, and goes on by: no refresh token is lost"
renewals=$(asked refresh)
run dry-run --sync one
is "$status $(asked refresh)" "0 $renewals" "one that is good is used as it is"
control faults '{"match":"GET /oauth/api/","times":1,"do":"401"}' >/dev/null
run dry-run --sync one
is "$status $(asked refresh)" "0 $((renewals + 1))" "one that the provider refuses is renewed, by the service"
control faults '{"match":"GET /oauth/api/","do":"401"}' >/dev/null
run dry-run --sync one
is "$status $(asked refresh)" "3 $((renewals + 1))" "one that was had just now is not: the credentials are refused"
has "$dir/said" 'ada : oauth: the access token is refused' "as the message says"
control reset >/dev/null
cp -r "$conf" "$dir/other"
sed -i 's/rt.guest.0/rt.else.0/' "$dir/other/sluice.ini"
"$build/sluice" --conf "$dir/other" dry-run --sync one >"$dir/out" 2>"$dir/err"
status=$?
cat "$dir/out" "$dir/err" >"$dir/said"
is "$status $(asked refresh)" "3 0" "a refresh token that the service does not know is not spent"
has "$dir/said" 'sluice reload' "but reload is asked for"
printf '[connection bob : oauth]\nrefresh_token = rt.bob.0\n' | ini
run dry-run --sync one --connection-id bob
is "$status $(asked refresh)" "3 0" "nor is that of a connection that it does not know"
has "$dir/said" 'knows no connection bob : oauth: .sluice reload. there first' "with the same advice"
run reload
run dry-run --sync one --connection-id bob
is "$status $(asked refresh)" "0 1" "after it the service has it renewed"

# ---- what it needs

mv "$dir/store.key" "$dir/away.key"
run dry-run --sync cursor
is "$status" 2 "without the store's key there is no dry run"
has "$dir/said" 'store.key is missing' "and the file is named"
mv "$dir/away.key" "$dir/store.key"
goes_on "all the while the service goes on"
kill "$host"
wait "$host"
is "$?" 0 "and ends in good order"
