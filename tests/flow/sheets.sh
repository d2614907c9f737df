#!/bin/sh
# sheets.sh - the google-sheets connector: ragged rows, names of columns, ranges, blocks of rows, keys, errors.
. "$(dirname "$0")/lib.sh"
. tests/flow/trials.inc

configure() { # configure LINES...: of the connection
	host 'retry_base = 10ms' 'encryption_key = none' 'first_spread = 0s'
	ini <<-INI
		[integration google-sheets]
		base_url   = $at
		token_url  = $at/oauth/token
		client_id  = app
		rate_limit = 10000/s
		[connection acme : google-sheets]
		refresh_token  = rt.flow.0
		spreadsheet_id = 1BxiEXAMPLE
	INI
	for line; do echo "$line"; done | ini
}
values() { stored SheetRow | sed -n "s|^{\"id\":\"$1\",.*\"values\":\(.*\)}$|\1|p"; }
asked_for() { control requests log=1 | tr '{' '\n' | grep -o "ranges=[^\"&]*"; }

models='SheetRow SheetMetadata'
scripts='plugins/google-sheets/answers/*.json'
provider
control set oauth.rotate=0 >/dev/null
configure

# ---- every sheet, rows by number

trial_whole 9
is "$(values 'Class Data/2')" '{"Name":"Ada","Mail":"ada@example.com","C":"x","Name (2)":"Lovelace"}' \
	"cells go by the names of their columns: one without a name by its letter, one that comes twice by a number"
is "$(values 'Class Data/3')" '{"Name":"Bob","Mail":null,"C":null,"Name (2)":null}' "what a row leaves out is null"
is "$(values 'Class Data/5')" '{"Name":"Carol","Mail":"carol@example.com","C":null,"Name (2)":"Example","E":"beyond","F":null,"G":"more"}' \
	"cells beyond the last name go by their letters, and an empty text is null"
is "$(stored SheetRow | sed 's/^{"id":"\([^"]*\)".*"row":\([0-9]*\),.*/\1=\2/' | grep Class | tr '\n' ' ')" \
	"Class Data/2=2 Class Data/3=3 Class Data/5=5 Class Data/7=7 " "empty rows are none, and count"
is "$(values "It's é Q1/2")" '{"Item":"Wheel","Cost":"$20.50"}' "a sheet may be called anything"
is "$(stored SheetRow | grep -c 'Empty')" 0 "an empty sheet has no rows"
is "$(stored SheetMetadata | grep '"id":0,')" \
	'{"id":0,"spreadsheet_id":"1BxiEXAMPLE","title":"Class Data","index":0,"type":"GRID","rows":12,"columns":4,"frozen_rows":1}' \
	"a sheet's id may be 0"
run test-connection --connection-id acme
has "$dir/said" 'Shop' "test-connection tells what the spreadsheet is called"

# ---- blocks

stored SheetRow | grep 'Class' >"$dir/want"
configure 'rows_per_request = 3' 'ranges = ["Class Data"]'
anew
run run --sync sheet-rows
stored SheetRow >"$dir/got"
same "$dir/want" "$dir/got" "a sheet that is longer than a request is read in blocks of rows, and is the same"
is "$(asked_for | wc -l)" 4 "as many as it has"
anew
printf '[sync acme : google-sheets : sheet-rows]\nstep_calls = 1\n' | ini
run run --sync sheet-rows
stored SheetRow >"$dir/got"
same "$dir/want" "$dir/got" "also where each request is a step of its own"
asked_for | grep -q '%211%3A1$'; ok $? "a later step asks for the names again"

configure 'ranges = ["Class Data"]'
printf '[sync acme : google-sheets : sheet-rows]\npage_size = 3\n' | ini
anew
run run --sync sheet-rows
stored SheetRow >"$dir/got"
same "$dir/want" "$dir/got" "page_size of the sync says the same,"
is "$(asked_for | wc -l)" 4 "with as many requests"
configure 'rows_per_request = 3' 'ranges = ["Class Data"]'

anew
control faults '[{"match":"GET *values:batchGet?ranges=%27Class%20Data%27%211%3A*","do":"reply","body":{"valueRanges":[{"range":"X!A1:D3"}]}}]' >/dev/null
run run --sync sheet-rows
is "$(values 'Class Data/5' | cut -c1-40)" '{"A":"Carol","B":"carol@example.com","C"' "where the first rows are empty, none of the others is taken for names"

configure
printf '[sync acme : google-sheets : sheet-rows]\nmax_delete_share = 100%%\n' | ini
anew
run run --sync sheet-rows
before=$(stored SheetRow | wc -l)
for body in '{"valueRanges":[]}' '{"valueRanges":[{"values":[["Name"],["Ada"]]}]}' \
	'{"valueRanges":[{"range":"X!A1:B2","values":{"a":["Name"]}}]}' '{"valueRanges":[{"range":"X!A1:B2","values":["Name","Ada"]}]}'; do
	control faults "[{\"match\":\"GET *values:batchGet*\",\"do\":\"reply\",\"body\":$body}]" >/dev/null
	run run --sync sheet-rows
	is "$status $(stored SheetRow | wc -l)" "1 $before" "an answer that is none of Google's proves nothing: $body"
done
control reset >/dev/null
control set oauth.rotate=0 >/dev/null

# ---- ranges, keys

configure 'ranges = ["Class Data!B2:C"]' 'header = no' 'values = raw'
anew
run run --sync sheet-rows
is "$(stored SheetRow | sed 's/.*"values"://' | tr '\n' ' ')" '{"B":"ada@example.com","C":20.5}} {"B":null,"C":12345678901234567890}} {"B":true}} ' \
	"a part of a sheet, without names, with numbers as they are"
configure 'ranges = ["Class Data"]' 'key_column = Name'
anew
run run --sync sheet-rows
is "$status $(stored SheetRow | sed 's/^{"id":"\([^"]*\)".*/\1/' | tr '\n' ' ')" \
	"0 Class Data/Ada Class Data/Bob Class Data/Carol Class Data/Dora " "rows are known by a column"
control faults '[{"match":"GET /v4/spreadsheets/1BxiEXAMPLE/values","do":"reply","body":{"valueRanges":[{"range":"'"'Class Data'"'!A1:D12",
	"values":[["Name","Mail","","Name"],["New"],["Bob"],["Dora","dora@example.com"],["Bob","second"],["","nobody"]]}]}}]' >/dev/null
