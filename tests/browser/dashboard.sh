#!/bin/sh
# dashboard.sh - the dashboard in a real browser against a real service: a person logs in, sees what runs, steers it, browses
# what came, and decides what waits for him; with the mouse, with the keyboard alone, on a phone, in the dark.
. "$(dirname "$0")/../flow/lib.sh"
. "$(dirname "$0")/driver.sh"
trap 'browser_end; finish' EXIT
trap 'exit 130' HUP PIPE
plugins mend paced

rows() { awk -v from="$1" -v to="$2" 'BEGIN { for (i = from; i <= to; i++) printf "%s{\"id\":\"r%02d\",\"place\":%d}", (i > from ? "," : ""), i, i }'; }
hostile='{"id":"<img src=x onerror=alert(1)>","markup":"<script>document.title = 1</script>","big":18446744073709551615,"exact":1.10}'
configure() { # configure ROWS: of acme : mend
	host 'log_level = info'
	ini <<-INI
		[key boss]
		value = boss-key-of-the-test
		scope = admin
		[key eyes]
		value = eyes-key-of-the-test
		scope = read
		[key cron]
		value = cron-key-of-the-test
		scope = trigger
		[webhook crm]
		url = http://127.0.0.1:9/hook
		secret = secret-of-the-hook
		events = sync.success
		[integration paced]
		base_url = $at
		[integration mend]
		base_url = http://127.0.0.1:9
		[connection acme : mend]
		rows = [$1]
		[connection odd : mend]
		rows = [$hostile,{"id":"half","number":1.5}]
		vouch = no
		[connection acme : paced]
	INI
}
serve() { # $page is where the dashboard is
	"$build/sluice" --conf "$conf" serve --log-format json >"$dir/serve.out" 2>"$dir/serve.log" </dev/null &
	served=$!
	pids="$pids $served"
	until_true 20 grep -q '127\.0\.0\.1:[0-9]' "$dir/serve.log" || return 1
	page=http://$(grep -o '127\.0\.0\.1:[0-9][0-9]*' "$dir/serve.log" | head -n 1)
}
state() { "$build/sluice" --conf "$conf" status --connection-id "$1" --sync "$2" --format jsonl 2>/dev/null | grep -q "\"$3\""; }
go() { js "location.hash = '#/$1'" >/dev/null; }
log_in() { type '#key' "$1" && keys Enter && see 20 h1 'Overview'; }
log_out() { go key; see 10 '#log-out' && click '#log-out' && see 20 h1 'Log in'; }
# Nothing is to be scrolled sideways, neither the page nor a table in it.
narrow() { [ "$(js 'return document.documentElement.scrollWidth <= window.innerWidth && [...document.querySelectorAll("main, .scroll")].every(e => e.scrollWidth <= e.clientWidth)')" = true ]; }

provider
control set plain.records=1400 >"$dir/out"
configure "$(rows 1 40)"
run run --sync rows --connection-id acme
configure "$(rows 1 10)"
run run --sync rows
run run --sync items
serve && browser
ok $? "a service with its dashboard, and a browser"
[ -n "${session-}" ] || exit 1

# ---- who may come in

curl -s -i -m 10 "$page/" >"$dir/out"
has "$dir/out" "^[Cc]ontent-[Ss]ecurity-[Pp]olicy: default-src 'none'; script-src 'self'; style-src 'self'" "a strict policy goes with the page"
tag=$(sed -n 's/^[Ee][Tt]ag: *\(".*"\).*/\1/p' "$dir/out")
is "$(curl -s -o /dev/null -m 10 -w '%{http_code}' -H "If-None-Match: $tag" "$page/")" 304 "whoever has it is not sent it again"
is "$(curl -s -o /dev/null -m 10 -w '%{http_code}' "$page/page/..%2fpage.c")" 404 "and nothing beside its files is there"
visit "$page/"
see 20 h1 'Log in'
ok $? "the page asks for a key"
type '#key' 'a-key-of-nobody'
keys Enter
see 10 '#key-wrong' 'does not know this key'
ok $? "a wrong key is refused in words"
console >"$dir/console"
hasnt "$dir/console" 'Content Security|Uncaught|TypeError' "which is all that the console has to say"
js 'document.getElementById("key").value = ""' >/dev/null
type '#key' 'cron-key-of-the-test'
keys Enter
see 10 '#key-wrong' 'may not read'
ok $? "so is one that may only trigger"
js 'document.getElementById("key").value = ""' >/dev/null
log_in boss-key-of-the-test
ok $? "the right key opens the overview"
is "$(js 'return location.href.includes("boss") || document.cookie + Object.values(localStorage) !== ""')" false "it is in no address, no cookie and nothing that outlives the tab"
see 10 'td' '^slow$' && see 5 'td' '30 deletes? held back' && see 5 'td' '1 dead letter'
ok $? "which shows the syncs, and what waits for a person"

