/* plan.c - see plan.h.
 *
 * The operator's word goes before the connector's, key by key. A sync that its connector calls manual is never begun by
 * the schedule, unless the operator has given it a time: whoever writes `every` or `cron` for it wants it run.
 *
 * An application may give a sync an interval too (decided.h). It goes before the connector's and behind the operator's, who
 * may have a reason that the application does not know; where INI comes to name a time later, that holds from then on, and the
 * application's is kept for the day when INI does not. */
#include "schedule/plan.h"

#include <stdio.h>
#include "schedule/decided.h"

#include "sluice.h"

void
plan_fill(const struct settings *s, const struct connection_settings *c, const struct manifest_sync *m,
          struct schedule_plan *out)
{
	struct sync_settings y;
	bool timed;

	settings_sync_fill(s, c, m->name, &y);
	timed = y.cron || y.every_ms > 0;
	*out = (struct schedule_plan){
		.every_ms = y.every_ms > 0 ? y.every_ms : m->every_ms,
		.active = c->active,
		.auto_sync = y.auto_sync && (timed || !(m->flags & SLUICE_MANUAL)),
		.auto_start = y.auto_start,
		.priority = y.priority == PRIORITY_UNSET ? m->priority : (int64_t)y.priority,
		.connection_runs = c->max_runs,
		.integration_runs = c->integration->max_runs,
		.run_retries = y.run_retries,
		.after_any = y.needs == NEEDS_ANY,
		.after = {y.after_parts[0], y.after_parts[1], y.after_parts[2]},
	};
	if (!y.cron)
		return;
	out->every_ms = 0;
	out->cron = y.cron;
	out->zone = y.timezone ? y.timezone : s->host.timezone;
}

bool
plan_configured(const struct settings *s, const struct connection_settings *c, const char *sync)
{
	const struct sync_settings *y = settings_sync(s, c, sync);

	return y && (y->cron || y->every_ms > 0);
}

void
plan_of(struct host *h, const struct chosen *c, struct schedule_plan *out)
{
	struct decided d = decided_of(h, c);

	plan_fill(host_settings(h), c->connection, c->sync, out);
	out->active = connection_enabled(host_store(h), c->connection);
	if (!d.every_ms || plan_configured(host_settings(h), c->connection, c->sync->name))
		return;
	out->every_ms = d.every_ms;
	if (c->sync->flags & SLUICE_MANUAL) { /* with a time of its own it is not manual any more */
		const struct sync_settings *y = settings_sync(host_settings(h), c->connection, c->sync->name);
		out->auto_sync = !y || y->auto_sync;
	}
}

const char *
plan_text(const struct schedule_plan *p, char out[PLAN_TEXT_MAX])
{
	*out = '\0';
	if (p->auto_sync && p->cron)
		snprintf(out, PLAN_TEXT_MAX, "%s", p->cron);
	else if (p->auto_sync && p->every_ms)
		duration_format(p->every_ms, out);
	return out;
}
