/* oauth_ask.c - see oauth_ask.h: the form and the answer.
 *
 * The request goes through the proxy like any other: address check, time limits, retries of what passes, Retry-After.
 * Repeating a POST is right here: an answer that never came leaves us with the old refresh token in any case.
 *
 * Awkward: providers differ in how they refuse. Some answer 200 with an "error" in it, some 401, most 400; expires_in is a
 * number, or a text that holds one. What they say goes into the reason, blanked: some repeat the token that they refuse. */
#include "proxy/oauth_ask.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "proxy/oauth_tokens.h"
#include "proxy/private.h"
#include "sluice.h"

#define ANSWER_MAX 65536
#define LIFE_MAX_S (INT64_C(10) * 366 * 86400)

struct oauth_client {
	struct proxy *proxy;
	struct proxy_target *target;
	char *name, *url, *params;
	struct secret *id, *secret;
	bool basic;
};

struct asking {
	struct oauth_client *client;
	oauth_answered *answered;
	void *arg;
	int64_t sent_us;
};

static struct secret *
escaped(const struct secret *s)
{
	struct buf text = {0};
	struct secret *out;

	buf_url(&text, secret_reveal(s));
	out = secret_new(buf_view(&text));
	buf_wipe(&text);
	return out;
}

struct oauth_client *
oauth_client_new(struct proxy *p, const struct oauth_options *o, struct err *err)
{
	struct oauth_client *c = XNEW(struct oauth_client);
	char *name = xasprintf("%s: tokens", o->name);
	struct proxy_target_options t = {.name = name, .base_url = o->token_url, .base_trusted = o->trusted};
	struct secret *user = NULL, *password = NULL;

	*c = (struct oauth_client){.proxy = p,
	                           .name = xstrdup(o->name),
	                           .url = xstrdup(o->token_url),
	                           .params = o->params ? xstrdup(o->params) : NULL,
	                           .id = secret_dup(o->client_id),
	                           .secret = secret_dup(o->client_secret),
	                           .basic = o->basic && o->client_id && o->client_secret};
	if (c->basic) { /* RFC 6749, 2.3.1: encoded as in a form first */
		user = escaped(c->id);
		password = escaped(c->secret);
		t.auth = (struct proxy_auth){.kind = SLUICE_BASIC, .username = user, .password = password};
	}
	c->target = proxy_target_new(p, &t, err);
	secret_free(user);
	secret_free(password);
	free(name);
	if (c->target)
		return c;
	oauth_client_free(c);
	return NULL;
}

void
oauth_client_free(struct oauth_client *c)
{
	if (!c)
		return;
	proxy_target_free(c->target);
	free(c->name);
	free(c->url);
	free(c->params);
	secret_free(c->id);
	secret_free(c->secret);
	free(c);
}

void
form_put(struct buf *form, const char *name, struct slice value)
{
	if (!value.len)
		return;
	buf_reserve(form, strlen(name) + 3 * value.len + 2); /* in one piece: growing would leave copies behind */
	buf_printf(form, "%s%s=", form->len ? "&" : "", name);
	buf_url(form, value);
}

/* ---- the answer ---- */

/* An "error" that says the provider is in trouble, and not that we are refused. */
static bool
error_passes(const char *code)
{
	static const char *const passing[] = {"temporarily_unavailable", "server_error", "slow_down", "internal_failure"};

	for (size_t i = 0; i < LENGTH(passing); i++)
		if (!strcmp(code, passing[i]))
			return true;
	return false;
}

static char *
text_at(struct slice json, const char *path)
{
	struct slice value;

	if (!json_path(json, path, &value) || json_type(value) == JSON_NULL)
		return NULL;
	return json_text(value);
}

static void
refusal_read(struct oauth_answer *a, const struct oauth_client *c, int status, struct slice json)
{
	char *code = json.len ? text_at(json, "error") : NULL, *why = json.len ? text_at(json, "error_description") : NULL;
	struct buf said = {0};

	if (code && *code)
		buf_printf(&said, "%.100s%s%.300s", code, why ? ": " : "", why ? why : "");
	else
		buf_printf(&said, "status %d", status);
	log_blank(&said);
	for (size_t i = 0; i < said.len; i++)
		if ((unsigned char)said.p[i] < 0x20)
			said.p[i] = ' ';
	a->refused = !(code && error_passes(code)) && status != 408;
	a->bad_grant = code && (!strcmp(code, "invalid_grant") || !strcmp(code, "bad_refresh_token") ||
	                        !strcmp(code, "invalid_refresh_token"));
	err_set(&a->err, a->refused ? ERR_CREDENTIALS : ERR_PROVIDER, "%s: %s gives no access token: %s", c->name, c->url,
	        buf_str(&said));
	buf_free(&said);
	free(code);
	free(why);
}

