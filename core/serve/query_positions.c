/* query_positions.c - the question behind `sluice state`: where the paginations of a sync stand, and putting one elsewhere.
 *
 * The state of a pagination is written and read by the worker (core/worker/positions.c); here it is shown in the words of
 * the provider's API, and of what is set only kind, place and counts are taken over: what the worker knows of the pages
 * before (loop guard, overlap, proof) says nothing of a place that a person chose.
 *
 * Awkward: a position counts only for a run that goes on with another (STATE_RUN). Where there is none, one is made that
 * says no more than that: the next run is new in everything but its positions, and proves no absence
 * (core/run/begin.c). Where there is one, it proves none from now on. */
#include <stdlib.h>
#include "base/mem.h"
#include "schedule/service.h"
#include "serve/question.h"

#define DEPTH_MAX 16  /* nested paginations, and */
#define KEY_MAX 200   /* bytes of a key, longer ones have been cut: core/worker/positions.h */
#define VALUE_MAX 4096u

/* What `next` is called for each kind of pagination. */
static const struct {
	const char *kind, *place;
	bool number, text;
} kinds[] = {
	{"cursor", "cursor", true, true},       {"last_item", "last_item", true, true}, {"link", "url", false, true},
	{"offset", "offset", true, false},      {"page", "page", true, false},          {"single", NULL, false, false},
};

/* Members that have a name of their own; the others are metadata. */
static const char *const named[] = {"kind", "next", "pages", "items", "finished"};

static bool
is_named(struct slice key)
{
	for (size_t i = 0; i < LENGTH(named); i++)
		if (key.len == strlen(named[i]) && memcmp(key.p, named[i], key.len) == 0)
			return true;
	return false;
}

static size_t
kind_of(struct slice state)
{
	struct slice kind = member_raw(state, "kind");
	size_t i = 0;

	while (i < LENGTH(kinds) && !(kind.len && json_string_is(kind, kinds[i].kind)))
		i++;
	return i;
}

/* ---- get ---- */

static bool
position_row(void *arg, struct slice name, struct slice state)
{
	struct question *q = arg;
	struct json_out o = json_out(&q->row);
	struct json_iter it = json_iter(state);
	struct slice next = member_raw(state, "next");
	size_t kind = kind_of(state);

	if (!name.len)
		return true;
	json_open(&o, '{');
	json_kv_slice(&o, "key", slice_of(name.p + 1, name.len - 1));
	json_kv_int(&o, "depth", (uint8_t)name.p[0]);
	json_kv_raw(&o, "kind", kind < LENGTH(kinds) ? member_raw(state, "kind") : SLICE("null"));
	if (kind < LENGTH(kinds) && kinds[kind].place)
		json_kv_raw(&o, kinds[kind].place, next.len ? next : SLICE("null"));
	json_kv_int(&o, "total_processed", member_int(state, "items", 0));
	json_kv_bool(&o, "has_more", !member_bool(state, "finished", false));
	json_kv_int(&o, "iterations_in_chunk", member_int(state, "pages", 0));
	json_key(&o, "metadata");
	json_open(&o, '{');
	while (json_next(&it)) {
		char *key = is_named(it.key) ? NULL : slice_dup(it.key);
		if (key)
			json_kv_raw(&o, key, it.value);
		free(key);
	}
	json_close(&o, '}');
	json_close(&o, '}');
	question_row(q);
	return true;
}

/* ---- which one is meant ---- */

struct meant {
	struct slice key;
	int64_t depth;     /* 0: not said */
	unsigned n, total;
	struct buf name, state; /* of the last that fits */
};

static bool
position_fits(void *arg, struct slice name, struct slice state)
{
	struct meant *m = arg;

	m->total++;
	if (!name.len || name.len - 1 != m->key.len || memcmp(name.p + 1, m->key.p, m->key.len) != 0 ||
	    (m->depth && m->depth != (uint8_t)name.p[0]))
		return true;
	m->n++;
	buf_clear(&m->name);
	buf_clear(&m->state);
	buf_slice(&m->name, name);
	buf_slice(&m->state, state);
	return true;
}

