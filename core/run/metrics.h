/* metrics.h - what this process has counted of its runs, for /metrics (names: conf/GUIDE.md).
 *
 * Counted where it happens, on the loop, into one struct metrics of the host. Counters begin at zero with each process, as
 * scrapers expect. Never a run's number in a label. */
#ifndef SLUICE_RUN_METRICS_H
#define SLUICE_RUN_METRICS_H

#include "base/metric.h"
#include "run/run.h"

struct metrics *host_metrics(const struct host *h); /* borrowed; lives as long as the host */

/* ---- for the files of core/run ---- */
void metrics_saved(const struct run *r, const struct commit_counts *c);   /* durable */
void metrics_rejected(const struct run *r, uint64_t n);
void metrics_waited(const struct run *r, enum wait_reason reason, int64_t ms);
void metrics_worked(const struct run *r, const char *what, int64_t ms);   /* "commit", "compute", "start" */
void metrics_worker_ended(const struct run *r, const struct err *why);
void metrics_ended(const struct run *r, const char *status);
void metrics_request(void *host, const char *integration, int status, int64_t took_ms); /* of struct proxy_options */

#endif
