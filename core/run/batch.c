/* batch.c - the commit in the making, and the one on its way to the disk.
 *
 * A run's operations stand in one commit in the order in which they came over the wire. It may go at each page
 * boundary, checkpoint and step end, and when it grows large; never inside one call of sluice_batch_save, unless that
 * call alone is larger than a batch may be. While one is on its way, pages that come gather in the next one, which is
 * the group commit anyway. Only at a step's end a second one goes behind it, so that none holds data of two steps: were
 * the first to fail, the store would refuse those behind it too, and no position gets ahead of its data.
 *
 * Above max_batch of what is not durable, the worker's socket is not read: the disk is the brake of a fast provider.
 * Pages that bring nothing new are counted here, because only the commit knows what was new: per depth of nested
 * paginations, and only pages that another one follows. */
#include <stdlib.h>
#include "base/mem.h"
#include "run/inside.h"

struct ticket {
	struct run *run;
	struct page_mark *marks;
	size_t n_marks, bytes;
	struct taken taken;
	struct step *step;
};

#define FLYING_MAX 8u /* then a step's end waits for company too */

struct commit *
batch_open(struct run *r)
{
	struct voice voice;

	if (!r->batch.open)
		r->batch.open = commit_new(r->host->store, r->fence);
	r->batch.whole = false;
	commit_staged(r->batch.open, r->facts.staged);
	events_voice(r, &voice);
	commit_voice(r->batch.open, &voice);
	return r->batch.open;
}

void
batch_hold(struct run *r)
{
	size_t limit = r->settings->host.max_batch;
	size_t bytes = r->batch.flying_bytes + (r->batch.open ? commit_bytes(r->batch.open) : 0);
	bool hold = r->batch.flying && bytes > (r->batch.held ? limit / 2 : limit);

	if (hold == r->batch.held || !r->worker || r->worker_over)
		return;
	run_account(r);
	r->batch.held = hold;
	worker_process_hold(r->worker, hold);
}

static void
stale_check(struct run *r, const struct page_mark *page, uint64_t saved, uint64_t fresh)
{
	struct stale *s = &r->batch.stale[page->depth < STALE_DEPTHS ? page->depth : STALE_DEPTHS - 1];

	if (page->finished || s->key != page->key)
		s->pages = 0;
	s->key = page->key;
	if (page->finished || (saved == 0 && page->items > 0))
		return;
	s->pages = fresh ? 0 : s->pages + 1;
	if (s->pages > r->limits.max_stale_pages)
		run_failf(r, ERR_DATA,
		          "the pagination goes round in circles: %llu pages in a row held nothing that this run had "
		          "not seen (max_stale_pages)",
		          (unsigned long long)s->pages);
}

static void
counts_add(struct run *r, const struct commit_counts *c, uint64_t *saved, uint64_t *fresh)
{
	*saved += c->saved;
	*fresh += c->fresh;
	r->counts.added += c->added;
	r->counts.updated += c->updated;
	r->counts.unchanged += c->unchanged;
	r->counts.deleted += c->deleted;
	r->counts.missing += c->missing;
	r->counts.held += c->held;
	for (size_t i = 0; i < r->n_models; i++) {
		struct run_model *m = &r->models[i];
		if (m->dataset != c->dataset)
			continue;
		m->held += c->held;
		m->added += c->added;
		m->updated += c->updated;
		m->deleted += c->deleted;
	}
	metrics_saved(r, c);
}

static void
taken_back(struct run *r, struct taken *t)
{
	r->counts.pages -= t->pages;
	r->counts.fetched -= t->fetched;
	r->counts.saved -= t->saved;
	r->counts.rejected -= t->rejected;
	*t = (struct taken){0};
}

void
batch_taken(struct run *r, const struct taken *more)
{
	struct taken *t = &r->batch.taken;

	r->counts.pages += more->pages;
	r->counts.fetched += more->fetched;
	r->counts.saved += more->saved;
	r->counts.rejected += more->rejected;
	if (r->request.dry)
		return;
	t->pages += more->pages;
	t->fetched += more->fetched;
	t->saved += more->saved;
	t->rejected += more->rejected;
}

static void batch_submit(struct run *r);

