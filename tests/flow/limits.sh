#!/bin/sh
# limits.sh - the limits of the manual through host, worker and store: exactly as large as allowed is stored, one byte more is named.
. "$(dirname "$0")/lib.sh"
plugins odd

# page ID SIZE...: one page of records, so many bytes each; WHOLE=n fills the answer up to n bytes with blanks
page() {
	awk -v ids="$*" -v whole="${WHOLE:-0}" '
	function many(c, n,  s) { s = c c c c; while (length(s) < n) s = s s; return substr(s, 1, n) }
	function put(s) { printf "%s", s; total += length(s) }
	BEGIN {
		n = split(ids, a, " ")
		put("{\"items\":[")
		for (i = 1; i < n; i += 2) {
			r = "{\"id\":\"" a[i] "\",\"name\":\""
			put((i > 1 ? "," : "") r many("x", a[i + 1] - length(r) - 2) "\"}")
		}
		put("]}")
		if (whole) put(many(" ", whole - total))
	}'
}
serve() { # the page of letters from standard input
	{
		printf '{"route":"GET /odd/letters","replies":[{"body":"'
		sed 's/\\/\\\\/g; s/"/\\"/g'
		printf '"}]}'
	} >"$dir/letters.json"
	provider "$dir/letters.json"
	host "$@"
	ini <<-INI
		[integration odd]
		base_url = $at
		[connection acme : odd]
	INI
}
mib=1048576

page whole $mib over $((mib + 1)) small 40 >"$dir/page"
serve <"$dir/page"
run run --sync letters
is "$status" 1 "a record larger than max_record makes the run end with 1"
is "$(stored M_letters | awk '{ print length($0) }' | tr '\n' ' ')" "40 $mib " "the one of exactly 1 MiB is stored, as are its neighbours"
run dead-letters list --format jsonl
has "$dir/out" '"id":"over".*1048577 bytes.*max_record' "the larger one is a dead letter that names max_record"

rm -rf "$dir/store" "$dir/store.key"
set --
i=0
while [ $i -lt 2003 ]; do
	set -- "$@" "r$i" $((16 * 1024))
	i=$((i + 1))
done
WHOLE=$((32 * mib)) page "$@" >"$dir/page"
is "$(wc -c <"$dir/page")" $((32 * mib)) "an answer is made of 2003 records, more than a batch in number and in bytes"
serve <"$dir/page"
run run --sync letters
is "$status $(live M_letters)" "0 2003" "an answer of exactly 32 MiB goes through a worker of 512 MiB, and its batches are one"
sequence M_letters >"$dir/since"
printf ' ' >>"$dir/page"
serve <"$dir/page"
run run --sync letters
is "$status" 1 "one byte more is refused"
has "$dir/said" 'larger than 32 ?MiB \(max_answer\)' "and max_answer is named"
is "$(sequence M_letters)" "$(cat "$dir/since")" "nothing was changed by it"
serve "max_answer = 33MiB" <"$dir/page"
run run --sync letters
is "$status" 0 "where max_answer allows it, it passes"
