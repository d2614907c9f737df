#!/bin/sh
# rest.sh - any JSON API by configuration alone: recorded answers of three services, every way of paging, children, maps,
# incremental runs, credentials of every kind, and a sentence for each mistake.
. "$(dirname "$0")/lib.sh"
. tests/flow/trials.inc

for name in issues epics commits releases project products; do
	sed 's|HOST|http://127.0.0.1:PORT|g' "tests/fixtures/gitlab/$name.json" >"$dir/$name.json"
done
start() { # start ARGUMENTS: a provider that knows the recorded answers under its own address
	provider "$@"
	for name in issues epics commits releases project products; do
		sed -i "s|127.0.0.1:[A-Z0-9]*|${at#http://}|g" "$dir/$name.json"
		control faults "$(cat "$dir/$name.json")" >/dev/null
	done
}
begin() { # begin LINES...: a configuration with these lines for the connection; datasets follow by ini
	rm -rf "$dir/store" "$dir/store.key"
	host 'retry_base = 10ms'
	ini <<-INI
		[integration rest]
		base_url   = $at
		rate_limit = 10000/s
		[connection acme : rest]
	INI
	for line; do echo "$line"; done | ini
}
count() { # count MODEL
	live "$1" | tr -d ' '
}

start --records 60

# ---- recorded answers, by configuration alone

begin
ini <<'INI'
[dataset acme : rest : issues]
path  = /api/v4/projects/meltano%2Fsdk/issues
query = scope=all&order_by=updated_at&sort=asc
[dataset acme : rest : epics]
path = /api/v4/groups/2524164/epics
[dataset acme : rest : commits]
path     = /api/v4/projects/meltano%2Fsdk/repository/commits
paginate = link
[dataset acme : rest : releases]
path = /api/v4/projects/meltano%2Fsdk/releases
id   = tag_name
[dataset acme : rest : project]
path   = /api/v4/projects/meltano%2Fsdk
single = yes
[dataset acme : rest : products]
path          = /products
page_size     = 25
track_deletes = no
INI
run run
is "$status" 0 "recorded answers are synced by configuration alone"
for pair in issues:160 epics:60 commits:134 releases:3 project:1 products:75; do
	is "$(count "${pair%:*}")" "${pair#*:}" "${pair%:*}: every record"
done
sed -n 's/^\({"id".*}\),\{0,1\}$/\1/p' "$dir/issues.json" | LC_ALL=C sort >"$dir/want"
stored issues >"$dir/got"
same "$dir/want" "$dir/got" "as they came, byte by byte"
run logs --sync issues
has "$dir/out" 'dataset issues: seen in its first answer: items = \., paginate = link' "the log says what was seen"
run logs --sync products
has "$dir/out" 'items = products, paginate = offset skip limit' "of a list inside the answer too"
before=$(sequence issues)
run run
is "$status $(sequence issues)" "0 $before" "a second run changes nothing"
run test-connection --connection-id acme
is "$status" 0 "the check tries each dataset"
has "$dir/out" '"epics":\{"items":"\.","paginate":"link"' "and says how it is read"

# ---- every way of paging, said and seen

control set plain.records=250 plain.size=200 >/dev/null
section() { # section NAME LINES...: a dataset more
	echo "[dataset acme : rest : $1]" | ini
	shift
	for line; do echo "$line"; done | ini
}
begin
section cursor_seen 'path = /plain/cursor'
section linkbody_seen 'path = /plain/linkbody'
section page_seen 'path = /plain/page'
section cursor 'path = /plain/cursor' 'items = items' 'paginate = cursor meta.next after limit' 'page_size = 40'
section last 'path = /plain/last' 'items = items' 'paginate = last id starting_after limit' 'has_more = has_more'
section offset 'path = /plain/offset' 'items = items' 'paginate = offset offset limit' 'page_size = 60'
section page 'path = /plain/page' 'items = items' 'paginate = page page limit' 'page_size = 50'
section post 'path = /plain/post' 'method = POST' 'body = {"kind": "all"}' 'items = items' 'paginate = cursor cursor cursor limit'
run run
is "$status" 0 "every way of paging is walked"
for name in cursor_seen linkbody_seen page_seen cursor last offset page post; do
	is "$(count $name)" 250 "$name: every record"
