/* query_past.c - the questions about what was: runs with their logs, and dead letters.
 *
 * Awkward: a filter is applied to what is read, and at most QUESTION_ROWS_MAX rows are read for one answer, matching or
 * not: whoever asks about something rare goes on from where the answer ended while `more` is true. */
#include <stdlib.h>
#include "base/mem.h"
#include "serve/question.h"

/* ---- history ---- */

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
};

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
		question_row(q);
		p->left--;
	}
	free(connection);
	free(integration);
	free(sync);
	return p->left > 0;
}

int
ask_history(struct question *q)
{
	struct past p = {.q = q, .left = question_limit(q)};

	if (!q->store)
		return 0;
	if (store_runs(q->store, (uint64_t)member_int(q->json, "before", 0), QUESTION_ROWS_MAX, run_row, &p, q->err) != 0)
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
	return store_log(q->store, run, 0, QUESTION_ROWS_MAX, log_row, q, q->err);
}

/* ---- dead letters ---- */

static void
letter_write(struct question *q, const struct dead_info *d, bool whole)
{
	struct json_out o = json_out(&q->row);

	json_open(&o, '{');
	json_kv_int(&o, "number", (int64_t)d->number);
	json_kv_str(&o, "connection", d->connection);
	json_kv_str(&o, "integration", d->integration);
	json_kv_str(&o, "sync", d->sync);
	json_kv_slice(&o, "model", d->model);
	json_kv_slice(&o, "id", d->id);
	json_kv_slice(&o, "reason", d->reason);
	json_kv_int(&o, "attempts", (int64_t)d->attempts);
	json_kv_int(&o, "run", (int64_t)d->run);
	question_time(&o, "first_at", d->first_us);
	question_time(&o, "last_at", d->last_us);
	json_kv_int(&o, "raw_bytes", (int64_t)d->raw_len);
	if (whole)
		json_kv_slice(&o, "raw", d->raw); /* a string: it may be anything but JSON */
	json_close(&o, '}');
	question_row(q);
}

struct letters {
	struct question *q;
	uint64_t last;
	size_t left, read;
};

static bool
letter_row(void *arg, const struct dead_info *d)
{
	struct letters *l = arg;

	l->last = d->number;
	l->read++;
	if (name_fits(l->q->connection, d->connection) && name_fits(l->q->integration, d->integration) &&
	    name_fits(l->q->sync, d->sync)) {
		letter_write(l->q, d, false);
		l->left--;
	}
	return l->left > 0;
}

int
ask_dead_letters(struct question *q)
{
	struct letters l = {.q = q, .left = question_limit(q)};
	uint64_t after;

	if (question_cursor(q, &after) != 0)
		return -1;
	if (!q->store)
		return 0;
	if (store_dead(q->store, 0, after, QUESTION_ROWS_MAX, letter_row, &l, q->err) != 0)
		return -1;
	json_kv_int(&q->end, "cursor", (int64_t)l.last);
	json_kv_bool(&q->end, "more", l.left == 0 || l.read == QUESTION_ROWS_MAX);
	return 0;
}

static void
letter_one(void *arg, const struct dead_info *d)
{
	letter_write(arg, d, true);
}

int
ask_dead_letter(struct question *q)
{
	uint64_t number = (uint64_t)member_int(q->json, "number", 0);

	if (q->store && store_dead_get(q->store, number, letter_one, q))
		return 0;
	return err_set(q->err, ERR_USAGE,
	               "there is no dead letter %llu: `sluice dead-letters list` shows which there are",
	               (unsigned long long)number);
}
