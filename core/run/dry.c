/* dry.c - the sink that compares instead of storing: what would be added, updated and deleted, in bounded memory.
 *
 * Per model one bit for each record that the store has (by its index) and 16 bytes for each id that it has not. Nothing
 * is written anywhere. What would be deleted by absence is told under the same conditions as a real run, with the same
 * brake. */
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "run/inside.h"
#include "sluice.h"

struct dry_model {
	uint8_t *seen; /* a bit for each index below end */
	uint32_t end;
	struct idset added; /* ids that the store does not have */
};

void
dry_begin(struct run *r)
{
	for (size_t i = 0; i < r->n_models; i++) {
		struct run_model *m = &r->models[i];
		m->dry = XNEW(struct dry_model);
		m->dry->end = m->dataset ? store_index_end(r->host->store, m->dataset) : 0;
		m->dry->seen = xcalloc(m->dry->end / 8 + 1, 1);
	}
}

void
dry_free(struct run *r)
{
	for (size_t i = 0; i < r->n_models; i++) {
		struct dry_model *d = r->models[i].dry;
		if (!d)
			continue;
		idset_free(&d->added);
		free(d->seen);
		free(d);
		r->models[i].dry = NULL;
	}
}

static void
differ(struct run *r, enum change_action action, const struct run_model *m, struct slice id, struct slice before,
       struct slice after)
{
	if (r->request.differ)
		r->request.differ(r->request.sink, action, m->model->name, id, before, after);
}

struct kept {
	struct buf json;
	bool deleted, pruned;
};

static void
kept_take(void *arg, const struct record *rec)
{
	struct kept *k = arg;

	buf_slice(&k->json, rec->json);
	k->deleted = rec->deleted_us != 0;
	k->pruned = rec->pruned_us != 0;
}

static bool
mark(struct dry_model *d, uint32_t index)
{
	bool before;

	if (index >= d->end)
		return true;
	before = d->seen[index / 8] & (1 << index % 8);
	d->seen[index / 8] |= (uint8_t)(1 << index % 8);
	return !before;
}

static void
dry_known(struct run *r, struct run_model *m, struct slice id, struct slice json, const struct peek *p)
{
	struct kept before = {0};

	if (mark(m->dry, p->index))
		r->batch.fresh++;
	if (p->same && !p->deleted) {
		r->counts.unchanged++;
		return;
	}
	store_record(r->host->store, m->dataset, id, kept_take, &before);
	if (p->deleted)
		r->counts.added++;
	else
		r->counts.updated++;
	differ(r, p->deleted ? CHANGE_ADDED : CHANGE_UPDATED, m, id, buf_view(&before.json), json);
	buf_free(&before.json);
}

void
dry_save(struct run *r, struct run_model *m, struct slice id, struct slice json, const struct json_hash *hash)
{
	struct peek p = {0};
	bool fresh;

	r->batch.saved++;
	if (m->dataset)
		p = store_peek(r->host->store, m->dataset, id, hash);
	if (p.known) {
		dry_known(r, m, id, json, &p);
		return;
	}
	idset_put(&m->dry->added, id, &fresh);
	if (!fresh)
		return;
	r->batch.fresh++;
	r->counts.added++;
	differ(r, CHANGE_ADDED, m, id, (struct slice){NULL, 0}, json);
}

void
dry_update(struct run *r, struct run_model *m, struct slice id, struct slice patch)
{
	struct kept before = {0};
	struct buf after = {0};

	if (!m->dataset || !store_record(r->host->store, m->dataset, id, kept_take, &before) || before.deleted ||
	    before.pruned) {
		r->counts.missing++;
		goto out;
	}
	json_merge(&after, buf_view(&before.json), patch);
	if (json_equal(buf_view(&before.json), buf_view(&after))) {
		r->counts.unchanged++;
	} else {
		r->counts.updated++;
		differ(r, CHANGE_UPDATED, m, id, buf_view(&before.json), buf_view(&after));
	}
out:
	buf_free(&after);
	buf_free(&before.json);
}

void
dry_delete(struct run *r, struct run_model *m, struct slice id)
{
	struct kept before = {0};

	if (!m->dataset || !store_record(r->host->store, m->dataset, id, kept_take, &before) || before.deleted) {
		r->counts.missing++;
	} else {
		r->counts.deleted++;
		differ(r, CHANGE_DELETED, m, id, buf_view(&before.json), (struct slice){NULL, 0});
	}
	buf_free(&before.json);
}

/* ---- deletes by absence ---- */

struct absence {
	struct run *run;
	struct run_model *model;
	uint64_t live, absent;
	bool tell;
};

static bool
absence_look(void *arg, struct slice id, uint32_t index, bool deleted)
{
	struct absence *a = arg;
	const struct dry_model *d = a->model->dry;
	struct kept before = {0};

	if (deleted)
		return true;
	a->live++;
	if (index >= d->end || (d->seen[index / 8] & (1 << index % 8)))
		return true;
	a->absent++;
	if (a->tell) {
		store_record(a->run->host->store, a->model->dataset, id, kept_take, &before);
		differ(a->run, CHANGE_DELETED, a->model, id, buf_view(&before.json), (struct slice){NULL, 0});
		buf_free(&before.json);
	}
	return true;
}

static bool
braked(const struct run *r, const struct absence *a)
{
	if (r->limits.max_delete_share >= 1)
		return false;
	return (a->absent == a->live && a->live > 0) || (a->live >= 10 && a->absent > a->live / 2) ||
	       (a->absent > 100 && (double)a->absent > r->limits.max_delete_share * (double)a->live);
}

static void
model_finish(struct run *r, struct run_model *m)
{
	struct absence a = {.run = r, .model = m};
	struct err err;

	if (store_ids(r->host->store, m->dataset, absence_look, &a, &err) != 0) {
		run_fail(r, &err);
		return;
	}
	if (a.absent == 0)
		return;
	if (braked(r, &a)) {
		r->counts.held += a.absent;
		run_warn(r, "%s: %llu of %llu records are no longer listed: a run would hold these deletes back",
		         m->model->name, (unsigned long long)a.absent, (unsigned long long)a.live);
		return;
	}
	r->counts.deleted += a.absent;
	a.tell = true;
	if (store_ids(r->host->store, m->dataset, absence_look, &a, &err) != 0)
		run_fail(r, &err);
}

void
dry_finish(struct run *r)
{
	char why[256];

	r->complete = finish_sweeps(r);
	for (size_t i = 0; i < r->n_models && finish_sweeps(r); i++) {
		struct run_model *m = &r->models[i];
		if (finish_verdict(r, m, why) == SWEEP_NO) {
			run_warn(r, "%s: deletes by absence are off: %s", m->model->name, why);
			r->complete = false;
		} else if (m->dataset) {
			model_finish(r, m);
		}
	}
}
