/* steps.c - a run cut into steps: how long one may be, what is kept of it, and whether a failed one is tried again.
 *
 * Between two steps a run can move to another worker, so a step is what is lost at most when one dies. Its record goes
 * into the commits that hold its data; no commit holds data of two, so what a commit changed is that step's. A commit's
 * counts are known only when it is durable: the record is then written once more, with the run's next commit. Requests
 * that come to their end between two steps count for the later one, and what comes after the last one for that: the
 * steps of a run add up to the run.
 *
 * Awkward: a try that failed is a step too, with a number and a record of its own (`attempt` tells which try it is);
 * the pages that it had come to durably are its own, the others count for nobody. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "run/inside.h"
#include "sluice.h"

#define KEPT_MAX 10000u /* records of one run */
#define CALLS_MAX 10000u

/* What of a step is the difference between the run's counts at its end and at its beginning, and what its commits tell. */
static const struct {
	const char *name;
	size_t at;
	bool by_commit;
} counted[] = {
	{"requests", offsetof(struct run_counts, requests), false},
	{"retries", offsetof(struct run_counts, retries), false},
	{"rate_limited", offsetof(struct run_counts, rate_limited), false},
	{"bytes", offsetof(struct run_counts, bytes), false},
	{"pages", offsetof(struct run_counts, pages), false},
	{"fetched", offsetof(struct run_counts, fetched), false},
	{"saved", offsetof(struct run_counts, saved), false},
	{"rejected", offsetof(struct run_counts, rejected), false},
	{"added", offsetof(struct run_counts, added), true},
	{"updated", offsetof(struct run_counts, updated), true},
	{"unchanged", offsetof(struct run_counts, unchanged), true},
	{"deleted", offsetof(struct run_counts, deleted), true},
	{"missing", offsetof(struct run_counts, missing), true},
};

static uint64_t *
counter(struct run_counts *c, size_t i)
{
	return (uint64_t *)(void *)((char *)c + counted[i].at);
}

/* ---- beginning and end ---- */

void
steps_begin(struct run *r)
{
	struct steps *l = &r->steps;
	struct step *s = XNEW(struct step);

	assert(!l->now);
	s->number = ++l->begun;
	s->attempt = l->failed + 1;
	s->calls = steps_calls(r);
	s->worker = r->counts.workers;
	s->pid = worker_process_pid(r->worker);
	s->started_us = clock_wall_us(r->host->clock);
	s->started_ms = clock_mono_ms(r->host->clock);
	s->rate_ms = r->counts.wait_ms[WAIT_RATE];
	buf_slice(&s->before, buf_view(&r->position));
	s->next = l->list;
	l->list = l->now = s;
	r->counts.steps++;
}

/* What was counted since the last one ended. */
static void
share_take(struct run *r, struct step *s)
{
	struct run_counts *was = &r->steps.taken, *now = &r->counts;

	for (size_t i = 0; i < LENGTH(counted); i++)
		if (!counted[i].by_commit)
			*counter(&s->counts, i) += *counter(now, i) - *counter(was, i);
	for (size_t i = 0; i < WAIT_REASONS; i++)
		s->counts.wait_ms[i] += now->wait_ms[i] - was->wait_ms[i];
	s->counts.start_ms += now->start_ms - was->start_ms;
	s->counts.compute_ms += now->compute_ms - was->compute_ms;
	s->counts.commit_ms += now->commit_ms - was->commit_ms;
	*was = *now;
	s->dirty = true;
}

/* Time that was not spent in waiting for the provider's limits. */
static int64_t
busy_ms(const struct run *r, const struct step *s)
{
	return clock_mono_ms(r->host->clock) - s->started_ms - (r->counts.wait_ms[WAIT_RATE] - s->rate_ms);
}

/* Toward step_time, by what a request has taken so far; by no more than twice or half at once. */
static void
calls_adapt(struct run *r, const struct step *s)
{
	struct steps *l = &r->steps;
	uint64_t want, calls = steps_calls(r);
	double each;

	if (r->limits.step_ms <= 0 || calls == 0 || s->counts.requests == 0)
		return;
	each = (double)(busy_ms(r, s) + 1) / (double)s->counts.requests;
	l->each_ms = l->each_ms > 0 ? 0.6 * l->each_ms + 0.4 * each : each;
	want = (uint64_t)((double)r->limits.step_ms / l->each_ms);
	want = want > 2 * calls ? 2 * calls : want < calls / 2 ? calls / 2 : want;
	l->calls = want < 1 ? 1 : want > CALLS_MAX ? CALLS_MAX : want;
}

