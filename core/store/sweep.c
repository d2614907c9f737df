/* sweep.c - deleting what a complete full sync has not met, in one transaction, or holding it back.
 *
 *   look   one walk over the dataset's index: who lives and is not marked
 *   brake  too many? then nothing is written, and the marks stay for a confirmed sweep
 *   feed   the absent in order of their last change: old entries out, tombstones appended
 *   index  a second walk: flags and new sequence numbers
 *
 * The feed is worked through in the order of its keys and the index in the order of its own, so a million deletes touch
 * each page once; rows are not touched at all. Awkward: when the listing cannot prove its order (`twice`), the first
 * absence only makes a record suspect, and any save clears that. A sweep without a generation deletes nothing. */
#include <stdlib.h>
#include "base/mem.h"
#include "store/apply.h"
#include "store/merge.h"
#include "store/outbox.h"

struct absent {
	uint64_t sequence; /* of its feed entry */
	uint64_t row;
	uint32_t index; /* in order of the walk over ids */
	uint32_t size;
};

struct sweeping {
	struct group *g;
	struct dataset *d;
	struct sweep how;
	struct absent *gone; /* those that would be deleted */
	uint64_t *new_seq;   /* of each, in order of the walk */
	size_t n, cap;
	uint64_t absent; /* those that were not seen */
};

enum verdict { KEEP, SUSPECT, DELETE };

static int
judge(struct sweeping *sw, MDB_val v, struct id_entry *e, enum verdict *verdict)
{
	bool seen;
	int rc;

	*verdict = KEEP;
	if (!layout_id_get(slice_val(v), e))
		return MDB_CORRUPTED;
	if (e->flags & ID_DELETED)
		return 0;
	rc = seen_test(sw->g, sw->d, e->index, &seen);
	if (rc || seen)
		return rc;
	*verdict = sw->how.twice && !(e->flags & ID_SUSPECT) ? SUSPECT : DELETE;
	return 0;
}

static void
note_absent(struct sweeping *sw, const struct id_entry *e, enum verdict verdict)
{
	sw->absent += verdict != KEEP;
	if (verdict != DELETE)
		return;
	if (sw->n == sw->cap) {
		sw->cap = sw->cap ? sw->cap * 2 : 256;
		sw->gone = xrealloc(sw->gone, sw->cap * sizeof(*sw->gone));
	}
	sw->gone[sw->n] = (struct absent){e->sequence, e->row, (uint32_t)sw->n, e->size};
	sw->n++;
}

static int
step_note(struct sweeping *sw, MDB_val *k, struct id_entry *e, enum verdict verdict)
{
	(void)k;
	note_absent(sw, e, verdict);
	return 0;
}

static int
step_write(struct sweeping *sw, MDB_val *k, struct id_entry *e, enum verdict verdict)
{
	uint8_t key[LAYOUT_KEY_MAX], out[ID_ENTRY_SIZE];
	MDB_val own = val_of(key, k->mv_size), v = val_of(out, sizeof(out));

	if (verdict == KEEP)
		return 0;
	e->flags = (uint8_t)((e->flags & ID_HOLLOW) | (verdict == DELETE ? ID_DELETED : ID_SUSPECT));
	if (verdict == DELETE)
		e->sequence = sw->new_seq[sw->n++];
	layout_id_put(out, e);
	memcpy(key, k->mv_data, k->mv_size); /* k points into a page that the put may copy */
	return mdb_cursor_put(sw->g->ids, &own, &v, MDB_CURRENT);
}

static int
walk(struct sweeping *sw, int (*step)(struct sweeping *, MDB_val *, struct id_entry *, enum verdict))
{
	uint8_t prefix[4];
	MDB_val k = val_of(prefix, sizeof(prefix)), v;
	struct id_entry e;
	enum verdict verdict;
	int rc;

	put_be32(prefix, sw->d->number);
	sw->n = 0;
	rc = mdb_cursor_get(sw->g->ids, &k, &v, MDB_SET_RANGE);
	while (!rc && memcmp(k.mv_data, prefix, sizeof(prefix)) == 0) {
		rc = judge(sw, v, &e, &verdict);
		if (!rc)
			rc = step(sw, &k, &e, verdict);
		if (!rc)
			rc = mdb_cursor_get(sw->g->ids, &k, &v, MDB_NEXT);
	}
	return rc == MDB_NOTFOUND ? 0 : rc;
}

