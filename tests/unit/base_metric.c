/* Metrics: counted, escaped, bounded, and printed as a scraper wants them. */
#include "base/metric.h"
#include "../tap.h"

static const struct metric_family runs = {"sluice_runs_total", "Runs.", METRIC_COUNTER, {"sync", "status"}, NULL, 0};
static const struct metric_family up = {"sluice_up", "Up.", METRIC_GAUGE, {NULL}, NULL, 0};
static const double bounds[] = {0.1, 1};
static const struct metric_family took = {"sluice_run_seconds", "Duration.", METRIC_HISTOGRAM, {"sync"}, bounds, 2};

static const char *
written(const struct metrics *m, struct buf *out)
{
	buf_clear(out);
	metrics_write(m, out);
	return buf_str(out);
}

TEST("a family is printed once, with help and type, its series together, families by name")
{
	struct metrics *m = metrics_new();
	struct buf out = {0};

	metric_set(m, &up, NULL, 1);
	metric_add(m, &runs, (const char *const[]){"users", "success"}, 1);
	metric_add(m, &runs, (const char *const[]){"users", "error"}, 2);
	metric_add(m, &runs, (const char *const[]){"users", "success"}, 1);
	CHECK_STR(written(m, &out), "# HELP sluice_runs_total Runs.\n# TYPE sluice_runs_total counter\n"
	          "sluice_runs_total{sync=\"users\",status=\"success\"} 2\nsluice_runs_total{sync=\"users\",status=\"error\"} 2\n"
	          "# HELP sluice_up Up.\n# TYPE sluice_up gauge\nsluice_up 1\n");
	buf_free(&out);
	metrics_free(m);
}

TEST("a histogram cumulates its buckets, and a value on a bound belongs to it")
{
	struct metrics *m = metrics_new();
	struct buf out = {0};

	metric_observe(m, &took, (const char *const[]){"a"}, 0.1);
	metric_observe(m, &took, (const char *const[]){"a"}, 0.5);
	metric_observe(m, &took, (const char *const[]){"a"}, 7);
	CHECK_STR(written(m, &out), "# HELP sluice_run_seconds Duration.\n# TYPE sluice_run_seconds histogram\n"
	          "sluice_run_seconds_bucket{sync=\"a\",le=\"0.1\"} 1\nsluice_run_seconds_bucket{sync=\"a\",le=\"1\"} 2\n"
	          "sluice_run_seconds_bucket{sync=\"a\",le=\"+Inf\"} 3\nsluice_run_seconds_sum{sync=\"a\"} 7.6\n"
	          "sluice_run_seconds_count{sync=\"a\"} 3\n");
	buf_free(&out);
	metrics_free(m);
}

TEST("quotes, backslashes and line ends in a label are escaped")
{
	struct metrics *m = metrics_new();
	struct buf out = {0};

	metric_add(m, &runs, (const char *const[]){"a\"b\\c\nd", NULL}, 1);
	CHECK(strstr(written(m, &out), "{sync=\"a\\\"b\\\\c\\nd\",status=\"\"} 1\n") != NULL);
	buf_free(&out);
	metrics_free(m);
}

TEST("what was forgotten is printed no more, and may come again")
{
	struct metrics *m = metrics_new();
	struct buf out = {0};

	metric_set(m, &up, NULL, 1);
	metric_forget(m, &up);
	CHECK_STR(written(m, &out), "");
	metric_set(m, &up, NULL, 2);
	CHECK(strstr(written(m, &out), "sluice_up 2\n") != NULL);
	buf_free(&out);
	metrics_free(m);
}

TEST("series without end are summed up in one")
{
	struct metrics *m = metrics_new();
	struct buf out = {0};
	char name[16];

	for (int i = 0; i < METRIC_SERIES_MAX + 10; i++) {
		snprintf(name, sizeof name, "s%d", i);
		metric_add(m, &runs, (const char *const[]){name, "ok"}, 1);
	}
	CHECK(strstr(written(m, &out), "{sync=\"other\",status=\"other\"} 10\n") != NULL);
	metric_add(m, &runs, (const char *const[]){"s7", "ok"}, 1);
	CHECK(strstr(written(m, &out), "{sync=\"s7\",status=\"ok\"} 2\n") != NULL);
	buf_free(&out);
	metrics_free(m);
}

