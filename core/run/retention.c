/* retention.c - see retention.h: one table of what is limited, one walk for each.
 *
 * Guarantees: a run goes with its steps and all its lines, the newest run never, and none that is under way or
 * interrupted; tombstones only when they have an age limit, since a reader who has not seen them must begin again.
 *
 * Awkward: an interrupted run that another has taken up has no end of its own; its beginning counts for it. The room
 * that lines take is that of their pages in the file, known without a walk; it falls a page at a time, so a round may
 * take some lines more than were too many, never more than a step's. */
#include "run/retention.h"

#include <stdlib.h>
#include <string.h>
#include "base/log.h"
#include "base/mem.h"
#include "run/member.h"
#include "store/events_out.h"

#define STEP_ENTRIES 2000u /* dropped in one transaction */
#define STEP_LINES 500u    /* dropped in one, where it is the room that they take which counts */
#define STEP_RUNS 200u     /* looked at in one step */
#define STEP_LETTERS 100u  /* the same; each may hold 64 KiB */
#define STEP_EVENTS 100u   /* the same; each may hold 256 KiB and more */

/* ---- runs that stay ---- */

struct scopes {
	struct store *s;
	struct kept_runs *kept;
	struct buf value;
};

static bool
scope_keeps(void *arg, uint32_t scope, const struct scope_name *n)
{
	struct scopes *f = arg;
	uint64_t run;

	if (!*n->sync)
		return true;
	buf_clear(&f->value);
	if (!store_state_get(f->s, scope, STATE_RUN, SLICE(""), &f->value))
		return true;
	run = (uint64_t)member_int(buf_view(&f->value), "run", 0);
	f->kept->list = xrealloc(f->kept->list, (f->kept->n + 1) * sizeof *f->kept->list);
	f->kept->list[f->kept->n++] = run;
	return true;
}

static bool
newest_take(void *arg, uint64_t run, struct slice json)
{
	(void)json;
	*(uint64_t *)arg = run;
	return false;
}

static int
number_compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

int
kept_runs_find(struct store *s, struct kept_runs *k, struct err *err)
{
	struct scopes f = {.s = s, .kept = k};
	int rc;

	*k = (struct kept_runs){0};
	rc = store_runs(s, 0, 1, newest_take, &k->newest, err);
	if (rc == 0)
		rc = store_scopes(s, scope_keeps, &f, err);
	if (k->n)
		qsort(k->list, k->n, sizeof *k->list, number_compare);
	buf_free(&f.value);
	return rc;
}

void
kept_runs_finish(struct kept_runs *k)
{
	free(k->list);
	*k = (struct kept_runs){0};
}

/* lines_only: the newest stays for its number, which its lines do not carry. */
static bool
run_stays(const struct kept_runs *k, uint64_t run, bool lines_only)
{
	if (run > k->newest || (run == k->newest && !lines_only))
		return true;
	return k->n && bsearch(&run, k->list, k->n, sizeof run, number_compare);
}

/* ---- one step ---- */

struct stepping {
	struct store *s;
	struct retention_step *step;
	struct commit *commit; /* NULL: count only */
	struct err *err;
	size_t looked;
	uint64_t room;         /* entries that this commit may still drop */
	bool full;             /* there was more than room: the step goes on where it stopped */
};

struct dataset_next {
	uint32_t from, found;
};

static bool
dataset_next(void *arg, const struct dataset_info *d)
{
	struct dataset_next *n = arg;

	if (d->gone && d->dataset >= n->from && (!n->found || d->dataset < n->found))
		n->found = d->dataset;
	return true;
}

static void
tombstone_drop(void *arg, uint64_t sequence)
{
	struct stepping *p = arg;

	p->step->tombstones++;
	if (p->commit)
		commit_tombstone_drop(p->commit, p->step->dataset, sequence);
}

static int
deleted_step(struct stepping *p)
{
	struct retention_step *s = p->step;
	struct tombstone_query t = {.after = s->after, .before_us = s->before_us, .limit = STEP_ENTRIES};
	struct dataset_next next = {.from = s->dataset};
	bool more;

	if (store_datasets(p->s, dataset_next, &next, p->err) != 0)
		return -1;
	s->more = next.found != 0;
	if (!next.found)
		return 0;
	if (next.found != s->dataset)
		t.after = 0;
	t.dataset = s->dataset = next.found;
	if (store_tombstones(p->s, &t, tombstone_drop, p, &s->after, &more, p->err) != 0)
		return -1;
	if (!more) {
		s->dataset++;
		s->after = 0;
	}
	return 0;
}

