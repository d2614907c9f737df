#!/bin/sh
# graphql.sh - GraphQL endpoints by configuration alone: recorded answers, cursors and offsets seen in the query, errors with
# status 200, partial data, lists within records, and what every connector has to stand (trials.inc).
. "$(dirname "$0")/lib.sh"
. tests/flow/trials.inc

begin() { # begin LINES...: a configuration with these lines for the connection; datasets follow by section
	rm -rf "$dir/store" "$dir/store.key"
	host 'retry_base = 10ms'
	ini <<-INI
		[integration graphql]
		base_url   = $at
		rate_limit = 10000/s
		[connection acme : graphql]
	INI
	for line; do echo "$line"; done | ini
}
section() { # section NAME LINES...: a dataset more
	echo "[dataset acme : graphql : $1]" | ini
	shift
	for line; do echo "$line"; done | ini
}
routes() { control faults "$1" >/dev/null; }
answer() { # answer BODY: what any request is answered
	control reset >/dev/null
	routes "{\"route\":\"POST /graphql\",\"replies\":[{\"body\":$1}]}"
}

provider

# ---- recorded answers

routes "$(cat tests/fixtures/gitlab/countries.json)"
begin
section countries 'path = /' 'query = { countries { code name native phone continent { code name } capital currency languages { code name } } }' 'id = code'
run run
is "$status $(live countries | tr -d ' ')" "0 120" "a recorded answer is synced by its query alone"
sed -n '/"countries"/s/.*"countries":\[\(.*\)\]}}}.*/\1/p' tests/fixtures/gitlab/countries.json | sed 's/},{"code":"\([A-Z][A-Z]\)","n\([a-z]*\)":/}\n{"code":"\1","n\2":/g' | LC_ALL=C sort >"$dir/want"
stored countries >"$dir/got"
same "$dir/want" "$dir/got" "as it came, byte by byte"
run logs --sync countries
has "$dir/out" 'dataset countries: seen in its first answer: data = countries, paged by nothing' "the log says what was seen"

# ---- pages

{ # 7 pages of connections, offsets and page numbers; what is asked for twice is answered alike
	awk 'BEGIN {
		print "["
		for (p = 6; p >= 0; p--) {
			edges = nodes = rows = ""
			for (i = p * 10; i < p * 10 + 10; i++) {
				c = i % 10 ? "," : ""
				edges = edges c sprintf("{\"cursor\":\"k%d\",\"node\":{\"id\":\"n%d\",\"n\":%d,\"at\":\"2026-01-%02dT00:00:00Z\"}}", i, i, i, i % 28 + 1)
				nodes = nodes c sprintf("{\"key\":{\"id\":%d},\"n\":%d}", i, i)
				rows = rows c sprintf("{\"id\":%d}", i)
			}
			info = sprintf("\"pageInfo\":{\"hasNextPage\":%s,\"endCursor\":\"c%d\"}", p < 6 ? "true" : "false", p)
			printf "{\"route\":\"POST /edges\",\"holds\":\"%s\",\"replies\":[{\"body\":{\"data\":{\"viewer\":{\"things\":{\"edges\":[%s],%s}}}}}]},\n", p ? "\\\"after\\\":\\\"c" p - 1 "\\\"" : "", edges, info
			printf "{\"route\":\"POST /nodes\",\"holds\":\"%s\",\"replies\":[{\"body\":{\"data\":{\"things\":{\"nodes\":[%s],%s}}}}]},\n", p ? "\\\"cursor\\\":\\\"c" p - 1 "\\\"" : "", nodes, info
			printf "{\"route\":\"POST /offset\",\"holds\":\"%s\",\"replies\":[{\"body\":{\"data\":{\"rows\":[%s],\"total\":70}}}]},\n", p ? "\\\"offset\\\":" p * 10 "}" : "\\\"offset\\\":0}", rows
			printf "{\"route\":\"POST /page\",\"holds\":\"%s\",\"replies\":[{\"body\":{\"data\":{\"list\":{\"rows\":[%s]}}}}]},\n", "\\\"page\\\":" p + 1 "}", rows
		}
		print "{\"route\":\"POST /offset\",\"holds\":\"\\\"offset\\\":70\",\"replies\":[{\"body\":{\"data\":{\"rows\":[]}}}]},"
		print "{\"route\":\"POST /page\",\"holds\":\"\\\"page\\\":8}\",\"replies\":[{\"body\":{\"data\":{\"list\":{\"rows\":[]}}}}]}"
		print "]"
	}'
} >"$dir/pages.json"
cat >"$dir/things.graphql" <<'E2'
# the things of whoever asks
query Things($first: Int!, $after: String) {
  viewer { things(first: $first, after: $after) { edges { cursor node { id n at } } pageInfo { hasNextPage endCursor } } }
}
E2
scripts=$dir/pages.json
models='edges nodes rows paged'
begin
section edges 'path = /edges' "query = file:$dir/things.graphql" 'page_size = 10'
section nodes 'path = /nodes' 'query = query($cursor: String) { things(after: $cursor) { nodes { key { id } n } pageInfo { hasNextPage endCursor } } }' 'id = key.id' 'data = things.nodes'
section rows 'path = /offset' 'query = query($limit: Int, $offset: Int) { rows(limit: $limit, offset: $offset) { id } total }' 'data = rows' 'total = total' 'page_size = 10' 'track_deletes = no'
section paged 'path = /page' 'query = query($perPage: Int, $page: Int) { list(n: $perPage, page: $page) { rows { id } } }' 'data = list.rows' 'page_size = 10' 'variables = {"of": "all"}'
trial_whole 280
stored edges >"$dir/got"
has "$dir/got" '^\{"id":"n0","n":0,"at":"2026-01-01T00:00:00Z"\}' "edges are unwrapped"
stored nodes >"$dir/got"
has "$dir/got" '^\{"id":0,"key":\{"id":0\},"n":0\}' "a dotted id becomes the record's id"
run test-connection --connection-id acme
is "$status" 0 "the check tries each dataset"
has "$dir/out" '"edges":\{"data":"viewer.things.edges","paged_by":"after"\}' "and says how it is read"
trial_faults 'POST /'
begin
section edges 'path = /edges' "query = file:$dir/things.graphql" 'page_size = 10'
models=edges
trial_whole 70
trial_kills