static void
batch_durable(void *arg, const struct commit_result *result)
{
	struct ticket *t = arg;
	struct run *r = t->run;
	uint64_t saved = 0, fresh = 0;

	run_account(r);
	r->batch.flying--;
	r->batch.flying_bytes -= t->bytes;
	if (result->err.cls != ERR_NONE) {
		taken_back(r, &t->taken);
		r->keep_open = false;
		run_fail(r, &result->err);
	} else {
		metrics_rejected(r, t->taken.rejected);
	}
	steps_durable(t->step, result);
	for (size_t i = 0; i < result->n_counts; i++)
		counts_add(r, &result->counts[i], &saved, &fresh);
	r->progress |= result->err.cls == ERR_NONE && (fresh || t->n_marks);
	for (size_t i = 0; i < t->n_marks; i++)
		stale_check(r, &t->marks[i], saved, fresh);
	free(t->marks);
	free(t);
	if (!r->batch.flying && r->batch.whole && (r->batch.open || r->batch.dirty || r->lines.len))
		batch_submit(r);
	batch_hold(r);
	run_poke(r);
}

static void
batch_submit(struct run *r)
{
	struct ticket *t = XNEW(struct ticket);
	struct commit *c = batch_open(r);
	struct buf json = {0};

	if (r->batch.dirty && r->ending == ENDING_NOT) {
		facts_write(r, &json);
		commit_state_set(c, r->scope, STATE_RUN, SLICE(""), buf_view(&json));
		buf_clear(&json);
	}
	if (r->ending == ENDING_NOT) {
		history_write(r, "running", &json);
		commit_run(c, r->number, buf_view(&json));
	}
	t->step = steps_put(r, c);
	history_pour(r, c);
	buf_free(&json);
	t->run = r;
	t->marks = r->batch.marks;
	t->n_marks = r->batch.n_marks;
	r->batch.marks = NULL;
	r->batch.n_marks = 0;
	r->batch.open = NULL;
	r->batch.dirty = false;
	t->taken = r->batch.taken;
	r->batch.taken = (struct taken){0};
	t->bytes = commit_bytes(c);
	r->batch.flying++;
	r->batch.flying_bytes += t->bytes;
	store_commit(r->host->store, c, r->batch.now, batch_durable, t);
	r->batch.now = false;
}

static void
mark_add(struct run *r, const struct page_mark *page)
{
	struct batch *b = &r->batch;

	if (r->request.dry) {
		stale_check(r, page, b->saved, b->fresh);
		b->saved = b->fresh = 0;
		return;
	}
	if ((b->n_marks & (b->n_marks - 1)) == 0)
		b->marks = xrealloc(b->marks, (b->n_marks ? b->n_marks * 2 : 1) * sizeof *b->marks);
	b->marks[b->n_marks++] = *page;
}

void
batch_boundary(struct run *r, const struct page_mark *page, bool now)
{
	if (page && !r->webhook)
		mark_add(r, page);
	if (r->request.dry || !r->scope)
		return;
	if (event_open(r)) {
		events_grown(r);
		return;
	}
	r->batch.whole = true;
	r->batch.now |= now;
	if (now && r->batch.flying) /* an empty one takes the group along that waits for company */
		store_commit(r->host->store, commit_new(r->host->store, (struct fence){0, 0}), true, NULL, NULL);
	if (!r->batch.flying && (r->batch.dirty || r->lines.len || (r->batch.open && !commit_empty(r->batch.open))))
		batch_submit(r);
	batch_hold(r);
}

void
batch_part(struct run *r)
{
	batch_boundary(r, NULL, false);
	if (!r->request.dry && r->scope && r->batch.flying && r->batch.flying < FLYING_MAX && r->batch.open &&
	    !commit_empty(r->batch.open))
		batch_submit(r);
	batch_hold(r);
}

/* A batch that is large goes although its page is not over: what it holds is whole calls, unless one call alone is
 * larger. */
void
batch_grown(struct run *r)
{
	uint64_t limit = r->settings->host.max_batch;

	if (r->batch.open && commit_bytes(r->batch.open) >= (r->call.open ? limit : limit / 2))
		batch_boundary(r, NULL, false);
}

void
batch_drop(struct run *r)
{
	taken_back(r, &r->batch.taken);
	commit_free(r->batch.open);
	r->batch.open = NULL;
	free(r->batch.marks);
	r->batch.marks = NULL;
	r->batch.n_marks = 0;
	r->batch.dirty = r->batch.whole = false;
	buf_free(&r->call.bytes);
	r->call = (struct call){0};
}

bool
batch_idle(const struct run *r)
{
	return r->batch.flying == 0;
}
