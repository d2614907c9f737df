#!/bin/sh
# examples.sh - what conf/examples shows is run as it stands there, as far as this machine has what it needs.
. "$(dirname "$0")/lib.sh"
examples=$PWD/conf/examples
provider --records 50
host 'retry_base = 10ms'
ini <<-INI
	[integration stripe]
	base_url = $at/stripe
	[connection acme : stripe]
	token = env:ACME_STRIPE_KEY
INI

# ---- cron: its own environment, its own shell, the line as it stands but for where things lie

root=$dir/root
mkdir -p "$root/etc" "$root/lib"
echo 'ACME_STRIPE_KEY=sk_test_cron' >"$root/etc/environment"
cp "$conf/sluice.ini" "$root/etc/sluice.ini"
cron() { # cron PATTERN: the command of the line that matches, as cron would run it
	sed -n "/$1/s/^[^ ]* [^ ]* [^ ]* [^ ]* [^ ]*  *//p" "$examples/crontab" |
		sed "s|/usr/local/etc/sluice|$root/etc|g; s|/var/lib/sluice|$root/lib|g" >"$dir/line"
	(cd / && env -i HOME=/ LOGNAME=nobody SHELL=/bin/sh PATH="$build:/usr/bin:/bin" SLUICE_CONF="$root/etc" \
		timeout 60 /bin/sh -c "$(cat "$dir/line")") >"$dir/out" 2>"$dir/err"
	status=$?
}
is "$(grep -c '^[*0-9]' "$examples/crontab")" 2 "the crontab has two lines"
cron 'run --due'
is "$status" 0 "cron's line syncs"
has "$dir/out" 'customers +success +50 added' "what is due"
cron 'run --due'
hasnt "$dir/out" 'customers' "and nothing that is not"
cron verify
is "$status$(cat "$dir/out" "$dir/err")" 0 "the daily line is silent when all is well"
pages=$(($(stat -c %s "$dir/store/data.mdb") / 4096))
LC_ALL=C head -c $(((pages - 8) * 4096)) /dev/zero | tr '\0' 'x' | dd of="$dir/store/data.mdb" bs=4096 seek=8 conv=notrunc 2>/dev/null
cron verify
[ -s "$dir/out" ]
ok $? "and says what is wrong when it is not"

# ---- the container: the packages of its second stage are all that the programs need

runtime=$(sed -n '/^FROM debian:12-slim$/,$p' "$examples/Containerfile" | sed -n '/install -y/,/&& rm/p' | tr -d '\\' | tr ' ' '\n' |
	grep -E '^[a-z][a-z0-9.+-]+$' | grep -vE '^(apt-get|install|rm)$')
if command -v dpkg-query >/dev/null && dpkg-query -S /bin/sh >/dev/null 2>&1; then
	missing=
	for lib in $(ldd "$build/sluice" "$build/sluice-worker" | sed -n 's/.* => \(\/[^ ]*\).*/\1/p' | sort -u); do
		package=$(dpkg-query -S "$(realpath "$lib")" 2>/dev/null | head -n 1 | cut -d: -f1)
		case $package in
		libc6 | '' | libasan* | libubsan* | libgcc* | libstdc++*) continue ;;
		esac
		printf '%s\n' "$runtime" >"$dir/runtime"
		grep -qx "$package" "$dir/runtime" || apt-cache depends --recurse --no-recommends --no-suggests --no-conflicts \
			--no-breaks --no-replaces --no-enhances $(cat "$dir/runtime") 2>/dev/null | grep -qx "$package" || missing="$missing $package"
	done
	is "$missing" "" "the image has every library that the programs are linked with"
else
	skip "the image has every library that the programs are linked with" "dpkg is not here"
fi
is "$(grep -c '^USER sluice$' "$examples/Containerfile")" 1 "the image runs as a user of its own"

# ---- what is YAML

if command -v python3 >/dev/null && python3 -c 'import yaml' 2>/dev/null; then
	python3 - "$examples/workflow.yml" "$examples/compose.yaml" >"$dir/out" 2>"$dir/err" <<-'PY'
		import sys, yaml
		flow = yaml.safe_load(open(sys.argv[1]))
		steps = flow["jobs"]["sync"]["steps"]
		print("\n".join(s["run"] for s in steps if "run" in s and "sluice run" in s["run"]))
		compose = yaml.safe_load(open(sys.argv[2]))
		assert compose["services"]["sluice"]["read_only"] is True
		assert "store" in compose["volumes"]
	PY
	is "$?" 0 "workflow and compose file are YAML of the right shape"
	cp "$dir/out" "$dir/step"
	sed -i 's/--limit 50/--limit 50 --integration stripe/' "$dir/step"
	rm -rf "$dir/store"
	(PATH=$build:$PATH SLUICE_CONF=$conf ACME_STRIPE_KEY=sk_test_ci timeout 60 sh -e "$dir/step") >"$dir/out" 2>"$dir/err"
	is "$?" 0 "the workflow's step runs"
	has "$dir/out" 'customers +success +50 added' "and syncs"
else
	skip "workflow and compose file are YAML of the right shape" "python3-yaml is not installed"
fi

# ---- logrotate

if command -v logrotate >/dev/null; then
	sed "s|/var/log/sluice|$dir|; s|create 0640 sluice sluice|create 0640|; s|systemctl kill.*|true|" "$examples/logrotate" >"$dir/rotate"
	chmod 644 "$dir/rotate"
	echo line >"$dir/sluice.log"
	logrotate --force --state "$dir/rotate.state" "$dir/rotate" >"$dir/out" 2>"$dir/err"
	is "$? $(ls "$dir"/sluice.log.1 | wc -l)" "0 1" "logrotate takes its file"
else
	skip "logrotate takes its file" "logrotate is not installed"
fi
