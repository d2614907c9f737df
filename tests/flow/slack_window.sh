#!/bin/sh
# slack_window.sh - what is edited, deleted, answered, selected and deselected in Slack is so in the store afterwards.
. "$(dirname "$0")/lib.sh"

provider --records 1
now=$(date +%s)
at() { echo "$((now - $1)).000100"; } # at SECONDS-AGO: a timestamp
m() { printf '{"type":"message","user":"U1","ts":"%s","text":"%s"%s}' "$(at "$1")" "$2" "${3-}"; } # m SECONDS-AGO TEXT [MEMBERS]
thread() { printf ',"thread_ts":"%s"' "$(at "$1")"; }

say() { # say PATTERN LIST CURSOR: what the first request that fits gets, and all others
	control faults "{\"match\":\"$1\",\"do\":\"reply\",\"body\":{\"ok\":true,\"messages\":[$2],\"has_more\":$([ "$3" ] && echo true || echo false),\"response_metadata\":{\"next_cursor\":\"$3\"}}}" >/dev/null
}
pages() { # pages FIRST SECOND: the history of C0EXAMPLE01; of C0EXAMPLE02 there is one message
	control reset >/dev/null
	say '*conversations.history*channel=C0EXAMPLE01*cursor=p2*' "$2" ''
	say '*conversations.history*channel=C0EXAMPLE01*' "$1" p2
	say '*conversations.history*channel=C0EXAMPLE02*' "$(m 500 elsewhere)" ''
}
texts() { stored SlackMessage | sed 's/.*"text":"\([^"]*\)".*/\1/' | LC_ALL=C sort | tr '\n' ' '; }
configure() { # configure LINE...: of the sync; $threads
	host 'retry_base = 10ms'
	ini <<-INI
		[integration slack]
		base_url   = $at
		rate_limit = 10000/s
		[connection acme : slack]
		token = xoxb-flow
		channels = ["C0EXAMPLE01", "C0EXAMPLE02"]
		threads = ${threads-no}
		[sync acme : slack : channel-messages]
	INI
	for line; do echo "$line"; done | ini
}
messages() { run run --sync channel-messages "$@"; }

# ---- edited and deleted; and the same where every request is a step of its own, so that each page is judged by another call

for calls in 10 1; do
	rm -rf "$dir/store" "$dir/store.key"
	configure "step_calls = $calls"
	pages "$(m 60 newest),$(m 3600 alpha)" "$(m 7200 between),$(m 10000 gamma),$(m 20000 last),$(m 90000 yesterday)"
	messages
	is "$status $(texts)" "0 alpha between elsewhere gamma last newest yesterday " "$calls: all messages are there"
	pages "$(m 3600 alpha-edited)" "$(m 10000 gamma)"
	messages
	is "$status $(texts)" "0 alpha-edited elsewhere gamma yesterday " \
		"$calls: what was edited is edited, what was deleted is gone: at the top, between two pages, at the bottom; not what is older"
	before=$(sequence SlackMessage)
	messages
	is "$status $(sequence SlackMessage)" "0 $before" "$calls: a run more changes nothing"
	pages '' ''
	messages
	is "$status $(texts)" "0 elsewhere yesterday " "$calls: a channel that was emptied is empty, as far as the look-back goes"
done

# ---- killed between two pages: nothing is taken for gone that is there

rm -rf "$dir/store" "$dir/store.key"
configure
pages "$(m 60 newest),$(m 3600 alpha)" "$(m 7200 between),$(m 10000 gamma)"
messages
control reset >/dev/null
control faults '{"match":"*cursor=p2*","nth":[1],"do":"delay","ms":60000}' >/dev/null
say '*conversations.history*channel=C0EXAMPLE02*' "$(m 500 elsewhere)" ''
say '*conversations.history*channel=C0EXAMPLE01*cursor=p2*' "$(m 7200 between),$(m 10000 gamma)" ''
say '*conversations.history*channel=C0EXAMPLE01*' "$(m 60 newest),$(m 3600 alpha)" p2
"$build/sluice" --conf "$conf" run --sync channel-messages >"$dir/out" 2>"$dir/err" </dev/null &
victim=$!
second() { control requests log=1 | grep -q 'cursor=p2'; }
until_true 20 second
kill -9 $victim
wait $victim 2>/dev/null
messages
is "$status $(texts)" "0 alpha between elsewhere gamma newest " "killed between two pages, the next run deletes nothing that is there"

# ---- threads

