/* query_upkeep.c - the questions behind `verify`, `backup` and `prune`.
 *
 * Verifying and copying take long, so the first question starts the work on a thread of the store's and the next ones,
 * with the same token, ask how it is getting on; in the meantime runs commit and others are answered. Pruning is done
 * in steps, one a question and one transaction a step.
 *
 * Awkward: the asker may go away in the middle. What it had begun ends by itself, and its result is dropped when
 * somebody else asks for a job. */
#include <inttypes.h>
#include <stdlib.h>
#include "base/mem.h"
#include "run/retention.h"
#include "serve/question.h"

static int
store_needed(struct question *q)
{
	return q->store ? 0
	                : err_set(q->err, ERR_USAGE, "there is no store in %s yet: `sluice run` makes it",
	                          q->settings->host.data_dir);
}

/* ---- jobs ---- */

static void
job_rows(struct question *q, struct slice lines)
{
	const char *p = lines.p, *end = lines.p + lines.len, *nl;

	for (; p < end && (nl = memchr(p, '\n', (size_t)(end - p))); p = nl + 1) {
		struct json_out o = json_out(&q->row);
		json_open(&o, '{');
		json_kv_slice(&o, "fault", slice_of(p, (size_t)(nl - p)));
		json_close(&o, '}');
		question_row(q);
	}
}

static int
job_ask(struct question *q, enum store_job what)
{
	char *token = member_text(q->json, "token"), *dir = member_text(q->json, "dir");
	const struct store_job_ask ask = {.what = what, .token = token, .dir = dir};
	struct store_job_state state;
	int rc = -1;

	if (!token || !*token || (what == JOB_BACKUP && (!dir || *dir != '/')))
		err_set(q->err, ERR_USAGE, "the question has no token, or no absolute directory");
	else if (store_needed(q) == 0)
		rc = store_job(q->store, &ask, &state, q->err);
	free(token);
	free(dir);
	if (rc != 0)
		return -1;
	json_kv_bool(&q->end, "done", state.done);
	json_kv_int(&q->end, "faults", (int64_t)state.faults);
	job_rows(q, state.lines);
	if (!state.err.cls || state.faults)
		return 0;
	*q->err = state.err;
	return -1;
}

int
ask_verify(struct question *q)
{
	return job_ask(q, JOB_VERIFY);
}

int
ask_backup(struct question *q)
{
	return job_ask(q, JOB_BACKUP);
}

/* ---- prune: one step of core/run/retention.h a question ---- */

static const struct {
	const char *what;
	enum retained retained;
} prunes[] = {
	{"deleted", RETAIN_DELETED}, {"letters", RETAIN_LETTERS}, {"runs", RETAIN_RUNS}, {"logs", RETAIN_LOGS},
};

/* The cursor: where the step goes on, "DATASET:NUMBER". */
static int
step_read(struct question *q, struct retention_step *step)
{
	char *what = member_text(q->json, "what"), *cursor = member_text(q->json, "cursor");
	size_t i = 0;

	while (i < LENGTH(prunes) && (!what || strcmp(what, prunes[i].what) != 0))
		i++;
	*step = (struct retention_step){.what = i < LENGTH(prunes) ? prunes[i].retained : 0,
	                                .before_us = member_int(q->json, "before_us", 0),
	                                .logs_before_us = member_int(q->json, "logs_before_us", 0)};
	if (!cursor || sscanf(cursor, "%" SCNu32 ":%" SCNu64, &step->dataset, &step->after) != 2)
		step->dataset = 0, step->after = 0;
	free(what);
	free(cursor);
	return i < LENGTH(prunes) ? 0
	                          : err_set(q->err, ERR_USAGE,
	                                    "a prune is of what is deleted, of settled letters, of runs, or of logs");
}

/* commit NULL: nothing to be written. Takes it. */
static int
step_commit(struct question *q, struct retention_step *step, struct commit *commit)
{
	struct commit_counts counts;

	if (!commit)
		return 0;
	if (commit_empty(commit)) {
		commit_free(commit);
		return 0;
	}
	if (store_commit_wait(q->store, commit, &counts, q->err) != 0)
		return -1;
	if (step->what == RETAIN_DELETED)
		step->tombstones = counts.deleted; /* some may have come back */
	return 0;
}

int
ask_prune(struct question *q)
{
	struct retention_step step;
	struct kept_runs kept;
	struct commit *commit;
	char text[48];
	int rc;

	if (!q->store)
		return 0;
	if (step_read(q, &step) != 0)
		return -1;
	commit = member_bool(q->json, "dry", false) ? NULL : commit_new(q->store, (struct fence){0, 0});
	step.kept = &kept;
	rc = kept_runs_find(q->store, &kept, q->err);
	if (rc == 0)
		rc = retention_step(q->store, &step, commit, q->err);
	kept_runs_finish(&kept);
	if (rc == 0)
		rc = step_commit(q, &step, commit);
	else
		commit_free(commit);
	if (rc != 0)
		return -1;
	snprintf(text, sizeof text, "%" PRIu32 ":%" PRIu64, step.dataset, step.after);
	json_kv_int(&q->end, "tombstones", (int64_t)step.tombstones);
	json_kv_int(&q->end, "letters", (int64_t)step.letters);
	json_kv_int(&q->end, "runs", (int64_t)step.runs);
	json_kv_int(&q->end, "lines", (int64_t)step.lines);
	json_kv_str(&q->end, "cursor", text);
	json_kv_bool(&q->end, "more", step.more);
	return 0;
}
