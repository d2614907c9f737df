#!/bin/sh
# What the binaries show and need: a plugin exports one symbol, the worker links nothing that it must not have.
BUILD=${BUILD:-build}
n=0
ok() { n=$((n + 1)); if [ "$1" = 0 ]; then echo "ok $n - $2"; else echo "not ok $n - $2"; fi; }

for so in "$BUILD"/plugins/*.so "$BUILD"/examples/*.so; do
	shown=$(nm -D --defined-only "$so" | awk '{ print $3 }' | grep -vE '^(__asan|__odr_asan|__ubsan|___asan|__start___sancov|__stop___sancov)')
	[ "$shown" = sluice_connector ]; ok $? "$(basename "$so") exports exactly sluice_connector"
done

case $BUILD in *asan*) extra='|libasan|libubsan|libgcc_s|libstdc\+\+|libpthread|libdl|librt' ;; *) extra= ;; esac
needs=$(ldd "$BUILD/sluice-worker" | awk '{ print $1 }' | sed 's|.*/||' | grep -vE "^(linux-vdso|ld-linux|libc|libm|libcjson|libseccomp$extra)[-.0-9a-z_]*\.so")
[ -z "$needs" ] || echo "# the worker needs $needs"
[ -z "$needs" ]; ok $? "the worker links libc, libm, libcjson and libseccomp and nothing else"
for library in libm libcjson; do
	readelf -d "$BUILD/sluice-worker" | grep -q "NEEDED.*$library"; ok $? "the worker carries $library for its plugins"
done
for binary in sluice sluice-worker; do
	readelf -d "$BUILD/$binary" | grep -q 'BIND_NOW\|NOW'; ok $? "$binary is bound at start (relro, now)"
	readelf -h "$BUILD/$binary" | grep -q 'DYN'; ok $? "$binary is position independent"
done
