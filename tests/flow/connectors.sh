#!/bin/sh
# connectors.sh - what the connectors' pages say is what the connectors declare.
. "$(dirname "$0")/lib.sh"

BUILD=$BUILD tools/connector-table >"$dir/want"
sed -n '/^|/p' plugins/README.md >"$dir/got"
same "$dir/want" "$dir/got" "plugins/README.md has the table of what the connectors declare (tools/connector-table --write)"
for page in plugins/*/README.md; do
	name=$(basename "$(dirname "$page")")
	"$build/sluice" describe "$name" --plugin-dir "$build/plugins" --format jsonl >"$dir/manifest" 2>"$dir/err"
	missing=
	grep "^| \[$name\]" "$dir/want" >"$dir/rows"
	while IFS='|' read -r _ _ sync model kind _; do
		grep -qE "^\|${sync}\|.*$(echo "$model" | sed 's/^ *//; s/ *$//').*\|${kind}\|" "$page" || missing="$missing $sync"
	done <"$dir/rows"
	for option in $(sed 's/.*"options":\[//; s/"models":.*//' "$dir/manifest" | grep -o '"name":"[^"]*"' | cut -d'"' -f4); do
		grep -q "^| \`$option\`" "$page" || missing="$missing option:$option"
	done
	for option in $(sed -n 's/.*"dataset_options":\[//p' "$dir/manifest" | grep -o '"name":"[^"]*"' | cut -d'"' -f4); do
		grep -q "^| \`$option\`" "$page" || missing="$missing option:$option"
	done
	for scope in $(sed 's/.*"scopes":\[\([^]]*\)\].*/\1/' "$dir/manifest" | grep -oE '"[a-z]+:[a-z]+"' | tr -d '"'); do
		grep -q "\`$scope\`" "$page" || missing="$missing scope:$scope"
	done
	is "$missing" "" "$page names every sync with its model and kind, every option and every scope"
	[ -d "plugins/$name/answers" ] || grep -q '"dataset_options"' "$dir/manifest"; ok $? "$name has its answers, or is for any"
done
