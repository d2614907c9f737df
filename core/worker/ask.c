/* ask.c - from a page request and a position to the HTTP request for that page.
 *
 * Guarantee: the same position asks the same again, byte by byte, in any worker. The author's parameters and body go
 * along with each page, but for those whose place is ours (limit, cursor, offset, page number).
 * Awkward: a link holds all its parameters itself, so none is added to it; and where absences will count, an offset
 * asks for one item before its position, to see that the list did not shift. */
#include "worker/ask.h"

#include <stdlib.h>
#include <string.h>
#define XXH_INLINE_ALL
#include <xxhash.h>
#include "base/mem.h"
#include "worker/query.h"
#include "worker/step.h"

/* "METHOD endpoint?query" and, with a body, its hash; or the author's key. */
void
ask_key(struct step *s, const struct sluice_page_request *r, struct buf *out)
{
	struct buf query = {0};

	if (r->key) {
		buf_puts(out, r->key);
		return;
	}
	buf_puts(out, http_method(r->method, r->body || (r->flags & SLUICE_PARAMS_IN_BODY)));
	buf_putc(out, ' ');
	buf_puts(out, r->endpoint);
	if (r->query) {
		query_pairs(&query, &s->w->plugin, r->query, NULL);
		buf_putc(out, '?');
		buf_slice(out, buf_view(&query));
		buf_free(&query);
	}
	if (r->body) {
		XXH128_hash_t h = XXH3_128bits(r->body, strlen(r->body));
		buf_printf(out, " #%016llx%016llx", (unsigned long long)h.high64, (unsigned long long)h.low64);
	}
}

int
ask_check(struct step *s, const struct sluice_page_request *r)
{
	const char *wrong = NULL;

	if (!r->endpoint || !*r->endpoint)
		wrong = "has no endpoint";
	else if (!http_method(r->method, r->body != NULL))
		wrong = "has a method that is none of GET, POST, PUT, PATCH, DELETE, HEAD";
	else if (r->kind < 0 || r->kind > SLUICE_PAGE)
		wrong = "has a kind that is none of enum sluice_pagination";
	else if ((r->kind == SLUICE_CURSOR || r->kind == SLUICE_LAST_ITEM) && !r->cursor_param)
		wrong = "needs .cursor_param, the parameter that takes the cursor";
	else if (r->kind == SLUICE_CURSOR && !r->cursor)
		wrong = "needs .cursor, the path of the next cursor in the answer";
	else if (r->limit < 0)
		wrong = "has a negative .limit";
	else if (r->kind == SLUICE_OFFSET && (r->flags & SLUICE_BY_PAGE) && !r->limit)
		wrong = "advances by the limit (SLUICE_BY_PAGE) and needs a .limit";
	if (wrong)
		return step_fail(s, SLUICE_EARGUMENT, "sluice_paginate: the request for %.200s %s",
		                 r->endpoint ? r->endpoint : "(NULL)", wrong);
	return 0;
}

struct param {
	const char *name;
	char *value; /* JSON scalar */
};

/* The parameters that are ours: limit, and cursor, offset or page. Returns how many. */
static size_t
params_make(const struct asked *a, struct param params[2])
{
	const struct sluice_page_request *r = a->r;
	const char *next = a->mark->next;
	int64_t n = r->kind == SLUICE_PAGE ? (int64_t)r->start + 1 : r->start;
	size_t count = 0;

	if (a->limit)
		params[count++] = (struct param){r->limit_param ? r->limit_param : "limit", xasprintf("%d", a->limit)};
	if ((r->kind == SLUICE_CURSOR || r->kind == SLUICE_LAST_ITEM) && next)
		params[count++] = (struct param){r->cursor_param, xstrdup(next)};
	if (r->kind == SLUICE_OFFSET || r->kind == SLUICE_PAGE) {
		if (next)
			json_int(slice_str(next), &n);
		params[count++] = (struct param){r->cursor_param          ? r->cursor_param
		                                 : r->kind == SLUICE_PAGE ? "page"
		                                                          : "offset",
		                                 xasprintf("%lld", (long long)(n - a->overlap))};
	}
	return count;
}

