#!/bin/sh
# secrets.sh - a credential is nowhere but in the host's memory and on the way to its provider: not in the store, a log, the
# history, a dead letter, a process list, a worker's environment or memory; also when the provider sends it back.
#
# For each kind of credentials, given in the INI, by env: and by file:. The controls: the same search finds a word that is in
# the records, the provider did receive the secret, and the scan of a worker's memory finds what is there.
. "$(dirname "$0")/lib.sh"
plugins auth-bearer auth-basic auth-header auth-query
provider

canary() { echo "cnry$1$(od -An -N12 -tx1 /dev/urandom | tr -d ' \n')"; }
base64_of() { # of canary text: as in a Basic header
	printf '%s' "$1" | base64 | tr -d '\n'
}

configure() { # configure KIND LINES: [connection acme : auth-KIND]
	host 'log_level = debug' "log_format = ${format:-text}" 'retries = 0' 'encryption_key = none'
	ini <<-INI
		[integration auth-$1]
		base_url = $at
		[connection acme : auth-$1]
		$2
	INI
}

echoes() { # echoes SECRET...: the provider answers with all of them, in every form, in headers and bodies
	all=
	for secret; do all="$all $secret $(base64_of "$secret") $(base64_of ":$secret") $(base64_of "$secret:") $(printf '%s' "$secret" | sed 's/y/%79/')"; done
	control reset >/dev/null
	for path in ok:200 fail:500 refused:401; do
		error=$all
		[ "$path" = ok:200 ] && error=' what is right' # a success is data, and stored as it is
		control faults "{\"route\":\"GET /echo/${path%:*}\",\"replies\":[{\"status\":${path#*:},\"headers\":{\"X-Echo\":\"$all\"},\
			\"body\":{\"id\":\"harmless-marker\",\"error\":\"you sent$error\"}}]}" >/dev/null
	done
	control faults '{"match":"/echo/silence","do":"silence"}' >/dev/null
}

search() { # search SECRET: where it stands, in all that the program left behind
	grep -rlaF -e "$1" "$dir/store" "$dir"/*.log "$dir"/*.out 2>/dev/null
	grep -laF -e "$(base64_of "$1")" -r "$dir/store" "$dir"/*.log "$dir"/*.out 2>/dev/null
}

look() { # look: all that people can ask for, into files that are searched
	for verb in 'status' 'history' 'logs' 'dead-letters list' 'confirm-deletes list' 'records Echo' 'changes Echo' 'config' 'metadata get' 'checkpoint get --sync echo'; do
		run $verb --format json
		cat "$dir/out" "$dir/err" >>"$dir/asked.out"
	done
	for n in 1 2 3 4 5 6; do run dead-letters show $n; cat "$dir/out" "$dir/err" >>"$dir/asked.out"; done
}

memory_of() { # memory_of PID: what a process has in its writable memory (as root); without the sanitizers' terabytes of shadow
	grep -E '^[0-9a-f]+-[0-9a-f]+ rw' "/proc/$1/maps" | grep -v vvar | while read -r range _; do
		from=$((0x${range%-*})) to=$((0x${range#*-}))
		[ $((to - from)) -lt 67108864 ] || continue
		dd if="/proc/$1/mem" iflag=skip_bytes,count_bytes bs=64K skip=$from count=$((to - from)) 2>/dev/null
	done
}

for kind in bearer basic header query; do
	for way in ini env file; do
		one=$(canary a)
		two=$(canary b)
		case $way in
		ini) give() { echo "$1"; } ;;
		env) give() { echo "env:CANARY_$2"; } ;;
		file) give() { printf '%s' "$1" >"$dir/secret.$2"; chmod 600 "$dir/secret.$2"; echo "file:$dir/secret.$2"; } ;;
		esac
		export CANARY_A="$one" CANARY_B="$two"
		case $kind in
		bearer) lines="token = $(give "$one" A)" ;;
		basic) lines=$(printf 'username = %s\npassword = %s' "$(give "$two" B)" "$(give "$one" A)") ;;
		*) lines="api_key = $(give "$one" A)" ;;
		esac
		[ $way = env ] || unset CANARY_A CANARY_B
		rm -rf "$dir/store" "$dir"/*.log "$dir"/*.out
		format=text
		[ $way = env ] && format=json
		configure $kind "$lines"
		secrets=$one
		[ $kind = basic ] && secrets="$one $two"
		echoes $secrets
		for sync in echo refused; do
			run run --sync $sync
			cp "$dir/err" "$dir/$sync.log"
			cp "$dir/out" "$dir/$sync.out"
		done
		sed -i "s|^base_url.*|base_url = http://127.0.0.1:1|" "$conf/sluice.ini" # nobody there: what do the reasons say?
		run run --sync echo
		cat "$dir/said" >"$dir/unreachable.log"
		run test-connection --connection-id acme
		cat "$dir/said" >>"$dir/unreachable.log"
		look
		where=
		for secret in $secrets; do where="$where$(search "$secret")"; done
		is "$where" "" "$kind, $way: the secret is in no store, log, answer or letter"
		grep -rlaF harmless-marker "$dir/store" >/dev/null
		ok $? "$kind, $way: the search does find what is in the store"
		grep -qF 'harmless-marker' "$dir/asked.out"
		ok $? "$kind, $way: and in what was asked for"
		control requests log=1 >"$dir/requests"
		case $kind in
		basic) sent=$(base64_of "$two:$one") ;;
		*) sent=$one ;;
		esac
		grep -qF "$sent" "$dir/requests"
		ok $? "$kind, $way: the provider was sent it"
		[ -e "$dir/secret.A" ] && rm -f "$dir"/secret.*
		unset CANARY_A CANARY_B
	done
done

# ---- while it runs: process list, environment and memory of the worker

one=$(canary c)
export CANARY_A="$one"
configure bearer 'token = env:CANARY_A'
echoes "$one"
"$build/sluice" --conf "$conf" run --sync waits >"$dir/out" 2>"$dir/waits.log" </dev/null &
host_pid=$!
pids="$pids $host_pid"
waiting() { control requests | grep -q '/echo/silence'; }
until_true 20 waiting; ok $? "a run waits for its provider"
worker=$(cat "/proc/$host_pid/task/$host_pid/children" | tr -d ' ')
cat /proc/$host_pid/cmdline /proc/$worker/cmdline >"$dir/process" 2>/dev/null
cat /proc/$worker/environ >>"$dir/process" 2>/dev/null
hasnt "$dir/process" "$one" "no process list and no worker's environment has it"
if [ "$(id -u)" = 0 ]; then
	kill -STOP "$worker"
	memory_of "$worker" >"$dir/memory"
	kill -CONT "$worker"
	! grep -qaF "$one" "$dir/memory"; ok $? "the worker's memory does not have it"
	grep -qaF harmless-marker "$dir/memory"; ok $? "the scan finds what is in the worker's memory"
	grep -q '^Max core file size *0 ' "/proc/$worker/limits"; ok $? "and the worker leaves no core"
else
	skip "the worker's memory does not have it" "reading another process's memory takes root"
fi
kill "$host_pid"
wait "$host_pid"
hasnt "$dir/waits.log" "$one" "nor does the log of a run that was stopped have it"
