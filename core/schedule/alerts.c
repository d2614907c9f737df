/* alerts.c - see alerts.h: the facts of each sync (alerts_watch.c), judged at its runs' ends and every few seconds.
 *
 *   STATE_LAST, STATE_HELD --at a run's end--> watch --schedule, clock--> alert_judge --> log, store, listener
 *
 * Guarantee: an incident is told once when it begins and once when it is over, also over a restart: what is open is read
 * back before anything is judged. Looking costs no reading of the store, but for those that have deletes held back (a person
 * confirms them without any run).
 *
 * Awkward: a service that was down for long finds everything stale when it begins, and is about to mend that. So nothing
 * begins to be stale before it is up for one interval, ten minutes at most. */
#include <stdlib.h>
#include <string.h>
#include "base/log.h"
#include "base/mem.h"
#include "run/host.h"
#include "schedule/alerts_inner.h"

#define LOOK_MS 5000
#define GRACE_MOST_MS 600000

int64_t
alerts_now(const struct alerts *a)
{
	return clock_wall_us(host_clock(a->service->host));
}

/* ---- beginning and end of one ---- */

static void
alert_tell(const struct alerts *a, const struct alert *x)
{
	struct log_field fields[4];
	size_t n = 0;
	char time[TIME_TEXT_MAX];

	if (x->connection) {
		fields[n++] = (struct log_field){"connection", x->connection, 0};
		fields[n++] = (struct log_field){"integration", x->integration, 0};
	}
	if (x->sync)
		fields[n++] = (struct log_field){"sync", x->sync, 0};
	fields[n] = (struct log_field){NULL, NULL, 0};
	if (x->until_us)
		log_line(LOG_INFO, fields, "alert over: %s, after %s", alert_names[x->kind],
		         duration_format((x->until_us - x->since_us) / 1000, time));
	else
		log_line(LOG_WARN, fields, "alert begins: %s: %s", alert_names[x->kind], x->text);
	if (a->told)
		a->told(a->told_arg, x);
}

static void
incident_begin(struct alerts *a, struct subject *u, enum alert_kind kind, const char *text)
{
	struct incident *i = XNEW(struct incident);
	struct alert x;

	*i = (struct incident){.next = u->open, .kind = kind, .since_us = alerts_now(a), .text = xstrdup(text)};
	u->open = i;
	incident_keep(host_store(a->service->host), u, i, true);
	x = alert_of(u, i);
	alert_tell(a, &x);
}

static void
incident_end(struct alerts *a, struct subject *u, struct incident **at)
{
	struct incident *i = *at;
	struct alert x = alert_of(u, i);

	*at = i->next;
	x.until_us = alerts_now(a);
	incident_keep(host_store(a->service->host), u, i, false);
	past_add(a, &x);
	alert_tell(a, &x);
	free(i->text);
	free(i);
}

static void
subject_judge(struct alerts *a, struct subject *u, enum alert_kind kind, const struct alert_facts *f)
{
	struct incident **at = &u->open;
	struct buf text = {0};
	bool open;

	while (*at && (*at)->kind != kind)
		at = &(*at)->next;
	open = alert_judge(kind, &host_settings(a->service->host)->alert, f, *at != NULL, &text);
	if (open && !*at) {
		log_blank(&text);
		incident_begin(a, u, kind, buf_str(&text));
	} else if (!open && *at) {
		incident_end(a, u, at);
	}
	buf_free(&text);
}

/* ---- judging ---- */

static const bool idle_states[SCHEDULE_STATES] = {
	[SCHEDULE_INACTIVE] = true, [SCHEDULE_MANUAL] = true, [SCHEDULE_UNSTARTED] = true, [SCHEDULE_PAUSED] = true};

static int64_t
running_ms(const struct entry *e)
{
	struct run_counts counts;
	enum wait_reason waiting;
	enum run_state state;
	int64_t until;

	if (!e->run)
		return 0;
	run_look(e->run, &state, &counts, &waiting, &until);
	return counts.total_ms;
}

