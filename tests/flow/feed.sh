#!/bin/sh
# feed.sh - the feed connector: Atom and RSS of all generations, pages and archives, encodings, documents that are not quite XML, attacks.
. "$(dirname "$0")/lib.sh"
. tests/flow/trials.inc

configure() { # configure LINES...: a [dataset] of its own begins at each line "NAME = PATH"
	host 'retry_base = 10ms' 'first_spread = 0s'
	ini <<-INI
		[integration feed]
		base_url   = $at
		rate_limit = 10000/s
		[connection acme : feed]
	INI
	for line; do
		case $line in
		*' = /'*) printf '[dataset acme : feed : %s]\npath = %s\n' "${line%% = *}" "${line#* = }" ;;
		*) echo "$line" ;;
		esac
	done | ini
}

route() { # route PATH FILE [TYPE]: the provider answers with the file's bytes
	control faults "{\"route\":\"GET $1\",\"replies\":[{\"headers\":{\"Content-Type\":\"${3:-application/xml}\"},\"file\":\"$2\"}]}" >/dev/null
}

models='atom archived rss rdf rss091'
scripts='plugins/feed/answers/*.json'
provider
whole() { # whole LINES...: the feeds of the answers
	configure 'atom = /atom.xml' 'same_host = yes' "$@" 'archived = /archived.xml' 'same_host = yes' 'rss = /rss.xml' 'rdf = /rdf.xml' \
		'rss091 = /rss091.xml'
}
whole

trial_whole 15
run test-connection
is "$status" 0 "the check reads each feed"
has "$dir/out" '"rss":\{"entries":[1-9]' "and says how many entries it shows"
stored atom | grep '"id":"urn:example:9"' >"$dir/got"
cat >"$dir/want" <<'JSON'
{"id":"urn:example:9","title":"Entry 9","link":"http://blog.example/entries/9","updated":"2026-01-01T00:00:00Z","published":"2026-02-01T10:00:00Z","author":"Ada, Bob","categories":["one","two"],"enclosures":[{"url":"http://blog.example/audio/9.mp3","type":"audio/mpeg","length":1234}],"summary":"<b>short</b>","content_type":"xhtml","content":"It <em class=\"x\">is</em> 1 &lt; 2"}
JSON
same "$dir/want" "$dir/got" "an entry of Atom is whole; xml:base counts, and an older version of it on a later page does not"
stored rss | grep '"id":"a6f22abe"' >"$dir/got"
cat >"$dir/want" <<'JSON'
{"title":"First","link":"http://blog.example/first","id":"a6f22abe","published":"2021-01-21T07:58:00Z","author":"ada@blog.example","categories":["one"],"summary":"<div>short</div>","content":"<p>long & whole</p>","enclosures":[{"url":"http://blog.example/first.mp3","type":"audio/mpeg","length":38068096}]}
JSON
same "$dir/want" "$dir/got" "an item of RSS 2.0 is whole"
stored rss >"$dir/got"
has "$dir/got" '"id":"http://blog.example/second".*"published":"2021-02-01T05:00:00Z","link":"http://blog.example/second"' \
	"a guid is the link where it says so, and a zone has its name"
has "$dir/got" '"summary":"Only a sentence.","published_text":"some day","id":"text-[0-9a-f]{16}"' \
	"an item without a name is known by what it says, and what is no time is kept as text"
stored rdf >"$dir/got"
has "$dir/got" '"published":"2003-12-13T23:30:02.25Z","categories":\["tea"\],"id":"http://blog.example/1"' "RSS 1.0, with its fractions of a second"
has "$dir/got" '"published":"2003-12-01T00:00:00Z"' "a month is its first day"
is "$(stored rss091 | grep -c '"title":"Café & té"')" 1 "RSS 0.91: the entities of a DTD that is not read are HTML's"
control requests log=1 | tr '{' '\n' | grep -c '"target":"/archive/' >"$dir/got"
is "$(cat "$dir/got")" 2 "the second run stopped at the archive that it had met"

trial_faults 'GET /'
trial_kills

# ---- unchanged, full, and bounds

anew
control set etag=on >/dev/null
run run --sync atom
run run --sync atom --format jsonl
is "$status$(sed -n 's/.*"requests":\([0-9]*\).*/\1/p' "$dir/out")" 01 "a feed that has not changed is one request"
control requests log=1 | grep -q '"if-none-match"' ; ok $? "which says what it knows"
control set etag=off >/dev/null
whole 'kind = full'
anew
run run --sync atom
control faults "{\"route\":\"GET /atom.xml\",\"replies\":[{\"status\":404}]}" >/dev/null
control reset >/dev/null
sed 's|<link rel=\\"next\\" href=\\"/atom.xml?page=3\\"/>||' plugins/feed/answers/feeds.json >"$dir/less.json"
control faults "$(cat "$dir/less.json")" >/dev/null
run run --sync atom
has "$dir/said" '1 deleted' "a full one finds that an entry is gone"
is "$status" 0 "and nothing else"
configure 'atom = /atom.xml' 'same_host = yes' 'max_pages = 2' 'kind = full'
anew
run run --sync atom
is "$status $(live atom)" "1 4" "max_pages ends a run, and a full one is then not whole"
has "$dir/said" 'goes on at .*page=3.* behind page 2' "with a warning"
control faults '{"route":"GET /ring.xml","replies":[{"body":"<feed xmlns=\"http://www.w3.org/2005/Atom\"><link rel=\"next\" href=\"/ring.xml\"/></feed>"}]}' >/dev/null
configure 'ring = /ring.xml'
run run
is "$status" 1 "a feed that leads back to itself is a failure"
has "$dir/said" 'leads back to /ring.xml' "with its place"

