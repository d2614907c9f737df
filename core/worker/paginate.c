/* paginate.c - the loop that the author writes, seen from below.
 *
 *   call -> which pagination? -- open: its page in hand is done --> POSITION --> at its end: 0
 *                |                                                     |
 *                '- new: a level deeper, at its kept position ---------+--> the step is over: 0
 *                   (finished in this run: 0)                          '--> next page (asked for ahead, or now) --> 1
 *
 * Nesting is dynamic: a pagination opened while another has a page in hand is its child. When a page is done, the
 * positions of the children that were read for its items are dropped with it. Two signs tell that a loop was left
 * early: an outer one asks for its next page, or another pagination fills the same struct sluice_page. Such a one
 * counts as finished, and makes the run incomplete.
 *
 * Guarantee: the position sent behind a page's saves is where that page ends, so a run that is cut anywhere goes on
 * with nothing lost. A step makes at least one page of progress, however small its budget and however deep the
 * nesting: an outer page that has to be there for an inner one is kept in hand over steps of one worker.
 *
 * Awkward: a step that walks over many finished children pays for each; its budget grows with them (STEP_SKIPS), or a
 * page of 100 000 parents would take quadratic time. */
#include "worker/paginate.h"

#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "worker/ask.h"
#include "worker/step.h"

#define TORN_RETRIES 2 /* requests more for one page whose JSON ends too early */

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
position_send(struct step *s, const struct position *p, bool finished, const struct page *page, uint8_t proof, bool drop)
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
	buf_u32(&s->out, (uint32_t)(page->items.n + page->unchanged));
	buf_bytes(&s->out, buf_view(&state));
	buf_u8(&s->out, drop);
	buf_u8(&s->out, s->incomplete ? PROOF_NONE : proof);
	buf_u32(&s->out, page->x->conditional && !p->mark.nests && !page->end_unseen ? page->x->serial : 0);
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
	bool drop = positions_deeper(s->rt->positions, depth), nests = l->p->mark.nests;

	mark_copy(&l->p->mark, &l->page->after);
	l->p->mark.nests = nests;
	position_send(s, l->p, is_finished, l->page, l->p->mark.proof, drop);
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
			step_log(s, SLUICE_WARN,
			         "the loop over '%s' was left before its end: what is absent from this run is not "
			         "deleted",
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
	struct sluice_page full = {
	        .body = p->list.p, .len = p->list.len, .count = p->items.n, .answer = "", .headers = ""};

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
	ask_prepare(s, r, &l->page->after, &a);
	l->page->ahead = ask_page(s, &a);
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

/* One try at the page at the level's position. 1, 0 when the step is over or the answer was torn, or a failure. */
static int
level_try(struct step *s, const struct sluice_page_request *r, struct level *l, struct exchange *x, bool *torn)
{
	struct asked a;

	ask_prepare(s, r, &l->p->mark, &a);
	if (!x && !(x = ask_page(s, &a)))
		return s->status;
	if (http_wait(s, x))
		return s->status;
	if (stopped_softly(s, x)) {
		s->over = true;
		http_free(s, x);
		return 0;
	}
	http_detach(s, x);
	l->page = x->status == 304 && x->conditional && x->body.len ? page_unchanged(s, &a, x) : page_read(s, &a, x, torn);
	return l->page ? 1 : s->status;
}

/* Gets that page: sent for already (x), or now. An answer that is whole by its framing, but whose JSON ends too early, is asked
 * for again; never is it taken for a short page. 1, 0 when the step is over, or a failure. */
static int
level_fetch(struct step *s, const struct sluice_page_request *r, struct level *l, struct exchange *x)
{
	bool torn = true;
	int rc = 0;

	for (int tries = 0; torn && tries <= TORN_RETRIES; tries++, x = NULL) {
		if (tries)
			step_log(s, SLUICE_WARN, "'%s': the answer's JSON ended too early; asked again", position_text(l->p));
		torn = false;
		rc = level_try(s, r, l, x, tries < TORN_RETRIES ? &torn : NULL);
	}
	return rc;
}

/* A provider leaves a parameter that it does not know aside, and answers the first page again. */
static bool
sends_cursor(const struct sluice_page_request *r)
{
	return (r->kind == SLUICE_CURSOR || r->kind == SLUICE_LAST_ITEM) && r->cursor_param;
}

/* The top level has a page in hand and was asked for the next. */
static int
level_advance(struct step *s, const struct sluice_page_request *r)
{
	struct level *l = level_top(s);
	struct exchange *ahead = l->page->ahead;

	if (l->page->loops)
		return step_fail(s, SLUICE_ELOOP, "'%s': page %llu leads to a page that was read before%s%.100s%s",
		                 position_text(l->p), (unsigned long long)l->page->after.pages,
		                 sends_cursor(r) ? "; is '" : "", sends_cursor(r) ? r->cursor_param : "",
		                 sends_cursor(r) ? "' the parameter that takes the cursor?" : "");
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
		step_log(s, SLUICE_WARN, "'%s' is paginated in another way than before: it is read from its start",
		         name.p + 1);
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
	ask_key(s, r, key);
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
	if (ask_check(s, &r))
		return s->status;
	rc = paginate_next(s, &r, page);
	while (rc > 0 && level_top(s)->page->is_unchanged) /* nothing in it that the host does not know */
		rc = level_advance(s, &r);
	if (rc <= 0)
		return rc;
	level_top(s)->given = page;
	page_ask_ahead(s, &r, level_top(s));
	page_fill(s, level_top(s)->page, page);
	return s->status ? s->status : 1;
}
