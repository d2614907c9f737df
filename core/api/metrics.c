/* metrics.c - GET /metrics: what the process has counted, and what the store says right now, in Prometheus' text format.
 *
 * Counters are written on the loop, where they are kept. What is read from the store (last successes, open dead letters,
 * deletes held back, records in datasets) is worked out by the HTTP thread, so that a scrape of a host with thousands of syncs
 * delays no run. Of a connection that is not configured any more nothing is told: an alert on it would never end. */
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>
#include "api/api.h"
#include "api/metrics.h"
#include "base/mem.h"
#include "deliver/deliver.h"
#include "plugin/registry.h"
#include "run/idset.h"
#include "run/member.h"
#include "run/metrics.h"
#include "schedule/alerts.h"
#include "store/events_in.h"

static const struct metric_family build = {
	"sluice_build_info", "The version that runs; always 1.", METRIC_GAUGE, {"version"}, NULL, 0};
static const struct metric_family quota = {
	"sluice_quota_remaining", "Requests left in the current span, of limits and quotas that know it.", METRIC_GAUGE,
	{"limit"}, NULL, 0};
static const struct metric_family limit_waiting = {
	"sluice_limit_waiting", "Requests that wait for a rate limit or quota now.", METRIC_GAUGE, {"limit"}, NULL, 0};
static const struct metric_family alerts = {
	"sluice_alerts", "Incidents that are open now, by kind.", METRIC_GAUGE, {"kind"}, NULL, 0};
static const struct metric_family events_pending = {
	"sluice_webhook_pending", "Events that wait to be delivered.", METRIC_GAUGE, {"endpoint"}, NULL, 0};
static const struct metric_family events_parked = {
	"sluice_webhook_parked", "Events that were given up and wait for a person.", METRIC_GAUGE, {"endpoint"}, NULL, 0};
static const struct metric_family events_failures = {
	"sluice_webhook_failures", "Attempts that failed in a row, since the receiver last took an event.", METRIC_GAUGE,
	{"endpoint"}, NULL, 0};
static const struct metric_family events_waiting = {
	"sluice_events_waiting", "Events that a provider sent and that wait to be handled.", METRIC_GAUGE,
	{"connection", "integration"}, NULL, 0};
static const struct metric_family events_dead = {
	"sluice_events_dead", "Events that a provider sent, that failed and wait for a person.", METRIC_GAUGE,
	{"connection", "integration"}, NULL, 0};
static const struct metric_family active = {"sluice_runs_active", "Runs under way.", METRIC_GAUGE, {NULL}, NULL, 0};
static const struct metric_family success = {
	"sluice_last_success_timestamp_seconds", "When the last successful run of a sync began, in seconds since 1970.", METRIC_GAUGE,
	{"connection", "integration", "sync"}, NULL, 0};
static const struct metric_family letters = {
	"sluice_dead_letters", "Records that were refused and wait for a person.", METRIC_GAUGE,
	{"connection", "integration", "sync"}, NULL, 0};
static const struct metric_family held = {
	"sluice_held_deletes", "Deletes that were held back and wait for a person.", METRIC_GAUGE,
	{"connection", "integration", "sync"}, NULL, 0};
static const struct metric_family stored = {
	"sluice_stored_records", "Records in a dataset now, without deleted ones.", METRIC_GAUGE,
	{"connection", "integration", "model"}, NULL, 0};
static const struct metric_family bytes = {
	"sluice_store_bytes", "The store: its file, what of it is used, and what the disk has left.", METRIC_GAUGE, {"what"}, NULL, 0};
static const struct metric_family reader = {
	"sluice_oldest_reader_seconds", "Age of the oldest snapshot that is being read.", METRIC_GAUGE, {NULL}, NULL, 0};
static const struct metric_family waiting = {
	"sluice_oldest_commit_seconds", "How long the commit that waits longest has waited to be durable.", METRIC_GAUGE, {NULL}, NULL, 0};
static const struct metric_family commit_seconds = {
	"sluice_commit_seconds", "Duration of the store's transactions.", METRIC_HISTOGRAM, {NULL}, store_took_bounds,
	STORE_TOOK_BOUNDS};
static const struct metric_family cpu = {
	"process_cpu_seconds_total", "CPU time of the host, its workers not counted.", METRIC_COUNTER, {NULL}, NULL, 0};
static const struct metric_family resident = {
	"process_resident_memory_bytes", "Resident memory of the host.", METRIC_GAUGE, {NULL}, NULL, 0};
static const struct metric_family descriptors = {"process_open_fds", "Open file descriptors.", METRIC_GAUGE, {NULL}, NULL, 0};

/* ---- on the loop: what is kept in memory ---- */

