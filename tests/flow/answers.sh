#!/bin/sh
# answers.sh - each connector is served the answers in its folder; what is stored is what they hold, byte by byte.
. "$(dirname "$0")/lib.sh"

items() { # items FILE...: the items of the answers, which stand one on a line
	sed -n '/^{"route"/d; /^{"body"/d; s/^\({.*}\),\{0,1\}$/\1/p' "$@" | LC_ALL=C sort
}

serve() { # serve CONNECTOR CREDENTIAL-LINES...
	connector=$1
	shift
	rm -rf "$dir/store" "$dir/store.key"
	provider "plugins/$connector/answers"/*.json
	host
	ini <<-INI
		[integration $connector]
		base_url = $at
		[connection acme : $connector]
	INI
	for line; do echo "$line"; done | ini
	run run
	is "$status" 0 "$connector: a sync of its recorded answers ends well"
}

model() { # model MODEL NAME...: the answers of these names are what it holds
	files=
	for name in $2; do files="$files plugins/$connector/answers/$name.json"; done
	items $files >"$dir/want"
	stored "$1" | sed 's/,"id":"C[A-Z0-9]*-[0-9.]*","channel":"C[A-Z0-9]*"}$/}/; s/,"object_type":"[a-z_]*"}$/}/' >"$dir/got"
	same "$dir/want" "$dir/got" "$connector: $1 holds what $2 answered"
}

serve stripe 'token = sk_test_answers'
for pair in customers:Customer charges:Charge invoices:Invoice subscriptions:Subscription products:Product prices:Price \
	refunds:Refund payment_intents:PaymentIntent balance_transactions:BalanceTransaction payouts:Payout plans:Plan events:Event; do
	model "Stripe${pair#*:}" "${pair%:*}"
done
serve close 'api_key = api_answers'
for pair in lead:Lead contact:Contact opportunity:Opportunity activity:Activity user:User; do
	model "Close${pair#*:}" "${pair%:*}"
done
model CloseCustomField 'custom_field-lead custom_field-contact custom_field-opportunity custom_field-activity custom_field-custom_object_type custom_field-shared'
serve slack 'token = xoxb-answers' 'channels = ["C0EXAMPLE01"]'
model SlackChannel conversations.list
model SlackUser users.list
model SlackMessage conversations.history
run test-connection --connection-id acme
is "$status" 0 "slack: test-connection ends well"
has "$dir/said" 'Example Co' "slack: and says whose token it is"
serve posthog 'token = phx_answers' 'project_id = 309484' 'funnel_insight = 51'
model PostHogPerson persons
model PostHogEvent events
