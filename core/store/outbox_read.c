/* outbox_read.c - the queues as they are read: their heads, lists, and how much waits.
 *
 * Each call is one short snapshot, and needs no rules: an endpoint that nobody names any more is read like the others. How
 * old an event is stands in clear beside it, so that counting and retention open no seal. */
#include <string.h>
#include "base/mem.h"
#include "store/outbox.h"
#include "store/read.h"

static int
event_show(struct snapshot *p, MDB_val k, MDB_val v, struct outbox_event *e, struct err *err)
{
	struct queued q;

	if (!outbox_event_get(&p->s->seal, slice_val(k), slice_val(v), &p->scratch, &q))
		return err_set(err, ERR_HOST, "store %s is damaged: event %llu of endpoint %u does not open; it can be dropped", p->s->dir,
		               k.mv_size == OUTBOX_KEY_SIZE ? (unsigned long long)get_be64((char *)k.mv_data + 5) : 0ULL,
		               k.mv_size >= 5 ? get_be32((char *)k.mv_data + 1) : 0);
	*e = (struct outbox_event){.endpoint = get_be32((char *)k.mv_data + 1),
	                           .number = get_be64((char *)k.mv_data + 5),
	                           .id = q.id.p,
	                           .type = q.type.p,
	                           .body = q.body,
	                           .made_us = q.made_us,
	                           .attempts = q.attempts,
	                           .first_try_us = q.first_us,
	                           .last_try_us = q.last_us,
	                           .next_try_us = q.next_us,
	                           .reason = q.reason,
	                           .parked_us = q.parked_us};
	return 0;
}

/* The first event of this queue whose number is above after. */
static int
event_seek(MDB_cursor *cur, char kind, uint32_t endpoint, uint64_t after, MDB_val *k, MDB_val *v)
{
	uint8_t key[OUTBOX_KEY_SIZE];
	int rc;

	outbox_event_key(key, kind, endpoint, after + 1);
	*k = val_of(key, sizeof(key));
	rc = mdb_cursor_get(cur, k, v, MDB_SET_RANGE);
	if (!rc && (k->mv_size != OUTBOX_KEY_SIZE || memcmp(k->mv_data, key, 5) != 0))
		rc = MDB_NOTFOUND;
	return rc;
}

static int
event_next(MDB_cursor *cur, char kind, uint32_t endpoint, MDB_val *k, MDB_val *v)
{
	int rc = mdb_cursor_get(cur, k, v, MDB_NEXT);

	if (!rc && (k->mv_size != OUTBOX_KEY_SIZE || *(const char *)k->mv_data != kind || get_be32((char *)k->mv_data + 1) != endpoint))
		rc = MDB_NOTFOUND;
	return rc;
}

bool
store_outbox_next(struct store *s, uint32_t endpoint, void (*fn)(void *arg, const struct outbox_event *e), void *arg)
{
	struct outbox_event e;
	struct err err = {0};
	struct snapshot p;
	MDB_cursor *cur;
	MDB_val k, v;
	bool found = false;

	if (walk_begin(&p, s, DB_OUTBOX, &cur, "cannot read events", &err) == 0) {
		found = event_seek(cur, OUTBOX_PENDING, endpoint, 0, &k, &v) == 0 && event_show(&p, k, v, &e, &err) == 0;
		if (found)
			fn(arg, &e);
		walk_end(&p, cur);
	}
	read_complain(&err);
	return found;
}

bool
store_outbox_get(struct store *s, uint32_t endpoint, uint64_t number, void (*fn)(void *arg, const struct outbox_event *e),
                 void *arg)
{
	static const char kinds[] = {OUTBOX_PENDING, OUTBOX_PARKED};
	struct outbox_event e;
	struct err err = {0};
	struct snapshot p;
	MDB_cursor *cur;
	MDB_val k, v;
	bool found = false;

	if (!number || walk_begin(&p, s, DB_OUTBOX, &cur, "cannot read events", &err) != 0) {
		read_complain(&err);
		return false;
	}
	for (size_t i = 0; i < LENGTH(kinds) && !found && !err.cls; i++)
		found = event_seek(cur, kinds[i], endpoint, number - 1, &k, &v) == 0 &&
		        get_be64((char *)k.mv_data + 5) == number && event_show(&p, k, v, &e, &err) == 0;
	if (found)
		fn(arg, &e);
	walk_end(&p, cur);
	read_complain(&err);
	return found;
}

int
store_outbox_list(struct store *s, const struct outbox_query *q, outbox_each *each, void *arg, struct err *err)
{
	char kind = q->parked ? OUTBOX_PARKED : OUTBOX_PENDING;
	size_t left = q->limit ? q->limit : 100;
	struct outbox_event e;
	struct snapshot p;
	MDB_cursor *cur;
	MDB_val k, v;
	int rc, bad = 0;

	if (q->after == UINT64_MAX)
		return 0;
	if (walk_begin(&p, s, DB_OUTBOX, &cur, "cannot read events", err) != 0)
		return -1;
	for (rc = event_seek(cur, kind, q->endpoint, q->after, &k, &v); !rc && left; left--) {
		bad = event_show(&p, k, v, &e, err);
		if (bad || !each(arg, &e))
			break;
		rc = event_next(cur, kind, q->endpoint, &k, &v);
	}
	walk_end(&p, cur);
	if (rc && rc != MDB_NOTFOUND)
		return env_error(&s->env, rc, "cannot read events", 0, err);
	return bad;
}