static void
limit_put(void *arg, const struct proxy_limit_state *s)
{
	const char *const of[] = {s->name};
	int64_t left = s->remaining;

	if (left < 0 && s->quota_n)
		left = (int64_t)(s->quota_n - (s->quota_used < s->quota_n ? s->quota_used : s->quota_n));
	else if (left < 0 && s->rate_n)
		left = (int64_t)(s->rate_n - (s->rate_used < s->rate_n ? s->rate_used : s->rate_n));
	if (left >= 0)
		metric_set(arg, &quota, of, (double)left);
	metric_set(arg, &limit_waiting, of, s->waiting);
}

static bool
endpoint_put(void *arg, const struct deliver_view *v)
{
	const char *const of[] = {v->name};

	metric_set(arg, &events_pending, of, (double)v->outbox.pending);
	metric_set(arg, &events_parked, of, (double)v->outbox.parked);
	metric_set(arg, &events_failures, of, (double)v->standing->pace.failures);
	return true;
}

static bool
alert_put(void *arg, const struct alert *a)
{
	metric_add(arg, &alerts, (const char *const[]){alert_names[a->kind]}, 1);
	return true;
}

static size_t
descriptors_count(void)
{
	DIR *d = opendir("/proc/self/fd");
	size_t n = 0;

	while (d && readdir(d))
		n++;
	if (d)
		closedir(d);
	return n > 3 ? n - 3 : 0; /* without ., .. and the one that counted */
}

static double
resident_bytes(void)
{
	FILE *f = fopen("/proc/self/statm", "re");
	unsigned long all = 0, here = 0;

	if (f && fscanf(f, "%lu %lu", &all, &here) != 2)
		here = 0;
	if (f)
		fclose(f);
	return (double)here * (double)sysconf(_SC_PAGESIZE);
}

static void
process_put(struct metrics *m)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	metric_set(m, &cpu, NULL, (double)u.ru_utime.tv_sec + (double)u.ru_stime.tv_sec +
	           (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6);
	metric_set(m, &resident, NULL, resident_bytes());
	metric_set(m, &descriptors, NULL, (double)descriptors_count());
	metric_set(m, &build, (const char *const[]){SLUICE_VERSION}, 1);
}

static void
memory_put(struct api *a, struct metrics *m)
{
	size_t n = 0;

	metric_forget(m, &quota);
	metric_forget(m, &limit_waiting);
	metric_forget(m, &alerts);
	metric_forget(m, &events_pending);
	metric_forget(m, &events_parked);
	metric_forget(m, &events_failures);
	host_limits(api_host(a), limit_put, m, NULL);
	alerts_each(api_host(a), false, alert_put, m, NULL);
	deliver_each(api_host(a), endpoint_put, m, NULL);
	for (const struct run *r = run_next(api_host(a), NULL); r; r = run_next(api_host(a), r))
		n++;
	metric_set(m, &active, NULL, (double)n);
	process_put(m);
}

/* ---- in the HTTP thread: what stands in the store ---- */

struct scrape {
	struct store *store;
	struct buf text;      /* of the counters */
	struct metrics *m;    /* of this scrape alone */
	struct idset known;   /* "connection\0integration" of those that are configured */
};

static bool
scrape_knows(const struct scrape *s, const char *connection, const char *integration)
{
	struct buf name = {0};
	bool known;

	buf_printf(&name, "%s\n%s", connection, integration);
	known = idset_has(&s->known, buf_view(&name));
	buf_free(&name);
	return known;
}

static bool
held_add(void *arg, struct slice name, struct slice value)
{
	(void)name;
	*(double *)arg += (double)member_int(value, "held", 0);
	return true;
}

static bool
scope_put(void *arg, uint32_t scope, const struct scope_name *n)
{
	struct scrape *s = arg;
	const char *const of[] = {n->connection, n->integration, n->sync};
	struct buf last = {0};
	double deletes = 0;
	int64_t us;

	if (!*n->sync || !scrape_knows(s, n->connection, n->integration))
		return true;
	if (store_state_get(s->store, scope, STATE_LAST, SLICE(""), &last)) {
		us = member_int(buf_view(&last), "last_success_us", 0);
		if (us)
			metric_set(s->m, &success, of, (double)us / 1e6);
		metric_set(s->m, &letters, of, (double)store_dead_count(s->store, scope));
		store_state_list(s->store, scope, STATE_HELD, held_add, &deletes, NULL);
		metric_set(s->m, &held, of, deletes);
	}
	buf_free(&last);
	return true;
}

static bool
dataset_put(void *arg, const struct dataset_info *d)
{
	struct scrape *s = arg;

	if (scrape_knows(s, d->connection, d->integration) || strcmp(d->integration, "merge") == 0)
		metric_add(s->m, &stored, (const char *const[]){d->connection, d->integration, d->model}, (double)d->live);
	return true;
}

