/* dead.c - letters that could not be delivered: records that were refused, with the reason and their raw bytes.
 *
 * A letter is known by its sync, its dataset and its id (or, without one, by a hash of its bytes): the same again
 * counts an attempt. A save of that id into that dataset takes the letter away, whichever sync wrote it. Value: scope,
 * dataset and mark in clear (bound to the seal by its place), the rest sealed. One that a person has settled stays, out
 * of the index and of the counts: the same record failing again is news. Awkward: letters whose dataset is not known (0)
 * are told apart by model. */
#include "store/headed.h"
#include "store/read.h"

#define RAW_MAX (64 << 10)
#define TEXT_MAX (1 << 20)
#define MARK_SIZE (1 + SEAL_ID_SIZE)
#define HEAD_SIZE (4 + 4 + MARK_SIZE)  /* scope, dataset, mark */
#define INDEX_SIZE (4 + MARK_SIZE + 4) /* dataset, mark, scope */
enum { MARK_ID = 'i', MARK_RAW = 'r' };
static const struct headed letters = {DB_DEAD, SEAL_DEAD, HEAD_SIZE};

struct letter {
	uint32_t scope, dataset;
	uint8_t mark[MARK_SIZE];
	uint64_t run, attempts, raw_len;
	int64_t first_us, last_us;
	int64_t settled_us; /* 0: open */
	struct slice model, id, reason, raw, settler;
};

static void
mark_make(const struct seal *seal, uint32_t dataset, struct slice model, struct slice id, struct slice raw,
          uint8_t mark[MARK_SIZE])
{
	struct buf text = {0};

	if (!dataset)
		buf_bytes(&text, model);
	buf_slice(&text, id.len ? id : raw);
	mark[0] = id.len ? MARK_ID : MARK_RAW;
	seal_id(seal, buf_view(&text), mark + 1);
	buf_wipe(&text);
}

static void
index_key(uint32_t dataset, const uint8_t mark[MARK_SIZE], uint32_t scope, uint8_t out[INDEX_SIZE])
{
	put_be32(out, dataset);
	memcpy(out + 4, mark, MARK_SIZE);
	put_be32(out + 4 + MARK_SIZE, scope);
}

static void
letter_head_put(uint8_t out[HEAD_SIZE], const struct letter *l)
{
	put_be32(out, l->scope);
	put_be32(out + 4, l->dataset);
	memcpy(out + 8, l->mark, MARK_SIZE);
}

static int
letter_put(struct group *g, uint64_t number, const struct letter *l)
{
	uint8_t head[HEAD_SIZE];
	struct buf text = {0};

	buf_u64(&text, l->run);
	buf_u64(&text, l->attempts);
	buf_u64(&text, (uint64_t)l->first_us);
	buf_u64(&text, (uint64_t)l->last_us);
	buf_u64(&text, l->raw_len);
	buf_bytes(&text, l->model);
	buf_bytes(&text, l->id);
	buf_bytes(&text, l->reason);
	buf_bytes(&text, l->raw);
	if (l->settled_us) {
		buf_u64(&text, (uint64_t)l->settled_us);
		buf_bytes(&text, l->settler);
	}
	letter_head_put(head, l);
	return headed_put(g, &letters, number, head, &text);
}

/* false: damaged. The letter's slices are borrowed from scratch or value. */
static bool
letter_get(const struct seal *seal, uint64_t number, struct slice value, struct buf *scratch, struct letter *l)
{
	struct slice text;
	struct reader r;

	if (!headed_get(&letters, seal, (struct headed_entry){number, value}, scratch, &text))
		return false;
	l->scope = get_be32(value.p);
	l->dataset = get_be32(value.p + 4);
	memcpy(l->mark, value.p + 8, MARK_SIZE);
	r = reader_of(text);
	l->run = reader_u64(&r);
	l->attempts = reader_u64(&r);
	l->first_us = (int64_t)reader_u64(&r);
	l->last_us = (int64_t)reader_u64(&r);
	l->raw_len = reader_u64(&r);
	l->model = reader_bytes(&r, TEXT_MAX);
	l->id = reader_bytes(&r, TEXT_MAX);
	l->reason = reader_bytes(&r, TEXT_MAX);
	l->raw = reader_bytes(&r, TEXT_MAX);
	l->settled_us = r.p < r.end ? (int64_t)reader_u64(&r) : 0;
	l->settler = l->settled_us ? reader_bytes(&r, TEXT_MAX) : (struct slice){0};
	return reader_end(&r);
}

