#!/bin/sh
# close_trials.sh - the close connector and a provider that errs, cuts and truncates; and kills at each request, also where a list is
# read in windows of time.
. "$(dirname "$0")/lib.sh"
. tests/flow/trials.inc

scripts=
models=CloseLead
provider --records 30
host 'retry_base = 10ms'
ini <<INI
[integration close]
base_url   = $at/close/api
rate_limit = 10000/s
[connection acme : close]
api_key = api_flow
[sync acme : close : leads]
page_size = 15
step_calls = 2
INI
for sync in contacts opportunities activities users custom_fields; do printf '[sync acme : close : %s]\nauto_sync = no\n' "$sync"; done | ini

trial_whole 30
trial_faults 'GET /close/api/v1/lead'
trial_kills

control set close.max_skip=25 >/dev/null
trial_whole 30
[ "$asked" -gt 12 ]; ok $? "a list that is too long is read in windows of time"
asked=8 # the kills while the first windows are found; later ones are alike
trial_kills
