#!/bin/sh
# oauth.sh - OAuth 2 from end to end: one refresh however many need it, no token lost by a kill, refusals remembered, and
# `sluice authorize` with PKCE.
#
# The provider rotates its refresh tokens, and voids all older ones once a new one was used: whoever loses one is locked out.
. "$(dirname "$0")/lib.sh"
plugins oauth
provider --records 100

configure() { # configure LINES: of the connection
	host 'retries = 0' 'encryption_key = none' "log_level = debug"
	ini <<-INI
		[integration oauth]
		base_url = $at
		token_url = $at/oauth/token
		authorize_url = $at/oauth/authorize
		client_id = ${client:-app}
		client_secret = cnrysecret
		[connection acme : oauth]
		$1
	INI
}

asked() { # asked NAME: a count of the provider
	control oauth | tr -d '\n' | sed "s/.*\"$1\":\"\{0,1\}\([^,\"}]*\).*/\1/"
}

# ---- refresh tokens

configure "$(printf 'max_runs = 2\nrefresh_token = rt.two.0')"
control set plain.records=100 >/dev/null
run run
is "$status" 0 "two syncs that need a token at the same moment get one"
is "$(asked refresh)" 1 "by one request"
is "$(live One) $(live Two)" "100 100" "and both bring their records"
run run
is "$status $(asked refresh)" "0 1" "the next run uses the token that is kept"

control set oauth.expires=2 >/dev/null
sleep 0 # a token of the past: one that is valid for an hour stays in use; so another family
configure 'refresh_token = rt.short.0'
control reset >/dev/null
run run --sync one
is "$status $(asked refresh)" "0 1" "a changed refresh_token in the INI wins over what is kept"