# ---- errors

fault() { # fault EXIT WORDS: the dataset `it` cannot be synced, and that is why
	begin
	section it "query = ${query:-{ things { id \} \}}"
	run run
	[ "$status" = "$1" ] && grep -qE -e "$2" "$dir/said"
	ok $? "told: $2"
}
answer '{"errors":[{"message":"no such field","path":["things"],"extensions":{"code":"GRAPHQL_VALIDATION_FAILED"}},{"message":"x"}],"data":null}'
fault 1 'dataset it: no such field \(GRAPHQL_VALIDATION_FAILED\), at \["things"\], and 1 more'
answer '{"errors":[{"message":"who are you?","extensions":{"code":"UNAUTHENTICATED"}}]}'
fault 3 'who are you\? \(UNAUTHENTICATED\)'
answer '{"errors":[{"message":"slow down","extensions":{"code":"THROTTLED"}}],"data":null}'
fault 75 'slow down \(THROTTLED\)'
answer '{"hello":"world"}'
fault 1 'neither data nor errors, so it is none of a GraphQL endpoint; it has: hello \(text\)'
answer '"<html>hello</html>"'
fault 1 'a web page, not JSON: does base_url with path lead to the GraphQL endpoint'
answer '{"data":{"a":[],"b":[]}}'
fault 1 'stand several lists; say which is the list of records, for example data = a'
answer '{"data":{"things":[{"name":"x"}]}}'
fault 1 "the records have no 'id', which should be their id; they have: name; ask for it in the query"
query='mutation { go }' fault 1 'query: a sync only reads, and this is a mutation$'
printf '# only a comment\n{ things { id } }\nmutation Go { go }\n' >"$dir/two.graphql"
query="file:$dir/two.graphql" fault 1 'query: a sync only reads, and this is a mutation$'
printf '# {\nfragment F on Thing { id(of: "}") }\n mutation { go }\n' >"$dir/two.graphql"
query="file:$dir/two.graphql" fault 1 'query: a sync only reads, and this is a mutation$'
printf 'query A { things { id } }\nquery B { things { id } }\n' >"$dir/two.graphql"
query="file:$dir/two.graphql" fault 1 "two operations, and one is asked for: leave the one at 'query B"
begin
section it 'query = { things { id } }' 'nested = x' 'nested_query = mutation($id: ID!) { go }' 'nested_data = x'
run run
has "$dir/said" 'nested_query: a sync only reads, and this is a mutation' "nor is one sent for lists within records"
begin
section it 'query = { things { id } }' 'headers = {"authorization": "x"}'
control reset >/dev/null
run run
has "$dir/said" "headers: authorization is the host's to send" "nor a credential among the headers"
is "$(control requests | sed 's/.*"total":\([0-9]*\).*/\1/')" 0 "nothing of this was asked"
query='things' fault 1 'is no GraphQL: no brace in it'
answer '{"data":{"things":{"nodes":[{"id":1}],"pageInfo":{"hasNextPage":true,"endCursor":"same"}}}}'
query='query($after: String) { things }' fault 1 'leads to a page that was read before'
answer '{"data":{"things":{"nodes":[{"id":1}],"pageInfo":{"hasNextPage":true,"endCursor":null}}}}'
query='query($after: String) { things }' fault 1 'there is more, says the answer, but no cursor'
query='{ things(first: 100) { nodes { id } pageInfo { hasNextPage } } }' fault 1 'goes on \(hasNextPage\), and the query declares no variable for its next page: declare \$after'
is "$(live it | tr -d ' ')" 0 "and nothing is taken for all"
run test-connection --connection-id acme
is "$status" 1 "which test-connection tells, too"
answer '{"data":{"things":{"nodes":[{"id":1}]}}}'
query='query($after: String) { things(after: $after) { nodes { id } } }' fault 1 'declares \$after, but does not ask for pageInfo \{ hasNextPage endCursor \} .*it has|the answer has there: nodes'
answer '{"data":{"things":[{"id":1}]}}'
query='query($after: String) { things }' fault 1 'none of a connection .*say cursor = PATH'

