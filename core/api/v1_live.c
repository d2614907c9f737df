/* v1_live.c - GET /api/v1/live: what changes, as server-sent events, for whoever watches.
 *
 *   event: sync      one row as /api/v1/syncs has it: of a sync whose row is another one than it was
 *   event: alerts    all that are open, when they are others
 *   event: missed    you were too slow, and events were left out: read /api/v1/syncs and /api/v1/alerts anew
 *
 * Twice a second, while somebody listens, the syncs that run are looked at, and besides them a bounded number of the others
 * in turn. So ten thousand syncs cost a turn no more than a few hundred do, and nobody listening costs nothing.
 *
 * Awkward: the first time that a sync is looked at it is told, since nobody knows what its listener has read before. */
#include <stdlib.h>
#include <string.h>
#include "api/live.h"
#include "api/v1_syncs.h"
#include "base/mem.h"
#include "run/idset.h"
#include "serve/query.h"

#define TICK_MS 500
#define OTHERS_A_TICK 250

struct listener {
	struct sse sse; /* first: sse_ready casts back */
	struct live *live;
	bool missed;
	struct listener *next, **link;
};

struct live {
	struct host *host;
	struct sse_set *set;
	struct listener *first;
	uv_timer_t tick;
	struct api *api;           /* of the listener that came last */
	struct idset known;        /* by names: where in told */
	struct json_hash *told;    /* of the row that was told last */
	size_t n_told;
	struct json_hash alerts;
	size_t from;               /* of the others: where the next tick goes on */
	struct buf events;
	bool closed;
};

/* Hashes compare only with each other, in this process. */
static const struct json_seed seed = {0x736c756963652121, 0x6c69766520726f77};

static void
events_add(struct live *l, const char *event, struct slice data, struct json_hash *last)
{
	struct json_hash hash;

	json_hash_value(data, &seed, &hash);
	if (hash.low == last->low && hash.high == last->high)
		return;
	*last = hash;
	sse_event(&l->events, NULL, event, data);
}

/* ---- syncs ---- */

static struct json_hash *
told_of(struct live *l, struct slice row)
{
	static const char *const names[] = {"connection", "integration", "sync"};
	struct buf key = {0};
	struct slice value;
	uint32_t *at;
	bool fresh;

	for (size_t i = 0; i < LENGTH(names); i++)
		if (json_member(row, names[i], &value))
			buf_slice(&key, value); /* with its quotes, so no two names run into one */
	at = idset_put(&l->known, buf_view(&key), &fresh);
	if (fresh) {
		*at = (uint32_t)l->n_told;
		l->told = xrealloc(l->told, (l->n_told + 1) * sizeof *l->told);
		l->told[l->n_told++] = (struct json_hash){0, 0};
	}
	buf_free(&key);
	return &l->told[*at];
}

static void
sync_row(void *arg, struct slice row)
{
	struct live *l = arg;

	events_add(l, "sync", row, told_of(l, row));
}

struct choosing {
	struct live *l;
	struct json_out o;
	size_t at; /* of the sync that is looked at, counted over all */
};

static void
sync_choose(void *arg, const struct chosen *c)
{
	const char *connection = c->connection->name, *integration = c->connection->integration->name;
	struct choosing *ch = arg;
	size_t at = ch->at++;

	if ((at < ch->l->from || at >= ch->l->from + OTHERS_A_TICK) &&
	    !host_run(ch->l->host, connection, integration, c->sync->name))
		return;
	json_open(&ch->o, '{');
	json_kv_str(&ch->o, "connection", connection);
	json_kv_str(&ch->o, "integration", integration);
	json_kv_str(&ch->o, "sync", c->sync->name);
	json_close(&ch->o, '}');
}

static void
syncs_look(struct live *l)
{
	const struct query_sink sink = {sync_row, l};
	struct buf question = {0}, end = {0};
	struct choosing ch = {.l = l, .o = json_out(&question)};

	json_open(&ch.o, '{');
	json_kv_str(&ch.o, "query", "status");
	json_key(&ch.o, "syncs");
	json_open(&ch.o, '[');
	v1_syncs_each(l->api, NULL, NULL, NULL, sync_choose, &ch);
	json_close(&ch.o, ']');
	json_close(&ch.o, '}');
	query_answer(l->host, buf_view(&question), &sink, &end, NULL);
	l->from = l->from + OTHERS_A_TICK < ch.at ? l->from + OTHERS_A_TICK : 0;
	buf_free(&question);
	buf_free(&end);
}

