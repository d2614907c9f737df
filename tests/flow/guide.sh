#!/bin/sh
# guide.sh - what sdk/GUIDE.md promises in its first ten minutes and in its last section, done as written; and the smallest
# connector of sdk/examples through a real host and worker.
. "$(dirname "$0")/lib.sh"

fence() { # fence LANGUAGE NUMBER: that block of the guide
	awk -v want="$1" -v number="$2" '
		/^```/ { if (inside) { inside = 0; exit } if ($0 == "```" want && ++n == number) { inside = 1; next } }
		inside { print }' sdk/GUIDE.md
}

fence c 1 >"$dir/helpdesk.c"
fence json 1 >"$dir/helpdesk.json"
cc -Isdk -fPIC -fvisibility=hidden -Wall -Wextra -Werror -shared -o "$dir/plugins/helpdesk.so" "$dir/helpdesk.c" 2>"$dir/err"
ok $? "the guide's first connector builds with one command"
is "$(nm -D --defined-only "$dir/plugins/helpdesk.so" | awk '{print $3}' | xargs)" sluice_connector "it exports one symbol"

provider "$dir/helpdesk.json"
host
{ fence ini 1 | sed "s|env:HELPDESK_TOKEN|t0ken|"; } | sed "/^plugin = /a base_url = $at" | ini
run run --sync tickets --connection-id acme
is "$status" 0 "it syncs the guide's list, with the failure in between"
stored Ticket >"$dir/got"
printf '%s\n' '{"id":"t1","subject":"hello","updated":1763884800}' '{"id":"t2","subject":"again","updated":"2026-01-02T03:04:05Z"}' >"$dir/want"
tr -d ' ' <"$dir/got" | LC_ALL=C sort >"$dir/got.sorted"
same "$dir/want" "$dir/got.sorted" "both tickets are stored as they came"
run run --sync tickets --connection-id acme
is "$status" 0 "a second sync goes well"
is "$(stored Ticket | wc -l) $(feed Ticket 2 | wc -l)" "2 0" "and changes nothing"

fence cpp 1 >"$dir/helpdesk.cc"
g++ -Isdk -fPIC -shared -fvisibility=hidden -fno-exceptions -static-libstdc++ -static-libgcc -Wl,--exclude-libs,ALL -o "$dir/plugins/helpdesk.so" "$dir/helpdesk.cc" 2>"$dir/err"
ok $? "the guide's connector in C++ builds as it says"
run run --sync tickets --connection-id acme
is "$status $(stored Ticket | wc -l) $(feed Ticket 2 | wc -l)" "0 2 0" "and syncs the same"

rm -rf "$dir/store" "$dir/store.key" "$conf"/*
cp "$build/examples/tickets.so" "$dir/plugins/"
provider "$dir/helpdesk.json"
host
ini <<-INI
	[integration tickets]
	base_url = $at
	[connection acme : tickets]
	token = t0ken
	[sync acme : tickets : tickets]
	step_calls = 1
INI
run run
is "$status" 0 "the smallest connector runs, one request a step"
is "$(stored Ticket | wc -l)" 2 "and stores what is there"

# ---- an event, sent as the last section says

rm -rf "$dir/store" "$dir/store.key" "$conf"/*
{
	printf '%s\n' '#include <sluice_json.h>'
	sed '/^static const struct sluice_field ticket/,$d' "$dir/helpdesk.c"
	cat <<-'C'
		static int
		take(struct sluice_run *run)
		{
			const char *text = sluice_event(run);
			cJSON *event = sluice_json_parse(text, strlen(text));
			sluice_json_save(run, "Ticket", sluice_json_get(event, "ticket"));
			cJSON_Delete(event);
			return sluice_status(run);
		}
		static const struct sluice_webhook webhooks[] = {
			{.name = "events", .model = "Ticket", .handle = take, .signature = "X-Helpdesk-Signature", .signed_text = "${body}", .id = "event_id"}, {0}};
	C
	sed -n '/^static const struct sluice_field ticket/,$p' "$dir/helpdesk.c" | sed 's/\.models = models,/& .webhooks = webhooks,/'
} >"$dir/hooked.c"
cc -Isdk -fPIC -fvisibility=hidden -shared -o "$dir/plugins/helpdesk.so" "$dir/hooked.c" 2>"$dir/err"
ok $? "a webhook is a function and a row more"
secret=of-the-webhook
host
{ fence ini 1 | sed 's|env:HELPDESK_TOKEN|t0ken|'; echo "webhook_secret = $secret"; } | sed "/^plugin = /a base_url = $at" | ini
"$build/sluice" --conf "$conf" serve >/dev/null 2>"$dir/log" &
pids="$pids $!"
until_true 20 grep -q 'listens on http://' "$dir/log"
export secret listen="$(sed -n 's/.*listens on http:\/\/\([0-9.:]*\).*/\1/p' "$dir/log")"
fence sh 3 | sh >"$dir/out" 2>"$dir/err"
has "$dir/out" '"received":true' "the guide's event is taken as its three lines send it"
until_true 20 sh -c "'$build/sluice' --conf '$conf' records Ticket --connection-id acme 2>/dev/null | grep -q 'by itself'"
ok $? "and its ticket is stored"
