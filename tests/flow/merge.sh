#!/bin/sh
# merge.sh - two accounts of one provider, merged by e-mail address: who is in both is one, what one of them loses stays
# until the other loses it too, and the merged feed says so.
. "$(dirname "$0")/lib.sh"

provider --records 300
host 'retry_base = 10ms'
ini <<-INI
	[integration stripe]
	base_url   = $at/stripe
	rate_limit = 10000/s
	[connection acme : stripe]
	token = sk_test_a
	[connection bee : stripe]
	token = sk_test_b
INI
one_sync() { run run --sync customers "$@"; }
merged() { "$build/sluice" --conf "$conf" "$1" people --connection-id merge --format jsonl ${2+"$2" "$3"} 2>/dev/null; }
count() { merged records | wc -l | tr -d ' '; }

one_sync --connection-id acme
ini <<-INI
	[merge people]
	sources = acme:stripe:StripeCustomer, bee:stripe:StripeCustomer
	key     = email
	fields  = email, name
INI
one_sync --connection-id acme
is "$status" 0 "a merge over what is there is built with the next command"
who=acme
stored StripeCustomer | sed -n 's/.*"email":\("[^"]*"\).*/\1/p' | LC_ALL=C sort -u >"$dir/want"
merged records | sed -n 's/.*"record":{"email":\("[^"]*"\).*/\1/p' | LC_ALL=C sort >"$dir/got"
same "$dir/want" "$dir/got" "each address is one merged record"
[ -s "$dir/want" ]
ok $? "there are addresses at all"
all=$(count)
has "$dir/got" '@' "they are e-mail addresses"

since=$(merged changes | tail -n 1 | sed -n 's/.*"sequence":\([0-9]*\).*/\1/p')
one_sync --connection-id bee
is "$(count)" "$all" "the same people of a second account make no new ones"
is "$(merged records | grep -c '"_sources":\["acme:stripe:StripeCustomer"\]')" "$all" "fields come from the first source"
is "$(merged changes --cursor "$since" | wc -l | tr -d ' ')" 0 "and nothing changed in the merged feed"

before=$(sequence StripeCustomer)
control mutate api=stripe drop=3 >"$dir/mutated"
one_sync --connection-id acme --full-refresh
gone=$(changes StripeCustomer "$before" deleted | wc -l | tr -d ' ')
is "$gone" 3 "the first account loses three"
is "$(count)" "$all" "who is still in the other one stays"
is "$(merged records | grep -c '"_sources":\["bee:stripe:StripeCustomer"\]')" 3 "and comes from there now"
one_sync --connection-id bee --full-refresh
is "$(count)" $((all - 3)) "lost by both, they are gone"
is "$(merged changes --cursor "$since" | grep -c '"action":"deleted"')" 3 "and the merged feed says so"

run records people --connection-id merge
has "$dir/out" '"email":"\*\*\*"' "what the sources' model calls sensitive is masked in the merge"
has "$dir/out" '"_sources":\["acme' "and what it does not is shown"
hasnt "$dir/said" "no plugin describes" "for the sources' plugin describes it"
run export people --connection-id merge --to jsonl --mask
has "$dir/out" '"email":"\*\*\*".*"_sources":\["acme' "export --mask likewise"
hasnt "$dir/out" '"record":.*@' "and no address is in any of its records"
mv "$dir/plugins/stripe.so" "$dir/away.so"
run records people
has "$dir/err" "no plugin describes" "without the plugin nothing is known"
hasnt "$dir/out" '"_sources":\["' "and all is masked"
mv "$dir/away.so" "$dir/plugins/stripe.so"

run verify
is "$status" 0 "verify finds each merged record to be what its sources make"
run datasets
has "$dir/out" 'merge.*people' "datasets shows it"
