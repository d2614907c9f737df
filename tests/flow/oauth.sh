#!/bin/sh
# oauth.sh - OAuth 2 from end to end: one request however many need a token, none lost by a kill, refusals remembered, and
# `sluice authorize` with PKCE, alone and beside a running host.
#
# The provider rotates its refresh tokens, and voids all older ones once a new one was used: whoever loses one is locked out.
. "$(dirname "$0")/lib.sh"
plugins oauth
provider --records 100
control set plain.records=100 >/dev/null

configure() { # configure LINES [LINES]: of the connection, of the integration
	host 'retries = 0' 'log_level = debug' 'encryption_key = none' 'first_spread = 100ms' # plain: so that the last case can look into it
	ini <<-INI
		[integration oauth]
		base_url = $at
		token_url = $at/oauth/token
		authorize_url = $at/oauth/authorize
		client_id = ${client:-app}
		client_secret = cnrysecret
		${2-}
		[connection acme : oauth]
		$1
	INI
}
asked() { # asked NAME: what the provider counted
	control oauth | tr -d '\n' | sed "s/.*\"$1\":\"\{0,1\}\([^,\"}]*\).*/\1/"
}
said() { cat "$dir/out" "$dir/err" >>"$dir/all.log"; }

# ---- refresh tokens

configure "$(printf 'max_runs = 2\nrefresh_token = rt.two.0')"
run run
said
is "$status" 0 "two syncs that need a token at the same moment get one"
is "$(asked refresh)" 1 "by one request"
is "$(live One) $(live Two)" "100 100" "and both bring their records"
run run
said
is "$status $(asked refresh)" "0 1" "the next run uses the token that is kept"
configure 'refresh_token = rt.short.0'
control set oauth.expires=1 >/dev/null
control reset >/dev/null
control faults '{"match":"GET /oauth/api/","do":"delay","ms":400}' >/dev/null
run run --sync one
said
is "$status $(live One)" "0 100" "a token that expires in the middle of a run is renewed; and a changed refresh_token wins over what is kept"
[ "$(asked refresh)" -gt 1 ] && [ "$(asked api_refused)" = 0 ]
ok $? "before it expires: no request was refused"

control reset >/dev/null
control set oauth.expires=3600 >/dev/null
run test-connection
has "$dir/out" '^  access token: valid, until 20' "test-connection says until when the access token is good"
rm -rf "$dir/store"
configure 'refresh_token = rt.fresh.0'
run test-connection --format json
has "$dir/out" '"token":.*"state": *"valid"' "also where nothing was ever synced:"
run run
is "$status $(asked refused)" "0 0" "the refresh token that it got is kept"

# ---- refused

control set oauth.expires=3600 >/dev/null
control reset >/dev/null
configure 'refresh_token = rt.revoked.0'
run run
said
is "$status $(asked refresh)" "3 1" "invalid_grant: exit 3, and one request for all syncs"
has "$dir/said" 'invalid_grant' "with the provider's reason"
client=bad
configure 'refresh_token = rt.client.0'
run run --sync one
said
is "$status" 3 "a client that is not known: exit 3"
has "$dir/said" 'invalid_client' "and its reason"
client=
control reset >/dev/null
control faults '{"match":"POST /oauth/token","times":1,"do":"503"}' >/dev/null
configure 'refresh_token = rt.later.0'
run run --sync one
said
is "$status" 75 "a token endpoint that fails is a matter of time: exit 75"
run run --sync one
said
is "$status" 0 "and the next run has its token"
configure ''
rm -rf "$dir/store"
run run --sync one
is "$status" 3 "nobody has permitted access: exit 3"
has "$dir/said" 'sluice authorize acme' "and what to do"
run doctor --format jsonl
has "$dir/out" '"check":"token","subject":"acme : oauth","verdict":"problem","found":".*nobody has permitted access' "doctor finds that too"
configure 'refresh_token = x'
sed -i '/^client_id/d' "$conf/sluice.ini"
run config --check
is "$status" 2 "a client that is missing is found by config --check"
has "$dir/said" 'client_id is missing; set client_id.*or private_key in its .connection.' "which names key and section"

# ---- an API that refuses a token

control reset >/dev/null
configure 'refresh_token = rt.doubt.0'
run run --sync one
control faults '{"match":"GET /oauth/api/","times":1,"do":"401"}' >/dev/null
run run --sync one
said
is "$status $(asked refresh)" "0 2" "a 401 renews the token once, and the request is made again"
control reset >/dev/null
control faults '{"match":"GET /oauth/api/","do":"401"}' >/dev/null
run run --sync one
said
is "$status $(asked refresh)" "3 1" "when it stays, the credentials are refused, after one renewal"
control reset >/dev/null

# ---- other grants

configure '' 'grant = client_credentials'
run run --sync one
said
is "$status $(asked client)" "0 1" "client credentials"
openssl genrsa 2048 2>/dev/null >"$dir/key.pem"
chmod 600 "$dir/key.pem"
configure "private_key = file:$dir/key.pem"
run run --sync one
said
is "$status $(asked jwt)" "0 1" "a signed JWT, by a PEM"
awk 'BEGIN { printf "{\"client_email\":\"x@y\",\"token_uri\":\"'"$at"'/oauth/token\",\"private_key_id\":\"k1\",\"private_key\":\"" } { printf "%s\\n", $0 } END { print "\"}" }' \
	"$dir/key.pem" >"$dir/google.json"
