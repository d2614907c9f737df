/* finish.c - the end of a run: are deletes by absence proven, what became of it, and what the next run finds.
 *
 * Everything that ends a sync stands in one commit: what was staged becomes visible, the sweeps, the run's record, STATE_LAST, and the end of STATE_RUN
 * and of the positions. So a run is either over with all its deletes or still to be gone on with. What the sweeps did
 * is known only when that commit is durable; a second one then puts the exact record in its place, and what was held
 * back where people see it.
 *
 * Awkward: a run that failed keeps its positions, so that the next goes on where it was; except when the listing itself
 * is what failed (ERR_DATA): going on in it would meet the same again. */
#include <stdio.h>
#include <string.h>
#include "base/mem.h"
#include "run/inside.h"
#include "run/webhooks.h"
#include "sluice.h"

#define REJECTED_LEAST 10u /* records; fewer do not fail a run whatever their share */
#define ABSENT_LEAST 100u  /* deletes; fewer are held back only by the other brakes */

static const char *
verdict_reason(const struct run *r, const struct run_model *m)
{
	if (r->facts.incomplete)
		return "the run was not complete: a loop was left early, an answer that was no success was passed over, the provider kept something back, or a position was set by hand";
	if (r->facts.shifted)
		return "a list shifted while it was read, or its loop was left before the end";
	if (m->rejected)
		return "records of it were rejected";
	if (!m->vouched && m->handmade)
		return "records were saved outside a pagination, and the connector did not call sluice_full_done";
	if (!m->vouched && r->facts.finished == 0)
		return "no pagination was delivered to its end, and the connector did not call sluice_full_done";
	return NULL;
}

enum sweep_verdict
finish_verdict(struct run *r, const struct run_model *m, char why[256])
{
	const char *reason = verdict_reason(r, m);

	if (reason) {
		snprintf(why, 256, "%s", reason);
		return SWEEP_NO;
	}
	return r->facts.weak ? SWEEP_TWICE : SWEEP_ONCE;
}

bool
finish_sweeps(const struct run *r)
{
	return r->facts.full && (r->facts.reset || (r->sync->flags & SLUICE_TRACK_DELETES));
}

/* complete: every model that deletes are tracked for was swept. */
static void
sweep_put(struct run *r, struct commit *c)
{
	char why[256];

	for (size_t i = 0; i < r->n_models && r->facts.staged; i++)
		commit_publish(c, r->models[i].dataset);
	r->complete = finish_sweeps(r);
	if (whole_unchanged(r))
		return;
	for (size_t i = 0; i < r->n_models && finish_sweeps(r); i++) {
		enum sweep_verdict verdict = finish_verdict(r, &r->models[i], why);
		const struct sweep sweep = {
			.dataset = r->models[i].dataset,
			.share = r->limits.max_delete_share,
			.least = ABSENT_LEAST,
			.force = r->limits.max_delete_share >= 1, /* the operator's word: all of it may go */
			.twice = verdict == SWEEP_TWICE,
		};
		if (verdict == SWEEP_NO) {
			r->complete = false;
			run_warn(r, "%s: deletes by absence are off: %s", r->models[i].model->name, why);
			continue;
		}
		commit_sweep(c, &sweep);
		commit_state_clear(c, r->scope, STATE_HELD, slice_str(r->models[i].model->name));
	}
}

static void
rejected_check(struct run *r)
{
	double all = (double)(r->counts.saved + r->counts.rejected);

	if (!r->webhook && r->counts.rejected >= REJECTED_LEAST && (double)r->counts.rejected > r->limits.max_rejected * all)
		run_failf(r, ERR_DATA,
		          "%llu of %.0f records were rejected, more than max_rejected (%g%%) allows: see `sluice "
		          "dead-letters list`",
		          (unsigned long long)r->counts.rejected, all, r->limits.max_rejected * 100);
}

/* held: deletes that it held back, which a person may settle later. */
static const char *
status_with(const struct run *r, uint64_t held)
{
	if (r->err.cls != ERR_NONE)
		return r->err.cls == ERR_STOPPED ? "stopped" : "error";
	if (r->counts.rejected || held || r->facts.partial || (finish_sweeps(r) && !r->complete))
		return "partial";
	return "success";
}

const char *
finish_status(const struct run *r)
{
	if (!r->sync)
		return r->err.cls == ERR_NONE ? "success" : r->err.cls == ERR_STOPPED ? "stopped" : "error";
	return status_with(r, r->counts.held);
}

static void
record_put(struct run *r, struct commit *c)
{
	struct buf json = {0};

	history_write(r, finish_status(r), &json);
	commit_run(c, r->number, buf_view(&json));
	buf_free(&json);
}

/* Of a run that held deletes back "settled" says what is left of its word once a person has decided: query_held.c then puts
 * that in its place. reasoned: there was something to tell before them, which stays. */
