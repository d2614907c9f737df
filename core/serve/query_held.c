/* query_held.c - the questions about deletes that a run held back, and a person's answer to them.
 *
 * Confirming is a sweep without brake over the marks that the run left, in one commit with the end of STATE_HELD and a
 * line in that run's log. Guarantee: it deletes nothing but what was held back. Three things see to that: the commit
 * bears the fence of the run that held (a later run of the sync has begun: refused whole), it may delete no more than
 * that run counted, and while a run of the sync is under way nobody may decide.
 *
 * Awkward: a later run that ended early leaves STATE_HELD in place, though its marks are gone. Such a one is shown as
 * void until a complete listing has judged anew. */
#include <stdlib.h>
#include "base/mem.h"
#include "config/variant.h"
#include "serve/question.h"

struct held {
	struct scope_name scope_name; /* borrowed */
	const char *model;            /* borrowed */
	uint32_t scope, dataset;
	uint64_t count, run, epoch;
	bool twice;
	struct buf value;
};

static const char *
held_state(struct question *q, const struct held *h)
{
	if (host_run(q->host, h->scope_name.connection, h->scope_name.integration, h->scope_name.sync))
		return "running";
	return h->epoch && store_epoch(q->store, h->scope) == h->epoch ? "waiting" : "void";
}

/* Everything that stands in the value, and where the records are. */
static void
held_fill(struct question *q, struct held *h)
{
	const struct dataset_name name = {.connection = h->scope_name.connection,
	                                  .integration = h->scope_name.integration,
	                                  .model = h->model,
	                                  .variant = variant_of(h->scope_name.sync)};
	struct slice value = buf_view(&h->value);

	h->dataset = store_dataset_find(q->store, &name);
	h->count = (uint64_t)member_int(value, "held", 0);
	h->run = (uint64_t)member_int(value, "run", 0);
	h->epoch = (uint64_t)member_int(value, "epoch", 0);
	h->twice = member_bool(value, "twice", false);
}

/* ---- list ---- */

struct listing {
	struct question *q;
	char *model;
	struct held held; /* of the scope that is looked at */
	struct err *err;
};

static void
live_keep(void *arg, const struct dataset_info *d)
{
	*(uint64_t *)arg = d->live;
}

static bool
held_row(void *arg, struct slice name, struct slice value)
{
	struct listing *l = arg;
	struct question *q = l->q;
	struct held *h = &l->held;
	struct json_out o = json_out(&q->row);
	char *model = slice_dup(name);
	uint64_t live = 0;

	if (name_fits(l->model, model)) {
		h->model = model;
		buf_slice(&h->value, value);
		held_fill(q, h);
		store_dataset_info(q->store, h->dataset, live_keep, &live);
		json_open(&o, '{');
		json_kv_str(&o, "connection", h->scope_name.connection);
		json_kv_str(&o, "integration", h->scope_name.integration);
		json_kv_str(&o, "sync", h->scope_name.sync);
		json_kv_str(&o, "model", model);
		json_kv_int(&o, "held", (int64_t)h->count);
		json_kv_int(&o, "records", (int64_t)live);
		json_kv_int(&o, "run", (int64_t)h->run);
		json_kv_raw(&o, "at", member_raw(value, "at").len ? member_raw(value, "at") : SLICE("null"));
		json_kv_str(&o, "state", held_state(q, h));
		json_close(&o, '}');
		question_row(q);
		buf_clear(&h->value);
	}
	free(model);
	return true;
}

static bool
scope_look(void *arg, uint32_t scope, const struct scope_name *n)
{
	struct listing *l = arg;

	if (!*n->sync || !name_fits(l->q->connection, n->connection) || !name_fits(l->q->integration, n->integration) ||
	    !name_fits(l->q->sync, n->sync))
		return true;
	l->held.scope = scope;
	l->held.scope_name = *n;
	return store_state_list(l->q->store, scope, STATE_HELD, held_row, l, l->err) == 0;
}

int
ask_held(struct question *q)
{
	struct err err = {0};
	struct listing l = {.q = q, .model = member_text(q->json, "model"), .err = &err};
	int rc = 0;

	if (q->store)
		rc = store_scopes(q->store, scope_look, &l, &err);
	if (rc == 0 && err.cls != ERR_NONE)
		rc = -1;
	if (rc != 0 && q->err)
		*q->err = err;
	buf_free(&l.held.value);
	free(l.model);
	return rc;
}

/* ---- one of them ---- */

/* By all four names. */
static int
held_find(struct question *q, char *model, struct held *h)
{
	*h = (struct held){.scope_name = {.connection = q->connection, .integration = q->integration, .sync = q->sync},
	                   .model = model};
	if (!q->connection || !q->integration || !q->sync || !model)
		return err_set(q->err, ERR_USAGE, "the question names no connection, sync or model");
	h->scope = q->store ? store_scope_find(q->store, &h->scope_name) : 0;
	if (!h->scope || !store_state_get(q->store, h->scope, STATE_HELD, slice_str(model), &h->value))
		return err_set(q->err, ERR_USAGE, "no deletes of %s are held back for %s : %s : %s", model,
		               q->connection, q->integration, q->sync);
	held_fill(q, h);
	return 0;
}

