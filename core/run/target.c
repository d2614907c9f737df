/* target.c - a connection as the proxy wants it: base URL and headers filled in, credentials chosen, limits settled.
 *
 * A base URL that stands in the INI is the operator's word and may point to a private address; the connector's own,
 * also filled with options, is not. Rate limits are shared by all connections that use the same credential. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "proxy/url.h"
#include "run/options.h"
#include "run/target.h"
#include "run/tokens.h"
#include "sluice.h"

struct credential_rule {
	int kind;          /* enum sluice_auth */
	const char *wants; /* for the message */
};

static const struct credential_rule rules[] = {
	{SLUICE_BEARER, "token"},
	{SLUICE_BASIC, "username and password, or api_key"},
	{SLUICE_HEADER_KEY, "api_key"},
	{SLUICE_QUERY_KEY, "api_key"},
};

static const struct secret *
either(const struct secret *a, const struct secret *b)
{
	return a ? a : b;
}

static int
credentials_missing(const struct manifest *m, const struct connection_settings *c, int kind, struct err *err)
{
	char at[ORIGIN_MAX];

	for (size_t i = 0; i < LENGTH(rules); i++) {
		const char *name = kind == SLUICE_BEARER ? "token" : c->stored ? "api-key" : "api_key";
		char how[128];
		if (rules[i].kind != kind)
			continue;
		snprintf(how, sizeof how, c->stored ? "--%s env:NAME', over HTTP '{\"type\":\"API_KEY\",\"apiKey\":\"...\"}" : "%s = env:NAME", name);
		return err_set(err, ERR_USAGE, "%s: connection %s : %s: no credentials: connector '%s' wants %s; say for example '%s'",
		               origin_text(c->at, at), c->name, c->integration->name, m->name, rules[i].wants, how);
	}
	return 0;
}

/* ---- authentication that the connection chooses (SLUICE_ANY_AUTH) ---- */

static const struct {
	const char *word;
	int kind;
	unsigned names; /* words that follow: of the header or parameter, and of a prefix */
} chosen_kinds[] = {
	{"none", SLUICE_NONE, 0},         {"bearer", SLUICE_BEARER, 0},    {"basic", SLUICE_BASIC, 0},
	{"header", SLUICE_HEADER_KEY, 2}, {"query", SLUICE_QUERY_KEY, 1},
};

/* The next word of a text, cut out of it; NULL: none. */
static char *
word_cut(char **text)
{
	char *word = *text + strspn(*text, " \t"), *end = word + strcspn(word, " \t");

	*text = *end ? end + 1 : end;
	*end = '\0';
	return *word ? word : NULL;
}

/* "header X-Api-Key Token" -> the kind; name and prefix stand in auth->room, and a prefix ends with a blank. */
static int
auth_words(struct proxy_auth *auth, struct slice text, struct err *err)
{
	char *rest = auth->room, *word, *name, *prefix;
	size_t len = text.len < sizeof(auth->room) - 2 ? text.len : sizeof(auth->room) - 2;

	memcpy(auth->room, text.p, len);
	word = word_cut(&rest);
	name = word_cut(&rest);
	prefix = word_cut(&rest);
	for (size_t i = 0; word && len == text.len && i < LENGTH(chosen_kinds); i++) {
		unsigned names = chosen_kinds[i].names;
		if (strcmp(word, chosen_kinds[i].word) != 0)
			continue;
		if (!name != !names || (prefix && names < 2) || word_cut(&rest))
			break;
		auth->kind = chosen_kinds[i].kind;
		auth->name = name;
		if (prefix) {
			size_t n = strlen(prefix);
			prefix[n] = ' '; /* behind it is room, or the end of the last word */
			prefix[n + 1] = '\0';
		}
		auth->prefix = prefix;
		return 0;
	}
	return err_set(err, ERR_USAGE,
	               "auth: '%.*s' is no way to authenticate; say bearer, basic, header NAME [PREFIX], query NAME, or none",
	               (int)text.len, text.p);
}

/* Half of what some credentials consist of means that somebody wants to be known: nothing is asked without. */
static int
auth_halves(const struct connection_settings *c, struct err *err)
{
	if (c->refresh_token || c->private_key || c->client_id || c->integration->client_id)
		return err_set(err, ERR_USAGE,
		               "OAuth 2 wants to know where its tokens are had: set token_url in [integration %s], or say auth = none",
		               c->integration->name);
	if (c->password)
		return err_set(err, ERR_USAGE, "there is a password, but whose? set username, or say auth = none");
	return 0;
}

