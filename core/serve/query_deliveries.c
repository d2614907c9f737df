/* query_deliveries.c - the questions about webhooks out: endpoints, their events, and what people do with them: retry, drop.
 *
 * All of it is read from the store, so it can be asked with and without a service; with one, what a person says is told to it
 * as well, and takes effect at once. Events are named by endpoint and number; where there is but one endpoint it need not be
 * named. Awkward: thousands may be parked; what is done with all of them is done in commits of a bounded size. */
#include <inttypes.h>
#include <stdlib.h>
#include "base/mem.h"
#include "deliver/deliver.h"
#include "serve/question.h"

#define AT_ONCE 1000

/* ---- endpoints ---- */

/* Paths and queries of hooks are often as good as a password. */
static void
url_put(struct json_out *o, const char *url)
{
	const char *host = url ? strstr(url, "://") : NULL;
	const char *end = host ? host + 3 + strcspn(host + 3, "/?#") : NULL;
	const char *user = host ? memchr(host + 3, '@', (size_t)(end - host - 3)) : NULL;
	struct buf text = {0};

	if (host) {
		buf_put(&text, url, (size_t)(host + 3 - url));
		host = user ? user + 1 : host + 3;
		buf_put(&text, host, (size_t)(end - host));
	}
	json_kv_str(o, "receiver", host ? buf_str(&text) : NULL);
	buf_free(&text);
}

static void
standing_write(struct json_out *o, const struct standing *s)
{
	json_kv_int(o, "delivered", (int64_t)s->delivered);
	json_kv_time(o, "delivered_at", s->delivered_us);
	json_kv_int(o, "failed", (int64_t)s->failed);
	json_kv_time(o, "failed_at", s->failed_us);
	json_kv_int(o, "failures", (int64_t)s->pace.failures);
	json_kv_time(o, "failing_since", s->pace.failing_us);
	json_kv_time(o, "next_try_at", s->pace.next_us);
	json_key(o, "status");
	if (s->status)
		json_put_int(o, s->status);
	else
		json_put_null(o);
	json_kv_str(o, "reason", *s->reason ? s->reason : NULL);
}

static void
endpoint_write(const struct deliver_view *v, struct json_out *o)
{
	json_open(o, '{');
	json_kv_str(o, "endpoint", v->name);
	json_kv_str(o, "state", deliver_states[v->state]);
	url_put(o, v->settings ? v->settings->url : NULL);
	json_kv_str(o, "events", v->settings ? v->settings->event_list : NULL);
	json_kv_str(o, "trouble", v->trouble ? v->trouble : v->settings && !v->settings->active ? "active = no" : NULL);
	json_kv_int(o, "pending", (int64_t)v->outbox.pending);
	json_kv_int(o, "bytes", (int64_t)v->outbox.bytes);
	json_kv_time(o, "oldest_at", v->outbox.oldest_us);
	json_kv_int(o, "parked", (int64_t)v->outbox.parked);
	standing_write(o, v->standing);
	json_close(o, '}');
}

static char *
endpoint_asked(const struct question *q)
{
	return member_text(q->json, "endpoint");
}

struct endpoints {
	struct question *q;
	struct json_out *o; /* of status: an array in it; NULL: rows */
	const char *wanted;
	const char *names[64 + 1];
	size_t n;
};

static bool
endpoint_row(void *arg, const struct deliver_view *v)
{
	struct endpoints *e = arg;
	struct json_out row = json_out(&e->q->row);

	if (!name_fits(e->wanted, v->name))
		return true;
	endpoint_write(v, e->o ? e->o : &row);
	if (!e->o)
		question_row(e->q);
	return true;
}

int
ask_endpoints(struct question *q)
{
	char *wanted = endpoint_asked(q);
	struct endpoints e = {.q = q, .wanted = wanted};
	int rc = deliver_each(q->host, endpoint_row, &e, q->err);

	free(wanted);
	return rc;
}

void
status_endpoints(struct question *q, struct json_out *o)
{
	struct endpoints e = {.q = q, .o = o};
	struct err err;

	json_key(o, "webhooks");
	json_open(o, '[');
	deliver_each(q->host, endpoint_row, &e, &err);
	json_close(o, ']');
}

/* ---- which endpoint ---- */

static bool
name_keep(void *arg, const struct deliver_view *v)
{
	struct endpoints *e = arg;

	e->names[e->n++] = xstrdup(v->name);
	return e->n < LENGTH(e->names) - 1;
}

