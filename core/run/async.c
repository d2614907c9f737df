/* async.c - see async.h. What stands in the store is async_row.h's.
 *
 * Ids are UUIDs that ascend with time (RFC 9562, version 7), so the rows stand in the order in which they were asked.
 *
 * Awkward: the disk may be full when a result is to be kept. Then it is held here, its place among those under way with it, and
 * tried again each second; killed meanwhile, it ends as one whose fate is not known. */
#include "run/async.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/log.h"
#include "base/mem.h"
#include "run/async_row.h"
#include "run/host.h"
#include "run/member.h"
#include "run/webhooks.h"
#include "sluice.h"

#define TURN_MS 1000
#define PRUNE_MS 600000
#define UNKNOWN_FATE                                                                                                              \
	"the host ended while the action was under way: whether it was carried out is not known, and its connector does not call " \
	"it repeatable"

struct entry {
	struct entry *next;
	struct async *all;
	char id[ASYNC_ID_SIZE];
	struct buf row;              /* as it shall stand in the store; empty: it is there */
	struct action_task *task;
	bool saving;                 /* its row is on the way to the disk */
	bool over;                   /* its row is a result */
	void (*told)(void *arg, const char *id, const struct err *err); /* of who asked, until it is durable */
	void *arg;
};

struct async {
	struct host *host;
	struct entry *first, **last; /* those that wait */
	struct entry *busy;          /* under way, or being written */
	size_t n_waiting, n_busy, n_commits;
	int64_t prune_ms;
	uint64_t id_ms;              /* of the last id */
	unsigned id_count;
	uv_timer_t timer;
	bool begun, stopping, closed;
};

/* ---- ids ---- */

/* 48 bits of milliseconds, 12 that count within one, 62 of chance. */
static void
id_make(struct async *a, char id[ASYNC_ID_SIZE])
{
	uint64_t ms = (uint64_t)(clock_wall_us(a->host->clock) / 1000);
	uint8_t b[16];

	if (ms <= a->id_ms) { /* the clock was set back, or it is the same one */
		ms = a->id_ms;
		a->id_count++;
	} else {
		a->id_count = 0;
	}
	if (a->id_count > 0xfff) {
		ms++;
		a->id_count = 0;
	}
	a->id_ms = ms;
	randombytes_buf(b, sizeof b);
	for (int i = 0; i < 6; i++)
		b[i] = (uint8_t)(ms >> (40 - 8 * i));
	b[6] = (uint8_t)(0x70 | a->id_count >> 8);
	b[7] = (uint8_t)a->id_count;
	b[8] = (uint8_t)((b[8] & 0x3f) | 0x80);
	snprintf(id, ASYNC_ID_SIZE, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", b[0], b[1], b[2], b[3], b[4],
	         b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13], b[14], b[15]);
}

/* ---- one action's way ---- */

static void turn(struct async *a);

static void
entry_free(struct entry *e)
{
	struct async *a = e->all;
	struct entry **at = &a->busy;

	while (*at != e)
		at = &(*at)->next;
	*at = e->next;
	a->n_busy--;
	buf_wipe(&e->row);
	free(e);
}

static struct entry *
entry_make(struct async *a, const char *id)
{
	struct entry *e = XNEW(struct entry);

	e->all = a;
	snprintf(e->id, sizeof e->id, "%s", id);
	e->next = a->busy;
	a->busy = e;
	a->n_busy++;
	return e;
}

/* first: it has waited already. */
static void
entry_wait(struct entry *e, bool first)
{
	struct async *a = e->all;
	struct entry **at = &a->busy;

	while (*at != e)
		at = &(*at)->next;
	*at = e->next;
	a->n_busy--;
	at = first ? &a->first : a->last;
	e->next = *at;
	*at = e;
	if (!e->next)
		a->last = &e->next;
	a->n_waiting++;
}

/* The first of those that wait. */
static struct entry *
entry_next(struct async *a)
{
	struct entry *e = a->first;

	a->first = e->next;
	if (!a->first)
		a->last = &a->first;
	a->n_waiting--;
	e->next = a->busy;
	a->busy = e;
	a->n_busy++;
	return e;
}

/* Applications hear of it with the commit that keeps its result. */
static void
told_put(struct commit *c, const struct entry *e)
{
	char *connection = member_text(buf_view(&e->row), "connection"), *integration = member_text(buf_view(&e->row), "integration");

	if (connection)
		webhook_action(c, connection, integration, e->id);
	free(connection);
	free(integration);
}

static void
save(struct entry *e, commit_done *saved)
{
	struct store *s = e->all->host->store;
	struct commit *c = commit_new(s, (struct fence){0, 0});

	commit_state_set(c, 0, STATE_ACTION, slice_str(e->id), buf_view(&e->row));
	if (e->over)
		told_put(c, e);
	e->saving = true;
	e->all->n_commits++;
	store_commit(s, c, true, saved, e);
}

