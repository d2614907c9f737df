#!/bin/sh
# The SDK's headers compile alone, as C99 and as C++11, with gcc and clang, pedantically and without a warning; and every
# header of core/ compiles alone.
n=0
ok() { n=$((n + 1)); if [ "$1" = 0 ]; then echo "ok $n - $2"; else echo "not ok $n - $2"; fi; }
dir=$(mktemp -d) && trap 'rm -rf "$dir"' EXIT

compile() { # name, then the command
	name=$1; shift
	"$@" 2>"$dir/err"; status=$?
	[ $status = 0 ] || sed 's/^/# /' "$dir/err" | head -5
	ok $status "$name"
}
flags='-Wall -Wextra -Wpedantic -Werror -fsyntax-only -Isdk'
for header in sdk/sluice.h sdk/sluice_json.h; do
	echo "#include <$(basename $header)>" >"$dir/t.c"
	cp "$dir/t.c" "$dir/t.cc"
	for cc in gcc clang; do
		# shellcheck disable=SC2086
		compile "$header is clean C99 for $cc" $cc -std=c99 $flags "$dir/t.c"
		# shellcheck disable=SC2086
		compile "$header is clean C11 for $cc" $cc -std=c11 $flags "$dir/t.c"
	done
	# shellcheck disable=SC2086
	compile "$header is clean C++11 for g++" g++ -std=c++11 $flags "$dir/t.cc"
	# shellcheck disable=SC2086
	compile "$header is clean C++11 for clang++" clang++ -std=c++11 $flags "$dir/t.cc"
done
awk '/^```cpp$/ { inside = 1; next } /^```/ { inside = 0 } inside' sdk/GUIDE.md >"$dir/guide.cc"
[ -s "$dir/guide.cc" ]; ok $? "the guide has a connector in C++"
for std in c++11 c++20; do
	for cc in g++ clang++; do
		# shellcheck disable=SC2086
		compile "which is clean $std for $cc" $cc -std=$std $flags -Wno-missing-field-initializers "$dir/guide.cc"
	done
done
[ "$(grep -c '^#include' sdk/sluice.h)" = 2 ]; ok $? "sluice.h includes stddef.h and stdint.h only"

bad=
for header in core/*/*.h; do
	gcc -std=gnu11 -D_GNU_SOURCE -Icore -Isdk -fsyntax-only -x c "$header" 2>"$dir/err" || { bad="$bad $header"; sed 's/^/# /' "$dir/err" | head -3; }
done
[ -z "$bad" ]; ok $? "every header of core/ compiles alone"
