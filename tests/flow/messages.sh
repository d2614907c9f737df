#!/bin/sh
# messages.sh - what can be wrong around a sync: each is told by thing, place and remedy, ends with the right code, and loses nothing.
. "$(dirname "$0")/lib.sh"
plugins odd
provider --records 300

good() {
	store=
	host 'retries = 1' 'retry_base = 1ms' "$@"
	ini <<-INI
		[integration odd]
		base_url = $at
		[connection acme : odd]
	INI
}

told() { # told STATUS SENTENCE PATTERN...: of the last run
	want=$1 sentence=$2
	shift 2
	lacking=
	for pattern; do grep -qE -e "$pattern" "$dir/said" || lacking="$lacking /$pattern/"; done
	is "$status$lacking" "$want" "$sentence"
}

kept() { # kept SENTENCE: the store is as it was after the first sync
	good
	stored M_cursor >"$dir/now"
	same "$dir/before" "$dir/now" "$1"
}

good
run run --sync cursor
is "$status" 0 "all is well to begin with"
stored M_cursor >"$dir/before"
is "$(wc -l <"$dir/before")" 300 "and there is something to lose"

# ---- configuration

printf '[host]\ndata_dri = x\n' >"$conf/sluice.ini"
run run
told 2 "an unknown key: file, line, nearest key" 'sluice.ini:2' data_dri data_dir
printf '[hots]\n' >"$conf/sluice.ini"
run run
told 2 "an unknown section: file, line, nearest section" 'sluice.ini:1' hots host
good
printf '[sync acme : odd : cursor]\nevery = 1x\n' | ini
run run
told 2 "a value that is no duration: file, line, an example" "sluice.ini:$(wc -l <"$conf/sluice.ini")" 1x every
good
printf '[sync acme : odd : cursro]\nevery = 1h\n' | ini
run config --check
told 2 "a sync that the connector does not have" cursro cursor
good
printf '[connection acme : odd]\ntokne = x\n' | ini
run config --check
told 2 "an option that the connector does not declare" tokne
good
printf '[connection other : nowhere]\n' | ini
run run
told 2 "a plugin that is not there: its name, the folder, the file looked for" nowhere.so "$dir/plugins"
run run --sync cursor --connection-id acme
is "$status" 0 "the other connections run all the same"
good
run run --sync cursro
told 2 "a sync that does not exist" cursro cursor
run run --connection-id acmee
told 2 "a connection that does not exist" acmee acme
run rnu
told 2 "a verb that does not exist" rnu -- --help
run run --formt json
told 2 "a flag that does not exist" formt
good
printf '[connection third : stripe]\ntoken = env:NO_SUCH_VARIABLE\n' | ini
run run --connection-id third
told 2 "an environment variable that is not set: file, line, key, remedy" "sluice.ini:$(wc -l <"$conf/sluice.ini")" 'token: env:NO_SUCH_VARIABLE' 'set it'
run run --format jsonl
is "$status $(grep -c '"connection":"acme".*"sync":"cursor".*"status":"success"' "$dir/out") $(grep -c NO_SUCH_VARIABLE "$dir/err")" "2 1 1" "it is told once, the other connections run all the same"
run run --sync cursor
is "$status" 0 "and a sync that it does not have is not its business"
run records M_cursor --format jsonl
is "$status $(wc -l <"$dir/out")" "0 300" "what is stored can be read"
run status
told 0 "status shows it, and why" '^third +stripe +customers +unusable' NO_SUCH_VARIABLE
run test-connection --connection-id third
told 2 "test-connection says it" NO_SUCH_VARIABLE
printf 'base_url = file:gone\n[connection fourth : close]\napi_key = file:nowhere\n[key app]\nvalue = env:NO_SUCH_KEY\n' | ini
run config --check
told 2 "config --check tells all of them" NO_SUCH_VARIABLE 'base_url: file:gone' 'api_key: file:nowhere' 'key app.*NO_SUCH_KEY'
good
printf '[connection third : stripe]\n' | ini
run run --connection-id third
told 2 "credentials that are not given at all" third token

# ---- plugins

good
cp "$dir/plugins/odd.so" "$dir/odd.keep"
cp /bin/true "$dir/plugins/odd.so"
run run --sync cursor
told 2 "a plugin that is no connector" odd.so
printf 'not an object file' >"$dir/plugins/odd.so"
run run --sync cursor
told 2 "a plugin that is no object file" odd.so
cat >"$dir/abi.c" <<'C'
#include <sluice.h>
static const struct sluice_field f[] = {{.name = "id", .type = SLUICE_STRING, .flags = SLUICE_KEY}, {0}};
static const struct sluice_model m[] = {{.name = "M", .fields = f}, {0}};
SLUICE_EXPORT const struct sluice_connector sluice_connector = {
	2, 0, sizeof(struct sluice_connector), sizeof(struct sluice_field), sizeof(struct sluice_model), sizeof(struct sluice_option),
	sizeof(struct sluice_sync), sizeof(struct sluice_action), sizeof(struct sluice_rate), sizeof(struct sluice_request),
	sizeof(struct sluice_response), sizeof(struct sluice_page_request), sizeof(struct sluice_page), sizeof(struct sluice_map),
	sizeof(struct sluice_pair), {0, 0, 0}, .name = "odd", .version = "1", .models = m,
};
C
${CC:-gcc} -Isdk -w -fPIC -fvisibility=hidden -shared -o "$dir/plugins/odd.so" "$dir/abi.c"
run run --sync cursor
told 2 "a plugin of another ABI: both versions" odd '2\.0|ABI 2|major' '1\.0|ABI 1|1'
cp "$dir/odd.keep" "$dir/plugins/odd.so"
good "worker = $dir/no-worker"
grep -v "^worker.*build" "$conf/sluice.ini" >"$dir/ini" && cp "$dir/ini" "$conf/sluice.ini"
run run --sync cursor
[ "$status" != 0 ]; ok $? "a worker that is not there ends no run well"
grep -q no-worker "$dir/said"; ok $? "and is named"

