/* guard.c - a slow poll never overwrites what a newer event wrote.
 *
 * A page shows records as they were when it was asked for; an event that arrives meanwhile knows better. So a record that an
 * event wrote or deleted has a guard: when the event happened, and until when pages are too old for it. What a page brings
 * of a guarded record, asked for before then, is passed over: counted unchanged, and marked seen where the record lives, so
 * that neither the older content nor a deleted record comes back, nor a sweep takes it for absent. An event that happened
 * before the guard's is passed over in the same way.
 *
 *   g dataset, id              when it happened, until when, when it was put (layout.h: DB_GUARDS)
 *   t put when, dataset, id    nothing: what is old, in order
 *
 * An event that is handled long after it arrived (a person had it tried again, the host was down) is older than whatever a page
 * has changed since: what was changed meanwhile, and not by an event, it passes over too.
 *
 * Each guard that is put takes a few old ones away, so they need no upkeep. Awkward: the two times are of two clocks. Events
 * are compared by the provider's, pages and events by ours: whoever makes the voice sees to that (run/events.c). */
#include "base/mem.h"
#include "store/apply.h"

#define OLD_AT_ONCE 4
#define LATE_US (INT64_C(3600) * 1000000)
#define SAME_US (INT64_C(2) * 1000000) /* changes of one transaction are apart by less */

enum { MARK_GUARD = 'g', MARK_TIME = 't' };

struct guard {
	int64_t happened_us, until_us, put_us;
};

static size_t
guard_key(struct group *g, uint32_t dataset, struct slice id, uint8_t out[1 + 4 + STORE_ID_MAX])
{
	out[0] = MARK_GUARD;
	return 1 + record_key(&g->s->seal, g->s->hash_ids, dataset, id, out + 1);
}

static size_t
time_key(int64_t put_us, struct slice key, uint8_t out[1 + 8 + 4 + STORE_ID_MAX])
{
	out[0] = MARK_TIME;
	put_be64(out + 1, (uint64_t)put_us);
	memcpy(out + 9, key.p + 1, key.len - 1);
	return 9 + key.len - 1;
}

static int
guard_get(struct group *g, struct slice key, struct guard *out)
{
	MDB_val v;
	int rc = group_get(g, DB_GUARDS, key, &v);

	*out = (struct guard){0};
	if (rc)
		return rc == MDB_NOTFOUND ? 0 : rc;
	if (v.mv_size != sizeof(*out))
		return MDB_CORRUPTED;
	memcpy(out, v.mv_data, sizeof(*out));
	return 0;
}

/* Has the dataset any? Asked once a group: nearly none has. */
static int
guarded_find(struct group *g, struct dataset *d)
{
	uint8_t key[5] = {MARK_GUARD};
	MDB_val k = val_of(key, sizeof(key)), v;
	MDB_cursor *cur;
	int rc;

	if (d->guarded != GUARDED_UNKNOWN)
		return 0;
	put_be32(key + 1, d->number);
	rc = mdb_cursor_open(g->txn, g->db[DB_GUARDS], &cur);
	if (rc)
		return rc;
	rc = mdb_cursor_get(cur, &k, &v, MDB_SET_RANGE);
	d->guarded = !rc && k.mv_size > sizeof(key) && memcmp(k.mv_data, key, sizeof(key)) == 0 ? GUARDED_SOME : GUARDED_NONE;
	mdb_cursor_close(cur);
	return rc == MDB_NOTFOUND ? 0 : rc;
}

static int
old_drop(struct group *g, int64_t before_us)
{
	uint8_t first[] = {MARK_TIME}, time[1 + 8 + 4 + STORE_ID_MAX], key[1 + 4 + STORE_ID_MAX] = {MARK_GUARD};
	MDB_cursor *cur;
	MDB_val k, v;
	int rc = mdb_cursor_open(g->txn, g->db[DB_GUARDS], &cur);

	if (rc)
		return rc;
	for (int i = 0; i < OLD_AT_ONCE && !rc; i++) {
		size_t len;
		k = val_of(first, sizeof(first));
		rc = mdb_cursor_get(cur, &k, &v, MDB_SET_RANGE);
		len = k.mv_size;
		if (rc || len <= 13 || len > sizeof(time) || *(const uint8_t *)k.mv_data != MARK_TIME)
			break;
		memcpy(time, k.mv_data, len); /* what LMDB has lent moves with the first delete */
		if ((int64_t)get_be64(time + 1) >= before_us)
			break;
		memcpy(key + 1, time + 9, len - 9);
		rc = group_del(g, DB_GUARDS, slice_of(key, 1 + len - 9));
		if (!rc)
			rc = group_del(g, DB_GUARDS, slice_of(time, len));
	}
	mdb_cursor_close(cur);
	return rc == MDB_NOTFOUND ? 0 : rc;
}

static int
guard_put(struct group *g, struct dataset *d, struct slice key, const struct guard *old)
{
	const struct guard now = {
		.happened_us = g->voice.at_us,
		.until_us = g->voice.until_us > old->until_us ? g->voice.until_us : old->until_us,
		.put_us = g->now_us,
	};
	uint8_t time[1 + 8 + 4 + STORE_ID_MAX];
	int rc = 0;

	if (old->put_us)
		rc = group_del(g, DB_GUARDS, slice_of(time, time_key(old->put_us, key, time)));
	if (!rc)
		rc = group_put(g, DB_GUARDS, key, slice_of(&now, sizeof(now)));
	if (!rc)
		rc = group_put(g, DB_GUARDS, slice_of(time, time_key(now.put_us, key, time)), (struct slice){0});
	d->guarded = GUARDED_SOME;
	return rc ? rc : old_drop(g, g->now_us - g->voice.keep_us);
}

/* Has anything but an event changed it since the event that is handled so late? */
static int
overtaken(struct group *g, uint32_t dataset, struct slice id, const struct guard *old, bool *is)
{
	int64_t modified_us;
	int rc;

	if (g->now_us - g->voice.until_us < LATE_US)
		return 0;
	rc = record_modified(g, dataset, id, &modified_us);
	*is = !rc && modified_us > g->voice.until_us && modified_us > old->put_us + SAME_US;
	return rc;
}

int
guard_meet(struct group *g, uint32_t dataset, struct slice id, bool *barred)
{
	uint8_t key[1 + 4 + STORE_ID_MAX];
	struct dataset *d;
	struct guard old;
	struct slice at;
	int rc;

	*barred = false;
	if (g->voice.whose == VOICE_NOBODY)
		return 0;
	rc = group_dataset(g, dataset, &d);
	if (!rc)
		rc = guarded_find(g, d);
	if (rc || (d->guarded == GUARDED_NONE && g->voice.whose == VOICE_PAGE))
		return rc;
	at = slice_of(key, guard_key(g, dataset, id, key));
	rc = guard_get(g, at, &old);
	if (rc)
		return rc;
	*barred = g->voice.whose == VOICE_PAGE ? old.until_us > g->voice.at_us : old.happened_us > g->voice.at_us;
	if (!*barred && g->voice.whose == VOICE_EVENT)
		rc = overtaken(g, dataset, id, &old, barred);
	return rc || *barred || g->voice.whose == VOICE_PAGE ? rc : guard_put(g, d, at, &old);
}

int
apply_voice(struct group *g, struct commit *c, struct reader *r)
{
	struct slice bytes = reader_raw(r, sizeof(g->voice));

	(void)c;
	memcpy(&g->voice, bytes.p, sizeof(g->voice));
	return 0;
}