/* The counters at the letter's scope and dataset: so that a save looks for letters only where there are some. */
static int
count(struct group *g, uint32_t dataset, const uint8_t *mark, uint32_t scope, int by)
{
	uint8_t key[4], out[SCOPE_ENTRY_SIZE + LAYOUT_KEY_MAX];
	struct scope_entry e;
	struct dataset *d;
	struct slice names;
	MDB_val v;
	int rc;

	if (dataset && mark[0] == MARK_ID) {
		if ((rc = group_dataset(g, dataset, &d)))
			return rc;
		d->e.dead += (uint64_t)(int64_t)by;
		d->dirty = true;
	}
	put_be32(key, scope);
	rc = group_get(g, DB_SCOPES, slice_of(key, sizeof(key)), &v);
	if (rc == MDB_NOTFOUND)
		return group_refuse(g, ERR_USAGE, "store %s: there is no scope %u", g->s->dir, scope);
	if (rc)
		return rc;
	if (!layout_scope_get(slice_val(v), &e, &names) || names.len > LAYOUT_KEY_MAX)
		return MDB_CORRUPTED;
	e.dead += (uint64_t)(int64_t)by;
	layout_scope_put(out, &e);
	memcpy(out + SCOPE_ENTRY_SIZE, names.p, names.len);
	return group_put(g, DB_SCOPES, slice_of(key, sizeof(key)), slice_of(out, SCOPE_ENTRY_SIZE + names.len));
}

static int
letter_new(struct group *g, struct slice index, struct letter *l, uint64_t *number)
{
	MDB_val k;
	int rc = group_last(g, DB_DEAD, &k);

	if (rc)
		return rc;
	*number = k.mv_size ? get_be64(k.mv_data) + 1 : 1;
	l->attempts = 1;
	l->first_us = g->now_us;
	rc = group_put(g, DB_DEADKEY, index, slice_of(number, sizeof(*number)));
	return rc ? rc : count(g, l->dataset, l->mark, l->scope, 1);
}

static int
letter_again(struct group *g, MDB_val at, struct letter *l, uint64_t *number)
{
	uint8_t key[8];
	struct letter old;
	MDB_val v;
	int rc;

	if (at.mv_size != sizeof(*number))
		return MDB_CORRUPTED;
	memcpy(number, at.mv_data, sizeof(*number));
	put_be64(key, *number);
	rc = group_get(g, DB_DEAD, slice_of(key, sizeof(key)), &v);
	if (rc)
		return rc == MDB_NOTFOUND ? MDB_CORRUPTED : rc;
	if (!letter_get(&g->s->seal, *number, slice_val(v), &g->scratch, &old))
		return group_refuse(g, ERR_HOST, "store %s is damaged: dead letter %llu does not open", g->s->dir,
		                    (unsigned long long)*number);
	l->attempts = old.attempts + 1;
	l->first_us = old.first_us;
	return 0;
}

int
apply_dead(struct group *g, struct commit *c, struct reader *r)
{
	struct letter l = {.scope = reader_u32(r), .last_us = g->now_us};
	uint8_t index[INDEX_SIZE];
	uint64_t number;
	MDB_val v;
	int rc;

	l.dataset = reader_u32(r);
	l.run = reader_u64(r);
	l.model = reader_bytes(r, UINT32_MAX);
	l.id = reader_bytes(r, UINT32_MAX);
	l.reason = reader_bytes(r, UINT32_MAX);
	l.raw = reader_bytes(r, UINT32_MAX);
	l.raw_len = l.raw.len;
	mark_make(&g->s->seal, l.dataset, l.model, l.id, l.raw, l.mark);
	l.raw.len = l.raw.len < RAW_MAX ? l.raw.len : RAW_MAX;
	index_key(l.dataset, l.mark, l.scope, index);
	rc = group_get(g, DB_DEADKEY, slice_of(index, sizeof(index)), &v);
	if (rc && rc != MDB_NOTFOUND)
		return rc;
	rc = rc ? letter_new(g, slice_of(index, sizeof(index)), &l, &number) : letter_again(g, v, &l, &number);
	c->dead++;
	return rc ? rc : letter_put(g, number, &l);
}

static int
letter_away(struct group *g, const struct letter *l)
{
	uint8_t index[INDEX_SIZE];
	int rc;

	index_key(l->dataset, l->mark, l->scope, index);
	rc = group_del(g, DB_DEADKEY, slice_of(index, sizeof(index)));
	return rc ? rc : count(g, l->dataset, l->mark, l->scope, -1);
}

static int
letter_change(struct group *g, uint64_t number, enum dead_change how, struct letter *l, struct slice text)
{
	uint8_t key[8];
	int rc = 0;

	put_be64(key, number);
	if (how == DEAD_AGAIN) {
		l->attempts++;
		l->reason = text;
		return letter_put(g, number, l);
	}
	if (!l->settled_us)
		rc = letter_away(g, l);
	if (rc || how != DEAD_SETTLE)
		return rc ? rc : group_del(g, DB_DEAD, slice_of(key, sizeof(key)));
	l->settled_us = g->now_us;
	l->settler = text;
	return letter_put(g, number, l);
}