/* ARCHITECTURE, rule 3. */
static bool
brake(const struct sweep *how, uint64_t gone, uint64_t live)
{
	if (how->force || !gone)
		return false;
	return gone == live || (live >= 10 && gone > live / 2) ||
	       (gone > how->least && (double)gone > how->share * (double)live);
}

static int
by_sequence(const void *a, const void *b)
{
	const struct absent *x = a, *y = b;

	return x->sequence < y->sequence ? -1 : x->sequence > y->sequence;
}

static int
feed_tombstones(struct sweeping *sw)
{
	struct dataset *d = sw->d;
	int rc = 0;

	if (sw->n)
		qsort(sw->gone, sw->n, sizeof(*sw->gone), by_sequence);
	sw->new_seq = xcalloc(sw->n + 1, sizeof(*sw->new_seq));
	for (size_t i = 0; i < sw->n && !rc; i++) {
		struct feed_head h;
		struct id_entry e = {.sequence = sw->gone[i].sequence, .row = sw->gone[i].row};
		rc = head_get(sw->g, d, &e, &h);
		if (rc || (rc = mdb_cursor_del(sw->g->feed, 0)))
			break;
		h.action = CHANGE_DELETED;
		h.modified_us = group_now(sw->g, d);
		sw->new_seq[sw->gone[i].index] = ++d->e.sequence;
		d->e.bytes -= sw->gone[i].size;
		rc = head_put(sw->g, d, d->e.sequence, &h);
		if (!rc && d->heard)
			rc = outbox_note(sw->g, d, &(struct change){CHANGE_DELETED, d->e.sequence, h.row, h.first_us,
			                                            h.modified_us, {0}, {0}});
		if (!rc && d->merged)
			rc = merge_note(sw->g, d, h.row, d->e.sequence, (struct slice){0}, (struct slice){0});
	}
	d->e.live -= sw->n;
	d->e.gone += sw->n;
	return rc;
}

static int
sweep_apply(struct sweeping *sw)
{
	int rc = feed_tombstones(sw);

	if (!rc && sw->absent)
		rc = walk(sw, step_write);
	if (rc)
		return rc;
	sw->d->e.flags &= (uint8_t)~DATASET_MARKING;
	sw->d->dirty = true;
	return seen_forget(sw->g, sw->d);
}

static int
no_more(struct group *g)
{
	return group_refuse(g, ERR_BUSY, "what was held back is no longer what would be deleted: look again");
}

int
sweep_run(struct group *g, const struct sweep *how, struct commit_counts *n)
{
	struct sweeping sw = {.g = g, .how = *how};
	int rc = group_dataset(g, how->dataset, &sw.d);

	if (rc)
		return rc;
	if (!(sw.d->e.flags & DATASET_MARKING))
		return sw.how.most ? no_more(g) : 0;
	rc = walk(&sw, step_note);
	if (!rc && sw.how.most && sw.n > sw.how.most)
		rc = no_more(g);
	n->absent += sw.absent;
	if (!rc && brake(&sw.how, sw.n, sw.d->e.live)) {
		n->held += sw.n;
	} else if (!rc) {
		n->deleted += sw.n;
		rc = sweep_apply(&sw);
	}
	free(sw.gone);
	free(sw.new_seq);
	return rc;
}

int
apply_sweep(struct group *g, struct commit *c, struct reader *r)
{
	uint32_t dataset = reader_u32(r);
	struct slice bytes = reader_raw(r, sizeof(struct sweep));
	struct sweep how;

	memcpy(&how, bytes.p, sizeof(how));
	how.dataset = dataset;
	return sweep_run(g, &how, commit_counts_of(c, dataset));
}
