/* queue.c - see queue.h.
 *
 * A lane is a connection that has, or had, events waiting. A turn goes over all lanes: the first waiting event says which
 * webhook's run is to begin, and when. The run asks for the next event by itself until there is none, or one of another
 * webhook of the connector comes (then the next turn begins that one's).
 *
 * What a failure means: the host's own (disk, a stop) says nothing of the event, and a worker that died before it had one
 * says nothing either; both only make the lane wait. Awkward: a run may have an event's end still on its way to the disk
 * when it asks for the next; so it goes on behind the last that it was given, not at the first that waits. */
#include "event/queue.h"

#include <stdlib.h>
#include <string.h>
#include "base/log.h"
#include "base/mem.h"
#include "store/events_in.h"
#include "wire/message.h"

#define RUNS_MAX 4u                        /* side by side, beside those of the schedule */
#define PAUSE_MS INT64_C(1000)             /* after what is not the event's fault; doubles, */
#define PAUSE_MAX_MS (INT64_C(5) * 60 * 1000)
#define RETRY_MAX_MS (INT64_C(10) * 60 * 1000)
#define UPKEEP_MS (INT64_C(60) * 1000)
#define UPKEEP_EVENTS 1000u                /* looked at in one go */

struct lane {
	struct lane *next;
	struct events *all;
	uint32_t scope;
	char *connection, *integration, *webhook; /* webhook: of the run under way */
	uint64_t waiting;          /* about; exact when nothing is on its way */
	uint64_t last;             /* the number that the run was given last */
	uint64_t attempts;         /* of that event, before this one */
	struct buf body;           /* of that event */
	int64_t until_ms;          /* monotonic; not before then */
	unsigned pauses;           /* in a row */
	struct run *run;
	bool settling;             /* what became of an event is on its way to the disk */
};

struct events {
	struct host *host;
	struct lane *lanes;
	uv_timer_t timer;
	struct aside *aside;
	unsigned running;
	uint64_t upkeep_after;
	int64_t upkeep_ms;
	int64_t refused_minute;
	unsigned refused; /* in it */
	bool calm, closed, cleaning;
};

static void turn(struct events *q);

/* ---- lanes ---- */

static bool
scope_named(void *arg, uint32_t scope, const struct scope_name *n)
{
	struct lane *l = arg;

	if (scope != l->scope)
		return true;
	l->connection = xstrdup(n->connection);
	l->integration = xstrdup(n->integration);
	return false;
}

/* NULL: the store has no such scope. */
static struct lane *
lane_get(struct events *q, uint32_t scope)
{
	struct lane *l = q->lanes;
	struct err err;

	while (l && l->scope != scope)
		l = l->next;
	if (l)
		return l;
	l = XNEW(struct lane);
	l->all = q;
	l->scope = scope;
	if (store_scopes(host_store(q->host), scope_named, l, &err) != 0 || !l->connection) {
		free(l);
		return NULL;
	}
	l->next = q->lanes;
	q->lanes = l;
	return l;
}

static void
lane_free(struct lane *l)
{
	free(l->connection);
	free(l->integration);
	free(l->webhook);
	buf_wipe(&l->body);
	free(l);
}

static void
lane_pause(struct lane *l, const struct err *why)
{
	int64_t ms = PAUSE_MS << (l->pauses < 10 ? l->pauses : 10);

	ms = ms < PAUSE_MAX_MS ? ms : PAUSE_MAX_MS;
	if (l->pauses++ == 0 || ms == PAUSE_MAX_MS)
		log_warn("events of %s : %s wait: %s", l->connection, l->integration, why->text);
	l->until_ms = clock_mono_ms(host_clock(l->all->host)) + ms;
}

/* ---- what became of an event ---- */

struct settling {
	struct lane *lane;
	bool parked;
};

