#!/bin/sh
# install.sh - `make install` puts all in place, and a connector built with nothing but pkg-config runs from there.
. "$(dirname "$0")/lib.sh"
root=$dir/root
make --no-print-directory -s install BUILD="$BUILD" DESTDIR="$root" PREFIX=/usr >"$dir/out" 2>"$dir/err"
ok $? "make install ends well"
missing=
for file in bin/sluice libexec/sluice/sluice-worker lib/sluice/plugins/stripe.so lib/sluice/plugins/close.so lib/sluice/plugins/slack.so \
	include/sluice.h include/sluice_json.h lib/pkgconfig/sluice.pc etc/sluice/sluice.ini etc/sluice/reference.ini \
	bin/sluice-provider etc/sluice/environment lib/sysusers.d/sluice.conf \
	lib/systemd/system/sluice.service lib/systemd/system/sluice-run.service lib/systemd/system/sluice-run.timer share/doc/sluice/GUIDE.md share/doc/sluice/SDK.md share/doc/sluice/PROVIDER.md \
	share/doc/sluice/monitoring/alerts.yml share/doc/sluice/monitoring/dashboard.json share/doc/sluice/examples/tickets.c share/doc/sluice/plugins/README.md share/doc/sluice/plugins/rest/README.md \
	share/man/man1/sluice.1 share/man/man5/sluice.ini.5 share/bash-completion/completions/sluice; do
	[ -s "$root/usr/$file" ] || missing="$missing $file"
done
is "$missing" "" "everything is in its place"
[ -x "$root/usr/bin/sluice" ] && [ -x "$root/usr/libexec/sluice/sluice-worker" ]; ok $? "both programs can be run"
! grep -rlE "$PWD|$root" "$root/usr/lib/pkgconfig" "$root/usr/lib/systemd" "$root/usr/etc" >"$dir/out"; ok $? "no file names the place where it was built"
echo '; mine' >>"$root/usr/etc/sluice/sluice.ini"
make --no-print-directory -s install BUILD="$BUILD" DESTDIR="$root" PREFIX=/usr >"$dir/out" 2>"$dir/err"
has "$root/usr/etc/sluice/sluice.ini" '^; mine' "a second install leaves the configuration as it is"

# ---- who may read what, and one store for all

is "$(stat -c '%a' "$root/usr/etc/sluice/sluice.ini" "$root/usr/etc/sluice/environment" | xargs)" "644 600" "everybody may read the configuration, and only root the secrets"
"$root/usr/bin/sluice" --conf "$root/usr/etc/sluice" config --format jsonl >"$dir/out" 2>"$dir/err"
has "$dir/out" '"key":"data_dir","value":"/var/lib/sluice/store","origin":".*sluice.ini:[0-9]+"' "which names the store"
unit=$root/usr/lib/systemd/system/sluice.service
hasnt "$unit" 'data.dir' "the unit does not: it means the same one"
has "$unit" '^EnvironmentFile=-/usr/etc/sluice/environment$' "the unit takes its secrets from there"
is "$(sed -n 's/^User=//p' "$unit")" "$(sed -n 's/^u \([a-z]*\) .*/\1/p' "$root/usr/lib/sysusers.d/sluice.conf")" "its user is the one that is made"
if command -v systemd-analyze >/dev/null; then
	mkdir "$dir/units"
	sed "s|/usr/|$root/usr/|g; s|^User=.*|User=root|; s|^Group=.*|Group=root|; s|^Documentation.*||" "$unit" >"$dir/units/sluice.service"
	systemd-analyze verify --man=no "$dir/units/sluice.service" >"$dir/out" 2>&1
	hasnt "$dir/out" 'sluice' "systemd finds no fault with the unit"
else
	skip "systemd finds no fault with the unit" "systemd-analyze is not installed"
fi

# ---- moved elsewhere, it finds its own

mv "$root/usr" "$root/moved"
(cd "$dir" && rmdir conf && "$root/moved/bin/sluice" config) >"$dir/out" 2>"$dir/err"
has "$dir/out" "plugin_dir +$root/moved/lib/sluice/plugins " "the plugins, wherever it was moved to"
has "$dir/out" "worker +$root/moved/libexec/sluice/sluice-worker " "the worker"
has "$dir/out" "data_dir .* $root/moved/etc/sluice/sluice.ini:[0-9]+" "and its configuration"
(cd "$dir" && "$root/moved/bin/sluice" describe) >"$dir/out" 2>"$dir/err"
has "$dir/out" '^stripe ' "describe lists its connectors"
mv "$root/moved" "$root/usr"
mkdir "$conf"

# ---- an author's connector, outside of the tree

