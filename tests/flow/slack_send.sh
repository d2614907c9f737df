#!/bin/sh
# slack_send.sh - the action send-message: whoever is meant is found among what was synced, and nobody else is written to.
. "$(dirname "$0")/lib.sh"

provider tests/flow/slack_send.json
host 'retry_base = 10ms'
ini <<INI
[integration slack]
base_url   = $at
rate_limit = 10000/s
[connection acme : slack]
token = xoxb-flow
channels = ["C0EXAMPLE01"]
INI

send() { run action send-message --connection-id acme --format jsonl --input "$1"; }
asked() { control requests log=1 | tr '}' '\n' | grep -c "\"target\":\"/$1"; }
faulty() { # faulty FAULT: what happens to messages from now on
	control reset >/dev/null
	control faults "{\"match\":\"POST /chat.postMessage\",$1}" >/dev/null
	control faults "$(cat tests/flow/slack_send.json)" >/dev/null
}
body() { control requests log=1 | sed 's/"n":/\n/g' | grep "\"target\":\"/$1" | tail -n 1 | sed 's/.*"body":"//; s/\\"/"/g'; }

send '{"to":"ada@example.com","text":"hello"}'
is "$status" 1 "before a sync nobody is found"
has "$dir/said" 'run the sync active-users' "and it is said what to do"
run run --sync active-users
run run --sync channels

for who in ada@example.com ADA@EXAMPLE.COM ada @ada 'Ada Example' countess U0EXAMPLE01; do
	control reset >/dev/null
	control faults "$(cat tests/flow/slack_send.json)" >/dev/null
	send "{\"to\":\"$who\",\"text\":\"hello\"}"
	is "$status $(cat "$dir/out")" \
		'0 {"id":"D0EXAMPLE01-1773301324.033409","channel":"D0EXAMPLE01","ts":"1773301324.033409","user":"U0EXAMPLE01"}' "'$who' is found and written to"
	body conversations.open >"$dir/body"
	has "$dir/body" '^\{"users":"U0EXAMPLE01"\}' "'$who': the conversation with that user is opened"
done
body chat.postMessage >"$dir/body"
has "$dir/body" '^\{"channel":"D0EXAMPLE01","text":"hello"\}' "and the message goes into it"
is "$(asked users)" 0 "Slack is not asked who it is"

send '{"to":"#general","text":"to all","thread_ts":"1773301300.000100","blocks":[{"type":"divider"}]}'
is "$status" 0 "a channel is found by its name"
body chat.postMessage >"$dir/body"
has "$dir/body" '^\{"channel":"C0EXAMPLE01","text":"to all","thread_ts":"1773301300.000100","blocks":\[\{"type":"divider"\}\]\}' "thread and blocks go with it"
send '{"to":"C0EXAMPLE77","text":"by id"}'
body chat.postMessage >"$dir/body"
has "$dir/body" '^\{"channel":"C0EXAMPLE77"' "a channel's id is taken as it is"

# ---- nobody by chance

sent=$(asked chat.postMessage)
for case in 'twin|several users are called .twin.: U0EXAMPLE02 .bob., U0EXAMPLE03 .rob.' 'nobody|none of the 5 synced users is called .nobody.' \
	'gone@example.com|none of the 5' '#none|none of the 2 synced channels is called .#none.' '|say a user or a channel' '@|is called'; do
	send "{\"to\":\"${case%%|*}\",\"text\":\"hello\"}"
	is "$status" 1 "'${case%%|*}' is refused"
	has "$dir/said" "${case#*|}" "'${case%%|*}': and why"
done
is "$(asked chat.postMessage)" "$sent" "and nothing was sent"
send '{"to":"ada"}'
is "$status" 2 "without a text it is refused"

# ---- Slack's refusals; a message whose answer was lost is not sent again

faulty '"do":"reply","body":{"ok":false,"error":"not_in_channel"}'
send '{"to":"#random","text":"hello"}'
is "$status" 1 "a refusal of Slack's is the action's failure"
has "$dir/said" 'Slack says not_in_channel; invite the app to the channel' "with its reason, and what to do"
faulty '"do":"reset"'
send '{"to":"#random","text":"hello"}'
[ "$status" != 0 ]; ok $? "an answer that is lost is a failure"
is "$(asked chat.postMessage)" 1 "and the message is not sent a second time"
faulty '"do":"429","retry_after":1'
send '{"to":"#random","text":"hello"}'
is "$status $(asked chat.postMessage)" "75 1" "one that Slack did not take, for it was too soon, is the application's to send again"
