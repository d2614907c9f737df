/* tokens.c - see tokens.h: what the configuration and the connector say of OAuth 2, made into a keeper; and its tokens in
 * the store, as STATE_TOKEN of the connection's scope.
 *
 *   where it comes from     [connection], else [integration], else the connector: client, endpoint, scopes
 *   how (grant = auto)      private_key: a signed JWT; a refresh token, here or in the store: that; an authorize_url: that
 *                           too (`sluice authorize` brings it); else the client's own credentials; a token alone: as it is
 *
 * Guarantee: a keeper lives as long as its configuration: a changed one makes a new keeper, which begins with what the
 * store holds; the old one serves the runs that began with it.
 * A guest (another process has the store) has that one renew what a refresh token renews. What needs none (the client's own
 * credentials, a signed JWT) it asks for itself when what is kept has expired, and keeps it for itself.
 * Awkward: a process without a store must not spend a refresh token: the new one would be lost with it. So whoever needs
 * one makes the store, or waits until no other process has it. And Google's
 * service accounts come as a JSON file that holds key, issuer and endpoint together. */
#include "run/tokens_inner.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "run/host.h"
#include "run/member.h"
#include "sluice.h"

/* ---- what is configured ---- */

struct plan { /* oauth_options, and what they borrow from */
	struct oauth_options o;
	struct tokens_app app;
	char *issuer, *audience, *key_id;
	struct secret *key; /* out of Google's file */
	char *name;
};

bool
tokens_used(const struct manifest *m, const struct connection_settings *c)
{
	bool renewable = c->refresh_token || c->private_key || c->client_id || c->integration->client_id;

	return m->auth == SLUICE_OAUTH2 || ((m->auth == SLUICE_BEARER || m->auth == SLUICE_ANY_AUTH) && renewable && c->integration->token_url);
}

static int
missing(const struct connection_settings *c, struct err *err, const char *what, const char *remedy)
{
	char at[ORIGIN_MAX];

	return err_set(err, ERR_USAGE, "%s: connection %s : %s: OAuth 2: %s; %s", origin_text(c->at, at), c->name,
	               c->integration->name, what, remedy);
}

static int
url_fill(struct buf *out, const char *own, const char *declared, struct slice options, struct err *err)
{
	if (own)
		buf_puts(out, own);
	else if (declared && template_fill(out, declared, options, err) != 0)
		return -1;
	return 0;
}

int
tokens_app(const struct manifest *m, const struct connection_settings *c, struct slice options, struct tokens_app *app,
           struct err *err)
{
	const struct integration_settings *i = c->integration;
	char *const *scopes = m->oauth.scopes && m->oauth.scopes[0] ? m->oauth.scopes : m->scopes;

	*app = (struct tokens_app){
		.trusted = i->token_url != NULL,
		.basic = m->oauth.flags & SLUICE_OAUTH_BASIC,
		.client_id = c->client_id ? c->client_id : i->client_id,
		.client_secret = c->client_id || c->client_secret ? c->client_secret : i->client_secret,
		.authorize_params = m->oauth.authorize_params,
		.token_params = m->oauth.token_params,
	};
	if (url_fill(&app->authorize_url, i->authorize_url, m->oauth.authorize_url, options, err) != 0 ||
	    url_fill(&app->token_url, i->token_url, m->oauth.token_url, options, err) != 0)
		return err_prefix(err, "connection %s : %s: OAuth 2", c->name, i->name);
	if (i->oauth_scopes)
		buf_puts(&app->scopes, i->oauth_scopes);
	else
		for (size_t k = 0; scopes && scopes[k]; k++)
			buf_printf(&app->scopes, "%s%s", k ? " " : "", scopes[k]);
	return 0;
}

void
tokens_app_free(struct tokens_app *app)
{
	buf_free(&app->authorize_url);
	buf_free(&app->token_url);
	buf_free(&app->scopes);
}

static void
plan_free(struct plan *p)
{
	tokens_app_free(&p->app);
	free(p->issuer);
	free(p->audience);
	free(p->key_id);
	secret_free(p->key);
	free(p->name);
}

