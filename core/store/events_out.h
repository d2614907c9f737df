/* events_out.h - the outbox of the store: events for the endpoints of applications, each endpoint with a queue of its own.
 *
 * An event of a record is put by the very transaction that changes the record, whoever asked for the change: a page, the
 * publishing of what was staged, a sweep, a held delete confirmed, a letter tried again, a merge that follows. Each
 * change of the feed stands in the queue of each endpoint that wants it exactly once, in the feed's order.
 *
 * Body of such an event (type "records.created", "records.updated", "records.deleted"):
 *   {"type":T,"timestamp":RFC 3339,"data":{"connection","integration","model","variant" (unless base),"count":N,
 *    "after":A,"to":B,"records":[{...the record, "_sluice":{"id","action","sequence","first_seen_at","modified_at"}}]}}
 * Successive changes of one action in one commit share an event, of at most `batch` records or about 256 KiB. after and
 * to are sequence numbers: the feed behind `after` shows all of it and ends at `to` (or later, compacted). A deleted
 * record is told with its last payload. pointer leaves "records" out; so does what is beyond 64 MiB of one transaction.
 *
 * More than max_pending: what comes is not queued but counted, in one event of type "gap" at that place of the queue,
 *   {"type":"gap","timestamp","data":{"events":N,"datasets":[{"connection","integration","model","variant"?,"count",
 *    "after","to"}]}}
 * that grows (by another one in its place, with another number and id) until it is the head of its queue; from then on it
 * stays as it is, and a further one stands at the end. */
#ifndef SLUICE_STORE_EVENTS_OUT_H
#define SLUICE_STORE_EVENTS_OUT_H

#include "store/store.h"

enum { OUTBOX_CREATED = 1, OUTBOX_UPDATED = 2, OUTBOX_DELETED = 4 }; /* of wants; further bits are the caller's own */
#define OUTBOX_ID_MAX 40
#define OUTBOX_TYPE_MAX 64

struct outbox_rule {
	const char *name;
	unsigned wants;
	const char *const *of; /* "connection:integration:model", each part may be *, missing ones are; NULL-terminated; NULL: everything */
	bool pointer;
	uint64_t batch;       /* records in one event; 0: 100 */
	uint64_t max_pending; /* 0: 100 000 */
};
/* These endpoints there are from now on, durably: also a process that was not told of them puts events for them. The queue of
 * one that is no longer named stays, and gets nothing more. Waits for its commit, when there is anything new. */
int store_outbox_rules(struct store *s, const struct outbox_rule *list, size_t n, struct err *err);
uint32_t store_outbox_endpoint(struct store *s, const char *name); /* its number, for good; 0: none */

/* What the writer puts into a body, since only it knows: a number, in decimal. */
enum event_counted { EVENT_ADDED, EVENT_UPDATED, EVENT_DELETED, EVENT_UNCHANGED, EVENT_HELD };
struct event_count {
	size_t at;        /* offset in the body where it is to stand; ascending */
	uint32_t dataset; /* 0: all that this commit has touched */
	enum event_counted what;
	uint64_t base;    /* that many more */
	bool since;       /* instead: changes of the dataset since the event before of the same `scope` that counted them so
	                     (exact over kills and failed runs; counted while an endpoint wants the dataset) */
};
struct event {
	uint32_t endpoint;    /* 0: each that wants it */
	unsigned wants;       /* the bit */
	const char *connection, *integration;
	const char *const *models; /* NULL-terminated: one of them must be wanted too; NULL: any */
	const char *type;
	struct slice body;    /* one JSON object once the counts are in */
	const struct event_count *counts;
	size_t n_counts;
	bool unless_zero;     /* not put when all counts are 0 */
	uint32_t scope;       /* of counts that say `since` */
};
/* Counts see the operations before it in this commit. Everything is copied. */
void commit_event(struct commit *c, const struct event *e);
bool store_outbox_wanted(struct store *s, unsigned wants); /* some endpoint in force wants one of these bits */

struct outbox_event {
	uint32_t endpoint;
	uint64_t number;  /* in its endpoint's queue: ascending, never reused */
	const char *id;   /* "evt_...": the same over all attempts, also after being parked */
	const char *type;
	struct slice body; /* exactly what is signed and sent */
	int64_t made_us;
	uint64_t attempts; /* that failed, since it was queued or retried by a person */
	int64_t first_try_us, last_try_us, next_try_us; /* 0: none */
	struct slice reason; /* of the last failure */
	int64_t parked_us;   /* 0: it waits in the queue */
};
typedef bool outbox_each(void *arg, const struct outbox_event *e);
/* The head of the endpoint's queue; false: it is empty. An event's body never changes under its number. */
bool store_outbox_next(struct store *s, uint32_t endpoint, void (*fn)(void *arg, const struct outbox_event *e), void *arg);
bool store_outbox_get(struct store *s, uint32_t endpoint, uint64_t number, void (*fn)(void *arg, const struct outbox_event *e),
                      void *arg); /* pending or parked */
struct outbox_query {
	uint32_t endpoint;
	bool parked;
	uint64_t after; /* number */
	size_t limit;   /* 0: 100 */
};
int store_outbox_list(struct store *s, const struct outbox_query *q, outbox_each *each, void *arg, struct err *err);

struct outbox_info {
	uint32_t endpoint;
	const char *name;
	bool in_force;           /* false: its section is gone; what it has stays until it is dropped */
	uint64_t pending, bytes; /* of bodies */
	uint64_t parked, parked_bytes;
	int64_t oldest_us;       /* when the head of the queue was made; 0: it is empty */
};
int store_outbox_endpoints(struct store *s, bool (*each)(void *arg, const struct outbox_info *), void *arg, struct err *err);
uint64_t store_outbox_added(const struct store *s); /* events that became durable since the store was opened; cheap, any thread */

/* What becomes of one. That it is gone is fine, but for retry. */
void commit_outbox_done(struct commit *c, uint32_t endpoint, uint64_t number); /* delivered: away */
/* An attempt failed: counted, with the time when the next is due. */
void commit_outbox_try(struct commit *c, uint32_t endpoint, uint64_t number, int64_t next_us, struct slice reason);
void commit_outbox_park(struct commit *c, uint32_t endpoint, uint64_t number, struct slice reason); /* given up */
/* A parked one goes to the end of its queue, with its id, as if it had never been tried; one that waits is due at once.
 * ERR_USAGE when there is none. */
void commit_outbox_retry(struct commit *c, uint32_t endpoint, uint64_t number);
/* Of an endpoint that is not in force, with its last event the endpoint goes too. */
void commit_outbox_drop(struct commit *c, uint32_t endpoint, uint64_t number);
/* Those parked, and those of endpoints not in force, since before then: for retention. Oldest first in each queue. */
int store_outbox_old(struct store *s, int64_t before_us, size_t limit,
                     void (*each)(void *arg, uint32_t endpoint, uint64_t number), void *arg, struct err *err);

#endif
