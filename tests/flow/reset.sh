#!/bin/sh
# reset.sh - `run --reset` where deletes are not tracked: an incremental sync, a full one, and two that write one model.
. "$(dirname "$0")/lib.sh"
plugins pair
provider --records 450

host 'retry_base = 1ms' 'retries = 1'
ini <<-INI
	[integration pair]
	base_url = $at
	[connection acme : pair]
	[sync acme : pair : left]
	visibility = complete
INI
run run
control mutate api=plain drop=7 >/dev/null
run run --full-refresh
is "$(live Steady) $(live Whole)" "450 450" "without a reset what is not listed stays"
for sync in steady whole; do
	run run --sync $sync --reset
	[ "$status" = 0 ]; ok $? "$sync is reset"
done
is "$(live Steady) $(live Whole)" "443 443" "what is not listed has gone, of an incremental sync too"
run run --sync left --reset
is "$status $(live Shared)" "2 450" "a sync whose model another one writes is not reset"
has "$dir/said" "sync 'right' writes the same model" "and says why"

# left would stage: a run of right that begins in the middle must cost it nothing, though right lists nothing itself
ini <<-INI
	[connection beta : pair]
	[sync beta : pair : left]
	visibility = complete
INI
who=beta
control faults '{"nth":[3],"do":"401"}' >/dev/null
run run --connection-id beta --sync left
control reset >/dev/null
is "$(live Shared)" 200 "a sync whose model another one writes does not stage, whatever its visibility"
control faults '{"nth":[1],"do":"401"}' >/dev/null
run run --connection-id beta --sync right
is "$status" 3 "the other one begins, and fails at once"
control reset >/dev/null
run run --connection-id beta --sync left
is "$status $(live Shared)" "0 443" "the first goes on, and has lost nothing by it"
