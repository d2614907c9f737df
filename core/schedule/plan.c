/* plan.c - see plan.h.
 *
 * The operator's word goes before the connector's, key by key. A sync that its connector calls manual is never begun by
 * the schedule, unless the operator has given it a time: whoever writes `every` or `cron` for it wants it run. */
#include "schedule/plan.h"

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