static void
result_saved(void *arg, const struct commit_result *r)
{
	struct entry *e = arg;
	struct async *a = e->all;

	a->n_commits--;
	e->saving = false;
	if (r->err.cls != ERR_NONE) {
		log_error("the result of action %s is not kept yet: %s", e->id, r->err.text);
		return; /* the timer comes back to it */
	}
	entry_free(e);
	turn(a);
}

static void
entry_end(struct entry *e, struct slice before, const struct action_result *r)
{
	buf_clear(&e->row);
	async_result_write(&e->row, before, r, clock_wall_us(e->all->host->clock));
	e->over = true;
	save(e, result_saved);
}

static void
action_told(void *arg, const struct action_result *r)
{
	struct entry *e = arg;
	struct buf before = {0};

	e->task = NULL;
	if (e->all->stopping && r->err.cls == ERR_STOPPED) {
		entry_free(e); /* the next host decides, by what stands in the store */
		return;
	}
	buf_slice(&before, buf_view(&e->row));
	entry_end(e, buf_view(&before), r);
	buf_wipe(&before);
}

static void
begun_saved(void *arg, const struct commit_result *saved)
{
	struct entry *e = arg;
	struct slice row = buf_view(&e->row);
	char *connection = member_text(row, "connection"), *integration = member_text(row, "integration"), *name = member_text(row, "action");
	const struct action_ask ask = {.connection = connection, .integration = integration, .name = name,
	                               .input = member_raw(row, "input"), .retries = (int)member_int(row, "retries", 0)};
	struct action_result failed = {.err = saved->err};

	e->all->n_commits--;
	e->saving = false;
	if (e->all->stopping)
		entry_free(e);
	else if (saved->err.cls != ERR_NONE ||
	         !(e->task = action_begin(e->all->host, &ask, action_told, e, &failed.err))) {
		if (failed.err.cls == ERR_HOST) /* no room now: nothing was begun, and the timer comes back to it */
			entry_wait(e, true);
		else
			action_told(e, &failed);
	}
	free(connection);
	free(integration);
	free(name);
}

static void
entry_begin(struct entry *e)
{
	struct buf row = {0};

	if (!store_state_get(e->all->host->store, 0, STATE_ACTION, slice_str(e->id), &row)) {
		entry_free(e);
		return;
	}
	buf_clear(&e->row);
	json_merge_top(&e->row, buf_view(&row), SLICE("{\"state\":\"begun\"}"));
	buf_wipe(&row);
	save(e, begun_saved);
}

static void
turn(struct async *a)
{
	while (a->begun && !a->stopping && a->first && a->n_busy < ASYNC_AT_ONCE)
		entry_begin(entry_next(a));
}

/* ---- asked ---- */

static void
asked_saved(void *arg, const struct commit_result *r)
{
	struct entry *e = arg;
	struct async *a = e->all;

	a->n_commits--;
	e->saving = false;
	e->told(e->arg, e->id, &r->err);
	if (r->err.cls != ERR_NONE) {
		entry_free(e);
	} else {
		buf_wipe(&e->row);
		entry_wait(e, false);
	}
	turn(a);
}

static struct async *async_of(struct host *h);

int
async_put(struct host *h, const struct action_ask *ask, void (*told)(void *arg, const char *id, const struct err *err), void *arg,
          struct err *err)
{
	const struct connection_settings *c = settings_connection(h->settings, ask->connection, ask->integration);
	const struct manifest *m = c ? host_manifest_of(h, c, err) : NULL;
	const struct manifest_action *action = m ? manifest_action(m, ask->name) : NULL;
	char id[ASYNC_ID_SIZE];
	struct async *a;
	struct entry *e;

	if (!action)
		return m || !c ? err_set(err, ERR_USAGE, "there is no action '%s' of %s", ask->name, ask->connection) : -1;
	if (!h->store)
		return err_set(err, ERR_HOST, "there is no store that it could be kept in");
	a = async_of(h);
	if (a->stopping)
		return err_set(err, ERR_STOPPED, "the host ends");
	if (a->n_waiting + a->n_busy >= ASYNC_WAITING_MAX)
		return err_set(err, ERR_BUSY, "%d actions wait already: try again later", ASYNC_WAITING_MAX);
	id_make(a, id);
	e = entry_make(a, id);
	e->told = told;
	e->arg = arg;
	async_queued_write(&e->row, ask, action->flags & SLUICE_REPEATABLE, clock_wall_us(h->clock));
	save(e, asked_saved);
	return 0;
}

/* ---- what is in the store ---- */

struct walk {
	struct async *all;
	struct commit *drop;
	int64_t now_us;
};

