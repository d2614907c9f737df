/* alerts_watch.c - the facts of each sync in memory, by which its alerts are judged: how its last runs went, how long they
 * usually take, how often they should come.
 *
 * They are read from the store when a sync comes and at the end of each of its runs, so a look at thousands of syncs reads
 * nothing. Only deletes that are held back are read again while there are any: a person confirms them without a run.
 * Awkward: a cron expression has no one interval. A time that is only met on working days is not late on Sunday, so the
 * longest of its next gaps counts. */
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "run/host.h"
#include "run/member.h"
#include "schedule/alerts_inner.h"
#include "schedule/cron.h"
#include "schedule/plan.h"

#define RECENT 20
#define GAPS 12 /* of a cron expression that are looked at for its longest */

static bool
held_add(void *arg, struct slice name, struct slice value)
{
	(void)name;
	*(uint64_t *)arg += (uint64_t)member_int(value, "held", 0);
	return true;
}

void
watch_read_held(const struct alerts *a, struct watch *w)
{
	struct store *s = host_store(a->service->host);
	uint32_t scope = subject_scope(s, &w->subject, false);

	w->held = 0;
	if (scope)
		store_state_list(s, scope, STATE_HELD, held_add, &w->held, NULL);
}

static void
recent_read(struct watch *w, struct slice last)
{
	struct json_iter it = json_iter(member_raw(last, "took"));
	char *ended = member_text(last, "ended");
	int64_t took[RECENT], ms;

	w->samples = w->ended = w->failed = 0;
	while (w->samples < RECENT && json_next(&it))
		if (json_int(it.value, &ms))
			took[w->samples++] = ms;
	w->usual_ms = alert_median(took, w->samples);
	for (const char *p = ended; p && *p; p++) {
		w->ended++;
		w->failed += *p == '-';
	}
	free(ended);
}

void
watch_read_last(const struct alerts *a, struct watch *w)
{
	struct store *s = host_store(a->service->host);
	uint32_t scope = subject_scope(s, &w->subject, false);
	struct buf value = {0};
	struct slice last;
	int64_t finished;
	char *cls;

	watch_read_held(a, w);
	if (!scope || !store_state_get(s, scope, STATE_LAST, SLICE(""), &value))
		goto out;
	last = buf_view(&value);
	recent_read(w, last);
	w->failures = (uint64_t)member_int(last, "failures", 0);
	w->success_us = member_int(last, "success_ended_us", member_int(last, "last_success_us", 0));
	finished = member_int(last, "finished_us", 0);
	cls = member_text(last, "class"); /* absent: it went well */
	free(w->reason);
	w->reason = cls ? member_text(last, "reason") : NULL;
	w->finished_us = cls ? 0 : finished;
	w->refused_us = cls && err_class_find(cls) == ERR_CREDENTIALS ? finished : 0;
	free(cls);
out:
	buf_free(&value);
}

static int64_t
cron_interval(const char *text, const char *zone_name, int64_t now)
{
	struct zone *zone = zone_open(zone_name, NULL);
	struct cron cron;
	int64_t longest = 0, at, next;

	if (zone && cron_parse(&cron, text, NULL) == 0) {
		at = cron_next(&cron, zone, now);
		for (size_t i = 0; i < GAPS; i++, at = next) {
			next = cron_next(&cron, zone, at);
			if (next <= at)
				break;
			longest = next - at > longest ? next - at : longest;
		}
	}
	zone_close(zone);
	return longest / 1000;
}

/* As the schedule has it: also of a variant, and with an interval that an application gave it. */
void
watch_find_interval(const struct alerts *a, struct watch *w)
{
	struct host *h = a->service->host;
	const struct subject *u = &w->subject;
	struct chosen c = {.connection = settings_connection(host_settings(h), u->connection, u->integration)};
	struct schedule_plan plan;

	w->interval_ms = 0;
	c.manifest = c.connection ? host_manifest_of(h, c.connection, NULL) : NULL;
	c.sync = c.manifest ? manifest_sync(c.manifest, u->sync) : NULL;
	if (!c.sync)
		return;
	plan_of(h, &c, &plan);
	w->interval_ms = plan.cron ? cron_interval(plan.cron, plan.zone, alerts_now(a)) : plan.every_ms;
}

static size_t
link_make(struct alerts *a, const struct entry *e)
{
	struct buf key = {0};
	uint32_t *at;
	bool fresh;

	buf_printf(&key, "%s\n%s", e->connection, e->integration);
	at = idset_put(&a->link_names, buf_view(&key), &fresh);
	buf_free(&key);
	if (fresh) {
		struct link_watch *k = XNEW(struct link_watch);
		*k = (struct link_watch){.subject = {.connection = xstrdup(e->connection), .integration = xstrdup(e->integration)}};
		*at = (uint32_t)a->n_links;
		a->links = xrealloc(a->links, (a->n_links + 1) * sizeof *a->links);
		a->links[a->n_links++] = k;
		subject_load(host_store(a->service->host), &k->subject);
		return a->n_links - 1;
	}
	return *at;
}

void
watches_make(struct alerts *a)
{
	const struct service *s = a->service;

	while (a->n_syncs < s->n_entries) {
		const struct entry *e = s->entries[a->n_syncs];
		struct watch *w = XNEW(struct watch);
		*w = (struct watch){.subject = {.connection = xstrdup(e->connection), .integration = xstrdup(e->integration),
		                                .sync = xstrdup(e->sync)},
		                    .link = link_make(a, e), .idle_us = alerts_now(a)};
		a->syncs = xrealloc(a->syncs, (a->n_syncs + 1) * sizeof *a->syncs);
		a->syncs[a->n_syncs++] = w;
		subject_load(host_store(s->host), &w->subject);
		watch_read_last(a, w);
		watch_find_interval(a, w);
		if (w->success_us)
			w->idle_us = 0;
	}
}

void
watches_free(struct alerts *a)
{
	for (size_t i = 0; i < a->n_syncs; i++) {
		subject_finish(&a->syncs[i]->subject);
		free(a->syncs[i]->reason);
		free(a->syncs[i]);
	}
	for (size_t i = 0; i < a->n_links; i++) {
		subject_finish(&a->links[i]->subject);
		free(a->links[i]);
	}
	free(a->syncs);
	free(a->links);
	idset_free(&a->link_names);
}
