/* store_held.h - a writer that also takes events out of its outbox, and the question whether a store that was found is one
 * of its states: for campaigns that do not go on in one store for long, but look at many.
 *
 * A page is one commit (page_commit): its records, its checkpoint, and, once QUEUE pages are waiting, TAKEN events that
 * were delivered. store_fault opens what lies there with the real store and says what is wrong with it, if anything. */
#ifndef SLUICE_STORE_HELD_H
#define SLUICE_STORE_HELD_H
#include "store_pages.h"

#define QUEUE 8 /* pages whose events wait; each page after them takes TAKEN from the head */
#define TAKEN 2

/* A directory as kit_init makes it, in memory where that can be: no power is cut here, and a disk would only be slow. */
static void
held_init(struct kit *k)
{
	if (access("/dev/shm", W_OK | X_OK) == 0)
		setenv("TMPDIR", "/dev/shm", 0);
	kit_init(k);
	k->o.map_bytes = 1 << 18; /* it grows */
	k->o.commit_delay_ms = 1;
}

static uint64_t
events_taken(unsigned pages)
{
	return pages > QUEUE ? (pages - QUEUE) * TAKEN : 0;
}

static bool
writer_rules(struct kit *k)
{
	return store_outbox_rules(k->s, &(struct outbox_rule){.name = "crm", .wants = 7, .batch = 7}, 1, &k->err) == 0;
}

static struct commit *
page_commit(struct kit *k, struct fence f, uint32_t d, unsigned p)
{
	struct commit *c = commit_new(k->s, f);
	uint32_t endpoint = store_outbox_endpoint(k->s, "crm");

	page_build(k, c, d, f.scope, p);
	for (uint64_t i = events_taken(p); i < events_taken(p + 1); i++)
		commit_outbox_done(c, endpoint, i + 1);
	return c;
}

/* ---- what must hold ---- */

struct queue {
	struct told told;
	uint64_t first; /* number of its first event */
};

static bool
queue_event(void *arg, const struct outbox_event *e)
{
	struct queue *q = arg;
	struct slice data, records, own, sequence;
	int64_t n = 0;

	if (!q->first) { /* the changes before it were taken */
		struct json_iter it = {0};
		q->first = e->number;
		if (json_member(e->body, "data", &data) && json_member(data, "records", &records))
			it = json_iter(records);
		if (json_next(&it) && json_member(it.value, "_sluice", &own) && json_member(own, "sequence", &sequence))
			json_int(sequence, &n);
		q->told.next = (uint64_t)n;
		for (int64_t i = 1; i < n && *q->told.at; i++)
			q->told.at += strcspn(q->told.at, "\n") + 1;
	}
	return told_event(&q->told, e);
}

static const char *
outbox_differs(struct kit *k, unsigned pages)
{
	struct outbox_query all = {.endpoint = store_outbox_endpoint(k->s, "crm"), .limit = 1000000};
	struct queue *q = XNEW(struct queue);
	const char *what = NULL;

	told_pages(&q->told, pages);
	q->told.at = buf_str(&q->told.list);
	if (store_outbox_list(k->s, &all, queue_event, q, &k->err) < 0)
		what = k->err.text;
	else if (q->first != events_taken(pages) + 1)
		what = "other events of the outbox were taken than the pages say";
	else if (q->told.wrong || q->told.next != q->told.n + 1)
		what = "the outbox has not each change once, in order";
	buf_free(&q->told.list);
	free(q);
	return what;
}

static const char *
pages_differ(struct kit *k, uint32_t d, unsigned pages)
{
	const char *what = kit_verify(k) ? records_differ(k, d, pages) : k->err.text;

	return what || !pages ? what : outbox_differs(k, pages);
}

/* One more page, as the next run saves it. */
static const char *
page_goes_on(struct kit *k, uint32_t d, uint32_t scope, unsigned pages)
{
	struct fence fence;

	if (!writer_rules(k) || !(fence = (struct fence){scope, store_epoch_next(k->s, scope, &k->err)}).epoch ||
	    store_commit_wait(k->s, page_commit(k, fence, d, pages), NULL, &k->err) < 0)
		return k->err.text;
	return pages_differ(k, d, pages + 1);
}

/* NULL, or what is wrong with the store as it lies there; borrowed from k. */
static const char *
store_fault(struct kit *k, unsigned acked, bool go_on)
{
	const char *what;
	uint32_t d, scope;
	unsigned pages;

	k->s = store_open(&k->o, &k->err);
	if (!k->s)
		return k->err.text;
	d = kit_dataset(k, "M");
	scope = kit_scope(k, "sync");
	pages = checkpoint(k->s, scope);
	what = pages < acked ? "an acknowledged page is lost" : pages_differ(k, d, pages);
	if (!what && go_on)
		what = page_goes_on(k, d, scope, pages);
	kit_close(k);
	return what;
}

#endif
