#!/bin/sh
# stripe_nested.sh - lists within Stripe's objects that say has_more are stored whole, at any depth; what cannot be fetched whole is not stored in part.
. "$(dirname "$0")/lib.sh"

provider tests/flow/stripe_nested.json
host 'retry_base = 10ms' 'retries = 1'
ini <<INI
[integration stripe]
base_url   = $at
rate_limit = 10000/s
[connection acme : stripe]
token = sk_test_flow
INI
lists() { stored "$1" | grep "\"id\":\"$2\"" | grep -o '"id":"[a-z]*_[0-9]*"' | tr '\n' ' '; }
asked() { control requests log=1 | grep -o '"target":"[^"]*"' | grep -c "$1"; }

run run --sync invoices
is "$status" 0 "invoices end well"
is "$(lists StripeInvoice in_long)" '"id":"il_1" "id":"il_2" "id":"il_3" "id":"il_4" "id":"il_5" ' "all lines of a long invoice are in it, in their order"
is "$(stored StripeInvoice | grep -c '"amount":123456789012345678901234567890.*"has_more":false')" 1 "with every digit, and it says so"
is "$(asked '/in_short/lines')" 0 "a list that is whole is not asked for"
before=$(sequence StripeInvoice)
run run --sync invoices --full-refresh
is "$status $(sequence StripeInvoice)" "0 $before" "a second time changes nothing"

run run --sync subscriptions
is "$status" 0 "subscriptions end well"
is "$(lists StripeSubscription sub_1)" '"id":"sub_1" "id":"si_1" "id":"si_2" ' "JSON with blanks, and a URL with a parameter of its own"

run run --sync prices
is "$status $(lists StripePrice pr_1)" '0 "id":"pr_1" "id":"ti_1" "id":"st_1" "id":"st_2" "id":"ti_2" "id":"st_3" "id":"st_4" ' \
	"a list within the items of a list, and within those that were fetched"
before=$(asked '/in_long/lines')
run run --sync events
is "$status $(lists StripeEvent evt_1) $(($(asked '/in_long/lines') - before))" '0 "id":"evt_1" "id":"il_1"  0' \
	"what an event holds is how things were, and stays so"

run run --sync charges
is "$status" 1 "a list that says has_more and shows nothing fails the run"
has "$dir/said" '/v1/charges/ch_1/refunds says has_more after re_1, and shows nothing' "and is named"
is "$(live StripeCharge)" 0 "and nothing of it is stored"
run run --sync payment_intents
is "$status" 1 "a list that leads elsewhere fails the run"
has "$dir/said" 'has_more, and not where \(url: https://elsewhere' "with its address"

# ---- an answer within that is cut is asked for again; one that never comes whole leaves nothing in part

rm -rf "$dir/store" "$dir/store.key"
control faults '{"match":"GET /v1/invoices/in_long/lines","nth":[2],"do":"cut","percent":50}' >/dev/null
run run --sync invoices
is "$status $(lists StripeInvoice in_long)" '0 "id":"il_1" "id":"il_2" "id":"il_3" "id":"il_4" "id":"il_5" ' "a cut answer within is asked for again"
is "$(control faults | grep -o '"used":[0-9]*')" '"used":1' "it was cut"
control faults '{"match":"GET /v1/invoices/in_long/lines","from":2,"do":"500"}' >/dev/null
rm -rf "$dir/store" "$dir/store.key"
run run --sync invoices
is "$status $(live StripeInvoice)" "75 0" "one that never comes ends the run as temporary, and nothing is stored in part"