static void
settled(void *arg, const struct commit_result *result)
{
	struct settling *s = arg;
	struct lane *l = s->lane;

	l->settling = false;
	if (result->err.cls == ERR_NONE && s->parked && l->waiting)
		l->waiting--;
	if (result->err.cls != ERR_NONE && result->err.cls != ERR_USAGE) /* USAGE: a person has dropped it meanwhile */
		lane_pause(l, &result->err);
	free(s);
	turn(l->all);
}

static void
event_failed(struct lane *l, uint64_t number, uint64_t run, const struct err *why)
{
	struct events *q = l->all;
	const struct host_settings *h = &host_settings(q->host)->host;
	struct inbox_change how = {.what = INBOX_FAILED, .run = run, .reason = slice_str(why->text)};
	struct commit *c = commit_new(host_store(q->host), (struct fence){0});
	struct settling *s = XNEW(struct settling);
	int64_t ms = h->retry_base_ms << (2 * l->attempts);
	char text[TIME_TEXT_MAX];

	s->lane = l;
	s->parked = l->attempts + 1 >= EVENT_TRIES;
	ms = ms < RETRY_MAX_MS ? ms : RETRY_MAX_MS;
	if (s->parked) {
		how.what = INBOX_PARK;
		log_error("event %llu of %s : %s failed %d times and is put aside (`sluice events show %llu`): %s", (unsigned long long)number,
		          l->connection, l->integration, EVENT_TRIES, (unsigned long long)number, why->text);
	} else {
		how.next_us = clock_wall_us(host_clock(q->host)) + ms * 1000;
		log_warn("event %llu of %s : %s is tried again in %s: %s", (unsigned long long)number, l->connection, l->integration,
		         duration_format(ms, text), why->text);
	}
	commit_inbox_change(c, number, &how);
	l->settling = true;
	store_commit(host_store(q->host), c, true, settled, s);
}

/* The host's own trouble, or its end: the event is not to blame. */
static bool
blameless(enum err_class cls)
{
	return cls == ERR_HOST || cls == ERR_STOPPED || cls == ERR_BUSY;
}

static void
lane_ran(void *arg, const struct run_result *r)
{
	struct lane *l = arg;
	struct events *q = l->all;

	l->run = NULL;
	q->running--;
	l->waiting -= r->events < l->waiting ? r->events : l->waiting;
	if (r->events || r->err.cls == ERR_NONE)
		l->pauses = 0;
	if (r->err.cls != ERR_NONE && r->event && !blameless(r->err.cls))
		event_failed(l, r->event, r->run, &r->err);
	else if (r->err.cls != ERR_NONE && !q->calm)
		lane_pause(l, &r->err);
	turn(q);
}

/* ---- runs ---- */

struct looked {
	struct lane *lane;
	struct run_event *e;
	char *webhook; /* of the first; yours */
	int64_t next_us;
	uint64_t number;
};

static void
first_look(void *arg, const struct inbox_event *e)
{
	struct looked *k = arg;

	k->webhook = slice_dup(e->webhook);
	k->next_us = e->next_us;
	k->number = e->number;
}

static void
next_take(void *arg, const struct inbox_event *e)
{
	struct looked *k = arg;
	struct lane *l = k->lane;

	k->number = e->number;
	k->next_us = e->next_us;
	if (!slice_is(e->webhook, l->webhook))
		return;
	buf_clear(&l->body);
	buf_slice(&l->body, e->body);
	l->attempts = e->attempts;
	*k->e = (struct run_event){.number = e->number, .arrived_us = e->arrived_us, .happened_us = e->happened_us,
	                           .body = buf_view(&l->body)};
}

static bool
lane_next(void *arg, struct run_event *e)
{
	struct lane *l = arg;
	struct events *q = l->all;
	struct looked k = {.lane = l, .e = e};

	*e = (struct run_event){0};
	if (q->calm || !store_inbox_next(host_store(q->host), l->scope, l->last, next_take, &k) || !e->number ||
	    k.next_us > clock_wall_us(host_clock(q->host)))
		return false;
	l->last = e->number;
	return true;
}

