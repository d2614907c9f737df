# driver.sh - Chromium without a screen, spoken to by WebDriver (W3C) with curl: a person's clicks and keys, and what the page
# then says. Sourced behind flow/lib.sh, never run.
#
#   browser                       starts one; it ends with the script. `window 390 844` makes it a phone, `scheme dark` dark
#   visit URL                     goes there
#   js 'return document.title'    runs it in the page: prints its value as JSON, a text without quotes where it is plain
#   see 20 'CSS' 'pattern'        waits until an element of CSS has a text that fits the (JavaScript) pattern; 1: it never did
#   click 'CSS' ['pattern']       as a person does: scrolled to, in the middle of it, and only if nothing covers it
#   type 'CSS' text · keys ...    into an element; to whatever has the focus: Tab Enter Escape Down Up Home End Space, or words
#   picture FILE                  of the window, PNG
#   console                       what the console has said since, an entry a line: errors, refused by policy, failed requests
#
# Guarantee: every wait is bounded. Awkward: as root, as in a container, Chromium's own sandbox cannot be made; it opens nothing
# here but our own pages on loopback.

browser() {
	command -v chromedriver >/dev/null 2>&1 || return 1
	mkdir -p "$dir/browser"
	HOME=$dir/browser TMPDIR=$dir/browser chromedriver --port=0 --log-level=WARNING >"$dir/driver.log" 2>&1 &
	driver=$!
	until_true 20 grep -q 'on port [0-9]' "$dir/driver.log" || return 1
	driver_at=http://127.0.0.1:$(sed -n 's/.*started successfully on port \([0-9]*\).*/\1/p' "$dir/driver.log")
	flags='"--headless=new","--disable-gpu","--disable-dev-shm-usage","--no-first-run","--disable-background-networking","--disable-extensions","--force-color-profile=srgb","--hide-scrollbars"'
	[ "$(id -u)" = 0 ] && flags="$flags,\"--no-sandbox\""
	curl -s -m 60 "$driver_at/session" -d "{\"capabilities\":{\"alwaysMatch\":{\"browserName\":\"chrome\",
		\"goog:loggingPrefs\":{\"browser\":\"ALL\"},\"goog:chromeOptions\":{\"args\":[$flags,\"--window-size=1280,800\"]}}}}" >"$dir/session"
	grep -q '"sessionId":"' "$dir/session" || { head -c 300 "$dir/session" | tr '\n' ' ' | sed 's/^/# /'; echo; return 1; }
	session=$driver_at/session/$(sed 's/.*"sessionId":"\([^"]*\)".*/\1/' "$dir/session")
}

# The session is ended first: then Chromium has gone in good order, and none is left behind.
browser_end() {
	[ -n "${session-}" ] && curl -s -m 10 -X DELETE "$session" >/dev/null
	[ -n "${driver-}" ] && kill "$driver" 2>/dev/null && wait "$driver" 2>/dev/null
	session= driver=
}

text_json() { # as a JSON string
	printf '%s' "$1" | sed 's/\\/\\\\/g; s/"/\\"/g; s/	/\\t/g' | awk '{ printf "%s%s", (NR > 1 ? "\\n" : "\""), $0 } END { printf "%s\"", (NR ? "" : "\"") }'
}

command_send() { # command_send PATH JSON
	curl -s -m 30 "$session/$1" -d "$2"
}

devtools() { # devtools COMMAND JSON
	command_send goog/cdp/execute "{\"cmd\":\"$1\",\"params\":$2}" >/dev/null
}

window() {
	devtools Emulation.setDeviceMetricsOverride "{\"width\":$1,\"height\":$2,\"deviceScaleFactor\":1,\"mobile\":$([ "$1" -lt 600 ] && echo true || echo false)}"
}

scheme() {
	devtools Emulation.setEmulatedMedia "{\"features\":[{\"name\":\"prefers-color-scheme\",\"value\":\"$1\"}]}"
}

visit() { command_send url "{\"url\":$(text_json "$1")}" >/dev/null; }

js() {
	command_send execute/sync "{\"script\":$(text_json "$1"),\"args\":[]}" | sed 's/^{"value"://; s/}$//; s/^"\(.*\)"$/\1/'
}

# The elements of CSS whose text fits, as an expression.
fitting() {
	printf '[...document.querySelectorAll(%s)].filter(e => new RegExp(%s, "s").test(e.textContent))' "$(text_json "$1")" "$(text_json "${2-}")"
}

see_once() { [ "$(js "return $(fitting "$@").length > 0")" = true ]; }
see() {
	seconds=$1
	shift
	until_true "$seconds" see_once "$@" && return 0
	echo "# not seen: $*"
	echo "# the page says: $(js 'return document.body.innerText' | cut -c1-600)"
	return 1
}

element() { # element CSS [PATTERN]: its reference
	until_true 10 see_once "$@"
	command_send execute/sync "{\"script\":$(text_json "return $(fitting "$@")[0]"),\"args\":[]}" | sed -n 's/.*"element-[^"]*":"\([^"]*\)".*/\1/p'
}

click() { # a refresh may replace an element in between: once more then
	for once in 1 2 3; do
		clicked=$(command_send "element/$(element "$@")/click" '{}')
		[ "$clicked" = '{"value":null}' ] && return 0
	done
	echo "# not clicked: $*: $(echo "$clicked" | cut -c1-300)"
	return 1
}

type() { command_send "element/$(element "$1")/value" "{\"text\":$(text_json "$2")}" >/dev/null; }

press() { # press KEY: down and up again
	command_send actions "{\"actions\":[{\"type\":\"key\",\"id\":\"keyboard\",\"actions\":[{\"type\":\"keyDown\",\"value\":\"$1\"},{\"type\":\"keyUp\",\"value\":\"$1\"}]}]}" >/dev/null
}

keys() {
	for key; do
		case $key in
		Tab) press '\uE004' ;; Enter) press '\uE007' ;; Escape) press '\uE00C' ;; Space) press ' ' ;;
		Up) press '\uE013' ;; Down) press '\uE015' ;; Home) press '\uE011' ;; End) press '\uE010' ;;
		*) for letter in $(printf '%s' "$key" | sed 's/./& /g'); do press "$letter"; done ;;
		esac
	done
}

picture() { curl -s -m 30 "$session/screenshot" | sed 's/^{"value":"//; s/"}$//' | base64 -d >"$1"; }

console() {
	command_send se/log '{"type":"browser"}' | sed 's/^{"value":\[//; s/\]}$//; s/},{/}\
{/g' | grep .
}