static int64_t
life_of(struct slice json)
{
	struct slice value;
	char *text;
	int64_t s = 0;

	if (!json_member(json, "expires_in", &value))
		return 0;
	text = json_text(value);
	s = strtoll(text, NULL, 10);
	free(text);
	return s < 0 ? 0 : s > LIFE_MAX_S ? LIFE_MAX_S : s;
}

static void
success_read(struct oauth_answer *a, const struct asking *q, struct slice json)
{
	char *scope = text_at(json, "scope"), *type = text_at(json, "token_type");
	int64_t life = life_of(json);

	a->refresh = oauth_secret_at(json, "refresh_token");
	a->expires_us = life ? q->sent_us + life * 1000000 : 0;
	snprintf(a->scope, sizeof a->scope, "%s", scope ? scope : "");
	if (type && strcasecmp(type, "bearer") && strcasecmp(type, "user") && strcasecmp(type, "bot"))
		err_set(&a->err, ERR_CREDENTIALS, "%s: %s gives tokens of type '%.40s'; only bearer tokens can be used",
		        q->client->name, q->client->url, type);
	free(scope);
	free(type);
}

static void
answer_read(struct oauth_answer *a, const struct asking *q, const struct proxy_answer *p)
{
	bool json = p->body.len <= ANSWER_MAX && json_check(p->body, 16, NULL) && json_type(json_trim(p->body)) == JSON_OBJECT;
	struct slice body = json ? json_trim(p->body) : (struct slice){0};

	if (p->status == 429)
		err_set(&a->err, ERR_RATE, "%s: %s asks to wait before it gives an access token", q->client->name, q->client->url);
	else if (p->status >= 500)
		err_set(&a->err, ERR_PROVIDER, "%s: %s fails with status %d instead of giving an access token", q->client->name,
		        q->client->url, p->status);
	else if (p->status >= 200 && p->status <= 299 && json && (a->access = oauth_secret_at(body, "access_token")))
		success_read(a, q, body);
	else if (p->status >= 200 && p->status <= 299 && !(json && json_member(body, "error", &(struct slice){0})))
		err_set(&a->err, ERR_DATA, "%s: %s answers without an access token; is it the token endpoint?", q->client->name,
		        q->client->url);
	else
		refusal_read(a, q->client, p->status, body);
}

static void
asked(void *arg, const struct proxy_answer *p)
{
	struct asking *q = arg;
	struct oauth_answer a = {.err = p->err};

	if (p->err.cls == ERR_NONE)
		answer_read(&a, q, p);
	if (a.err.cls) {
		secret_free(a.access);
		secret_free(a.refresh);
		a.access = a.refresh = NULL;
	}
	q->answered(q->arg, &a);
	free(q);
}

void
oauth_ask(struct oauth_client *c, struct slice form, oauth_answered *answered, void *arg)
{
	struct asking *q = XNEW(struct asking);
	struct buf body = {0};
	struct proxy_request r = {.method = "POST",
	                          .endpoint = slice_str(c->url),
	                          .headers = SLICE("Content-Type: application/x-www-form-urlencoded\nAccept: application/json\n"),
	                          .safe = true};

	*q = (struct asking){c, answered, arg, clock_wall_us(c->proxy->clock)};
	buf_reserve(&body, form.len + 3 * (secret_reveal(c->id).len + secret_reveal(c->secret).len) + 256);
	buf_slice(&body, form);
	if (!c->basic) {
		form_put(&body, "client_id", secret_reveal(c->id));
		form_put(&body, "client_secret", secret_reveal(c->secret));
	}
	if (c->params && *c->params)
		buf_printf(&body, "&%s", c->params);
	r.body = buf_view(&body);
	proxy_send(c->target, &r, asked, NULL, q);
	buf_wipe(&body);
}
