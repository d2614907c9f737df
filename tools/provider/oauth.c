/* oauth.c - /oauth: an OAuth 2 server that rotates its refresh tokens, and an API that wants its access tokens.
 *
 *   GET  /oauth/authorize      permits at once: 302 to redirect_uri with code and state; client_id=unwanted: access_denied
 *   POST /oauth/token          refresh_token, client_credentials, authorization_code, and JWT bearer (not verified)
 *   GET  /oauth/api/...        as /plain/..., for a bearer of a token that is valid
 *   GET  /_control/oauth       how often each was asked; POST /_control/set: oauth.expires (seconds), oauth.rotate
 *
 * Tokens are rt.FAMILY.N and at.FAMILY.N.EXPIRY. rt.FAMILY.0 is good for any FAMILY: the first one, which somebody
 * configured. A refresh gives number N+1, and the refresh token that it was had with stays good until one of the new
 * tokens is used: then everything older is void, also what was given out besides. client_id=bad and client_secret=wrong
 * are invalid_client; a family named revoked... gets invalid_grant. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "provider.h"

static const char *const grants[] = {"refresh_token", "client_credentials", "authorization_code",
                                     "urn:ietf:params:oauth:grant-type:jwt-bearer"};
enum { GRANT_REFRESH, GRANT_CLIENT, GRANT_CODE, GRANT_JWT };

static struct oauth_family *
family_find(struct oauth_server *s, const char *name, bool make)
{
	for (uint64_t i = 0; i < s->count; i++)
		if (strcmp(s->families[i].name, name) == 0)
			return &s->families[i];
	if (!make || s->count == OAUTH_FAMILIES)
		return NULL;
	snprintf(s->families[s->count].name, sizeof(s->families[0].name), "%s", name);
	return &s->families[s->count++];
}

/* "rt.NAME.7" or "at.NAME.7.EXPIRY" */
static bool
token_parse(const char *token, const char *kind, char name[64], uint64_t *number, int64_t *expiry)
{
	unsigned long long n = 0;
	long long end = 0;
	char head[4] = "";

	if (sscanf(token, "%2[a-z].%63[^.].%llu.%lld", head, name, &n, &end) < 3 || strcmp(head, kind) != 0)
		return false;
	*number = n;
	*expiry = end;
	return true;
}

static bool
number_good(const struct oauth_family *f, uint64_t n)
{
	return n == f->confirmed || (n > f->dead && n <= f->issued);
}

static void
number_use(struct oauth_family *f, uint64_t n)
{
	if (n == f->confirmed)
		return;
	f->confirmed = n;
	f->dead = f->issued;
}

static void
token_refuse(struct provider *v, struct reply *p, int status, const char *error, const char *why)
{
	struct json_out o = reply_json(p, status);

	v->oauth.refused++;
	json_open(&o, '{');
	json_kv_str(&o, "error", error);
	json_kv_str(&o, "error_description", why);
	json_close(&o, '}');
}

static void
token_give(struct provider *v, struct oauth_family *f, bool refresh, struct reply *p)
{
	struct json_out o = reply_json(p, 200);
	char text[160];

	f->issued++;
	json_open(&o, '{');
	snprintf(text, sizeof(text), "at.%s.%llu.%lld", f->name, (unsigned long long)f->issued,
	         (long long)clock_mono_ms(v->clock) + v->settings.oauth_expires * 1000LL);
	json_kv_str(&o, "access_token", text);
	json_kv_str(&o, "token_type", "Bearer");
	json_kv_int(&o, "expires_in", v->settings.oauth_expires);
	json_kv_str(&o, "scope", "read");
	snprintf(text, sizeof(text), "rt.%s.%llu", f->name, (unsigned long long)f->issued);
	if (refresh)
		json_kv_str(&o, "refresh_token", text);
	json_close(&o, '}');
}

static bool
client_good(struct provider *v, const struct request *r, char id[64], struct reply *p)
{
	char secret[64] = "";

	if (!request_param(r, "client_id", id, 64))
		request_token(r, id, 64);
	request_param(r, "client_secret", secret, sizeof(secret));
	if (*id && strcmp(id, "bad") != 0 && strcmp(secret, "wrong") != 0)
		return true;
	token_refuse(v, p, 401, "invalid_client", "this client is not known");
	return false;
}

static void
grant_refresh(struct provider *v, const struct request *r, struct reply *p)
{
	char token[160], name[64];
	uint64_t n;
	int64_t expiry;
	struct oauth_family *f;

	request_param(r, "refresh_token", token, sizeof(token));
	f = token_parse(token, "rt", name, &n, &expiry) ? family_find(&v->oauth, name, n == 0) : NULL;
	if (!f || !number_good(f, n) || strncmp(name, "revoked", 7) == 0) {
		token_refuse(v, p, 400, "invalid_grant", "the refresh token is not valid any more");
		return;
	}
	number_use(f, n);
	token_give(v, f, v->settings.oauth_rotate, p);
}

