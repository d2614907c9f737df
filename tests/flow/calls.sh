#!/bin/sh
# calls.sh - each call of the host that writes or sends fails once: to the disk, to the worker, to the provider, to the log. The
# run ends with a known code and a reason within its time, the store is sound, and the next run stores everything.
#
# Every third call is met in passing (CALLS_STEP=1: each), with EIO and with ENOBUFS, which is what a kernel says that has no
# buffers. EPIPE and ECONNRESET are left out: they say that nobody is there, which another descriptor then says too.
. "$(dirname "$0")/lib.sh"
plugins bench
provider
control set plain.records=20 >/dev/null
shim=$build/tests/plugins/shim.so
[ -e "$shim" ] || { echo "not ok 1 - $shim is built: run make tests"; exit 1; }
host 'retries = 0' 'log_level = warn'
ini <<-INI
	[integration bench]
	base_url = $at
	[connection acme : bench]
	token = xoxb-0123456789
INI

shimmed() { # shimmed VARIABLE: a run into an empty store
	rm -rf "$dir/store"
	env LD_PRELOAD="$shim" SHIM_COMM=sluice "$1" ASAN_OPTIONS=verify_asan_link_order=0:detect_leaks=0 \
		timeout -k 5 60 "$build/sluice" --conf "$conf" run --sync pass >"$dir/out" 2>"$dir/err" </dev/null
	status=$?
	cat "$dir/out" "$dir/err" >"$dir/said"
}
wrong() {
	bad=$((bad + 1))
	echo "# call $n, $kind: $1"
	tail -n 3 "$dir/said" | cut -c1-300 | sed 's/^/# said: /'
}

shimmed SHIM_COUNT_FILE="$dir/count"
is "$status" 0 "a run under the shim ends well"
calls=$(od -An -tu8 "$dir/count" | tr -d ' ')
[ "${calls:-0}" -gt 20 ]; ok $? "and its calls are counted: $calls"

for kind in EIO 105; do
	n=1 bad=0 failed_runs=0
	while [ "$n" -le "$calls" ]; do
		shimmed SHIM_FAIL_AT="$n:$kind"
		case $status in
		0) ;;
		1 | 3 | 4 | 70 | 75) failed_runs=$((failed_runs + 1)); [ -s "$dir/said" ] || wrong "a failure without a reason" ;;
		124 | 137) wrong "it hangs" ;;
		*) wrong "status $status" ;;
		esac
		run verify
		[ "$status" = 0 ] || grep -q 'there is no store' "$dir/err" || wrong "the store is not sound"
		run run --sync pass
		[ "$status" = 0 ] || wrong "the next run fails"
		n=$((n + ${CALLS_STEP:-3}))
	done
	is "$bad" 0 "with $kind at any of them a run fails for a reason or not at all, and the next one goes well"
	[ "$failed_runs" -gt 0 ]; ok $? "$failed_runs runs failed: the faults were met"
	is "$(live Pass)" 20 "and everything is stored"
done
[ "$failed" = 0 ]
