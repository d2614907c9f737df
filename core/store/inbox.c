/* inbox.c - events that providers sent: stored before they are answered, waiting in order, known again by their ids.
 *
 *   arrives -> waiting -> done                (kept for a while: the same event sent again is then known)
 *                 |  ^--- failed: later again
 *                 '-> dead -> waiting         (by a person)
 *
 * The end of an event stands in the commit of what its handler saved, so none is handled twice or left out by a kill. An
 * entry is its scope and state, and then, sealed and bound to these and to its number, the event. The index has each event
 * under its scope and a keyed hash of handler and id; those that wait, and those that were put aside, under scope and number too.
 *
 * Awkward: numbers are never handed out again, also when the newest event goes, because a run that has one in hand names it
 * by number. So the last one stands in the index too. */
#include "base/mem.h"
#include "store/events_in.h"
#include "store/headed.h"
#include "store/read.h"

#define HEAD_SIZE (4 + 1) /* scope, state */
static const struct headed events = {DB_INBOX, SEAL_INBOX, HEAD_SIZE};
#define TEXT_MAX (64u << 20)
enum { KEY_LAST = 'n', KEY_ID = 'i' };
static const uint8_t listed[] = {[INBOX_WAITING] = 'w', [INBOX_DONE] = 0, [INBOX_DEAD] = 'd'}; /* 0: not by its state */
#define ID_KEY_SIZE (1 + 4 + SEAL_ID_SIZE)
#define STATE_KEY_SIZE (1 + 4 + 8)

static void
id_key(const struct seal *seal, const struct inbox_event *e, uint8_t out[ID_KEY_SIZE])
{
	struct buf text = {0};

	out[0] = KEY_ID;
	put_be32(out + 1, e->scope);
	buf_bytes(&text, e->webhook);
	buf_slice(&text, e->id);
	seal_id(seal, buf_view(&text), out + 5);
	buf_wipe(&text);
}

static struct slice
state_key(enum inbox_state state, uint32_t scope, uint64_t number, uint8_t out[STATE_KEY_SIZE])
{
	out[0] = listed[state];
	put_be32(out + 1, scope);
	put_be64(out + 5, number);
	return slice_of(out, STATE_KEY_SIZE);
}

static int
entry_put(struct group *g, const struct inbox_event *e)
{
	uint8_t head[HEAD_SIZE];
	struct buf text = {0};

	buf_u64(&text, (uint64_t)e->arrived_us);
	buf_u64(&text, (uint64_t)e->happened_us);
	buf_u64(&text, (uint64_t)e->next_us);
	buf_u64(&text, (uint64_t)e->settled_us);
	buf_u64(&text, e->attempts);
	buf_u64(&text, e->run);
	buf_bytes(&text, e->webhook);
	buf_bytes(&text, e->id);
	buf_bytes(&text, e->type);
	buf_bytes(&text, e->reason);
	buf_bytes(&text, e->body);
	put_be32(head, e->scope);
	head[4] = (uint8_t)e->state;
	return headed_put(g, &events, e->number, head, &text);
}

/* false: damaged. Slices are borrowed from scratch or value. */
static bool
entry_get(const struct seal *seal, uint64_t number, struct slice value, struct buf *scratch, struct inbox_event *e)
{
	struct slice text;
	struct reader r;

	if (!headed_get(&events, seal, (struct headed_entry){number, value}, scratch, &text))
		return false;
	*e = (struct inbox_event){.number = number, .scope = get_be32(value.p), .state = (uint8_t)value.p[4]};
	r = reader_of(text);
	e->arrived_us = (int64_t)reader_u64(&r);
	e->happened_us = (int64_t)reader_u64(&r);
	e->next_us = (int64_t)reader_u64(&r);
	e->settled_us = (int64_t)reader_u64(&r);
	e->attempts = reader_u64(&r);
	e->run = reader_u64(&r);
	e->webhook = reader_bytes(&r, TEXT_MAX);
	e->id = reader_bytes(&r, TEXT_MAX);
	e->type = reader_bytes(&r, TEXT_MAX);
	e->reason = reader_bytes(&r, TEXT_MAX);
	e->body = reader_bytes(&r, TEXT_MAX);
	return reader_end(&r);
}