# ---- encodings: each of those that are read, from bytes that iconv(1) made

anew
mkdir "$dir/feeds"
lines=
# Not two: iconv knows the older form of macintosh, and composes the accents of windows-1258.
for name in $(sed -n 's|^\t{"\([a-z0-9-]*\) .*|\1|p' plugins/common/charset.h | grep -v 'macintosh\|1258'); do
	printf '%b' "$(printf '\\0%o' $(seq 160 191) $(seq 192 250))" >"$dir/bytes"
	iconv -c -f "$name" -t UTF-8 <"$dir/bytes" >"$dir/text" 2>/dev/null
	{ printf '<?xml version="1.0" encoding="%s"?><rss><channel><item><guid>1</guid><title>x' "$name"
		iconv -f UTF-8 -t "$name" <"$dir/text" | tr -d '\240'
		printf 'x</title></item></channel></rss>'; } >"$dir/feeds/$name.xml"
	printf '{"id":"1","title":"x%sx"}\n' "$(iconv -f UTF-8 -t "$name" <"$dir/text" | tr -d '\240' | iconv -f "$name" -t UTF-8)" >"$dir/feeds/$name.want"
	route "/$name.xml" "$dir/feeds/$name.xml"
	lines="$lines $name"
done
eval "configure $(for name in $lines; do printf "'%s = /%s.xml' " "$(echo "enc_$name" | tr - _)" "$name"; done)"
run run
wrong=
for name in $lines; do
	stored "$(echo "enc_$name" | tr - _)" >"$dir/got"
	cmp -s "$dir/got" "$dir/feeds/$name.want" || wrong="$wrong $name"
done
is "$wrong" "" "$(echo "$lines" | wc -w) single-byte encodings mean what iconv says"

body='<channel><item><guid>1</guid><title>Žluťoučký</title></item></channel></rss>'
echo "<?xml version=\"1.0\" encoding=\"utf8\"?><rss>$body" >"$dir/feeds/utf8.xml"
{ printf '\377\376'; echo "<?xml version=\"1.0\" encoding=\"UTF-16\"?><rss>$body" | iconv -f UTF-8 -t UTF-16LE; } >"$dir/feeds/utf16.xml"
echo "<rss>$body" | iconv -f UTF-8 -t iso-8859-2 >"$dir/feeds/silent.xml"
echo "<?xml version=\"1.0\" encoding=\"big5\"?><rss>$body" >"$dir/feeds/big5.xml"
for name in utf8 utf16 silent big5; do route "/$name.xml" "$dir/feeds/$name.xml"; done
route /header.xml "$dir/feeds/silent.xml" 'text/xml; charset=\"ISO-8859-2\"'
configure 'utf8 = /utf8.xml' 'utf16 = /utf16.xml' 'silent = /silent.xml' 'told = /silent.xml' 'encoding = latin2' 'header = /header.xml' \
	'big5 = /big5.xml'
run run
is "$(for model in utf8 utf16 told header; do stored $model; done | grep -c Žluťoučký)" 4 \
	"UTF-8 under a wrong name, UTF-16, an encoding that the operator says, or the answer's header"
is "$(live silent)$(live big5)" 00 "bytes that mean nothing are refused"
has "$dir/said" '/silent.xml: line 1, column [0-9]*: these bytes mean nothing.*say encoding = NAME' "with the place and a remedy"
has "$dir/said" "encoding 'big5' is none of those" "an encoding that is not known is refused by name"

# ---- documents that are not quite XML, no feeds, or attacks: each with its answer

