#!/bin/sh
# The worker links libc, libm, libcjson and libseccomp, and nothing else: each further library would be code inside the sandbox that a
# plugin could lean on, and start-up time for every run.
BUILD=${BUILD:-build}
n=0
foreign=$(ldd "$BUILD/sluice-worker" | awk '{ print $1 }' | sed 's|.*/||' |
	grep -vE '^(linux-vdso|libc|libm|libcjson|libseccomp|ld-linux[a-z0-9_-]*|libasan|libubsan|libgcc_s|libstdc\+\+|libdl|libpthread|librt|libresolv)\.so')
case $BUILD in
*asan*) ;; # the sanitizers bring their own
*) foreign=$foreign$(ldd "$BUILD/sluice-worker" | grep -oE '(libasan|libubsan|libgcc_s|libstdc\+\+|libdl|libpthread|librt|libresolv)\.so[.0-9]*' | sort -u) ;;
esac
if [ -z "$foreign" ]; then echo "ok $((n += 1)) - the worker needs only libc, libm, libcjson and libseccomp"
else echo "# also: $foreign"; echo "not ok $((n += 1)) - the worker needs only libc, libm, libcjson and libseccomp"; fi
if [ "$(ldd "$BUILD/sluice-worker" | grep -cE 'lib(c|m|cjson|seccomp)\.so')" = 4 ]; then echo "ok $((n += 1)) - and has all four, so that a plugin finds them"
else echo "not ok $((n += 1)) - and has all four, so that a plugin finds them"; fi
echo "1..$n"
