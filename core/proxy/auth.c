/* auth.c - one row per kind of credential.
 *
 * Guarantee: a credential is copied only into the request that carries it, and those copies are wiped with it
 * (header_list_wipe).
 * Awkward: a key in the query would come back in next links; such a parameter is taken out of every URL first, and
 * put in again only where credentials may go. */
#include "proxy/auth.h"

#include <sodium.h>
#include <string.h>
#include "base/mem.h"
#include "proxy/headers.h"
#include "proxy/oauth.h"
#include "sluice.h"

static struct curl_slist *
put_secret_line(struct curl_slist *headers, struct buf *line)
{
	headers = header_put(headers, buf_view(line));
	buf_wipe(line);
	return headers;
}

static struct curl_slist *
put_bearer(struct curl_slist *headers, struct slice token)
{
	struct buf line = {0};

	buf_reserve(&line, token.len + 32); /* in one piece: growing would leave copies behind */
	buf_puts(&line, "Authorization: Bearer ");
	buf_slice(&line, token);
	return put_secret_line(headers, &line);
}

static struct curl_slist *
apply_bearer(const struct proxy_target *t, struct url *u, struct curl_slist *headers)
{
	(void)u;
	return put_bearer(headers, secret_reveal(t->token));
}

/* A call waits for its token before it is sent (call_queue), so there is one. */
static struct curl_slist *
apply_oauth(const struct proxy_target *t, struct url *u, struct curl_slist *headers)
{
	uint64_t generation;

	(void)u;
	return put_bearer(headers, secret_reveal(oauth_token(t->oauth, &generation)));
}

static struct curl_slist *
apply_basic(const struct proxy_target *t, struct url *u, struct curl_slist *headers)
{
	struct slice user = secret_reveal(t->username ? t->username : t->token), password = secret_reveal(t->password);
	size_t room = sodium_base64_ENCODED_LEN(user.len + password.len + 1, sodium_base64_VARIANT_ORIGINAL);
	struct buf line = {0}, plain = {0};

	(void)u;
	buf_reserve(&plain, user.len + password.len + 1);
	buf_slice(&plain, user);
	buf_putc(&plain, ':');
	buf_slice(&plain, password);
	buf_reserve(&line, room + 32);
	buf_puts(&line, "Authorization: Basic ");
	sodium_bin2base64(buf_grow(&line, room), room, (const unsigned char *)plain.p, plain.len,
	                  sodium_base64_VARIANT_ORIGINAL);
	line.len--; /* its NUL */
	buf_wipe(&plain);
	return put_secret_line(headers, &line);
}

static struct curl_slist *
apply_header(const struct proxy_target *t, struct url *u, struct curl_slist *headers)
{
	struct buf line = {0};

	(void)u;
	buf_reserve(&line, strlen(t->auth_name) + strlen(t->auth_prefix) + secret_reveal(t->token).len + 8);
	buf_printf(&line, "%s: %s", t->auth_name, t->auth_prefix);
	buf_slice(&line, secret_reveal(t->token));
	return put_secret_line(headers, &line);
}

static struct curl_slist *
apply_query(const struct proxy_target *t, struct url *u, struct curl_slist *headers)
{
	url_set_param(u, t->auth_name, secret_reveal(t->token));
	return headers;
}

struct auth_kind {
	const char *missing; /* what is said when it is not there */
	bool name, user;     /* needs auth_name; a user name will do instead of a token */
	bool kept;           /* by proxy/oauth.h */
	struct curl_slist *(*apply)(const struct proxy_target *, struct url *, struct curl_slist *);
};

static const struct auth_kind kinds[] = {
        [SLUICE_NONE] = {0},
        [SLUICE_BEARER] = {"no token is configured; set token", .apply = apply_bearer},
        [SLUICE_BASIC] = {"no user name or API key is configured; set username and password, or api_key", .user = true,
                          .apply = apply_basic},
        [SLUICE_HEADER_KEY] = {"no API key is configured; set api_key", .name = true, .apply = apply_header},
        [SLUICE_QUERY_KEY] = {"no API key is configured; set api_key", .name = true, .apply = apply_query},
        [SLUICE_OAUTH2] = {"nobody keeps its access token", .kept = true, .apply = apply_oauth},
};

static bool
sendable(const struct secret *s)
{
	struct slice value = secret_reveal(s);

	for (size_t i = 0; i < value.len; i++)
		if ((unsigned char)value.p[i] < 0x20 || value.p[i] == 0x7f)
			return false;
	return true;
}

int
auth_check(const struct proxy_target *t, struct err *err)
{
	const struct auth_kind *kind;
	struct slice name, value;

	if (t->auth < 0 || (size_t)t->auth >= LENGTH(kinds))
		return err_set(err, ERR_USAGE, "authentication kind %d is not known to this host", t->auth);
	kind = &kinds[t->auth];
	if (!kind->apply)
		return 0;
	if (kind->kept ? !t->oauth : !secret_reveal(t->token).len && !(kind->user && secret_reveal(t->username).len))
		return err_set(err, ERR_USAGE, "%s", kind->missing);
	if (!sendable(t->token) || !sendable(t->username) || !sendable(t->password))
		return err_set(err, ERR_CREDENTIALS,
		               "a credential holds a line break or another control byte; was it copied whole?");
	if (kind->name) {
		struct buf line = {0};
		bool good;

		buf_printf(&line, "%s: %s", t->auth_name ? t->auth_name : "", t->auth_prefix);
		good = header_split(buf_view(&line), &name, &value);
		buf_free(&line);
		if (!good)
			return err_set(err, ERR_USAGE,
			               "the connector names no header or parameter for its API key (auth_name)");
	}
	return 0;
}

struct curl_slist *
auth_apply(const struct proxy_target *t, struct url *u, struct curl_slist *headers)
{
	const struct auth_kind *kind = &kinds[t->auth];

	return kind->apply ? kind->apply(t, u, headers) : headers;
}

const char *
auth_header(const struct proxy_target *t)
{
	return t->auth == SLUICE_HEADER_KEY ? t->auth_name : t->auth == SLUICE_NONE ? NULL : "authorization";
}