anew
n=0
lines=
try() { # try WANT SENTENCE <<document: the run's text, or how many records
	n=$((n + 1))
	cat >"$dir/feeds/$n.xml"
	route "/$n.xml" "$dir/feeds/$n.xml"
	configure "doc$n = /$n.xml"
	rm -rf "$dir/store" "$dir/store.key"
	run run
	case $1 in
	[0-9]*) is "$status $(live doc$n)" "0 ${1%% *}" "$2" ;;
	*) is "$status $(live doc$n)" "1 0" "$2" ;;
	esac
	[ "${1#* }" = "$1" ] || has "$dir/said" "${1#* }" "$2: and says so"
}
item='<item><guid>1</guid><title>t</title></item>'
try '1 something stands before' "a comment before the declaration is passed over" <<XML
<!-- a comment -->
<?xml version="1.0"?><rss><channel>$item</channel></rss>
XML
try '1 does not declare' "a prefix that is not declared means what it usually means" <<XML
<rss><channel><itunes:author>x</itunes:author>$item<item><guid>1</guid><dc:creator>y</dc:creator></item></channel></rss>
XML
try '1 not closed' "a root whose end is not quite there is closed" <<XML
<rss><channel>$item</channel></rss
XML
try '1 should be &amp;' "an & that begins no reference is itself" <<XML
<rss><channel><item><link>http://x.example/?a=1&b=2</link><title><![CDATA[a & b]]></title></item></channel></rss>
XML
is "$(stored doc$n)" '{"link":"http://x.example/?a=1&b=2","title":"a & b","id":"http://x.example/?a=1&b=2"}' "and nothing else is touched"
try '1 entities of HTML' "entities of HTML are known" <<XML
<rss><channel><item><guid>1</guid><title>a&nbsp;b &hellip; &Eacute;</title></item></channel></rss>
XML
try 'x that nobody declares' "an entity that nobody knows is refused" <<XML
<rss><channel><item><guid>1</guid><title>&whatever;</title></item></channel></rss>
XML
try 'x ended too early' "half a feed is none" <<XML
<rss><channel>$item<item><guid>2</guid><title>hal
XML
try 'x no element' "nothing is no feed" <<XML
XML
try 'x this is no feed: it begins with <html>' "a page is no feed" <<XML
<html><body>log in</body></html>
XML
try 'x mismatched' "crossing elements are refused" <<XML
<rss><channel><item><guid>1</item></guid></channel></rss>
XML
try 'x declares an entity' "entities that grow are refused" <<XML
<?xml version="1.0"?><!DOCTYPE rss [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">]>
<rss><channel><item><guid>1</guid><title>&c;</title></item></channel></rss>
XML
try 'x declares an entity' "files are not read" <<XML
<?xml version="1.0"?><!DOCTYPE rss [<!ENTITY f SYSTEM "file:///etc/passwd">]>
<rss><channel><item><guid>1</guid><title>&f;</title></item></channel></rss>
XML
try 'x declares an entity' "nor entities of parameters" <<XML
<?xml version="1.0"?><!DOCTYPE rss [<!ENTITY % p SYSTEM "http://127.0.0.1/x.dtd"> %p;]><rss><channel>$item</channel></rss>
XML
try '0' "a DOCTYPE alone does no harm" <<XML
<?xml version="1.0"?><!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Transitional//EN" "http://site.invalid/"><rss><channel><title>found</title></channel></rss>
XML
{ printf '<rss><channel>'; i=0; while [ $i -lt 200 ]; do printf '<a>'; i=$((i + 1)); done; } >"$dir/deep"
try 'x nested deeper than 100' "depth is bounded" <"$dir/deep"
try '1' "HTML that nobody escaped is kept as markup" <<XML
<rss><channel><item><guid>1</guid><description>a <b>bold</b> word</description></item></channel></rss>
XML
is "$(stored doc$n)" '{"id":"1","summary":"a <b>bold</b> word"}' "element by element"
try '1' "of entries of one id in a document the last updated one counts" <<XML
<feed xmlns="http://www.w3.org/2005/Atom"><entry><id>1</id><title>old</title><updated>2025-01-01T00:00:00Z</updated></entry>
<entry><id>1</id><title>new</title><updated>2026-01-01T00:00:00Z</updated></entry></feed>
XML
is "$(stored doc$n)" '{"id":"1","title":"new","updated":"2026-01-01T00:00:00Z"}' "and not the first"
configure 'dead = /dead.xml'
echo "<rss><channel>$item<item/></channel></rss>" >"$dir/feeds/dead.xml"
route /dead.xml "$dir/feeds/dead.xml"
run run
is "$(live dead)" 1 "an entry that says nothing is put aside, and the others come"
run dead-letters list
has "$dir/out" 'dead .*id' "as a dead letter"

# ---- a document of any length

configure 'many = /many.xml' '[sync acme : feed : many]' 'page_size = 7'
{ echo '<rss><channel>'; seq 2500 | sed 's,.*,<item><guid>g&</guid></item>,'; echo '</channel></rss>'; } >"$dir/feeds/many.xml"
route /many.xml "$dir/feeds/many.xml"
run run
is "$status $(live many)" "0 2500" "a document's entries are stored so many at a time as page_size says, all of them"
sed -i '/^page_size/d' "$conf/sluice.ini"
had=$(sequence many)
run run --full-refresh
is "$status $(sequence many)" "0 $had" "or a thousand, with the same records"
configure 'dead = /dead.xml'

# ---- the provider refuses

control faults '{"match":"/dead","do":"reply","status":401,"body":{}}' >/dev/null
run run
is "$status" 3 "credentials that are refused: exit 3"
sed -i '/^base_url/d' "$conf/sluice.ini"
run run
is "$status" 2 "a connection that says nowhere where its feeds are is not run"
has "$dir/said" 'base_url is missing.* set it in its \[integration\] or \[connection\]' "and told where to say it"
