#!/bin/sh
# demo.sh - the README's first command shows what it promises: three connectors synced, then nothing, then exactly the changes.
. "$(dirname "$0")/lib.sh"
BUILD=$BUILD LIMIT=500 timeout -k 5 500 tools/demo 300 >"$dir/out" 2>"$dir/err" </dev/null
ok $? "tools/demo ends well"
part() { awk -v n="$1" '/^== /{ k++ } k == n' "$dir/out"; } # by the headings
part 2 >"$dir/first"
part 3 >"$dir/second"
part 4 >"$dir/third"
part 5 >"$dir/changes"
for sync in stripe.*customers close.*leads slack.*active-users slack.*channel-messages; do
	has "$dir/first" "$sync" "the first sync shows $sync"
done
hasnt "$dir/first" '(failed|error|refused)' "nothing of the first sync failed"
has "$dir/second" 'unchanged|nothing changed|0 (added|changed)' "the second says that nothing changed"
hasnt "$dir/second" '[1-9][0-9]* (added|updated|deleted)' "and shows no change"
ids stripe customers changed var/demo/mutated.json >"$dir/want"
sed -n 's/.* updated .*\(cus_[A-Za-z0-9]*\).*/\1/p' "$dir/changes" | LC_ALL=C sort -u >"$dir/got"
same "$dir/want" "$dir/got" "the changes shown are exactly those of the provider"
ids stripe customers dropped var/demo/mutated.json >"$dir/want"
sed -n 's/.* deleted .*\(cus_[A-Za-z0-9]*\).*/\1/p' "$dir/changes" | LC_ALL=C sort -u >"$dir/got"
same "$dir/want" "$dir/got" "and so are the deletes"
hasnt "$dir/changes" 'NOT the same' "for all three connectors, as the demo itself says"
[ "$(grep -c 'the same ids' "$dir/changes")" = 6 ]; ok $? "changed and dropped of each were compared"
