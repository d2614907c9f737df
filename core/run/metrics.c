/* metrics.c - see metrics.h. */
#include "run/metrics.h"

#include <stdio.h>
#include "base/mem.h"
#include "run/inside.h"

static const double request_bounds[] = {0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 120};
static const double run_bounds[] = {0.1, 0.5, 1, 5, 15, 60, 300, 900, 3600, 14400, 86400};

static const struct metric_family records = {
	"sluice_records_total", "Records by what became of them.", METRIC_COUNTER,
	{"connection", "integration", "model", "change"}, NULL, 0};
static const struct metric_family requests = {
	"sluice_requests_total", "Requests sent to providers, repeated ones too, by status; none: there was no answer.", METRIC_COUNTER,
	{"integration", "code"}, NULL, 0};
static const struct metric_family request_seconds = {
	"sluice_request_seconds", "Time from sending a request to the end of its answer.", METRIC_HISTOGRAM,
	{"integration"}, request_bounds, LENGTH(request_bounds)};
static const struct metric_family waits = {
	"sluice_wait_seconds_total", "Time that runs spent, by what for.", METRIC_COUNTER, {"connection", "integration", "reason"}, NULL, 0};
static const struct metric_family runs = {
	"sluice_runs_total", "Runs that have ended, by how.", METRIC_COUNTER, {"integration", "sync", "status"}, NULL, 0};
static const struct metric_family run_seconds = {
	"sluice_run_seconds", "Duration of runs.", METRIC_HISTOGRAM, {"integration", "sync"}, run_bounds, LENGTH(run_bounds)};
static const struct metric_family exits = {
	"sluice_worker_exits_total", "Workers that have ended, by why; done: in good order.", METRIC_COUNTER, {"reason"}, NULL, 0};

struct metrics *
host_metrics(const struct host *h)
{
	return h->metrics;
}

static void
records_add(const struct run *r, const char *model, const char *change, uint64_t n)
{
	const struct connection_settings *c = r->connection;

	if (n && !r->request.dry)
		metric_add(r->host->metrics, &records, (const char *const[]){c->name, c->integration->name, model, change}, (double)n);
}

void
metrics_saved(const struct run *r, const struct commit_counts *c)
{
	const char *model = NULL;

	for (size_t i = 0; i < r->n_models && !model; i++)
		if (r->models[i].dataset == c->dataset)
			model = r->models[i].model->name;
	if (!model)
		return;
	records_add(r, model, "added", c->added);
	records_add(r, model, "updated", c->updated);
	records_add(r, model, "unchanged", c->unchanged);
	records_add(r, model, "deleted", c->deleted);
}

void
metrics_rejected(const struct run *r, uint64_t n)
{
	records_add(r, r->n_models == 1 ? r->models[0].model->name : "", "rejected", n);
}

void
metrics_worked(const struct run *r, const char *what, int64_t ms)
{
	const struct connection_settings *c = r->connection;

	if (ms > 0 && c)
		metric_add(r->host->metrics, &waits, (const char *const[]){c->name, c->integration->name, what}, (double)ms / 1000);
}

void
metrics_waited(const struct run *r, enum wait_reason reason, int64_t ms)
{
	static const char *const words[WAIT_REASONS] = {
		[WAIT_CONNECT] = "connect", [WAIT_SERVER] = "server", [WAIT_RATE] = "rate_limit", [WAIT_RETRY] = "retry",
		[WAIT_TOKEN] = "token"};

	metrics_worked(r, words[reason], ms);
}

void
metrics_worker_ended(const struct run *r, const struct err *why)
{
	metric_add(r->host->metrics, &exits, (const char *const[]){why->cls == ERR_NONE ? "done" : err_class_name(why->cls)}, 1);
}

void
metrics_ended(const struct run *r, const char *status)
{
	const char *const of[] = {r->connection->integration->name, r->request.name ? r->request.name : "check", status};

	if (r->request.dry)
		return;
	metric_add(r->host->metrics, &runs, of, 1);
	metric_observe(r->host->metrics, &run_seconds, of, (double)r->counts.total_ms / 1000);
}

void
metrics_request(void *host, const char *integration, int status, int64_t took_ms)
{
	const struct host *h = host;
	char code[12] = "none";

	if (status)
		snprintf(code, sizeof code, "%d", status);
	metric_add(h->metrics, &requests, (const char *const[]){integration, code}, 1);
	metric_observe(h->metrics, &request_seconds, (const char *const[]){integration}, (double)took_ms / 1000);
}