/* ---- putting ---- */

void
commit_inbox(struct commit *c, const struct inbox_event *e)
{
	buf_u8(&c->ops, OP_INBOX);
	buf_u32(&c->ops, e->scope);
	buf_u64(&c->ops, (uint64_t)e->arrived_us);
	buf_u64(&c->ops, (uint64_t)e->happened_us);
	buf_bytes(&c->ops, e->webhook);
	buf_bytes(&c->ops, e->id);
	buf_bytes(&c->ops, e->type);
	buf_bytes(&c->ops, e->body);
}

static int
number_next(struct group *g, uint64_t *number)
{
	static const uint8_t key[] = {KEY_LAST};
	MDB_val v;
	int rc = group_get(g, DB_INBOXKEY, slice_of(key, sizeof(key)), &v);

	*number = 1;
	if (!rc && v.mv_size != sizeof(*number))
		return MDB_CORRUPTED;
	if (!rc) {
		memcpy(number, v.mv_data, sizeof(*number));
		++*number;
	}
	return rc && rc != MDB_NOTFOUND ? rc
	                                : group_put(g, DB_INBOXKEY, slice_of(key, sizeof(key)), slice_of(number, sizeof(*number)));
}

int
apply_inbox(struct group *g, struct commit *c, struct reader *r)
{
	struct inbox_event e = {.scope = reader_u32(r), .state = INBOX_WAITING};
	uint8_t id[ID_KEY_SIZE], waits[STATE_KEY_SIZE];
	MDB_val v;
	int rc;

	e.arrived_us = (int64_t)reader_u64(r);
	e.happened_us = (int64_t)reader_u64(r);
	e.webhook = reader_bytes(r, UINT32_MAX);
	e.id = reader_bytes(r, UINT32_MAX);
	e.type = reader_bytes(r, UINT32_MAX);
	e.body = reader_bytes(r, UINT32_MAX);
	id_key(&g->s->seal, &e, id);
	rc = group_get(g, DB_INBOXKEY, slice_of(id, sizeof(id)), &v);
	if (rc != MDB_NOTFOUND) {
		c->known += !rc;
		return rc;
	}
	rc = number_next(g, &e.number);
	if (!rc)
		rc = group_put(g, DB_INBOXKEY, slice_of(id, sizeof(id)), slice_of(&e.number, sizeof(e.number)));
	if (!rc)
		rc = group_put(g, DB_INBOXKEY, state_key(e.state, e.scope, e.number, waits), (struct slice){0});
	return rc ? rc : entry_put(g, &e);
}

/* ---- what becomes of one ---- */

void
commit_inbox_change(struct commit *c, uint64_t number, const struct inbox_change *how)
{
	buf_u8(&c->ops, OP_INBOX_CHANGE);
	buf_u64(&c->ops, number);
	buf_u8(&c->ops, (uint8_t)how->what);
	buf_u64(&c->ops, how->run);
	buf_u64(&c->ops, (uint64_t)how->next_us);
	buf_bytes(&c->ops, how->reason);
}

static int
entry_list(struct group *g, const struct inbox_event *e)
{
	uint8_t key[STATE_KEY_SIZE];

	return listed[e->state] ? group_put(g, DB_INBOXKEY, state_key(e->state, e->scope, e->number, key), (struct slice){0}) : 0;
}

static int
entry_unlist(struct group *g, const struct inbox_event *e)
{
	uint8_t key[STATE_KEY_SIZE];

	return listed[e->state] ? group_del(g, DB_INBOXKEY, state_key(e->state, e->scope, e->number, key)) : 0;
}

