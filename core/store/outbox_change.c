/* outbox_change.c - what becomes of an event: delivered, tried in vain, parked, retried, dropped.
 *
 * Awkward: a queue is emptied from its head in order, but people drop and retry where they like; so that an event is gone
 * is no error, unless somebody waits for the word that it was retried. */
#include <string.h>
#include "store/outbox.h"

enum outcome { OUTCOME_DONE = 1, OUTCOME_TRY, OUTCOME_PARK, OUTCOME_RETRY, OUTCOME_DROP };

static int
to_parked(struct group *g, struct queue *q, uint64_t number, struct queued *event, uint64_t size, struct slice reason)
{
	int rc = outbox_event_take(g, q, OUTBOX_PENDING, number, size);

	event->parked_us = g->now_us;
	event->next_us = 0;
	event->reason = reason;
	return rc ? rc : outbox_event_write(g, q, OUTBOX_PARKED, number, event, 0);
}

static int
to_queue(struct group *g, struct queue *q, char kind, uint64_t number, struct queued *event, uint64_t size)
{
	int rc;

	if (kind == OUTBOX_PENDING) {
		event->next_us = 0;
		return outbox_event_write(g, q, kind, number, event, size);
	}
	rc = outbox_event_take(g, q, kind, number, size);
	event->attempts = 0;
	event->first_us = event->last_us = event->next_us = event->parked_us = 0;
	outbox_work(g)->added++;
	return rc ? rc : outbox_event_write(g, q, OUTBOX_PENDING, q->e.next++, event, 0);
}

static int
to_tried(struct group *g, struct queue *q, uint64_t number, struct queued *event, uint64_t size, int64_t next_us,
         struct slice reason)
{
	event->attempts++;
	event->last_us = g->now_us;
	if (!event->first_us)
		event->first_us = g->now_us;
	event->next_us = next_us;
	event->reason = reason;
	return outbox_event_write(g, q, OUTBOX_PENDING, number, event, size);
}

int
apply_outbox_change(struct group *g, struct commit *c, struct reader *r)
{
	enum outcome how = reader_u8(r);
	uint32_t endpoint = reader_u32(r);
	uint64_t number = reader_u64(r), size;
	int64_t next_us = (int64_t)reader_u64(r);
	struct slice reason = reader_bytes(r, OUTBOX_REASON_MAX);
	char kind = OUTBOX_PENDING;
	struct queued event;
	struct buf own = {0};
	struct queue *q;
	int rc = outbox_queue(g, endpoint, &q);

	(void)c;
	if (rc == APPLY_REFUSED && how != OUTCOME_RETRY)
		return 0; /* gone with its last event */
	if (rc)
		return rc;
	rc = outbox_event_read(g, q, kind, number, &own, &size, &event);
	if (rc == MDB_NOTFOUND && how >= OUTCOME_RETRY)
		rc = outbox_event_read(g, q, kind = OUTBOX_PARKED, number, &own, &size, &event);
	if (rc == APPLY_REFUSED && how == OUTCOME_DROP) /* what is damaged can be dropped too */
		rc = 0;
	if (rc == MDB_NOTFOUND)
		rc = how != OUTCOME_RETRY ? 0
		                         : group_refuse(g, ERR_USAGE, "there is no event %llu of endpoint %s: `sluice deliveries list` shows "
		                                                      "which there are",
		                                        (unsigned long long)number, q->name.p);
	else if (!rc && how == OUTCOME_TRY)
		rc = to_tried(g, q, number, &event, size, next_us, reason);
	else if (!rc && how == OUTCOME_PARK)
		rc = to_parked(g, q, number, &event, size, reason);
	else if (!rc && how == OUTCOME_RETRY)
		rc = to_queue(g, q, kind, number, &event, size);
	else if (!rc)
		rc = outbox_event_take(g, q, kind, number, size);
	buf_wipe(&own);
	return rc;
}

static void
put_change(struct commit *c, enum outcome how, uint32_t endpoint, uint64_t number, int64_t next_us, struct slice reason)
{
	if (reason.len > OUTBOX_REASON_MAX)
		reason.len = OUTBOX_REASON_MAX;
	buf_u8(&c->ops, OP_OUTBOX_CHANGE);
	buf_u8(&c->ops, (uint8_t)how);
	buf_u32(&c->ops, endpoint);
	buf_u64(&c->ops, number);
	buf_u64(&c->ops, (uint64_t)next_us);
	buf_bytes(&c->ops, reason);
}

void
commit_outbox_done(struct commit *c, uint32_t endpoint, uint64_t number)
{
	put_change(c, OUTCOME_DONE, endpoint, number, 0, (struct slice){0});
}

void
commit_outbox_try(struct commit *c, uint32_t endpoint, uint64_t number, int64_t next_us, struct slice reason)
{
	put_change(c, OUTCOME_TRY, endpoint, number, next_us, reason);
}

void
commit_outbox_park(struct commit *c, uint32_t endpoint, uint64_t number, struct slice reason)
{
	put_change(c, OUTCOME_PARK, endpoint, number, 0, reason);
}

void
commit_outbox_retry(struct commit *c, uint32_t endpoint, uint64_t number)
{
	put_change(c, OUTCOME_RETRY, endpoint, number, 0, (struct slice){0});
}

void
commit_outbox_drop(struct commit *c, uint32_t endpoint, uint64_t number)
{
	put_change(c, OUTCOME_DROP, endpoint, number, 0, (struct slice){0});
}
