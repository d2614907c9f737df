#!/bin/sh
# contract_proxy.sh - /proxy: what goes up and comes down, as it is; credentials stay here, and go to no other host.
. "$(dirname "$0")/lib.sh"
. tests/flow/contract.inc
plugins act oauth
provider
quiet=$at
provider --records 40

port=${at##*:}
host 'retry_base = 10ms' 'http_max_body = 1MiB' 'first_spread = 24h' # no sync asks the provider meanwhile
keys
ini <<INI
[integration stripe]
base_url = $at/stripe
allow_hosts = localhost:$port
[connection acme : stripe]
token = sk_test_proxy_secret
[connection plain : act]
base_url = $at
[integration scarce]
plugin = act
base_url = $at
quota = 2/6h
[connection plain : scarce]
[connection quiet : act]
base_url = $quiet
[integration oauth]
base_url = $at
token_url = $at/oauth/token
client_id = app
client_secret = a-client-secret
[connection own : oauth]
refresh_token = rt.own.0
INI
serve_begin

who=plain key=act
via() { # via METHOD PATH [BODY] [curl's]
	method=$1 path=$2 json=${3-}
	[ $# -gt 2 ] && shift 3 || shift $#
	ask "$method" "/proxy$path" "$json" -H "Connection-Id: $who" -H "Provider-Config-Key: $key" "$@"
}
coded() { # coded STATUS CODE SENTENCE
	is "$code $(sed -n 's/^{"error":{"code":"\([a-z_]*\)".*/\1/p' "$dir/body")" "$1 $2" "$3"
}
calls() { control requests | tr -d '\n' | sed -n 's/.*"total":\([0-9]*\).*/\1/p'; }
logged() { control requests log=1 >"$dir/log"; }

# ---- methods, query, headers, bodies

for method in GET POST PUT PATCH DELETE; do
	control faults "{\"route\":\"$method /any/$method\",\"replies\":[{\"status\":200,\"headers\":{\"X-Request-Id\":\"r-$method\",\"Set-Cookie\":\"a=b\"},\"body\":{\"said\":\"$method\"}}]}" >"$dir/control"
	case $method in GET | DELETE) body= ;; *) body='{"a":1}' ;; esac
	via $method "/any/$method" "$body"
	is "$code $(cat "$dir/body")" "200 {\"said\":\"$method\"}" "$method goes up, and its answer comes down"
done
has "$dir/head" '^[Xx]-[Rr]equest-[Ii]d: r-DELETE' "with the headers that are named"
is "$(grep -ci '^x-request-id' "$dir/head")" 1 "each once"
hasnt "$dir/head" '[Ss]et-[Cc]ookie' "and without the others"
control faults '{"route":"HEAD /any/HEAD","replies":[{"status":200}]}' >"$dir/control"
via HEAD /any/HEAD '' --head
is "$code" 200 "HEAD has its status"
via GET /
is "$code" 404 "the base URL itself may be asked too, and its 404 is the provider's"
holds_not not_found "and not the host's"
control reset >"$dir/control"
control faults '{"route":"POST /any","replies":[{"status":418,"headers":{"Retry-After":"7"},"body":{"teapot":true}}]}' >"$dir/control"
via POST '/any?a=1&b=%20x&c[]=2+3' '{"a": 1}' -H 'Nango-Proxy-X-Mine: yes' -H 'nango-proxy-accept-encoding: br' -H 'X-Not-Mine: no'
is "$code $(cat "$dir/body")" '418 {"teapot":true}' "a provider's error is the answer"
has "$dir/head" '^[Rr]etry-[Aa]fter: 7' "with its headers"
logged
has "$dir/log" '/any\?a=1&b=%20x&c(\[\]|%5B%5D)=2\+3"' "the query goes up as it came"
has "$dir/log" '"[Xx]-[Mm]ine":"yes"' "headers called Nango-Proxy-NAME go up as NAME"
hasnt "$dir/log" 'X-Not-Mine|[Nn]ango|'"$write_key" "and no others, the caller's key least of all"
control reset >"$dir/control"
control faults '{"route":"PUT /any","replies":[{"status":200,"headers":{"Content-Type":"image/png"},"body":"\u0001\u0002"}]}' >"$dir/control"
head -c 100000 /dev/urandom >"$dir/bytes"
control faults '{"route":"GET /page","replies":[{"status":200,"headers":{"Content-Type":"text/html","Set-Cookie":"a=b","Content-Security-Policy":"script-src *","Access-Control-Allow-Origin":"*","Strict-Transport-Security":"max-age=9","Clear-Site-Data":"x","Refresh":"0","Cache-Control":"public, max-age=9"},"body":"<script>alert(1)</script>"}]}' >"$dir/control"
via GET /page
is "$code $(cat "$dir/body")" "200 <script>alert(1)</script>" "a provider's page comes down as it is"
hasnt "$dir/head" '[Cc]ookie|script-src|[Aa]llow-[Oo]rigin|[Tt]ransport-Sec|[Cc]lear-|[Rr]efresh|public' "with none of its words to a browser"
has "$dir/head" "Content-Security-Policy: default-src 'none'; frame-ancestors 'none'" "and under the host's own: nothing in it runs"
via PUT /any '' -H 'Content-Type: application/x-thing' --data-binary "@$dir/bytes"
is "$code" 200 "any body goes up"
logged
has "$dir/log" '"[Cc]ontent-[Ll]ength":"100000"' "whole"
has "$dir/log" '"[Cc]ontent-[Tt]ype":"application/x-thing"' "under its own type"
head -c 1100000 /dev/zero >"$dir/bytes"
via PUT /any '' -H 'Content-Type: application/x-thing' --data-binary "@$dir/bytes"
is "$code" 413 "up to http_max_body"

