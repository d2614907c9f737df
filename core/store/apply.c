/* apply.c - a group of commits becomes one transaction.
 *
 *   begin -> for each commit: fence, then its operations in order -> write dataset entries and bitmap pages -> commit
 *
 * A commit that is refused by its fence has changed nothing yet and is skipped; one that is refused later (a damaged
 * record under it) aborts the transaction, and the writer replays the group without it. Awkward: a run has several
 * commits on the way. When one fails, those behind it are refused too, until the run takes a new epoch: else the
 * checkpoint of a later page would become durable without the page before it. */
#include <stdlib.h>
#include "base/log.h"
#include "base/mem.h"
#include "store/apply.h"
#include "store/merge.h"
#include "store/outbox.h"

static apply_fn *const ops[OP_COUNT] = {
	[OP_SAVE] = apply_save,
	[OP_UPDATE] = apply_update,
	[OP_DELETE] = apply_delete,
	[OP_STAGE_SAVE] = apply_stage_save,
	[OP_STAGE_UPDATE] = apply_stage_update,
	[OP_STAGE_DELETE] = apply_stage_delete,
	[OP_PUBLISH] = apply_publish,
	[OP_SEEN_BEGIN] = apply_seen_begin,
	[OP_SWEEP] = apply_sweep,
	[OP_STATE_SET] = apply_state_set,
	[OP_STATE_MERGE] = apply_state_merge,
	[OP_STATE_CLEAR] = apply_state_clear,
	[OP_STATE_CLEAR_ALL] = apply_state_clear_all,
	[OP_POSITIONS_DROP] = apply_positions_drop,
	[OP_DEAD] = apply_dead,
	[OP_DEAD_CHANGE] = apply_dead_change,
	[OP_RUN] = apply_run,
	[OP_LOG] = apply_log,
	[OP_STEP] = apply_step,
	[OP_DATASET] = apply_dataset,
	[OP_SCOPE] = apply_scope,
	[OP_EPOCH] = apply_epoch,
	[OP_TOMBSTONE_DROP] = apply_tombstone_drop,
	[OP_RUN_DROP] = apply_run_drop,
	[OP_LOG_DROP] = apply_log_drop,
	[OP_RECORD_PRUNE] = apply_record_prune,
	[OP_ROOM] = apply_room,
	[OP_REKEY] = apply_rekey,
	[OP_SEEN] = apply_seen,
	[OP_MERGE_DEFINE] = apply_merge_define,
	[OP_MERGE_DROP] = apply_merge_drop,
	[OP_MERGE_BUILD] = apply_merge_build,
	[OP_VOICE] = apply_voice,
	[OP_INBOX] = apply_inbox,
	[OP_INBOX_CHANGE] = apply_inbox_change,
	[OP_EVENT] = apply_event,
	[OP_OUTBOX_RULES] = apply_outbox_rules,
	[OP_OUTBOX_CHANGE] = apply_outbox_change,
};

int
group_refuse(struct group *g, enum err_class cls, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	err_setv(&g->why, cls, fmt, ap);
	va_end(ap);
	return APPLY_REFUSED;
}

int
group_get(struct group *g, enum layout_db db, struct slice key, MDB_val *v)
{
	MDB_val k = val_slice(key);

	return mdb_get(g->txn, g->db[db], &k, v);
}

int
group_put(struct group *g, enum layout_db db, struct slice key, struct slice value)
{
	MDB_val k = val_slice(key), v = val_slice(value);

	return mdb_put(g->txn, g->db[db], &k, &v, 0);
}

int
group_put_sealed(struct group *g, enum layout_db db, enum seal_kind kind, struct slice key, struct slice plain)
{
	MDB_val k = val_slice(key), v = {plain.len + SEAL_OVERHEAD, NULL};
	int rc = mdb_put(g->txn, g->db[db], &k, &v, MDB_RESERVE);

	if (!rc)
		seal_put(&g->s->seal, &g->nonce, (struct seal_place){kind, key}, plain, v.mv_data);
	return rc;
}

int
group_del(struct group *g, enum layout_db db, struct slice key)
{
	MDB_val k = val_slice(key);
	int rc = mdb_del(g->txn, g->db[db], &k, NULL);

	return rc == MDB_NOTFOUND ? 0 : rc;
}

int
group_del_prefix(struct group *g, enum layout_db db, struct slice prefix, struct slice from)
{
	MDB_cursor *cur;
	MDB_val k = val_slice(from), v;
	int rc = mdb_cursor_open(g->txn, g->db[db], &cur);

	if (rc)
		return rc;
	rc = mdb_cursor_get(cur, &k, &v, MDB_SET_RANGE);
	while (!rc && k.mv_size >= prefix.len && memcmp(k.mv_data, prefix.p, prefix.len) == 0) {
		rc = mdb_cursor_del(cur, 0);
		if (!rc)
			rc = mdb_cursor_get(cur, &k, &v, MDB_NEXT); /* after a delete: what has moved up */
	}
	mdb_cursor_close(cur);
	return rc == MDB_NOTFOUND ? 0 : rc;
}