done
control mutate api=plain drop=7 change=5 add=3 >/dev/null
run run --format jsonl
is "$(grep -c '"deleted":7' "$dir/said") $(grep -c '"updated":5' "$dir/said")" "6 8" "what is gone and what is other is seen"
run run --format jsonl
is "$(count page) $(count page_seen)" "246 246" "by page numbers, which prove less, when it is missed again"
begin
section small 'path = /small' 'items = .' 'paginate = offset offset limit' 'kind = incremental'
control faults '[{"route":"GET /small?limit=100&offset=0","replies":[{"body":[{"id":1},{"id":2}]}]},
	{"route":"GET /small?limit=100&offset=2","replies":[{"body":[{"id":3}]}]},{"route":"GET /small?limit=100&offset=3","replies":[{"body":[]}]}]' >/dev/null
run run
is "$(count small)" 3 "a page that the provider keeps smaller is not the last"
begin
section total 'path = /total'
control faults '{"route":"GET /total","replies":[{"body":{"items":[{"id":1}],"total":9}}]}' >/dev/null
run run
is "$status" 1 "a list that says that there is more, but not how, is no success"
has "$dir/said" 'dataset total: GET /total: the answer is not all \(total is 9, and it holds 1\).*paginate = ' "and the sentence says what to write"
control reset >/dev/null

# ---- parents, maps, ids

control set plain.records=12 plain.parents=7 plain.children=5 >/dev/null
begin
section parents 'path = /plain/parents' 'paginate = cursor meta.next after limit' 'page_size = 3'
section children 'path = /plain/parents/${id}/children' 'parent = parents' 'paginate = cursor meta.next after limit' 'page_size = 2' 'items = items'
section seen 'path = /plain/parents/${parents.id}/children' 'parent = parents' 'parent_field = of'
section mapped 'path = /plain/page' 'id = email' 'map = who:name, since:created:time, number:number:string, first_tag:tags.0'
section dotted 'path = /plain/page' 'id = tags.0' 'track_deletes = no'
section kept 'path = /plain/page' 'map = *, label:name'
run run
is "$status" 0 "children of every record of their parent"
is "$(count parents) $(count children) $(count seen)" "7 35 35" "each of them"
stored children >"$dir/got"
has "$dir/got" '^\{"parent_id":"parent3","id":"parent3-child0"' "with its parent's id, and the rest of the item as it came"
stored mapped >"$dir/got"
has "$dir/got" '^\{"who":"[^"]*","since":"20[0-9-]*T[0-9:]*Z","number":"0","first_tag":"[a-z]*","email":"' "a map renames, picks and converts; the id is put in"
stored kept >"$dir/got"
has "$dir/got" '^\{"label":"([^"]*)","id":"rec_[^"]*","number":[0-9]*,"name":"' "* keeps the rest"
run records dotted --format jsonl
has "$dir/out" '^\{"id":"([a-z]*)".*"record":\{"id":"[a-z]*","number"' "a dotted id becomes the record's id"
control set plain.parents=6 >/dev/null
run run --sync children --format jsonl
has "$dir/said" '"deleted":5' "a parent that is gone takes its children along"
control faults '[{"route":"GET /p","replies":[{"body":[{"id":1},{"id":2}]}]},{"route":"GET /p/1/c","replies":[{"body":{"items":[{"id":"a"}],"next":null}}]},
	{"route":"GET /p/2/c?from=2","replies":[{"body":{"items":[{"id":"c"}],"next":null}}]},
	{"route":"GET /p/2/c","replies":[{"body":{"items":[{"id":"b"}],"next":"/p/2/c?from=2"}}]}]' >/dev/null
