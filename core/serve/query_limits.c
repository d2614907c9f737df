/* query_limits.c - the question how the rate limits and quotas stand: what was sent, what is left, who waits, until when.
 *
 * Beside a living host it is the host's own account. Without one it is what the last process left in the store, read as the
 * next one would read it: requests that a killed process may have sent count as sent.
 *
 * Awkward: a limit is there only once something was sent under it, and goes when it has nothing left to remember. */
#include <stdlib.h>
#include "serve/question.h"


static bool
name_begins(const char *name, const char *with)
{
	size_t n = strlen(with);

	return strncmp(name, with, n) == 0 && (!name[n] || strncmp(name + n, " : ", 3) == 0);
}

/* Is it one that this connection's requests pass: its own, or one of its integration's? */
static bool
limit_fits(const struct question *q, const char *name)
{
	if (!q->connection || name_begins(name, q->connection))
		return true;
	for (size_t i = 0; i < q->settings->n_connections; i++) {
		const struct connection_settings *c = q->settings->connections[i];
		if (strcmp(c->name, q->connection) == 0 && name_begins(name, c->integration->name))
			return true;
	}
	return false;
}

/* What keeps requests waiting longest; NULL: nothing does. */
static const char *
limit_reason(const struct proxy_limit_state *s, int64_t *until_us)
{
	const char *why = NULL;

	*until_us = 0;
	if (s->paused_until_us) {
		*until_us = s->paused_until_us;
		why = "the provider asked to wait";
	}
	if (s->remaining == 0 && s->remaining_until_us > *until_us) {
		*until_us = s->remaining_until_us;
		why = "the provider says that nothing is left";
	}
	if (s->quota_until_us > *until_us) {
		*until_us = s->quota_until_us;
		why = "the quota is used up";
	}
	return why;
}

static void
quota_put(struct json_out *o, const struct proxy_limit_state *s)
{
	json_key(o, "quota");
	if (!s->quota_n) {
		json_put_null(o);
		return;
	}
	json_open(o, '{');
	json_kv_int(o, "requests", (int64_t)s->quota_n);
	json_kv_int(o, "per_ms", s->quota_ms);
	json_kv_int(o, "used", (int64_t)s->quota_used);
	json_kv_time(o, "used_up_until", s->quota_until_us);
	json_kv_time(o, "used_up_at", s->quota_forecast_us); /* at the pace so far; null: it suffices, or is already */
	json_close(o, '}');
}

/* The runs of this process whose request stands in this line. */
static void
waiting_put(struct json_out *o, const struct question *q, const char *name)
{
	json_key(o, "waiting");
	json_open(o, '[');
	for (struct run *r = run_next(q->host, NULL); r; r = run_next(q->host, r)) {
		const struct run_request *asked = run_asked(r);
		const char *what;
		int64_t until_us;

		if (run_waits(r, &until_us, &what) != WAIT_RATE || !what || strcmp(what, name) != 0)
			continue;
		json_open(o, '{');
		json_kv_str(o, "connection", asked->connection->name);
		json_kv_str(o, "integration", asked->connection->integration->name);
		json_kv_str(o, "sync", asked->name);
		json_close(o, '}');
	}
	json_close(o, ']');
}

static void
limit_row(void *arg, const struct proxy_limit_state *s)
{
	struct question *q = arg;
	struct json_out o = json_out(&q->row);
	const char *why;
	int64_t until_us;

	if (!limit_fits(q, s->name))
		return;
	why = limit_reason(s, &until_us);
	json_open(&o, '{');
	json_kv_str(&o, "limit", s->name);
	json_kv_int(&o, "requests", (int64_t)s->rate_n); /* 0: no rate is known */
	json_kv_int(&o, "per_ms", s->rate_n ? s->rate_ms : 0);
	json_kv_int(&o, "used", (int64_t)s->rate_used);
	json_key(&o, "remaining"); /* as the provider says; null: it has not */
	if (s->remaining >= 0)
		json_put_int(&o, s->remaining);
	else
		json_put_null(&o);
	json_kv_time(&o, "remaining_until", s->remaining >= 0 ? s->remaining_until_us : 0);
	json_kv_time(&o, "paused_until", until_us);
	json_kv_str(&o, "reason", why);
	quota_put(&o, s);
	json_kv_int(&o, "waiting_requests", s->waiting);
	waiting_put(&o, q, s->name);
	json_close(&o, '}');
	question_row(q);
}

int
ask_limits(struct question *q)
{
	json_kv_bool(&q->end, "live", host_service(q->host) || run_next(q->host, NULL));
	return host_limits(q->host, limit_row, q, q->err);
}
