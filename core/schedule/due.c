/* due.c - see due.h.
 *
 * Awkward: a cron expression's times are the schedule's knowledge; so one sync is put into a schedule of its own, which
 * is asked when it would be due after its last success, and thrown away. */
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "run/member.h"
#include "schedule/due.h"
#include "sluice.h"

struct search {
	struct host *host;
	struct due *list;
	size_t n;
};

static int
cron_next(struct host *h, const struct chosen *c, const struct sync_settings *y, int64_t success_us, int64_t *due_us,
          struct err *err)
{
	const struct schedule_options o = {.clock = host_clock(h), .max_runs = 1};
	const struct schedule_name name = {c->connection->name, c->connection->integration->name, c->sync->name};
	const struct schedule_plan plan = {
		.cron = y->cron,
		.zone = y->timezone ? y->timezone : host_settings(h)->host.timezone,
		.active = true,
		.auto_sync = true,
		.auto_start = true,
		.connection_runs = 1,
	};
	const struct schedule_past past = {.due_us = success_us, .started_us = success_us, .finished_us = success_us,
	                                   .success_us = success_us, .begun = true};
	struct schedule *s = schedule_new(&o);
	struct schedule_item *i = schedule_put(s, &name, &plan, &past, err);
	struct schedule_view v = {0};

	if (i)
		schedule_look(s, i, &v);
	*due_us = v.next_us;
	schedule_free(s);
	return i ? 0 : -1;
}

static int64_t
success_of(struct host *h, const struct chosen *c, bool *ran)
{
	uint32_t scope = host_store(h) ? chosen_scope(h, c, false, NULL) : 0;
	struct buf value = {0};
	int64_t us = 0;

	*ran = scope && store_state_get(host_store(h), scope, STATE_LAST, SLICE(""), &value);
	if (*ran)
		us = member_int(buf_view(&value), "last_success_us", 0);
	buf_free(&value);
	return us;
}

static int
due_try(void *arg, const struct chosen *c, struct err *err)
{
	struct search *s = arg;
	const struct connection_settings *k = c->connection;
	struct decided d = host_store(s->host) ? decided_of(s->host, c) : (struct decided){0};
	struct sync_settings y;
	bool ran;
	int64_t success_us = success_of(s->host, c, &ran), due_us = 0;

	settings_sync_fill(host_settings(s->host), k, c->sync->name, &y);
	if (!connection_enabled(host_store(s->host), k) || !y.auto_sync || (c->sync->flags & SLUICE_MANUAL) || d.paused ||
	    (!y.auto_start && !d.started && !ran) ||
	    host_run(s->host, k->name, k->integration->name, c->sync->name))
		return 0;
	if (success_us && !y.cron)
		due_us = success_us + (y.every_ms > 0 ? y.every_ms : c->sync->every_ms) * 1000;
	else if (success_us && cron_next(s->host, c, &y, success_us, &due_us, err) != 0)
		return -1;
	if (due_us > clock_wall_us(host_clock(s->host)))
		return 0;
	s->list = xrealloc(s->list, (s->n + 1) * sizeof *s->list);
	s->list[s->n++] = (struct due){*c, due_us};
	return 0;
}

/* Longest overdue first; of those that were due at once the one of higher priority; else as they are written. */
static int
due_order(const void *a, const void *b)
{
	const struct due *x = a, *y = b;

	if (x->due_us != y->due_us)
		return x->due_us < y->due_us ? -1 : 1;
	return (y->chosen.sync->priority > x->chosen.sync->priority) - (y->chosen.sync->priority < x->chosen.sync->priority);
}

static void
due_sort(struct due *list, size_t n)
{
	for (size_t i = 1; i < n; i++) { /* stable, and nearly sorted already */
		struct due x = list[i];
		size_t k = i;
		for (; k > 0 && due_order(&x, &list[k - 1]) < 0; k--)
			list[k] = list[k - 1];
		list[k] = x;
	}
}

int
due_list(struct host *h, const struct service_ask *a, size_t limit, struct due **list, size_t *n, struct err *err)
{
	struct search s = {.host = h};

	if (chosen_each(h, a, due_try, &s, err) != 0) {
		free(s.list);
		return -1;
	}
	due_sort(s.list, s.n);
	*list = s.list;
	*n = limit && s.n > limit ? limit : s.n;
	return 0;
}
