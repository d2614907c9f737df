#!/bin/sh
# slack.sh - the slack connector against the provider: ok:false with 200, cursors, and which channels' messages are read.
. "$(dirname "$0")/lib.sh"

configure() { # configure TOKEN CHANNELS
	host 'retry_base = 10ms'
	ini <<-INI
		[integration slack]
		base_url   = $at/slack/api
		rate_limit = 10000/s
		[connection acme : slack]
		token = $1
		${2:+channels = $2}
	INI
}

each() { tr '{' '\n' | sed -n "s/^\"id\":\"\(C0[A-Z0-9]*\)\".*\"is_member\":$1.*/\1/p"; }
in_channel() { stored SlackMessage | grep -c "\"channel\":\"$1\""; }

provider --records 800
control get '/slack/api/conversations.list?limit=1000&token=xoxb-x' >"$dir/list"
control get '/slack/api/conversations.list?limit=1000&types=public_channel,private_channel&exclude_archived=true&token=xoxb-x' >"$dir/shown"
ours=$(grep -o '"id":"C0[A-Z0-9]*"[^}]*"is_member":true' "$dir/shown" | sed 's/^"id":"\([^"]*\)".*/\1/')
one=$(echo "$ours" | sed -n 2p)
two=$(echo "$ours" | sed -n 3p)

configure xoxb-flow '["*"]'
run run
is "$status" 0 "a first sync ends well"
is "$(live SlackChannel)" "$(grep -o '"id":"C0' "$dir/shown" | wc -l)" "every channel that is not archived is in the store"
is "$(live SlackUser)" "$(total slack users)" "every user is"
is "$(stored SlackMessage | sed 's/.*"channel":"\([^"]*\)".*/\1/' | sort -u)" "$(echo "$ours" | sort)" \
	"with \"*\" the messages are those of the channels that the app is in"
stored SlackMessage | sed 's/.*"ts":"\([^"]*\)".*"id":"\([^"]*\)","channel":"\([^"]*\)".*/\3-\1 \2/' | awk '$1 != $2' >"$dir/got"
: >"$dir/want"
same "$dir/want" "$dir/got" "a message's id is its channel and its ts"

for model in SlackChannel SlackUser SlackMessage; do sequence $model >"$dir/since.$model"; done
run run
moved=
for model in SlackChannel SlackUser SlackMessage; do [ "$(sequence $model)" = "$(cat "$dir/since.$model")" ] || moved="$moved $model"; done
is "$status$moved" 0 "a second sync changes nothing"

control mutate api=slack change=1% drop=1% add=2 >"$dir/mutated"
run run
is "$status" 0 "the usual sync ends well"
for what in changed:updated dropped:deleted added:added; do
	changes SlackUser "$(cat "$dir/since.SlackUser")" "${what#*:}" >"$dir/got"
	ids slack users "${what%:*}" "$dir/mutated" >"$dir/want"
	same "$dir/want" "$dir/got" "it finds exactly the ${what%:*} users"
done
is "$(changes SlackMessage "$(cat "$dir/since.SlackMessage")" added | wc -l)" 2 "and the two new messages"
is "$(changes SlackMessage "$(cat "$dir/since.SlackMessage")" deleted | wc -l)" 0 "no message is taken for deleted"

# ---- which channels

rm -rf "$dir/store" "$dir/store.key"
configure xoxb-flow "[\"$one\"]"
run run --sync channel-messages
is "$status $(stored SlackMessage | grep -vc "\"channel\":\"$one\"")" "0 0" "the option names the channels"
had=$(in_channel "$one")
[ "$had" -gt 0 ]; ok $? "that channel has messages"
run metadata set --connection-id acme --integration slack "{\"channels\":[\"$one\",\"$two\"]}"
is "$status" 0 "metadata is set"
run run --sync channel-messages
is "$status $(in_channel "$one")" "0 $had" "the metadata goes before the option"
run records SlackMessage --connection-id acme
many=$(control get "/slack/api/conversations.history?channel=$two&limit=999&token=xoxb-x" | grep -o '"ts":"' | wc -l)
is "$(in_channel "$two")" "$many" "a channel that is selected later is read from its beginning"

configure xoxb-flow ''
run metadata set --connection-id acme --integration slack '{}'
run run --sync channel-messages
is "$status" 1 "without a selection the run fails"
has "$dir/said" 'no channel is selected' "and says what to set"
configure xoxb-flow '["*"]'
run metadata set --connection-id acme --integration slack '{"channels":"C1"}'
run run --sync channel-messages
has "$dir/said" 'no array.*metadata.*go before' "metadata of the wrong type is blamed, not the option that it goes before"
run metadata set --connection-id acme --integration slack '{}'
stranger=$(grep -o '"id":"C0[A-Z0-9]*"[^}]*"is_member":false' "$dir/list" | sed 's/^"id":"\([^"]*\)".*/\1/' | head -n 1)
configure xoxb-flow "[\"$stranger\"]"
run run --sync channel-messages
is "$status" 1 "ok:false with status 200 fails the run"
has "$dir/said" 'not_in_channel' "with Slack's reason"

for case in 'xoxb-expired|token_expired' 'wrong|invalid_auth' 'xoxb-noscope|channels:read'; do
	configure "${case%|*}" '["*"]'
	run run --sync channels
	is "$status" 3 "${case%|*}: exit 3"
	has "$dir/said" "${case#*|}" "${case%|*}: the reason is shown"
done
for case in 'xoxb-expired|expired' 'wrong|refused' 'xoxb-noscope|missing scope: channels:read'; do
	configure "${case%|*}" '["*"]'
	run test-connection --connection-id acme
	is "$status" 3 "${case%|*}: so says test-connection"
	has "$dir/said" "${case#*|}" "${case%|*}: and in which way"
done

# A name that is nearly right brings the right one; one that is far from all brings none.
configure xoxb-flow '["*"]'
ini <<-INI
	[sync acme : slack : channel-mesages]
	every = 1h
	[sync acme : slack : users]
	every = 1h
INI
run config --check
is "$status" 2 "syncs that the connector does not have are errors"
has "$dir/err" "has no sync 'channel-mesages'; did you mean 'channel-messages'" "with the nearest of its syncs"
has "$dir/err" "has no sync 'users'$" "when there is one within reach"
run describe slak
is "$status" 2 "a connector that is not there is not described"
has "$dir/err" "there is no plugin 'slak' in .*; did you mean 'slack'" "and the nearest one is named"