/* ---- endpoints ---- */

static bool
is_in_force(struct snapshot *p, uint32_t endpoint)
{
	uint8_t key[5];
	struct slice v;

	outbox_entry_key(key, OUTBOX_RULE, endpoint);
	return snapshot_get(p, DB_OUTBOX, slice_of(key, sizeof(key)), &v) == 0;
}

static bool
info_get(struct snapshot *p, MDB_val k, MDB_val v, struct outbox_info *i)
{
	struct queue_entry e;
	struct slice name;

	if (k.mv_size != 5 || !outbox_entry_get(slice_val(v), &e, &name))
		return false;
	*i = (struct outbox_info){.endpoint = get_be32((char *)k.mv_data + 1),
	                          .name = name.p,
	                          .pending = e.pending,
	                          .bytes = e.bytes,
	                          .parked = e.parked,
	                          .parked_bytes = e.parked_bytes};
	i->in_force = is_in_force(p, i->endpoint);
	return true;
}

/* Calls each for every endpoint, with a cursor of its own to look into the queue by. */
static int
endpoints_walk(struct store *s, bool (*each)(void *arg, struct snapshot *p, MDB_cursor *events, struct outbox_info *), void *arg,
               struct err *err)
{
	uint8_t first = OUTBOX_ENTRY;
	MDB_val k = val_of(&first, 1), v;
	MDB_cursor *cur, *events = NULL;
	struct outbox_info info;
	struct snapshot p;
	int rc;

	if (walk_begin(&p, s, DB_OUTBOX, &cur, "cannot read the endpoints", err) != 0)
		return -1;
	rc = snapshot_cursor(&p, DB_OUTBOX, &events);
	if (!rc)
		rc = mdb_cursor_get(cur, &k, &v, MDB_SET_RANGE);
	for (; !rc && *(const uint8_t *)k.mv_data == OUTBOX_ENTRY; rc = mdb_cursor_get(cur, &k, &v, MDB_NEXT)) {
		if (!info_get(&p, k, v, &info))
			rc = MDB_CORRUPTED;
		if (rc || !each(arg, &p, events, &info))
			break;
	}
	mdb_cursor_close(events);
	walk_end(&p, cur);
	return !rc || rc == MDB_NOTFOUND ? 0 : env_error(&s->env, rc, "cannot read the endpoints", 0, err);
}

struct listing {
	bool (*each)(void *arg, const struct outbox_info *);
	void *arg;
};

static int64_t
event_when(MDB_val v)
{
	int64_t when = 0;

	if (v.mv_size >= sizeof(when))
		memcpy(&when, v.mv_data, sizeof(when));
	return when;
}

static bool
list_endpoint(void *arg, struct snapshot *p, MDB_cursor *events, struct outbox_info *i)
{
	struct listing *l = arg;
	MDB_val k, v;

	(void)p;
	if (event_seek(events, OUTBOX_PENDING, i->endpoint, 0, &k, &v) == 0)
		i->oldest_us = event_when(v);
	return l->each(l->arg, i);
}

int
store_outbox_endpoints(struct store *s, bool (*each)(void *arg, const struct outbox_info *), void *arg, struct err *err)
{
	struct listing l = {each, arg};

	return endpoints_walk(s, list_endpoint, &l, err);
}

struct named {
	const char *name;
	uint32_t number;
};

static bool
is_named(void *arg, struct snapshot *p, MDB_cursor *events, struct outbox_info *i)
{
	struct named *n = arg;

	(void)p;
	(void)events;
	if (strcmp(i->name, n->name) == 0)
		n->number = i->endpoint;
	return !n->number;
}

uint32_t
store_outbox_endpoint(struct store *s, const char *name)
{
	struct named n = {.name = name};
	struct err err = {0};

	endpoints_walk(s, is_named, &n, &err);
	read_complain(&err);
	return n.number;
}

uint64_t
store_outbox_added(const struct store *s)
{
	return atomic_load(&s->outbox.added);
}

/* ---- retention ---- */

struct aging {
	int64_t before_us;
	size_t left;
	void (*each)(void *arg, uint32_t endpoint, uint64_t number);
	void *arg;
};

static void
age_queue(struct aging *a, MDB_cursor *events, char kind, uint32_t endpoint)
{
	MDB_val k, v;
	int rc;

	for (rc = event_seek(events, kind, endpoint, 0, &k, &v); !rc && a->left; rc = event_next(events, kind, endpoint, &k, &v)) {
		if (event_when(v) >= a->before_us)
			return;
		a->left--;
		a->each(a->arg, endpoint, get_be64((char *)k.mv_data + 5));
	}
}

static bool
age_endpoint(void *arg, struct snapshot *p, MDB_cursor *events, struct outbox_info *i)
{
	struct aging *a = arg;

	(void)p;
	age_queue(a, events, OUTBOX_PARKED, i->endpoint);
	if (!i->in_force)
		age_queue(a, events, OUTBOX_PENDING, i->endpoint);
	return a->left != 0;
}

int
store_outbox_old(struct store *s, int64_t before_us, size_t limit,
                 void (*each)(void *arg, uint32_t endpoint, uint64_t number), void *arg, struct err *err)
{
	struct aging a = {before_us, limit ? limit : 100, each, arg};

	return endpoints_walk(s, age_endpoint, &a, err);
}
