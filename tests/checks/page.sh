#!/bin/sh
# The dashboard by reading it: what the policy and its own rules forbid is not there, each file is embedded, each import exists.
cd "$(dirname "$0")/../.." || exit 1
n=0
ok() { n=$((n + 1)); if [ "$1" = 0 ]; then echo "ok $n - $2"; else echo "not ok $n - $2"; fi; }
none() { # none PATTERN SENTENCE
	found=$(grep -nE -e "$1" core/api/page/*.js core/api/page/*.html | head -n 5)
	[ -z "$found" ] || echo "$found" | sed 's/^/# /'
	[ -z "$found" ]
	ok $? "$2"
}
none 'innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|createContextualFragment|setHTML' "no text is ever made markup"
none '\beval\(|new Function|setTimeout\(["'"'"'`]' "no text is ever run"
none '\.style\b|style=|setAttribute\(.style' "no style stands in an element, which the policy forbids"

found=$(grep -nE 'https?://|//[a-z0-9.-]+\.[a-z]+/' core/api/page/*.js core/api/page/*.html core/api/page/*.css | grep -v "'http://www.w3.org/2000/svg'")
[ -z "$found" ] || echo "$found" | sed 's/^/# /'
[ -z "$found" ]
ok $? "nothing comes from another host"

bad=
for file in core/api/page/*; do
	grep -q "\"$(basename "$file")\"" core/api/page.c || bad="$bad $file"
done
[ -z "$bad" ] || echo "# not embedded:$bad"
[ -z "$bad" ]
ok $? "each file is embedded"

# An import of what a module does not export ends the whole page before anything is drawn.
bad=
for file in core/api/page/*.js; do
	grep -E '^import ' "$file" | sed "s/^import { \(.*\) } from '\.\/\(.*\)';/\2 \1/; s/ as [a-z_]*//g; s/,//g" >"${TMPDIR:-/tmp}/imports.$$"
	while read -r from names; do
		for name in $names; do
			grep -qE "^export (async )?(function|const|class) $name\b" "core/api/page/$from" 2>/dev/null || bad="$bad $file:$name"
			[ "$(grep -cw -e "$name" "$file")" -gt 1 ] || grep -qE "as [a-z_]+ .*$from|$name as" "$file" || bad="$bad $file:$name(unused)"
		done
	done <"${TMPDIR:-/tmp}/imports.$$"
	rm -f "${TMPDIR:-/tmp}/imports.$$"
done
[ -z "$bad" ] || echo "# not exported, or not used:$bad"
[ -z "$bad" ]
ok $? "each import is exported where it says, and used"
echo "1..$n"