had=$(sequence SheetRow)
run run --sync sheet-rows
is "$(changes SheetRow "$had" added) $(changes SheetRow "$had" updated)" "Class Data/New " "one that is put in above changes no other"
is "$(changes SheetRow "$had" deleted)" "" "while rows are faulty nothing counts as deleted"
has "$dir/said" '2 .*(reject|faulty|dead)' "one whose key another row has, and one without, are put aside"
configure 'ranges = ["Class Data"]' 'key_column = Email'
anew
run run --sync sheet-rows
is "$status" 1 "a key that is no column fails the run"
has "$dir/said" "no column 'Email'.*\"Mail\"" "which names the columns that there are"
for case in 'Nowhere!A1:B|no sheet .Nowhere' 'Class Data!what|is none: write'; do
	configure "ranges = [\"${case%|*}\"]"
	anew
	run run --sync sheet-rows
	is "$status" 1 "a range that is none fails the run"
	has "$dir/said" "${case#*|}" "and is told: ${case#*|}"
done

# ---- faults, kills, refusals

configure
trial_whole 9
trial_faults 'GET /v4/'
trial_kills
configure 'rows_per_request = 3' 'ranges = ["Class Data"]'
trial_whole 8
trial_kills
trial_resumes sheet-rows 3
refuse() { # refuse STATUS NAME WORDS
	anew
	control faults "{\"match\":\"GET /v4/\",\"do\":\"reply\",\"status\":$1,\"body\":{\"error\":{\"code\":$1,\"message\":\"$3\",\"status\":\"$2\"}}}" >/dev/null
	run run --sync sheet-rows
}
refuse 403 PERMISSION_DENIED 'The caller does not have permission'
is "$status" 3 "a spreadsheet that is not shared with the user: exit 3"
has "$dir/said" 'caller does not have permission' "with Google's words"
refuse 404 NOT_FOUND 'Requested entity was not found.'
is "$status" 1 "one that is not there: exit 1"
has "$dir/said" 'entity was not found' "with Google's words"
anew
run run --sync sheet-rows
control faults '{"match":"GET /v4/","times":1,"do":"reply","status":401,"body":{"error":{"code":401,"message":"Invalid Credentials","status":"UNAUTHENTICATED"}}}' >/dev/null
run run --sync sheet-rows
is "$status" 0 "an access token that has expired is renewed"
control faults '{"match":"GET /v4/","times":1,"do":"429","headers":{"Content-Type":"text/html"},"body":"<html>Sorry</html>"}' >/dev/null
run run --sync sheet-rows
is "$status" 0 "a quota that is used up is waited for, also where Google answers with a page"
