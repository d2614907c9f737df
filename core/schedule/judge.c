/* judge.c - see judge.h.
 *
 * Names and times are judged by the schedule itself: all of the configuration is put into one that is thrown away. Awkward:
 * a circle can only be seen when all are there. What comes back later is judged by the schedule in force (service_refit),
 * which lets nothing of a circle begin, says so, and goes on with all else. */
#include "schedule/judge.h"

#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "run/connections.h"
#include "run/target.h"
#include "schedule/plan.h"

int
judge_connection(struct host *h, const struct settings *s, const struct connection_settings *k, struct err *err)
{
	const struct manifest *m;

	if (k->broken)
		return err_set(err, ERR_USAGE, "%.*s", (int)strcspn(k->broken, "\n"), k->broken);
	if (connection_judge(h, k, err) != 0)
		return -1;
	m = host_manifest_in(h, s, k, err);
	return m && target_base_check(m, k, err) == 0 ? target_limits_check(s, m, k, err) : -1;
}

static void
sync_unknown(const struct manifest *m, const struct sync_settings *y, judge_fault *fault, void *arg)
{
	const char **names = xcalloc(m->n_syncs + 1, sizeof *names), *near;
	struct err err;

	for (size_t i = 0; i < m->n_syncs; i++)
		names[i] = m->syncs[i].name;
	near = nearest(y->sync, names);
	err_set(&err, ERR_USAGE, "%s:%u: connector '%s' has no sync '%s'%s%s%s", y->at.file, y->at.line, m->name, y->sync,
	        near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
	free(names);
	fault(arg, &err);
}

size_t
judge_syncs(struct host *h, const struct settings *s, judge_fault *fault, void *arg)
{
	size_t bad = 0;

	for (size_t i = 0; i < s->n_syncs; i++) {
		const struct manifest *m = host_manifest_in(h, s, s->syncs[i]->connection, NULL);

		if (!m || manifest_sync(m, s->syncs[i]->sync))
			continue; /* a plugin that cannot be had was named with its connection */
		sync_unknown(m, s->syncs[i], fault, arg);
		bad++;
	}
	return bad;
}

static int
plan_judge(struct schedule *all, const struct settings *s, const struct connection_settings *k,
           const struct manifest_sync *sync, struct err *err)
{
	const struct sync_settings *given = settings_sync(s, k, sync->name);
	const struct origin *at = given ? &given->at : &k->at;
	const struct schedule_name name = {k->name, k->integration->name, sync->name};
	struct schedule_plan plan;

	plan_fill(s, k, sync, &plan);
	if (schedule_put(all, &name, &plan, NULL, err))
		return 0;
	return err_prefix(err, "%s:%u: [sync %s : %s : %s]", at->file ? at->file : "default", at->line, k->name,
	                  k->integration->name, sync->name);
}

size_t
judge_schedule(struct host *h, const struct settings *s, judge_fault *fault, void *arg)
{
	struct schedule *all = schedule_new(&(struct schedule_options){.clock = host_clock(h), .max_runs = 1});
	bool whole = true;
	size_t bad = 0;
	struct err err;

	for (size_t i = 0; i < s->n_connections; i++) {
		const struct connection_settings *k = s->connections[i];
		const struct manifest *m = host_manifest_in(h, s, k, NULL);

		whole &= m != NULL;
		for (size_t n = 0; m && n < m->n_syncs; n++)
			if (plan_judge(all, s, k, &m->syncs[n], &err) != 0) {
				fault(arg, &err);
				bad++;
			}
	}
	if (whole && !bad && schedule_order_check(all, &err) != 0) {
		fault(arg, &err);
		bad++;
	}
	schedule_free(all);
	return bad;
}
