/* target.c - the allow-list, made once per run, asked for every URL that is about to be requested.
 *
 *   the URL's origin is ...                  asked    address     credentials
 *   base_url's own (or its https)            yes      any if the operator wrote it, else public   yes
 *   a declared host, scheme not weaker       yes      public      yes
 *   one of allow_hosts                       yes      any         only if it is also one of the above
 *   anything else                            no
 *
 * Guarantee: nothing that came out of an answer widens this: a next link or redirect is trusted only by being the
 * very host and port that the operator named, and never leads from https to http.
 * Awkward: allow_hosts entries without a port mean any port for what a connector asks by itself, and the usual port
 * for what an answer asks: else a provider could try the ports of an internal host that was opened for one service. */
#include "proxy/target.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "proxy/auth.h"
#include "proxy/address.h"
#include "proxy/group.h"
#include "proxy/headers.h"
#include "proxy/oauth.h"

static char *
dup_or_null(const char *s)
{
	return s && *s ? xstrdup(s) : NULL;
}

static char **
list_dup(const char *const *list)
{
	size_t n = 0;
	char **copy;

	while (list && list[n])
		n++;
	copy = xcalloc(n + 1, sizeof *copy);
	for (size_t i = 0; i < n; i++)
		copy[i] = xstrdup(list[i]);
	return copy;
}

static void
list_free(char **list)
{
	for (size_t i = 0; list && list[i]; i++)
		free(list[i]);
	free(list);
}

static char *
lower_or_null(const char *s)
{
	char *copy = dup_or_null(s);

	for (char *p = copy; p && *p; p++)
		if (*p >= 'A' && *p <= 'Z')
			*p = (char)(*p - 'A' + 'a');
	return copy;
}

static int
target_headers_check(const struct proxy_target *t, struct err *err)
{
	for (char **h = t->headers; *h; h++)
		if (header_check(slice_str(*h), t->auth_name, err))
			return -1;
	return 0;
}

static void
target_limits(struct proxy_target *t, const struct proxy_target_options *o)
{
	t->limits[0].queue = queue_join(t->proxy, o->limit_key ? o->limit_key : t->name);
	t->n_limits = 1;
	queue_rate(t->limits[0].queue, o->rate_n, o->rate_ms);
	assert(o->n_limits <= PROXY_LIMITS_MAX);
	for (size_t i = 0; i < o->n_limits; i++) {
		const struct proxy_limit *l = &o->limits[i];
		struct target_limit *own = &t->limits[t->n_limits++];

		own->queue = queue_join(t->proxy, l->key);
		own->match = dup_or_null(l->match);
		if (l->quota)
			queue_quota(own->queue, l->n, l->per_ms);
		else
			queue_rate(own->queue, l->n, l->per_ms);
	}
}

/* Which limits a request has to pass, a bit each. */
unsigned
target_limits_of(const struct proxy_target *t, const char *method, const struct url *u)
{
	unsigned limits = 0;
	char *path = url_path(u), *base = url_path(&t->base);
	const char *below;
	size_t n;

	n = base ? strlen(base) : 0;
	while (n && base[n - 1] == '/')
		n--;
	below = path ? path : "/";
	if (n && !strncmp(below, base, n) && below[n] == '/')
		below += n;
	for (size_t i = 0; i < t->n_limits; i++)
		if (!t->limits[i].match || group_matches(t->limits[i].match, method, below))
			limits |= 1u << i;
	curl_free(path);
	curl_free(base);
	return limits;
}

struct proxy_target *
proxy_target_new(struct proxy *p, const struct proxy_target_options *o, struct err *err)
{
	struct proxy_target *t = XNEW(struct proxy_target);
	const char *name = o->name ? o->name : "";

	*t = (struct proxy_target){
	        .proxy = p,
	        .name = xstrdup(name),
	        .label = xstrdup(o->label ? o->label : name),
	        .base_trusted = o->base_trusted,
	        .hosts = list_dup(o->hosts),
	        .allow_hosts = list_dup(o->allow_hosts),
	        .headers = list_dup(o->headers),
	        .auth = o->auth.kind,
	        .auth_name = dup_or_null(o->auth.name),
	        .auth_prefix = xstrdup(o->auth.prefix ? o->auth.prefix : ""),
	        .token = secret_dup(o->auth.token),
	        .username = secret_dup(o->auth.username),
	        .password = secret_dup(o->auth.password),
	        .oauth = o->auth.oauth ? oauth_hold(o->auth.oauth) : NULL,
	        .remaining = lower_or_null(o->remaining),
	        .reset = lower_or_null(o->reset),
	        .retry_after = lower_or_null(o->retry_after),
	        .retry_body = dup_or_null(o->retry_body),
	};
	if (!o->base_url || !*o->base_url) {
		err_set(err, ERR_USAGE, "%s: no base_url is known; set base_url", name);
		goto fail;
	}
	if (url_parse(&t->base, slice_str(o->base_url), err)) {
		err_prefix(err, "%s: base_url", name);
		goto fail;
	}
	if (auth_check(t, err) || target_headers_check(t, err)) {
		err_prefix(err, "%s", name);
		goto fail;
	}
	target_limits(t, o);
	return t;
fail:
	proxy_target_free(t);
	return NULL;
}

void
proxy_target_free(struct proxy_target *t)
{
	if (!t)
		return;
	assert(!t->calls);
	for (size_t i = 0; i < t->n_limits; i++) {
		queue_leave(t->limits[i].queue);
		free(t->limits[i].match);
	}
	url_free(&t->base);
	free(t->name);
	free(t->label);
	list_free(t->hosts);
	list_free(t->allow_hosts);
	list_free(t->headers);
	free(t->auth_name);
	free(t->auth_prefix);
	secret_free(t->token);
	secret_free(t->username);
	secret_free(t->password);
	oauth_free(t->oauth);
	free(t->remaining);
	free(t->reset);
	free(t->retry_after);
	free(t->retry_body);
	free(t);
}

static bool
listed(char **list, const struct url *u, bool strict)
{
	for (; *list; list++)
		if (address_named(*list, u->host, u->port, url_usual_port(u), strict))
			return true;
	return false;
}

/* base_url's own origin; or the same host over https at its usual port, when base_url says http at the usual one. */
static bool
is_base(const struct proxy_target *t, const struct url *u)
{
	if (url_same_origin(u, &t->base))
		return true;
	return u->tls && !t->base.tls && u->port == 443 && t->base.port == 80 && !strcmp(u->host, t->base.host);
}

int
target_access(const struct proxy_target *t, const struct url *u, bool from_answer, struct access *a, struct err *err)
{
	bool base = is_base(t, u), declared = listed(t->hosts, u, true),
	     allowed = listed(t->allow_hosts, u, from_answer);

	*a = (struct access){0};
	if (!base && !declared && !allowed)
		return err_set(err, ERR_USAGE,
		               "%s: %.600s is not on an allowed host; if it shall be asked, add %s:%u to allow_hosts",
		               t->name, u->shown, u->host, u->port);
	if (t->base.tls && !u->tls)
		return err_set(err, ERR_USAGE, "%s: %.600s would leave https for http, which is never done", t->name,
		               u->shown);
	a->trusted = allowed || (base && t->base_trusted);
	a->credentials = base || declared;
	return 0;
}
