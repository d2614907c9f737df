#!/bin/sh
# disk.sh - a service whose disk is full pauses its syncs and says so, answers all that reads, and goes on by itself when there is
# room, with nothing lost.
. "$(dirname "$0")/lib.sh"
plugins odd
if [ "$(id -u)" != 0 ] || ! mkdir "$dir/small" || ! mount -t tmpfs -o size=1m none "$dir/small" 2>/dev/null; then
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
provider --records 5000

store=$dir/small/store
host 'min_free = 0' 'retries = 0' 'first_spread = 1ms'
ini <<-INI
	[integration odd]
	base_url = $at
	[connection acme : odd]
	[connection other : odd]
INI
for connection in acme other; do
	for sync in offset number leaves crashes letters counted silent claims proves; do
		printf '[sync %s : odd : %s]\nauto_sync = no\n' $connection $sync
	done
done | ini
"$build/sluice" --conf "$conf" serve >/dev/null 2>"$dir/log" &
host=$!
pids="$pids $host"
until_true 20 grep -q '"msg":"serves ' "$dir/log"

# ---- while it is full

until_true 30 grep -q 'no run begins: no space left' "$dir/log"
ok $? "without room no run begins, and the log says why"
run status --sync cursor --connection-id acme
has "$dir/out" 'no space left on ' "status says so"
run records M_cursor --connection-id acme --limit 3 --format jsonl
is "$status" 0 "records can be read"
run changes M_cursor --connection-id acme --limit 3 --format jsonl
is "$status" 0 "and changes"
began=$(control requests | wc -c)
sleep 2
is "$(control requests | wc -c)" "$began" "meanwhile the provider is left alone"
is "$(grep -c 'no run begins' "$dir/log")" 1 "the log says it once"
run status --sync cursor --connection-id acme --format jsonl
hasnt "$dir/out" '"failures":[1-9]|attention|failed' "it is nobody's failure"

# ---- with room

mount -o remount,size=60m "$dir/small"
whole() { [ "$(live M_cursor)" = 5000 ] && [ "$(who=other; live M_cursor)" = 5000 ]; }
until_true 30 whole
ok $? "with room both go on by themselves, and are complete"
has "$dir/log" 'runs begin again' "the log says so"
run verify
is "$status" 0 "the store is well"
was=$(sequence M_cursor)
kill -TERM "$host"
wait "$host"
is $? 0 "the service ends well"
run run --sync cursor --connection-id acme --format jsonl
is "$(sequence M_cursor)" "$was" "listed again, the provider has nothing that is not stored"