static int
meant_find(struct question *q, uint32_t scope, struct meant *m)
{
	if (m->depth < 0 || m->depth > DEPTH_MAX)
		return err_set(q->err, ERR_USAGE, "a depth is 1 (the outermost) to %d", DEPTH_MAX);
	if (store_state_list(q->store, scope, STATE_POSITION, position_fits, m, q->err) != 0)
		return -1;
	if (m->n > 1)
		return err_set(q->err, ERR_USAGE, "paginations of several depths have this key: say --depth N");
	return 0;
}

/* ---- set ---- */

static int
count_take(struct question *q, struct slice value, const char *name, int64_t *n)
{
	struct slice raw = member_raw(value, name);

	if (!raw.len || (json_int(raw, n) && *n >= 0))
		return 0;
	return err_set(q->err, ERR_USAGE, "%s is a whole number from 0 on", name);
}

/* The kind is what is said, or what the place is called, or what was there. */
static int
kind_take(struct question *q, struct slice value, struct slice was, size_t *kind)
{
	*kind = LENGTH(kinds);
	if (member_raw(value, "kind").len) {
		*kind = kind_of(value);
	} else {
		for (size_t i = 0; i < LENGTH(kinds); i++)
			if (kinds[i].place && member_raw(value, kinds[i].place).len)
				*kind = i;
		if (*kind == LENGTH(kinds))
			*kind = kind_of(was);
	}
	return *kind < LENGTH(kinds)
	               ? 0
	               : err_set(q->err, ERR_USAGE,
	                         "say where it stands: cursor, last_item, url, offset or page (and kind, where it is to be another)");
}

static int
place_take(struct question *q, struct slice value, size_t kind, struct slice *next)
{
	int64_t n;

	*next = kinds[kind].place ? member_raw(value, kinds[kind].place) : (struct slice){0};
	for (size_t i = 0; i < LENGTH(kinds); i++)
		if (i != kind && kinds[i].place && member_raw(value, kinds[i].place).len)
			return err_set(q->err, ERR_USAGE, "a pagination of kind %s has no %s", kinds[kind].kind, kinds[i].place);
	if (!next->len || (kinds[kind].text && json_type(*next) == JSON_STRING && next->len > 2) ||
	    (kinds[kind].number && json_int(*next, &n) && n >= 0))
		return 0;
	return err_set(q->err, ERR_USAGE, "%s is %s", kinds[kind].place,
	               !kinds[kind].number ? "a text" : kinds[kind].text ? "a text or a whole number" : "a whole number from 0 on");
}

/* What is set over what was: a place of its own drops what the worker knew of the one before. */
static int
state_build(struct question *q, struct slice value, struct slice was, struct buf *out)
{
	int64_t items = member_int(was, "items", 0), pages = member_int(was, "pages", 0);
	bool more = !member_bool(was, "finished", false);
	struct slice next = {0};
	struct json_out o = json_out(out);
	size_t kind;

	if (kind_take(q, value, was, &kind) != 0 || place_take(q, value, kind, &next) != 0 ||
	    count_take(q, value, "total_processed", &items) != 0 || count_take(q, value, "iterations_in_chunk", &pages) != 0)
		return -1;
	if (!next.len && kind == kind_of(was))
		next = member_raw(was, "next");
	more = member_bool(value, "has_more", more || member_raw(value, kinds[kind].place ? kinds[kind].place : "").len);
	json_open(&o, '{');
	json_kv_str(&o, "kind", kinds[kind].kind);
	if (next.len)
		json_kv_raw(&o, "next", next);
	json_kv_int(&o, "pages", pages || !next.len ? pages : 1); /* it is one that has begun */
	json_kv_int(&o, "items", items);
	if (!more)
		json_kv_bool(&o, "finished", true);
	json_close(&o, '}');
	return 0;
}

/* The next run takes the positions up, and proves no absence. */
static void
run_mark(struct question *q, uint32_t scope, struct commit *c)
{
	struct buf there = {0};

	if (store_state_get(q->store, scope, STATE_RUN, SLICE(""), &there))
		commit_state_merge(c, scope, STATE_RUN, SLICE(""), SLICE("{\"incomplete\":true}"));
	else
		commit_state_set(c, scope, STATE_RUN, SLICE(""), SLICE("{\"by_hand\":true,\"incomplete\":true}"));
	buf_free(&there);
}