/* Google's JSON: {"client_email","private_key","private_key_id","token_uri"}. Anything else is taken for PEM. */
static int
key_read(struct plan *p, const struct connection_settings *c, struct err *err)
{
	struct slice text = slice_trim(secret_reveal(c->private_key));
	char *pem, *uri;

	p->o.key = c->private_key;
	if (!text.len || text.p[0] != '{')
		return 0;
	if (!json_check(text, 16, NULL))
		return missing(c, err, "private_key is neither a PEM nor the JSON file of a service account", "give the whole file");
	pem = member_text(text, "private_key");
	uri = member_text(text, "token_uri");
	p->issuer = member_text(text, "client_email");
	p->key_id = member_text(text, "private_key_id");
	if (pem)
		p->key = secret_new(slice_str(pem));
	p->o.key = p->key;
	if (uri && !c->integration->token_url) {
		buf_clear(&p->app.token_url);
		buf_puts(&p->app.token_url, uri);
		p->app.trusted = true;
	}
	if (pem)
		explicit_bzero(pem, strlen(pem));
	free(pem);
	free(uri);
	return p->key && p->issuer ? 0
	                           : missing(c, err, "the JSON of private_key has no private_key and client_email",
	                                     "give the file of a service account, as it was downloaded");
}

/* A refresh token, or an access token that needs none. */
static bool
stored_refresh(struct host *h, const struct connection_settings *c)
{
	const struct scope_name name = {.connection = c->name, .integration = c->integration->name};
	uint32_t scope = h && h->store ? store_scope_find(h->store, &name) : 0;
	struct buf value = {0};
	struct oauth_tokens kept = {0};
	bool there = scope && store_state_get(h->store, scope, STATE_TOKEN, SLICE(""), &value) &&
	             oauth_tokens_read(&kept, buf_view(&value)) && (kept.refresh || (kept.access && !kept.expires_us));

	oauth_tokens_free(&kept);
	buf_wipe(&value);
	return there;
}

static enum oauth_how
how_of(struct host *h, const struct plan *p, const struct connection_settings *c)
{
	static const enum oauth_how of_grant[] = {[GRANT_REFRESH_TOKEN] = OAUTH_REFRESH,
	                                          [GRANT_CLIENT_CREDENTIALS] = OAUTH_CLIENT,
	                                          [GRANT_JWT_BEARER] = OAUTH_JWT};

	if (c->integration->grant != GRANT_AUTO)
		return of_grant[c->integration->grant];
	if (c->private_key)
		return OAUTH_JWT;
	if (c->refresh_token || stored_refresh(h, c))
		return OAUTH_REFRESH;
	if (c->token)
		return OAUTH_STATIC;
	return p->app.authorize_url.len || !p->app.client_secret ? OAUTH_REFRESH : OAUTH_CLIENT;
}

static int
jwt_fill(struct plan *p, const struct connection_settings *c, struct err *err)
{
	if (c->oauth_issuer || !p->issuer) {
		free(p->issuer);
		p->issuer = c->oauth_issuer ? xstrdup(c->oauth_issuer) : slice_dup(secret_reveal(p->app.client_id));
	}
	p->audience = xstrdup(c->oauth_audience ? c->oauth_audience : buf_str(&p->app.token_url));
	p->o.issuer = p->issuer;
	p->o.audience = p->audience;
	p->o.subject = c->oauth_subject;
	p->o.key_id = p->key_id;
	if (!p->o.key)
		return missing(c, err, "there is no private_key to sign with", "say 'private_key = file:key.pem' in its section");
	if (!p->issuer[0])
		return missing(c, err, "a JWT needs an issuer", "set oauth_issuer, or client_id");
	p->o.client_id = p->o.client_secret = NULL; /* the signature says who we are */
	return 0;
}

/* All that can be judged without the provider. */
static int
plan_make(struct plan *p, struct host *h, const struct manifest *m, const struct connection_settings *c, struct slice options,
          struct err *err)
{
	*p = (struct plan){.name = xasprintf("%s : %s", c->name, c->integration->name)};
	if (tokens_app(m, c, options, &p->app, err) != 0 || (c->private_key && key_read(p, c, err) != 0))
		return -1;
	p->o.name = p->name;
	p->o.how = how_of(h, p, c);
	p->o.client_id = p->app.client_id;
	p->o.client_secret = p->app.client_secret;
	p->o.basic = p->app.basic;
	p->o.params = p->app.token_params;
	p->o.scopes = buf_str(&p->app.scopes);
	p->o.refresh = c->refresh_token;
	p->o.access = c->token;
	p->o.trusted = p->app.trusted;
	if (p->o.how != OAUTH_STATIC && !p->app.token_url.len)
		return missing(c, err, "token_url is missing: its connector declares none", "set token_url in its [integration]");
	p->o.token_url = p->app.token_url.len ? buf_str(&p->app.token_url) : NULL;
	if (p->o.how == OAUTH_JWT)
		return jwt_fill(p, c, err);
	if (p->o.how != OAUTH_STATIC && !p->o.client_id)
		return missing(c, err, "client_id is missing",
		               "set client_id and client_secret in its [integration] or [connection], as the provider shows them; or "
		               "private_key in its [connection], where the provider has service accounts");
	if (p->o.how == OAUTH_CLIENT && !p->o.client_secret)
		return missing(c, err, "client_secret is missing", "set it beside client_id, best as env:NAME");
	return 0;
}

