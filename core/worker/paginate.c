/* paginate.c - the loop that the author writes, seen from below.
 *
 *   call -> which pagination? -- open: its page in hand is done --> POSITION --> at its end: 0
 *                |                                                     |
 *                '- new: a level deeper, at its kept position ---------+--> the step is over: 0
 *                   (finished in this run: 0)                          '--> next page (asked for ahead, or now) --> 1
 *
 * Nesting is dynamic: a pagination opened while another has a page in hand is its child. When a page is done, the positions
 * of the children that were read for its items are dropped with it. Two signs tell that a loop was left early: an outer
 * one asks for its next page, or another pagination fills the same struct sluice_page. Such a one counts as finished, and
 * makes the run incomplete.
 *
 * Guarantee: the position sent behind a page's saves is where that page ends, so a run that is cut anywhere goes on with
 * nothing lost. A step makes at least one page of progress, however small its budget and however deep the nesting: an
 * outer page that has to be there for an inner one is kept in hand over steps of one worker.
 *
 * Awkward: a step that walks over many finished children pays for each; its budget grows with them (STEP_SKIPS), or a page of
 * 100 000 parents would take quadratic time. */
#include "worker/paginate.h"

#include <stdlib.h>
#include <string.h>
#define XXH_INLINE_ALL
#include <xxhash.h>
#include "base/mem.h"
#include "worker/query.h"
#include "worker/step.h"

static struct slice
position_slice(const struct position *p)
{
	return slice_of(p->name, p->len);
}

static const char *
position_text(const struct position *p)
{
	return p->name + 1;
}

/* ---- what is asked ---- */

/* "METHOD endpoint?query" and, with a body, its hash; or the author's key. */
static void
key_make(struct step *s, const struct sluice_page_request *r, struct buf *out)
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