static int
position_set(struct question *q, uint32_t scope, struct meant *m)
{
	struct slice value = member_raw(q->json, "value");
	struct buf state = {0};
	struct commit *c;
	int rc = -1;

	if (json_type(value) != JSON_OBJECT || value.len > VALUE_MAX)
		return err_set(q->err, ERR_USAGE, "what is set is a JSON object, like {\"cursor\":\"abc\"}, of at most %u bytes", VALUE_MAX);
	if (!m->key.len || m->key.len > KEY_MAX)
		return err_set(q->err, ERR_USAGE, "a key is 1 to %d bytes, as `sluice state get` shows it", KEY_MAX);
	if (state_build(q, value, buf_view(&m->state), &state) == 0) {
		if (!m->n) {
			buf_u8(&m->name, m->depth ? (uint8_t)m->depth : 1);
			buf_slice(&m->name, m->key);
		}
		c = commit_new(q->store, (struct fence){0, 0});
		commit_state_set(c, scope, STATE_POSITION, buf_view(&m->name), buf_view(&state));
		run_mark(q, scope, c);
		rc = store_commit_wait(q->store, c, NULL, q->err);
	}
	buf_free(&state);
	return rc;
}

/* ---- clear ---- */

/* What set had made goes with the last position. */
static int
position_clear(struct question *q, uint32_t scope, struct meant *m)
{
	struct buf run = {0};
	struct commit *c;

	if (m->key.len && !m->n)
		return err_set(q->err, ERR_USAGE, "no pagination of this sync has that key: `sluice state get` shows them");
	c = commit_new(q->store, (struct fence){0, 0});
	if (m->key.len)
		commit_state_clear(c, scope, STATE_POSITION, buf_view(&m->name));
	else
		commit_state_clear_all(c, scope, STATE_POSITION);
	if ((!m->key.len || m->total == 1) && store_state_get(q->store, scope, STATE_RUN, SLICE(""), &run) &&
	    member_bool(buf_view(&run), "by_hand", false))
		commit_state_clear(c, scope, STATE_RUN, SLICE(""));
	buf_free(&run);
	return store_commit_wait(q->store, c, NULL, q->err);
}

/* ---- the question ---- */

/* When it will be used, if somebody schedules it. */
static void
next_tell(struct question *q)
{
	struct service *s = host_service(q->host);
	struct service_view v;

	if (!s)
		return;
	service_look(s, q->connection, q->integration, q->sync, &v);
	if (v.scheduled && v.schedule.next_us)
		json_kv_time(&q->end, "next_run_at", v.schedule.next_us);
}

static int
position_write(struct question *q, bool set, struct meant *m)
{
	const struct scope_name name = {.connection = q->connection, .integration = q->integration, .sync = q->sync};
	uint32_t scope;
	int rc;

	if (host_run(q->host, q->connection, q->integration, q->sync))
		return err_set(q->err, ERR_BUSY, "a run of %s is under way: wait for its end, or end it with `sluice cancel`", q->sync);
	scope = q->store ? store_scope(q->store, &name, q->err) : 0;
	if (!scope)
		return q->store ? -1 : err_set(q->err, ERR_HOST, "there is no store to write to");
	if (meant_find(q, scope, m) != 0)
		return -1;
	rc = set ? position_set(q, scope, m) : position_clear(q, scope, m);
	if (rc == 0)
		next_tell(q);
	return rc;
}

int
ask_positions(struct question *q)
{
	const struct scope_name name = {.connection = q->connection, .integration = q->integration, .sync = q->sync};
	char *op = member_text(q->json, "op"), *key = member_text(q->json, "key");
	struct meant m = {.key = slice_str(key ? key : ""), .depth = member_int(q->json, "depth", 0)};
	uint32_t scope;
	int rc = -1;

	if (!q->connection || !q->integration || !q->sync) {
		err_set(q->err, ERR_USAGE, "the question names no connection, or no sync");
	} else if (!op || strcmp(op, "get") == 0) {
		scope = q->store ? store_scope_find(q->store, &name) : 0;
		rc = scope ? store_state_list(q->store, scope, STATE_POSITION, position_row, q, q->err) : 0;
	} else if (strcmp(op, "set") == 0 || strcmp(op, "clear") == 0) {
		rc = position_write(q, strcmp(op, "set") == 0, &m);
	} else {
		err_set(q->err, ERR_USAGE, "'%s' is nothing that can be done here", op);
	}
	buf_free(&m.name);
	buf_free(&m.state);
	free(op);
	free(key);
	return rc;
}
