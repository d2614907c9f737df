#!/bin/sh
# The key that the host makes itself, and keys of the configuration: who may do what, rotation without a restart.
. "$(dirname "$0")/lib.sh"
command -v curl >/dev/null || { skip "keys over HTTP" "curl is missing"; echo "1..$cases"; exit 0; }

begin() { # a service; $url is its address
	: >"$dir/serve.err" # the last one's address is not ours
	"$build/sluice" serve --conf "$conf" >"$dir/serve.out" 2>"$dir/serve.err" &
	service=$!
	pids="$pids $service"
	for _ in $(seq 200); do
		url=$(sed -n 's/.*listens on \(http[^"]*\).*/\1/p' "$dir/serve.err")
		[ -n "$url" ] && return
		sleep 0.1
	done
	ok 1 "the service listens"
}
end() {
	kill "$service"
	wait "$service"
}
code() { # code KEY [CURL ARGUMENTS] PATH: the status
	key=$1
	shift
	curl -s -o "$dir/body" -w '%{http_code}' -H "Authorization: Bearer $key" "$@"
}

host 'log_format = json'
begin
curl -s -D "$dir/head" -o "$dir/body" "$url/"
has "$dir/head" "Content-Security-Policy: .*script-src 'self';.*frame-ancestors 'none'" "the page runs its own scripts only, and in no frame of another site"
hasnt "$dir/head" "Allow-Origin|Set-Cookie" "no other site reads it, and it sets no cookie"
made=$(sed -n 's/^ *\([0-9a-f]\{8\}-[0-9a-f-]\{27\}\)$/\1/p' "$dir/serve.err")
is "$(echo "$made" | cut -c15)" 4 "without a key in the configuration the first start makes one, a UUID of version 4, and tells it"
is "$(code "$made" "$url/api/v1/key")" 200 "it opens the API"
is "$(code wrong "$url/api/v1/key")" 401 "another one does not"
has "$dir/body" unknown_account "and the answer says why"
run api-key show
is "$(cat "$dir/out")" "$made" "its owner can have it told again"
end
begin
hasnt "$dir/serve.err" "$made" "the next start tells it no more"
is "$(code "$made" "$url/api/v1/key")" 200 "and it is still good"
run api-key rotate
other=$(cat "$dir/out")
is "$(code "$made" "$url/api/v1/key") $(code "$other" "$url/api/v1/key")" "401 200" "rotated, the new one is good at once and the old one is not"
has "$dir/body" '"rights":\["read","trigger","write"\]' "it is of scope write"

ini <<INI
[key reader]
value = reader-secret-one
scope = read
[key cron]
value = cron-secret
scope = trigger
[key boss]
value = boss-secret-one
scope = admin
INI
run reload
ok $? "keys come with a reload"
is "$(code "$other" "$url/api/v1/key") $(code reader-secret-one "$url/api/v1/key")" "401 200" "then the made one is good no more"
is "$(code reader-secret-one "$url/api/v1/service") $(code cron-secret "$url/api/v1/service")" "200 403" "a key of scope trigger may not read the rest"
is "$(code cron-secret "$url/api/connectors/sync")" 200 "it may what a cron job needs"
is "$(code reader-secret-one -X POST -H 'Content-Type: application/json' -d '{"syncs":[],"provider_config_key":"x"}' "$url/sync/trigger")" 403 "a key of scope read changes nothing"
run api-key show
is "$status" 2 "where the configuration has keys there is no made one to show"
sed -i 's/reader-secret-one/reader-secret-two/' "$conf/sluice.ini"
run reload
is "$(code reader-secret-one "$url/api/v1/key") $(code reader-secret-two "$url/api/v1/key")" "401 200" "a key's new value holds from the reload on"
has "$dir/serve.err" "key cron is shorter than 16 bytes" "a key that can be guessed is told of"
hasnt "$dir/serve.err" "key reader is shorter" "and no other"
hasnt "$dir/serve.err" "(reader|cron|boss)-secret" "no key is in the log"
end
echo "1..$cases"