static void
lane_begin(struct lane *l, char *webhook)
{
	struct events *q = l->all;
	const struct connection_settings *c = settings_connection(host_settings(q->host), l->connection, l->integration);
	struct run_request ask = {.connection = c, .name = webhook, .what = STEP_EVENT, .event_next = lane_next, .sink = l};
	struct err err = {0};

	free(l->webhook);
	l->webhook = webhook;
	l->last = 0;
	if (!c || !c->active)
		err_set(&err, ERR_USAGE, "the connection is %s", c ? "switched off" : "not configured any more");
	else if (!host_room_lacks(q->host, &err))
		l->run = run_start(q->host, &ask, lane_ran, l, &err);
	if (l->run)
		q->running++;
	else
		lane_pause(l, &err);
}

/* When it wants to be looked at again; INT64_MAX: when something arrives or ends. */
static int64_t
lane_turn(struct lane *l)
{
	struct events *q = l->all;
	int64_t now_ms = clock_mono_ms(host_clock(q->host)), wait_ms;
	struct looked first = {.lane = l};

	if (l->run || l->settling || q->calm || q->running >= RUNS_MAX)
		return INT64_MAX;
	if (l->until_ms > now_ms)
		return l->until_ms - now_ms;
	if (!store_inbox_next(host_store(q->host), l->scope, 0, first_look, &first)) {
		l->waiting = 0;
		return INT64_MAX;
	}
	wait_ms = (first.next_us - clock_wall_us(host_clock(q->host)) + 999) / 1000;
	if (first.next_us && wait_ms > 0) {
		free(first.webhook);
		return wait_ms;
	}
	lane_begin(l, first.webhook);
	return l->run ? INT64_MAX : l->until_ms - now_ms;
}

/* ---- what was handled long ago goes ---- */

struct cleaning {
	struct events *q;
	struct commit *c;
	int64_t done_before_us, dead_before_us;
	uint64_t last;
	size_t looked;
};

static bool
old_drop(void *arg, const struct inbox_event *e)
{
	struct cleaning *k = arg;
	int64_t before_us = e->state == INBOX_DONE ? k->done_before_us : k->dead_before_us;

	k->looked++;
	k->last = e->number;
	if (e->state != INBOX_WAITING && before_us && e->settled_us < before_us)
		commit_inbox_change(k->c, e->number, &(struct inbox_change){.what = INBOX_DROP});
	return true;
}

static void
cleaned(void *arg, const struct commit_result *result)
{
	struct events *q = arg;

	q->cleaning = false;
	if (result->err.cls != ERR_NONE)
		log_warn("old events cannot be removed now: %s", result->err.text);
	turn(q);
}

static void
upkeep(struct events *q)
{
	const struct host_settings *h = &host_settings(q->host)->host;
	int64_t now_us = clock_wall_us(host_clock(q->host));
	struct cleaning k = {.q = q, .c = commit_new(host_store(q->host), (struct fence){0})};
	struct inbox_query all = {.after = q->upkeep_after, .limit = UPKEEP_EVENTS};
	struct err err;

	k.done_before_us = h->keep_events_ms ? now_us - h->keep_events_ms * 1000 : 0;
	k.dead_before_us = h->keep_letters_ms ? now_us - h->keep_letters_ms * 1000 : 0;
	if (store_inbox(host_store(q->host), &all, old_drop, &k, &err) != 0)
		log_warn("old events cannot be looked for: %s", err.text);
	q->upkeep_after = k.looked == UPKEEP_EVENTS ? k.last : 0;
	q->upkeep_ms = clock_mono_ms(host_clock(q->host)) + (q->upkeep_after ? 0 : UPKEEP_MS);
	if (commit_empty(k.c)) {
		commit_free(k.c);
		return;
	}
	q->cleaning = true;
	store_commit(host_store(q->host), k.c, false, cleaned, q);
}

/* ---- the whole ---- */

static void
on_timer(uv_timer_t *timer)
{
	turn(timer->data);
}

