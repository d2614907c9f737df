/* reveal.c - see reveal.h.
 *
 * What an access token is now is the keeper's to say (proxy/oauth.h): it is renewed before it expires, once however many want
 * it, and durable before anybody is told. Awkward: a renewal that somebody asks for is a doubt like an API's 401, so a client
 * that asks for one with each request does not wear the provider's patience out. */
#include "run/reveal.h"

#include <stdlib.h>
#include "base/json.h"
#include "base/mem.h"
#include "proxy/oauth_tokens.h"
#include "run/host.h"
#include "run/options.h"
#include "run/target.h"
#include "run/tokens.h"
#include "sluice.h"

struct reveal {
	struct host *host;
	struct oauth *keeper;
	struct oauth_waiter waiter;
	uint32_t scope;
	bool refresh;
	struct secret *given;  /* the refresh token of the configuration; NULL: none */
	void (*told)(void *arg, struct slice json, const struct err *err);
	void *arg;
};

static const char *
type_of(const struct manifest *m, const struct connection_settings *c)
{
	if (tokens_used(m, c))
		return "OAUTH2";
	if (m->auth == SLUICE_ANY_AUTH)
		return c->username ? "BASIC" : c->token || c->api_key ? "API_KEY" : "NONE";
	return m->auth == SLUICE_NONE ? "NONE" : m->auth == SLUICE_BASIC ? "BASIC" : "API_KEY";
}

const char *
credentials_type(struct host *h, const struct connection_settings *c)
{
	const struct manifest *m = host_manifest_of(h, c, NULL);

	return m ? type_of(m, c) : "NONE";
}

/* ---- OAuth 2 ---- */

static void
token_members(struct json_out *o, const struct reveal *r, const struct oauth_tokens *kept)
{
	int64_t expires_us = 0;
	char text[TIME_TEXT_MAX];

	oauth_state(r->keeper, &expires_us);
	json_kv_slice(o, "access_token", secret_reveal(oauth_token(r->keeper, &(uint64_t){0})));
	if (r->refresh && (kept->refresh || r->given))
		json_kv_slice(o, "refresh_token", secret_reveal(kept->refresh ? kept->refresh : r->given));
	if (expires_us)
		json_kv_str(o, "expires_at", time_format_ms(expires_us, text));
}

static void
token_tell(struct reveal *r)
{
	struct oauth_tokens kept = {0};
	struct buf json = {0}, state = {0};
	struct json_out o = json_out(&json);

	if (r->refresh && r->scope && store_state_get(r->host->store, r->scope, STATE_TOKEN, SLICE(""), &state))
		oauth_tokens_read(&kept, buf_view(&state));
	json_open(&o, '{');
	json_kv_str(&o, "type", "OAUTH2");
	token_members(&o, r, &kept);
	json_key(&o, "raw");
	json_open(&o, '{');
	token_members(&o, r, &kept);
	json_kv_str(&o, "token_type", "bearer");
	json_close(&o, '}');
	json_close(&o, '}');
	r->told(r->arg, buf_view(&json), &(struct err){0});
	oauth_tokens_free(&kept);
	buf_wipe(&json);
	buf_wipe(&state);
}

static void
token_ready(void *arg, const struct err *err)
{
	struct reveal *r = arg;

	if (err->cls == ERR_NONE)
		token_tell(r);
	else
		r->told(r->arg, (struct slice){0}, err);
	oauth_free(r->keeper);
	secret_free(r->given);
	free(r);
}

void
reveal_leave(struct reveal *r)
{
	oauth_leave(r->keeper, &r->waiter);
	token_ready(r, &(const struct err){ERR_STOPPED, "nobody waits for the access token any more"});
}

/* NULL: told, or with err nothing was. */
static struct reveal *
token_reveal(struct host *h, const struct manifest *m, const struct reveal_ask *a, struct slice options, struct reveal with,
             struct err *err)
{
	const struct connection_settings *c = a->connection;
	const struct scope_name name = {.connection = c->name, .integration = c->integration->name};
	struct oauth *keeper = tokens_keeper(h, m, c, options, true, err);
	struct reveal *r;
	uint64_t generation;

	if (!keeper)
		return NULL;
	r = XNEW(struct reveal);
	*r = with;
	r->keeper = keeper;
	r->scope = h->store ? store_scope_find(h->store, &name) : 0;
	r->refresh = a->refresh;
	r->given = secret_dup(c->refresh_token);
	r->waiter = (struct oauth_waiter){.ready = token_ready, .arg = r};
	if (a->renew && oauth_token(keeper, &generation))
		oauth_doubt(keeper, generation);
	if (!oauth_want(keeper, &r->waiter))
		return r;
	token_ready(r, &(struct err){0});
	return NULL;
}

/* ---- everything else ---- */

static void
plain_write(struct buf *json, const struct proxy_auth *auth)
{
	struct json_out o = json_out(json);

	json_open(&o, '{');
	json_kv_str(&o, "type", auth->kind == SLUICE_NONE ? "NONE" : auth->kind == SLUICE_BASIC ? "BASIC" : "API_KEY");
	if (auth->kind == SLUICE_BASIC) {
		json_kv_slice(&o, "username", secret_reveal(auth->username ? auth->username : auth->token));
		json_kv_slice(&o, "password", secret_reveal(auth->password));
	} else if (auth->kind != SLUICE_NONE) {
		json_kv_slice(&o, "apiKey", secret_reveal(auth->token));
	}
	json_close(&o, '}');
}

struct reveal *
credentials_reveal(struct host *h, const struct reveal_ask *a, void (*told)(void *arg, struct slice json, const struct err *err),
                   void *arg)
{
	const struct connection_settings *c = a->connection;
	struct err err = {0};
	const struct manifest *m = host_manifest_of(h, c, &err);
	struct buf options = {0}, json = {0};
	struct proxy_auth auth;
	struct reveal *waits = NULL;
	bool theirs = false; /* told is the keeper's to call */

	if (c->broken)
		err_set(&err, ERR_CREDENTIALS, "%s", c->broken);
	else if (m && options_build(m, c, &options, &err) == 0 && target_credentials(m, c, buf_view(&options), &auth, &err) == 0) {
		theirs = tokens_used(m, c);
		if (theirs)
			waits = token_reveal(h, m, a, buf_view(&options), (struct reveal){.host = h, .told = told, .arg = arg}, &err);
		else
			plain_write(&json, &auth);
	}
	if (!theirs || err.cls != ERR_NONE)
		told(arg, buf_view(&json), &err);
	buf_free(&options);
	buf_wipe(&json);
	return waits;
}
