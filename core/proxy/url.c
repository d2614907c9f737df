/* url.c - one parser for all: libcurl's URL API, whose result is also what the transfer is started with
 * (CURLOPT_CURLU).
 *
 * Guarantee: no two readings of one text. The host that is compared with the allowed ones is the one libcurl connects
 * to; numeric spellings (0x7f.1, 2130706433) and escapes in it are already resolved there.
 * Awkward: a redirect may hold blanks or UTF-8 (escaped here, as browsers do), a backslash (browsers read a slash,
 * libcurl does not: refused), or a user name ("good@evil": refused). Endpoints are joined as text behind
 * "scheme://host:port/", so nothing in one can change where it goes. */
#include "proxy/url.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "base/mem.h"

#define URL_MAX (64 * 1024) /* bytes; longer ones are somebody's mistake */

static bool
text_good(struct slice text, struct err *err)
{
	if (text.len > URL_MAX)
		return err_set(err, ERR_USAGE, "a URL of %zu bytes is too long (at most %d)", text.len, URL_MAX), false;
	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.p[i];

		if (c < 0x20 || c == 0x7f)
			return err_set(err, ERR_USAGE, "a URL holds a control byte (0x%02x)", c), false;
		if (c == '\\')
			return err_set(err, ERR_USAGE, "a URL holds a backslash; escape it as %%5C"), false;
	}
	return true;
}

/* For want of memory nothing is taken for missing: a user name, or the query that says which page. */
static CURLUcode
enough(CURLUcode rc)
{
	if (rc == CURLUE_OUT_OF_MEMORY)
		die("out of memory: a URL could not be made");
	return rc;
}

static char *
part(CURLU *parts, CURLUPart which, unsigned flags)
{
	char *text = NULL;

	return enough(curl_url_get(parts, which, &text, flags)) ? NULL : text;
}

/* The host as it compares: lower case, no brackets, no trailing dot. */
static char *
host_plain(const char *host)
{
	size_t len = strlen(host);
	char *plain;

	if (len > 2 && host[0] == '[' && host[len - 1] == ']') {
		host++;
		len -= 2;
	}
	if (len > 1 && host[len - 1] == '.')
		len--;
	plain = xstrndup(host, len);
	for (char *p = plain; *p; p++)
		*p = (char)tolower((unsigned char)*p);
	return plain;
}

/* Fills the rest of u from u->parts. */
static int
url_read(struct url *u, struct err *err)
{
	char *scheme = part(u->parts, CURLUPART_SCHEME, 0), *host = part(u->parts, CURLUPART_HOST, 0);
	char *port = part(u->parts, CURLUPART_PORT, CURLU_DEFAULT_PORT), *path = part(u->parts, CURLUPART_PATH, 0);
	char *user = part(u->parts, CURLUPART_USER, 0), *zone = part(u->parts, CURLUPART_ZONEID, 0);
	int rc = -1;

	if (!scheme || (strcmp(scheme, "http") && strcmp(scheme, "https")))
		err_set(err, ERR_USAGE, "'%.20s' is no scheme for a request; use https or http", scheme ? scheme : "");
	else if (!host || !*host || !port)
		err_set(err, ERR_USAGE, "a URL names no host");
	else if (user)
		err_set(err, ERR_USAGE,
		        "a URL on %.200s holds a user name or password; credentials belong into the connection", host);
	else if (zone)
		err_set(err, ERR_USAGE, "a URL names the network interface '%.20s'; leave it out", zone);
	else {
		u->host = host_plain(host);
		u->tls = !strcmp(scheme, "https");
		u->port = (uint16_t)atoi(port);
		u->shown = xasprintf("%s://%.255s:%s%.400s", scheme, host, port, path ? path : "/");
		curl_url_set(u->parts, CURLUPART_FRAGMENT, NULL, 0);
		rc = 0;
	}
	curl_free(scheme);
	curl_free(host);
	curl_free(port);
	curl_free(path);
	curl_free(user);
	curl_free(zone);
	if (rc)
		url_free(u);
	return rc;
}

static int
url_set(struct url *u, const char *text, struct err *err)
{
	CURLUcode rc = enough(curl_url_set(u->parts, CURLUPART_URL, text, CURLU_URLENCODE | CURLU_DISALLOW_USER));

	if (!rc)
		return url_read(u, err);
	if (rc == CURLUE_USER_NOT_ALLOWED)
		err_set(err, ERR_USAGE, "a URL holds a user name or password; credentials belong into the connection");
	else if (rc == CURLUE_UNSUPPORTED_SCHEME)
		err_set(err, ERR_USAGE, "a URL has a scheme other than https or http");
	else
		err_set(err, ERR_USAGE, "'%.*s' is no URL: %s", (int)strcspn(text, "?#@"), text, curl_url_strerror(rc));
	url_free(u);
	return -1;
}

static CURLU *
parts_new(void)
{
	CURLU *parts = curl_url();

	enough(parts ? CURLUE_OK : CURLUE_OUT_OF_MEMORY);
	return parts;
}

int
url_parse(struct url *u, struct slice text, struct err *err)
{
	char *copy;
	int rc;

	*u = (struct url){0};
	if (!text_good(text, err))
		return -1;
	u->parts = parts_new();
	copy = slice_dup(text);
	rc = url_set(u, copy, err);
	free(copy);
	return rc;
}