static int
entry_drop(struct group *g, const struct inbox_event *e)
{
	uint8_t id[ID_KEY_SIZE], key[8];
	int rc;

	id_key(&g->s->seal, e, id);
	put_be64(key, e->number);
	if ((rc = group_del(g, DB_INBOXKEY, slice_of(id, sizeof(id)))) || (rc = entry_unlist(g, e)))
		return rc;
	return group_del(g, DB_INBOX, slice_of(key, sizeof(key)));
}

/* The state that a change leads from, and that it leads to. */
static const struct {
	enum inbox_state from, to;
} changes[] = {
	[INBOX_HANDLED] = {INBOX_WAITING, INBOX_DONE},
	[INBOX_FAILED] = {INBOX_WAITING, INBOX_WAITING},
	[INBOX_PARK] = {INBOX_WAITING, INBOX_DEAD},
	[INBOX_AGAIN] = {INBOX_DEAD, INBOX_WAITING},
};

static int
entry_change(struct group *g, struct inbox_event *e, const struct inbox_change *how)
{
	int rc;

	if (how->what == INBOX_DROP)
		return entry_drop(g, e);
	if (e->state != changes[how->what].from)
		return group_refuse(g, ERR_USAGE, "event %llu %s", (unsigned long long)e->number,
		                    e->state == INBOX_DONE      ? "is done already"
		                    : e->state == INBOX_WAITING ? "is waiting to be handled"
		                                                : "was put aside");
	if ((rc = entry_unlist(g, e)))
		return rc;
	e->state = changes[how->what].to;
	e->run = how->run ? how->run : e->run;
	e->next_us = how->next_us;
	e->attempts = how->what == INBOX_AGAIN ? 0 : e->attempts + (how->what != INBOX_HANDLED);
	e->reason = how->what == INBOX_HANDLED ? (struct slice){0} : how->reason.len ? how->reason : e->reason;
	e->settled_us = e->state == INBOX_WAITING ? 0 : g->now_us;
	rc = entry_list(g, e);
	return rc ? rc : entry_put(g, e);
}

int
apply_inbox_change(struct group *g, struct commit *c, struct reader *r)
{
	uint64_t number = reader_u64(r);
	struct inbox_change how = {.what = reader_u8(r), .run = reader_u64(r)};
	struct inbox_event e;
	struct buf own = {0};
	uint8_t key[8];
	MDB_val v;
	int rc;

	(void)c;
	how.next_us = (int64_t)reader_u64(r);
	how.reason = reader_bytes(r, UINT32_MAX);
	put_be64(key, number);
	rc = group_get(g, DB_INBOX, slice_of(key, sizeof(key)), &v);
	if (rc == MDB_NOTFOUND && how.what == INBOX_DROP)
		return 0;
	if (rc == MDB_NOTFOUND)
		return group_refuse(g, ERR_USAGE, "there is no event %llu: `sluice events list` shows which there are",
		                    (unsigned long long)number);
	if (rc)
		return rc;
	buf_slice(&own, slice_val(v)); /* v points into a page that the changes below may move */
	rc = entry_get(&g->s->seal, number, buf_view(&own), &g->scratch, &e)
	             ? entry_change(g, &e, &how)
	             : group_refuse(g, ERR_HOST, "store %s is damaged: event %llu does not open", g->s->dir,
	                            (unsigned long long)number);
	buf_wipe(&own);
	return rc;
}

/* ---- reading ---- */

static int
entry_show(struct snapshot *p, uint64_t number, struct slice value, struct inbox_event *e, struct err *err)
{
	struct scope_entry scope;
	struct slice names;
	const char *part[4];

	if (!entry_get(&p->s->seal, number, value, &p->scratch, e) || !snapshot_scope(p, e->scope, &scope, &names) ||
	    !layout_names_get(names, part))
		return err_set(err, ERR_HOST, "store %s is damaged: event %llu does not open", p->s->dir, (unsigned long long)number);
	e->connection = part[0];
	e->integration = part[1];
	return 0;
}