# ---- long answers

control set plain.size=20000 >"$dir/control"
control set plain.records=400 >"$dir/control"
curl -s "$at/plain/cursor?limit=300" >"$dir/direct"
via GET '/plain/cursor?limit=300'
same "$dir/body" "$dir/direct" "an answer of megabytes comes down byte by byte the same"
control set gzip=on >"$dir/control"
via GET '/plain/cursor?limit=300'
same "$dir/body" "$dir/direct" "also one that the provider compresses"
control set gzip=off >"$dir/control"
ask GET '/proxy/plain/cursor?limit=300' '' -H "Connection-Id: $who" -H "Provider-Config-Key: $key" --limit-rate 2M
same "$dir/body" "$dir/direct" "also to a client that reads slowly"
control faults '{"match":"GET /plain/cursor","do":"cut","percent":50}' >"$dir/control"
curl -s -o "$dir/body" -H "Authorization: Bearer $as" -H "Connection-Id: $who" -H "Provider-Config-Key: $key" "$url/proxy/plain/cursor?limit=300"
[ $? != 0 ]
ok $? "an answer that is cut off is seen to be cut off"
control reset >"$dir/control"

# ---- credentials

who=acme key=stripe
via GET '/v1/customers?limit=1'
is "$code" 200 "a request goes up with the connection's credentials"
logged
has "$dir/log" 'Bearer sk_test_proxy_secret|\*\*\*' "which the provider sees"
! cat "$dir/body" "$dir/head" | grep -q proxy_secret
ok $? "and the client does not"
before=$(calls)
via GET /v1/customers '' -H 'Nango-Proxy-Authorization: Bearer mine'
coded 400 invalid_request "a header that carries credentials is the host's to set"
via GET /v1/customers '' -H 'Base-Url-Override: http://127.0.0.1:1'
coded 400 invalid_request "another base URL leads to no host that the connection may not reach"
holds 'allow_hosts' "and what would allow it is told"
is "$(calls)" "$before" "nothing of that was sent"
control reset >"$dir/control"
via GET /v1/customers '' -H "Base-Url-Override: http://localhost:$port/stripe/"
logged
has "$dir/log" '/stripe/v1/customers' "to an allowed host it leads"
hasnt "$dir/log" 'proxy_secret|[Aa]uthorization' "and no credential with it"
via GET '/v1/customers?limit=1' '' -H 'Base-Url-Override;' -H 'Nango-Activity-Log-Id;' -H 'Decompress: false'
is "$code" 200 "empty headers count as none"
via GET '//v1/customers?limit=1'
is "$code" 200 "a path that begins with two slashes names no host"
control faults '{"route":"GET /stripe/v1/leak","replies":[{"status":403,"body":{"key":"sk_test_proxy_secret"}}]}' >"$dir/control"
via GET /v1/leak
is "$code $(cat "$dir/body")" '403 {"key":"***"}' "a credential that a provider sends back with a refusal is blanked"
who=plain key=scarce
for time in 1 2; do via GET '/plain/cursor?limit=1'; done
is "$code" 200 "what the quota lets pass goes up"
via GET '/plain/cursor?limit=1'
coded 429 rate_limited "what is beyond it does not"
is "$(sed -n 's/^[Rr]etry-[Aa]fter: \([0-9]\{5\}\).*/later/p' "$dir/head")" later "and Retry-After says when there is room again"
who=own key=oauth
via GET '/oauth/api/cursor?limit=1'
is "$code" 200 "an access token is had when there is none"
as=$read_key
via GET '/oauth/api/cursor?limit=1'
coded 403 forbidden "a key of scope read asks no provider"
as=$write_key

# ---- retries, errors, leaving

who=plain key=act
control reset >"$dir/control"
control faults '{"match":"POST /any","times":2,"do":"503"}' '{"route":"POST /any","replies":[{"status":200,"body":{}}]}' >"$dir/control"
via POST /any '{}'
is "$code $(calls)" "503 1" "without Retries nothing is tried again"
via POST /any '{}' -H 'Retries: 3'
is "$code $(calls)" "200 3" "with it as often as it takes, POST too"
control reset >"$dir/control"
control faults '{"match":"GET /any","times":1,"do":"409"}' '{"route":"GET /any","replies":[{"status":200,"body":{}}]}' >"$dir/control"
via GET /any '' -H 'Retries: 1' -H 'Retry-On: 408,409'
is "$code $(calls)" "200 2" "also on statuses that the caller names"
via GET /any '' -H 'Retry-On: soon'
coded 400 invalid_headers "which must be statuses"
who=nobody
via GET /any
coded 400 server_error "an unknown connection is told as the contract does"
key=nothing
via GET /any
coded 404 unknown_provider_config "an unknown integration too"
ask GET /proxy/any
coded 400 invalid_headers "and so are headers that are missing"
who=plain key=act
control reset >"$dir/control"
control faults '{"match":"GET /any","do":"hang-up"}' >"$dir/control"
via GET /any
coded 502 provider_error "a provider that gives no answer is told"
at=$quiet control faults '{"match":"GET /quiet","do":"silence"}' >"$dir/control"
connected() { awk -v port="$(printf ':%04X' "${quiet##*:}")" '$3 ~ port "$" && $4 == "01"' /proc/net/tcp | grep -q .; }
settled() { ! connected; }
until_true 20 settled
who=quiet
via GET /quiet '' --max-time 5 &
left=$!
until_true 20 connected
ok $? "while a client waits its request is under way"
wait $left
until_true 20 settled
ok $? "a client that leaves has its request cancelled"
serve_end
is $? 0 "the host ends in good order"
