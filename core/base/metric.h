/* metric.h - counters, gauges and histograms of this process, by family and labels, written as Prometheus' text format 0.0.4.
 *
 * Whoever counts holds a `static const struct metric_family` and adds to it; a series comes to be with its first value. Values of
 * labels are copied and escaped. One thread. Cardinality is bounded: above METRIC_SERIES_MAX series of one family, further ones
 * are summed up in one whose labels are all "other", so that a host with many connections never grows without end. */
#ifndef SLUICE_BASE_METRIC_H
#define SLUICE_BASE_METRIC_H

#include "base/buf.h"

#define METRIC_LABELS_MAX 6
#define METRIC_SERIES_MAX 50000

enum metric_kind { METRIC_COUNTER, METRIC_GAUGE, METRIC_HISTOGRAM };

struct metric_family {
	const char *name;      /* "sluice_runs_total" */
	const char *help;      /* one sentence */
	enum metric_kind kind;
	const char *labels[METRIC_LABELS_MAX + 1]; /* NULL-terminated */
	const double *bounds;  /* of a histogram: upper bounds, ascending, without +Inf */
	unsigned n_bounds;
};

struct metrics;
struct metrics *metrics_new(void);
void metrics_free(struct metrics *m); /* NULL is fine */

/* values: as many as the family has labels; NULL counts as "". m NULL: nothing happens. */
void metric_add(struct metrics *m, const struct metric_family *f, const char *const *values, double by);
void metric_set(struct metrics *m, const struct metric_family *f, const char *const *values, double to);
void metric_observe(struct metrics *m, const struct metric_family *f, const char *const *values, double value);
/* A histogram that somebody else keeps: counts of each bound and above, not cumulated; n_bounds + 1 of them. */
void metric_put(struct metrics *m, const struct metric_family *f, const char *const *values, const uint64_t *counts, double sum);
void metric_forget(struct metrics *m, const struct metric_family *f); /* all series of it: for gauges that are worked out anew */
void metrics_write(const struct metrics *m, struct buf *out);         /* families by name, series in order of their first value */

#endif