static bool
letter_judge(void *arg, const struct dead_info *d)
{
	struct stepping *p = arg;

	p->looked++;
	p->step->after = d->number;
	if (!d->settled_us || d->settled_us >= p->step->before_us)
		return true;
	p->step->letters++;
	if (p->commit)
		commit_dead_change(p->commit, d->number, DEAD_DROP, SLICE(""));
	return true;
}

static int
letters_step(struct stepping *p)
{
	int rc = store_dead(p->s, 0, p->step->after, STEP_LETTERS, letter_judge, p, p->err);

	p->step->more = p->looked == STEP_LETTERS;
	return rc;
}

static void
event_drop(void *arg, uint32_t endpoint, uint64_t number)
{
	struct stepping *p = arg;

	p->step->events++;
	if (p->commit)
		commit_outbox_drop(p->commit, endpoint, number);
}

/* Those that are found are gone when the next step looks, so there is no place to go on from; counting takes one step. */
static int
events_step(struct stepping *p)
{
	int rc = store_outbox_old(p->s, p->step->before_us, p->commit ? STEP_EVENTS : SIZE_MAX, event_drop, p, p->err);

	p->step->more = p->commit && p->step->events == STEP_EVENTS;
	return rc;
}

/* 0: it is not over. */
static int64_t
run_end(struct slice json)
{
	char *end = member_text(json, "finished_at"), *status = end ? NULL : member_text(json, "status");
	int64_t at = 0;

	if (status && strcmp(status, "interrupted") == 0)
		end = member_text(json, "started_at");
	if (!end || !time_parse(slice_str(end), &at))
		at = 0;
	free(end);
	free(status);
	return at;
}

/* Its lines, as many as there is room for. */
static void
lines_drop(struct stepping *p, uint64_t run)
{
	uint64_t first, last, n;

	if (!store_log_span(p->s, run, &first, &last))
		return;
	n = last - first + 1;
	p->full = p->commit && n > p->room;
	if (p->full)
		n = p->room;
	p->step->lines += n;
	if (!p->commit || !n)
		return;
	p->room -= n;
	commit_log_drop(p->commit, run, first, first + n - 1);
}

static void
run_drop(struct stepping *p, uint64_t run)
{
	p->full = p->commit && !p->room;
	if (p->full)
		return;
	p->step->runs++;
	if (!p->commit)
		return;
	p->room--;
	commit_run_drop(p->commit, run);
}

static bool
run_judge(void *arg, uint64_t run, struct slice json)
{
	struct stepping *p = arg;
	struct retention_step *s = p->step;
	bool lines_only = s->what == RETAIN_LOGS;
	int64_t at = run_stays(s->kept, run, lines_only) ? 0 : run_end(json);

	if (at && at < s->before_us) {
		if (lines_only || p->commit || at >= s->logs_before_us)
			lines_drop(p, run);
		if (!lines_only && !p->full)
			run_drop(p, run);
	}
	if (p->full)
		return false;
	p->looked++;
	s->after = run;
	return true;
}

static int
runs_step(struct stepping *p)
{
	int rc = store_runs_oldest(p->s, p->step->after, STEP_RUNS, run_judge, p, p->err);

	p->step->more = p->full || p->looked == STEP_RUNS;
	return rc;
}

static int
log_bytes_step(struct stepping *p)
{
	struct retention_step *s = p->step;
	uint64_t run;

	s->more = false;
	if (store_log_bytes(p->s) <= s->most_bytes)
		return 0;
	p->room = STEP_LINES;
	while (store_log_next(p->s, s->after, &run) && run <= s->kept->newest) {
		s->more = true;
		if (p->looked++ == STEP_RUNS)
			return 0;
		if (!run_stays(s->kept, run, true)) {
			lines_drop(p, run);
			s->after = p->full ? run - 1 : run;
			return 0;
		}
		s->after = run;
		s->more = false;
	}
	return 0;
}

static int (*const steps[RETAINED])(struct stepping *p) = {
	[RETAIN_DELETED] = deleted_step, [RETAIN_LETTERS] = letters_step, [RETAIN_EVENTS] = events_step,
	[RETAIN_RUNS] = runs_step,       [RETAIN_LOGS] = runs_step,       [RETAIN_LOG_BYTES] = log_bytes_step,
};

