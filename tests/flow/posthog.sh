#!/bin/sh
# posthog.sh - the posthog connector: next links of another host, events of one instant at a page's edge, a funnel's rates.
. "$(dirname "$0")/lib.sh"
. tests/flow/trials.inc

configure() { # configure LINES...: of the connection
	host 'retry_base = 10ms' 'first_spread = 0s'
	ini <<-INI
		[integration posthog]
		base_url   = $at
		rate_limit = 10000/s
		[connection acme : posthog]
		token      = phx_flow
		project_id = 309484
	INI
	for line; do echo "$line"; done | ini
}

models='PostHogPerson PostHogEvent PostHogConversionData'
scripts='plugins/posthog/answers/*.json'
provider
configure 'funnel_insight = 51' 'funnel_steps = ["$pageview", "sign up", "purchase"]'

trial_whole 17
is "$(stored PostHogEvent | wc -l)" 8 "events of the instant at which a page ends are all there, and none twice"
control requests log=1 | tr '{' '\n' | grep -o '"target":"[^"]*events[^"]*"' >"$dir/targets"
has "$dir/targets" 'after=2026-06-03T13%3A56%3A09.999000Z&before=2026-06-03T13%3A56%3A10.001000Z' \
	"a time with an offset from UTC, and one without a fraction, is read right"
stored PostHogPerson | grep -q '"seats":9007199254740993'; ok $? "a person is stored as it came, with all its digits"
rates() { stored PostHogConversionData | sed -n "s/.*\"id\":\"$1\".*\"step_rate\":\([0-9.]*\),\"overall_rate\":\([0-9.]*\),.*/\1 \2/p"; }
is "$(rates 51_1) $(rates 51_2)" "41.84 41.84 33.94 14.2" "the funnel's rates, by step and overall"
is "$(rates funnel_2)" "33.94 14.2" "also where the option says the steps"
stored PostHogConversionData | grep '"id":"51_0"' >"$dir/got"
has "$dir/got" '"order":0.*"count":20166,"step_rate":100,"overall_rate":100,"dropped":0,"average_conversion_time":null' \
	"the first step is all of those who began"
control faults '{"match":"GET /api/projects/309484/insights/","do":"reply","body":{"id":51,"result":[
	[{"name":"a","order":0,"count":10,"breakdown_value":["Firefox"]},{"name":"b","order":1,"count":5,"breakdown_value":["Firefox"]}],
	[{"name":"a","order":0,"count":0,"breakdown_value":["Safari"]},{"name":"b","order":1,"count":0,"breakdown_value":["Safari"]}]]}}' >/dev/null
run run --sync conversion-rate
is "$(rates '51_Firefox_1')" "50 50" "with a breakdown each value has a funnel of its own"
stored PostHogConversionData | grep 'Safari.*"order":1' >"$dir/got"
has "$dir/got" '"step_rate":null,"overall_rate":null' "where nobody began there is no rate"
control requests log=1 | grep -q 'query/' ; ok $? "the steps were asked by a query"

# ---- incremental: what is asked for the second time

anew
run run --sync total-events
run run --sync total-events
control requests log=1 | tr '{' '\n' | grep -o 'events/?after=[^"&]*&limit=100"' | sed 's/.*after=\([^&]*\).*/\1/' | sort -u >"$dir/since"
later=$(sort -r "$dir/since" | head -n 1 | sed 's/%3A/:/g')
ago=$(($(date +%s) - $(date -d "$later" +%s)))
[ "$(wc -l <"$dir/since")" = 2 ] && [ "$ago" -ge 3600 ] && [ "$ago" -lt 3900 ]
ok $? "the second run asks from an hour before the first one on"
configure 'backfill_days = 65'
anew
run run --sync total-events
control requests log=1 | tr '{' '\n' | grep -o 'after=[^"]*&limit=100"' | sort -u >"$dir/since"
is "$status $(wc -l <"$dir/since") $(grep -c 'before=' "$dir/since")" "0 3 2" "a long past is asked for in windows of 30 days, the newest of them until now"

# ---- faults, kills, refusals

configure 'funnel_insight = 51'
trial_whole 14
trial_faults 'GET /api/projects'
trial_kills
trial_resumes total-events 2

refuse() { # refuse STATUS BODY
	anew
	control faults "{\"match\":\"/api/\",\"do\":\"reply\",\"status\":$1,\"body\":$2}" >/dev/null
	run run --sync active-users
}
refuse 401 '{"type":"authentication_error","code":"authentication_failed","detail":"Personal API key found in request Authorization header is invalid.","attr":null}'
is "$status" 3 "a key that has been revoked: exit 3"
has "$dir/said" 'found in request Authorization header is invalid' "with PostHog's reason"
run test-connection --connection-id acme
is "$status" 3 "so says test-connection"
refuse 403 '{"type":"authentication_error","code":"permission_denied","detail":"API key missing required scope '"'person:read'"'","attr":null}'
is "$status" 3 "a scope that is lacking: exit 3"
has "$dir/said" "missing required scope 'person:read'" "and its name"
configure
anew
run run --sync conversion-rate
is "$status" 1 "without a funnel the run fails"
has "$dir/said" 'no funnel is named: set funnel_steps' "and says what to set"
configure 'funnel_steps = ["alone"]'
run run --sync conversion-rate
has "$dir/said" 'needs two events at least' "one step is no funnel"
sed -i "/^base_url/d" "$conf/sluice.ini"
echo 'region = eu' | ini
run config --check
is "$status" 0 "region chooses the cloud"