begin
section p 'path = /p'
section c 'path = /p/${id}/c' 'parent = p'
run run
is "$status $(stored c | sed 's/.*"id":"\(.\)".*/\1/' | tr -d '\n')" "0 abc" "pages that only the second parent has are seen"

# ---- incremental

moments() { control faults '[{"route":"GET /moments?state=all&updated_after=2026-01-02T00%3A00%3A00%2B02%3A00","replies":[{"body":[{"id":3,"at":"2026-01-03T00:00:00Z"}]}]},
	{"route":"GET /moments?state=all&updated_after=2026-01-03T00%3A00%3A00Z","replies":[{"body":[]}]},
	{"route":"GET /moments?state=all","replies":[{"body":[{"id":2,"at":"2026-01-02T00:00:00+02:00"},{"id":1,"at":"2026-01-01T21:00:00Z"}]}]},
	{"route":"GET /numbers?since=1767304800","replies":[{"body":[{"id":2,"m":{"at":1767304900}}]}]},
	{"route":"GET /numbers","replies":[{"body":[{"id":1,"m":{"at":"2026-01-01T22:00:00Z"}}]}]}]' >/dev/null; }
moments
begin
section moments 'path = /moments' 'query = state=all' 'kind = incremental' 'since = updated_after at' 'items = .' 'paginate = none'
section numbers 'path = /numbers' 'kind = incremental' 'since = since m.at' 'since_format = unix' 'items = .' 'paginate = none'
run run
is "$status $(count moments) $(count numbers)" "0 2 1" "an incremental dataset begins with everything"
run run
is "$status $(count moments) $(count numbers)" "0 3 2" "and goes on from the latest time that it saw, in the records' format or the one that is said"
run run --sync moments
is "$status $(count moments)" "0 3" "again and again"
control faults '[{"route":"GET /seq?since=1767304800123456790","replies":[{"body":[{"id":3,"n":1767304800123456791}]}]},
	{"route":"GET /seq","replies":[{"body":[{"id":1,"n":1767304800123456789},{"id":2,"n":1767304800123456790},{"id":4,"n":99}]}]}]' >/dev/null
begin
section seq 'path = /seq' 'kind = incremental' 'since = since n' 'items = .' 'paginate = none'
run run
run run
is "$status $(count seq)" "0 4" "numbers of 19 digits are compared to their last one"

# ---- one record, and lists beside each other

control faults '[{"route":"GET /one","replies":[{"body":{"data":{"id":7,"name":"x"},"took":1}}]},
	{"route":"GET /posts","replies":[{"body":{"data":[],"included":[{"id":1},{"id":2}]}}]}]' >/dev/null
begin
section one 'path = /one' 'single = yes' 'items = data'
run run
is "$status $(stored one)" '0 {"id":7,"name":"x"}' "the one record may stand within the answer"
section posts 'path = /posts'
run run --sync posts
is "$status $(count posts)" "1 0" "where the usual list is empty, another one is not taken for it"
has "$dir/said" 'several lists: data .0 elements., included .2 records.; say which, for example items = data' "but asked about"

# ---- credentials of every kind

