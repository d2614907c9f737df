#!/bin/sh
# numbers.sh - what JSON can hold comes out as it came in; what is faulty goes to the dead letters, and comes back when it is mended.
. "$(dirname "$0")/lib.sh"
plugins odd
provider
host
ini <<INI
[integration odd]
base_url = $at
[connection acme : odd]
INI

serve() { # serve ITEMS: the one page of letters
	control reset >/dev/null
	control faults "{\"route\":\"GET /odd/letters\",\"replies\":[{\"body\":$(quoted "{\"items\":[$1]}")}]}" >/dev/null
}
quoted() { printf '"%s"' "$(printf '%s' "$1" | sed 's/\\/\\\\/g; s/"/\\"/g')"; } # as text, so that the bytes arrive as they are

# ---- numbers and strings

cat >"$dir/items" <<'ITEMS'
{"id":"a","number":18446744073709551615}
{"id":"b","number":-9223372036854775808,"x":9007199254740993}
{"id":"c","x":0.123456789012345678901234567890,"y":123456789012345678901234567890.5,"z":1e999,"zero":-0}
{"id":"d","name":"\ud83d\ude00 and \u00e9 and \"quotes\" and \\"}
{"id":"e","name":"nul \u0000 inside"}
{"id":"f","x":{"b":1,"a":[3,2,1],"c":{"z":null,"y":true}},"number":7}
{"id":"g\u0041\u00fc","name":"an id with escapes"}
ITEMS
serve "$(paste -sd, "$dir/items")"
run run --sync letters
is "$status" 0 "a page of odd values is synced"
stored M_letters >"$dir/got"
LC_ALL=C sort "$dir/items" >"$dir/want"
same "$dir/want" "$dir/got" "every value comes out as it came in"

sequence M_letters >"$dir/since"
cat >"$dir/again" <<'ITEMS'
{"number":18446744073709551615,"id":"a"}
{"x":9007199254740993,"number":-9223372036854775808,"id":"b"}
{"zero":-0,"z":1e999,"y":123456789012345678901234567890.5,"x":0.123456789012345678901234567890,"id":"c"}
{"name":"😀 and é and \"quotes\" and \\","id":"d"}
{"name":"nul \u0000 inside","id":"e"}
{ "number" : 7, "x" : {"c":{"y":true,"z":null},"a":[3,2,1],"b":1}, "id":"f" }
{"name":"an id with escapes","id":"gAü"}
ITEMS
serve "$(paste -sd, "$dir/again")"
run run --sync letters
is "$status $(sequence M_letters)" "0 $(cat "$dir/since")" "other order, other blanks, other escapes: no change"

sed 's/18446744073709551615/18446744073709551614/; s/234567890,/234567891,/; s/\\u0000/\\u0001/; s/\[3,2,1\]/[3,1,2]/; s/-9223372036854775808/-9223372036854775807/' \
	"$dir/items" >"$dir/changed"
serve "$(paste -sd, "$dir/changed")"
run run --sync letters
is "$(changes M_letters "$(cat "$dir/since")" updated | tr '\n' ' ')" "a b c e f " "the last digit, the NUL, the order of an array: changes"

serve '{"id":9007199254740992,"v":1},{"id":9007199254740993,"v":2},{"id":18446744073709551615,"v":3}'
run run --sync counted
is "$status $(live M_counted)" "0 3" "ids above 2^53 that differ by one are two records"

# ---- dead letters

cat >"$dir/bad" <<'ITEMS'
{"id":"good-1"}
{"name":"no id"}
{"id":"typed","number":"seven"}
{"id":"twice","name":"a","name":"b"}
{"id":"good-2","number":2}
ITEMS
serve "$(paste -sd, "$dir/bad")"
run run --sync letters
is "$status" 1 "a page with faulty records exits 1"
stored M_letters | grep -c '"good-' >"$dir/n"
is "$(cat "$dir/n")" 2 "the others are saved"
is "$(live M_letters)" 9 "and nothing else is deleted or added"
run dead-letters list --format jsonl
is "$status $(grep -c '"model":"M_letters"' "$dir/out")" "0 3" "three dead letters are listed"
has "$dir/out" '"reason":"[^"]*id' "one for want of an id"
has "$dir/out" '"reason":"[^"]*number[^"]*integer' "one for a type, which is named"
has "$dir/out" '"reason":"[^"]*name' "one for the key that stands twice"
number=$(sed -n 's/.*"\(letter\|number\|n\)":\([0-9]*\).*seven.*/\2/p; s/^{"[a-z_]*":\([0-9]*\),.*typed.*/\1/p' "$dir/out" | head -n 1)
run dead-letters show "$number"
has "$dir/out" 'seven' "a letter shows its raw data"

control reset >/dev/null
control faults '{"match":"/plain","nth":[1],"do":"spoil","with":"invalid-utf8","at":3}' '{"match":"/plain","nth":[2],"do":"spoil","with":"lone-surrogate"}' \
	'{"match":"/plain","nth":[3],"do":"spoil","with":"control"}' '{"match":"/plain","nth":[4],"do":"spoil","with":"deep","depth":300}' >/dev/null
run run --sync cursor
is "$status" 1 "a sync whose pages hold broken text exits 1"
is "$(live M_cursor)" 996 "four records of 1000 are left out, all others are stored"
run dead-letters list --format jsonl
has "$dir/out" 'UTF-8' "invalid UTF-8 is named"
has "$dir/out" 'surrogate' "half a surrogate is named"
control reset >/dev/null
run run --sync cursor
is "$status $(live M_cursor)" "0 1000" "once they come in good order they are stored"
run dead-letters list --format jsonl
is "$(grep -c '"model":"M_cursor"' "$dir/out")" 0 "and their letters are resolved"

serve '{"id":"good-1"},{"id":"good-2","number":2},{"id":"typed","number":7},{"id":"twice","name":"b"},'"$(paste -sd, "$dir/changed")"
run run --sync letters
is "$status" 0 "mended records are saved"
run dead-letters list --format jsonl
hasnt "$dir/out" '"id":"(typed|twice)"' "and their letters are resolved"
