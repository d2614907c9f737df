#!/bin/sh
# slack_trials.sh - the slack connector and a provider that errs, cuts and truncates; and kills at each request.
. "$(dirname "$0")/lib.sh"
. tests/flow/trials.inc

scripts=
models='SlackChannel SlackUser SlackMessage'
provider --records 60
host 'retry_base = 10ms'
ini <<INI
[integration slack]
base_url   = $at/slack/api
rate_limit = 10000/s
[connection acme : slack]
token = xoxb-flow
channels = ["*"]
[sync acme : slack : channel-messages]
page_size = 10
step_calls = 2
INI

trial_whole $(($(total slack channels) + $(total slack users) + $(total slack messages)))
trial_faults 'GET /slack/api/conversations.history'
trial_kills