chmod 600 "$dir/google.json"
configure "private_key = file:$dir/google.json"
sed -i '/^token_url\|^client_id/d' "$conf/sluice.ini"
run run --sync one
said
is "$status $(asked jwt)" "0 2" "and by the JSON file of a service account"

# ---- kills

rm -rf "$dir/store"
control set oauth.expires=1 >/dev/null
control reset >/dev/null
configure 'refresh_token = rt.kills.0'
n=0
while [ $n -lt 9 ]; do # the host is killed as soon as the provider has sent the answer, or a little later
	before=$(asked refresh)
	"$build/sluice" --conf "$conf" run --sync one >/dev/null 2>>"$dir/all.log" &
	pid=$!
	answered() { [ "$(asked refresh)" -gt "$before" ]; }
	i=0
	until answered || [ $i -gt 200 ]; do i=$((i + 1)); sleep 0.01; done
	[ $((n % 3)) = 0 ] || sleep 0.0$((n * 3 % 10))
	kill -9 $pid 2>/dev/null
	wait $pid 2>/dev/null
	sleep 0.3
	n=$((n + 1))
done
control set oauth.expires=3600 >/dev/null
sleep 1
run run
said
is "$status" 0 "after nine kills around a refresh the connection still has a token that is good"
[ "$(asked refresh)" -gt 4 ]
ok $? "and there were refreshes to be killed at"
is "$(live One)" 100 "all its records are there"

# ---- authorize

browser() { # browser [SED]: opens the address that the program prints, changed by SED
	url=
	until_true 20 grep -q '^http' "$dir/url"
	url=$(sed -n '/^http/{p;q}' "$dir/url")
	curl -s -o "$dir/page" -w '%{http_code} %{redirect_url}' "$url" >"$dir/hop"
	hop=$(sed "s/^[0-9]* //${1:+;$1}" "$dir/hop")
	page_status=$(curl -s -o "$dir/page" -w '%{http_code}' "$hop")
}
authorize() { # in the background
	: >"$dir/url"
	"$build/sluice" --conf "$conf" authorize acme : oauth --timeout 30s >"$dir/url" 2>"$dir/err" </dev/null &
	pid=$!
}
over() {
	wait $pid
	status=$?
	cp "$dir/err" "$dir/said"
	said
}

rm -rf "$dir/store"
control reset >/dev/null
configure ''
authorize
browser 's/state=[^&]*/state=wrong/'
is "$page_status" 400 "another state is refused"
browser
over
is "$status $page_status $(asked code)" "0 200 1" "authorize: the code is exchanged for tokens"
has "$dir/page" 'Access permitted' "and the browser is told"
hasnt "$dir/page" 'script' "by a page without scripts"
has "$dir/said" 'Connection acme : oauth is authorized for read; its access token is good until 20' "and the terminal"
is "$(asked verifier | tr -d '\n' | openssl dgst -sha256 -binary | base64 | tr '+/' '-_' | tr -d '=\n')" "$(asked challenge)" "the verifier fits its challenge (S256)"
run run --sync one
said
is "$status $(asked requests)" "0 1" "the sync uses what it was given"
client=unwanted
configure ''
authorize
browser
over
is "$status" 3 "access denied: exit 3"
has "$dir/said" 'access_denied' "with the reason"
client=
configure ''
"$build/sluice" --conf "$conf" serve >/dev/null 2>"$dir/serve.log" &
host=$!
pids="$pids $host"
until_true 20 grep -q '"msg":"serves ' "$dir/serve.log"
authorize
browser
over
is "$status" 0 "authorize beside a running host"
run trigger --sync one
done_twice() { grep -q 'at.code[0-9]*' "$dir/never" || [ "$(asked api)" -gt 6 ]; }
until_true 20 done_twice
ok $? "which uses the new token at once"
run test-connection
said
is "$status" 0 "test-connection has that host check, which alone has the refresh token"
has "$dir/out" '^  access token: valid' "and tells how its token is"
run doctor --all
said
has "$dir/out" 'ok +token: acme : oauth: the access token is valid until 20' "as doctor does"
is "$(asked api_refused) $(asked refused)" "0 0" "and was refused nowhere"
kill "$host"
wait "$host"

# ---- nothing tells

cat "$dir/serve.log" >>"$dir/all.log"
for verb in status history logs config 'connections list'; do
	run $verb --format json
	said
done
! grep -qE 'at\.[a-z0-9]+\.[0-9]|rt\.[a-z0-9]+\.[1-9]|cnrysecret|code\.[0-9]' "$dir/all.log"
ok $? "no token, code or secret is in a log, the history or an answer"
grep -rqaE 'at\.code' "$dir/store"
ok $? "(they are in the store, which these tests leave open)"
rm -rf "$dir/store"
configure 'refresh_token = rt.sealed.0'
sed -i '/^encryption_key/d' "$conf/sluice.ini"
run run --sync one
is "$status" 0 "with the usual encryption"
! grep -rqaE 'at\.sealed|rt\.sealed' "$dir/store"
ok $? "the store does not show them"