static int
auth_choose(struct proxy_auth *auth, const struct connection_settings *c, struct slice options, struct err *err)
{
	struct buf text = {0};
	struct slice value;
	char at[ORIGIN_MAX];
	int rc = 0;

	auth->kind = c->username ? SLUICE_BASIC : c->token || c->api_key ? SLUICE_BEARER : SLUICE_NONE;
	if (json_member(options, "auth", &value) && json_unquote(value, &text))
		rc = auth_words(auth, buf_view(&text), err);
	else if (auth->kind == SLUICE_NONE)
		rc = auth_halves(c, err);
	if (rc)
		err_prefix(err, "%s: connection %s : %s", origin_text(c->at, at), c->name, c->integration->name);
	buf_free(&text);
	return rc;
}

int
target_credentials(const struct manifest *m, const struct connection_settings *c, struct slice options,
                   struct proxy_auth *auth, struct err *err)
{
	if (c->sealed)
		return err_set(err, ERR_USAGE,
		               "connection %s : %s: its credentials are in the store, and do not leave the host that has it open",
		               c->name, c->integration->name);
	if (tokens_used(m, c)) {
		*auth = (struct proxy_auth){.kind = SLUICE_OAUTH2};
		return tokens_check(NULL, m, c, options, err);
	}
	*auth = (struct proxy_auth){.kind = m->auth, .name = m->auth_name, .prefix = m->auth_prefix};
	if (m->auth == SLUICE_ANY_AUTH && auth_choose(auth, c, options, err) != 0)
		return -1;
	if (auth->kind == SLUICE_BASIC) {
		auth->username = either(c->username, c->api_key);
		auth->password = c->username ? c->password : NULL;
		auth->token = c->username ? NULL : c->api_key;
	} else if (auth->kind == SLUICE_BEARER) {
		auth->token = either(c->token, c->api_key);
	} else {
		auth->token = either(c->api_key, c->token);
	}
	if (auth->kind == SLUICE_NONE || auth->token || auth->username)
		return 0;
	return credentials_missing(m, c, auth->kind, err);
}

static char **
headers_fill(const struct manifest *m, struct slice options, struct err *err)
{
	size_t n = 0;
	char **filled;

	while (m->headers && m->headers[n])
		n++;
	filled = xcalloc(n + 1, sizeof *filled);
	for (size_t i = 0; i < n; i++) {
		struct buf line = {0};
		if (template_fill(&line, m->headers[i], options, err) != 0) {
			buf_free(&line);
			err_prefix(err, "header '%s'", m->headers[i]);
			for (size_t k = 0; k < i; k++)
				free(filled[k]);
			free(filled);
			return NULL;
		}
		filled[i] = buf_take(&line);
	}
	return filled;
}

static void
strings_free(char **list)
{
	for (size_t i = 0; list && list[i]; i++)
		free(list[i]);
	free(list);
}

static int
base_fill(const struct manifest *m, const struct connection_settings *c, struct slice options, struct buf *url,
          struct err *err)
{
	const char *own = c->base_url ? c->base_url : c->integration->base_url;
	const char *text = own ? own : m->base_url;
	char at[ORIGIN_MAX];

	if (!text)
		return err_set(err, ERR_USAGE,
		               "%s: connection %s : %s: base_url is missing: connector '%s' has none of its own; set it in its "
		               "[integration] or [connection]",
		               origin_text(c->at, at), c->name, c->integration->name, m->name);
	if (template_fill(url, text, options, err) != 0)
		return err_prefix(err, "connection %s : %s: base URL '%s'", c->name, c->integration->name, text);
	return 0;
}

int
target_base_check(const struct manifest *m, const struct connection_settings *c, struct err *err)
{
	struct buf options = {0}, url = {0};
	struct url parsed = {0};
	char **headers = NULL;
	char at[ORIGIN_MAX];
	int rc = -1;

	if (options_build(m, c, &options, err) != 0 || base_fill(m, c, buf_view(&options), &url, err) != 0)
		goto out;
	if (url_parse(&parsed, buf_view(&url), err) != 0) {
		err_prefix(err, "%s: connection %s : %s: base_url", origin_text(c->base_url ? c->base_url_at : c->at, at), c->name,
		           c->integration->name);
		goto out;
	}
	headers = headers_fill(m, buf_view(&options), err);
	rc = headers ? 0 : -1;
out:
	strings_free(headers);
	url_free(&parsed);
	buf_free(&url);
	buf_free(&options);
	return rc;
}

static void
limit_insert(struct proxy_limit *list, size_t *n, const struct proxy_limit *l)
{
	size_t at = (*n)++;

	for (; at && strlen(list[at - 1].match) > strlen(l->match); at--)
		list[at] = list[at - 1];
	list[at] = *l;
}

/* The operator's word about the same requests takes the place of the connector's. */
static bool
limit_given(const struct proxy_limit *list, size_t n, const char *match)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(list[i].match, match) == 0)
			return true;
	return false;
}

/* What holds besides the integration's own limit: the quota, then the groups; of those that match, the longest pattern is
 * the most specific. */