static bool
query_fits(const struct inbox_query *q, MDB_val v)
{
	const uint8_t *head = v.mv_data;

	return v.mv_size >= HEAD_SIZE && (!q->scope || get_be32(head) == q->scope) && (!q->state || head[4] == q->state);
}

static int
inbox_walk(struct snapshot *p, MDB_cursor *cur, const struct inbox_query *q, bool (*each)(void *arg, const struct inbox_event *e),
           void *arg, struct err *err)
{
	MDB_cursor_op on = q->newest_first ? MDB_PREV : MDB_NEXT;
	size_t left = q->limit ? q->limit : 100;
	uint8_t key[8];
	MDB_val k = val_of(key, sizeof(key)), v;
	struct inbox_event e;
	int rc;

	put_be64(key, q->newest_first ? q->after : q->after + 1);
	rc = mdb_cursor_get(cur, &k, &v, MDB_SET_RANGE);
	if (q->newest_first)
		rc = rc || !q->after ? mdb_cursor_get(cur, &k, &v, MDB_LAST) : mdb_cursor_get(cur, &k, &v, MDB_PREV);
	for (; !rc && left; rc = mdb_cursor_get(cur, &k, &v, on)) {
		if (!query_fits(q, v))
			continue;
		if (entry_show(p, get_be64(k.mv_data), slice_val(v), &e, err) < 0)
			return -1;
		if (!each(arg, &e))
			return 0;
		left--;
	}
	return !rc || rc == MDB_NOTFOUND ? 0 : env_error(&p->s->env, rc, "cannot read events", 0, err);
}

int
store_inbox(struct store *s, const struct inbox_query *q, bool (*each)(void *arg, const struct inbox_event *e), void *arg,
            struct err *err)
{
	struct snapshot p;
	MDB_cursor *cur;
	int rc;

	if (!q->newest_first && q->after == UINT64_MAX)
		return 0;
	if (walk_begin(&p, s, DB_INBOX, &cur, "cannot read events", err) < 0)
		return -1;
	rc = inbox_walk(&p, cur, q, each, arg, err);
	walk_end(&p, cur);
	return rc;
}

bool
store_inbox_get(struct store *s, uint64_t number, void (*fn)(void *arg, const struct inbox_event *e), void *arg)
{
	uint8_t key[8];
	struct snapshot p;
	struct slice v;
	struct inbox_event e;
	struct err err = {0};
	bool found = false;

	put_be64(key, number);
	if (snapshot_begin(&p, s, &err) == 0) {
		found = snapshot_get(&p, DB_INBOX, slice_of(key, sizeof(key)), &v) == 0 && entry_show(&p, number, v, &e, &err) == 0;
		if (found)
			fn(arg, &e);
		snapshot_end(&p);
	}
	read_complain(&err);
	return found;
}

/* The first waiting one of the scope behind `after`; 0: none. */
static uint64_t
waiting_first(struct snapshot *p, uint32_t scope, uint64_t after)
{
	uint8_t key[STATE_KEY_SIZE];
	MDB_val k = val_slice(state_key(INBOX_WAITING, scope, after + 1, key)), v;
	MDB_cursor *cur;
	uint64_t number = 0;

	if (snapshot_cursor(p, DB_INBOXKEY, &cur) != 0)
		return 0;
	if (mdb_cursor_get(cur, &k, &v, MDB_SET_RANGE) == 0 && k.mv_size == STATE_KEY_SIZE && memcmp(k.mv_data, key, 5) == 0)
		number = get_be64((const char *)k.mv_data + 5);
	mdb_cursor_close(cur);
	return number;
}

