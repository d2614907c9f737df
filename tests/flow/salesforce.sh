#!/bin/sh
# salesforce.sh - the salesforce connector: objects by metadata, cursors that are forgotten, changes and deletes by time, errors in
# arrays, the fields of an object.
. "$(dirname "$0")/lib.sh"
. tests/flow/trials.inc

configure() { # configure REFRESH-TOKEN
	host 'retry_base = 10ms' 'encryption_key = none' 'first_spread = 0s'
	ini <<-INI
		[integration salesforce]
		base_url  = $at
		token_url = $at/oauth/token
		client_id = app
		[connection acme : salesforce]
		refresh_token = $1
	INI
}

accounts='{"model":"Account","fields":["Name","Owner.Name","id","AnnualRevenue","name"]}'
contacts='{"model":"Contact","fields":["Name","Email"]}'
invoices='{"model":"Invoice__c","fields":["Total__c"],"incremental":false}'
choose() { run metadata set --connection-id acme --integration salesforce "{\"configurations\":[$1]}"; }
prepare() { choose "$accounts,$contacts,$invoices"; }

targets() { control requests log=1 | tr '{' '\n' | grep -o '"target":"[^"]*"' | grep query; }

models='SalesforceAccount SalesforceContact SalesforceRecord'
scripts='plugins/salesforce/answers/*.json'
provider
control set oauth.rotate=0 >/dev/null # stores come and go here, and the newest refresh token would go with them
configure rt.flow.0

trial_whole 5
is "$(live SalesforceAccount) $(live SalesforceContact) $(live SalesforceRecord)" "3 1 1" "each object becomes its model, custom ones SalesforceRecord"
stored SalesforceAccount | grep -q '"AnnualRevenue":1.2345678901234567E17'; ok $? "records are stored as they came, with all their digits"
run test-connection --connection-id acme
is "$status" 0 "test-connection ends well"
has "$dir/said" '14998' "and says how much of the quota is left"
run action list-fields --connection-id acme --input '{"model":"Account"}'
is "$status" 0 "list-fields tells the fields of an object"
has "$dir/out" '"name": *"Tier__c"' "custom ones too"
hasnt "$dir/out" 'soapType' "and of each what people ask for"
run action list-fields --connection-id acme --input '{"model":"Nothing"}'
[ "$status" != 0 ]; ok $? "an object that is not there is an error"
has "$dir/said" 'requested resource does not exist' "with Salesforce's words"

# ---- how many at once

! control requests log=1 | grep -qi 'sforce-query-options'; ok $? "how many records a page has is Salesforce's choice"
printf '[sync acme : salesforce : records]\npage_size = 500\n' | ini
control reset >/dev/null
served
run run --full-refresh
is "$status" 0 "page_size of the sync"
is "$(control requests log=1 | grep -o 'sforce-query-options[": ]*batchSize=500' -i | wc -l)" "$(targets | wc -l)" \
	"goes with each request for records, those for further pages too"
sed -i 's/^page_size = .*/page_size = 100/' "$conf/sluice.ini"
run run
is "$status" 1 "one that Salesforce would not take fails the run"
has "$dir/said" 'page_size = 100: .*200 to 2000' "and it is said what it takes"
configure rt.flow.0

# ---- changes and deletes

record() { echo "{\"attributes\":{\"type\":\"Account\"},\"Id\":\"$1\",\"SystemModstamp\":\"2026-06-09T10:00:00.000+0000\",\"Name\":\"$2\"}"; }
control faults "[
	{\"match\":\"GET /services/data/v59.0/query?q=*FROM%20Account%20WHERE%20SystemModstamp*\",\"do\":\"reply\",\"body\":{\"totalSize\":2,\"done\":true,
	 \"records\":[$(record 001EXAMPLE00002AAA changed),$(record 001EXAMPLE00009AAA new)]}},
	{\"match\":\"GET /services/data/v59.0/queryAll?q=SELECT%20Id%20FROM%20Account%20WHERE%20IsDeleted*\",\"do\":\"reply\",\"body\":{\"totalSize\":1,\"done\":true,
	 \"records\":[{\"attributes\":{\"type\":\"Account\"},\"Id\":\"001EXAMPLE00003AAA\"}]}},
	{\"match\":\"GET /services/data/v59.0/queryAll?q=SELECT%20Id%20FROM%20Contact*\",\"do\":\"reply\",\"status\":400,
	 \"body\":[{\"message\":\"No such column 'IsDeleted' on entity 'Contact'.\",\"errorCode\":\"INVALID_FIELD\"}]}]" >/dev/null
had=$(sequence SalesforceAccount)
run run
is "$status" 0 "the usual run ends well, also where an object has no IsDeleted"
is "$(changes SalesforceAccount "$had" updated) $(changes SalesforceAccount "$had" added) $(changes SalesforceAccount "$had" deleted)" \
	"001EXAMPLE00002AAA 001EXAMPLE00009AAA 001EXAMPLE00003AAA" "it brings what changed, what is new and what was deleted"
is "$(live SalesforceRecord)" 1 "what has no SystemModstamp is read whole"
control reset >/dev/null
control faults '[{"route":"GET /services/data/v59.0/query/0rDELETED-1","replies":[
		{"status":400,"body":[{"message":"invalid query locator","errorCode":"INVALID_QUERY_LOCATOR"}]},
		{"body":{"totalSize":2,"done":true,"records":[{"Id":"001EXAMPLE00009AAA"}]}}]},
	{"match":"GET /services/data/v59.0/queryAll?q=SELECT%20Id%20FROM%20Account*","do":"reply","body":{"totalSize":2,"done":false,
	 "nextRecordsUrl":"/services/data/v59.0/query/0rDELETED-1","records":[{"Id":"001EXAMPLE00002AAA"}]}}]' >/dev/null
