#!/bin/sh
# liar.sh - nothing that a worker says about a record is believed: each lie ends its own run with a reason that names the message,
# nothing of it is stored or shown, and the host goes on.
. "$(dirname "$0")/lib.sh"
plugins liar
host ''
ini <<-INI
	[connection acme : liar]
INI

for lie in 'other-id:an id other than' extra-bytes:save two-documents:save invalid-byte:UTF-8 control-byte:control \
	duplicate-key:duplicate 'no-object:no object' 'no-id:an id other than' no-json:save 'empty-id:length' 'float-id:an id other than' \
	too-many:save too-few:save 'endless:middle of a call' 'other-model:does not write' 'no-model:does not write' 'no-operation:operation' \
	'full-delete:delete with a record' 'bad-patch:an id other than' 'other-letter:dead' bad-letter:dead bad-position:position \
	bad-state:position bad-metadata:metadata bad-checkpoint:checkpoint other-full-done:full_done no-get:get bad-log:log bad-reply:reply; do
	run run --sync "${lie%%:*}"
	is "$status" 1 "${lie%%:*}: its run fails"
	has "$dir/out" "connector: .*${lie#*:}" "${lie%%:*}: the reason names it"
done
for verb in 'records Thing' 'changes Thing' 'dead-letters list' history status 'metadata get' datasets; do
	run $verb --format jsonl
	cat "$dir/out" >>"$dir/shown"
done
hasnt "$dir/shown" 'liecanary|beside-a-lie|"id":"a"' "nothing of it is shown by any verb"
run run --sync honest
is "$status $(live Thing)" "0 1" "and the host goes on: the next run is stored"
hasnt "$dir/shown" '"dead_letters":[1-9]' "no lie became a dead letter"