bool
store_inbox_next(struct store *s, uint32_t scope, uint64_t after, void (*fn)(void *arg, const struct inbox_event *e), void *arg)
{
	uint8_t key[8];
	struct snapshot p;
	struct slice v;
	struct inbox_event e;
	struct err err = {0};
	uint64_t number;
	bool found = false;

	if (snapshot_begin(&p, s, &err) == 0) {
		number = waiting_first(&p, scope, after);
		put_be64(key, number);
		found = number && snapshot_get(&p, DB_INBOX, slice_of(key, sizeof(key)), &v) == 0 &&
		        entry_show(&p, number, v, &e, &err) == 0;
		if (found)
			fn(arg, &e);
		snapshot_end(&p);
	}
	read_complain(&err);
	return found;
}

/* The count of one scope is told; one that has gone meanwhile is nobody's. */
static void
count_tell(struct snapshot *p, struct inbox_count *n, void (*each)(void *arg, const struct inbox_count *n), void *arg)
{
	struct scope_entry scope;
	struct slice names;
	const char *part[4];

	if (!n->n || !snapshot_scope(p, n->scope, &scope, &names) || !layout_names_get(names, part))
		return;
	n->connection = part[0];
	n->integration = part[1];
	each(arg, n);
}

int
store_inbox_count(struct store *s, enum inbox_state state, void (*each)(void *arg, const struct inbox_count *n), void *arg,
                  struct err *err)
{
	struct inbox_count n = {0};
	struct snapshot p;
	MDB_cursor *cur;
	MDB_val k = val_of(&listed[state], 1), v;
	int rc;

	if (walk_begin(&p, s, DB_INBOXKEY, &cur, "cannot read events", err) < 0)
		return -1;
	for (rc = mdb_cursor_get(cur, &k, &v, MDB_SET_RANGE); !rc; rc = mdb_cursor_get(cur, &k, &v, MDB_NEXT)) {
		if (k.mv_size != STATE_KEY_SIZE || *(const uint8_t *)k.mv_data != listed[state])
			break;
		if (get_be32((const char *)k.mv_data + 1) != n.scope) {
			count_tell(&p, &n, each, arg);
			n = (struct inbox_count){.scope = get_be32((const char *)k.mv_data + 1)};
		}
		n.n++;
	}
	count_tell(&p, &n, each, arg);
	walk_end(&p, cur);
	return !rc || rc == MDB_NOTFOUND ? 0 : env_error(&s->env, rc, "cannot read events", 0, err);
}

/* ---- verify: each event opens, and the index leads to it; as many are indexed as there are ---- */

static bool
entry_good(struct snapshot *p, MDB_val k, MDB_val v, uint64_t *indexed)
{
	uint8_t id[ID_KEY_SIZE], key[STATE_KEY_SIZE];
	uint64_t number = k.mv_size == 8 ? get_be64(k.mv_data) : 0, back = 0;
	struct inbox_event e;
	struct slice at;
	bool good = true;

	if (!number || !entry_get(&p->s->seal, number, slice_val(v), &p->scratch, &e))
		return false;
	id_key(&p->s->seal, &e, id);
	if (snapshot_get(p, DB_INBOXKEY, slice_of(id, sizeof(id)), &at) == 0 && at.len == sizeof(back))
		memcpy(&back, at.p, sizeof(back));
	++*indexed;
	for (enum inbox_state state = INBOX_WAITING; state <= INBOX_DEAD; state++) {
		bool is = listed[state] && snapshot_get(p, DB_INBOXKEY, state_key(state, e.scope, number, key), &at) == 0;
		*indexed += is;
		good = good && is == (listed[state] && e.state == state);
	}
	return good && back == number;
}

uint64_t
inbox_verify(struct snapshot *p, uint64_t *indexed)
{
	MDB_cursor *cur;
	MDB_val k, v;
	uint64_t bad = 0;

	*indexed = 0;
	if (snapshot_cursor(p, DB_INBOX, &cur) != 0)
		return 1;
	while (mdb_cursor_get(cur, &k, &v, MDB_NEXT) == 0)
		bad += !entry_good(p, k, v, indexed);
	mdb_cursor_close(cur);
	return bad;
}
