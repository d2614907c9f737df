#!/bin/sh
# contract_records.sh - GET /records and PATCH /records/prune: pages, filters, cursors and their ends.
. "$(dirname "$0")/lib.sh"

key=5f2b7b1e-9d3e-4c38-8a52-0f0a7d3f6b10

asker=acme
integration=close

configure() {
	host 'retry_base = 10ms' 'first_spread = 10ms' "encryption_key = file:$dir/the.key"
	ini <<-INI
		[integration close]
		base_url   = $at/close/api
		rate_limit = 10000/s
		[connection acme : close]
		api_key = api_flow
		[sync acme : close : leads]
		every = every day
		[key app]
		value = $key
		scope = write
	INI
}

serve() {
	: >"$dir/log" # not by the child, which may be late
	"$build/sluice" --conf "$conf" serve >/dev/null 2>"$dir/log" &
	server=$!
	pids="$pids $server"
	until_true 20 grep -q 'listens on http://' "$dir/log" || { cat "$dir/log"; exit 1; }
	url=$(sed -n 's/.*listens on \(http:\/\/[0-9.:]*\).*/\1/p' "$dir/log" | head -n 1)
}

stop() {
	kill "-$1" "$server"
	wait "$server" 2>/dev/null
}

ask() { # ask METHOD PATH CURL_ARGUMENTS...: $code, $dir/out
	method=$1
	path=$2
	shift 2
	code=$(curl -s -g -m 20 -X "$method" -o "$dir/out" -w '%{http_code}' -H "Authorization: Bearer $key" -H "Connection-Id: $asker" \
		-H "Provider-Config-Key: $integration" -H 'Content-Type: application/json' "$@" "$url$path")
	: >"$dir/err"
}

error() { echo "$code $(sed -n 's/^{"error":{"code":"\([a-z_]*\)".*/\1/p' "$dir/out")"; }
records() { sed 's/^{"records":\[//; s/\(,"cursor":"[^"]*"}}\),{"id":/\1\n{"id":/g; s/\],"next_cursor".*//; $a\\' "$dir/out" | sed '/^$/d'; }
record_ids() { records | sed -n 's/^{"id":"\([^"]*\)".*/\1/p'; }
count() { records | wc -l; }
next() { sed -n 's/.*"next_cursor":"\([^"]*\)"}$/\1/p' "$dir/out"; }
cursor_of() { records | sed -n "$1"'s/.*"cursor":"\([^"]*\)"}}$/\1/p'; }

everything() { # everything QUERY: the ids of all pages, in order, in $dir/all
	: >"$dir/all"
	at_cursor=
	pages=0
	while ask GET "/records?model=CloseLead&$1$at_cursor" && [ "$code" = 200 ] && [ "$pages" -lt 300 ]; do
		record_ids >>"$dir/all"
		pages=$((pages + 1))
		[ -n "$(next)" ] || return 0
		at_cursor="&cursor=$(next)"
	done
	return 1
}

synced() { # the run that was asked for is over
	ask GET '/sync/status?syncs=leads&provider_config_key=close&connection_id=acme'
	grep -q '"status":"SUCCESS"' "$dir/out" && grep -q '"finishedAt"' "$dir/out" && ! grep -qF "$finished" "$dir/out"
}

again() { # a full listing, to its end
	ask GET '/sync/status?syncs=leads&provider_config_key=close&connection_id=acme'
	finished=$(grep -o '"finishedAt":"[^"]*"' "$dir/out")
	ask POST /sync/trigger -d '{"syncs":["leads"],"provider_config_key":"close","connection_id":"acme","opts":{"reset":true}}'
	until_true 30 synced
}

provider --records 120
configure
serve
finished='"never"'
until_true 30 synced
ok $? "the first sync ends"
leads=$(total close lead)

# ---- shape and pages

ask GET '/records/?model=CloseLead&limit=1'
is "$code" 200 "the path may end with a slash"
has "$dir/out" '"_nango_metadata":\{"first_seen_at":"[0-9T:-]{19}\.[0-9]{6}\+00:00","last_modified_at":"[0-9T:-]{19}\.[0-9]{6}\+00:00","last_action":"ADDED","deleted_at":null,"pruned_at":null,"cursor":"[A-Za-z0-9_-]+"\}' \
	"each record carries its metadata, times with microseconds and an offset"
is "$(cursor_of 1)" "$(next)" "next_cursor is the cursor of the page's last record"

everything limit=2
is "$?$(wc -l <"$dir/all")" "0$leads" "pages of two give every record"
is "$(sort "$dir/all" | uniq -d)" "" "and none twice"
cp "$dir/all" "$dir/two"
everything limit=10000
same "$dir/two" "$dir/all" "in the order in which one page gives them"
is "$pages" 1 "the last page says that it is the last"
ask GET "/records?model=CloseLead&limit=$leads"
is "$(count)$(next)" "$leads" "also where it is just full"