static struct proxy_limit *
limits_fill(const struct settings *s, const struct manifest *m, const struct connection_settings *c, const char *name, size_t *n)
{
	const struct integration_settings *i = c->integration;
	const char *shared = i->rate_share == SHARE_INTEGRATION ? i->name : name;
	struct proxy_limit *list = xcalloc(s->n_limits + m->rate.n_groups + 1, sizeof *list);

	*n = 0;
	for (size_t k = 0; k < s->n_limits; k++) {
		const struct limit_settings *l = s->limits[k];
		struct proxy_limit one = {.match = l->match, .n = l->rate_n, .per_ms = l->rate_ms};

		if (strcmp(l->integration->name, i->name) != 0)
			continue;
		one.key = xasprintf("%s : %s", l->share == SHARE_INTEGRATION ? i->name : name, l->name);
		limit_insert(list, n, &one);
	}
	for (size_t k = 0; k < m->rate.n_groups; k++) {
		const struct manifest_rate_group *g = &m->rate.groups[k];
		struct proxy_limit one = {.match = g->match, .n = g->requests, .per_ms = g->per_ms};

		if (limit_given(list, *n, g->match))
			continue;
		one.key = xasprintf("%s : %s", shared, g->match);
		limit_insert(list, n, &one);
	}
	if (i->quota_n) {
		memmove(list + 1, list, *n * sizeof *list);
		list[0] = (struct proxy_limit){
			.key = xasprintf("%s : quota", name), .n = i->quota_n, .per_ms = i->quota_ms, .quota = true};
		++*n;
	}
	return list;
}

static void
limits_free(struct proxy_limit *list, size_t n)
{
	for (size_t i = 0; list && i < n; i++)
		free((char *)(uintptr_t)list[i].key);
	free(list);
}

static int
limits_count(const struct connection_settings *c, size_t n, struct err *err)
{
	if (n <= PROXY_LIMITS_MAX)
		return 0;
	return err_set(err, ERR_USAGE,
	               "%s:%u: connection %s : %s has %zu limits besides its own rate ([limit %s : ...], quota, and those that "
	               "the connector declares), and at most %d can hold for one: take a [limit] out, or let one pattern "
	               "stand for several",
	               c->at.file, c->at.line, c->name, c->integration->name, n, c->integration->name, PROXY_LIMITS_MAX);
}

int
target_limits_check(const struct settings *s, const struct manifest *m, const struct connection_settings *c, struct err *err)
{
	size_t n;
	struct proxy_limit *list = limits_fill(s, m, c, c->name, &n);
	int rc = limits_count(c, n, err);

	limits_free(list, n);
	return rc;
}

bool
target_limited(const struct settings *s, const struct manifest *m, const struct connection_settings *c)
{
	size_t n;
	struct proxy_limit *list = limits_fill(s, m, c, c->name, &n);

	limits_free(list, n);
	return n || c->integration->rate_n || m->rate.requests;
}

struct proxy_target *
target_new(struct proxy *p, const struct settings *s, const struct manifest *m, const struct connection_settings *c,
           struct slice options, struct oauth *keeper, struct err *err)
{
	const struct integration_settings *i = c->integration;
	struct proxy_target_options t = {
		.label = i->name,
		.base_trusted = c->base_url || i->base_url,
		.hosts = (const char *const *)m->hosts,
		.allow_hosts = (const char *const *)i->allow_hosts,
		.rate_n = i->rate_n ? i->rate_n : m->rate.requests,
		.rate_ms = i->rate_n ? i->rate_ms : m->rate.per_ms,
		.remaining = m->rate.remaining,
		.reset = m->rate.reset,
		.retry_after = m->rate.retry_after,
		.retry_body = m->rate.retry_body,
	};
	struct proxy_target *target = NULL;
	struct buf url = {0};
	char *name = xasprintf("%s : %s", c->name, i->name);
	char **headers = NULL;
	struct proxy_limit *limits = NULL;

	if (target_credentials(m, c, options, &t.auth, err) != 0 || base_fill(m, c, options, &url, err) != 0)
		goto out;
	headers = headers_fill(m, options, err);
	if (!headers)
		goto out;
	t.name = name;
	t.auth.oauth = keeper;
	t.limit_key = i->rate_share == SHARE_INTEGRATION ? i->name : name;
	limits = limits_fill(s, m, c, name, &t.n_limits);
	if (limits_count(c, t.n_limits, err) != 0)
		goto out;
	t.limits = limits;
	t.base_url = buf_str(&url);
	t.headers = (const char *const *)headers;
	target = proxy_target_new(p, &t, err);
out:
	strings_free(headers);
	limits_free(limits, t.n_limits);
	buf_free(&url);
	free(name);
	return target;
}
