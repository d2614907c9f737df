#!/bin/sh
# contract_connections.sh - connections, metadata, integrations and scripts over HTTP: shapes, errors, and who may see what.
. "$(dirname "$0")/lib.sh"
. tests/flow/contract.inc
plugins act oauth
provider --records 30

host 'first_spread = 0s'
keys
ini <<INI
[integration stripe]
base_url = $at/stripe
[integration oauth]
base_url = $at
token_url = $at/oauth/token
client_id = app
client_secret = a-client-secret
[connection acme : stripe]
token = sk_test_acme_secret
metadata.region = eu
[connection beta : stripe]
token = sk_test_2
[connection acme : act]
[webhook app]
url = http://127.0.0.1:1/
secret = a secret for the signature of events
events = auth
INI
told() { # told: the endpoint's last event is in the body
	"$build/sluice" --conf "$conf" deliveries list --endpoint app --limit 0 --format jsonl >"$dir/list" 2>/dev/null
	"$build/sluice" --conf "$conf" deliveries show --endpoint app "$(sed -n 's/.*"number":\([0-9]*\).*/\1/p' "$dir/list" | tail -n 1)" \
		--format jsonl >"$dir/body" 2>/dev/null
}
echo sk_test_other >"$dir/token"
serve_begin

ask GET /connections
is "$code" 200 "connections are listed"
holds '"connection_id":"acme","provider_config_key":"stripe","provider":"stripe","errors":[],"end_user":null,"tags":{},"metadata":{"region":"eu"},"created":"20' "in the contract's shape"
holds_not credentials "without credentials"
ask GET '/connections?connectionId=beta'
is "$(grep -o connection_id "$dir/body" | wc -l)" 1 "by their name"
ask GET '/connections?integrationId=act,oauth&search=CM'
is "$(grep -o '"connection_id":"acme","provider_config_key":"act"' "$dir/body" | wc -l) $(grep -o connection_id "$dir/body" | wc -l)" "1 1" \
	"by integrations and a part of the name, in any case"
ask GET '/connections?limit=1&page=2'
is "$(grep -o connection_id "$dir/body" | wc -l)" 1 "and in pages"
ask GET '/connections?colour=red'
is "$code" 400 "a parameter that nobody declared is refused"
holds '"code":"invalid_query_params"' "with the contract's code"

ask GET '/connections/acme?provider_config_key=stripe&force_refresh=false&refresh_token=false&refresh_github_app_jwt_token=false' '' \
	-H 'Content-Type: application/json'
is "$code" 200 "one connection is shown, with a content type and no body"
holds '"credentials":{"type":"API_KEY"}' "a key of scope write sees the type of its credentials"
holds_not sk_test "and nothing more"
as=$admin_key
ask GET '/connections/acme?provider_config_key=stripe'
holds '"credentials":{"type":"API_KEY","apiKey":"sk_test_acme_secret"}' "a key of scope admin sees them"
as=$write_key
ask GET '/connections/nobody?provider_config_key=stripe'
is "$code $(grep -c '"code":"not_found"' "$dir/body")" "404 1" "one that is not there is 404 not_found"
ask GET '/connections/acme?provider_config_key=nothing'
is "$code $(grep -c '"code":"unknown_provider_config"' "$dir/body")" "400 1" "of an unknown integration 400"

# ---- metadata

