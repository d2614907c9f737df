#!/bin/sh
# The layers of core/README.md hold, and the check that says so can fail.
n=0
ok() { n=$((n + 1)); if [ "$1" = 0 ]; then echo "ok $n - $2"; else echo "not ok $n - $2"; fi; }

out=$(tools/check-layers 2>&1); status=$?
[ $status = 0 ] || echo "$out" | sed 's/^/# /'
ok $status "no layer includes a higher one"

dir=$(mktemp -d) && trap 'rm -rf "$dir"' EXIT
for bad in base:store/store.h store:run/run.h worker:store/store.h config:wire/message.h wire:worker/worker.h; do
	mkdir -p "$dir/${bad%%:*}"
	echo "#include \"${bad#*:}\"" >"$dir/${bad%%:*}/bad.c"
	tools/check-layers "$dir" >/dev/null 2>&1
	ok $((! $?)) "an include of ${bad#*:} in ${bad%%:*}/ is found"
	rm -r "${dir:?}/${bad%%:*}"
done

extra=$(ls -A | grep -vE '^(Makefile|core|plugins|sdk|conf|tests|tools|README\.md|\..*|build.*|var)$')
[ -z "$extra" ] || echo "# $extra"
[ -z "$extra" ]; ok $? "the top level holds what it shall and nothing else"
