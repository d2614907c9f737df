/* keep.c - limits as rows to be kept, and back.
 *
 * {"rate":[n,per_ms],"sent":[[ms,count],...],"paused_until":ms,"left":[n,ms],"quota":[n,per_ms,[[ms,count],...]],"lease":n}
 * All times are milliseconds since 1970, since the monotonic clock begins anew with each boot.
 *
 * Guarantee: what the row says was sent was sent no later than it says, so reading it can only be too strict.
 * Awkward: the wall clock may have jumped. A time that lies ahead counts as now: it blocks for one span at most. */
#include "proxy/keep.h"

#include "proxy/call.h"
#include "proxy/limit.h"

#define KEEP_MS 500    /* between two saves, unless a lease runs out */
#define SENT_GROUPS 64 /* sendings of a span are told in so many groups at most */

static int64_t
wall_ms(const struct proxy *p)
{
	return clock_wall_us(p->clock) / 1000;
}

void
keep_soon(struct proxy *p)
{
	int64_t at = proxy_now(p) + KEEP_MS;

	if (!p->keeper.save || p->keeping || p->closed)
		return;
	for (struct queue *q = p->queues; q; q = q->next)
		if (q->lease && 2 * q->unsaved >= q->lease)
			at = proxy_now(p);
	if (!p->keep_alarm.place || p->keep_alarm.at > at)
		alarm_set(&p->alarms, &p->keep_alarm, at);
}

void
queue_changed(struct queue *q)
{
	q->dirty = true;
	if (q->proxy)
		keep_soon(q->proxy);
}

static void
keep_rang(void *arg)
{
	struct proxy *p = arg;

	if (p->keeper.save && !p->keeping)
		p->keeper.save(p->keeper.arg);
}

void
keep_init(struct proxy *p)
{
	p->keep_alarm = (struct alarm){.ring = keep_rang, .arg = p};
}

void
proxy_limits_keep(struct proxy *p, void (*save)(void *arg), void *arg)
{
	p->keeper = (struct proxy_keeper){save, arg};
}

/* ---- writing ---- */

static void
pair_put(struct json_out *o, int64_t a, uint64_t b)
{
	json_open(o, '[');
	json_put_int(o, a);
	json_put_uint(o, b);
	json_close(o, ']');
}

/* Each group at the time of its latest. Those that are connecting are sent any moment: now. */
static void
sent_write(const struct queue *q, struct json_out *o, int64_t to_wall)
{
	const struct bucket *b = &q->bucket;
	int64_t width = b->per_ms / SENT_GROUPS, first = 0, last = 0, now = proxy_now(q->proxy);
	uint64_t n = 0;

	json_key(o, "sent");
	json_open(o, '[');
	for (size_t i = 0; i < b->count; i++) {
		int64_t at = b->sent[(b->first + i) % b->room];

		if (at + 2 * b->per_ms < now)
			continue;
		if (n && at - first > width) {
			pair_put(o, last + to_wall, n);
			n = 0;
		}
		if (!n)
			first = at;
		last = at;
		n++;
	}
	if (n)
		pair_put(o, last + to_wall, n);
	if (b->starting)
		pair_put(o, now + to_wall, b->starting);
	json_close(o, ']');
}

static void
queue_write(const struct queue *q, struct buf *row, bool last)
{
	const struct bucket *b = &q->bucket;
	struct json_out o = json_out(row);
	int64_t now = proxy_now(q->proxy), to_wall = wall_ms(q->proxy) - now;

	json_open(&o, '{');
	json_key(&o, "rate");
	pair_put(&o, (int64_t)b->n, (uint64_t)b->per_ms);
	sent_write(q, &o, to_wall);
	if (b->paused_until > now)
		json_kv_int(&o, "paused_until", b->paused_until + to_wall);
	if (b->left >= 0 && b->left_until > now) {
		json_key(&o, "left");
		pair_put(&o, b->left, (uint64_t)(b->left_until + to_wall));
	}
	if (q->quota.n) {
		json_key(&o, "quota");
		json_open(&o, '[');
		json_put_uint(&o, q->quota.n);
		json_put_int(&o, q->quota.per_ms);
		quota_write(&q->quota, &o);
		json_close(&o, ']');
	}
	json_kv_int(&o, "lease", last ? 0 : (int64_t)q->lease);
	json_close(&o, '}');
}

bool
proxy_limits_write(struct proxy *p, bool last, void (*put)(void *arg, const char *key, struct slice row), void *arg)
{
	struct buf row = {0};
	bool any = false;

	for (struct queue *q = p->queues; q; q = q->next) {
		if (!q->dirty && !(last && q->lease))
			continue;
		buf_clear(&row);
		queue_write(q, &row, last);
		put(arg, q->key, buf_view(&row));
		q->dirty = false;
		q->saving = q->unsaved;
		any = true;
	}
	buf_free(&row);
	p->keeping = any && !last;
	return any;
}

