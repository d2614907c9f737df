/* permit.c - see permit.h: what is asked of the person's browser, and the code that comes back made into tokens.
 *
 * Guarantee: the code is worth nothing without the verifier, which never leaves this process but to the token endpoint, in
 * the request that spends the code. State is 128 random bits, compared in constant time. */
#include "run/permit.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "run/host.h"
#include "run/options.h"
#include "run/tokens.h"

#define VERIFIER_BYTES 48
#define STATE_BYTES 16
#define BASE64URL sodium_base64_VARIANT_URLSAFE_NO_PADDING

struct permit {
	struct host *host;
	struct tokens_app app;
	struct oauth_client *client;
	char *name;
	struct secret *verifier;
	char challenge[64], state[48];
};

static void
pkce_make(struct permit *p)
{
	unsigned char random[VERIFIER_BYTES], hash[crypto_hash_sha256_BYTES];
	char text[sodium_base64_ENCODED_LEN(VERIFIER_BYTES, BASE64URL)];

	randombytes_buf(random, sizeof random);
	sodium_bin2base64(text, sizeof text, random, sizeof random, BASE64URL);
	p->verifier = secret_new(slice_str(text));
	crypto_hash_sha256(hash, (const unsigned char *)text, strlen(text));
	sodium_bin2base64(p->challenge, sizeof p->challenge, hash, sizeof hash, BASE64URL);
	randombytes_buf(random, STATE_BYTES);
	sodium_bin2base64(p->state, sizeof p->state, random, STATE_BYTES, BASE64URL);
	sodium_memzero(text, sizeof text);
	sodium_memzero(random, sizeof random);
}

static int
app_check(const struct permit *p, const struct connection_settings *c, struct err *err)
{
	const char *wants = !p->app.authorize_url.len ? "authorize_url"
	                    : !p->app.token_url.len   ? "token_url"
	                    : !p->app.client_id       ? "client_id"
	                                              : NULL;

	if (!wants)
		return 0;
	return err_set(err, ERR_USAGE, "%s:%u: connection %s : %s: OAuth 2: %s is missing; set it in [integration %s]", c->at.file,
	               c->at.line, c->name, c->integration->name, wants, c->integration->name);
}

struct permit *
permit_new(struct host *h, const struct connection_settings *c, struct err *err)
{
	const struct manifest *m = host_manifest_of(h, c, err);
	struct proxy *proxy = m ? host_proxy(h, err) : NULL;
	struct permit *p = XNEW(struct permit);
	struct buf options = {0};
	struct oauth_options o = {0};

	p->host = h;
	p->name = xasprintf("%s : %s", c->name, c->integration->name);
	if (!proxy || options_build(m, c, &options, err) != 0)
		goto fail;
	if (tokens_app(m, c, buf_view(&options), &p->app, err) != 0 || app_check(p, c, err) != 0)
		goto fail;
	o.name = p->name;
	o.token_url = buf_str(&p->app.token_url);
	o.trusted = p->app.trusted;
	o.client_id = p->app.client_id;
	o.client_secret = p->app.client_secret;
	o.basic = p->app.basic;
	o.params = p->app.token_params;
	p->client = oauth_client_new(proxy, &o, err);
	if (!p->client)
		goto fail;
	pkce_make(p);
	buf_free(&options);
	return p;
fail:
	buf_free(&options);
	permit_free(p);
	return NULL;
}

void
permit_free(struct permit *p)
{
	if (!p)
		return;
	oauth_client_free(p->client);
	tokens_app_free(&p->app);
	secret_free(p->verifier);
	free(p->name);
	free(p);
}

void
permit_url(const struct permit *p, const char *redirect, struct buf *out)
{
	struct buf form = {0};

	form_put(&form, "response_type", SLICE("code"));
	form_put(&form, "client_id", secret_reveal(p->app.client_id));
	form_put(&form, "redirect_uri", slice_str(redirect));
	form_put(&form, "scope", buf_view(&p->app.scopes));
	form_put(&form, "state", slice_str(p->state));
	form_put(&form, "code_challenge", slice_str(p->challenge));
	form_put(&form, "code_challenge_method", SLICE("S256"));
	buf_slice(out, buf_view(&p->app.authorize_url));
	buf_putc(out, memchr(p->app.authorize_url.p, '?', p->app.authorize_url.len) ? '&' : '?');
	buf_slice(out, buf_view(&form));
	if (p->app.authorize_params && *p->app.authorize_params)
		buf_printf(out, "&%s", p->app.authorize_params);
	buf_free(&form);
}

bool
permit_state_is(const struct permit *p, const char *state)
{
	return state && strlen(state) == strlen(p->state) && sodium_memcmp(state, p->state, strlen(p->state)) == 0;
}

struct exchange_wait {
	bool over;
	struct oauth_answer answer;
};

static void
exchanged(void *arg, struct oauth_answer *a)
{
	struct exchange_wait *w = arg;

	w->answer = *a;
	w->over = true;
}

int
permit_exchange(struct permit *p, const char *code, const char *redirect, struct buf *tokens, int64_t *expires_us,
                char scope[256], struct err *err)
{
	struct exchange_wait w = {0};
	struct oauth_tokens t = {0};
	struct buf form = {0};

	form_put(&form, "grant_type", SLICE("authorization_code"));
	form_put(&form, "code", slice_str(code));
	form_put(&form, "redirect_uri", slice_str(redirect));
	form_put(&form, "code_verifier", secret_reveal(p->verifier));
	oauth_ask(p->client, buf_view(&form), exchanged, &w);
	buf_wipe(&form);
	while (!w.over)
		uv_run(host_loop(p->host), UV_RUN_ONCE);
	if (w.answer.err.cls) {
		*err = w.answer.err;
		return -1;
	}
	t.access = w.answer.access;
	t.refresh = w.answer.refresh;
	t.got_us = clock_wall_us(host_clock(p->host));
	t.expires_us = *expires_us = w.answer.expires_us;
	oauth_tokens_write(tokens, &t);
	snprintf(scope, 256, "%s", w.answer.scope);
	oauth_tokens_free(&t);
	return 0;
}