int
apply_dead_change(struct group *g, struct commit *c, struct reader *r)
{
	uint64_t number = reader_u64(r);
	enum dead_change how = reader_u8(r);
	struct slice text = reader_bytes(r, UINT32_MAX);
	struct letter l;
	struct buf own = {0};
	uint8_t key[8];
	MDB_val v;
	int rc;

	(void)c;
	put_be64(key, number);
	rc = group_get(g, DB_DEAD, slice_of(key, sizeof(key)), &v);
	if (rc == MDB_NOTFOUND && how == DEAD_DROP)
		return 0;
	if (rc == MDB_NOTFOUND)
		return group_refuse(g, ERR_USAGE,
		                    "there is no dead letter %llu: `sluice dead-letters list` shows which there are",
		                    (unsigned long long)number);
	if (rc)
		return rc;
	buf_slice(&own, slice_val(v)); /* v points into a page that the changes below may move */
	if (!letter_get(&g->s->seal, number, buf_view(&own), &g->scratch, &l))
		rc = group_refuse(g, ERR_HOST, "store %s is damaged: dead letter %llu does not open", g->s->dir,
		                  (unsigned long long)number);
	else if (l.settled_us && how != DEAD_DROP)
		rc = group_refuse(g, ERR_USAGE, "dead letter %llu is resolved already", (unsigned long long)number);
	else
		rc = letter_change(g, number, how, &l, text);
	buf_wipe(&own);
	return rc;
}

/* The next letter of this id, of whatever scope; MDB_NOTFOUND: none. */
static int
letter_find(struct group *g, struct slice prefix, uint8_t index[INDEX_SIZE], uint64_t *number)
{
	MDB_cursor *cur;
	MDB_val k = val_slice(prefix), v;
	int rc = mdb_cursor_open(g->txn, g->db[DB_DEADKEY], &cur);

	if (rc)
		return rc;
	rc = mdb_cursor_get(cur, &k, &v, MDB_SET_RANGE);
	if (!rc && (k.mv_size != INDEX_SIZE || memcmp(k.mv_data, prefix.p, prefix.len) != 0))
		rc = MDB_NOTFOUND;
	if (!rc) {
		memcpy(index, k.mv_data, INDEX_SIZE);
		memcpy(number, v.mv_data, sizeof(*number));
	}
	mdb_cursor_close(cur);
	return rc;
}

int
dead_resolve(struct group *g, struct dataset *d, struct slice id)
{
	uint8_t prefix[INDEX_SIZE], index[INDEX_SIZE], mark[MARK_SIZE], key[8];
	uint64_t number;
	int rc;

	mark_make(&g->s->seal, d->number, (struct slice){0}, id, (struct slice){0}, mark);
	index_key(d->number, mark, 0, prefix);
	for (;;) {
		rc = letter_find(g, slice_of(prefix, 4 + MARK_SIZE), index, &number);
		if (rc)
			return rc == MDB_NOTFOUND ? 0 : rc;
		put_be64(key, number);
		if ((rc = group_del(g, DB_DEAD, slice_of(key, sizeof(key)))) ||
		    (rc = group_del(g, DB_DEADKEY, slice_of(index, sizeof(index)))) ||
		    (rc = count(g, d->number, mark, get_be32(index + 4 + MARK_SIZE), -1)))
			return rc;
	}
}

static int
letter_show(struct snapshot *p, uint64_t number, struct slice value, struct dead_info *info, struct err *err)
{
	struct scope_entry e;
	struct slice names;
	const char *part[4];
	struct letter l;

	if (!letter_get(&p->s->seal, number, value, &p->scratch, &l) || !snapshot_scope(p, l.scope, &e, &names) ||
	    !layout_names_get(names, part))
		return err_set(err, ERR_HOST, "store %s is damaged: dead letter %llu does not open", p->s->dir,
		               (unsigned long long)number);
	*info = (struct dead_info){.number = number,
	                           .scope = l.scope,
	                           .connection = part[0],
	                           .integration = part[1],
	                           .sync = part[2],
	                           .model = l.model,
	                           .id = l.id,
	                           .raw = l.raw,
	                           .reason = l.reason,
	                           .raw_len = l.raw_len,
	                           .attempts = l.attempts,
	                           .run = l.run,
	                           .first_us = l.first_us,
	                           .last_us = l.last_us,
	                           .settled_us = l.settled_us,
	                           .settler = l.settler};
	return 0;
}

