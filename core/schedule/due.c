/* due.c - see due.h.
 *
 * What a sync may do by itself is the schedule's knowledge: the syncs of its connection (they share the attention that a
 * refusal wants) are put into one of their own, which is asked for each of them and thrown away. Awkward: that would meet a missed due time
 * now; how long ago it was missed, by which the overdue are ordered, is counted here from the last success. */
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "schedule/cron.h"
#include "schedule/due.h"
#include "schedule/past.h"
#include "schedule/plan.h"

struct due_siblings {
	struct host *host;
	const struct connection_settings *connection; /* NULL: none yet */
	const struct manifest *manifest;
	struct schedule *schedule; /* of all its syncs */
};

struct search {
	struct host *host;
	struct due_siblings *siblings;
	struct due_list *out;
};

/* Does one that is in this state begin by itself, sooner or later? */
static const bool by_itself[SCHEDULE_STATES] = {
	[SCHEDULE_FAILING] = true, [SCHEDULE_AFTER] = true,   [SCHEDULE_QUEUED] = true,
	[SCHEDULE_WAITING] = true, [SCHEDULE_RUNNING] = true,
};

static struct schedule_item *
sync_put(struct host *h, struct schedule *s, const struct chosen *c, struct err *err)
{
	const struct schedule_name name = {c->connection->name, c->connection->integration->name, c->sync->name};
	struct decided d = decided_of(h, c);
	struct schedule_past past;
	struct schedule_plan plan;

	plan_of(h, c, &plan);
	past_fill(h, c, &d, &past);
	return schedule_put(s, &name, &plan, &past, err);
}

void
due_siblings_free(struct due_siblings *b)
{
	if (b && b->schedule)
		schedule_free(b->schedule);
	free(b);
}

struct due_siblings *
due_siblings_new(struct host *h)
{
	struct due_siblings *b = XNEW(struct due_siblings);

	b->host = h;
	return b;
}

static void
siblings_take(struct due_siblings *b, const struct chosen *c)
{
	struct chosen sibling = *c;

	if (b->schedule)
		schedule_free(b->schedule);
	b->schedule = schedule_new(&(struct schedule_options){.clock = host_clock(b->host), .max_runs = 1});
	b->connection = c->connection;
	b->manifest = c->manifest;
	for (size_t k = 0; k < c->manifest->n_syncs; k++) {
		sibling.sync = &c->manifest->syncs[k];
		sync_put(b->host, b->schedule, &sibling, NULL);
	}
}

static int
state_of(struct due_siblings *b, const struct chosen *c, enum schedule_state *state, struct err *err)
{
	const struct schedule_name name = {c->connection->name, c->connection->integration->name, c->sync->name};
	struct schedule_plan plan;
	struct schedule_item *i;
	struct schedule_view v;

	if (b->connection != c->connection || b->manifest != c->manifest)
		siblings_take(b, c);
	i = schedule_find(b->schedule, &name);
	if (!i)
		i = sync_put(b->host, b->schedule, c, err); /* for its reason */
	if (!i)
		return -1;
	plan_of(b->host, c, &plan);
	schedule_look(b->schedule, i, &v);
	*state = !by_itself[v.state] ? v.state : plan.auto_sync ? SCHEDULE_WAITING : SCHEDULE_MANUAL;
	return 0;
}

static int64_t
success_of(struct host *h, const struct chosen *c)
{
	struct decided d = decided_of(h, c);
	struct schedule_past past;

	past_fill(h, c, &d, &past);
	return past.success_us;
}

/* 0: it never succeeded. */
static int
since(struct host *h, const struct chosen *c, int64_t *due_us, struct err *err)
{
	int64_t success_us = success_of(h, c);
	struct schedule_plan plan;
	struct zone *zone = NULL;
	struct cron cron;
	int rc = -1;

	plan_of(h, c, &plan);
	*due_us = success_us ? success_us + plan.every_ms * 1000 : 0;
	if (!success_us || !plan.cron)
		return 0;
	if (cron_parse(&cron, plan.cron, err) == 0 && (zone = zone_open(plan.zone, err))) {
		*due_us = cron_next(&cron, zone, success_us);
		rc = 0;
	}
	zone_close(zone);
	return rc;
}

int
due_look(struct due_siblings *b, const struct chosen *c, enum schedule_state *state, int64_t *due_us, struct err *err)
{
	if (state_of(b, c, state, err) != 0 || since(b->host, c, due_us, err) != 0)
		return -1;
	if (!by_itself[*state])
		*due_us = 0;
	else if (!*due_us)
		*due_us = clock_wall_us(host_clock(b->host));
	return 0;
}

static void
due_add(struct due **list, size_t *n, const struct chosen *c, int64_t due_us)
{
	*list = xrealloc(*list, (*n + 1) * sizeof **list);
	(*list)[*n] = (struct due){*c, due_us, *n};
	++*n;
}

static int
due_try(void *arg, const struct chosen *c, struct err *err)
{
	struct search *s = arg;
	enum schedule_state state;
	int64_t due_us;

	if (host_run(s->host, c->connection->name, c->connection->integration->name, c->sync->name))
		return 0;
	if (state_of(s->siblings, c, &state, err) != 0 || since(s->host, c, &due_us, err) != 0)
		return -1;
	if (due_us > clock_wall_us(host_clock(s->host)))
		return 0;
	if (by_itself[state])
		due_add(&s->out->list, &s->out->n, c, due_us);
	else if (state == SCHEDULE_ATTENTION)
		due_add(&s->out->refused, &s->out->n_refused, c, due_us);
	return 0;
}

/* Longest overdue first; of those that were due at once the one of higher priority; else as they are written. */
static int
due_order(const void *a, const void *b)
{
	const struct due *x = a, *y = b;
	int64_t px = x->chosen.sync->priority, py = y->chosen.sync->priority;

	if (x->due_us != y->due_us)
		return x->due_us < y->due_us ? -1 : 1;
	if (px != py)
		return py > px ? 1 : -1;
	return x->at < y->at ? -1 : x->at > y->at;
}

int
due_find(struct host *h, const struct service_ask *a, size_t limit, struct due_list *out, struct err *err)
{
	struct search s = {.host = h, .siblings = due_siblings_new(h), .out = out};
	int rc;

	*out = (struct due_list){0};
	rc = chosen_each(h, a, due_try, &s, err);
	due_siblings_free(s.siblings);
	if (rc != 0)
		return -1;
	if (out->n)
		qsort(out->list, out->n, sizeof *out->list, due_order);
	if (limit && out->n > limit)
		out->n = limit;
	return 0;
}

void
due_list_free(struct due_list *l)
{
	free(l->list);
	free(l->refused);
	*l = (struct due_list){0};
}
