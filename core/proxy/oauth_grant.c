/* oauth_grant.c - see oauth_grant.h. Three kinds (RFC 6749, 1.3; RFC 7523): a refresh token that the provider gave once, the
 * client by itself, or an assertion that is signed here with the connection's key, a new one for each request.
 *
 * Awkward: a form holds secrets in the clear, so it is made room for in one piece (form_put) and wiped by who asked for it. */
#include "proxy/oauth_grant.h"

#include <stdlib.h>
#include "base/mem.h"
#include "proxy/jwt.h"
#include "proxy/oauth_ask.h"

static char *
dup_or_null(const char *s)
{
	return s && *s ? xstrdup(s) : NULL;
}

void
oauth_grant_init(struct oauth_grant *g, const struct oauth_options *o)
{
	*g = (struct oauth_grant){.how = o->how,
	                          .name = xstrdup(o->name),
	                          .scopes = dup_or_null(o->scopes),
	                          .issuer = dup_or_null(o->issuer),
	                          .subject = dup_or_null(o->subject),
	                          .audience = dup_or_null(o->audience),
	                          .key_id = dup_or_null(o->key_id),
	                          .key = secret_dup(o->key)};
}

void
oauth_grant_finish(struct oauth_grant *g)
{
	free(g->name);
	free(g->scopes);
	free(g->issuer);
	free(g->subject);
	free(g->audience);
	free(g->key_id);
	secret_free(g->key);
}

static int
assertion_put(const struct oauth_grant *g, int64_t now_us, struct buf *form, struct err *err)
{
	const struct jwt_claims claims = {.issuer = g->issuer,
	                                  .audience = g->audience,
	                                  .subject = g->subject,
	                                  .scope = g->scopes,
	                                  .key_id = g->key_id,
	                                  .now_us = now_us};
	struct buf assertion = {0};
	int rc = jwt_sign(&assertion, &claims, secret_reveal(g->key), err);

	if (rc != 0)
		err_prefix(err, "%s", g->name);
	form_put(form, "assertion", buf_view(&assertion));
	buf_wipe(&assertion);
	return rc;
}

int
oauth_grant_form(const struct oauth_grant *g, struct slice refresh, int64_t now_us, struct buf *form, struct err *err)
{
	switch (g->how) {
	case OAUTH_REFRESH:
		if (!refresh.len)
			return err_set(err, ERR_CREDENTIALS, "%s: there is no refresh token: run `sluice authorize`, or set refresh_token",
			               g->name);
		form_put(form, "grant_type", SLICE("refresh_token"));
		form_put(form, "refresh_token", refresh);
		break;
	case OAUTH_CLIENT:
		form_put(form, "grant_type", SLICE("client_credentials"));
		form_put(form, "scope", slice_str(g->scopes));
		break;
	case OAUTH_JWT:
		form_put(form, "grant_type", SLICE("urn:ietf:params:oauth:grant-type:jwt-bearer"));
		return assertion_put(g, now_us, form, err);
	case OAUTH_STATIC:
		break;
	}
	return 0;
}
