/* history.c - runs, their steps and the lines of their logs: numbered, sealed JSON.
 *
 * Steps of a run have the numbers that the run gives them; lines are numbered from 1 as they are committed. The next
 * run's number follows the highest that is stored (of runs and of logs), so a number that a crash left uncommitted may
 * be handed out again, a committed one never. */
#include "store/apply.h"
#include "store/read.h"

int
apply_run(struct group *g, struct commit *c, struct reader *r)
{
	uint8_t key[8];

	(void)c;
	put_be64(key, reader_u64(r));
	return group_put_sealed(g, DB_RUNS, SEAL_RUN, slice_of(key, sizeof(key)), reader_bytes(r, UINT32_MAX));
}

int
apply_step(struct group *g, struct commit *c, struct reader *r)
{
	uint8_t key[16];

	(void)c;
	put_be64(key, reader_u64(r));
	put_be64(key + 8, reader_u64(r));
	return group_put_sealed(g, DB_STEPS, SEAL_STEP, slice_of(key, sizeof(key)), reader_bytes(r, UINT32_MAX));
}

/* The number of the run's last line: what stands before the first key of the next run. */
static int
last_line(struct group *g, uint64_t run, uint64_t *number)
{
	uint8_t key[16];
	MDB_cursor *cur;
	MDB_val k = val_of(key, sizeof(key)), v;
	int rc = mdb_cursor_open(g->txn, g->db[DB_LOGS], &cur);

	*number = 0;
	if (rc)
		return rc;
	put_be64(key, run + 1);
	put_be64(key + 8, 0);
	rc = mdb_cursor_get(cur, &k, &v, MDB_SET_RANGE);
	rc = rc == MDB_NOTFOUND ? mdb_cursor_get(cur, &k, &v, MDB_LAST)
	     : rc               ? rc
	                        : mdb_cursor_get(cur, &k, &v, MDB_PREV);
	if (!rc && get_be64(k.mv_data) == run)
		*number = get_be64((char *)k.mv_data + 8);
	mdb_cursor_close(cur);
	return rc == MDB_NOTFOUND ? 0 : rc;
}

int
apply_log(struct group *g, struct commit *c, struct reader *r)
{
	uint64_t run = reader_u64(r), number;
	struct slice json = reader_bytes(r, UINT32_MAX);
	uint8_t key[16];
	int rc = last_line(g, run, &number);

	(void)c;
	put_be64(key, run);
	put_be64(key + 8, number + 1);
	return rc ? rc : group_put_sealed(g, DB_LOGS, SEAL_LOG, slice_of(key, sizeof(key)), json);
}

uint64_t
store_run_next(struct store *s)
{
	return s->next_run++;
}

bool
store_run_get(struct store *s, uint64_t run, struct buf *json)
{
	uint8_t key[8];
	struct slice sealed, plain;
	struct snapshot p;
	struct err err = {0};
	bool found = false;

	put_be64(key, run);
	if (snapshot_begin(&p, s, &err) == 0) {
		found = snapshot_get(&p, DB_RUNS, slice_of(key, sizeof(key)), &sealed) == 0 &&
		        snapshot_open(&p, SEAL_RUN, slice_of(key, sizeof(key)), sealed, &plain, &err);
		if (found) {
			buf_clear(json);
			buf_slice(json, plain);
		}
		snapshot_end(&p);
	}
	read_complain(&err);
	return found;
}

static int
runs_walk(struct snapshot *p, MDB_cursor *cur, uint64_t before, size_t limit,
          bool (*each)(void *arg, uint64_t run, struct slice json), void *arg, struct err *err)
{
	uint8_t key[8];
	MDB_val k = val_of(key, sizeof(key)), v;
	struct slice json;
	int rc = MDB_NOTFOUND;

	put_be64(key, before);
	if (before)
		rc = mdb_cursor_get(cur, &k, &v, MDB_SET_RANGE);
	rc = rc == MDB_NOTFOUND ? mdb_cursor_get(cur, &k, &v, MDB_LAST)
	     : rc               ? rc
	                        : mdb_cursor_get(cur, &k, &v, MDB_PREV);
	for (; !rc && limit; limit--, rc = mdb_cursor_get(cur, &k, &v, MDB_PREV)) {
		if (!snapshot_open(p, SEAL_RUN, slice_val(k), slice_val(v), &json, err))
			return -1;
		if (!each(arg, get_be64(k.mv_data), json))
			return 0;
	}
	return !rc || rc == MDB_NOTFOUND ? 0 : env_error(&p->s->env, rc, "cannot read runs", 0, err);
}

int
store_runs(struct store *s, uint64_t before, size_t limit, bool (*each)(void *arg, uint64_t run, struct slice json),
           void *arg, struct err *err)
{
	struct snapshot p;
	MDB_cursor *cur;
	int rc;

	if (walk_begin(&p, s, DB_RUNS, &cur, "cannot read runs", err) < 0)
		return -1;
	rc = runs_walk(&p, cur, before, limit ? limit : 100, each, arg, err);
	walk_end(&p, cur);
	return rc;
}

/* Logs and steps: numbered within their run, in order. */
struct numbered {
	enum layout_db db;
	enum seal_kind kind;
	const char *doing;
	uint64_t run, after;
	size_t limit;
	bool (*each)(void *arg, uint64_t n, struct slice json);
	void *arg;
};

static int
numbered_walk(struct snapshot *p, MDB_cursor *cur, const struct numbered *w, struct err *err)
{
	uint8_t key[16];
	MDB_val k = val_of(key, sizeof(key)), v;
	size_t limit = w->limit ? w->limit : 100;
	struct slice json;
	int rc;

	put_be64(key, w->run);
	put_be64(key + 8, w->after + 1);
	for (rc = mdb_cursor_get(cur, &k, &v, MDB_SET_RANGE); !rc && limit;
	     limit--, rc = mdb_cursor_get(cur, &k, &v, MDB_NEXT)) {
		if (get_be64(k.mv_data) != w->run)
			return 0;
		if (!snapshot_open(p, w->kind, slice_val(k), slice_val(v), &json, err))
			return -1;
		if (!w->each(w->arg, get_be64((char *)k.mv_data + 8), json))
			return 0;
	}
	return !rc || rc == MDB_NOTFOUND ? 0 : env_error(&p->s->env, rc, w->doing, 0, err);
}

static int
numbered_read(struct store *s, const struct numbered *w, struct err *err)
{
	struct snapshot p;
	MDB_cursor *cur;
	int rc;

	if (w->after == UINT64_MAX)
		return 0;
	if (walk_begin(&p, s, w->db, &cur, w->doing, err) < 0)
		return -1;
	rc = numbered_walk(&p, cur, w, err);
	walk_end(&p, cur);
	return rc;
}

int
store_log(struct store *s, uint64_t run, uint64_t after, size_t limit,
          bool (*each)(void *arg, uint64_t n, struct slice json), void *arg, struct err *err)
{
	const struct numbered w = {DB_LOGS, SEAL_LOG, "cannot read a log", run, after, limit, each, arg};

	return numbered_read(s, &w, err);
}

int
store_steps(struct store *s, uint64_t run, uint64_t after, size_t limit,
            bool (*each)(void *arg, uint64_t step, struct slice json), void *arg, struct err *err)
{
	const struct numbered w = {DB_STEPS, SEAL_STEP, "cannot read steps", run, after, limit, each, arg};

	return numbered_read(s, &w, err);
}
