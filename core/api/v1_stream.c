/* v1_stream.c - the change feed as server-sent events: what there is, then what comes, each event with its cursor as id.
 *
 *   behind ──page──> behind ... ──nothing more──> waiting (costs nothing) ──a commit──> behind
 *      └──the client is slow──> full ──drained──> behind
 *
 * Guarantee: at most one page beyond the server's share waits for a client, however slow it is or far behind: the next page is
 * read from its cursor when the last was taken. Pages are read in a thread of libuv's pool, one at a time and in bounded
 * pieces, since the loop is what a sync waits for; readers that stand at the same place, as all do that have kept up, share one.
 *
 * Awkward: a change may become durable while a page is read, seen by it or not. Whoever is served by that page asks once more
 * before it waits.
 * Awkward: a cursor may turn invalid under a reader that is too slow (its deletes were pruned). It is told so by an event
 * "error" and ended, and 410 when it comes back. */
#include <stdlib.h>
#include <string.h>
#include "api/streams.h"
#include "base/mem.h"
#include "base/thread.h"

#define PAGE_ROWS 200
#define PAGE_BYTES (128u << 10)
#define SHARES_A_TURN 64 /* streams that one turn serves, as long as their page is there already */

struct stream {
	struct sse sse; /* first: sse_ready casts back */
	struct streams *all;
	struct feed feed;
	struct wait wait;
	struct stream *next, **link; /* in the queue of those that are behind */
};

struct streams {
	struct waits *waits;
	struct sse_set *set;
	struct stream *behind, **last; /* in turn */
	uv_idle_t idle;
	uv_work_t work;
	bool reading, idle_closed;
	struct { /* the page read last: who stands where it began is served by it */
		struct feed from;
		struct cursor to;
		bool there, more;
		bool stale;        /* its dataset changed while it was read: `more` is not known */
		struct buf events;
		struct err err;    /* of a class: it could not be read, and why */
		struct wait until; /* its dataset changes */
	} page;
};

/* ---- pages ---- */

struct rendering {
	const struct feed *feed;
	struct buf *out;
	struct buf json;
	size_t rows;
};

static void
event_put(void *arg, const struct record *r, const struct cursor *behind)
{
	struct rendering *w = arg;
	struct json_out o;
	char id[CURSOR_TEXT_MAX];

	buf_clear(&w->json);
	o = json_out(&w->json);
	feed_put_change(&o, r);
	sse_event(w->out, cursor_write(w->feed->store, behind, id), "change", buf_view(&w->json));
	w->rows++;
}

/* Two that stand at the same sequence under the same mark see the same, whenever they were told of it. */
static bool
same_place(const struct cursor *a, const struct cursor *b)
{
	return a->dataset == b->dataset && a->after == b->after && a->began == b->began;
}

/* In a thread of the pool: nothing of the loop touches what is used here until it is done. */
static void
page_read(uv_work_t *work)
{
	struct streams *all = work->data;
	struct feed feed = all->page.from;
	struct rendering w = {.feed = &feed, .out = &all->page.events};
	char id[CURSOR_TEXT_MAX];

	thread_yields();
	feed.limit = PAGE_ROWS;
	feed.bytes = PAGE_BYTES;
	all->page.err = (struct err){0};
	buf_clear(w.out);
	if (feed_read(&feed, event_put, &w, &all->page.more, &all->page.err) == 0 && !w.rows && feed.at.after != all->page.from.at.after)
		sse_event(w.out, cursor_write(feed.store, &feed.at, id), NULL, (struct slice){0}); /* past what is not to be seen */
	buf_free(&w.json);
	all->page.to = feed.at;
}

static void
page_came(uv_work_t *work, int status)
{
	struct streams *all = work->data;

	(void)status;
	all->reading = false;
	all->page.there = true;
	all->page.more |= all->page.stale;
	streams_turn(&all->idle);
	if (all->page.stale || all->page.to.after == all->page.from.at.after) /* an empty one is worth nothing to the next */
		all->page.there = false;
}

static void
page_ask(struct streams *all, const struct feed *from)
{
	all->reading = true;
	all->page.there = all->page.stale = false;
	all->page.from = *from;
	waits_add(all->waits, &all->page.until, from->at.dataset, 0);
	uv_queue_work(all->idle.loop, &all->work, page_read, page_came);
}

static void
page_old(void *arg, bool late)
{
	struct streams *all = arg;

	(void)late;
	all->page.stale = true;
	all->page.there = false;
}

/* ---- a stream ---- */

static void
stream_queue(struct stream *s)
{
	if (s->link)
		return;
	s->next = NULL;
	s->link = s->all->last;
	*s->all->last = s;
	s->all->last = &s->next;
	if (!s->all->reading)
		uv_idle_start(&s->all->idle, streams_turn);
}