rm -rf "$dir/store" "$dir/store.key"
threads=yes
configure
replies() { say "*conversations.replies*ts=$(at 3600)*" "$(m 3600 alpha "$(thread 3600),\"subscribed\":true"),$1" ''; }
alpha=$(m 3600 alpha "$(thread 3600),\"reply_count\":2")
pages "$alpha" "$(m 10000 gamma)"
replies "$(m 3000 one "$(thread 3600)"),$(m 2900 two "$(thread 3600)"),$(m 2800 to-all "$(thread 3600),\"subtype\":\"thread_broadcast\"")"
messages
is "$status $(texts)" "0 alpha elsewhere gamma one two " "with threads, replies are there; what was sent to the channel as well is the history's to show"
before=$(sequence SlackMessage)
messages
is "$status $(sequence SlackMessage)" "0 $before" "a run more changes nothing"
is "$(stored SlackMessage | grep -c subscribed)" 0 "and what begins a thread is as the history has it"
pages "$alpha" "$(m 10000 gamma)"
replies "$(m 3000 one-edited "$(thread 3600)")"
messages
is "$status $(texts)" "0 alpha elsewhere gamma one-edited " "a reply that was edited is edited, one that was deleted is gone"
pages "$(m 3600 alpha)" "$(m 10000 gamma)"
messages
is "$status $(texts)" "0 alpha elsewhere gamma " "and so is the last one"
pages "$alpha" "$(m 10000 gamma)"
replies "$(m 3000 again "$(thread 3600)")"
messages
pages '' "$(m 10000 gamma)"
messages
is "$status $(texts)" "0 elsewhere gamma " "replies go with the message that they reply to"
threads=no

# ---- which channels

rm -rf "$dir/store" "$dir/store.key"
configure
all="$(m 60 newest),$(m 3600 alpha)"
pages "$all" "$(m 10000 gamma),$(m 90000 yesterday)"
messages
select_channels() { run metadata set --connection-id acme --integration slack "{\"channels\":$1}"; }
select_channels '["C0EXAMPLE02"]'
messages
is "$status $(texts)" "0 elsewhere " "a channel that was deselected has its messages removed"
before=$(sequence SlackMessage)
messages
is "$status $(sequence SlackMessage)" "0 $before" "once"
select_channels '["C0EXAMPLE01","C0EXAMPLE02"]'
messages
is "$status $(texts)" "0 alpha elsewhere gamma newest yesterday " "one that was selected again is read from its beginning"
pages "$all" "$(m 10000 gamma)"
messages --full-refresh
is "$status $(texts)" "0 alpha elsewhere gamma newest " "a full refresh finds what was deleted at any time"

# ---- a channel that cannot be read holds up no other

refused() { # refused CHANNEL...: Slack says that the app is not in them
	control reset >/dev/null
	for channel; do
		control faults "{\"match\":\"*conversations.history*channel=$channel*\",\"do\":\"reply\",\"body\":{\"ok\":false,\"error\":\"not_in_channel\"}}" >/dev/null
	done
	say '*conversations.history*channel=C0EXAMPLE02*' "$(m 30 another),$(m 500 elsewhere)" ''
}
for calls in 10 1; do
	rm -rf "$dir/store" "$dir/store.key"
	configure "step_calls = $calls"
	pages "$(m 3600 alpha)" "$(m 10000 gamma)"
	messages
	refused C0EXAMPLE01
	messages
	is "$status $(texts)" "1 alpha another elsewhere gamma " "$calls: the others are read, what is stored of it stays, and it is no whole success"
	has "$dir/said" 'channel C0EXAMPLE01 cannot be read: Slack says not_in_channel; invite the app to the channel' "$calls: it is named, with the remedy"
	messages --full-refresh
	is "$status $(texts)" "1 alpha another elsewhere gamma " "$calls: nor does a full refresh take it for empty"
	messages
	is "$status" 1 "$calls: it is told each time"
	pages "$(m 3600 alpha)" "$(m 10000 gamma),$(m 90000 meanwhile)"
	messages
	is "$status $(texts)" "0 alpha elsewhere gamma meanwhile " "$calls: once it can be read, it is read from its beginning: nothing is missed"
	before=$(sequence SlackMessage)
	messages
	is "$status $(sequence SlackMessage)" "0 $before" "$calls: and then as ever"
done
refused C0EXAMPLE01
messages
select_channels '["C0EXAMPLE02"]'
messages
is "$status $(texts)" "0 another elsewhere " "deselected, its messages go"
select_channels '["C0EXAMPLE01","C0EXAMPLE02"]'
refused C0EXAMPLE01 C0EXAMPLE02
messages
is "$status $(texts)" "1 another elsewhere " "where none can be read, nothing is deleted"
has "$dir/said" 'channels that cannot be read: C0EXAMPLE01, C0EXAMPLE02; invite the app' "and it is said"
refused C0EXAMPLE01
messages
is "$status $(grep -c 'channels that cannot be read: C0EXAMPLE01;' "$dir/said") $(texts)" "1 1 another elsewhere " "the next run knows which one can be read again"
pages "$(m 3600 alpha)" "$(m 90000 meanwhile)"
messages
is "$status $(texts)" "0 alpha elsewhere meanwhile " "and then all are"