static int
refresh_check(struct host *h, const struct plan *p, const struct connection_settings *c, struct err *err)
{
	if (p->o.how != OAUTH_REFRESH)
		return 0;
	if (host_store_make(h, err) != 0)
		return err_prefix(err, "connection %s : %s: its refresh token is kept in the store", c->name, c->integration->name);
	if (c->refresh_token || c->token || stored_refresh(h, c))
		return 0;
	err_set(err, ERR_CREDENTIALS, "connection %s : %s: nobody has permitted access yet: run `sluice authorize %s`", c->name,
	        c->integration->name, c->name);
	return -1;
}

int
tokens_check(struct host *h, const struct manifest *m, const struct connection_settings *c, struct slice options, struct err *err)
{
	struct plan p;
	int rc = plan_make(&p, h, m, c, options, err);

	if (rc == 0 && h)
		rc = refresh_check(h, &p, c, err);
	plan_free(&p);
	return rc;
}

/* ---- the store ---- */

static uint32_t
scope_of(struct host *h, const char *connection, const char *integration, bool make, struct err *err)
{
	const struct scope_name name = {.connection = connection, .integration = integration};

	return !h->store ? 0 : make ? store_scope(h->store, &name, err) : store_scope_find(h->store, &name);
}

static void
tokens_load(void *arg, struct buf *json)
{
	struct tokens *t = arg;
	uint32_t scope = scope_of(t->host, t->connection, t->integration, false, NULL);

	if (scope)
		store_state_get(t->host->store, scope, STATE_TOKEN, SLICE(""), json);
}

static void
tokens_saved(void *arg, const struct commit_result *r)
{
	struct tokens *t = arg;

	t->saves--;
	oauth_saved(t->oauth, &r->err);
}

static void
tokens_save(void *arg, struct slice json)
{
	struct tokens *t = arg;
	struct commit *commit = commit_new(t->host->store, (struct fence){0, 0});
	struct err err = {0};
	uint32_t scope = t->forgotten ? 0 : scope_of(t->host, t->connection, t->integration, true, &err);

	if (!scope) {
		commit_free(commit);
		oauth_saved(t->oauth, &err);
		return;
	}
	commit_state_set(commit, scope, STATE_TOKEN, SLICE(""), json);
	t->saves++;
	store_commit(t->host->store, commit, true, tokens_saved, t);
}

/* They replace whatever derives from the configuration as it is now; a later change of it wins again. */
static void
first_hash(const struct host *h, const struct connection_settings *c, char hex[33])
{
	const struct slice key = slice_of(store_seed(h->store), sizeof(struct json_seed)), refresh = secret_reveal(c->refresh_token);

	hex[0] = '\0';
	if (refresh.len)
		oauth_hash(key, &refresh, 1, hex);
}

int
tokens_put(struct host *h, const char *connection, const char *integration, struct slice json, struct err *err)
{
	const struct connection_settings *c = settings_connection(h->settings, connection, integration);
	struct oauth_tokens tokens = {0};
	struct commit *commit;
	struct buf kept = {0};
	uint32_t scope;
	int rc = -1;

	if (!h->store)
		return err_set(err, ERR_HOST, "there is no store that a token could be kept in");
	if (!c)
		return err_set(err, ERR_USAGE, "there is no connection %s : %s", connection, integration);
	if (!oauth_tokens_read(&tokens, json) || !tokens.access) {
		err_set(err, ERR_USAGE, "these are no tokens");
		goto out;
	}
	first_hash(h, c, tokens.from);
	snprintf(tokens.client, sizeof tokens.client, "%s", OAUTH_ANY_CLIENT);
	oauth_tokens_write(&kept, &tokens);
	scope = scope_of(h, connection, integration, true, err);
	if (!scope)
		goto out;
	commit = commit_new(h->store, (struct fence){0, 0});
	commit_state_set(commit, scope, STATE_TOKEN, SLICE(""), buf_view(&kept));
	if (store_commit_wait(h->store, commit, NULL, err) != 0)
		goto out;
	for (struct tokens *t = h->tokens; t; t = t->next)
		if (!strcmp(t->connection, connection) && !strcmp(t->integration, integration))
			oauth_reload(t->oauth);
	rc = 0;
out:
	oauth_tokens_free(&tokens);
	buf_wipe(&kept);
	return rc;
}

