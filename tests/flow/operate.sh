#!/bin/sh
# operate.sh - every command in the shell blocks of conf/GUIDE.md that is Sluice's, run in the guide's order, as it stands there:
# alone before `sluice serve`, beside that service after it. Each must go well. And what the guide says of commands exists.
#
# Awkward: paths of an installation are those of this test, systemctl is a start and stop by hand, and what installs is
# tests/flow/install.sh's to try. A line that is none of these fails: then say here what it means.
. "$(dirname "$0")/lib.sh"
provider --records 100
guide=conf/GUIDE.md
host
ini <<-INI
	[integration stripe]
	base_url = $at/stripe
	[connection acme : stripe]
	token = sk_test_guide
INI
host=

serve() {
	: >"$dir/log"
	"$build/sluice" --conf "$conf" serve >/dev/null 2>"$dir/log" &
	host=$!
	pids="$pids $host"
	until_true 20 grep -q '"msg":"serves ' "$dir/log"
}

stop() {
	kill -TERM "$host" && wait "$host"
}

here() { # the guide's paths in this test
	sed "s|/var/lib/sluice|$dir|g; s|/var/backups|$dir|g; s|/etc/sluice|$dir|g; s|customers\\.csv|$dir/customers.csv|"
}

blocks() { # the lines of all sh blocks, without comments
	awk '/^```sh$/ { inside = 1; next } /^```/ { inside = 0 } inside' "$guide" | sed 's/  *#.*//'
}

# ---- every command of the shell blocks

blocks >"$dir/lines"
has "$dir/lines" '^sluice serve$' "the guide begins a service"
while IFS= read -r line <&3; do
	printf '%s\n' "$line" | here >"$dir/line"
	case $line in
	'sluice serve' | 'systemctl start sluice') serve; ok $? "$line" ;;
	'systemctl stop sluice') stop; ok $? "$line" ;;
	'mv '*) sh "$dir/line"; ok $? "$line" ;;
	'sluice '*)
		eval "set -- $(cut -c8- "$dir/line")"
		run "$@"
		[ "$status" = 0 ] || { [ "$1" = doctor ] && [ "$status" = 1 ]; } # which finds that acme is new
		ok $? "$line"
		;;
	tools/install-deps* | 'make'* | systemd-sysusers*) ;;
	*) ok 1 "the guide's line '$line' is one that this test knows" ;;
	esac
done 3<"$dir/lines"
[ -s "$dir/customers.csv" ]
ok $? "the export is there"

# ---- what the prose names

"$build/sluice" --help | sed -n 's/^  \([a-z][a-z-]*\)  .*/\1/p' | sort -u >"$dir/verbs"
grep -oE '`sluice [a-z][a-z-]*' "$guide" | cut -d' ' -f2 | grep -vxE 'help' | sort -u >"$dir/named"
is "$(comm -13 "$dir/verbs" "$dir/named" | xargs)" "" "every command that the guide names exists"
while read -r verb; do
	"$build/sluice" "$verb" --help >"$dir/help"
	for flag in $(grep -oE "(\`|^)sluice $verb [^\`#]*" "$guide" | grep -oE -e ' --[a-z][a-z-]*' | sort -u); do
		grep -qF -e " $flag" "$dir/help" || echo "$verb $flag"
	done
done <"$dir/named" >"$dir/strange"
is "$(cat "$dir/strange")" "" "and so does each flag that follows one"
{
	grep -oE '^;[a-z_]+ =' conf/reference.ini | tr -d ';= '
	for name in rest graphql feed csv; do # options of their datasets
		"$build/sluice" describe "$name" --plugin-dir "$build/plugins" --format jsonl | sed 's/.*"dataset_options"://' | grep -oE '"name":"[^"]*"' | cut -d'"' -f4
	done
} | sort -u >"$dir/keys"
awk '/^```ini$/ { inside = 1; next } /^```/ { inside = 0 } inside' "$guide" | sed -n 's/^\([a-z_][a-z_]*\) *=.*/\1/p' | sort -u >"$dir/shown"
is "$(comm -13 "$dir/keys" "$dir/shown" | xargs)" "" "every key in its examples exists"
