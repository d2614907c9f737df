#!/bin/sh
# Prose is compiled: every C snippet of the guides builds, every path they name exists, every command they show is one of ours.
BUILD=${BUILD:-build}
n=0
ok() { n=$((n + 1)); if [ "$1" = 0 ]; then echo "ok $n - $2"; else echo "not ok $n - $2"; fi; }
dir=$(mktemp -d) && trap 'rm -rf "$dir"' EXIT
pages=$(find . -path './build*' -prune -o -name node_modules -prune -o -name '*.md' -print | sort)

# A fence of ```c is a whole file, or (with /* fragment */ in its first line) the inside of a fetch function.
for page in $pages; do
	awk -v stem="$dir/$(echo "$page" | tr '/' '_')" '
		/^```c$/ { inside = 1; n++; file = stem "." n ".c"; first = 1; next }
		/^```/ { if (inside && fragment) print "\treturn sluice_status(run);\n}" > file; inside = 0; fragment = 0; next }
		inside { if (first) { first = 0; fragment = /fragment/
				if (fragment) print "#include <sluice.h>\n#include <sluice_json.h>\n#include <string.h>\nint fetch(struct sluice_run *run);\nint\nfetch(struct sluice_run *run)\n{" > file }
			print > file }' "$page"
done
for snippet in "$dir"/*.c; do
	[ -e "$snippet" ] || continue
	gcc -std=gnu11 -Wall -Wextra -Wno-unused -Werror -fvisibility=hidden -fPIC -Isdk -fsyntax-only "$snippet" 2>"$dir/err"; status=$?
	[ $status = 0 ] || sed 's/^/# /' "$dir/err" | head -8
	ok $status "the snippet $(basename "$snippet" .c | sed 's/^\._//') compiles"
done

bad=
for page in $pages; do
	for path in $(grep -oE '`(\./)?(core|plugins|sdk|conf|tests|tools|\.ci)/[A-Za-z0-9_./-]*`' "$page" | tr -d '`'); do
		[ -e "$path" ] || { bad="$bad $page:$path"; }
	done
	for link in $(grep -oE '\]\([^)#:]+\)' "$page" | sed 's/^](//; s/)$//'); do
		[ -e "$(dirname "$page")/$link" ] || bad="$bad $page:$link"
	done
done
[ -z "$bad" ] || echo "# missing:$bad"
[ -z "$bad" ]; ok $? "every path that the pages name exists"

bad=
for test in $(find tests/unit tests/flow tests/hostile tests/checks tests/browser \( -name '*.c' -o -name '*.sh' \) ! -name lib.sh ! -name driver.sh | sort); do
	grep -qE '^(TEST\(|ok\(\)|\. )' "$test" || continue # what has no case is a helper
	grep -qF "$test" tests/README.md || bad="$bad $test"
done
[ -z "$bad" ] || echo "# not told of:$bad"
[ -z "$bad" ]; ok $? "every test program stands in tests/README.md"

bad=
for verb in $(cat $pages | sed -n '/^```sh/,/^```/p' | grep -oE '(^|[ /])sluice [a-z][a-z-]+' | sed 's/.*sluice //' | sort -u); do
	"$BUILD/sluice" "$verb" --help >/dev/null 2>&1 || bad="$bad $verb"
done
[ -z "$bad" ] || echo "# unknown verbs:$bad"
[ -z "$bad" ]; ok $? "every verb that the pages show has its --help"