struct counting {
	struct scrape *scrape;
	const struct metric_family *family;
};

static void
events_put(void *arg, const struct inbox_count *n)
{
	const struct counting *c = arg;

	if (scrape_knows(c->scrape, n->connection, n->integration))
		metric_set(c->scrape->m, c->family, (const char *const[]){n->connection, n->integration}, (double)n->n);
}

static void
store_put(struct scrape *s)
{
	struct counting waiting_events = {s, &events_waiting}, dead_events = {s, &events_dead};
	struct store_stats stats;
	struct err err;

	store_stats(s->store, &stats);
	metric_set(s->m, &bytes, (const char *const[]){"file"}, (double)stats.file_bytes);
	metric_set(s->m, &bytes, (const char *const[]){"used"}, (double)stats.used_bytes);
	metric_set(s->m, &bytes, (const char *const[]){"free_disk"}, (double)stats.free_disk);
	metric_set(s->m, &reader, NULL, (double)stats.oldest_reader_ms / 1000);
	metric_set(s->m, &waiting, NULL, (double)stats.oldest_waiting_ms / 1000);
	metric_put(s->m, &commit_seconds, NULL, stats.took, (double)stats.took_us / 1e6);
	store_inbox_count(s->store, INBOX_WAITING, events_put, &waiting_events, &err);
	store_inbox_count(s->store, INBOX_DEAD, events_put, &dead_events, &err);
	store_scopes(s->store, scope_put, s, NULL);
	store_datasets(s->store, dataset_put, s, NULL);
}

static void
scrape_answer(struct http_call *c, void *arg)
{
	struct scrape *s = arg;

	store_put(s);
	metrics_write(s->m, &s->text);
	http_reply_bytes(c, 200, "text/plain; version=0.0.4; charset=utf-8", buf_view(&s->text));
}

static void
scrape_free(void *arg)
{
	struct scrape *s = arg;

	buf_free(&s->text);
	metrics_free(s->m);
	idset_free(&s->known);
	free(s);
}

/* Whoever may be sent events has none until some are found: a series that comes and goes makes alerts that never end. */
static void
connection_put(struct host *h, struct scrape *s, const struct connection_settings *k)
{
	const char *const of[] = {k->name, k->integration->name};
	const struct plugin_file *plugin = host_plugin_look(h, k->integration->plugin);
	struct buf name = {0};
	bool fresh;

	buf_printf(&name, "%s\n%s", k->name, k->integration->name);
	idset_put(&s->known, buf_view(&name), &fresh);
	buf_free(&name);
	if (plugin && plugin->manifest && plugin->manifest->n_webhooks) {
		metric_set(s->m, &events_waiting, of, 0);
		metric_set(s->m, &events_dead, of, 0);
	}
}

static void
metrics_get(struct http_call *c, void *arg)
{
	struct api *a = arg;
	const struct settings *settings = host_settings(api_host(a));
	struct metrics *m = host_metrics(api_host(a));
	struct scrape *s = XNEW(struct scrape);

	s->store = api_store(a);
	s->m = metrics_new();
	for (size_t i = 0; i < settings->n_connections; i++)
		connection_put(api_host(a), s, settings->connections[i]);
	memory_put(a, m);
	metrics_write(m, &s->text);
	http_read(c, scrape_answer, s, scrape_free);
}

/* ---- of the server itself ---- */

static const double http_bounds[] = {0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 30};
static const struct metric_family http_requests = {
	"sluice_http_requests_total", "Requests to this host's API, by route and status; gone: the client left before its answer.",
	METRIC_COUNTER, {"route", "code"}, NULL, 0};
static const struct metric_family http_seconds = {
	"sluice_http_request_seconds", "Time from a request to the end of its answer, waits and streams included.", METRIC_HISTOGRAM,
	{"route"}, http_bounds, LENGTH(http_bounds)};

void
metrics_answered(struct api *a, const struct http_route *route, int status, int64_t took_us)
{
	const char *name = route && route->name ? route->name : "none";
	char code[12] = "gone";

	if (status)
		snprintf(code, sizeof code, "%d", status);
	metric_add(host_metrics(api_host(a)), &http_requests, (const char *const[]){name, code}, 1);
	metric_observe(host_metrics(api_host(a)), &http_seconds, (const char *const[]){name}, (double)took_us / 1e6);
}

const struct http_route metrics_routes[] = {
	{.method = "GET",
	 .path = "/metrics",
	 .name = "metrics",
	 .tag = "Operation",
	 .summary = "What the host has counted, for Prometheus",
	 .help = "Text format 0.0.4. Counters begin at zero with each start of the host.",
	 .rights = RIGHT_READ,
	 .answers = (const struct http_answer[]){{200, .type = "text/plain", .help = "families and series"}, {0}},
	 .handle = metrics_get},
	{0},
};