# ---- partial data

answer '{"data":{"things":[{"id":1},{"id":2}]}}'
begin
section it 'query = { things { id } }'
run run
answer '{"data":{"things":[{"id":1}]},"errors":[{"message":"shard 2 is away","path":["things"]}]}'
run run --format jsonl
is "$status $(live it | tr -d ' ')" "1 2" "partial data is kept, deletes nothing, and is no whole success"
has "$dir/said" 'partial data: shard 2 is away' "and the run says so"
section it2 'query = { things { id } }' 'partial = fail'
run run --sync it2
is "$status" 1 "or it fails, where the section says so"

begin
section it 'query = { things { id } }' 'kind = incremental'
run run
run run --format jsonl
is "$status $(grep -c '"status":"partial"' "$dir/out")" "1 1" "an incremental run that is not its first is no whole success either"

# A run that is killed behind a page with errors goes on knowing that something was kept back.
cat >"$dir/kept.json" <<'E2'
[{"route":"POST /graphql","holds":"\"after\":\"c\"","replies":[{"body":{"data":{"things":{"nodes":[{"id":3}],"pageInfo":{"hasNextPage":false}}}}}]},
{"route":"POST /graphql","replies":[{"body":{"data":{"things":{"nodes":[{"id":1}],"pageInfo":{"hasNextPage":true,"endCursor":"c"}}},"errors":[{"message":"shard 2 is away"}]}}]}]
E2
query='query = query($after: String) { things(after: $after) { nodes { id } pageInfo { hasNextPage endCursor } } }'
begin
section it "$query" 'data = things.nodes'
answer '{"data":{"things":{"nodes":[{"id":1},{"id":2},{"id":3}],"pageInfo":{"hasNextPage":false}}}}'
run run
control reset >/dev/null
scripts=$dir/kept.json
served
lost=
settled() { "$build/sluice" --conf "$conf" state get --sync it --format jsonl 2>/dev/null | grep -q '"iterations_in_chunk":1,'; }
cut_at 2 --sync it
settled() { :; }
run run --sync it
is "$lost $status $(requests) $(live it | tr -d ' ')" " 1 1 3" "a run that is killed behind partial data, and the one that goes on with it, delete nothing"

# ---- lists within records

answer '{}'
control reset >/dev/null
routes '[{"route":"POST /graphql","holds":"\"id\":\"a\",\"after\":\"x1\"","replies":[{"body":{"data":{"company":{"people":{"nodes":[{"n":3},{"n":4}],"pageInfo":{"hasNextPage":true,"endCursor":"x2"}}}}}}]},
	{"route":"POST /graphql","holds":"\"id\":\"a\",\"after\":\"x2\"","replies":[{"body":{"data":{"company":{"people":{"nodes":[{"n":5,"big":18446744073709551615}],"pageInfo":{"hasNextPage":false,"endCursor":null}}}}}}]},
	{"route":"POST /graphql","replies":[{"body":{"data":{"companies":{"edges":[
		{"node":{"id":"a","people":{"nodes":[{"n":1},{"n":2}],"pageInfo":{"hasNextPage":true,"endCursor":"x1"}}}},
		{"node":{"id":"b","people":{"nodes":[{"n":9}],"pageInfo":{"hasNextPage":false,"endCursor":null}}}}],"pageInfo":{"hasNextPage":false,"endCursor":null}}}}}]}]'
begin
section whole 'query = query($after: String) { companies { edges { node { id people { nodes { n } pageInfo { hasNextPage endCursor } } } } } }' \
	'nested = people' 'nested_query = query($id: ID!, $after: String) { company(id: $id) { people(after: $after) { nodes { n } pageInfo { hasNextPage endCursor } } } }' 'nested_data = company.people'