static bool
prune_row(void *arg, struct slice name, struct slice row)
{
	struct walk *w = arg;
	int64_t ended = member_int(row, "ended_us", 0), fetched = member_int(row, "fetched_us", 0);

	if (ended && (w->now_us - ended > ASYNC_KEEP_MS * 1000 || (fetched && w->now_us - fetched > ASYNC_FETCHED_MS * 1000)))
		commit_state_clear(w->drop, 0, STATE_ACTION, name);
	return true;
}

static void
prune(struct async *a)
{
	struct store *s = a->host->store;
	struct walk w = {.all = a, .drop = commit_new(s, (struct fence){0, 0}), .now_us = clock_wall_us(a->host->clock)};
	struct err err = {0};

	if (store_state_list(s, 0, STATE_ACTION, prune_row, &w, &err) != 0)
		log_error("old results of actions stay: %s", err.text);
	if (commit_empty(w.drop))
		commit_free(w.drop);
	else
		store_commit(s, w.drop, false, NULL, NULL);
}

/* Of a host before. */
static bool
load_row(void *arg, struct slice name, struct slice row)
{
	const struct action_result lost = {.err = {ERR_HOST, UNKNOWN_FATE}};
	struct async *a = arg;
	char *state = member_text(row, "state");
	bool begun = state && !strcmp(state, "begun"), queued = state && !strcmp(state, "queued");
	char id[ASYNC_ID_SIZE];
	struct entry *e;

	free(state);
	if (!begun && !queued)
		return true;
	snprintf(id, sizeof id, "%.*s", (int)name.len, name.p);
	e = entry_make(a, id);
	if (begun && !member_bool(row, "repeatable", false))
		entry_end(e, row, &lost);
	else
		entry_wait(e, false);
	return true;
}

static void
on_timer(uv_timer_t *timer)
{
	struct async *a = timer->data;
	int64_t now = clock_mono_ms(a->host->clock);

	if (a->stopping)
		return;
	for (struct entry *e = a->busy; e; e = e->next)
		if (e->over && !e->saving)
			save(e, result_saved);
	turn(a);
	if (now >= a->prune_ms) {
		a->prune_ms = now + PRUNE_MS;
		prune(a);
	}
}

static struct async *
async_of(struct host *h)
{
	struct async *a = h->async;

	if (a)
		return a;
	a = h->async = XNEW(struct async);
	a->host = h;
	a->last = &a->first;
	a->timer.data = a;
	if (uv_timer_init(h->loop, &a->timer) != 0)
		die("the event loop takes no more handles");
	uv_timer_start(&a->timer, on_timer, TURN_MS, TURN_MS);
	return a;
}

void
async_begin(struct host *h)
{
	struct err err = {0};
	struct async *a;

	if (!h->store)
		return;
	a = async_of(h);
	if (!a->begun && store_state_list(h->store, 0, STATE_ACTION, load_row, a, &err) != 0)
		log_error("actions that were asked for before are not gone on with: %s", err.text);
	a->begun = true;
	turn(a);
}

/* ---- looking ---- */

static void
fetched_put(struct host *h, const char *id)
{
	struct commit *c = commit_new(h->store, (struct fence){0, 0});
	struct buf patch = {0};

	buf_printf(&patch, "{\"fetched_us\":%lld}", (long long)clock_wall_us(h->clock));
	commit_state_merge(c, 0, STATE_ACTION, slice_str(id), buf_view(&patch));
	store_commit(h->store, c, false, NULL, NULL);
	buf_free(&patch);
}

bool
async_look(struct host *h, const char *id, struct async_view *v)
{
	char *state;
	bool failed;

	*v = (struct async_view){0};
	if (!h->store || strlen(id) != ASYNC_ID_SIZE - 1 || !store_state_get(h->store, 0, STATE_ACTION, slice_str(id), &v->row))
		return false;
	state = member_text(buf_view(&v->row), "state");
	failed = state && !strcmp(state, "failed");
	v->done = failed || (state && !strcmp(state, "done"));
	free(state);
	if (!v->done)
		return true;
	async_view_fill(v, failed);
	if (!member_int(buf_view(&v->row), "fetched_us", 0))
		fetched_put(h, id);
	return true;
}

void
async_view_finish(struct async_view *v)
{
	buf_wipe(&v->row);
	buf_wipe(&v->texts);
}

/* ---- the end ---- */

void
async_stop(struct host *h)
{
	if (h->async)
		h->async->stopping = true;
}

static void
timer_closed(uv_handle_t *timer)
{
	((struct async *)timer->data)->closed = true;
}

void
async_end(struct host *h)
{
	struct async *a = h->async;

	if (!a)
		return;
	a->stopping = true;
	if (a->n_commits)
		store_drain(h->store);
	while (a->busy)
		entry_free(a->busy);
	while (a->first)
		entry_free(entry_next(a));
	uv_close((uv_handle_t *)&a->timer, timer_closed);
	while (!a->closed)
		uv_run(h->loop, UV_RUN_ONCE);
	free(a);
	h->async = NULL;
}