int
retention_step(struct store *s, struct retention_step *step, struct commit *commit, struct err *err)
{
	struct stepping p = {.s = s, .step = step, .commit = commit, .err = err, .room = STEP_ENTRIES};

	step->tombstones = step->letters = step->events = step->runs = step->lines = 0;
	return steps[step->what](&p);
}

/* ---- a round through everything ---- */

struct retention {
	struct store *s;
	struct kept_runs kept;
	struct retention_step step;
	int64_t before_us[RETAINED]; /* 0: not limited */
	uint64_t most_bytes;
	bool going, flying;
	uint64_t tombstones, letters, events, runs, lines; /* of this round */
	void (*done)(void *arg, bool more);
	void *arg;
};

struct retention *
retention_new(struct store *s)
{
	struct retention *r = XNEW(struct retention);

	r->s = s;
	return r;
}

static int
round_begin(struct retention *r, const struct host_settings *keep, int64_t now_us, struct err *err)
{
	const int64_t ages[RETAINED] = {
		[RETAIN_DELETED] = keep->keep_deleted_ms, [RETAIN_LETTERS] = keep->keep_letters_ms,
		[RETAIN_EVENTS] = keep->keep_letters_ms,  [RETAIN_RUNS] = keep->keep_runs_ms,
		[RETAIN_LOGS] = keep->keep_logs_ms,
	};

	for (size_t i = 0; i < RETAINED; i++)
		r->before_us[i] = ages[i] > 0 && ages[i] < now_us / 1000 ? now_us - ages[i] * 1000 : 0;
	r->most_bytes = keep->max_log_bytes;
	r->tombstones = r->letters = r->events = r->runs = r->lines = 0;
	r->step = (struct retention_step){0};
	r->going = true;
	return kept_runs_find(r->s, &r->kept, err);
}

static void
round_end(struct retention *r)
{
	r->going = false;
	kept_runs_finish(&r->kept);
	if (r->tombstones || r->letters || r->events || r->runs || r->lines)
		log_info("what is kept no longer has gone: %llu runs, %llu log lines, %llu settled dead letters, %llu events given up, "
		         "%llu deleted records",
		         (unsigned long long)r->runs, (unsigned long long)r->lines, (unsigned long long)r->letters,
		         (unsigned long long)r->events, (unsigned long long)r->tombstones);
}

static void
round_fail(struct retention *r, const struct err *err)
{
	log_warn("what is old cannot be removed now: %s", err->text);
	round_end(r);
}

/* To the next of the table that is limited, when this one is through. */
static bool
round_on(struct retention *r)
{
	enum retained what = r->step.what;

	while (!r->step.more && ++what < RETAINED) {
		r->step = (struct retention_step){.what = what, .before_us = r->before_us[what], .most_bytes = r->most_bytes};
		r->step.more = what == RETAIN_LOG_BYTES ? r->most_bytes > 0 : r->before_us[what] > 0;
	}
	r->step.kept = &r->kept;
	return r->step.more;
}

static void
turn_done(void *arg, const struct commit_result *result)
{
	struct retention *r = arg;

	r->flying = false;
	if (result->err.cls != ERR_NONE) {
		round_fail(r, &result->err);
	} else {
		r->runs += r->step.runs;
		r->lines += r->step.lines;
		r->letters += r->step.letters;
		r->events += r->step.events;
		r->tombstones += r->step.tombstones;
		if (!round_on(r))
			round_end(r);
	}
	r->done(r->arg, r->going);
}

void
retention_turn(struct retention *r, const struct host_settings *keep, int64_t now_us,
               void (*done)(void *arg, bool more), void *arg)
{
	struct commit_result nothing = {0};
	struct commit *c = NULL;

	r->done = done;
	r->arg = arg;
	if (!r->going) {
		if (round_begin(r, keep, now_us, &nothing.err) != 0)
			goto out;
		r->step = (struct retention_step){.before_us = r->before_us[0], .more = r->before_us[0] > 0};
		if (!round_on(r))
			goto out;
	}
	c = commit_new(r->s, (struct fence){0});
	if (retention_step(r->s, &r->step, c, &nothing.err) != 0 || commit_empty(c))
		goto out;
	r->flying = true;
	store_commit(r->s, c, false, turn_done, r);
	return;
out:
	commit_free(c);
	turn_done(r, &nothing);
}

static void
nobody(void *arg, bool more)
{
	(void)arg;
	(void)more;
}

void
retention_free(struct retention *r)
{
	if (!r)
		return;
	r->done = nobody;
	if (r->flying)
		store_drain(r->s);
	kept_runs_finish(&r->kept);
	free(r);
}