static int
dead_walk(struct snapshot *p, MDB_cursor *cur, uint32_t scope, uint64_t after, size_t limit,
          bool (*each)(void *arg, const struct dead_info *), void *arg, struct err *err)
{
	uint8_t key[8];
	MDB_val k = val_of(key, sizeof(key)), v;
	struct dead_info info;
	int rc;

	put_be64(key, after + 1);
	for (rc = mdb_cursor_get(cur, &k, &v, MDB_SET_RANGE); !rc && limit;
	     rc = mdb_cursor_get(cur, &k, &v, MDB_NEXT)) {
		if (scope && (v.mv_size < HEAD_SIZE || get_be32(v.mv_data) != scope))
			continue;
		if (letter_show(p, get_be64(k.mv_data), slice_val(v), &info, err) < 0)
			return -1;
		if (!each(arg, &info))
			return 0;
		limit--;
	}
	return !rc || rc == MDB_NOTFOUND ? 0 : env_error(&p->s->env, rc, "cannot read dead letters", 0, err);
}

int
store_dead(struct store *s, uint32_t scope, uint64_t after, size_t limit,
           bool (*each)(void *arg, const struct dead_info *), void *arg, struct err *err)
{
	struct snapshot p;
	MDB_cursor *cur;
	int rc;

	if (after == UINT64_MAX)
		return 0;
	if (walk_begin(&p, s, DB_DEAD, &cur, "cannot read dead letters", err) < 0)
		return -1;
	rc = dead_walk(&p, cur, scope, after, limit ? limit : 100, each, arg, err);
	walk_end(&p, cur);
	return rc;
}

bool
store_dead_get(struct store *s, uint64_t number, void (*fn)(void *arg, const struct dead_info *), void *arg)
{
	uint8_t key[8];
	struct snapshot p;
	struct slice v;
	struct dead_info info;
	struct err err = {0};
	bool found = false;

	put_be64(key, number);
	if (snapshot_begin(&p, s, &err) == 0) {
		found = snapshot_get(&p, DB_DEAD, slice_of(key, sizeof(key)), &v) == 0 &&
		        letter_show(&p, number, v, &info, &err) == 0;
		if (found)
			fn(arg, &info);
		snapshot_end(&p);
	}
	read_complain(&err);
	return found;
}

uint64_t
store_dead_count(struct store *s, uint32_t scope)
{
	struct snapshot p;
	struct scope_entry e = {0};
	struct slice names;
	MDB_stat st;
	struct err err = {0};

	if (snapshot_begin(&p, s, &err) == 0) {
		if (scope)
			snapshot_scope(&p, scope, &e, &names);
		else if (mdb_stat(p.env.txn, s->env.db[DB_DEADKEY], &st) == 0)
			e.dead = st.ms_entries;
		snapshot_end(&p);
	}
	read_complain(&err);
	return e.dead;
}

/* One letter: opens, its index entry leads back to it unless it is settled, and its mark fits its content. */
static bool
letter_verify(struct snapshot *p, uint64_t number, struct slice value, struct letter *l)
{
	uint8_t index[INDEX_SIZE], mark[MARK_SIZE];
	uint64_t back = 0;
	struct slice v;

	if (!letter_get(&p->s->seal, number, value, &p->scratch, l))
		return false;
	index_key(l->dataset, l->mark, l->scope, index);
	if (snapshot_get(p, DB_DEADKEY, slice_of(index, sizeof(index)), &v) == 0 && v.len == sizeof(back))
		memcpy(&back, v.p, sizeof(back));
	mark_make(&p->s->seal, l->dataset, l->model, l->id, l->raw, mark);
	return (back == number) == !l->settled_us && (l->raw_len > l->raw.len || memcmp(mark, l->mark, MARK_SIZE) == 0);
}

uint64_t
dead_verify(struct snapshot *p, uint32_t scope, uint32_t dataset, void (*fault)(void *arg, uint64_t number), void *arg)
{
	MDB_cursor *cur;
	MDB_val k, v;
	struct letter l;
	uint64_t n = 0;

	if (snapshot_cursor(p, DB_DEAD, &cur) != 0)
		return 0;
	while (mdb_cursor_get(cur, &k, &v, MDB_NEXT) == 0) {
		uint64_t number = k.mv_size == 8 ? get_be64(k.mv_data) : 0;
		if (!letter_verify(p, number, slice_val(v), &l))
			fault(arg, number);
		else if (!l.settled_us)
			n += scope ? l.scope == scope : dataset ? l.dataset == dataset && l.mark[0] == MARK_ID : 1;
	}
	mdb_cursor_close(cur);
	return n;
}