run run
is "$status" 0 "lists within records are fetched to their end"
stored whole >"$dir/got"
has "$dir/got" '"id":"a","people":\{"nodes":\[\{"n":1\},\{"n":2\},\{"n":3\},\{"n":4\},\{"n":5,"big":18446744073709551615\}\],"pageInfo":\{"hasNextPage":false' "and stored whole, digit by digit"
begin
section first 'query = query($after: String) { companies { edges { node { id people { nodes { n } pageInfo { hasNextPage endCursor } } } } } }'
run run
has "$dir/said" 'lists within its records go on \(hasNextPage\), and only their first pages are stored: say nested' "without it, the run says that they go on"
is "$status" 1 "and is no whole success"
answer '{"data":{"companies":{"edges":[{"node":null},{"node":{"id":"a","people":{"nodes":[],"pageInfo":{"hasNextPage":false,"endCursor":null}}}}]}}}'
begin
section plain 'query = { companies { edges { node { id } } } }'
section deep 'query = { companies { edges { node { id people { nodes { n } pageInfo { hasNextPage endCursor } } } } } }' \
	'nested = people' 'nested_query = query($id: ID!, $after: String) { company(id: $id) { people(after: $after) { nodes { n } pageInfo { hasNextPage endCursor } } } }' 'nested_data = company.people'
run run
is "$status $(stored plain | wc -l) $(stored deep | wc -l)" "1 1 1" "a node that is null is withheld, not gone: the others are kept, and it is no whole success"
is "$(grep -c 'deletes by absence are off: records of it were rejected' "$dir/said")" 2 "nothing is deleted then, with nested or without"

# ---- fragments, sizes, times that are not there

printf 'fragment F on Thing { id }\nquery($first: Int, $after: String = "{") { things(first: $first, after: $after) { nodes { ...F } pageInfo { hasNextPage endCursor } } }\n' >"$dir/fragment.graphql"
control reset >/dev/null
routes '[{"route":"POST /graphql","holds":"\"after\":\"c\"","replies":[{"body":{"data":{"things":{"nodes":[{"id":2}],"pageInfo":{"hasNextPage":false}}}}}]},
	{"route":"POST /graphql","replies":[{"body":{"data":{"things":{"nodes":[{"id":1}],"pageInfo":{"hasNextPage":true,"endCursor":"c"}}}}}]}]'
begin
section it "query = file:$dir/fragment.graphql" 'kind = incremental'
printf '[sync acme : graphql : it]\npage_size = 7\n' | ini
run run
is "$status $(live it | tr -d ' ')" "0 2" "variables are those of the query, also behind a fragment"
is "$(control requests log=1 | grep -o '"first\\":7' | wc -l)" 3 "page_size of the sync goes into each request"
begin
section it 'query = query($after: String, $since: String) { things(after: $after, since: $since) { nodes { id } pageInfo { hasNextPage endCursor } } }' \
	'kind = incremental' 'since = since updatedAt'
run run
has "$dir/said" "since: none of the records has 'updatedAt', so each run asks for everything" "a time that no record has is told"

# ---- incremental

control reset >/dev/null
routes '[{"route":"POST /graphql","holds":"\"since\":\"2026-02-02T00:00:00Z\"","replies":[{"body":{"data":{"things":[{"id":3,"at":"2026-02-03T00:00:00Z"}]}}}]},
	{"route":"POST /graphql","replies":[{"body":{"data":{"things":[{"id":1,"at":"2026-02-01T00:00:00Z"},{"id":2,"at":"2026-02-02T00:00:00Z"}]}}}]}]'
begin
section it 'query = query($since: DateTime) { things(since: $since) { id at } }' 'kind = incremental' 'since = since at'
run run
is "$status $(live it | tr -d ' ')" "0 2" "an incremental dataset begins with everything"
run run
is "$status $(live it | tr -d ' ')" "0 3" "and goes on from the latest time that it saw"
control reset >/dev/null
routes '[{"route":"POST /graphql","holds":"\"since\":10}","replies":[{"body":{"data":{"things":[{"id":3,"n":11}]}}}]},
	{"route":"POST /graphql","replies":[{"body":{"data":{"things":[{"id":1,"n":9},{"id":2,"n":10},{"id":4,"n":null},{"id":5,"n":{"z":1}}]}}}]}]'
begin
section it 'query = query($since: Int) { things(since: $since) { id n } }' 'kind = incremental' 'since = since n'
run run
run run
is "$status $(live it | tr -d ' ')" "0 5" "numbers are compared as numbers, and null is no time"
