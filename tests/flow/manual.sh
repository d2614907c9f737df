#!/bin/sh
# manual.sh - the manual pages and the shell's completion say what the program's tables say, whatever they come to hold.
. "$(dirname "$0")/lib.sh"
host
ini <<-INI
	[connection acme-one : stripe]
	token = x
	[connection bee : close]
	api_key = x
INI
chmod 600 "$conf/sluice.ini"

"$build/sluice" man >"$dir/sluice.1"
"$build/sluice" man ini >"$dir/sluice.ini.5"
missing=
for verb in $("$build/sluice" --help | sed -n '/^Commands:/,/^$/s/^  \([a-z-]*\) .*/\1/p'); do
	grep -q "^\.SS $(echo "$verb" | sed 's/-/\\\\-/g')\$" "$dir/sluice.1" || missing="$missing $verb"
	for flag in $("$build/sluice" "$verb" --help | sed -n '/^Flags:/,/^$/s/^  \(--*[a-z-]*\).*/\1/p'); do
		grep -qF -- "$(echo "$flag" | sed 's/-/\\-/g')" "$dir/sluice.1" || missing="$missing $verb$flag"
	done
done
is "$missing" "" "every verb and every flag stands in sluice(1)"
missing=
for key in $(sed -n 's/^;\([a-z_]*\) = .*/\1/p' conf/reference.ini); do
	grep -q "^\.B $key\$" "$dir/sluice.ini.5" || missing="$missing $key"
done
is "$missing" "" "every key stands in sluice.ini(5)"
hasnt "$dir/sluice.1" '^\.B sluice (man|complete)$' "what is for programs does not"
if command -v groff >/dev/null; then
	groff -man -Tutf8 -ww -b "$dir/sluice.1" 2>"$dir/err" >"$dir/out"
	groff -man -Tutf8 -ww -b "$dir/sluice.ini.5" 2>>"$dir/err" >>"$dir/out"
	is "$(cat "$dir/err")" "" "the formatter finds no fault with them"
	has "$dir/out" 'exit|EXIT STATUS' "and formats them"
else
	skip "the formatter finds no fault with them" "groff is not installed"
fi

offers() { # offers LINE: the candidates, in one line
	COMP_LINE=$1 COMP_POINT=${#1} "$build/sluice" complete 2>"$dir/err" | tr '\n' ' ' | sed 's/ $//'
}
is "$(offers 'sluice sta')" "$("$build/sluice" --help | sed -n '/^Commands:/,/^$/s/^  \(sta[a-z-]*\) .*/\1/p' | tr '\n' ' ' | sed 's/ $//')" "verbs"
is "$(offers 'sluice run --connection-')" "--connection-id" "flags of a verb"
is "$(offers "sluice --conf $conf run --connection-id a")" "acme-one" "connections of the configuration"
is "$(offers "sluice --conf $conf run --sync cust")" "customers custom_fields" "syncs of the connectors in use"
is "$(offers "sluice --conf $conf records StripeCu")" "StripeCustomer" "models"
is "$(offers 'sluice records --format j')" "json jsonl" "values of a flag"
is "$(offers 'sluice dead-letters re')" "resolve retry" "what a verb is followed by"
is "$(offers "sluice --conf $dir/nowhere run --connection-id a")" "" "silence where nothing is known"
is "$(cat "$dir/err")" "" "also on stderr"
if command -v bash >/dev/null; then
	bash -c ". conf/completion.bash; COMP_LINE='$build/sluice ver' COMP_POINT=$((${#build} + 11)) COMP_WORDS=('$build/sluice' ver) COMP_CWORD=1; _sluice; echo \"\${COMPREPLY[*]}\"" >"$dir/out" 2>"$dir/err"
	has "$dir/out" 'verify' "bash gets them"
else
	skip "bash gets them" "bash is not installed"
fi