static bool
stale_may_begin(const struct alerts *a, const struct watch *w)
{
	int64_t grace_ms = w->interval_ms < GRACE_MOST_MS ? w->interval_ms : GRACE_MOST_MS;

	return alerts_now(a) - a->begun_us > grace_ms * 1000;
}

static bool
incident_open(const struct subject *u, enum alert_kind kind)
{
	const struct incident *i = u->open;

	while (i && i->kind != kind)
		i = i->next;
	return i != NULL;
}

static struct alert_facts
sync_facts(struct alerts *a, size_t n, int64_t run_ms)
{
	const struct entry *e = a->service->entries[n];
	struct watch *w = a->syncs[n];
	struct schedule_view v = {.state = SCHEDULE_INACTIVE};

	if (e->item && !e->leaving)
		schedule_look(a->service->schedule, e->item, &v);
	w->idle = idle_states[v.state];
	if (w->idle)
		w->idle_us = alerts_now(a);
	if (w->held)
		watch_read_held(a, w);
	return (struct alert_facts){
		.now_us = alerts_now(a),
		.idle = w->idle,
		.failures = v.failures > w->failures ? v.failures : w->failures,
		.reason = e->refused ? e->refused : w->reason,
		.ended = w->ended,
		.failed = w->failed,
		.usual_ms = w->usual_ms,
		.samples = w->samples,
		.running_ms = run_ms,
		.since_us = w->success_us > w->idle_us ? w->success_us : w->idle_us,
		.interval_ms = w->interval_ms,
		.held = w->held,
	};
}

static void
sync_judge(struct alerts *a, size_t n, int64_t run_ms)
{
	const struct alert_facts f = sync_facts(a, n, run_ms);
	struct watch *w = a->syncs[n];

	for (enum alert_kind k = ALERT_FAILURES; k <= ALERT_HELD; k++)
		if (k != ALERT_STALE || stale_may_begin(a, w) || incident_open(&w->subject, k))
			subject_judge(a, &w->subject, k, &f);
}

static void
links_judge(struct alerts *a)
{
	for (size_t i = 0; i < a->n_links; i++) {
		struct link_watch *k = a->links[i];
		k->refused_us = k->success_us = 0;
		k->reason = NULL;
		k->busy = false;
	}
	for (size_t i = 0; i < a->n_syncs; i++) {
		const struct watch *w = a->syncs[i];
		struct link_watch *k = a->links[w->link];
		k->busy |= !w->idle;
		if (w->finished_us > k->success_us)
			k->success_us = w->finished_us;
		if (w->refused_us > k->refused_us) {
			k->refused_us = w->refused_us;
			k->reason = w->reason;
		}
	}
	for (size_t i = 0; i < a->n_links; i++) {
		struct link_watch *k = a->links[i];
		const struct alert_facts f = {
			.refused = k->refused_us > k->success_us, .reason = k->reason, .idle = !k->busy};
		subject_judge(a, &k->subject, ALERT_ATTENTION, &f);
	}
}

static struct subject *
limit_make(struct alerts *a, const char *name)
{
	struct subject *u;

	for (size_t i = 0; i < a->n_limits; i++)
		if (strcmp(a->limits[i]->limit, name) == 0)
			return a->limits[i];
	u = XNEW(struct subject);
	*u = (struct subject){.limit = xstrdup(name)};
	subject_load(host_store(a->service->host), u);
	a->limits = xrealloc(a->limits, (a->n_limits + 1) * sizeof *a->limits);
	a->limits[a->n_limits++] = u;
	return u;
}

static void
limit_judge(void *arg, const struct proxy_limit_state *s)
{
	struct alerts *a = arg;
	const struct alert_facts f = {.name = s->name, .quota_n = s->quota_n, .quota_used = s->quota_used,
	                              .quota_end_us = s->quota_forecast_us};

	if (s->quota_n)
		subject_judge(a, limit_make(a, s->name), ALERT_QUOTA, &f);
}