int
url_resolve(struct url *u, const struct url *from, struct slice location, struct err *err)
{
	char *copy;
	int rc;

	*u = (struct url){0};
	if (!text_good(location, err))
		return -1;
	u->parts = curl_url_dup(from->parts);
	enough(u->parts ? CURLUE_OK : CURLUE_OUT_OF_MEMORY);
	copy = slice_dup(location);
	rc = url_set(u, copy, err);
	free(copy);
	return rc;
}

/* Has it a scheme, or a host of its own ("//host/")? */
static bool
is_absolute(struct slice s)
{
	size_t i = 0;

	if (slice_starts(s, "//"))
		return true;
	if (!s.len || !isalpha((unsigned char)s.p[0]))
		return false;
	while (i < s.len && (isalnum((unsigned char)s.p[i]) || strchr("+-.", s.p[i])))
		i++;
	return s.len - i >= 3 && !memcmp(s.p + i, "://", 3);
}

static void
put_query(struct buf *out, struct slice query)
{
	if (!query.len)
		return;
	if (!memchr(out->p, '?', out->len))
		buf_putc(out, '?');
	else if (out->p[out->len - 1] != '?' && out->p[out->len - 1] != '&')
		buf_putc(out, '&');
	buf_slice(out, query);
}

/* Appends base's own path without a slash at its end, then the endpoint's. */
static void
put_path(struct buf *out, const struct url *base, struct slice endpoint, bool from_answer)
{
	char *path = part(base->parts, CURLUPART_PATH, 0);
	struct slice prefix = slice_str(path);
	bool held;

	while (prefix.len && prefix.p[prefix.len - 1] == '/')
		prefix.len--;
	held = from_answer && prefix.len && endpoint.len > prefix.len && !memcmp(endpoint.p, prefix.p, prefix.len) &&
	       strchr("/?", endpoint.p[prefix.len]);
	if (!held)
		buf_slice(out, prefix);
	if (endpoint.len && endpoint.p[0] != '/' && endpoint.p[0] != '?')
		buf_putc(out, '/');
	buf_slice(out, endpoint);
	curl_free(path);
}

int
url_endpoint(struct url *u, const struct url *base, struct slice endpoint, struct slice query, bool from_answer,
             struct err *err)
{
	struct buf text = {0};
	const char *fragment = endpoint.len ? memchr(endpoint.p, '#', endpoint.len) : NULL;
	int rc;

	*u = (struct url){0};
	if (!text_good(endpoint, err) || !text_good(query, err))
		return -1;
	if (query.len && memchr(query.p, '#', query.len))
		return err_set(err, ERR_USAGE, "a query holds a '#'; escape it as %%23");
	if (fragment)
		endpoint.len = (size_t)(fragment - endpoint.p);
	if (is_absolute(endpoint)) {
		if (endpoint.p[0] == '/')
			buf_puts(&text, base->tls ? "https:" : "http:");
		buf_slice(&text, endpoint);
	} else {
		bool v6 = strchr(base->host, ':') != NULL;

		buf_printf(&text, "%s://%s%s%s:%u", base->tls ? "https" : "http", v6 ? "[" : "", base->host,
		           v6 ? "]" : "", base->port);
		put_path(&text, base, endpoint, from_answer);
	}
	put_query(&text, query);
	u->parts = parts_new();
	rc = url_set(u, buf_str(&text), err);
	buf_free(&text);
	return rc;
}

void
url_free(struct url *u)
{
	curl_url_cleanup(u->parts);
	free(u->host);
	free(u->shown);
	*u = (struct url){0};
}

uint16_t
url_usual_port(const struct url *u)
{
	return u->tls ? 443 : 80;
}

bool
url_same_place(const struct url *a, const struct url *b)
{
	return a->port == b->port && !strcmp(a->host, b->host);
}

bool
url_same_origin(const struct url *a, const struct url *b)
{
	return a->tls == b->tls && url_same_place(a, b);
}

char *
url_path(const struct url *u)
{
	return u->parts ? part(u->parts, CURLUPART_PATH, 0) : NULL;
}

/* Copies the parameters of query that are not called name. */
static void
keep_others(struct buf *out, const char *query, struct slice name)
{
	for (const char *p = query; p && *p;) {
		size_t len = strcspn(p, "&"), key = strcspn(p, "=&");

		if (len && !slice_eq(slice_of(p, key), name)) {
			if (out->len)
				buf_putc(out, '&');
			buf_put(out, p, len);
		}
		p += len + (p[len] == '&');
	}
}

void
url_set_param(struct url *u, const char *name, struct slice value)
{
	struct buf key = {0}, query = {0};
	char *old = part(u->parts, CURLUPART_QUERY, 0);

	buf_url(&key, slice_str(name));
	keep_others(&query, old, buf_view(&key));
	if (value.p) {
		if (query.len)
			buf_putc(&query, '&');
		buf_slice(&query, buf_view(&key));
		buf_putc(&query, '=');
		buf_url(&query, value);
	}
	enough(curl_url_set(u->parts, CURLUPART_QUERY, query.len ? buf_str(&query) : NULL, 0));
	curl_free(old);
	buf_wipe(&query);
	buf_free(&key);
}
