#!/bin/sh
# conditional.sh - a page that the provider calls unchanged is neither sent nor shown again: its records count as listed.
. "$(dirname "$0")/lib.sh"
plugins unchanged
provider --records 420
host 'retry_base = 1ms' 'retries = 1'
ini <<-INI
	[integration unchanged]
	base_url = $at
	[connection acme : unchanged]
INI
list() { control reset >/dev/null; run run --sync "${1:-list}" --format jsonl; }
answers() { control requests log=1 | grep -o "\"status\":$1" | wc -l | tr -d ' '; }
count() { sed -n "s/.*\"$1\":\([0-9]*\).*/\1/p" "$dir/out"; }

list
is "$status $(live Item) $(answers 304)" "0 420 0" "without validators nothing is asked conditionally"
hasnt "$dir/out" '"unmodified":[1-9]' "and no page counts as unmodified"
list
control requests log=1 >"$dir/log"
hasnt "$dir/log" 'if-none-match' "no conditional header is sent without them"

control set etag=on >/dev/null
list
is "$(answers 200) $(answers 304)" "9 0" "the first answers with an ETag are taken whole"
list
is "$status $(answers 200) $(answers 304) $(count unchanged) $(count saved)" "0 0 9 420 420" \
	"the same again: nine times 304, and every record counts as listed"
is "$(count deleted) $(live Item)" "0 420" "nothing is taken for deleted"
has "$dir/out" '"complete":true' "and the listing counts as complete"

since=$(sequence Item)
control mutate api=plain kind=records change=1 >"$dir/mutated"
list
is "$status $(answers 200) $(answers 304)" "0 1 8" "one record changes: one page is sent"
changes Item "$since" updated >"$dir/got"
ids plain records changed "$dir/mutated" >"$dir/want"
same "$dir/want" "$dir/got" "and the feed has exactly that one"

since=$(sequence Item)
control mutate api=plain kind=records drop=3 >"$dir/mutated"
list
changes Item "$since" deleted >"$dir/got"
ids plain records dropped "$dir/mutated" >"$dir/want"
same "$dir/want" "$dir/got" "what vanished is deleted, though other pages did not change"
is "$(live Item)" 417 "and nothing else"
list
is "$(answers 200)" 0 "all unchanged again"

# ---- never more than is known

list mapped
list mapped
is "$status $(answers 304) $(live Mapped)" "0 9 417" "mapped records are known again too"
list offset
list offset
is "$status $(answers 304) $(live ByOffset)" "0 9 417" "and pages by offset, with their overlap"
list picks
list picks
is "$status $(answers 304) $(live Picked)" "0 0 417" "a loop that saves its records one by one is asked anew each time"
control set plain.parents=4 plain.children=3 >/dev/null
list nested
list nested
is "$status $(answers 304) $(live Child)" "0 0 12" "and so is one with lists inside it"

run run --sync list --full-refresh
control reset >/dev/null
run run --sync list --full-refresh --format jsonl
is "$(answers 304) $(answers 200)" "0 9" "a full refresh asks for everything"
list
is "$(answers 304)" 9 "and what it got is known from then on"
touch "$dir/plugins/unchanged.so"
list
is "$(answers 304) $(answers 200)" "0 9" "another file of the connector sees every page again"

# ---- when things go wrong

list
control reset >/dev/null
control faults '{"from":4,"do":"500"}' >/dev/null
control mutate api=plain kind=records change=40 >"$dir/mutated"
since=$(sequence Item)
run run --sync list
is "$status" 75 "a run that fails in the middle"
list
changes Item "$since" updated >"$dir/got"
ids plain records changed "$dir/mutated" >"$dir/want"
same "$dir/want" "$dir/got" "leaves nothing behind that hides a change"
control reset >/dev/null
control faults '{"from":2,"do":"reply","status":304,"body":""}' >/dev/null
run run --sync picks
is "$status" 75 "304 to a question that was none is no page"
is "$(live Picked)" 417 "and deletes nothing"

# ---- what an unchanged page does not say

control set etag=on >/dev/null
list late
list late
is "$status $(answers 304) $(live Late)" "0 0 417" "pages whose records come later than they are never taken for known"
list shared
list shared
is "$(answers 304)" 9 "a list whose records nobody else writes is known"
stored Shared >"$dir/want"
list over
list shared
is "$status $(answers 304)" "0 0" "when another sync has written over them, their pages are asked for whole"
stored Shared >"$dir/got"
same "$dir/want" "$dir/got" "so the last listing has the last word, as without ETags"

items() { for id; do printf '%s{"id":"%s"}' "$comma" "$id"; comma=,; done; comma=; }
comma=
rolling() { # the first page's ids
	control reset >/dev/null
	control faults '[{"route":"GET /rolling?limit=3&offset=0","replies":[{"body":{"items":['"$(items "$@")"']}}]},
		{"route":"GET /rolling?limit=3&offset=2","replies":[{"body":{"items":['"$(items c d e)"']}}]},
		{"route":"GET /rolling?limit=3&offset=4","replies":[{"body":{"items":['"$(items e)"']}}]}]' >/dev/null
	run run --sync rolling --format jsonl
}
rolling a b c
rolling a b c
is "$status $(answers 304) $(live Rolled)" "0 3 5" "pages that overlap in what they did before prove their order"
rolling z a b
is "$status $(answers 304) $(live Rolled)" "1 2 6" \
	"a page before them that ends in another item now: the list shifted, and what fell between two pages is not deleted"
rolling a b c
rolling a b c
is "$(live Rolled)" 5 "until a listing proves its order again"

linked() { # the headers of its first page
	control reset >/dev/null
	control faults '[{"route":"GET /linked?page=2","replies":[{"body":{"items":[{"id":"b"}]}}]},
		{"route":"GET /linked","replies":[{"headers":{'"$1"'},"body":{"items":[{"id":"a"}]}}]}]' >/dev/null
	run run --sync linked --format jsonl
}
linked ''
linked ''
is "$status $(live Linked)" "0 1" "a list of one page"
linked '"Link":"</linked?page=2>; rel=\"next\""'
is "$status $(live Linked)" "0 2" "gets a second one, told by a header only: it is found though the first is as it was"
linked '"Link":"</linked?page=2>; rel=\"next\""'
is "$status $(answers 304) $(live Linked)" "0 1 2" "a page that led on is known again, the last one is not"

control set etag=0 >/dev/null
dated() { # Last-Modified, Date
	control reset >/dev/null
	control faults '{"route":"GET /linked","replies":[{"headers":{"Link":"</plain/page?limit=1000>; rel=\"next\"","Last-Modified":"'"$1"'","Date":"'"$2"'"},
		"body":{"items":[{"id":"a"}]}}]}' >/dev/null
	run run --sync linked
	control requests log=1 | grep -c 'if-modified-since'
}
old='Mon, 01 Jun 2026 10:00:00 GMT' now='Mon, 01 Jun 2026 10:00:07 GMT'
dated "$now" "$now" >/dev/null
is "$(dated "$now" "$now")" 0 "a time of the very second of the answer proves nothing"
dated "$old" "$now" >/dev/null
is "$(dated "$old" "$now")" 1 "one that is past does"