static void
params_to_query(struct step *s, const struct asked *a, const struct param *params, size_t n, struct buf *query)
{
	const char *ours[3] = {n > 0 ? params[0].name : NULL, n > 1 ? params[1].name : NULL, NULL};
	struct buf text = {0};

	query_pairs(query, &s->w->plugin, a->r->query, ours);
	for (size_t i = 0; i < n; i++) {
		buf_clear(&text);
		if (!json_unquote(slice_str(params[i].value), &text))
			buf_puts(&text, params[i].value);
		query_put(query, params[i].name, buf_view(&text));
	}
	buf_free(&text);
}

static int
params_to_body(struct step *s, const struct asked *a, const struct param *params, size_t n, struct buf *body)
{
	struct buf patch = {0}, merged = {0};

	buf_puts(body, a->r->body ? a->r->body : "{}");
	if (!json_check(buf_view(body), JSON_DEPTH_MAX, NULL) || json_type(buf_view(body)) != JSON_OBJECT)
		return step_fail(s, SLUICE_EARGUMENT,
		                 "sluice_paginate: the body of the request for %.200s is no JSON object, so "
		                 "that parameters cannot go into it",
		                 a->r->endpoint);
	for (size_t i = 0; i < n; i++) {
		buf_clear(&patch);
		buf_clear(&merged);
		json_at_path(&patch, params[i].name, slice_str(params[i].value));
		json_merge(&merged, buf_view(body), buf_view(&patch));
		buf_clear(body);
		buf_slice(body, buf_view(&merged));
	}
	buf_free(&patch);
	buf_free(&merged);
	return 0;
}

void
ask_prepare(const struct step *s, const struct sluice_page_request *r, const struct mark *mark, struct asked *a)
{
	*a = (struct asked){.r = r, .mark = mark, .limit = r->limit};
	if (s->page_size && (r->limit || r->limit_param))
		a->limit = (int)s->page_size;
	a->tracked = s->full && s->sync && (s->sync->flags & SLUICE_TRACK_DELETES);
	a->overlap = a->tracked && r->kind == SLUICE_OFFSET && !(r->flags & SLUICE_NO_OVERLAP) && mark->has_last &&
	             a->limit != 1 && (!(r->flags & SLUICE_BY_PAGE) || mark->full);
}

struct exchange *
ask_page(struct step *s, const struct asked *a)
{
	const struct sluice_page_request *r = a->r;
	struct http_request h = {.method = r->method,
	                         .headers = r->headers,
	                         .accept = r->accept,
	                         .retry_on = r->retry_on,
	                         .retries = r->retries,
	                         .timeout_ms = r->timeout_ms,
	                         .safe = true,
	                         .page = true,
	                         .conditional = (r->flags & SLUICE_UNCHANGED_SKIPS) && s->keeps && !a->mark->nests &&
	                                        s->pager.depth <= 1};
	struct buf query = {0}, body = {0}, url = {0};
	struct param params[2];
	size_t n = params_make(a, params);
	struct exchange *x = NULL;
	int rc = 0;

	h.endpoint = slice_str(r->endpoint);
	if (r->kind == SLUICE_LINK && a->mark->next) {
		h.link = json_unquote(slice_str(a->mark->next), &url);
		h.endpoint = slice_str(buf_str(&url));
		if (r->body)
			buf_puts(&body, r->body);
	} else if (r->flags & SLUICE_PARAMS_IN_BODY) {
		query_pairs(&query, &s->w->plugin, r->query, NULL);
		rc = params_to_body(s, a, params, n, &body);
	} else {
		params_to_query(s, a, params, n, &query);
		if (r->body)
			buf_puts(&body, r->body);
	}
	h.query = buf_view(&query);
	h.body = buf_view(&body);
	if (rc == 0)
		x = http_send(s, &h);
	if (x)
		x->conditional = h.conditional;
	while (n)
		free(params[--n].value);
	buf_free(&query);
	buf_free(&body);
	buf_free(&url);
	return x;
}