for way in 'bearer|token = s3cret|authorization: Bearer s3cret' 'header X-Api-Key|api_key = s3cret|x-api-key: s3cret' \
	'header Authorization Token|api_key = s3cret|authorization: Token s3cret' 'basic|username = me|authorization: Basic bWU6czNjcmV0' \
	'query key|api_key = s3cret|/plain/page?key=s3cret' '|token = s3cret|authorization: Bearer s3cret'; do
	auth=${way%%|*} line=${way#*|}
	begin "${line%%|*}" "${auth:+auth = $auth}" "$(case $auth in basic) echo 'password = s3cret' ;; esac)"
	section things 'path = /plain/page' 'items = items' 'paginate = none'
	control reset >/dev/null
	run run
	control requests log=1 >"$dir/got"
	is "$status$(tr -d '"{}' <"$dir/got" | grep -ciF "$(echo "${way##*|}" | sed 's/: /:/')")" 01 "auth = ${auth:-what the credentials are}"
done
begin 'client_id = me' 'client_secret = right'
section things 'path = /oauth/api/page' 'items = items' 'paginate = none'
control reset >/dev/null
run run
is "$status $(control requests | grep -c '"total":0')" "2 1" "half of what OAuth 2 needs: nothing is asked without credentials"
has "$dir/said" 'set token_url in \[integration rest\], or say auth = none' "and told is what lacks"
sed -i "s|^rate_limit.*|token_url = $at/oauth/token|" "$conf/sluice.ini"
run run
is "$status" 0 "OAuth 2, where the integration says where tokens are"
begin 'auth = heder X' 'api_key = x'
section things 'path = /plain/page'
run config --check
run run
is "$status" 2 "a way that there is not is an error"
has "$dir/said" "auth: 'heder X' is no way to authenticate; say bearer, basic" "with those that there are"

# ---- a sentence for each mistake

fault() { # fault WORDS SECTION-LINES...: a dataset `it` with these lines cannot be synced, and that is why
	words=$1
	shift
	begin
	section it "$@"
	run run
	[ "$status" = 1 ] && grep -qE -e "$words" "$dir/said"
	ok $? "told: $words"
}
answer() { # answer BODY: what GET /it is answered
	control reset >/dev/null
	control faults "{\"route\":\"GET /it\",\"replies\":[{\"body\":$1}]}" >/dev/null
}
answer '{"data":{"things":[{"id":1}],"n":1},"ok":true}'
fault "dataset it: GET /it: items = data.rows leads nowhere: data is an object with things \(list of 1\), n \(number\); say for example items = data.things" 'path = /it' 'items = data.rows' 'paginate = none'
fault "items = data is no list, but an object with things \(list of 1\), n \(number\); say for example items = data.things" 'path = /it' 'items = data'
answer '{"ok":true,"message":"hello"}'
fault 'no list in the answer, which is an object with ok \(yes or no\), message \(text\), saying: hello; is the path right' 'path = /it'
answer '{"id":5,"tags":["a"]}'
fault "the answer is one record \(it has 'id' itself\), not a list; say single = yes" 'path = /it'
answer '{"a":[{"id":1}],"b":[{"id":2}]}'
fault 'the answer holds several lists: a \(1 records\), b \(1 records\); say which, for example items = a' 'path = /it'
answer '[{"uuid":"u1","name":"x"},{"uuid":"u2","name":"y"}]'
fault "the records have no 'id', which should be their id; they have: uuid, name; say which member is unique, for example id = uuid" 'path = /it'
answer '{}'
fault 'no list in the answer, which is empty: \{\}; is the path right' 'path = /it'
answer '{"error":{"message":"no such project"},"code":7}'
fault 'an object with error \(object\), code \(number\), saying: no such project; is the path right' 'path = /it'
answer '"{\"id\":1}\n{\"id\":2}\n"'
fault 'not one JSON text, for it goes on behind its end; a record on each line .JSON lines. is not read' 'path = /it' 'single = yes'
is "$(live it)" 0 "and nothing of it is stored"
answer '[{"id":1}]'
begin
section it 'path = /it' 'method = DELETE'
run run
is "$status" 2 "what changes things at the service is no way to list"
has "$dir/said" "method: 'DELETE' is not of the form GET . POST" "and is told"
fault 'body is of a POST: say method = POST' 'path = /it' 'body = {"a":1}'
fault "headers: Authorization is the host's to send: give the connection its token" 'path = /it' 'headers = {"Authorization": "Bearer x"}'
is "$(control requests | sed 's/.*"total":\([0-9]*\).*/\1/')" 0 "and nothing was asked for"
begin
section it 'path = /it' 'kind = incremental' 'since = after updated'
run run
has "$dir/said" "since: none of the records has 'updated', so each run asks for everything; they have: id" "a member that no record has is told"
begin
section it 'path = /it' 'fields = n integer'
run run
is "$status" 2 "a field with a blank for its colon is refused"
has "$dir/said" "fields: 'n integer' is no field; say for example email:string" "with how it is written"
control reset >/dev/null
control faults '[{"route":"GET /it?page_size=100&start_cursor=x","replies":[{"body":{"object":"list","results":[{"id":2}],"has_more":false,"next_cursor":null}}]},
	{"route":"GET /it","replies":[{"body":{"object":"list","results":[{"id":1}],"has_more":true,"next_cursor":"x"}}]}]' >/dev/null