static void
turn(struct events *q)
{
	int64_t soonest = UPKEEP_MS, ms;

	if (q->closed || q->calm)
		return;
	for (struct lane *l = q->lanes; l; l = l->next)
		if ((ms = lane_turn(l)) < soonest)
			soonest = ms;
	if (!q->cleaning && clock_mono_ms(host_clock(q->host)) >= q->upkeep_ms)
		upkeep(q);
	uv_timer_start(&q->timer, on_timer, soonest < 1 ? 1 : (uint64_t)soonest, 0);
}

void
events_arrived(struct events *q, uint32_t scope, uint64_t n)
{
	struct lane *l = lane_get(q, scope);

	if (!l)
		return;
	l->waiting += n;
	if (!n) { /* a person asks: at once */
		l->until_ms = 0;
		l->pauses = 0;
	}
	if (!q->closed && !q->calm)
		uv_timer_start(&q->timer, on_timer, 0, 0);
}

uint64_t
events_waiting(const struct events *q, uint32_t scope)
{
	uint64_t n = 0;

	for (const struct lane *l = q->lanes; l; l = l->next)
		if (!scope || l->scope == scope)
			n += l->waiting;
	return n;
}

static void
waiting_found(void *arg, const struct inbox_count *n)
{
	struct lane *l = lane_get(arg, n->scope);

	if (l)
		l->waiting = n->n;
}

struct events *
events_open(struct host *h, struct err *err)
{
	struct events *q = XNEW(struct events);

	q->host = h;
	if (store_inbox_count(host_store(h), INBOX_WAITING, waiting_found, q, err) != 0)
		goto out;
	if (uv_timer_init(host_loop(h), &q->timer) != 0) {
		err_set(err, ERR_HOST, "the event loop takes no more handles");
		goto out;
	}
	q->timer.data = q;
	q->aside = aside_new(host_loop(h));
	host_takes_events(h, q);
	uv_timer_start(&q->timer, on_timer, 0, 0);
	return q;
out:
	while (q->lanes) {
		struct lane *l = q->lanes;
		q->lanes = l->next;
		lane_free(l);
	}
	free(q);
	return NULL;
}

void
events_calm(struct events *q)
{
	q->calm = true;
	uv_timer_stop(&q->timer);
}

static void
timer_gone(uv_handle_t *timer)
{
	((struct events *)timer->data)->closed = true;
}

void
events_close(struct events *q)
{
	struct lane *l;

	if (!q)
		return;
	events_calm(q);
	aside_free(q->aside); /* before what it puts into the store is waited for */
	for (l = q->lanes; l; l = l->next)
		if (l->run)
			run_stop(l->run, "the host ends; what waits is handled by the next one");
	for (l = q->lanes; l;) {
		if (l->run)
			uv_run(host_loop(q->host), UV_RUN_ONCE);
		else
			l = l->next;
	}
	store_drain(host_store(q->host)); /* what became of events: it calls back into lanes */
	uv_close((uv_handle_t *)&q->timer, timer_gone);
	while (!q->closed)
		uv_run(host_loop(q->host), UV_RUN_ONCE);
	host_takes_events(q->host, NULL);
	while ((l = q->lanes)) {
		q->lanes = l->next;
		lane_free(l);
	}
	free(q);
}

struct aside *
events_aside(struct events *q)
{
	return q->aside;
}

void
events_refused(struct events *q, const char *why)
{
	int64_t minute = q ? clock_mono_ms(host_clock(q->host)) / 60000 : 0;

	if (q && q->refused_minute != minute) {
		if (q->refused > EVENTS_REFUSED_TOLD)
			log_warn("%u more events were refused meanwhile", q->refused - EVENTS_REFUSED_TOLD);
		q->refused_minute = minute;
		q->refused = 0;
	}
	if (!q || q->refused++ < EVENTS_REFUSED_TOLD)
		log_warn("an event was refused: %s", why);
}