static int
endpoint_refuse(struct question *q, const struct endpoints *e, const char *name)
{
	const char *near = name ? nearest(name, e->names) : NULL;

	if (name)
		return err_set(q->err, ERR_USAGE,
		               "there is no webhook %s%s%s%s: `sluice deliveries endpoints` shows them", name,
		               near ? "; did you mean " : "", near ? near : "", near ? "?" : "");
	if (e->n == 0)
		return err_set(q->err, ERR_USAGE, "there is no webhook: a [webhook NAME] section makes one");
	return err_set(q->err, ERR_USAGE, "there are several webhooks: choose one by endpoint (--endpoint %s, or %s)", e->names[0],
	               e->names[1]);
}

/* The one that is named, or the only one. Its name is yours; NULL: refused. number may be 0: it never had an event. */
static char *
endpoint_choose(struct question *q, uint32_t *number)
{
	char *name = endpoint_asked(q);
	struct endpoints e = {.q = q};
	bool known = false;

	if (deliver_each(q->host, name_keep, &e, q->err) != 0)
		goto out;
	if (!name && e.n == 1)
		name = xstrdup(e.names[0]);
	*number = name && q->store ? store_outbox_endpoint(q->store, name) : 0;
	for (size_t i = 0; name && i < e.n; i++)
		known |= strcmp(e.names[i], name) == 0;
	if (name && (known || *number))
		goto out;
	endpoint_refuse(q, &e, name);
	free(name);
	name = NULL;
out:
	for (size_t i = 0; i < e.n; i++)
		free((char *)(uintptr_t)e.names[i]);
	return name;
}

/* ---- events ---- */

struct events {
	struct question *q;
	const char *endpoint;
	uint64_t last;
	size_t left;
	bool whole;
};

static void
event_write(struct events *l, const struct outbox_event *v)
{
	struct json_out o = json_out(&l->q->row);

	json_open(&o, '{');
	json_kv_str(&o, "endpoint", l->endpoint);
	json_kv_int(&o, "number", (int64_t)v->number);
	json_kv_str(&o, "id", v->id);
	json_kv_str(&o, "type", v->type);
	json_kv_str(&o, "state", v->parked_us ? "parked" : "pending");
	json_kv_time(&o, "made_at", v->made_us);
	json_kv_int(&o, "attempts", (int64_t)v->attempts);
	json_kv_time(&o, "first_try_at", v->first_try_us);
	json_kv_time(&o, "last_try_at", v->last_try_us);
	json_kv_time(&o, "next_try_at", v->next_try_us);
	json_kv_time(&o, "parked_at", v->parked_us);
	json_key(&o, "reason");
	if (v->reason.len)
		json_put_slice(&o, v->reason);
	else
		json_put_null(&o);
	json_kv_int(&o, "bytes", (int64_t)v->body.len);
	if (l->whole)
		json_kv_raw(&o, "body", v->body);
	json_close(&o, '}');
	question_row(l->q);
}

static bool
event_row(void *arg, const struct outbox_event *v)
{
	struct events *l = arg;

	l->last = v->number;
	event_write(l, v);
	return --l->left > 0;
}

/* The last that were taken are remembered with the endpoint, not in its queue: the newest first, and no pages. */
static int
delivered_rows(struct question *q, const char *endpoint)
{
	struct standing s;
	struct json_out o;

	standing_read(q->store, endpoint, &s);
	for (size_t i = 0; i < standing_lately(&s) && i < question_limit(q); i++) {
		const struct delivered *d = standing_late(&s, i);
		o = json_out(&q->row);
		json_open(&o, '{');
		json_kv_str(&o, "endpoint", endpoint);
		json_kv_str(&o, "id", d->id);
		json_kv_str(&o, "type", d->type);
		json_kv_str(&o, "state", "delivered");
		json_kv_time(&o, "delivered_at", d->at_us);
		json_kv_int(&o, "attempts", (int64_t)d->attempts);
		json_kv_int(&o, "status", d->status);
		json_kv_int(&o, "duration_ms", d->took_ms);
		json_close(&o, '}');
		question_row(q);
	}
	return 0;
}

int
ask_deliveries(struct question *q)
{
	uint32_t number = 0;
	char *state = member_text(q->json, "state"), *endpoint = endpoint_choose(q, &number);
	struct events l = {.q = q, .endpoint = endpoint, .left = question_limit(q)};
	struct outbox_query query = {.limit = l.left + 1, .parked = state && strcmp(state, "parked") == 0};
	int rc = endpoint && q->store ? question_cursor(q, &query.after, NULL) : -1;

	query.endpoint = number;
	if (rc == 0 && state && strcmp(state, "delivered") == 0)
		rc = delivered_rows(q, endpoint);
	else if (rc == 0 && number)
		rc = store_outbox_list(q->store, &query, event_row, &l, q->err);
	if (rc == 0) {
		json_kv_int(&q->end, "cursor", (int64_t)l.last);
		json_kv_bool(&q->end, "more", l.left == 0);
	}
	free(endpoint);
	free(state);
	return rc;
}

