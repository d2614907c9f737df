/* request.c - a plugin's wish, checked before anything is done, and the headers that go out for it.
 *
 * Guarantee: what is not permitted (methods, headers, hosts) is refused with a reason before a connection is made.
 * Awkward: headers are made anew for each sending, since a redirect may have led to where less may be told. */
#include "proxy/request.h"

#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "proxy/redirect.h"

static const char *const methods[] = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND", "REPORT"};

/* One line at a time of "name: value\n" lines. */
static bool
next_line(struct slice *rest, struct slice *line)
{
	const char *newline;

	while (rest->len && (rest->p[0] == '\n' || rest->p[0] == '\r'))
		rest->p++, rest->len--;
	if (!rest->len)
		return false;
	newline = memchr(rest->p, '\n', rest->len);
	*line = slice_of(rest->p, newline ? (size_t)(newline - rest->p) : rest->len);
	rest->p += line->len;
	rest->len -= line->len;
	if (line->p[line->len - 1] == '\r')
		line->len--;
	return true;
}

static void
raw_put(struct curl_slist **list, const char *text)
{
	*list = curl_slist_append(*list, text);
	if (!*list)
		die("out of memory: a header could not be added");
}

/* Where credentials may not go, nothing goes that a connector or operator chose, except what the body is. */
struct curl_slist *
request_headers(struct proxy_call *c)
{
	struct slice rest = buf_view(&c->headers), line;
	struct curl_slist *list = header_put(NULL, SLICE("Accept-Encoding: gzip"));

	for (char **h = c->target->headers; *h && c->access.credentials; h++)
		list = header_put(list, slice_str(*h));
	while (next_line(&rest, &line))
		if (c->access.credentials || redirect_keeps_header(line))
			list = header_put(list, line);
	if (c->body.len && !header_has(list, "content-type"))
		list = header_put(list, SLICE("Content-Type: application/json"));
	else if (!header_has(list, "content-type"))
		raw_put(&list, "Content-Type:"); /* libcurl would call it a form */
	raw_put(&list, "Expect:");               /* no waiting for "100 Continue" */
	return list;
}

static int
method_set(struct proxy_call *c, const struct proxy_request *r, struct err *err)
{
	for (size_t i = 0; i < LENGTH(methods); i++) {
		if (!r->method || strcmp(r->method, methods[i]))
			continue;
		memcpy(c->method, methods[i], strlen(methods[i]) + 1);
		if (r->body.len && !strcmp(r->method, "HEAD"))
			return err_set(err, ERR_USAGE, "a HEAD request has no body");
		return 0;
	}
	memcpy(c->method, "?", 2);
	return err_set(err, ERR_USAGE,
	               "'%.20s' is no method that is sent; use GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS, PROPFIND or REPORT",
	               r->method ? r->method : "");
}

/* Is that a request that may be made? */
int
request_check(struct proxy_call *c, const struct proxy_request *r, struct err *err)
{
	struct slice rest = r->headers, line;

	if (method_set(c, r, err))
		return -1;
	while (next_line(&rest, &line))
		if (header_check(line, c->target->auth_name, err))
			return -1;
	if (url_endpoint(&c->url, &c->target->base, r->endpoint, r->query, r->from_answer, err))
		return -1;
	return target_access(c->target, &c->url, r->from_answer, &c->access, err);
}

void
request_copy(struct proxy_call *c, const struct proxy_request *r)
{
	buf_slice(&c->headers, r->headers);
	buf_slice(&c->body, r->body);
	if (r->n_retry_on)
		c->retry_on = xmemdup(r->retry_on, r->n_retry_on * sizeof *r->retry_on);
	c->n_retry_on = r->n_retry_on;
	c->limit = r->retries < 0 ? 0 : r->retries ? (unsigned)r->retries : c->proxy->retries;
	c->endless = r->streamed && r->timeout_ms <= 0;
	c->timeout_ms = r->timeout_ms > 0 ? r->timeout_ms : c->proxy->request_ms;
	c->deadline = r->deadline_mono_ms;
	c->safe = r->safe;
}