type '#filter-find' 'ODD : mend'
keys Enter
found() { [ "$(js 'return document.querySelectorAll("table[aria-label=Syncs] td a[href^=\"#/sync\"]").length')" = 3 ]; }
until_true 10 found
ok $? "a part of a name narrows them"
js 'history.back()' >/dev/null

# ---- a run, live

click 'td a' '^slow$' && see 10 h1 '^slow$' && click '#trigger'
ok $? "sync now, from the page of a sync"
see 20 '.progress' 'record' && see 20 '.progress' 'rate limit'
ok $? "its run is seen, with what it waits for"
see 5 '#live' 'live'
ok $? "by the stream of events"
first=$(js 'return document.querySelector(".progress a").textContent')
more() { [ "$(js 'return document.querySelector(".progress a")?.textContent')" != "$first" ]; }
until_true 15 more
ok $? "and seen to progress without anybody's doing"
click '.progress a' && see 10 h1 '^Run [0-9]' && see 10 '.log li' 'begins'
ok $? "its page has its log"
see 30 '.head .badge' 'success' && see 10 'td' '^1$' && see 10 '.legend li' 'rate limits'
ok $? "and, once it is over, its steps and where its time went"
js 'window.marked = true' >/dev/null

# ---- steering

go 'sync?connection=acme&integration=mend&sync=ticks'
see 10 h1 '^ticks$' && click '#trigger' && see 20 '.head .badge' 'running'
ok $? "a sync that goes on until it is told to stop"
click '.progress a' && see 10 '.log li' 'tick 1' && see 20 '.log li' 'tick 50'
ok $? "its log is shown as it is written"
js 'history.back()' >/dev/null
see 10 h1 '^ticks$' && click '#cancel' && see 5 'dialog h2' 'Cancel run: acme : mend : ticks' && click 'dialog button' '^Cancel run$' && see 20 '.head .badge' 'stopped|cancelled'
ok $? "cancelled behind a question, it stops"
go 'sync?connection=acme&integration=paced&sync=items'
see 10 h1 '^items$' && click '#pause' && see 5 dialog 'until somebody resumes it' && click 'dialog button' '^Pause$' && see 10 '.head .badge' 'paused'
ok $? "paused"
state acme items paused
ok $? "which is so for everybody"
click '#resume' && see 10 '#pause' 'Pause'
ok $? "and resumed"
before=$(js 'return document.querySelectorAll(".bars a").length')
click '#refresh' && see 5 dialog 'finds what was deleted' && keys Escape
closed() { [ "$(js 'return document.querySelector("dialog")')" = null ]; }
until_true 5 closed
is "$(js 'return document.querySelectorAll(".bars a").length')" "$before" "a question that is called off does nothing"
click '#refresh' && see 5 dialog && click 'dialog button' '^Full refresh$'
again() { [ "$(js 'return document.querySelectorAll(".bars a").length')" -gt "$before" ]; }
until_true 20 again
ok $? "a full refresh becomes a bar of the history"

# ---- records and changes

click '#nav a' '^Records$' && click 'td a' '^Item$' && see 10 h1 '^Item$'
ok $? "the records of a dataset"
one=$(js 'return document.querySelector("table[aria-label=Records] td button").textContent')
click '#next-page' && turned() { two=$(js 'return document.querySelector("table[aria-label=Records] td button")?.textContent') && [ "$two" != "$one" ] && [ "$two" != null ]; } && until_true 10 turned
ok $? "page by page"
js 'history.back()' >/dev/null
back() { [ "$(js 'return document.querySelector("table[aria-label=Records] td button")?.textContent')" = "$one" ]; }
until_true 10 back
ok $? "and back again"
see 10 'table[aria-label=Changes] td' 'added'
ok $? "beside them the end of the change feed"
go 'records?connection=odd&integration=mend&model=Row'
see 10 'table[aria-label=Records] td button' '^<img src=x onerror=alert\(1\)>$' && see 5 'table[aria-label=Records] td' '<script>document.title = 1</script>'
ok $? "what looks like markup is shown as the text that it is"
click 'table[aria-label=Records] td button' '<img' && see 5 'dialog pre' '18446744073709551615' && see 5 'dialog pre' '"exact": 1\.10'
ok $? "and numbers as they came, to the last digit"
is "$(js 'return document.querySelectorAll("main script, dialog script, main img, dialog img").length + document.title')" '0Records · Sluice' "nothing of a record became an element"
keys Escape

# ---- what waits for a person

go letters
see 10 'td' "number" && click '.retry' && see 10 '.notice' 'still not taken'
ok $? "a dead letter tried again with the same connector is refused again, with the reason"
cp "$build/tests/plugins/mended.so" "$dir/plugins/mend.so.new" && mv "$dir/plugins/mend.so.new" "$dir/plugins/mend.so"
mended() { "$build/sluice" --conf "$conf" describe mend 2>/dev/null | grep -q '2\.0\|1\.1'; }
until_true 20 mended
for once in 1 2 3 4 5 6 7 8; do # the host sees the new file when it is told of it
	click '.retry' >/dev/null
	see 3 '.notice' 'its record is saved' >"$dir/out" && break
done
see 1 '.notice' 'its record is saved'
ok $? "after the connector's update it is saved"
see 10 '.empty' 'No dead letter'
ok $? "and gone from the list"
click '#nav a' '^Held deletes$' && see 10 'td' '30 of 40' && click '.sample' && see 10 'dialog td' 'r11'
ok $? "held-back deletes are shown with a sample"
click 'dialog button' '^Close$' && click '.confirm' && see 5 'dialog h2' 'Delete 30 records of Row' && click 'dialog button' '^Delete them$' && see 10 '.empty' 'No delete'
ok $? "and confirmed behind a question"
is "$(live Row)" 10 "which deletes exactly these"
click '#nav a' '^Deliveries$' && see 10 'td' '^crm$' && see 10 'td button' '^msg_|^evt_|^[0-9a-zA-Z_-]{10,}' && see 10 '.badge' 'waiting|circuit'
ok $? "events that a receiver does not take are seen to wait"
click 'td button' '^Try now$' && see 5 '.notice' 'crm: tried again now'
ok $? "and tried again by a person's word"
for name in runs deliveries connections key; do
	go "$name"
	see 10 'main h1' && [ "$(js 'return document.getElementById("failure")?.textContent')" = null ]
	ok $? "the page of $name is drawn"
done
is "$(js 'return window.marked')" true "all of it without loading the page again"

# ---- on a phone, in the dark

window 390 844
scheme dark
for name in '' runs 'sync?connection=acme&integration=paced&sync=slow' 'run?run=1' 'records?connection=odd&integration=mend&model=Row' letters connections key; do
	go "$name"
	see 10 'main h1' && sleep 0.3 && narrow
	ok $? "390 pixels are enough for #/$name"
done
lightness='const [r, g, b] = getComputedStyle(document.documentElement).backgroundColor.match(/[\d.]+/g).map(Number); return r + g + b'
is "$([ "$(js "$lightness" | cut -d. -f1)" -lt 200 ] && echo dark)" dark "where the system is dark the page is dark"
click '#theme'
is "$([ "$(js "$lightness" | cut -d. -f1)" -gt 600 ] && echo light)" light "unless a person says light"
click '#theme' && click '#theme'
window 1280 800
scheme light

# ---- a key that may only look, and the keyboard alone

log_out
keys eyes-key-of-the-test Enter
see 20 h1 Overview
ok $? "logged in by the keyboard: the field has the focus"
keys Tab
is "$(js 'return document.activeElement.matches("main a, main input") + " " + getComputedStyle(document.activeElement).outlineStyle')" 'true solid' "Tab goes to the first thing of the content, and one sees where one is"
js 'document.getElementById("skip").focus()' >/dev/null
keys Enter
is "$(js 'return document.activeElement.id + location.hash')" 'main#/' "the skip link leads to the content"
js 'document.querySelector("table[aria-label=Syncs] td a").focus()' >/dev/null
keys End Up Down Up Enter
see 10 h1 'slow|items|rows|ticks|chatty'
ok $? "arrows go from sync to sync, Enter opens one"
see 5 '#trigger' 'Sync now'
is "$(js 'const b = document.querySelector("#trigger"); return b.disabled + " " + b.title')" 'true this key may not: it takes one of scope trigger' "a key that may only look is offered nothing else, and told why"
log_out
ok $? "logging out asks for a key again"
is "$(js 'return sessionStorage.length')" 0 "and keeps none"

console >"$dir/console"
grep -v 'status of 401' "$dir/console" >"$dir/said"
is "$(cat "$dir/said")" "" "no error in the console, and nothing that the policy forbade"
js 'addEventListener("securitypolicyviolation", e => { window.stopped = e.effectiveDirective }); const s = document.createElement("script"); s.textContent = "window.inline = 1"; document.body.append(s)' >/dev/null
stopped() { [ "$(js 'return window.stopped + String(window.inline)')" = script-src-elemundefined ]; }
until_true 5 stopped
ok $? "for the policy is in force: an inline script does not run"

# ---- without a host

log_in boss-key-of-the-test
kill "$served" && wait "$served" 2>/dev/null
see 20 '#live' 'does not answer' && see 5 h1 'Overview'
ok $? "a host that is gone is told of, and what was seen last stays"
SLUICE_LISTEN=${page#http://}
serve && see 40 '#live' '● live'
ok $? "and once it is back the page lives again by itself"
echo "1..$cases"