static void
event_one(void *arg, const struct outbox_event *v)
{
	event_write(arg, v);
}

int
ask_delivery(struct question *q)
{
	uint64_t event = (uint64_t)member_int(q->json, "number", 0);
	uint32_t number = 0;
	char *endpoint = endpoint_choose(q, &number);
	struct events l = {.q = q, .endpoint = endpoint, .whole = true};
	bool found = endpoint && number && store_outbox_get(q->store, number, event, event_one, &l);

	if (endpoint && !found)
		err_set(q->err, ERR_USAGE, "webhook %s has no event %" PRIu64 " that waits or is parked", endpoint,
		        event);
	free(endpoint);
	return found ? 0 : -1;
}

/* ---- retry, drop ---- */

typedef void change(struct commit *c, uint32_t endpoint, uint64_t number);

/* "numbers":[...], or one as "number". */
static int
numbers_change(struct question *q, uint32_t endpoint, change *how, int64_t *n)
{
	struct commit *c = commit_new(q->store, (struct fence){0, 0});
	struct json_iter it = json_iter(member_raw(q->json, "numbers"));
	int64_t number = member_int(q->json, "number", 0);

	if (number) {
		how(c, endpoint, (uint64_t)number);
		++*n;
	}
	while (json_next(&it) && json_int(it.value, &number)) {
		how(c, endpoint, (uint64_t)number);
		++*n;
	}
	return store_commit_wait(q->store, c, NULL, q->err);
}

struct batch {
	struct commit *commit;
	change *how;
	uint32_t endpoint;
	uint64_t last;
	size_t n;
};

static bool
batch_add(void *arg, const struct outbox_event *v)
{
	struct batch *b = arg;

	b->how(b->commit, b->endpoint, v->number);
	b->last = v->number;
	b->n++;
	return true;
}

/* Only those that were there when it began: what is put back to the end of its queue is not met again. */
static int
all_change(struct question *q, struct outbox_query query, change *how, int64_t *n)
{
	struct batch b = {.how = how, .endpoint = query.endpoint};
	int rc;

	query.limit = AT_ONCE;
	do {
		b.n = 0;
		b.commit = commit_new(q->store, (struct fence){0, 0});
		rc = store_outbox_list(q->store, &query, batch_add, &b, q->err);
		if (rc == 0 && b.n)
			rc = store_commit_wait(q->store, b.commit, NULL, q->err);
		else
			commit_free(b.commit);
		*n += rc == 0 ? (int64_t)b.n : 0;
		query.after = b.last;
	} while (rc == 0 && b.n == AT_ONCE);
	return rc;
}

static int
events_change(struct question *q, uint32_t endpoint, change *how, int64_t *n)
{
	bool named = member_raw(q->json, "numbers").len || member_raw(q->json, "number").len;
	struct outbox_query query = {.endpoint = endpoint};
	int rc = 0;

	if (!endpoint)
		return named ? err_set(q->err, ERR_USAGE, "this webhook never had an event") : 0;
	if (named)
		return numbers_change(q, endpoint, how, n);
	if (member_bool(q->json, "pending", false))
		rc = all_change(q, query, how, n);
	query.parked = true;
	if (rc == 0 && member_bool(q->json, "parked", false))
		rc = all_change(q, query, how, n);
	return rc;
}

/* Without a service the word is for the next one. */
static int
endpoint_again_stored(struct question *q, const char *endpoint)
{
	struct standing s;
	struct commit *c;

	standing_read(q->store, endpoint, &s);
	pace_again(&s.pace);
	c = commit_new(q->store, (struct fence){0, 0});
	standing_put(c, endpoint, &s);
	return store_commit_wait(q->store, c, NULL, q->err);
}

static int
change_ask(struct question *q, change *how, const char *member, bool again)
{
	struct deliver *d = host_deliver(q->host);
	uint32_t number = 0;
	char *endpoint = q->store ? endpoint_choose(q, &number) : NULL;
	int64_t n = 0;
	int rc = endpoint ? events_change(q, number, how, &n) : -1;

	if (!q->store)
		err_set(q->err, ERR_USAGE, "nothing was ever synced here, so no webhook has events");
	if (rc == 0 && again && !(d && deliver_again(d, endpoint)))
		rc = endpoint_again_stored(q, endpoint);
	if (rc == 0) {
		json_kv_str(&q->end, "endpoint", endpoint);
		json_kv_int(&q->end, member, n);
	}
	free(endpoint);
	return rc;
}

int
ask_retry_deliveries(struct question *q)
{
	return change_ask(q, commit_outbox_retry, "queued", true);
}

int
ask_drop_deliveries(struct question *q)
{
	return change_ask(q, commit_outbox_drop, "dropped", false);
}