static void
host_judge(struct alerts *a)
{
	struct host *h = a->service->host;
	uint64_t min_free = host_settings(h)->host.min_free;
	struct proxy *proxy = host_proxy(h, NULL);
	struct alert_facts f = {.short_of = service_short_of(a->service)};
	struct store_stats stats;
	char free_text[TIME_TEXT_MAX], least[TIME_TEXT_MAX], *text = NULL;

	store_stats(host_store(h), &stats);
	if (!f.short_of && stats.free_disk < min_free)
		f.short_of = text = xasprintf("the disk of %s has %s free, min_free is %s", store_dir(host_store(h)),
		                              size_format(stats.free_disk, free_text), size_format(min_free, least));
	subject_judge(a, &a->host, ALERT_DISK, &f);
	free(text);
	if (proxy)
		proxy_limits_look(proxy, limit_judge, a);
}

static void
alerts_look(uv_timer_t *timer)
{
	struct alerts *a = timer->data;

	watches_make(a);
	for (size_t i = 0; i < a->n_syncs; i++)
		sync_judge(a, i, running_ms(a->service->entries[i]));
	links_judge(a);
	host_judge(a);
	past_keep(a);
}

/* A run that took too long is told although it is over already, when nobody had looked in between. Nothing else is judged
 * by what was known before its end: a success would be told as stale and well again in one moment. */
void
alerts_ended(struct alerts *a, const struct entry *e, int64_t took_ms)
{
	struct alert_facts f;
	struct watch *w;

	watches_make(a);
	w = a->syncs[e->at];
	if (took_ms) {
		f = sync_facts(a, e->at, took_ms);
		subject_judge(a, &w->subject, ALERT_LONG, &f);
	}
	watch_read_last(a, w);
	sync_judge(a, e->at, 0);
	if (w->refused_us || incident_open(&a->links[w->link]->subject, ALERT_ATTENTION))
		links_judge(a);
}

void
alerts_refit(struct alerts *a)
{
	watches_make(a);
	for (size_t i = 0; i < a->n_syncs; i++)
		watch_find_interval(a, a->syncs[i]);
}

void
alerts_listen(struct service *s, void (*told)(void *arg, const struct alert *a), void *arg)
{
	s->alerts->told = told;
	s->alerts->told_arg = arg;
}

/* ---- beginning and end of all ---- */

static bool
limit_load(void *arg, struct slice name, struct slice value)
{
	struct alerts *a = arg;
	char *text = slice_dup(name), *colon = strchr(text, ':');

	(void)value;
	if (colon)
		limit_make(a, colon + 1);
	free(text);
	return true;
}

struct alerts *
alerts_new(struct service *s)
{
	struct alerts *a = XNEW(struct alerts);

	a->service = s;
	subject_load(host_store(s->host), &a->host);
	store_state_list(host_store(s->host), 0, STATE_INCIDENT, limit_load, a, NULL);
	past_load(a);
	a->begun_us = alerts_now(a);
	watches_make(a);
	a->timer.data = a;
	a->timer_open = uv_timer_init(s->o.loop, &a->timer) == 0;
	return a;
}

void
alerts_begin(struct alerts *a)
{
	if (a->timer_open)
		uv_timer_start(&a->timer, alerts_look, LOOK_MS, LOOK_MS);
}

void
alerts_stop(struct alerts *a)
{
	if (a->timer_open)
		uv_timer_stop(&a->timer);
	past_keep(a);
}

static void
timer_closed(uv_handle_t *handle)
{
	struct alerts *a = handle->data;

	a->timer_open = false;
}

void
alerts_free(struct alerts *a)
{
	if (!a)
		return;
	past_keep(a);
	if (a->timer_open) {
		uv_close((uv_handle_t *)&a->timer, timer_closed);
		while (a->timer_open)
			uv_run(a->service->o.loop, UV_RUN_ONCE);
	}
	watches_free(a);
	for (size_t i = 0; i < a->n_limits; i++) {
		subject_finish(a->limits[i]);
		free(a->limits[i]);
	}
	for (size_t i = 0; i < ALERTS_PAST; i++)
		free(a->past[i]);
	subject_finish(&a->host);
	free(a->limits);
	free(a);
}
