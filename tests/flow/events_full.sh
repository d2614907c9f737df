#!/bin/sh
# events_full.sh - on a full disk no event is said to be taken that is not stored; with room all that were taken are handled.
. "$(dirname "$0")/lib.sh"
plugins heard
if [ "$(id -u)" != 0 ] || ! mkdir "$dir/small" || ! mount -t tmpfs -o size=1500k none "$dir/small" 2>/dev/null; then
	skip "a full disk is waited out" "a small file system takes root, and leave to mount"
	exit 0
fi
leave() {
	code=$?
	for pid in $pids; do kill "$pid" 2>/dev/null; done
	for pid in $pids; do wait "$pid" 2>/dev/null; done
	umount "$dir/small" 2>/dev/null || umount -l "$dir/small"
	pids=
	(exit $code)
	finish
}
trap leave EXIT

store=$dir/small/store
host 'min_free = 0' 'retry_base = 20ms'
ini <<INI
[connection acme : heard]
webhook_unsigned = yes
[sync acme : heard : all]
auto_sync = no
INI
"$build/sluice" --conf "$conf" serve >/dev/null 2>"$dir/log" &
pids="$pids $!"
until_true 20 grep -q 'listens on http://' "$dir/log" || { cat "$dir/log"; exit 1; }
url=$(sed -n 's/.*listens on \(http:\/\/[0-9.:]*\).*/\1/p' "$dir/log" | head -n 1)

filler=$(head -c 60000 /dev/zero | tr '\0' x)
send() { # send N
	printf '{"id":"e%s","type":"open","save":[{"id":"r%s","v":%s}],"filler":"%s"}' "$1" "$1" "$1" "$filler" >"$dir/body"
	code=$(curl -s -g -m 20 -o "$dir/out" -w '%{http_code}' --data-binary "@$dir/body" "$url/webhook/heard/acme")
	: >"$dir/err"
}
settled() { [ "$("$build/sluice" --conf "$conf" events list --waiting --format jsonl 2>/dev/null | wc -l)" = 0 ] && [ "$(live Heard)" = "$taken" ]; }

taken=0
for n in $(seq 1 60); do
	send "$n"
	[ "$code" = 200 ] || break
	taken=$((taken + 1))
done
is "$code $(sed -n 's/^{"error":{"code":"\([a-z]*\)".*/\1/p' "$dir/out")" "503 unavailable" "without room an event is not taken: the provider sends it again"
mount -o remount,size=60m "$dir/small"
send "$n"
is "$code" 200 "with room it is"
taken=$((taken + 1))
until_true 60 settled
ok $? "and all that were taken are handled, no other"
echo "1..$cases"