ask GET '/records?model=CloseLead&limit=5'
third=$(cursor_of 3)
fourth=$(record_ids | sed -n 4p)
ask GET "/records?model=CloseLead&limit=1&cursor=$third"
is "$(record_ids)" "$fourth" "a record's own cursor goes on behind it"

ask POST /sync/trigger -d '{"syncs":["leads"],"provider_config_key":"close","connection_id":"acme","opts":{"reset":true}}'
everything limit=2
is "$(sort "$dir/all" | uniq -d)$(wc -l <"$dir/all")" "$leads" "the same while a sync writes"
again

# ---- what has changed

ask GET "/records?model=CloseLead&limit=10000"
last=$(cursor_of '$')
before=$(date -u +%Y-%m-%dT%H:%M:%S.%NZ)
control mutate api=close kind=lead change=5 drop=3 add=2 >"$dir/mutated"
again
ask GET "/records?model=CloseLead&cursor=$last"
is "$(count)" 10 "behind the last cursor stands what has changed since"
for case in added:$((leads - 6)) updated:5 deleted:3 ADDED,UPDATED:$((leads - 1)) updated,deleted:8 added,deleted:$((leads - 3)) added,updated,deleted:$((leads + 2)); do
	everything "limit=7&filter=${case%:*}"
	is "$(wc -l <"$dir/all")" "${case#*:}" "filter=${case%:*}"
done
for what in changed:updated dropped:deleted; do
	everything "filter=${what#*:}"
	sort "$dir/all" >"$dir/got"
	ids close lead "${what%:*}" "$dir/mutated" >"$dir/want"
	LC_ALL=C sort -o "$dir/got" "$dir/got"
	same "$dir/want" "$dir/got" "the ${what#*:} are those that the provider has ${what%:*}"
done
ask GET '/records?model=CloseLead&filter=deleted&limit=1'
has "$dir/out" '"last_action":"DELETED","deleted_at":"[0-9T:.-]{26}\+00:00"' "a deleted record says when"
has "$dir/out" '"display_name":' "and keeps what it last held"

ask GET "/records?model=CloseLead&limit=10000&modified_after=$before"
is "$(count)" 10 "modified_after gives what changed later"
edge=$(records | sed -n '4s/.*"last_modified_at":"\([^"+]*\)+.*/\1Z/p')
ask GET "/records?model=CloseLead&limit=10000&modified_after=$edge"
is "$(count)" 7 "and then: it is inclusive, to the microsecond"
ask GET "/records?model=CloseLead&limit=10000&modified_after=$edge&filter=deleted,updated&cursor=$last"
is "$(count)" "$(records | grep -cE '"last_action":"(UPDATED|DELETED)"')" "with a filter and a cursor all three hold"

one=$(sed -n 1p "$dir/two")
ten=$(sed -n 10p "$dir/two")
ask GET "/records?model=CloseLead&ids=$ten&ids=nobody&ids=$one&ids=$one"
is "$(count)" 2 "ids give these records, each once"
ask GET "/records?model=CloseLead&ids=$ten&ids=$one&limit=1"
first=$(record_ids)
ask GET "/records?model=CloseLead&ids=$ten&ids=$one&limit=1&cursor=$(next)"
is "$(printf '%s\n' "$first" "$(record_ids)" | sort)$(next)" "$(printf '%s\n' "$one" "$ten" | sort)" "in pages too"
many=$(for i in $(seq 101); do printf '&ids=%s' "$i"; done)
ask GET "/records?model=CloseLead$many"
is "$(error)" "400 invalid_query_params" "a hundred and one are too many"

# ---- what is refused

ask GET '/records?model=NothingLikeIt'
is "$code $(cat "$dir/out")" '200 {"records":[],"next_cursor":null}' "an unknown model is empty"
asker=nobody
ask GET '/records?model=CloseLead'
is "$(error)" "400 unknown_connection" "an unknown connection is told"
asker=acme
ask GET '/records?model=CloseLead&cursor=bm9uc2Vuc2U'
is "$(error)" "400 invalid_cursor" "nonsense is no cursor"
ask GET "/records?model=CloseContact&cursor=$last"
is "$(error)" "400 invalid_cursor" "nor is another model's"
changed=$(echo "$last" | sed 's/^\(........\)./\1-/')
ask GET "/records?model=CloseLead&cursor=$changed"
is "$(error)" "400 invalid_cursor" "nor one that was changed"
for wrong in limit=0 limit=10001 filter=changed modified_after=yesterday color=red; do
	ask GET "/records?model=CloseLead&$wrong"
	is "$(error)" "400 invalid_query_params" "$wrong is refused"
done

# ---- prune