/* ---- alerts ---- */

static void
alert_row(void *arg, struct slice row)
{
	json_put_raw(arg, row);
}

static void
alerts_look(struct live *l)
{
	struct buf list = {0}, end = {0};
	struct json_out o = json_out(&list);
	const struct query_sink sink = {alert_row, &o};

	json_open(&o, '[');
	query_answer(l->host, SLICE("{\"query\":\"alerts\"}"), &sink, &end, NULL);
	json_close(&o, ']');
	events_add(l, "alerts", buf_view(&list), &l->alerts);
	buf_free(&list);
	buf_free(&end);
}

/* ---- listeners ---- */

static void
tick(uv_timer_t *timer)
{
	struct live *l = timer->data;
	struct listener *next;

	buf_clear(&l->events);
	syncs_look(l);
	alerts_look(l);
	for (struct listener *w = l->first; w && l->events.len; w = next) {
		next = w->next;
		w->missed |= w->sse.full;
		if (!w->sse.full)
			sse_write(&w->sse, buf_view(&l->events));
	}
}

static void
listener_ready(struct sse *sse)
{
	struct listener *w = (struct listener *)sse;

	if (!w->missed)
		return;
	w->missed = false;
	sse_write(sse, SLICE("event: missed\ndata: {}\n\n"));
}

static void
known_forget(struct live *l)
{
	idset_free(&l->known);
	l->known = (struct idset){0};
	free(l->told);
	l->told = NULL;
	l->n_told = 0;
	l->alerts = (struct json_hash){0, 0};
	l->from = 0;
	buf_free(&l->events);
}

static void
listener_gone(struct sse *sse)
{
	struct listener *w = (struct listener *)sse;
	struct live *l = w->live;

	*w->link = w->next;
	if (w->next)
		w->next->link = w->link;
	free(w);
	if (l->first)
		return;
	uv_timer_stop(&l->tick);
	known_forget(l);
}

static void
live_get(struct http_call *c, void *arg)
{
	struct live *l = v1_live(api_v1(arg));
	struct listener *w = XNEW(struct listener);

	l->api = arg;
	w->live = l;
	w->sse.ready = listener_ready;
	w->sse.gone = listener_gone;
	w->next = l->first;
	w->link = &l->first;
	if (w->next)
		w->next->link = &w->next;
	l->first = w;
	if (!w->next)
		uv_timer_start(&l->tick, tick, 0, TICK_MS);
	sse_begin(l->set, &w->sse, c);
}

struct live *
live_new(uv_loop_t *loop, struct host *h, struct sse_set *set)
{
	struct live *l = XNEW(struct live);

	l->host = h;
	l->set = set;
	uv_timer_init(loop, &l->tick);
	l->tick.data = l;
	return l;
}

static void
tick_closed(uv_handle_t *handle)
{
	struct live *l = handle->data;

	l->closed = true;
}

void
live_free(struct live *l)
{
	uv_loop_t *loop;

	if (!l)
		return;
	loop = l->tick.loop;
	uv_close((uv_handle_t *)&l->tick, tick_closed);
	while (!l->closed)
		uv_run(loop, UV_RUN_ONCE);
	known_forget(l);
	free(l);
}

static const struct http_answer live_answers[] = {
	{.status = 200, .type = "text/event-stream", .help = "events sync, alerts, missed"}, {0}};

const struct http_route v1_live_routes[] = {
	{.method = "GET", .path = "/api/v1/live", .name = "live", .tag = "Syncs", .rights = RIGHT_READ,
	 .summary = "What changes now, as server-sent events: syncs, progress of runs, alerts",
	 .help = "Connect first, then read /api/v1/syncs and /api/v1/alerts: what changes from then on is told, at most twice a second.",
	 .answers = live_answers, .handle = live_get},
	{0},
};