mkdir "$dir/author"
cat >"$dir/author/shelf.c" <<'C'
#include <sluice.h>

static int
fetch(struct sluice_run *run)
{
	const struct sluice_page_request list = {
		.endpoint = "/plain/cursor", .items = "items", .limit = 100,
		.kind = SLUICE_CURSOR, .cursor_param = "after", .cursor = "meta.next",
	};
	struct sluice_page page;

	while (sluice_paginate(run, &list, &page) > 0)
		sluice_batch_save(run, "Book", page.body, page.len);
	return sluice_status(run);
}

static const struct sluice_field book[] = {{.name = "id", .type = SLUICE_STRING, .flags = SLUICE_KEY}, {0}};
static const struct sluice_model models[] = {{.name = "Book", .fields = book}, {0}};
static const struct sluice_sync syncs[] = {
	{.name = "books", .model = "Book", .kind = SLUICE_FULL, .flags = SLUICE_TRACK_DELETES, .fetch = fetch}, {0}
};
SLUICE_EXPORT const struct sluice_connector sluice_connector = {SLUICE_ABI,
	.name = "shelf", .version = "1.0.0", .models = models, .syncs = syncs};
C
flags=$(PKG_CONFIG_PATH="$root/usr/lib/pkgconfig" PKG_CONFIG_SYSROOT_DIR="$root" pkg-config --cflags sluice)
ok $? "pkg-config knows sluice"
(cd "$dir/author" && ${CC:-gcc} $flags -shared -o shelf.so shelf.c) >"$dir/out" 2>"$dir/err"
ok $? "one compiler call with its flags builds a connector: cc $(echo "$flags" | sed "s|$root||g") -shared -o shelf.so shelf.c"
is "$(nm -D --defined-only "$dir/author/shelf.so" | awk '{ print $3 }')" sluice_connector "which shows one symbol"
cp "$dir/author/shelf.so" "$root/usr/lib/sluice/plugins/"
mkdir "$dir/author/source"
cp "$dir/author/shelf.c" "$dir/author/source"
env -u PKG_CONFIG_PATH PKG_CONFIG_SYSROOT_DIR="$root" CC="${CC:-gcc}" "$root/usr/bin/sluice" dev "$dir/author/source" --once >"$dir/out" 2>"$dir/err"
is "$? $(head -n 1 "$dir/out")" "0 shelf 1.0.0" "sluice dev finds the header of its own installation without being told"
provider --records 250
cat >"$conf/sluice.ini" <<INI
[host]
data_dir   = $dir/store
plugin_dir = $root/usr/lib/sluice/plugins
worker     = $root/usr/libexec/sluice/sluice-worker
[integration shelf]
base_url = $at
[connection acme : shelf]
INI
build=$root/usr/bin
run run
is "$status" 0 "dropped into the plugins' folder, the installed program syncs with it"
is "$(live Book)" 250 "all of its records"

# ---- root, and a store that belongs to another user

if [ "$(id -u)" = 0 ]; then
	chmod 755 "$dir" "$conf"
	chmod 644 "$conf/sluice.ini"
	mkdir "$dir/state"
	chown 4242:4242 "$dir/state"
	sed -i "s|^data_dir.*|data_dir = $dir/state/store|" "$conf/sluice.ini"
	run run
	is "$status $(find "$dir/state" ! -uid 4242 | wc -l) $(live Book)" "0 0 250" "root makes a store as the user whose folder it lies in, and reads it"
	run backup "$dir/copy"
	is "$status $(find "$dir" -maxdepth 1 -name 'copy*' | wc -l)" "2 0" "a backup to where that user may not write leaves nothing behind"
	run backup "$dir/state/copy"
	is "$status $(find "$dir/state" ! -uid 4242 | wc -l)" "0 0" "one to where it may is its own"
	run restore "$dir/state/copy" --data-dir "$dir/state/other" --set "encryption_key=file:$dir/state/store.key"
	is "$status $(find "$dir/state/other" -uid 4242 -name data.mdb | wc -l)" "0 1" "and so is the store that it becomes"
	chown root "$dir/state" && chmod 755 "$dir/state"
	run run
	is "$status $(find "$dir/state" -mindepth 1 ! -uid 4242 | wc -l)" "0 0" "and opens it as its owner"
	setpriv --reuid 4343 --clear-groups "$build/sluice" --conf "$conf" status >"$dir/out" 2>"$dir/err"
	is "$?" 2 "another user is refused"
	has "$dir/err" "belongs to uid 4242.*sudo -u '#4242' sluice" "and told what to do"
else
	skip "root opens a store as its owner" "takes root"
fi