ask PATCH /connections/metadata '{"connection_id":"acme","provider_config_key":"stripe","metadata":{"b":{"c":1}}}'
is "$code $(cat "$dir/body")" '200 {"connection_id":"acme","provider_config_key":"stripe","metadata":{"b":{"c":1}}}' "an update is echoed"
ask GET '/connections/acme?provider_config_key=stripe'
holds '"metadata":{"region":"eu","b":{"c":1}}' "and merged into what INI gives"
ask POST /connections/metadata '{"connection_id":["acme","beta"],"provider_config_key":"stripe","metadata":{"only":true}}'
is "$code" 201 "metadata is set for several at once"
ask POST /connections/metadata '{"connection_id":["acme","nobody"],"provider_config_key":"stripe","metadata":{"x":1}}'
is "$code $(grep -c unknown_connection "$dir/body")" "404 1" "one unknown connection costs the request"
ask GET '/connections?integrationId=stripe'
is "$(grep -o '"metadata":{"only":true}' "$dir/body" | wc -l)" 2 "and changes nothing of the others"
as=$read_key
ask POST /connections/metadata '{"connection_id":"acme","provider_config_key":"stripe","metadata":{}}'
is "$code $(grep -c forbidden "$dir/body")" "403 1" "a key of scope read sets nothing"
as=$write_key

# ---- made, changed, removed

ask POST /connections '{"provider_config_key":"stripe","connection_id":"g/1|x@{y}","credentials":{"type":"API_KEY","apiKey":"sk_test_imported"},
	"metadata":{"a":1},"tags":{"team":"a"},"end_user":{"id":"u1","email":"ada@example.com"}}'
is "$code" 201 "a connection is imported, under any name that its application has for it"
holds '"credentials":{"type":"API_KEY"}' "its credentials are not told back"
ask GET '/connections/g/1|x@%7By%7D?provider_config_key=stripe'
is "$code" 200 "and found by that name"
holds '"tags":{"team":"a"},"metadata":{"a":1}' "with tags and metadata"
ask GET '/connections?tags[team]=a&endUserId=u1&search=ADA'
is "$(grep -o connection_id "$dir/body" | wc -l)" 1 "and by its tag and its end user"
ask GET '/connections?tags[team]=b'
is "$(cat "$dir/body")" '{"connections":[]}' "of another tag there is none"
until_true 30 grep -q 'g/1|x@{y}.*records' "$dir/serve.err"
customers() { ask GET '/records?model=StripeCustomer&limit=1' '' -H 'Connection-Id: g/1|x@{y}' -H 'Provider-Config-Key: stripe' && grep -q _nango_metadata "$dir/body"; }
until_true 30 customers
ok $? "its syncs run"
ask PATCH '/connections/g/1|x@%7By%7D?provider_config_key=stripe' '{"tags":{"team":"b"}}'
is "$code $(cat "$dir/body")" '200 {"success":true}' "it is labelled anew"
ask GET '/connections?tags[team]=b'
is "$(grep -o connection_id "$dir/body" | wc -l)" 1 "and found by that"
told
holds '"authMode":"API_KEY","connectionId":"g/1|x@{y}","endUser":{"endUserId":"u1"},"environment":"production","from":"nango","operation":"creation","provider":"stripe","providerConfigKey":"stripe","success":true,"tags":{"team":"a"},"type":"auth"}' \
	"its application was told that it is there, and whose it is"
ask POST /connections '{"provider_config_key":"stripe","connection_id":"again","credentials":{"type":"API_KEY","apiKey":"sk_test_1"}}'
ask POST /connections '{"provider_config_key":"stripe","connection_id":"again","credentials":{"type":"API_KEY","apiKey":"sk_test_2"},
	"tags":{"Team":"B","plan":"Pro"},"end_user":{"id":"u2","organization":{"id":"o2"}}}'
is "$code $(grep -c '"tags":{"team":"B","plan":"Pro"}' "$dir/body")" "201 1" "names of tags are kept in lower case"
told
holds '"endUser":{"endUserId":"u2","organizationId":"o2"},"environment":"production","from":"nango","operation":"override"' \
	"one that takes the place of another is told too"
