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
#include "serve/question.h"

#define STEP_ENTRIES 2000u /* dropped in one transaction: the loop waits for it */
#define STEP_RUNS 500u     /* looked at in one step */

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

/* ---- prune: tombstones ---- */

struct dataset_next {
	uint32_t from, found;
};

static bool
dataset_next(void *arg, const struct dataset_info *d)
{
	struct dataset_next *n = arg;

	if (d->dataset >= n->from && (!n->found || d->dataset < n->found))
		n->found = d->dataset;
	return true;
}

struct drops {
	struct commit *commit; /* NULL: count only */
	uint32_t dataset;
	uint64_t n;
};

static void
tombstone_add(void *arg, uint64_t sequence)
{
	struct drops *d = arg;

	d->n++;
	if (d->commit)
		commit_tombstone_drop(d->commit, d->dataset, sequence);
}

static int
drops_commit(struct question *q, struct drops *d)
{
	struct commit_counts counts;

	if (!d->commit)
		return 0;
	if (!d->n) {
		commit_free(d->commit);
		return 0;
	}
	if (store_commit_wait(q->store, d->commit, &counts, q->err) != 0)
		return -1;
	d->n = counts.deleted;
	return 0;
}

/* cursor: the dataset's number, and the sequence in it. */
static int
tombstones_step(struct question *q, int64_t before_us, const char *cursor, bool dry)
{
	struct tombstone_query t = {.before_us = before_us, .limit = STEP_ENTRIES};
	struct dataset_next next = {0};
	struct drops d = {0};
	uint64_t at;
	bool more;
	char text[48];
	int rc;

	if (sscanf(cursor, "%" SCNu32 ":%" SCNu64, &next.from, &t.after) != 2)
		next.from = 1;
	if (store_datasets(q->store, dataset_next, &next, q->err) != 0)
		return -1;
	if (!next.found)
		return 0;
	if (next.found != next.from)
		t.after = 0;
	t.dataset = d.dataset = next.found;
	d.commit = dry ? NULL : commit_new(q->store, (struct fence){0, 0});
	rc = store_tombstones(q->store, &t, tombstone_add, &d, &at, &more, q->err);
	if (rc != 0) {
		commit_free(d.commit);
		return -1;
	}
	if (drops_commit(q, &d) != 0)
		return -1;
	snprintf(text, sizeof text, "%" PRIu32 ":%" PRIu64, more ? next.found : next.found + 1, more ? at : 0);
	json_kv_int(&q->end, "tombstones", (int64_t)d.n);
	json_kv_str(&q->end, "cursor", text);
	json_kv_bool(&q->end, "more", true);
	return 0;
}

/* ---- prune: runs and logs ---- */

struct old_runs {
	int64_t before_us, logs_before_us;
	uint64_t newest, last; /* last: the highest number looked at */
	struct {
		uint64_t run;
		bool lines; /* its lines count here */
	} list[STEP_RUNS];
	size_t n, looked;
};

/* Those that have ended; a run that was cut off is closed by the one that takes it up. */
static bool
run_judge(void *arg, uint64_t run, struct slice json)
{
	struct old_runs *r = arg;
	char *text = member_text(json, "finished_at");
	int64_t at;

	r->last = run;
	r->looked++;
	if (text && time_parse(slice_str(text), &at) && at < r->before_us) {
		r->list[r->n].lines = at >= r->logs_before_us;
		r->list[r->n++].run = run;
	}
	free(text);
	return true;
}

static bool
run_newest(void *arg, uint64_t run, struct slice json)
{
	(void)json;
	*(uint64_t *)arg = run;
	return false;
}

struct history_step {
	struct commit *commit; /* NULL: count only */
	bool logs_only;
	uint64_t runs, lines, room;
};

/* false: no more room in this transaction; the run comes again. */
static bool
run_prune(struct question *q, struct history_step *s, uint64_t run, bool lines)
{
	uint64_t first, last, n;

	if (lines && store_log_span(q->store, run, &first, &last)) {
		n = last - first + 1;
		if (s->commit && n > s->room)
			n = s->room;
		s->lines += n;
		s->room -= s->commit ? n : 0;
		if (s->commit && n)
			commit_log_drop(s->commit, run, first, first + n - 1);
		if (n < last - first + 1)
			return false;
	}
	if (s->logs_only)
		return true;
	if (s->commit && !s->room)
		return false;
	if (s->commit)
		commit_run_drop(s->commit, run);
	s->room -= s->commit ? 1 : 0;
	s->runs++;
	return true;
}

static int
history_commit(struct question *q, struct history_step *s)
{
	if (s->commit && !commit_empty(s->commit))
		return store_commit_wait(q->store, s->commit, NULL, q->err);
	commit_free(s->commit);
	return 0;
}

/* cursor: the number of a run; those up to it are through. The newest run stays: numbers go on from it. */
static int
history_step(struct question *q, struct old_runs *r, const char *cursor, bool dry, bool logs_only)
{
	struct history_step s = {.logs_only = logs_only, .room = STEP_ENTRIES};
	uint64_t after = strtoumax(cursor, NULL, 10), at;
	char text[24];

	if (store_runs(q->store, 0, 1, run_newest, &r->newest, q->err) != 0 ||
	    store_runs_oldest(q->store, after, STEP_RUNS, run_judge, r, q->err) != 0)
		return -1;
	at = r->last;
	s.commit = dry ? NULL : commit_new(q->store, (struct fence){0, 0});
	for (size_t i = 0; i < r->n; i++) {
		if (r->list[i].run == r->newest && !logs_only)
			continue;
		if (!run_prune(q, &s, r->list[i].run, r->list[i].lines)) {
			at = r->list[i].run - 1;
			break;
		}
	}
	if (history_commit(q, &s) != 0)
		return -1;
	snprintf(text, sizeof text, "%" PRIu64, at);
	json_kv_int(&q->end, "runs", (int64_t)s.runs);
	json_kv_int(&q->end, "lines", (int64_t)s.lines);
	json_kv_str(&q->end, "cursor", text);
	json_kv_bool(&q->end, "more", at != r->last || r->looked == STEP_RUNS);
	return 0;
}

int
ask_prune(struct question *q)
{
	char *what = member_text(q->json, "what"), *cursor = member_text(q->json, "cursor");
	int64_t before_us = member_int(q->json, "before_us", 0);
	bool dry = member_bool(q->json, "dry", false), logs = name_fits("logs", what);
	struct old_runs *r;
	int rc = -1;

	if (!q->store) {
		rc = 0;
	} else if (name_fits("deleted", what)) {
		rc = tombstones_step(q, before_us, cursor ? cursor : "", dry);
	} else if (logs || name_fits("runs", what)) {
		r = XNEW(struct old_runs);
		r->before_us = before_us;
		r->logs_before_us = logs ? 0 : member_int(q->json, "logs_before_us", 0);
		rc = history_step(q, r, cursor ? cursor : "0", dry, logs);
		free(r);
	} else {
		err_set(q->err, ERR_USAGE, "a prune is of what is deleted, of runs, or of logs");
	}
	free(what);
	free(cursor);
	return rc;
}