uint64_t
steps_calls(const struct run *r)
{
	if (!r->sync || (r->sync->flags & SLUICE_WHOLE))
		return 0;
	return r->limits.step_ms > 0 && r->steps.calls ? r->steps.calls : r->limits.step_calls;
}

void
steps_end(struct run *r, const struct err *why)
{
	struct steps *l = &r->steps;
	struct step *s = l->now;

	if (!s)
		return;
	run_account(r);
	l->now = NULL;
	share_take(r, s);
	s->finished_us = clock_wall_us(r->host->clock);
	buf_slice(&s->after, buf_view(&r->position));
	if (why) {
		s->cls = why->cls;
		s->reason = xstrdup(why->text);
		return;
	}
	calls_adapt(r, s);
	l->failed = 0;
}

/* What was counted after the end of the last one is its. */
void
steps_last(struct run *r)
{
	steps_end(r, r->err.cls != ERR_NONE ? &r->err : NULL);
	if (r->steps.list)
		share_take(r, r->steps.list);
}

/* ---- a failed one ---- */

/* Reasons that may pass. A worker that died may have met what a new one does not meet; credentials, data and what the
 * operator wrote are the same a second later. */
static const bool passes[ERR_CLASSES] = {
	[ERR_PROVIDER] = true,
	[ERR_CONNECTOR] = true,
	[ERR_RATE] = true, /* an answer 429; to wait longer than a run may does not come here (session.c) */
};

static bool
may_again(const struct run *r, enum err_class cls)
{
	if (!passes[cls] || !r->sync || r->webhook || r->request.dry || r->request.hasty || r->stop_why ||
	    (cls == ERR_PROVIDER && r->unreachable))
		return false;
	if (r->sync->flags & SLUICE_WHOLE)
		return !r->steps.anew && r->limits.step_retries > 0;
	return r->progress || r->steps.failed < r->limits.step_retries;
}

static int64_t
pause_ms(const struct host_settings *h, uint64_t failed)
{
	int64_t wait = h->retry_base_ms;

	for (uint64_t i = 0; i < failed && wait < h->retry_max_ms; i++)
		wait *= 2;
	return wait < h->retry_max_ms ? wait : h->retry_max_ms;
}

bool
steps_again(struct run *r, const struct err *why)
{
	const struct host_settings *h = &r->settings->host;
	struct steps *l = &r->steps;
	bool whole = r->sync && (r->sync->flags & SLUICE_WHOLE);
	int64_t wait;
	char text[TIME_TEXT_MAX];

	if (!may_again(r, why->cls))
		return false;
	if (r->progress && !whole)
		l->failed = 0;
	wait = r->progress && why->cls == ERR_CONNECTOR ? 0 : pause_ms(h, l->failed);
	l->failed++;
	l->anew = whole;
	l->again_ms = clock_mono_ms(r->host->clock) + wait;
	history_log(r, LOG_WARN, "%s; %s%s%s", why->text,
	            whole ? "once more from the beginning" : "going on with a new worker from what is committed",
	            wait ? " in " : "", wait ? duration_format(wait, text) : "");
	r->respawn = true;
	run_poke(r);
	return true;
}

/* Too long: it is ended by force, and may be tried again. */
void
steps_watch(struct run *r)
{
	const struct step *s = r->steps.now;
	char text[160], limit[TIME_TEXT_MAX];
	const char *what;
	int64_t until;
	bool waits;

	if (!s || r->state != RUN_STEPPING || r->limits.step_limit_ms <= 0 || !r->sync || r->worker_over ||
	    run_over(r) || (r->sync->flags & SLUICE_WHOLE) || busy_ms(r, s) <= r->limits.step_limit_ms)
		return;
	waits = requests_waiting(r, &until, &what) != WAIT_NONE;
	snprintf(text, sizeof text, "step %llu did not end within %s (step_limit)%s", (unsigned long long)s->number,
	         duration_format(r->limits.step_limit_ms, limit), waits ? ": the provider does not answer" : "");
	worker_process_kill(r->worker, waits ? ERR_PROVIDER : ERR_CONNECTOR, text);
}

/* ---- records ---- */