begin
section it 'path = /it'
run run
is "$status $(count it)" "0 2" "Notion's pages are seen"
fault "leads to a page that was read before; is 'cursor' the parameter that takes the cursor\?" 'path = /it' 'paginate = cursor next_cursor cursor'
answer "[$(seq -s , 1 100 | sed 's/[0-9][0-9]*/{"id":&}/g')]"
begin
section it 'path = /it'
run run
is "$status" 0 "a list that says nothing of more"
has "$dir/said" 'dataset it: just 100 records, and nothing in the answer says whether there are more' "is asked about where it has as many as pages have"
echo 'paginate = none' | ini
run run
hasnt "$dir/said" 'just 100 records' "until the section says"
begin
section it 'path = /plain/cursor' 'page_size = 7'
section size 'path = /plain/cursor' 'paginate = cursor meta.next after limit' 'page_size = 50'
printf '[sync acme : rest : size]\npage_size = 20\n' | ini
control reset >/dev/null
control set plain.records=250 >/dev/null
run run
control set plain.records=12 >/dev/null
has "$dir/said" 'dataset it: page_size = 7 is not sent, for nobody knows as what: say page_size_param = limit' "a size that cannot be sent is told"
is "$(control requests log=1 | tr '{' '\n' | grep -c '"target":"/plain/cursor?.*limit=20')" 13 "page_size of the sync goes before that of the section"
answer '["AF","EU"]'
fault "holds no objects but, as its first element, text; if each is a record's id, say map = id:\." 'path = /it'
begin
section it 'path = /it' 'map = id:.'
run run
is "$status $(stored it | tr '\n' ' ')" '0 {"id":"AF"} {"id":"EU"} ' "and that is right"
answer '"<!DOCTYPE html><html>login</html>"'
fault "the answer is a web page \(HTML\), not JSON\. Is base_url the API's own" 'path = /it'
answer '[]'
unwritten() { # unwritten WORDS SECTION-LINES...: config --check finds it, by its line, and asks nobody
	words=$1
	shift
	begin
	section it "$@"
	control requests >"$dir/before"
	run config --check
	[ "$status" = 2 ] && grep -qE -e "sluice.ini:[0-9]*: $words" "$dir/said" && control requests | cmp -s - "$dir/before"
	ok $? "found by config --check: $words"
}
unwritten "paginate: 'pages' is not of the form none . cursor <path> <param> .*; did you mean 'page'" 'path = /it' 'paginate = pages'
unwritten "paginate: 'cursor next' is not of the form cursor <path> <param> \[<size>\]$" 'path = /it' 'paginate = cursor next'
unwritten "paginate: 'link a b' is not of the form link \[<path>\]$" 'path = /it' 'paginate = link a b'
unwritten "map: 'name:' is not of the form <name>" 'path = /it' 'map = id, name:'
unwritten "map: 'at:created:tme' is not of the form .*; did you mean 'time'" 'path = /it' 'map = id, at:created:tme, *'
unwritten "map: 'a:b:time:c' is not of the form" 'path = /it' 'map = a:b:time:c'
unwritten "since: 'after at more' is not of the form <param> \[<path>\]" 'path = /it' 'since = after at more'
unwritten "since_format: 'unixms' is not of the form .*; did you mean 'unix_ms'" 'path = /it' 'since_format = unixms'
unwritten "query: 'all' is not of the form <name>=" 'path = /it' 'query = state=open&all'
unwritten "page_size: '0' is not of the form <1..100000>" 'path = /it' 'page_size = 0'
unwritten "method: 'PSOT' is not of the form GET . POST; did you mean 'POST'" 'path = /it' 'method = PSOT'
unwritten "path: 'it' is not of the form /\[<path...>\] . https" 'path = it'
unwritten ".*it: path is missing" 'path ='
unwritten ".dataset acme : rest : it.: parent: the connection has no dataset 'nobody'" 'path = /it/${id}' 'parent = nobody'
unwritten ".dataset acme : rest : it.: parent: 'it' leads back to 'it'" 'path = /it' 'parent = it'
begin
section accounts 'path = /accounts' 'parent = teams'
section teams 'path = /teams' 'parent = acounts'
run config --check
is "$status" 2 "a parent that is not there is found too"
has "$dir/said" "teams.: parent: the connection has no dataset 'acounts'; did you mean 'accounts'" "with the one that was meant"
begin
section whole 'path = /plain/page'
section it 'path = /it' 'map = name:'
run run
is "$status $(count whole) $(count it)" "2 12 0" "what is written wrong keeps its own dataset, and no other, from running"
has "$dir/said" "map: 'name:' is not of the form" "and its run says why"
run test-connection
has "$dir/said" "map: 'name:' is not of the form" "as the check does"
begin
section it 'path = /plain/page'
sed -i '/^base_url/d' "$conf/sluice.ini"
run config --check
is "$status" 2 "a base URL that is missing is found"
has "$dir/said" "sluice.ini:[0-9]*: connection acme : rest: base_url is missing: .*set it in its \[integration\] or \[connection\]" "with the place where it belongs"
begin
section it 'path = /it' 'method = GET' 'query = a=1&b=&c=x=y' 'paginate = page' 'page_size = 100000' 'since = after' 'since_format = unix' 'map = *, first name : profile.first name : string,, b'
section below 'path = https://api.example.com/x' 'parent = it' 'paginate = cursor  meta.next after limit'
run config --check
is "$status" 0 "all that is written as it should be passes"
fault "parent = nobody: the connection has no dataset of this name; it has: it" 'path = /it/${id}' 'parent = nobody'
fault '\$\{id\} stands for a member of a parent.s record: say parent = NAME' 'path = /it/${id}'
fault 'parents more than 3 deep, or in a circle' 'path = /it' 'parent = it'
begin
section it 'path = /plain/page'
section below 'path = /x/${nothing}' 'parent = it'
run run --sync below
has "$dir/said" '\$\{nothing\}: the record of its parent it has no such member; it has: id, number, name' "a template names what the parent's record has"
control faults '{"route":"GET /refused","replies":[{"status":401,"body":{"error":"token expired"}}]}' >/dev/null
begin 'token = old'
section it 'path = /refused'
run run
is "$status" 3 "an expired token: exit 3"
has "$dir/said" 'token expired' "with the provider's words"
run test-connection --connection-id acme
is "$status" 3 "so says the check"
control reset >/dev/null
control faults '{"route":"GET /refused","replies":[{"status":403,"body":{"error":"no scope"}}]}' >/dev/null
run run
is "$status $(grep -c 'no scope' "$dir/said")" "3 1" "a permission that is lacking: the same, with the provider's words"

# ---- what every connector has to stand

scripts=
models='cursor link parents children'
prepare() {
	begin
	section cursor 'path = /plain/cursor' 'paginate = cursor meta.next after limit' 'page_size = 20'
	section link 'path = /plain/link?limit=20'
	section parents 'path = /plain/parents' 'items = items' 'paginate = cursor meta.next after limit' 'page_size = 2'
	section children 'path = /plain/parents/${id}/children' 'parent = parents' 'items = items' 'paginate = cursor meta.next after limit' 'page_size = 2'
}
control set plain.records=60 plain.parents=3 plain.children=3 >/dev/null
trial_whole 132
trial_faults 'GET /plain'
trial_kills
