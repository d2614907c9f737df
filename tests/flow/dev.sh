#!/bin/sh
# dev.sh - `sluice dev`: a connector's sources are built and run dry on each save, by cc or by make, and nothing is stored.
. "$(dirname "$0")/lib.sh"

provider --records 50
host
ini <<INI
[integration hot]
base_url = $at

[connection acme : hot]
INI
src=$dir/src
mkdir "$src" "$dir/pc" "$dir/tmp"
TMPDIR=$dir/tmp
export TMPDIR
sed "s|@PREFIX@|$dir/none|; s|@VERSION@|0|; s|^includedir=.*|includedir=$PWD/sdk|" sdk/sluice.pc.in >"$dir/pc/sluice.pc"
PKG_CONFIG_PATH=$dir/pc
[ -n "$(ldd "$build/sluice" 2>/dev/null | grep asan)" ] && CC="${CC:-cc} -fsanitize=address"
export PKG_CONFIG_PATH CC="${CC:-cc}"
cp tests/plugins/hot.inc tests/plugins/hot_one.c "$src"

run dev "$src" --once --sync items
is "$status" 0 "a folder of sources is built and run dry"
has "$dir/out" "acme : hot : items  would add [1-9]" "what a run would add is shown"
[ ! -e "$dir/plugins/hot.so" ] && [ ! -e "$dir/store/data.mdb" ]; ok $? "nothing is installed and nothing stored"
run dev "$build/tests/plugins/hot_two.so" --once --sync items
is "$status" 0 "a .so is run dry as it is"
has "$dir/out" "would add" "with the same result"

echo 'int broken(void) { return nothing; }' >"$src/bad.c"
run dev "$src" --once
is "$status" 1 "what does not compile ends it"
has "$dir/said" "bad.c:1:.*nothing" "and the compiler's words are shown as they are"
rm "$src/bad.c"

printf 'all:\n\t$(CC) -I%s -fPIC -fvisibility=hidden -shared -o made.so hot_two.c\n' "$PWD/sdk" >"$src/Makefile"
cp tests/plugins/hot_two.c "$src"
run dev "$src" --once --sync items
is "$status" 0 "a Makefile goes before cc, whatever the file is called that it makes"
rm "$src/Makefile" "$src/hot_two.c"

# Watching: a save is enough.
"$build/sluice" --conf "$conf" dev "$src" --sync items >"$dir/out" 2>"$dir/err" </dev/null &
dev=$!
pids="$pids $dev"
until_true 30 grep -q "would add" "$dir/out"
ok $? "without --once it goes on"
until_true 10 grep -q "waiting for a save" "$dir/err"
sed 's/"1.0"/"1.0.1"/' tests/plugins/hot_one.c | sed 's/VERSION "1.0.1"/VERSION "nonsense/' >"$src/next.tmp"
mv "$src/next.tmp" "$src/hot_one.c"
until_true 30 grep -q "hot_one.c:2" "$dir/err"
ok $? "a save is built: its error is shown"
cp tests/plugins/hot_one.c "$src/hot_one.c"
until_true 30 sh -c "[ \$(grep -c 'would add' '$dir/out') = 2 ]"
ok $? "and the next save is run again"
kill -TERM $dev
wait $dev
is "$?" 143 "a signal ends it"
is "$(ls "$dir/tmp")" "" "and nothing is left behind"
echo "1..$cases"