static void
grant_code(struct provider *v, const struct request *r, struct reply *p)
{
	char code[64], name[64], redirect[256];

	request_param(r, "code", code, sizeof(code));
	request_param(r, "redirect_uri", redirect, sizeof(redirect));
	request_param(r, "code_verifier", v->oauth.verifier, sizeof(v->oauth.verifier));
	snprintf(name, sizeof(name), "code.%llu", (unsigned long long)v->oauth.codes);
	if (strcmp(code, name) != 0 || strcmp(redirect, v->oauth.redirect) != 0 || !v->oauth.verifier[0]) {
		token_refuse(v, p, 400, "invalid_grant", "the code is not valid");
		return;
	}
	snprintf(name, sizeof(name), "code%llu", (unsigned long long)v->oauth.codes);
	token_give(v, family_find(&v->oauth, name, true), true, p);
	v->oauth.codes++; /* once */
}

static void
token_handle(struct provider *v, const struct request *r, struct reply *p)
{
	char grant[64], id[64] = "", assertion[64];
	size_t g = 0;

	request_param(r, "grant_type", grant, sizeof(grant));
	while (g < LENGTH(grants) && strcmp(grant, grants[g]) != 0)
		g++;
	if (g == LENGTH(grants)) {
		token_refuse(v, p, 400, "unsupported_grant_type", grant);
		return;
	}
	v->oauth.grants[g]++;
	if (g == GRANT_JWT) {
		if (!request_param(r, "assertion", assertion, sizeof(assertion)) || !strchr(assertion, '.'))
			token_refuse(v, p, 400, "invalid_grant", "there is no assertion");
		else
			token_give(v, family_find(&v->oauth, "jwt", true), false, p);
		return;
	}
	if (!client_good(v, r, id, p))
		return;
	if (g == GRANT_REFRESH)
		grant_refresh(v, r, p);
	else if (g == GRANT_CODE)
		grant_code(v, r, p);
	else
		token_give(v, family_find(&v->oauth, id, true), false, p);
}

static void
authorize_handle(struct provider *v, const struct request *r, struct reply *p)
{
	char state[128], id[64], type[16];

	request_param(r, "redirect_uri", v->oauth.redirect, sizeof(v->oauth.redirect));
	request_param(r, "code_challenge", v->oauth.challenge, sizeof(v->oauth.challenge));
	request_param(r, "state", state, sizeof(state));
	request_param(r, "client_id", id, sizeof(id));
	request_param(r, "response_type", type, sizeof(type));
	if (strncmp(v->oauth.redirect, "http://127.0.0.1:", 17) != 0 || strcmp(type, "code") != 0 || !*id) {
		reply_error(p, 400, "response_type, client_id or redirect_uri is not right");
		return;
	}
	reply_json(p, 302);
	if (strcmp(id, "unwanted") == 0)
		reply_header(p, "Location", "%s?error=access_denied&state=%s", v->oauth.redirect, state);
	else
		reply_header(p, "Location", "%s?code=code.%llu&state=%s", v->oauth.redirect,
		             (unsigned long long)++v->oauth.codes, state);
}

static void
api_handle(struct provider *v, const struct request *r, struct slice rest, struct reply *p)
{
	char token[160], name[64];
	uint64_t n;
	int64_t expiry;
	struct oauth_family *f = NULL;

	v->oauth.api++;
	if (request_token(r, token, sizeof(token)) && token_parse(token, "at", name, &n, &expiry))
		f = family_find(&v->oauth, name, false);
	if (!f || !number_good(f, n) || n == 0 || expiry <= clock_mono_ms(v->clock)) {
		v->oauth.api_refused++;
		reply_error(p, 401, "this access token is not valid");
		return;
	}
	number_use(f, n);
	plain_handle(v, r, rest, p);
}

void
oauth_handle(struct provider *v, const struct request *r, struct slice rest, struct reply *p)
{
	if (slice_is(rest, "token") && request_is(r, "POST"))
		token_handle(v, r, p);
	else if (slice_is(rest, "authorize"))
		authorize_handle(v, r, p);
	else if (slice_starts(rest, "api/"))
		api_handle(v, r, slice_of(rest.p + 4, rest.len - 4), p);
	else
		reply_error(p, 404, "there are /oauth/authorize, /oauth/token and /oauth/api/...");
}

void
oauth_show(const struct provider *v, struct json_out *o)
{
	static const char *const names[] = {"refresh", "client", "code", "jwt"};
	uint64_t all = 0;

	for (size_t i = 0; i < LENGTH(names); i++) {
		json_kv_int(o, names[i], (int64_t)v->oauth.grants[i]);
		all += v->oauth.grants[i];
	}
	json_kv_int(o, "requests", (int64_t)all);
	json_kv_int(o, "refused", (int64_t)v->oauth.refused);
	json_kv_int(o, "api", (int64_t)v->oauth.api);
	json_kv_int(o, "api_refused", (int64_t)v->oauth.api_refused);
	json_kv_str(o, "challenge", v->oauth.challenge);
	json_kv_str(o, "verifier", v->oauth.verifier);
}
