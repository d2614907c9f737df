/* query_past.c - the questions about what was: runs, their steps and their logs.
 *
 * Awkward: a filter is applied to what is read, and at most QUESTION_ROWS_MAX rows are read for one answer, matching or
 * not: whoever asks about something rare goes on from where the answer ended while `more` is true. */
#include <stdlib.h>
#include "base/mem.h"
#include "serve/question.h"

/* "running" only while it is: what was killed could not write its end itself. */
static void
record_write(struct question *q, struct slice record)
{
	char *connection = member_text(record, "connection"), *integration = member_text(record, "integration"),
	     *sync = member_text(record, "sync");

	if (json_string_is(member_raw(record, "status"), "running") && connection && integration && sync &&
	    !host_run(q->host, connection, integration, sync))
		json_merge_top(&q->row, record, SLICE("{\"status\":\"interrupted\"}"));
	else
		buf_slice(&q->row, record);
	free(connection);
	free(integration);
	free(sync);
}

struct past {
	struct question *q;
	uint64_t last;
	size_t left, read;
	char *status; /* only runs that ended so; NULL: any */
	int64_t since_us;
};

/* As it is shown: what is written as running may have been interrupted. */
static bool
past_fits(const struct past *p, struct slice shown)
{
	char *started = member_text(shown, "started_at");
	int64_t us = 0;
	bool late = !p->since_us || !started || !time_parse(slice_str(started), &us) || us >= p->since_us;

	free(started);
	return late && (!p->status || json_string_is(member_raw(shown, "status"), p->status));
}

static bool
run_row(void *arg, uint64_t run, struct slice json)
{
	struct past *p = arg;
	struct question *q = p->q;
	char *connection = member_text(json, "connection"), *integration = member_text(json, "integration"),
	     *sync = member_text(json, "sync");

	p->last = run;
	p->read++;
	if (name_fits(q->connection, connection) && name_fits(q->integration, integration) &&
	    name_fits(q->sync, sync)) {
		record_write(q, json);
		if (past_fits(p, buf_view(&q->row))) {
			question_row(q);
			p->left--;
		}
		buf_clear(&q->row);
	}
	free(connection);
	free(integration);
	free(sync);
	return p->left > 0;
}

int
ask_history(struct question *q)
{
	struct past p = {.q = q, .left = question_limit(q), .since_us = member_int(q->json, "since_us", 0)};
	int rc;

	if (!q->store)
		return 0;
	p.status = member_text(q->json, "status");
	rc = store_runs(q->store, (uint64_t)member_int(q->json, "before", 0), QUESTION_ROWS_MAX, run_row, &p, q->err);
	free(p.status);
	if (rc != 0)
		return -1;
	json_kv_int(&q->end, "before", (int64_t)p.last);
	json_kv_bool(&q->end, "more", p.last > 1 && (p.left == 0 || p.read == QUESTION_ROWS_MAX));
	return 0;
}

static bool
log_row(void *arg, uint64_t n, struct slice json)
{
	struct question *q = arg;

	(void)n;
	buf_slice(&q->row, json);
	question_row(q);
	return true;
}

int
ask_run(struct question *q)
{
	uint64_t run = (uint64_t)member_int(q->json, "run", 0);
	struct buf record = {0};
	bool there = q->store && store_run_get(q->store, run, &record);

	if (there) {
		record_write(q, buf_view(&record));
		question_row(q);
	}
	buf_free(&record);
	if (!there)
		return err_set(q->err, ERR_USAGE, "there is no run %llu in the history", (unsigned long long)run);
	if (member_bool(q->json, "bare", false)) /* whoever reads its log page by page */
		return 0;
	return store_log(q->store, run, 0, QUESTION_ROWS_MAX, log_row, q, q->err);
}

static bool
line_row(void *arg, uint64_t n, struct slice json)
{
	struct past *p = arg;

	p->last = n;
	p->left--;
	return log_row(p->q, n, json);
}

/* The lines of one run behind the line `after`: for whoever follows it. */
int
ask_log(struct question *q)
{
	uint64_t run = (uint64_t)member_int(q->json, "run", 0), after = (uint64_t)member_int(q->json, "after", 0);
	struct past p = {.q = q, .last = after, .left = question_limit(q)};

	if (q->store && store_log(q->store, run, after, p.left, line_row, &p, q->err) != 0)
		return -1;
	json_kv_int(&q->end, "after", (int64_t)p.last);
	json_kv_bool(&q->end, "more", p.left == 0);
	return 0;
}

/* The steps of one run behind the step `after`. */
int
ask_steps(struct question *q)
{
	uint64_t run = (uint64_t)member_int(q->json, "run", 0), after = (uint64_t)member_int(q->json, "after", 0);
	struct past p = {.q = q, .last = after, .left = question_limit(q)};
	struct buf record = {0};
	bool there = q->store && store_run_get(q->store, run, &record);

	buf_free(&record);
	if (!there)
		return err_set(q->err, ERR_USAGE, "there is no run %llu in the history", (unsigned long long)run);
	if (store_steps(q->store, run, after, p.left, line_row, &p, q->err) != 0)
		return -1;
	json_kv_int(&q->end, "after", (int64_t)p.last);
	json_kv_bool(&q->end, "more", p.left == 0);
	return 0;
}
