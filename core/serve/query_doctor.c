/* query_doctor.c - the question what keeps syncs from running and data from being there: a table of checks, answered by
 * whoever has the store open, since only a living host knows what it waits for.
 *
 * A row is {"check","subject","verdict","found","todo"}; verdicts are ok, warn (a person should know) and problem (it does
 * not work). Order: the host (here), connections, webhooks, events, each sync with its state first, then a record that was
 * asked about; a file each (doctor.h). */
#include <stdarg.h>
#include <stdlib.h>
#include "base/log.h"
#include "base/mem.h"
#include "schedule/service.h"
#include "serve/doctor.h"

#define AHEAD_MOST_US (INT64_C(60) * 1000000) /* between two clocks of one machine */

static const char *const verdicts[] = {[FINE] = "ok", [WARN] = "warn", [PROBLEM] = "problem"};

void
doctor_row(struct question *q, const char *check, const char *subject, const char *verdict, const char *found, const char *todo)
{
	struct json_out o = json_out(&q->row);

	json_open(&o, '{');
	json_kv_str(&o, "check", check);
	json_kv_str(&o, "subject", subject);
	json_kv_str(&o, "verdict", verdict);
	json_kv_str(&o, "found", found);
	json_kv_str(&o, "todo", todo);
	json_close(&o, '}');
	log_blank(&q->row);
	question_row(q);
}

void
doctor_found(const struct about *p, enum verdict v, const char *todo, const char *fmt, ...)
{
	char *text;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		die("out of memory for an answer");
	va_end(ap);
	doctor_row(p->q, p->check, p->subject, verdicts[v], text, v == FINE ? NULL : todo);
	free(text);
}

/* ---- the host ---- */

static void
check_service(const struct about *p)
{
	const struct service *s = host_service(p->q->host);
	size_t connections, syncs;
	int64_t next_us;
	char time[TIME_TEXT_MAX];

	if (!s) {
		doctor_found(p, WARN, "begin `sluice serve`, or have `sluice run --due` called by a timer",
		             "no service runs: nothing is synced by itself");
		return;
	}
	service_counts(s, &connections, &syncs, &next_us);
	if (service_short_of(s))
		doctor_found(p, PROBLEM, "mend that; runs begin again by themselves", "no run begins: %s", service_short_of(s));
	else
		doctor_found(p, FINE, NULL, "a service runs: %zu syncs of %zu connections, next due %.19s", syncs, connections,
		             next_us ? time_format(next_us, time) : "never by itself");
}

static void
check_store(const struct about *p)
{
	uint64_t least = p->q->settings->host.min_free;
	char has[TIME_TEXT_MAX], wants[TIME_TEXT_MAX], size[TIME_TEXT_MAX];
	struct store_stats stats;

	if (!p->q->store) {
		doctor_found(p, WARN, "`sluice run` makes it", "there is no store yet: nothing was ever synced");
		return;
	}
	store_stats(p->q->store, &stats);
	size_format(stats.free_disk, has);
	size_format(least, wants);
	size_format(stats.file_bytes, size);
	if (stats.free_disk < least)
		doctor_found(p, PROBLEM, "make room, or lower [host] min_free",
		             "the store holds %s, its disk has %s free; below %s (min_free) no run starts", size, has, wants);
	else
		doctor_found(p, stats.free_disk < 2 * least ? WARN : FINE, "make room soon: below min_free no run starts",
		             "the store opens and holds %s; its disk has %s free, %s are needed", size, has, wants);
}

static bool
newest_time(void *arg, uint64_t run, struct slice json)
{
	char *text = member_text(json, "started_at");
	int64_t us;

	(void)run;
	if (text && time_parse(slice_str(text), &us) && us > *(int64_t *)arg)
		*(int64_t *)arg = us;
	free(text);
	return true;
}

static void
check_clock(const struct about *p)
{
	int64_t newest = 0, now = clock_wall_us(host_clock(p->q->host));
	char then[TIME_TEXT_MAX], today[TIME_TEXT_MAX], by[TIME_TEXT_MAX];

	if (p->q->store)
		store_runs(p->q->store, 0, 20, newest_time, &newest, NULL);
	if (newest - now > AHEAD_MOST_US)
		doctor_found(p, PROBLEM, "set the clock right (NTP); times of records and due times follow it",
		             "it is %.19sZ now, but a run began at %.19sZ: the clock was set back by %s", time_format(now, today),
		             time_format(newest, then), duration_format((newest - now) / 1000, by));
	else
		doctor_found(p, FINE, NULL, "it is %.19sZ, after all that is stored", time_format(now, today));
}

/* A new file that cannot be used, while an older one still is. */
static void
check_broken(const struct about *p)
{
	const struct settings *s = p->q->settings;

	for (size_t i = 0; i < s->n_integrations; i++) {
		const char *plugin = s->integrations[i]->plugin, *why = host_plugin_trouble(p->q->host, plugin, NULL);
		if (why)
			doctor_found(p, PROBLEM, "`sluice deploy` a good one, or `sluice rollback`", "%s.so cannot be used%s: %s", plugin,
			             host_plugin_look(p->q->host, plugin) ? ", the one before stays in use" : "", why);
	}
}

static void
limit_check(void *arg, const struct proxy_limit_state *s)
{
	const struct about *p = arg;
	char until[TIME_TEXT_MAX];

	if (s->quota_n && s->quota_used >= s->quota_n)
		doctor_found(p, PROBLEM, "wait for its next span, or raise `quota` if the provider allows more",
		             "the quota of %s is used up: %llu requests", s->name, (unsigned long long)s->quota_n);
	else if (s->paused_until_us)
		doctor_found(p, WARN, "wait", "the provider asked %s to wait until %.19sZ", s->name, time_format(s->paused_until_us, until));
	else if (s->remaining == 0)
		doctor_found(p, WARN, "wait", "the provider leaves %s nothing until %.19sZ", s->name,
		             time_format(s->remaining_until_us, until));
}

static void
check_limits(const struct about *p)
{
	host_limits(p->q->host, limit_check, (void *)(uintptr_t)p, NULL);
}

static const struct {
	const char *name;
	void (*check)(const struct about *p);
} host_checks[] = {
	{"service", check_service}, {"store", check_store},   {"clock", check_clock},
	{"plugin", check_broken},   {"limits", check_limits},
};

int
ask_doctor(struct question *q)
{
	char *id = member_text(q->json, "record");
	int rc = 0;

	for (size_t i = 0; i < LENGTH(host_checks); i++)
		host_checks[i].check(&(struct about){q, host_checks[i].name, "host"});
	doctor_connections(q);
	doctor_webhooks(q);
	doctor_events(q);
	doctor_syncs(q);
	if (id)
		rc = doctor_record(q, id);
	free(id);
	return rc;
}