void
tokens_forget(struct host *h, const char *connection, const char *integration)
{
	for (struct tokens *t = h->tokens; t; t = t->next)
		if (!strcmp(t->connection, connection) && !strcmp(t->integration, integration))
			t->retired = t->forgotten = true;
}

bool
tokens_show(struct host *h, const char *connection, const char *integration, struct buf *state, int64_t *expires_us)
{
	uint32_t scope = scope_of(h, connection, integration, false, NULL);
	struct oauth_tokens kept;
	struct buf json = {0};
	bool there;

	for (struct tokens *t = h->tokens; t; t = t->next)
		if (!t->retired && !strcmp(t->connection, connection) && !strcmp(t->integration, integration)) {
			buf_puts(state, oauth_state(t->oauth, expires_us));
			return true;
		}
	there = scope && store_state_get(h->store, scope, STATE_TOKEN, SLICE(""), &json) && oauth_tokens_read(&kept, buf_view(&json));
	buf_wipe(&json);
	if (!there)
		return false;
	*expires_us = kept.expires_us;
	buf_puts(state, !kept.access                                                            ? "none"
	                : kept.expires_us && kept.expires_us <= clock_wall_us(host_clock(h)) ? "expired"
	                                                                                      : "valid");
	oauth_tokens_free(&kept);
	return true;
}

/* ---- keepers ---- */

static void
tokens_free(struct tokens *t)
{
	if (t->oauth)
		oauth_leave(t->oauth, &t->renewing);
	oauth_free(t->oauth);
	free(t->connection);
	free(t->integration);
	free(t);
}

static struct tokens *
tokens_make(struct host *h, const struct connection_settings *c, struct plan *p, struct err *err)
{
	struct tokens *t = XNEW(struct tokens);

	t->host = h;
	t->connection = xstrdup(c->name);
	t->integration = xstrdup(c->integration->name);
	if (h->store && p->o.how != OAUTH_STATIC) {
		p->o.load = tokens_load;
		p->o.save = h->guest ? NULL : tokens_save;
		p->o.renew = h->guest && p->o.how == OAUTH_REFRESH ? tokens_guest_renew : NULL;
		p->o.arg = t;
	}
	t->oauth = oauth_new(host_proxy(h, err), &p->o, err);
	if (t->oauth)
		return t;
	tokens_free(t);
	return NULL;
}

struct oauth *
tokens_keeper(struct host *h, const struct manifest *m, const struct connection_settings *c, struct slice options, bool asked,
              struct err *err)
{
	struct tokens *found = NULL;
	struct plan p;

	if (!host_proxy(h, err))
		return NULL;
	if (plan_make(&p, h, m, c, options, err) != 0 || refresh_check(h, &p, c, err) != 0)
		goto out;
	if (h->store)
		p.o.hash_key = slice_of(store_seed(h->store), sizeof(struct json_seed));
	for (struct tokens *t = h->tokens; t && !found; t = t->next) {
		if (t->retired || strcmp(t->connection, c->name) || strcmp(t->integration, c->integration->name))
			continue;
		if (oauth_same(t->oauth, &p.o))
			found = t;
		else
			t->retired = true;
	}
	if (!found) {
		found = tokens_make(h, c, &p, err);
		if (!found)
			goto out;
		found->next = h->tokens;
		h->tokens = found;
	} else if (asked) {
		oauth_forgive(found->oauth);
	}
out:
	plan_free(&p);
	return found ? oauth_hold(found->oauth) : NULL;
}

void
tokens_end(struct host *h)
{
	for (struct tokens *t = h->tokens; t; t = t->next)
		if (t->saves)
			store_drain(h->store);
	for (struct tokens *t = h->tokens, *next; t; t = next) {
		next = t->next;
		tokens_free(t);
	}
	h->tokens = NULL;
}
