#!/bin/sh
# events_connectors.sh - the events that stand in the connectors' folders, sent as Stripe and Slack send them: what they mean is
# what is stored.
. "$(dirname "$0")/lib.sh"

serve() {
	"$build/sluice" --conf "$conf" serve >/dev/null 2>"$dir/log" &
	pids="$pids $!"
	until_true 20 grep -q 'listens on http://' "$dir/log" || { cat "$dir/log"; exit 1; }
	url=$(sed -n 's/.*listens on \(http:\/\/[0-9.:]*\).*/\1/p' "$dir/log" | head -n 1)
}
sign() { openssl dgst -sha256 -hmac "$1" | sed 's/.* //'; }
post() { code=$(curl -s -g -m 20 -o "$dir/out" -w '%{http_code}' -H 'Content-Type: application/json' --data-binary "@$dir/body" "$@"); : >"$dir/err"; }
stripe() { # the event in $dir/body, as Stripe sends it
	now=$(date +%s)
	post -H "Stripe-Signature: t=$now,v1=0000,v1=$({ printf '%s.' "$now"; cat "$dir/body"; } | sign whsec_flow),v0=00" "$url/webhook/stripe/acme"
}
slack() { # slack PATH: as Slack sends it
	now=$(date +%s)
	post -H "X-Slack-Request-Timestamp: $now" -H "X-Slack-Signature: v0=$({ printf 'v0:%s:' "$now"; cat "$dir/body"; } | sign signing-secret)" "$url$1"
}
all() { # all SENDER... FILE: each line of it; the codes that were answered, each once
	file=$1
	shift
	while IFS= read -r line; do
		printf '%s' "$line" >"$dir/body"
		"$@"
		echo "$code"
	done <"$file" | sort -u | tr '\n' ' '
}
settled() { ! "$build/sluice" --conf "$conf" events list --waiting --format jsonl 2>/dev/null | grep -q .; }

provider --records 10
host 'retry_base = 20ms'
ini <<INI
[integration stripe]
base_url = $at/stripe
[integration slack]
base_url = $at/slack/api
[connection acme : stripe]
token = sk_test_flow
webhook_secret = whsec_flow
[connection acme : slack]
token = xoxb-flow
webhook_secret = signing-secret
channels = ["C0EXAMPLE1"]
team = T0EXAMPLE
INI
for sync in customers charges invoices subscriptions products prices refunds payment_intents balance_transactions payouts plans events; do
	printf '[sync acme : stripe : %s]\nauto_sync = no\n' $sync
done | ini
for sync in channels active-users channel-messages; do printf '[sync acme : slack : %s]\nauto_sync = no\n' $sync; done | ini
serve

is "$(all plugins/stripe/events/events.jsonl stripe)" "200 " "every event of Stripe's is taken"
until_true 20 settled
sed -n '2s/.*"data":{"object":\(.*\),"previous_attributes".*/\1/p' plugins/stripe/events/events.jsonl >"$dir/want"
stored StripeCustomer >"$dir/got"
same "$dir/want" "$dir/got" "a customer is as its last event has it, byte by byte, and one that was deleted is gone"
is "$(stored StripeSubscription | grep -c '"status":"canceled"')" 1 "a subscription that was deleted is a canceled one"
is "$(live StripeCharge)" 1 "a charge is stored"
run events list --format jsonl
is "$(grep -c '"state":"done"' "$dir/out")" 7 "what the connector has no model for is passed over; what it does not ask for is not kept"

printf '{"token":"x","challenge":"3eZbrw1aB","type":"url_verification"}' >"$dir/body"
slack /webhook/slack
is "$code $(cat "$dir/out")" '200 {"challenge":"3eZbrw1aB"}' "Slack's question whether the URL is ours is answered"
is "$(all plugins/slack/events/events.jsonl slack /webhook/slack)" "200 " "every event of Slack's is taken, by its team's id"
until_true 20 settled
is "$(stored SlackMessage | sed 's/.*"text":"\([^"]*\)".*"id":"\([^"]*\)".*/\2 \1/')" "C0EXAMPLE1-1773301324.033409 good evening" \
	"an edited message is as it was edited; deleted ones, replies and other channels' are not there"
is "$(stored SlackChannel | sed 's/.*"id":"\([^"]*\)".*"name":"\([^"]*\)".*/\1 \2/')" "C0EXAMPLE2 more-fun" "a channel was made, renamed, and another archived"
is "$(stored SlackChannel | grep -c '"creator":"U0EXAMPLE01"')" 1 "what the renaming did not say stays"
is "$(live SlackUser)" 1 "a user has joined"
is "$("$build/sluice" --conf "$conf" dead-letters list --format jsonl 2>/dev/null | wc -l)" 0 "and nothing was rejected"
echo "1..$cases"