static void
record_write(const struct run *r, const struct step *s, struct buf *out)
{
	struct run_counts c = s->counts;
	struct json_out o = json_out(out);
	char time[TIME_TEXT_MAX];

	json_open(&o, '{');
	json_kv_int(&o, "run", (int64_t)r->number);
	json_kv_int(&o, "step", (int64_t)s->number);
	json_kv_int(&o, "attempt", s->attempt);
	json_kv_str(&o, "status", s == r->steps.now ? "running" : s->cls == ERR_NONE ? "done"
	                          : s->cls == ERR_STOPPED ? "stopped" : "failed");
	json_kv_str(&o, "started_at", time_format_ms(s->started_us, time));
	if (s->finished_us)
		json_kv_str(&o, "finished_at", time_format_ms(s->finished_us, time));
	json_kv_int(&o, "calls", (int64_t)s->calls);
	json_key(&o, "worker");
	json_open(&o, '{');
	json_kv_int(&o, "number", (int64_t)s->worker);
	json_kv_int(&o, "pid", s->pid);
	json_close(&o, '}');
	json_key(&o, "position");
	json_open(&o, '{');
	json_kv_slice(&o, "before", buf_view(&s->before));
	if (s->finished_us)
		json_kv_slice(&o, "after", buf_view(&s->after));
	json_close(&o, '}');
	json_key(&o, "counts");
	json_open(&o, '{');
	for (size_t i = 0; i < LENGTH(counted); i++)
		json_kv_int(&o, counted[i].name, (int64_t)*counter(&c, i));
	json_close(&o, '}');
	history_time(&c, &o);
	json_close(&o, '}');
	if (s->cls != ERR_NONE) {
		json_key(&o, "error");
		json_open(&o, '{');
		json_kv_str(&o, "class", reason_class(s->cls));
		json_kv_str(&o, "message", s->reason);
		json_close(&o, '}');
	}
	json_close(&o, '}');
	log_blank(out);
}

static void
step_free(struct step *s)
{
	buf_free(&s->before);
	buf_free(&s->after);
	free(s->reason);
	free(s);
}

/* Past ones of which nothing more will be known; the newest stays, for what the run's end adds to it. */
static void
past_free(struct run *r)
{
	struct step **at = r->steps.list ? &r->steps.list->next : &r->steps.list;

	while (*at) {
		struct step *s = *at;
		if (s->dirty || s->flying) {
			at = &s->next;
			continue;
		}
		*at = s->next;
		step_free(s);
	}
}

/* Into a commit that is about to go: the one under way, and what changed of those before. */
struct step *
steps_put(struct run *r, struct commit *c)
{
	struct step *of = r->steps.list;
	struct buf json = {0};

	for (struct step *s = of; s; s = s->next) {
		if (s == r->steps.now)
			share_take(r, s);
		if (!s->dirty)
			continue;
		s->dirty = false;
		if (s->number > KEPT_MAX)
			continue;
		record_write(r, s, &json);
		commit_step(c, r->number, s->number, buf_view(&json));
		buf_clear(&json);
	}
	buf_free(&json);
	if (r->steps.begun > KEPT_MAX && !r->steps.cut) {
		r->steps.cut = true;
		run_warn(r, "of the steps of this run only the first %u are kept one by one", KEPT_MAX);
	}
	if (of)
		of->flying++;
	past_free(r);
	return of;
}

void
steps_durable(struct step *s, const struct commit_result *result)
{
	if (!s)
		return;
	s->flying--;
	if (result->err.cls != ERR_NONE)
		s->dirty = true;
	for (size_t i = 0; i < result->n_counts; i++) {
		const struct commit_counts *c = &result->counts[i];
		s->counts.added += c->added;
		s->counts.updated += c->updated;
		s->counts.unchanged += c->unchanged;
		s->counts.deleted += c->deleted;
		s->counts.missing += c->missing;
		s->dirty |= (c->added | c->updated | c->unchanged | c->deleted | c->missing) != 0;
	}
}

void
steps_free(struct run *r)
{
	while (r->steps.list) {
		struct step *s = r->steps.list;
		r->steps.list = s->next;
		step_free(s);
	}
}

static void
text_put(struct buf *out, struct slice s, size_t max)
{
	size_t n = s.len < max ? s.len : max;

	while (n > 0 && n < s.len && ((unsigned char)s.p[n] & 0xc0) == 0x80) /* between characters, not inside one */
		n--;
	for (size_t i = 0; i < n; i++)
		buf_putc(out, (unsigned char)s.p[i] < 0x20 ? ' ' : s.p[i]);
}

/* Where a pagination stands, in few words: its key, and what it asks for next (an offset, a cursor, a page, a URL). */
void
steps_position(struct run *r, struct slice name, struct slice state)
{
	struct slice next;

	buf_clear(&r->position);
	if (name.len > 1)
		text_put(&r->position, slice_of(name.p + 1, name.len - 1), 100);
	if (json_member(state, "finished", &next))
		buf_puts(&r->position, ": finished");
	else if (json_member(state, "next", &next)) {
		buf_puts(&r->position, ": ");
		text_put(&r->position, next, 200);
	}
}