int
group_last(struct group *g, enum layout_db db, MDB_val *key)
{
	MDB_cursor *cur;
	MDB_val v;
	int rc = mdb_cursor_open(g->txn, g->db[db], &cur);

	if (rc)
		return rc;
	rc = mdb_cursor_get(cur, key, &v, MDB_LAST);
	mdb_cursor_close(cur);
	if (rc != MDB_NOTFOUND)
		return rc;
	*key = (MDB_val){0, NULL};
	return 0;
}

int64_t
group_now(struct group *g, struct dataset *d)
{
	d->e.modified_us = g->now_us > d->e.modified_us ? g->now_us : d->e.modified_us + 1;
	return d->e.modified_us;
}

static int
dataset_load(struct group *g, uint32_t number, struct dataset **out)
{
	uint8_t key[4];
	MDB_val v;
	struct dataset_entry e;
	struct slice names;
	struct dataset *d;
	int rc;

	put_be32(key, number);
	rc = group_get(g, DB_DATASETS, slice_of(key, sizeof(key)), &v);
	if (rc == MDB_NOTFOUND)
		return group_refuse(g, ERR_USAGE, "store %s: there is no dataset %u", g->s->dir, number);
	if (rc)
		return rc;
	if (!layout_dataset_get(slice_val(v), &e, &names))
		return MDB_CORRUPTED;
	d = XNEW(struct dataset);
	d->number = number;
	d->e = e;
	d->was = e.sequence;
	d->names = slice_of(xmemdup(names.p, names.len), names.len);
	if (g->n_ds == g->cap_ds) {
		g->cap_ds = g->cap_ds ? g->cap_ds * 2 : 8;
		g->ds = xrealloc(g->ds, g->cap_ds * sizeof(struct dataset *));
	}
	d->merged = merges_use(&g->s->merges, number);
	g->ds[g->n_ds++] = *out = d;
	return g->s->outbox.n ? outbox_listen(g, d) : 0;
}

int
group_dataset(struct group *g, uint32_t number, struct dataset **d)
{
	int rc;

	if (g->last && g->last->number == number) {
		*d = g->last;
		return 0;
	}
	for (size_t i = 0; i < g->n_ds; i++) {
		if (g->ds[i]->number == number) {
			*d = g->last = g->ds[i];
			return 0;
		}
	}
	rc = dataset_load(g, number, d);
	if (!rc)
		g->last = *d;
	return rc;
}

static int
dataset_flush(struct group *g, struct dataset *d)
{
	uint8_t key[4];
	MDB_val k = val_of(key, sizeof(key)), v = {DATASET_ENTRY_SIZE + d->names.len, NULL};
	int rc;

	rc = seen_flush(g, d);
	if (rc || !d->dirty)
		return rc;
	put_be32(key, d->number);
	rc = mdb_put(g->txn, g->db[DB_DATASETS], &k, &v, MDB_RESERVE);
	if (rc)
		return rc;
	layout_dataset_put(v.mv_data, &d->e);
	memcpy((char *)v.mv_data + DATASET_ENTRY_SIZE, d->names.p, d->names.len);
	return 0;
}

static void
dataset_free(struct dataset *d)
{
	seen_free(d);
	outbox_heard_free(d);
	free((void *)(uintptr_t)d->names.p);
	free(d);
}

static int
group_begin(struct group *g, struct store *s)
{
	MDB_val k;
	int rc;

	*g = (struct group){.s = s, .db = s->env.db, .now_us = clock_wall_us(s->clock)};
	rc = mdb_txn_begin(s->env.mdb, NULL, 0, &g->txn);
	if (rc)
		return rc;
	if ((rc = mdb_cursor_open(g->txn, g->db[DB_IDS], &g->ids)) ||
	    (rc = mdb_cursor_open(g->txn, g->db[DB_ROWS], &g->rows)) ||
	    (rc = mdb_cursor_open(g->txn, g->db[DB_FEED], &g->feed)))
		return rc;
	seal_nonce_start(&g->nonce);
	if ((rc = group_last(g, DB_ROWS, &k)))
		return rc;
	g->next_row = k.mv_size ? get_be64(k.mv_data) + 1 : 1;
	if ((rc = group_last(g, DB_FEED, &k)))
		return rc;
	g->feed_end = k.mv_size ? get_be32(k.mv_data) : 0;
	rc = merges_load(g);
	if (!rc)
		rc = outbox_load(g);
	if (rc != APPLY_REFUSED)
		return rc;
	log_error("%s", g->why.text); /* no commit's fault: none could be left out and the others tried again */
	return MDB_CORRUPTED;
}