/* Nobody decides while the sync runs; and what a later run has made void cannot be confirmed or shown. */
static int
held_ready(struct question *q, const struct held *h, bool marks)
{
	const char *state = held_state(q, h);

	if (strcmp(state, "running") == 0)
		return err_set(q->err, ERR_BUSY, "%s : %s : %s is running: decide when it has ended", q->connection,
		               q->integration, q->sync);
	if (marks && (strcmp(state, "void") == 0 || !h->dataset))
		return err_set(q->err, ERR_DATA,
		               "%s: a run has begun since run %llu held these deletes back, so they are void: the next "
		               "complete listing finds anew what is gone",
		               h->model, (unsigned long long)h->run);
	return 0;
}

static bool
absent_row(void *arg, const struct record *r)
{
	struct question *q = arg;
	struct json_out o = json_out(&q->row);

	json_open(&o, '{');
	json_kv_slice(&o, "id", r->id);
	json_kv_time(&o, "first_seen_at", r->first_seen_us);
	json_kv_time(&o, "modified_at", r->modified_us);
	json_kv_raw(&o, "record", r->json);
	json_close(&o, '}');
	question_row(q);
	return true;
}

int
ask_held_records(struct question *q)
{
	char *model = member_text(q->json, "model"), *after = member_text(q->json, "after");
	struct sweep sweep = {0};
	struct held h;
	int rc = held_find(q, model, &h);

	if (rc == 0)
		rc = held_ready(q, &h, true);
	if (rc == 0) {
		sweep.dataset = h.dataset;
		sweep.twice = h.twice;
		rc = store_absent(q->store, &sweep, slice_str(after), question_limit(q), absent_row, q, q->err);
	}
	buf_free(&h.value);
	free(model);
	free(after);
	return rc;
}

/* The decision stands in the log of the run that held. */
static void
decision_log(struct question *q, struct commit *c, const struct held *h, const char *what)
{
	char *by = member_text(q->json, "by"), time[TIME_TEXT_MAX];
	struct buf text = {0}, line = {0};
	struct json_out o = json_out(&line);

	buf_printf(&text, "%s: the %llu deletes that were held back were %s by %s", h->model,
	           (unsigned long long)h->count, what, by ? by : "somebody");
	json_open(&o, '{');
	json_kv_str(&o, "ts", time_format_ms(clock_wall_us(host_clock(q->host)), time));
	json_kv_str(&o, "level", "warn");
	json_kv_slice(&o, "msg", buf_view(&text));
	json_close(&o, '}');
	commit_log(c, h->run, buf_view(&line));
	buf_free(&text);
	buf_free(&line);
	free(by);
}

static bool
other_held(void *arg, struct slice name, struct slice value)
{
	struct listing *l = arg;

	(void)value;
	l->held.count += !slice_is(name, l->model);
	return true;
}

/* Of a run that had nothing else to complain of nothing is left to be told, once the last model is decided. */
static void
last_settle(struct question *q, struct commit *c, const struct held *h)
{
	struct listing l = {.q = q, .model = (char *)(uintptr_t)h->model};
	struct buf last = {0}, now = {0};
	struct slice settled;

	store_state_list(q->store, h->scope, STATE_HELD, other_held, &l, NULL);
	if (!l.held.count && store_state_get(q->store, h->scope, STATE_LAST, SLICE(""), &last) &&
	    (uint64_t)member_int(buf_view(&last), "run", 0) == h->run) {
		settled = member_raw(buf_view(&last), "settled");
		if (settled.len) {
			json_merge_top(&now, buf_view(&last), settled);
			commit_state_set(c, h->scope, STATE_LAST, SLICE(""), buf_view(&now));
		}
	}
	buf_free(&last);
	buf_free(&now);
}

static int
decide(struct question *q, bool confirm)
{
	char *model = member_text(q->json, "model");
	struct commit_counts n = {0};
	struct commit *c;
	struct held h;
	int rc = held_find(q, model, &h);

	if (rc == 0)
		rc = held_ready(q, &h, confirm);
	if (rc == 0 && member_int(q->json, "run", (int64_t)h.run) != (int64_t)h.run)
		rc = err_set(q->err, ERR_BUSY, "%s: another run has held back deletes just now: look again", model);
	if (rc == 0) {
		const struct sweep sweep = {.dataset = h.dataset, .twice = h.twice, .force = true, .most = h.count};
		c = commit_new(q->store, (struct fence){confirm ? h.scope : 0, confirm ? h.epoch : 0});
		if (confirm)
			commit_sweep(c, &sweep);
		commit_state_clear(c, h.scope, STATE_HELD, slice_str(model));
		last_settle(q, c, &h);
		decision_log(q, c, &h, confirm ? "confirmed" : "dismissed");
		rc = store_commit_wait(q->store, c, &n, q->err);
		json_kv_int(&q->end, "deleted", (int64_t)n.deleted);
	}
	buf_free(&h.value);
	free(model);
	return rc;
}

int
ask_confirm_held(struct question *q)
{
	return decide(q, true);
}

int
ask_dismiss_held(struct question *q)
{
	return decide(q, false);
}