# ---- the provider

good
sed -i "s|^base_url.*|base_url = http://127.0.0.1:1|" "$conf/sluice.ini"
run run --sync cursor
told 75 "an unreachable provider: its address, and why" '127.0.0.1:1' 'refused|connect'
run test-connection --connection-id acme
[ "$status" != 0 ]; ok $? "test-connection says so too"
good
sed -i "s|^base_url.*|base_url = http://no-such-host.invalid|" "$conf/sluice.ini"
run run --sync cursor
told 75 "a host that has no address: its name" 'no-such-host.invalid' 'resolve|address|name'
good
control faults '{"do":"401"}' >/dev/null
run run --sync cursor
told 3 "refused credentials" 'credentials|401'
control reset >/dev/null
kept "none of this lost a record"

# ---- the store and its place

good
chmod 755 "$dir/store"
run run --sync cursor
told 2 "a data directory that others may enter: the place and the remedy" "$dir/store" 'chmod|700'
chmod 700 "$dir/store"
key=$(ls "$dir"/store.key)
chmod 644 "$key"
run run --sync cursor
told 2 "a key file that others may read: the place and the remedy" "$key" 'chmod|600'
chmod 600 "$key"
cp "$key" "$dir/key.keep"
head -c 32 /dev/urandom | od -An -v -tx1 | tr -d ' \n' >"$key"
run run --sync cursor
[ "$status" != 0 ]; ok $? "a wrong key opens nothing"
grep -qiE 'key' "$dir/said"; ok $? "and is what the message is about"
run records M_cursor --format jsonl
is "$(wc -l <"$dir/out")" 0 "nor does it show a record"
rm "$key"
run run --sync cursor
[ "$status" != 0 ] && [ ! -e "$key" ]; ok $? "a lost key is not replaced by a new one"
cp "$dir/key.keep" "$key"
kept "the key back in its place, everything is there"

printf 'a file' >"$dir/no-store"
run status --data-dir "$dir/no-store"
[ "$status" != 0 ] && grep -q 'no-store' "$dir/said"; ok $? "a file in the place of the data directory is named, not taken for a store that never was"
cp -rp "$dir/store" "$dir/damaged"
head -c 8192 /dev/zero | tr '\0' 'x' | dd of="$dir/damaged/data.mdb" conv=notrunc 2>/dev/null
cp -p "$key" "$dir/damaged.key"
run status --data-dir "$dir/damaged"
told 2 "a damaged data.mdb: the place and the remedy" "$dir/damaged" 'restore'

control faults '{"match":"/plain","do":"delay","ms":4000}' >/dev/null
timeout 60 "$build/sluice" --conf "$conf" run --sync cursor >"$dir/first.out" 2>"$dir/first.err" </dev/null &
first=$!
pids="$pids $first"
asked() { control requests | grep -q '"total":[1-9]'; }
until_true 20 asked
run run --sync cursor
told 4 "a second host on the same directory: who has it" "$dir/store|already" '[0-9]'
run records M_cursor --limit 3 --format jsonl
is "$status $(wc -l <"$dir/out")" "0 3" "reading goes on meanwhile"
kill -INT "$first"
wait "$first"
is $? 130 "the first one ends on a signal, with its state saved"
control reset >/dev/null
run run --sync cursor
is "$status" 0 "and the next run goes on"
kept "two hosts at once lost nothing"

control set plain.records=5000 >/dev/null
store=$dir/bounded
host 'retries = 0'
ini <<INI
[integration odd]
base_url = $at
[connection acme : odd]
INI
(ulimit -f 3000; "$build/sluice" --conf "$conf" run --sync cursor >"$dir/said" 2>&1)
status=$?
told 75 "a file that may not grow any more: the place, and no signal" "$store" 'write|full|space'
run run --sync cursor
is "$status $(live M_cursor)" "0 5000" "where it may grow again, the next run completes"

if [ "$(id -u)" = 0 ] && mkdir "$dir/small" && mount -t tmpfs -o size=1m none "$dir/small" 2>/dev/null; then
	store=$dir/small/store
	control set plain.records=5000 >/dev/null
	host 'min_free = 0' 'retries = 0'
	ini <<-INI
		[integration odd]
		base_url = $at
		[connection acme : odd]
	INI
	run run --sync cursor
	told 75 "a full disk: the place" "$dir/small/store" 'full|space|free'
	had=$(live M_cursor)
	[ "$had" -ge 0 ]; ok $? "what was committed before can be read ($had records)"
	mount -o remount,size=40m "$dir/small"
	run run --sync cursor
	is "$status $(live M_cursor)" "0 5000" "with room again, the next run completes"
	host 'retries = 0'
	ini <<-INI
		[integration odd]
		base_url = $at
		[connection acme : odd]
	INI
	run run --sync cursor
	told 75 "less room than min_free: no run starts, and the message says what is free" 'min_free|free'
	mount -o remount,ro "$dir/small"
	run run --sync cursor
	[ "$status" != 0 ] && [ "$status" -lt 126 ]; ok $? "a read-only directory ends no run well ($status)"
	grep -qiE "read-only|read only" "$dir/said" && grep -q "$dir/small/store" "$dir/said"; ok $? "and is named"
	mount -o remount,rw "$dir/small"
	run run --sync cursor --data-dir "$dir/small/store" --set min_free=0
	is "$status $(live M_cursor)" "0 5000" "writable again, nothing was lost"
	umount "$dir/small"
else
	skip "a full disk" "a small file system takes root"
fi
