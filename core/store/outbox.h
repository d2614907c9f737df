/* outbox.h - events for endpoints, put by the transaction that makes them true; private to the store.
 *
 *   outbox   l                          the number last given to an endpoint
 *            e endpoint                 its queue: counters, then its name          (struct queue_entry)
 *            d endpoint                 what it wants, sealed; none: not in force
 *            q endpoint number          an event that waits: when it was made, then sealed
 *            p endpoint number          one that was given up: since when, then sealed
 *            n dataset                  its changes ever counted: added, updated, deleted
 *            s scope dataset            the same as of the last event of this scope that told of them
 *
 * The writer keeps a table of the endpoints in force. A dataset that one of them wants has, while a group is applied, an
 * event in the making for each (outgoing); a change of action, a full one or the commit's end puts it into the queue. So
 * a dataset that nobody wants costs one comparison a change, and nothing configured costs nothing.
 *
 * Who puts what: outbox.c queues; outbox_gap.c full ones; outbox_change.c what becomes of an event; outbox_rules.c which
 * endpoints there are; outbox_note.c changes of records; outbox_event.c events of the caller's; outbox_read.c reading;
 * outbox_verify.c. */
#ifndef SLUICE_STORE_OUTBOX_H
#define SLUICE_STORE_OUTBOX_H

#include "store/apply.h"
#include "store/events_out.h"

enum { OUTBOX_LAST = 'l', OUTBOX_ENTRY = 'e', OUTBOX_RULE = 'd', OUTBOX_PENDING = 'q', OUTBOX_PARKED = 'p', OUTBOX_TALLY = 'n',
       OUTBOX_MARK = 's' };

#define OUTBOX_EVENT_BYTES (256u << 10) /* of records in one event, unless one alone is larger */
#define OUTBOX_GROUP_BYTES (64u << 20)  /* of events in one transaction; from then on they name records only by their sequences */
#define OUTBOX_KEY_SIZE 13              /* of an event */
#define OUTBOX_REASON_MAX 1024

struct endpoint { /* one in force */
	uint32_t number;
	char *name;
	unsigned wants;
	char **of; /* NULL-terminated; empty: everything */
	bool pointer;
	uint64_t batch, max_pending;
};

struct queue_entry {
	uint64_t next; /* number of the next event */
	uint64_t gap;  /* of the last gap event; 0: none */
	uint64_t pending, bytes, parked, parked_bytes; /* bytes: as they stand in the file */
};
#define QUEUE_ENTRY_SIZE 48 /* then the name */

/* An event as it is sealed: slices are borrowed. */
struct queued {
	int64_t made_us, first_us, last_us, next_us, parked_us;
	uint64_t attempts;
	struct slice id, type, reason, body; /* id and type end in NUL, which counts */
};

struct loss { /* changes that found no room */
	struct dataset *d;
	uint64_t count, after, to;
};

struct queue { /* an endpoint's, while a group is applied */
	uint32_t endpoint;
	struct queue_entry e;
	struct buf name;
	bool dirty;
	struct loss *lost; /* of this commit */
	size_t n_lost;
	uint64_t lost_events;
};

struct outgoing { /* an event in the making */
	const struct endpoint *to;
	enum change_action action;
	bool bare; /* no records in it, only where they stand */
	uint64_t count, first, last; /* sequences; count 0: none */
	struct buf records;
};

struct tally {
	uint64_t added, updated, deleted;
};
#define TALLY_SIZE 24

struct heard { /* of a dataset that somebody wants */
	struct outgoing *out;
	size_t n;
	struct tally tally;
	bool dirty;
};

struct outbox_work { /* of a group */
	struct queue *queues;
	size_t n;
	uint64_t added, bytes;
	struct buf record;
};

struct change { /* of one record, as the feed has it */
	enum change_action action;
	uint64_t sequence, row;
	int64_t first_us, modified_us;
	struct slice id, json; /* json.p NULL: to be read from the row */
};

/* outbox.c */
struct outbox_work *outbox_work(struct group *g);
int outbox_queue(struct group *g, uint32_t endpoint, struct queue **out); /* refuses when there is none */
/* An event at the end of a queue; one that finds no room is counted there. d NULL: not of records. */
int outbox_put(struct group *g, const struct endpoint *to, const char *type, struct slice body, const struct loss *records);
int outbox_flush(struct group *g);      /* counters, before the transaction ends */
void outbox_work_free(struct outbox_work *w);
int outbox_append(struct group *g, struct queue *q, const char *type, struct slice body);
/* Puts or replaces an event under its key. was: bytes that it had there before; 0: none. */
int outbox_event_write(struct group *g, struct queue *q, char kind, uint64_t number, const struct queued *event, uint64_t was);
int outbox_event_take(struct group *g, struct queue *q, char kind, uint64_t number, uint64_t size);
/* MDB_NOTFOUND: none. Its slices lie in own; size for write and take. */
int outbox_event_read(struct group *g, const struct queue *q, char kind, uint64_t number, struct buf *own, uint64_t *size,
                      struct queued *event);
void outbox_event_key(uint8_t out[OUTBOX_KEY_SIZE], char kind, uint32_t endpoint, uint64_t number);
void outbox_entry_key(uint8_t out[5], char kind, uint32_t number);
bool outbox_entry_get(struct slice value, struct queue_entry *e, struct slice *name);
/* Opened into scratch, or borrowed from value; false: damaged. */
bool outbox_event_get(const struct seal *seal, struct slice key, struct slice value, struct buf *scratch, struct queued *q);

/* outbox_gap.c */
int outbox_settle(struct group *g); /* at the end of a commit: what is in the making goes, what was lost is told */

/* outbox_rules.c */
int outbox_load(struct group *g); /* the writer's table, when it is not as the file has it */
void outbox_free(struct outbox *o);
bool outbox_wants(const struct endpoint *e, const char *connection, const char *integration, const char *const *models);
const struct endpoint *outbox_endpoint(const struct outbox *o, uint32_t number); /* NULL: not in force */
bool outbox_rule_get(struct slice bytes, struct endpoint *e); /* yours, by endpoint_finish */
void endpoint_finish(struct endpoint *e);

/* outbox_note.c */
int outbox_listen(struct group *g, struct dataset *d); /* who wants it; again after the table has changed */
int outbox_note(struct group *g, struct dataset *d, const struct change *c);
int outbox_send(struct group *g); /* what is in the making goes */
void outbox_heard_free(struct dataset *d);
int outbox_tally(struct group *g, uint32_t dataset, struct tally *t);

#endif