static int
request_check(struct step *s, const struct sluice_page_request *r)
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
		return step_fail(s, SLUICE_EARGUMENT, "sluice_paginate: the request for %.200s %s", r->endpoint ? r->endpoint : "(NULL)", wrong);
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
		params[count++] = (struct param){
			r->cursor_param ? r->cursor_param : r->kind == SLUICE_PAGE ? "page" : "offset",
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
		return step_fail(s, SLUICE_EARGUMENT, "sluice_paginate: the body of the request for %.200s is no JSON object, so "
		                 "that parameters cannot go into it", a->r->endpoint);
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

static void
asked_make(const struct step *s, const struct sluice_page_request *r, const struct mark *mark, struct asked *a)
{
	*a = (struct asked){.r = r, .mark = mark, .limit = r->limit};
	if (s->page_size && (r->limit || r->limit_param))
		a->limit = (int)s->page_size;
	a->tracked = s->full && s->sync && (s->sync->flags & SLUICE_TRACK_DELETES);
	a->overlap = a->tracked && r->kind == SLUICE_OFFSET && !(r->flags & SLUICE_NO_OVERLAP) && mark->has_last &&
	             a->limit != 1 && (!(r->flags & SLUICE_BY_PAGE) || mark->full);
}

static struct exchange *
page_ask(struct step *s, const struct asked *a)
{
	const struct sluice_page_request *r = a->r;
	struct http_request h = {.method = r->method, .headers = r->headers, .accept = r->accept, .retry_on = r->retry_on,
	                         .retries = r->retries, .timeout_ms = r->timeout_ms, .safe = true, .page = true};
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
	while (n)
		free(params[--n].value);
	buf_free(&query);
	buf_free(&body);
	buf_free(&url);
	return x;
}

/* ---- levels ---- */

static struct level *
level_top(struct step *s)
{
	return &s->pager.levels[s->pager.depth - 1];
}

static void
level_pop(struct step *s)
{
	struct level *l = level_top(s);

	if (l->page) {
		http_free(s, l->page->ahead);
		page_free(l->page);
	}
	*l = (struct level){0};
	s->pager.depth--;
}

static void
position_send(struct step *s, const struct position *p, bool finished, size_t items, uint8_t proof, bool drop)
{
	struct buf state = {0};
	size_t at;

	s->progress++;
	if (!s->keeps)
		return;
	mark_write(&state, &p->mark, finished);
	at = frame_begin(&s->out, MSG_POSITION, 0, channel_serial(s->w->ch));
	buf_bytes(&s->out, position_slice(p));
	buf_u8(&s->out, finished);
	buf_u32(&s->out, (uint32_t)items);
	buf_bytes(&s->out, buf_view(&state));
	buf_u8(&s->out, drop);
	buf_u8(&s->out, s->incomplete ? PROOF_NONE : proof);
	frame_end(&s->out, at);
	step_send(s);
	buf_free(&state);
}

/* The page in hand of the top level is done. finished: nothing comes behind it; the level is gone then. */
static void
level_done(struct step *s, bool is_finished)
{
	struct level *l = level_top(s);
	unsigned depth = s->pager.depth;
	size_t items = l->page->items.n;
	bool drop = positions_deeper(s->rt->positions, depth), nests = l->p->mark.nests;

	mark_copy(&l->p->mark, &l->page->after);
	l->p->mark.nests = nests;
	position_send(s, l->p, is_finished, items, l->p->mark.proof, drop);
	positions_drop(s->rt->positions, depth);
	if (is_finished) {
		struct position *p = l->p;
		level_pop(s);
		positions_finish(s->rt->positions, position_slice(p));
		return;
	}
	page_free(l->page);
	l->page = NULL;
}

/* The loop over the top level was left before its end. */
static void
level_leave(struct step *s)
{
	struct level *l = level_top(s);

	if (l->page->more) {
		if (!s->incomplete && s->full)
			step_log(s, SLUICE_WARN, "the loop over '%s' was left before its end: what is absent from this run is not deleted",
			         position_text(l->p));
		s->incomplete = true;
	}
	level_done(s, true);
}

static void
levels_leave(struct step *s, unsigned down_to)
{
	while (s->pager.depth > down_to)
		level_leave(s);
}

const struct page *
pager_holds(const struct step *s, const char *json, size_t len)
{
	for (unsigned i = s->pager.depth; i > 0; i--) {
		const struct page *p = s->pager.levels[i - 1].page;
		if (p && p->list.p == json && (p->list.len == len || !len))
			return p;
	}
	return NULL;
}

void
pager_end(struct step *s)
{
	levels_leave(s, 0);
}

void
pager_keep(struct step *s)
{
	while (s->pager.depth) {
		struct level *l = level_top(s);
		if (l->page) {
			http_free(s, l->page->ahead);
			l->page->ahead = NULL;
			l->page->x->what = "";
			l->p->kept = l->page;
			l->page = NULL;
		}
		level_pop(s);
	}
}

void
pager_drop(struct step *s)
{
	while (s->pager.depth)
		level_pop(s);
}

void
pager_finish(struct step *s)
{
	pager_drop(s);
	buf_free(&s->pager.key);
}

/* ---- the call ---- */

static const struct page no_page = {.list = {"[]", 2}};

static void
page_fill(struct step *s, const struct page *p, struct sluice_page *page)
{
	struct sluice_page full = {.body = p->list.p, .len = p->list.len, .count = p->items.n, .answer = "", .headers = ""};

	if (p->x) {
		full.answer = buf_str(&p->x->body);
		full.answer_len = p->x->body.len;
		full.status = p->x->status;
		full.headers = buf_str(&p->x->headers);
		full.number = (long)p->after.pages;
	}
	plugin_page_out(&s->w->plugin, &full, page);
}

/* Must the function be led out before another request is made? */
static bool
pager_spent(struct step *s)
{
	if (s->progress && step_spent(s))
		s->over = true;
	else if (s->stop != STOP_NONE && s->stop != STOP_BUDGET && s->keeps)
		s->over = true;
	return s->over;
}

/* Asks for the page behind the one in hand, if there is room in the budget and no other answer is awaited. */
static void
page_ask_ahead(struct step *s, const struct sluice_page_request *r, struct level *l)
{
	struct asked a;

	if (!l->page->more || l->page->loops || l->page->ahead || l->p->mark.nests || s->stop)
		return;
	if ((s->calls && s->requests >= s->calls) || http_pending(s))
		return;
	asked_make(s, r, &l->page->after, &a);
	l->page->ahead = page_ask(s, &a);
}

/* The host ended the request because the run is to stop: no failure of the page. */
static bool
stopped_softly(struct step *s, const struct exchange *x)
{
	if (x->status || x->cls != ERR_STOPPED || !s->keeps)
		return false;
	step_poll(s);
	return s->stop != STOP_NONE && s->stop != STOP_CANCELLED;
}

/* Gets the page at the level's position: sent for already (x), or now. 1, 0 when the step is over, or a failure. */
static int
level_fetch(struct step *s, const struct sluice_page_request *r, struct level *l, struct exchange *x)
{
	struct asked a;

	asked_make(s, r, &l->p->mark, &a);
	if (!x && !(x = page_ask(s, &a)))
		return s->status;
	if (http_wait(s, x))
		return s->status;
	if (stopped_softly(s, x)) {
		s->over = true;
		http_free(s, x);
		return 0;
	}
	http_detach(s, x);
	l->page = page_read(s, &a, x);
	return l->page ? 1 : s->status;
}

/* The top level has a page in hand and was asked for the next. */
static int
level_advance(struct step *s, const struct sluice_page_request *r)
{
	struct level *l = level_top(s);
	struct exchange *ahead = l->page->ahead;

	if (l->page->loops)
		return step_fail(s, SLUICE_ELOOP, "'%s': page %llu leads to a page that was read before", position_text(l->p),
		                 (unsigned long long)l->page->after.pages);
	l->page->ahead = NULL;
	if (!l->page->more) {
		level_done(s, true);
		return 0;
	}
	level_done(s, false);
	if (ahead ? s->stop != STOP_NONE && pager_spent(s) : pager_spent(s)) {
		http_free(s, ahead);
		return 0;
	}
	return level_fetch(s, r, l, ahead);
}

/* A pagination that is not open in this step: at its kept position, or from its start. */
static int
level_open(struct step *s, const struct sluice_page_request *r, struct slice name)
{
	struct position *p;
	struct level *l;

	if (positions_find(s->rt->positions, name, &p) == POSITION_FINISHED) {
		s->skipped++;
		return 0;
	}
	if (pager_spent(s))
		return 0;
	if (p && p->mark.kind != r->kind && p->mark.pages) {
		step_log(s, SLUICE_WARN, "'%s' is paginated in another way than before: it is read from its start", name.p + 1);
		mark_free(&p->mark);
	}
	if (!p)
		p = positions_add(s->rt->positions, name);
	p->mark.kind = r->kind;
	/* Inner paginations of one depth are alike: where one had others within it, the next one will. */
	if (s->pager.depth > 1)
		s->rt->nests |= 1u << s->pager.depth;
	if (s->pager.depth)
		level_top(s)->p->mark.nests = true;
	if (s->rt->nests >> (s->pager.depth + 1) & 1)
		p->mark.nests = true;
	l = &s->pager.levels[s->pager.depth++];
	*l = (struct level){.p = p, .page = p->kept};
	p->kept = NULL;
	return l->page ? 1 : level_fetch(s, r, l, NULL);
}

/* The open level of that key, counted from 1; 0: none. */
static unsigned
level_find(const struct step *s, struct slice key)
{
	for (unsigned i = s->pager.depth; i > 0; i--) {
		const struct position *p = s->pager.levels[i - 1].p;
		if (p->len - 1 == key.len && !memcmp(p->name + 1, key.p, key.len))
			return i;
	}
	return 0;
}

static unsigned
level_given(const struct step *s, const struct sluice_page *page)
{
	for (unsigned i = 0; i < s->pager.depth; i++)
		if (s->pager.levels[i].given == page)
			return i + 1;
	return 0;
}

static int
paginate_next(struct step *s, const struct sluice_page_request *r, const struct sluice_page *page)
{
	struct buf *key = &s->pager.key;
	struct slice name;
	unsigned open;

	buf_clear(key);
	position_name(key, 0, SLICE(""));
	key_make(s, r, key);
	if (key->len > POSITION_KEY + 1) {
		char *whole = slice_dup(slice_of(key->p + 1, key->len - 1));
		buf_clear(key);
		position_name(key, 0, slice_str(whole));
		free(whole);
	}
	open = level_find(s, slice_of(key->p + 1, key->len - 1));
	if (open) {
		levels_leave(s, open);
		return level_advance(s, r);
	}
	open = level_given(s, page);
	if (open)
		levels_leave(s, open - 1);
	if (s->pager.depth == POSITION_DEPTH)
		return step_fail(s, SLUICE_ELIMIT, "paginations are nested more than %d deep", POSITION_DEPTH);
	key->p[0] = (char)(s->pager.depth + 1);
	buf_str(key);
	name = buf_view(key);
	return level_open(s, r, name);
}

int
run_paginate(struct sluice_run *run, const struct sluice_page_request *request, struct sluice_page *page)
{
	struct step *s = step_of(run);
	struct sluice_page_request r;
	int rc;

	if (page)
		page_fill(s, &no_page, page);
	if (s->status || s->over)
		return s->status;
	if (!request || !page)
		return step_fail(s, SLUICE_EARGUMENT, "sluice_paginate: the %s is NULL", request ? "page" : "request");
	plugin_page_request(&s->w->plugin, request, &r);
	if (request_check(s, &r))
		return s->status;
	rc = paginate_next(s, &r, page);
	if (rc <= 0)
		return rc;
	level_top(s)->given = page;
	page_ask_ahead(s, &r, level_top(s));
	page_fill(s, level_top(s)->page, page);
	return s->status ? s->status : 1;
}