static void
settled_put(const struct run *r, bool reasoned, struct buf *last)
{
	struct buf settled = {0}, both = {0};
	struct json_out o = json_out(&settled);

	json_open(&o, '{');
	json_key(&o, "settled");
	json_open(&o, '{');
	json_kv_str(&o, "status", status_with(r, 0));
	if (!reasoned)
		json_kv_str(&o, "reason", NULL);
	json_close(&o, '}');
	json_close(&o, '}');
	json_merge_top(&both, buf_view(last), buf_view(&settled));
	buf_free(last);
	*last = both;
	buf_free(&settled);
}

static void
last_put(struct run *r, struct commit *c, bool reasoned)
{
	struct buf before = {0}, last = {0};

	if (!store_state_get(r->host->store, r->scope, STATE_LAST, SLICE(""), &before))
		buf_puts(&before, "{}");
	facts_last(r, finish_status(r), buf_view(&before), &last);
	if (r->counts.held)
		settled_put(r, reasoned, &last);
	commit_state_set(c, r->scope, STATE_LAST, SLICE(""), buf_view(&last));
	buf_free(&before);
	buf_free(&last);
}

/* An answer that never came whole (status 0) says nothing about the listing. */
static bool
listing_failed(const struct run *r)
{
	return r->err.cls == ERR_DATA && r->status != 0;
}

/* Facts go with the data that they are about: where that was dropped, those of the last commit stand. */
static void
state_end(struct run *r, struct commit *c)
{
	struct buf facts = {0};

	if (r->err.cls == ERR_NONE || listing_failed(r)) {
		commit_state_clear(c, r->scope, STATE_RUN, SLICE(""));
		commit_state_clear_all(c, r->scope, STATE_POSITION);
		return;
	}
	if (!r->keep_open)
		return;
	facts_write(r, &facts);
	commit_state_set(c, r->scope, STATE_RUN, SLICE(""), buf_view(&facts));
	buf_free(&facts);
}

static void
last_commit(struct run *r)
{
	struct commit *c = batch_open(r);
	struct buf before = {0};

	steps_last(r);
	if (r->err.cls == ERR_NONE) {
		sweep_put(r, c);
		conditions_end(r, c);
	}
	state_end(r, c);
	last_put(r, c, true);
	record_put(r, c);
	store_state_get(r->host->store, r->scope, STATE_LAST, SLICE(""), &before);
	webhooks_ended(r, c, buf_view(&before));
	buf_free(&before);
	history_ended(r);
	batch_boundary(r, NULL, true);
}

static bool
counted_commit(struct run *r)
{
	char text[256], time[TIME_TEXT_MAX];
	bool reasoned = r->warnings.len != 0;
	struct commit *c;

	if (r->counts.held == 0 && r->counts.deleted == 0 && !r->facts.staged && !whole_keeps(r))
		return false;
	c = batch_open(r);
	if (whole_keeps(r))
		whole_put(r, c);
	for (size_t i = 0; i < r->n_models; i++) {
		const struct run_model *m = &r->models[i];
		if (!m->held)
			continue;
		run_warn(r,
		         "%s: %llu records are no longer listed, too many to delete unasked: the deletes are held "
		         "back; `sluice confirm-deletes show %s --connection-id %s` shows them, and if the provider is "
		         "right, `confirm` in place of `show` deletes them (max_delete_share says how many go unasked)",
		         m->model->name, (unsigned long long)m->held, r->request.name, r->connection->name);
		snprintf(text, sizeof text, "{\"held\":%llu,\"run\":%llu,\"epoch\":%llu,\"twice\":%s,\"at\":\"%s\"}",
		         (unsigned long long)m->held, (unsigned long long)r->number,
		         (unsigned long long)r->fence.epoch, r->facts.weak ? "true" : "false",
		         time_format(clock_wall_us(r->host->clock), time));
		commit_state_set(c, r->scope, STATE_HELD, slice_str(m->model->name), slice_str(text));
	}
	if (r->err.cls == ERR_NONE)
		last_put(r, c, reasoned); /* "partial", now that deletes are held back */
	record_put(r, c);
	batch_boundary(r, NULL, true);
	return true;
}

/* A commit that was refused or failed ends it here: there is nothing more that could be written. */
bool
finish_run(struct run *r)
{
	if (!r->sync || (!r->request.dry && !r->begun))
		return true;
	if (r->request.dry) {
		if (r->err.cls == ERR_NONE)
			rejected_check(r);
		if (r->err.cls == ERR_NONE)
			dry_finish(r);
		return true;
	}
	if (r->ending == ENDING_NOT) {
		if (r->err.cls == ERR_NONE)
			rejected_check(r);
		r->ending = ENDING_LAST;
		last_commit(r);
		return false;
	}
	if (r->ending == ENDING_LAST) {
		r->ending = ENDING_COUNTED;
		return !counted_commit(r);
	}
	return true;
}
