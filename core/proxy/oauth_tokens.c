/* oauth_tokens.c - see oauth_tokens.h.
 *
 * Guarantee: the refresh token that new tokens were had with is not forgotten by taking them; whoever knows that an API has
 * accepted the new ones may drop it (`previous`). And what an operator writes wins: a refresh token in the configuration
 * that is another one than what the kept ones derive from was put there by somebody.
 * Awkward: an access token counts only as long as the rest of the configuration is what it was had with, its scopes for
 * one; the refresh token beside it still does. */
#include "proxy/oauth_tokens.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/json.h"

#define MARGIN_MAX_US INT64_C(60000000)

void
oauth_tokens_free(struct oauth_tokens *t)
{
	secret_free(t->access);
	secret_free(t->refresh);
	secret_free(t->previous);
	*t = (struct oauth_tokens){0};
}

static void
secret_kv(struct json_out *o, const char *key, const struct secret *s)
{
	if (s)
		json_kv_slice(o, key, secret_reveal(s));
}

void
oauth_tokens_write(struct buf *json, const struct oauth_tokens *t)
{
	struct json_out o = json_out(json);

	buf_reserve(json, 512 + 2 * (secret_reveal(t->access).len + secret_reveal(t->refresh).len + secret_reveal(t->previous).len));
	json_open(&o, '{');
	secret_kv(&o, "access", t->access);
	secret_kv(&o, "refresh", t->refresh);
	secret_kv(&o, "previous", t->previous);
	json_kv_int(&o, "got_us", t->got_us);
	json_kv_int(&o, "expires_us", t->expires_us);
	json_kv_str(&o, "from", t->from);
	json_kv_str(&o, "client", t->client);
	json_close(&o, '}');
}

/* ---- as they are read ---- */

struct secret *
oauth_secret_at(struct slice json, const char *name)
{
	struct slice value;
	struct buf text = {0};
	struct secret *s = NULL;

	if (json_member(json, name, &value) && json_type(value) == JSON_STRING && json_unquote(value, &text) && text.len)
		s = secret_new(buf_view(&text));
	buf_wipe(&text);
	return s;
}

static int64_t
int_at(struct slice json, const char *name)
{
	struct slice value;
	int64_t v = 0;

	if (!json_member(json, name, &value) || !json_int(value, &v))
		return 0;
	return v;
}

static void
hash_at(struct slice json, const char *name, char hash[33])
{
	struct slice value;
	char *text = json_member(json, name, &value) && json_type(value) != JSON_NULL ? json_text(value) : NULL;

	snprintf(hash, 33, "%s", text ? text : "");
	free(text);
}

bool
oauth_tokens_read(struct oauth_tokens *t, struct slice json)
{
	*t = (struct oauth_tokens){0};
	if (!json.len || !json_check(json, 16, NULL) || json_type(json) != JSON_OBJECT)
		return false;
	t->access = oauth_secret_at(json, "access");
	t->refresh = oauth_secret_at(json, "refresh");
	t->previous = oauth_secret_at(json, "previous");
	t->got_us = int_at(json, "got_us");
	t->expires_us = int_at(json, "expires_us");
	hash_at(json, "from", t->from);
	hash_at(json, "client", t->client);
	return true;
}

/* ---- one set and another ---- */

static bool
same(const struct secret *a, const struct secret *b)
{
	return slice_eq(secret_reveal(a), secret_reveal(b));
}

void
oauth_tokens_renew(struct oauth_tokens *t, bool by_previous, struct secret *access, struct secret *refresh)
{
	const struct secret *used = by_previous ? t->previous : t->refresh;
	struct oauth_tokens n = {.access = access};

	if (refresh && !same(used, refresh)) {
		n.refresh = refresh;
		n.previous = secret_dup(used);
	} else {
		n.refresh = secret_dup(used);
		secret_free(refresh);
	}
	memcpy(n.from, t->from, sizeof n.from);
	memcpy(n.client, t->client, sizeof n.client);
	oauth_tokens_free(t);
	*t = n;
}

bool
oauth_tokens_adopt(struct oauth_tokens *t, struct oauth_tokens *kept, const char *from, const char *client)
{
	bool newer = !same(t->access, kept->access) || !same(t->refresh, kept->refresh);

	if (!newer || (*from && strcmp(from, kept->from) != 0)) {
		oauth_tokens_free(kept);
		return false;
	}
	if (strcmp(client, kept->client) != 0 && strcmp(kept->client, OAUTH_ANY_CLIENT) != 0) {
		secret_free(kept->access);
		kept->access = NULL;
	}
	oauth_tokens_free(t);
	*t = *kept;
	return true;
}

/* A tenth of its life before its end, a minute at most: a token is not sent that ends on the way. */
int64_t
oauth_tokens_until(const struct oauth_tokens *t)
{
	int64_t margin = (t->expires_us - t->got_us) / 10;

	if (!t->expires_us)
		return INT64_MAX;
	return t->expires_us - (margin < MARGIN_MAX_US ? margin : MARGIN_MAX_US);
}

/* ---- marks ---- */

void
oauth_hash(struct slice key, const struct slice *parts, size_t n, char hex[33])
{
	unsigned char out[16];
	crypto_generichash_state state;

	crypto_generichash_init(&state, (const unsigned char *)key.p, key.len, sizeof out);
	for (size_t i = 0; i < n; i++) {
		uint64_t len = parts[i].len; /* so that no two lists of parts are the same bytes */
		crypto_generichash_update(&state, (const unsigned char *)&len, sizeof len);
		crypto_generichash_update(&state, (const unsigned char *)parts[i].p, parts[i].len);
	}
	crypto_generichash_final(&state, out, sizeof out);
	sodium_bin2hex(hex, 33, out, sizeof out);
}