void
proxy_limits_saved(struct proxy *p)
{
	bool more = false;

	p->keeping = false;
	for (struct queue *q = p->queues; q; q = q->next) {
		q->unsaved -= q->saving;
		q->saving = 0;
		more = more || q->dirty;
	}
	if (more)
		keep_soon(p);
	line_pump(p);
}

/* ---- reading ---- */

static bool
ints_read(struct slice array, int64_t *a, int64_t *b, struct slice *rest)
{
	struct json_iter it = json_iter(array);

	if (!json_next(&it) || !json_int(it.value, a) || !json_next(&it) || !json_int(it.value, b))
		return false;
	if (rest)
		*rest = json_next(&it) ? it.value : (struct slice){0};
	return true;
}

static void
sent_restore(struct queue *q, int64_t at, int64_t count)
{
	for (int64_t i = 0; i < count && (uint64_t)i < q->bucket.n; i++)
		bucket_again(&q->bucket, at);
}

static void
sent_read(struct queue *q, struct slice array, int64_t now, int64_t to_wall)
{
	struct json_iter it = json_iter(array);
	int64_t wall, count, last = INT64_MIN;

	while (json_next(&it)) {
		if (!ints_read(it.value, &wall, &count, NULL) || wall - to_wall < now - 2 * q->bucket.per_ms)
			continue;
		if (wall - to_wall > last)
			last = wall - to_wall;
		if (last > now)
			last = now;
		sent_restore(q, last, count);
	}
}

static int64_t
at_most(int64_t at, int64_t most)
{
	return at < most ? at : most;
}

void
proxy_limit_read(struct proxy *p, const char *key, struct slice row)
{
	struct queue *q = queue_join(p, key);
	int64_t now = proxy_now(p), wall = wall_ms(p), to_wall = wall - now, a, b;
	struct slice value, counted;

	q->dirty = true; /* or it would be dropped at once */
	if (json_member(row, "rate", &value) && ints_read(value, &a, &b, NULL) && a > 0)
		bucket_rate(&q->bucket, (uint64_t)a, b);
	if (json_member(row, "quota", &value) && ints_read(value, &a, &b, &counted) && a > 0) {
		quota_set(&q->quota, (uint64_t)a, b);
		quota_read(&q->quota, wall, counted);
	}
	if (json_member(row, "sent", &value))
		sent_read(q, value, now, to_wall);
	if (json_member(row, "lease", &value) && json_int(value, &a) && a > 0) {
		sent_restore(q, now, a);
		quota_count(&q->quota, wall, (uint64_t)a);
	}
	q->bucket.last_taken = now;
	if (json_member(row, "paused_until", &value) && json_int(value, &a))
		bucket_pause(&q->bucket, now, at_most(a - to_wall, now + LIMIT_PAUSE_MAX_MS));
	if (json_member(row, "left", &value) && ints_read(value, &a, &b, NULL) && b > wall)
		bucket_learn(&q->bucket, a, at_most(b - to_wall, now + LIMIT_PAUSE_MAX_MS));
	q->dirty = false;
	queue_leave(q);
}

/* ---- looking ---- */

static int64_t
wall_of(const struct proxy *p, int64_t at)
{
	int64_t now = proxy_now(p);

	return at > now ? clock_wall_us(p->clock) + (at - now) * 1000 : 0;
}

void
proxy_limits_look(struct proxy *p, void (*each)(void *arg, const struct proxy_limit_state *s), void *arg)
{
	int64_t now = proxy_now(p), wall = wall_ms(p);

	for (struct queue *q = p->queues; q; q = q->next) {
		const struct bucket *b = &q->bucket;
		struct proxy_limit_state s = {
			.name = q->key,
			.rate_n = b->n,
			.rate_ms = b->per_ms,
			.remaining = b->left_until > now ? b->left : -1,
			.remaining_until_us = wall_of(p, b->left_until),
			.paused_until_us = wall_of(p, b->paused_until),
			.quota_n = q->quota.n,
			.quota_ms = q->quota.per_ms,
			.quota_used = quota_used(&q->quota, wall),
			.quota_until_us = q->quota.n ? wall_of(p, now + quota_until(&q->quota, wall) - wall) : 0,
		};

		if (!s.quota_until_us)
			s.quota_forecast_us = quota_forecast(&q->quota, wall) * 1000;
		for (size_t i = 0; i < b->count; i++)
			s.rate_used += b->sent[(b->first + i) % b->room] + b->per_ms > now;
		s.rate_used += b->starting;
		for (const struct proxy_call *c = p->calls; c; c = c->next)
			for (size_t i = 0; c->queued && i < c->target->n_limits; i++)
				s.waiting += limit_of(c, i) == q;
		each(arg, &s);
	}
}
