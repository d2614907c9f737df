#!/bin/sh
# stripe.sh - the stripe connector against the provider: everything, nothing, exactly what changed; and refused credentials.
. "$(dirname "$0")/lib.sh"

kinds='customers:StripeCustomer charges:StripeCharge invoices:StripeInvoice subscriptions:StripeSubscription products:StripeProduct
	prices:StripePrice refunds:StripeRefund payment_intents:StripePaymentIntent balance_transactions:StripeBalanceTransaction
	payouts:StripePayout plans:StripePlan events:StripeEvent'

configure() {
	host 'retry_base = 10ms'
	ini <<-INI
		[integration stripe]
		base_url   = $at/stripe
		rate_limit = 10000/s
		[connection acme : stripe]
		token = $1
	INI
}

remember() { for pair in $kinds; do sequence "${pair#*:}" >"$dir/since.${pair%:*}"; done; }
since() { cat "$dir/since.$1"; }

provider --records 500
configure sk_test_flow
run run
is "$status" 0 "a first sync ends well"
for pair in $kinds; do
	is "$(live "${pair#*:}")" "$(total stripe "${pair%:*}")" "every one of the ${pair%:*} is in the store"
done

remember
run run
is "$status" 0 "a second sync ends well"
for pair in $kinds; do
	is "$(sequence "${pair#*:}")" "$(since "${pair%:*}")" "nothing changed among the ${pair%:*}"
done
run run --full-refresh
moved=
for pair in $kinds; do [ "$(sequence "${pair#*:}")" = "$(since "${pair%:*}")" ] || moved="$moved $pair"; done
is "$status$moved" 0 "nor does a full refresh find a change"

control mutate api=stripe change=1% drop=1% add=2 >"$dir/mutated"
run run
wrong=
for pair in $kinds; do
	changes "${pair#*:}" "$(since "${pair%:*}")" added >"$dir/got"
	ids stripe "${pair%:*}" added "$dir/mutated" >"$dir/want"
	cmp -s "$dir/got" "$dir/want" && [ -s "$dir/got" ] || wrong="$wrong ${pair%:*}"
done
is "$wrong" "" "the usual sync finds exactly what was created"
run run --full-refresh
is "$status" 0 "a full refresh ends well"
for pair in $kinds; do
	changes "${pair#*:}" "$(since "${pair%:*}")" updated >"$dir/got"
	ids stripe "${pair%:*}" changed "$dir/mutated" >"$dir/want"
	same "$dir/want" "$dir/got" "exactly the changed ${pair%:*} are updates"
	changes "${pair#*:}" "$(since "${pair%:*}")" deleted >"$dir/got"
	ids stripe "${pair%:*}" dropped "$dir/mutated" >"$dir/want"
	[ "${pair%:*}" = events ] && : >"$dir/want" # what has left Stripe's list of events is not deleted
	same "$dir/want" "$dir/got" "exactly the dropped ${pair%:*} are deletes"
done

# ---- the object that the next page was to start after is deleted meanwhile

control reset >/dev/null
control faults '{"match":"GET /stripe/v1/customers","nth":[2],"do":"400","body":{"error":{"code":"resource_missing","message":"No such customer"}}}' >/dev/null
run run --sync customers --full-refresh
is "$status" 1 "a page that starts after a deleted object fails the run"
has "$dir/said" 'No such customer' "with Stripe's words"
control reset >/dev/null
run run --sync customers
control requests log=1 | grep -o '"target":"[^"]*"' | head -n 1 >"$dir/target"
hasnt "$dir/target" 'starting_after' "the next run begins the list anew"
is "$status $(live StripeCustomer)" "0 $(total stripe customers)" "and ends with all that is there"

for case in 'sk_wrong|Invalid API Key' 'sk_expired_x|Expired API Key' 'rk_noscope_x|rak_customer_read'; do
	configure "${case%|*}"
	run run --sync customers
	is "$status" 3 "${case%|*}: exit 3"
	has "$dir/said" "${case#*|}" "${case%|*}: the reason is shown"
	run test-connection --connection-id acme
	is "$status" 3 "${case%|*}: so says test-connection"
	has "$dir/said" "${case#*|}" "${case%|*}: with the provider's words"
done
is "$(live StripeCustomer)" "$(total stripe customers)" "refused credentials cost no record"