ask GET '/connections?tags[TEAM]=B'
is "$(grep -o '"connection_id":"[^"]*"' "$dir/body")" '"connection_id":"again"' "and a tag is found in any case"
ask PATCH '/connections/again?provider_config_key=stripe' '{"tags":{"a":"1","A":"2"}}'
is "$code $(grep -c '"code":"invalid_body","message":"tags.a: stands twice' "$dir/body")" "400 1" "names that differ in case alone are refused"
ask PATCH '/connections/again?provider_config_key=stripe' '{"tags":{"a":1}}'
is "$code $(grep -c 'tags.a: must be a string' "$dir/body")" "400 1" "and what is no text"
ask GET '/connections/again?provider_config_key=stripe'
holds '"tags":{"team":"B","plan":"Pro"}' "and nothing was changed"
run connections add other : stripe --token file:"$dir/token"
told
holds '"connectionId":"other","environment":"production","from":"nango","operation":"creation"' "one that a command made is told as well"

ask POST /connections '{"provider_config_key":"stripe","connection_id":"acme","credentials":{"type":"API_KEY","apiKey":"x"}}'
is "$code $(grep -c defined_in_config "$dir/body")" "409 1" "a connection of INI is not replaced"
ask PATCH '/connections/acme?provider_config_key=stripe' '{"tags":{}}'
is "$code $(grep -c defined_in_config "$dir/body")" "409 1" "nor labelled"
ask DELETE '/connections/acme?provider_config_key=stripe'
is "$code $(grep -c defined_in_config "$dir/body")" "409 1" "nor removed"
ask POST /connections '{"provider_config_key":"nothing","credentials":{"type":"NONE"}}'
is "$code $(grep -c unknown_provider_config "$dir/body")" "400 1" "an import needs an integration or a plugin of that name"
ask POST /connections '{"provider_config_key":"stripe","credentials":{"type":"TBA"}}'
is "$code $(grep -c 'credentials.type' "$dir/body")" "400 1" "and credentials of a type that is kept"
ask POST /connections '{"provider_config_key":"stripe","credentials":{"type":"API_KEY"}}'
is "$code" 400 "and those that the connector wants"
for name in a:b ' a' 'a ' :; do
	ask POST /connections "{\"provider_config_key\":\"stripe\",\"connection_id\":\"$name\",\"credentials\":{\"type\":\"API_KEY\",\"apiKey\":\"x\"}}"
	is "$code $(grep -c '"code":"invalid_body"' "$dir/body")" "400 1" "and a name that can stand in a configuration, unlike '$name'"
done
ask GET '/connections?limit=1'
is "$code" 200 "which costs nobody else anything"

serve_kill
serve_begin
ask GET '/connections/g/1|x@%7By%7D?provider_config_key=stripe'
holds '"tags":{"team":"b"},"metadata":{"a":1}' "all of it outlives a kill"
ask DELETE '/connections/g/1|x@%7By%7D?provider_config_key=stripe'
is "$code $(cat "$dir/body")" '200 {"success":true}' "it is removed"
ask DELETE '/connections/g/1|x@%7By%7D?provider_config_key=stripe'
is "$code $(grep -c unknown_connection "$dir/body")" "400 1" "once"

# ---- OAuth 2

as=$admin_key
ask POST /connections '{"provider_config_key":"oauth","connection_id":"o1","credentials":{"type":"OAUTH2","refresh_token":"rt.o1.0"}}'
is "$code" 201 "an OAuth 2 connection is imported by its refresh token"
token=$(sed -n 's/.*"access_token":"\([^"]*\)".*/\1/p' "$dir/body")
[ -n "$token" ]
ok $? "and the access token that it brings is shown to a key of scope admin"
ask GET '/connections/o1?provider_config_key=oauth&refresh_token=true'
holds "\"access_token\":\"$token\",\"refresh_token\":\"rt.o1." "the same as long as it is good; the refresh token where asked for"
as=$write_key
ask GET '/connections/o1?provider_config_key=oauth'
holds '"credentials":{"type":"OAUTH2"}' "any other key sees the type"
as=$admin_key
ask POST /connections '{"provider_config_key":"oauth","connection_id":"o2","credentials":{"type":"OAUTH2","refresh_token":"rt.revoked2.0"}}'
is "$code $(grep -c '"code":"invalid_credentials"' "$dir/body")" "424 1" "a refresh token that is refused is told as invalid_credentials"
holds '"payload":{"connection":{' "with the connection"
ask POST /connections '{"provider_config_key":"oauth","connection_id":"o3","credentials":{"type":"OAUTH2","access_token":"at.of.its.owner","refresh_token":"rt.o3.0"}}'
is "$code" 201 "one is imported with both of its tokens"
as=$write_key
ask POST /connections '{"provider_config_key":"oauth","connection_id":"o3","credentials":{"type":"OAUTH2"}}'
as=$admin_key
ask GET '/connections/o3?provider_config_key=oauth'
holds_not 'at.o' "who takes its place inherits no token"
as=$write_key
for setting in '"base_url":"http://127.0.0.1:1"' '"webhook_unsigned":"yes"'; do
	ask POST /connections "{\"provider_config_key\":\"stripe\",\"connection_id\":\"ssrf\",\"credentials\":{\"type\":\"API_KEY\",\"apiKey\":\"x\"},\"connection_config\":{$setting}}"
	is "$code $(grep -c '"code":"forbidden"' "$dir/body")" "403 1" "$setting is not an application's to say"
done
ask GET '/connections?connectionId=ssrf'
is "$(cat "$dir/body")" '{"connections":[]}' "and nothing is made of it"
as=$admin_key
ask POST /connections "{\"provider_config_key\":\"stripe\",\"connection_id\":\"own\",\"credentials\":{\"type\":\"API_KEY\",\"apiKey\":\"file:$conf/sluice.ini\"},\"connection_config\":{\"base_url\":\"$at/stripe\"}}"
is "$code" 201 "an admin says where a connection leads"
holds "\"apiKey\":\"file:$conf/sluice.ini\"" "a credential that looks like the name of a file is a credential"
as=$write_key

as=$admin_key
ask PUT /api/v1/connections/x/nonesuch '{"settings":{}}'
is "$code" 400 "a connection of no plugin is refused"
ask GET /integrations
holds_not nonesuch "and leaves no integration behind"
as=$write_key

# ---- integrations, providers, scripts, fixed answers

ask GET /integrations
holds '{"unique_key":"stripe","provider":"stripe","display_name":"' "integrations are listed"
ask GET '/integrations/stripe?include=webhook'
holds '"webhook_url":"/webhook/stripe"' "one is shown, with the path of its webhooks"
as=$admin_key
ask GET '/integrations/oauth?include=credentials'
holds '"client_id":"app","client_secret":null' "its client id for a key of scope admin, its secret for nobody"
as=$write_key
ask GET /integrations/nothing
is "$code $(grep -c not_found "$dir/body")" "404 1" "one that is not there is 404"
ask POST /integrations '{"provider":"stripe","unique_key":"x"}'
is "$code $(grep -c defined_in_config "$dir/body")" "409 1" "they are made in the configuration"
ask DELETE /integrations/stripe
is "$code $(grep -c defined_in_config "$dir/body")" "409 1" "and removed there"
ask GET '/providers?search=str'
is "$(grep -o '"name":' "$dir/body" | wc -l)" 1 "plugins are listed as providers"
ask GET /scripts/config
holds '{"name":"echo","type":"action"' "scripts: actions"
holds '{"name":"customers","type":"sync"' "and syncs of each integration"
ask GET '/scripts/config?format=openai'
holds '"function":{"name":"echo","description":"","parameters":{"type":"object","properties":{"name":{"type":"string"}},"required":["name"]}}' \
	"actions as tools"
ask GET /environment-variables
is "$code $(cat "$dir/body")" "200 []" "there are no environment variables"
ask POST /connect/sessions '{"end_user":{"id":"1"}}'
is "$code $(grep -c not_supported "$dir/body")" "501 1" "what is not offered says so"
hasnt "$dir/serve.err" 'sk_test_(acme|imported)|rt\.o1|a-client-secret' "no credential is in the log"
serve_end
is $? 0 "the host ends in good order"