static void
stream_unqueue(struct stream *s)
{
	if (!s->link)
		return;
	*s->link = s->next;
	if (s->next)
		s->next->link = s->link;
	else
		s->all->last = s->link;
	s->link = NULL;
}

static void
stream_free(struct stream *s)
{
	stream_unqueue(s);
	waits_drop(s->all->waits, &s->wait);
	free(s);
}

static void
stream_gone(struct sse *sse)
{
	stream_free((struct stream *)sse);
}

static void
stream_woken(void *arg, bool late)
{
	struct stream *s = arg;

	(void)late;
	if (!s->sse.full)
		stream_queue(s);
}

static void
stream_ready(struct sse *sse)
{
	struct stream *s = (struct stream *)sse;

	if (!s->wait.link)
		stream_queue(s);
}

static void
stream_fail(struct stream *s, const struct err *err)
{
	struct buf data = {0}, event = {0};
	struct json_out o = json_out(&data);

	json_open(&o, '{');
	json_kv_str(&o, "code", feed_fault(err));
	json_kv_str(&o, "message", err->text);
	json_close(&o, '}');
	sse_event(&event, NULL, "error", buf_view(&data));
	sse_write(&s->sse, buf_view(&event));
	sse_end(&s->sse);
	buf_free(&data);
	buf_free(&event);
	stream_free(s);
}

static void
stream_serve(struct stream *s)
{
	struct streams *all = s->all;

	if (all->page.err.cls) {
		stream_fail(s, &all->page.err);
		return;
	}
	if (all->page.events.len)
		sse_write(&s->sse, buf_view(&all->page.events));
	s->feed.at = all->page.to;
	if (!all->page.more)
		waits_add(all->waits, &s->wait, s->feed.at.dataset, 0);
	else if (!s->sse.full)
		stream_queue(s);
}

void
streams_turn(uv_idle_t *idle)
{
	struct streams *all = idle->data;

	for (int n = 0; n < SHARES_A_TURN && all->behind && !all->reading; n++) {
		struct stream *s = all->behind;

		if (!all->page.there || !same_place(&all->page.from.at, &s->feed.at)) {
			page_ask(all, &s->feed);
			break;
		}
		stream_unqueue(s);
		stream_serve(s);
	}
	if (!all->behind || all->reading)
		uv_idle_stop(&all->idle);
	else
		uv_idle_start(&all->idle, streams_turn);
}

/* ---- opening ---- */

static void
nothing_put(void *arg, const struct record *r, const struct cursor *behind)
{
	(void)arg, (void)r, (void)behind;
}

/* A record is read before the answer begins, while there is still a status to say that the cursor is none. */
void
feed_stream(struct http_call *c, void *arg)
{
	struct streams *all = v1_streams(api_v1(arg));
	const char *last = http_header(c, "Last-Event-ID");
	struct err err = {0};
	struct feed feed, first;
	struct stream *s;
	bool more;

	if (feed_find(arg, c, CURSOR_CHANGES, last && *last ? last : NULL, &feed) != 0)
		return;
	first = feed;
	first.limit = 1;
	if (feed_read(&first, nothing_put, NULL, &more, &err) != 0) {
		feed_fail(c, &err);
		return;
	}
	s = XNEW(struct stream);
	s->all = all;
	s->feed = feed;
	s->wait.woken = stream_woken;
	s->wait.arg = s;
	s->sse.ready = stream_ready;
	s->sse.gone = stream_gone;
	sse_begin(all->set, &s->sse, c);
	stream_queue(s);
}

struct streams *
streams_new(uv_loop_t *loop, struct waits *waits, struct sse_set *set)
{
	struct streams *all = XNEW(struct streams);

	all->waits = waits;
	all->set = set;
	all->last = &all->behind;
	uv_idle_init(loop, &all->idle);
	all->idle.data = all->work.data = all;
	all->page.until.woken = page_old;
	all->page.until.arg = all;
	return all;
}

static void
idle_closed(uv_handle_t *handle)
{
	struct streams *all = handle->data;

	all->idle_closed = true;
}

void
streams_free(struct streams *all)
{
	uv_loop_t *loop;

	if (!all)
		return;
	loop = all->idle.loop;
	waits_drop(all->waits, &all->page.until);
	while (all->reading)
		uv_run(loop, UV_RUN_ONCE);
	uv_close((uv_handle_t *)&all->idle, idle_closed);
	while (!all->idle_closed)
		uv_run(loop, UV_RUN_ONCE);
	buf_free(&all->page.events);
	free(all);
}
