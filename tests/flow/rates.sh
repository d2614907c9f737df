#!/bin/sh
# rates.sh - limits of a living host, judged by the provider's own account: shared by fifty connections, over a kill, of a group,
# and a quota.
. "$(dirname "$0")/lib.sh"
plugins paced
provider --records 300

serve() {
	: >"$dir/log"
	"$build/sluice" --conf "$conf" serve >/dev/null 2>"$dir/log" &
	host=$!
	pids="$pids $host"
	until_true 20 grep -q '"msg":"serves ' "$dir/log" || { cat "$dir/log"; exit 1; }
}
busiest() { # busiest: requests in the busiest second, of those on stdin (milliseconds)
	sort -n | awk '{ t[NR] = $1; while (t[first + 1] <= $1 - 1000) first++; if (NR - first > most) most = NR - first } END { print most + 0 }'
}
sent_at() { control requests log=1 | grep -o '"t_ms":[0-9]*' | cut -d: -f2; }
asked() { sent_at | wc -l; }
asked_more() { [ "$(asked)" -gt "$1" ]; }
good() { "$build/sluice" --conf "$conf" history --limit 1000 --format jsonl 2>/dev/null | grep -c '"status":"success"'; }
good_are() { [ "$(good)" -ge "$1" ]; }

# ---- fifty connections of one integration, ten requests a second, and a kill

host 'first_spread = 10ms' 'max_runs = 50'
{
	printf '[integration paced]\nbase_url = %s\nrate_limit = 10/s\nrate_share = integration\n' "$at"
	for n in $(seq 50); do printf '[connection c%s : paced]\n[sync c%s : paced : items]\nevery = 1h\n' "$n" "$n"; done
} | ini
control set plain.records=150 >/dev/null
serve
until_true 20 asked_more 24
ok $? "requests go out"
"$build/sluice" --conf "$conf" limits --format jsonl >"$dir/out" 2>"$dir/err"
has "$dir/out" '"limit":"paced","requests":10,"per_ms":1000,"used":[0-9]+,' "limits shows the limit that all share"
has "$dir/out" '"waiting":\[\{"connection":"c[0-9]+","integration":"paced","sync":"items"\}' "and who waits for it"
has "$dir/out" '"waiting_requests":[1-9]' "by how many requests"
"$build/sluice" --conf "$conf" status >"$dir/out" 2>"$dir/err"
has "$dir/out" "waiting for the rate limit 'paced'" "status names it too"
kill -9 "$host"
wait "$host" 2>/dev/null
run limits
has "$dir/out" '^paced +[0-9]+ of 10/1s' "without a host limits shows what the killed one left"
serve
until_true 40 good_are 50
ok $? "every connection ends well, those that the kill interrupted too"
most=$(sent_at | busiest)
echo "# $(asked) requests, $most in the busiest second"
ok "$([ "$most" -le 10 ] && [ "$most" -ge 5 ]; echo $?)" "never more than ten in any second, the kill included"
kill -TERM "$host"
wait "$host"

# ---- a group that the connector declares

control reset >/dev/null
host
ini <<INI
[integration paced]
base_url = $at
[connection c1 : paced]
INI
control set plain.records=300 >/dev/null
run describe paced
has "$dir/out" '2 requests in 1s of GET /plain/page\*' "describe tells of a group's limit"
run run --sync slow
is "$status" 0 "a sync whose endpoint has a limit of its own ends well"
most=$(sent_at | busiest)
ok "$([ "$most" -le 2 ] && [ "$(asked)" -ge 3 ]; echo $?)" "never more than the group's two in any second"
ini <<INI
[limit paced : pages]
match = GET /plain/page*
rate = 50/s
INI
control reset >/dev/null
sleep 1
run run --sync slow
ok "$([ "$(sent_at | busiest)" -ge 3 ]; echo $?)" "the operator's limit for the same requests takes the group's place"

# ---- a quota

before_midnight # which gives a new one
control reset >/dev/null
store=$dir/other
host 'first_spread = 10ms'
ini <<INI
[integration paced]
base_url = $at
quota = 5/day
[connection c1 : paced]
[sync c1 : paced : items]
every = 1s
INI
serve
until_true 20 grep -q 'quota of 5 requests' "$dir/log"
ok $? "a quota that is used up is told"
until_true 5 sh -c "'$build/sluice' --conf '$conf' status | grep -q 'failing until .*00:0'"
ok $? "and the sync waits until the day is over"
"$build/sluice" --conf "$conf" limits >"$dir/out" 2>"$dir/err"
has "$dir/out" 'quota: nothing is sent until .* 00:00:00.*: the quota is used up' "limits says so"
kill -9 "$host"
wait "$host" 2>/dev/null
serve
"$build/sluice" --conf "$conf" status >"$dir/out" 2>"$dir/err"
has "$dir/out" 'failing until .*00:0' "after a kill too"
kill -TERM "$host"
wait "$host"
run run
is "$status" 75 "who runs it all the same is refused"
has "$dir/said" 'quota of 5 requests per 1d is used up' "and told why"
ok "$([ "$(asked)" -le 5 ]; echo $?)" "the provider saw no more than the quota"

# ---- too many

for n in $(seq 15); do printf '[limit paced : g%s]\nmatch = /g%s*\nrate = 1/s\n' "$n" "$n"; done | ini
run config --check
is "$status" 2 "more limits than a connection can have are refused"
has "$dir/err" 'c1 : paced has 17 limits besides its own rate .*take a \[limit\] out' "with place and remedy"

echo "1..$cases"
