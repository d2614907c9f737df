#!/bin/sh
# stripe_trials.sh - the stripe connector and a provider that errs, cuts and truncates; and kills at each request.
. "$(dirname "$0")/lib.sh"
. tests/flow/trials.inc

scripts=
models='StripeCustomer StripePayout'
syncs='customers payouts'
provider --records 30
host 'retry_base = 10ms'
ini <<INI
[integration stripe]
base_url   = $at/stripe
rate_limit = 10000/s
[connection acme : stripe]
token = sk_test_flow
INI
for sync in $syncs; do printf '[sync acme : stripe : %s]\npage_size = 10\nstep_calls = 2\n' "$sync"; done | ini
for sync in charges invoices subscriptions products prices refunds payment_intents balance_transactions plans events; do printf '[sync acme : stripe : %s]\nauto_sync = no\n' "$sync"; done | ini

trial_whole $((30 + $(total stripe payouts)))
trial_faults 'GET /stripe/v1/customers'
trial_kills
