/* query_events.c - the questions about events that providers sent, and what people do with those that were put aside.
 *
 * Bodies are shown by `event` alone: a list of them would be as long as everything that was ever received. */
#include <stdlib.h>
#include "event/queue.h"
#include "serve/question.h"
#include "store/events_in.h"

static const char *const states[] = {[INBOX_WAITING] = "waiting", [INBOX_DONE] = "done", [INBOX_DEAD] = "dead"};

struct events_meant {
	struct question *q;
	char *webhook, *type;
	uint64_t last;
	size_t left, walked;
};

static void
event_write(struct question *q, const struct inbox_event *e, bool whole)
{
	struct json_out o = json_out(&q->row);

	json_open(&o, '{');
	json_kv_int(&o, "number", (int64_t)e->number);
	json_kv_str(&o, "connection", e->connection);
	json_kv_str(&o, "integration", e->integration);
	json_kv_slice(&o, "webhook", e->webhook);
	json_kv_slice(&o, "type", e->type);
	json_kv_slice(&o, "id", slice_eq(e->id, e->body) ? (struct slice){0} : e->id);
	json_kv_str(&o, "state", e->state <= INBOX_DEAD ? states[e->state] : NULL);
	json_kv_int(&o, "attempts", (int64_t)e->attempts);
	json_key(&o, "reason");
	if (e->reason.len)
		json_put_slice(&o, e->reason);
	else
		json_put_null(&o);
	json_kv_int(&o, "run", (int64_t)e->run);
	json_kv_time(&o, "arrived_at", e->arrived_us);
	json_kv_time(&o, "happened_at", e->happened_us);
	json_kv_time(&o, "next_at", e->state == INBOX_WAITING ? e->next_us : 0);
	json_kv_time(&o, "settled_at", e->settled_us);
	json_kv_int(&o, "bytes", (int64_t)e->body.len);
	if (whole)
		json_kv_raw(&o, "body", json_trim(e->body)); /* it was checked when it came */
	json_close(&o, '}');
	question_row(q);
}

static bool
event_row(void *arg, const struct inbox_event *e)
{
	struct events_meant *m = arg;
	struct question *q = m->q;

	m->last = e->number;
	m->walked++;
	if (name_fits(q->connection, e->connection) && name_fits(q->integration, e->integration) &&
	    (!m->webhook || slice_is(e->webhook, m->webhook)) && (!m->type || slice_is(e->type, m->type))) {
		event_write(q, e, false);
		m->left--;
	}
	return m->left > 0;
}

static int
state_meant(struct question *q, enum inbox_state *state)
{
	char *word = member_text(q->json, "state");

	for (unsigned i = INBOX_WAITING; word && i <= INBOX_DEAD; i++)
		if (strcmp(word, states[i]) == 0)
			*state = i;
	if (word && !*state)
		err_set(q->err, ERR_USAGE, "'%s' is no state of an event: waiting, done or dead", word);
	free(word);
	return word && !*state ? -1 : 0;
}

/* The newest first; the cursor is the number of the last one shown. */
int
ask_events(struct question *q)
{
	struct events_meant m = {.q = q, .webhook = member_text(q->json, "webhook"), .type = member_text(q->json, "type"),
	                         .left = question_limit(q)};
	struct inbox_query ask = {.limit = QUESTION_ROWS_MAX, .newest_first = true};
	int rc = question_cursor(q, &ask.after, NULL);

	if (rc == 0)
		rc = state_meant(q, &ask.state);
	if (rc == 0 && q->store)
		rc = store_inbox(q->store, &ask, event_row, &m, q->err);
	if (rc == 0 && q->store) {
		json_kv_int(&q->end, "cursor", (int64_t)m.last);
		json_kv_bool(&q->end, "more", (m.left == 0 || m.walked == QUESTION_ROWS_MAX) && m.last > 1);
	}
	free(m.webhook);
	free(m.type);
	return rc;
}

/* ---- how many: for `status` ---- */

struct counting {
	struct json_out *o;
	enum inbox_state state;
};

static void
count_write(void *arg, const struct inbox_count *n)
{
	const struct counting *c = arg;

	json_open(c->o, '{');
	json_kv_str(c->o, "connection", n->connection);
	json_kv_str(c->o, "integration", n->integration);
	json_kv_str(c->o, "state", states[c->state]);
	json_kv_int(c->o, "count", (int64_t)n->n);
	json_close(c->o, '}');
}

void
status_events(struct question *q, struct json_out *o)
{
	struct counting waiting = {o, INBOX_WAITING}, dead = {o, INBOX_DEAD};
	struct err err;

	json_key(o, "events");
	json_open(o, '[');
	store_inbox_count(q->store, INBOX_WAITING, count_write, &waiting, &err);
	store_inbox_count(q->store, INBOX_DEAD, count_write, &dead, &err);
	json_close(o, ']');
}

static void
event_one(void *arg, const struct inbox_event *e)
{
	event_write(arg, e, true);
}

static int
event_none(struct question *q, uint64_t number)
{
	return err_set(q->err, ERR_USAGE, "there is no event %llu: `sluice events list` shows which there are",
	               (unsigned long long)number);
}

int
ask_event(struct question *q)
{
	uint64_t number = (uint64_t)member_int(q->json, "number", 0);

	return q->store && store_inbox_get(q->store, number, event_one, q) ? 0 : event_none(q, number);
}

/* ---- retry and drop: all of the numbers, or none ---- */

static void
scope_note(void *arg, const struct inbox_event *e)
{
	*(uint32_t *)arg = e->scope;
}

static int
events_change(struct question *q, struct inbox_change how, const char *said)
{
	struct json_iter it = json_iter(member_raw(q->json, "numbers"));
	struct commit *c = q->store ? commit_new(q->store, (struct fence){0}) : NULL;
	int64_t number, n = 0;
	uint32_t scope;
	int rc = 0;

	for (; rc == 0 && json_next(&it) && json_int(it.value, &number); n++) {
		if (!c || !store_inbox_get(q->store, (uint64_t)number, scope_note, &scope))
			rc = event_none(q, (uint64_t)number);
		else
			commit_inbox_change(c, (uint64_t)number, &how);
	}
	if (rc != 0 || !c) {
		commit_free(c);
		return rc;
	}
	rc = store_commit_wait(q->store, c, NULL, q->err);
	it = json_iter(member_raw(q->json, "numbers"));
	while (rc == 0 && host_events(q->host) && json_next(&it) && json_int(it.value, &number))
		if (store_inbox_get(q->store, (uint64_t)number, scope_note, &scope))
			events_arrived(host_events(q->host), scope, 0);
	json_kv_int(&q->end, said, rc == 0 ? n : 0);
	return rc;
}

int
ask_retry_events(struct question *q)
{
	return events_change(q, (struct inbox_change){.what = INBOX_AGAIN}, "waiting");
}

int
ask_drop_events(struct question *q)
{
	return events_change(q, (struct inbox_change){.what = INBOX_DROP}, "dropped");
}