ask GET '/records?model=CloseLead&limit=6'
fifth=$(cursor_of 5)
records >"$dir/full"
ask PATCH /records/prune -d "{\"model\":\"CloseLead\",\"until_cursor\":\"$fifth\",\"limit\":3}"
is "$code $(cat "$dir/out")" '200 {"count":3,"has_more":true}' "prune takes as many as it may"
ask PATCH /records/prune -d "{\"model\":\"CloseLead\",\"until_cursor\":\"$fifth\"}"
is "$(cat "$dir/out")" '{"count":2,"has_more":false}' "then the others, the cursor's own included"
ask GET '/records?model=CloseLead&limit=6'
records >"$dir/pruned"
is "$(sed -n 's/.*"cursor":"\([^"]*\)".*/\1/p' "$dir/pruned")" "$(sed -n 's/.*"cursor":"\([^"]*\)".*/\1/p' "$dir/full")" "no cursor has moved"
is "$(sed -n 's/^{"id":"[^"]*","_nango_metadata".*"pruned_at":"[0-9T:.-]*+00:00".*/hollow/p' "$dir/pruned" | wc -l)" 5 "five hold nothing but id and metadata"
is "$(sed -n 6p "$dir/pruned")" "$(sed -n 6p "$dir/full")" "the sixth is as it was"
ask PATCH /records/prune -d "{\"model\":\"CloseLead\",\"until_cursor\":\"nonsense\"}"
is "$(error)" "400 invalid_cursor" "prune wants a cursor of these records"
asker=nobody
ask PATCH /records/prune -d "{\"model\":\"CloseLead\",\"until_cursor\":\"$fifth\"}"
is "$(error)" "400 unknown_connection" "and a connection"
asker=acme
again
ask GET '/records?model=CloseLead&limit=6'
records >"$dir/again"
same "$dir/full" "$dir/again" "the next listing fills them again, and nothing else of them is other"

# ---- over restarts, in a backup, and when deletes are gone

ask GET "/records?model=CloseLead&cursor=$last&limit=10000"
record_ids >"$dir/behind"
run backup "$dir/backup"
stop KILL
serve
ask GET "/records?model=CloseLead&cursor=$last&limit=10000"
record_ids >"$dir/got"
same "$dir/behind" "$dir/got" "a cursor outlives a killed host"
stop TERM
store=$dir/restored
configure
run restore "$dir/backup"
serve
ask GET "/records?model=CloseLead&cursor=$last&limit=10000"
record_ids >"$dir/got"
same "$dir/behind" "$dir/got" "and is good in a restored backup"
stop TERM
run prune --deleted-after 1ms
serve
ask GET "/records?model=CloseLead&cursor=$third"
is "$(error)" "400 cursor_expired" "a cursor from before deletes that are no longer kept is told so"
ask GET "/records?model=CloseLead&cursor=$third&filter=added,updated"
is "$code" 200 "unless the filter wants none of them"
everything limit=50
is "$?$(wc -l <"$dir/all")" "0$((leads - 1))" "from the beginning one may always read"
run verify
is "$status" 0 "the store verifies"

# ---- records that are large: a page ends by its bytes

plugins odd
awk 'BEGIN { s = "xxxxxxxxxxxxxxxx"; while (length(s) < 1048000) s = s s; s = substr(s, 1, 1048000)
	printf "{\"route\":\"GET /odd/letters\",\"replies\":[{\"body\":\"{\\\"items\\\":["
	for (i = 0; i < 20; i++) printf "%s{\\\"id\\\":\\\"r%02d\\\",\\\"name\\\":\\\"%s\\\"}", i ? "," : "", i, s
	printf "]}\"}]}" }' >"$dir/letters.json"
provider "$dir/letters.json"
store=$dir/large
host
ini <<INI
[integration odd]
base_url = $at
[connection large : odd]
[key app]
value = $key
scope = write
INI
asker=large
integration=odd
run run --sync letters
is "$status" 0 "twenty records of a megabyte each are stored"
sed -i 's/^\[connection large : odd\]/&\nactive = no/' "$conf/sluice.ini"
serve
ask GET '/records?model=M_letters&limit=10000'
[ "$(wc -c <"$dir/out")" -lt 12000000 ] && [ -n "$(next)" ]
ok $? "a page of them ends by its bytes, and next_cursor goes on"
: >"$dir/all"
at_cursor=
while ask GET "/records?model=M_letters&limit=10000$at_cursor" && grep -oE '"id":"r[0-9]+"' "$dir/out" >>"$dir/all" && [ -n "$(next)" ]; do
	at_cursor="&cursor=$(next)"
done
is "$(sort -u "$dir/all" | wc -l) $(wc -l <"$dir/all")" "20 20" "page by page all of them come, each once"
many=$(sed 's/"id":"\(.*\)"/\&ids=\1/' "$dir/all" | tr -d '\n')
ask GET "/records?model=M_letters&limit=10000$many"
[ "$(wc -c <"$dir/out")" -lt 12000000 ] && [ -n "$(next)" ]
ok $? "also when they are named by their ids"
ask PATCH /records/prune -d "{\"model\":\"M_letters\",\"until_cursor\":\"$(next)\"}"
is "$code $(sed 's/"count":[0-9]*/"count":N/' "$dir/out")" '200 {"count":N,"has_more":false}' "prune up to there"
echo "1..$cases"