served
had=$(sequence SalesforceAccount)
run run
is "$status $(changes SalesforceAccount "$had" deleted | tr '\n' ' ')" "0 001EXAMPLE00002AAA 001EXAMPLE00009AAA " \
	"deleted records may fill pages, whose cursors may be forgotten too"
sed -i 's/^refresh_token.*/&\n[sync acme : salesforce : records]\nlookback = 3d/' "$conf/sluice.ini"
control reset >/dev/null
served
run run
is "$(targets | grep -c 'FROM%20Contact%20WHERE%20SystemModstamp%20%3E%3D')" 4 "days that were missed are asked for one by one"
is "$(targets | grep 'FROM%20Contact%20WHERE%20SystemModstamp' | grep -vc 'SystemModstamp%20%3C')" 1 "the last of them until now"

# ---- what is configured later, and wrongly

configure rt.flow.0
control reset >/dev/null
served
choose "$accounts"
anew
prepare() { :; }
run metadata set --connection-id acme --integration salesforce "{\"configurations\":[$accounts]}"
run run
is "$(live SalesforceAccount) $(live SalesforceContact)" "3 0" "only what is configured is read"
choose "$accounts,$contacts"
run run
is "$status $(live SalesforceContact)" "0 1" "an object that is configured later is read whole"
has "$dir/said" '1 added' "and it alone"
choose '{"model":"Contact","fields":["Name"]}'
run run
targets | grep -q 'SystemModstamp%2CName%20FROM%20Contact"'; ok $? "so is one with other fields"
for case in '{"model":"Account; DROP","fields":["Name"]}|no name of an object' '{"model":"Account","fields":["Name FROM User"]}|field that is none' \
	'{"model":"Account","fields":[]}|has no fields' "$accounts,$accounts|configured twice"; do
	choose "${case%|*}"
	run run
	is "$status" 1 "a configuration that is wrong fails the run"
	has "$dir/said" "${case#*|}" "and is told: ${case#*|}"
done
run metadata set --connection-id acme --integration salesforce '{}'
[ "$status" != 0 ]; ok $? "metadata without configurations is refused"
has "$dir/said" 'configurations' "and it is said what is missing"

# ---- errors

prepare() { choose "$accounts,$contacts,$invoices"; }
error() { echo "\"do\":\"reply\",\"status\":$1,\"body\":[{\"message\":\"$3\",\"errorCode\":\"$2\"}]"; }
anew
control faults "{\"match\":\"GET /services/data/v59.0/query/\",\"times\":1,$(error 400 INVALID_QUERY_LOCATOR 'invalid query locator')}" >/dev/null
run run
is "$status" 0 "a cursor that Salesforce has forgotten ends nothing"
brought >"$dir/got"
same "$dir/whole" "$dir/got" "the query begins anew, and all is there"
anew
printf '[sync acme : salesforce : records]\nstep_calls = 1\n' | ini
control faults "{\"match\":\"GET /services/data/v59.0/query/\",\"times\":1,$(error 400 INVALID_QUERY_LOCATOR 'invalid query locator')}" >/dev/null
run run
brought >"$dir/got"
same "$dir/whole" "$dir/got" "also where each request is a step of its own"
configure rt.flow.0
anew
control faults "{\"match\":\"GET /services/data/v59.0/query/\",$(error 400 INVALID_QUERY_LOCATOR 'invalid query locator')}" >/dev/null
run run
is "$status" 1 "one that is forgotten again and again fails the run"
control reset >/dev/null
served
run run
brought >"$dir/got"
same "$dir/whole" "$dir/got" "and the next run reads all"
anew
run run
choose "$accounts,$contacts,$invoices"
control faults "{\"match\":\"GET /services/\",\"times\":1,$(error 401 INVALID_SESSION_ID 'Session expired or invalid')}" >/dev/null
run run
brought >"$dir/got"
is "$status" 0 "an access token that has expired is renewed"
same "$dir/whole" "$dir/got" "and all is there"
for case in '401|INVALID_SESSION_ID|Session expired or invalid|3' '403|REQUEST_LIMIT_EXCEEDED|TotalRequests Limit exceeded.|75' \
	'403|API_DISABLED_FOR_ORG|The REST API is not enabled for this Organization.|3' '400|MALFORMED_QUERY|unexpected token|1' \
	'400|INVALID_FIELD|No such column|1'; do
	IFS='|' read -r code name words exit <<-END
		$case
	END
	anew
	control faults "{\"match\":\"GET /services/\",$(error "$code" "$name" "$words")}" >/dev/null
	run run
	is "$status" "$exit" "$name: exit $exit"
	has "$dir/said" "$words" "with Salesforce's words"
done

anew
trial_faults 'GET /services/'
trial_kills
trial_resumes records 3

# ---- where the org is

sed -i '/^base_url/d' "$conf/sluice.ini"
run run
is "$status" 2 "without domain and base_url the org is not known"
has "$dir/said" 'domain' "which is said"
echo 'domain = acme--test.sandbox' | ini
run config --check
is "$status" 0 "its domain is enough"