static int
group_finish(struct group *g, int rc)
{
	for (size_t i = 0; i < g->n_ds && !rc; i++)
		rc = dataset_flush(g, g->ds[i]);
	if (!rc && g->outbox)
		rc = outbox_flush(g);
	if (g->ids)
		mdb_cursor_close(g->ids);
	if (g->rows)
		mdb_cursor_close(g->rows);
	if (g->feed)
		mdb_cursor_close(g->feed);
	if (g->txn && rc)
		mdb_txn_abort(g->txn);
	else if (g->txn)
		rc = mdb_txn_commit(g->txn);
	if (!rc && g->outbox)
		atomic_fetch_add(&g->s->outbox.added, g->outbox->added);
	for (size_t i = 0; i < g->n_ds; i++) {
		if (!rc && g->ds[i]->e.sequence != g->ds[i]->was)
			writer_changed(&g->s->writer, g->ds[i]->number);
		dataset_free(g->ds[i]);
	}
	free(g->ds);
	buf_wipe(&g->scratch);
	buf_wipe(&g->merged);
	buf_wipe(&g->touched);
	outbox_work_free(g->outbox);
	if (rc)
		g->s->merges.loaded = g->s->outbox.loaded = false; /* they may have been changed by what is not */
	return rc;
}

void
fence_break(struct store *s, struct fence fence)
{
	if (!fence.scope)
		return;
	for (size_t i = 0; i < s->n_broken; i++) {
		if (s->broken[i].scope != fence.scope)
			continue;
		if (s->broken[i].epoch < fence.epoch) /* a zombie's failure does not heal its successor's */
			s->broken[i].epoch = fence.epoch;
		return;
	}
	s->broken = xrealloc(s->broken, (s->n_broken + 1) * sizeof(*s->broken));
	s->broken[s->n_broken++] = fence;
}

static bool
is_broken(const struct store *s, struct fence fence)
{
	for (size_t i = 0; i < s->n_broken; i++)
		if (s->broken[i].scope == fence.scope && s->broken[i].epoch == fence.epoch)
			return true;
	return false;
}

/* A zombie is told so, and what it brought is dropped whole. */
static int
fence_check(struct group *g, struct commit *c)
{
	uint8_t key[4];
	MDB_val v;
	struct scope_entry e;
	struct slice names;
	int rc;

	if (!c->fence.scope)
		return 0;
	put_be32(key, c->fence.scope);
	rc = group_get(g, DB_SCOPES, slice_of(key, sizeof(key)), &v);
	if (rc && rc != MDB_NOTFOUND)
		return rc;
	if (rc || !layout_scope_get(slice_val(v), &e, &names))
		err_set(&c->err, ERR_USAGE, "store %s: there is no scope %u", g->s->dir, c->fence.scope);
	else if (e.epoch != c->fence.epoch)
		err_set(&c->err, ERR_BUSY, "superseded by a later run (epoch %llu, newest %llu)",
		        (unsigned long long)c->fence.epoch, (unsigned long long)e.epoch);
	else if (is_broken(g->s, c->fence))
		err_set(&c->err, ERR_HOST,
		        "store %s: an earlier commit of this run failed; begin again from the checkpoint", g->s->dir);
	return 0;
}

static int
commit_apply(struct group *g, struct commit *c, const struct buf *list)
{
	struct reader r = reader_of(buf_view(list));
	int rc = 0;

	g->voice = (struct voice){0};
	while (!rc && r.p < r.end) {
		uint8_t op = reader_u8(&r);
		if (op >= OP_COUNT || !ops[op])
			die("store: an operation %u in a commit", op);
		rc = ops[op](g, c, &r);
		if (r.bad)
			die("store: operation %u is cut short", op);
	}
	if (!rc)
		rc = merges_settle(g);
	if (!rc && g->outbox)
		rc = outbox_settle(g);
	if (rc == APPLY_REFUSED) {
		c->err = g->why;
		fence_break(g->s, c->fence);
	}
	return rc;
}

static int
transaction(struct store *s, struct commit *list, bool early)
{
	struct group g;
	int rc = group_begin(&g, s);

	for (struct commit *c = list; c && !rc; c = c->next) {
		if (early == LAYOUT_CONTROL)
			commit_reset(c); /* in the first of them */
		if (!c->err.cls)
			rc = fence_check(&g, c);
		if (!c->err.cls && !rc)
			rc = commit_apply(&g, c, early ? &c->early : &c->ops);
	}
	return group_finish(&g, rc);
}

int
apply_group(struct store *s, struct commit *list)
{
	int rc = LAYOUT_CONTROL ? transaction(s, list, true) : 0;

	return rc ? rc : transaction(s, list, false);
}
