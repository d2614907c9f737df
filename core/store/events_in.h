/* events_in.h - the inbox of the store: events that providers sent, each connection's in the order of their arrival.
 *
 * An event waits until what its handler saved is durable, and its end stands in the same commit. Operations of a commit and
 * reading calls keep to the rules of store.h. */
#ifndef SLUICE_STORE_EVENTS_IN_H
#define SLUICE_STORE_EVENTS_IN_H

#include "store/store.h"

enum inbox_state { INBOX_WAITING = 1, INBOX_DONE, INBOX_DEAD };
struct inbox_event {
	uint64_t number;      /* over all connections, ascending, never reused */
	uint32_t scope;       /* of the connection */
	enum inbox_state state;
	uint64_t attempts;    /* that failed */
	uint64_t run;         /* of the last attempt; 0: none */
	int64_t arrived_us, happened_us;
	int64_t next_us;      /* waiting: not before then; 0: at once */
	int64_t settled_us;   /* done, or put aside; 0: waits */
	const char *connection, *integration;
	struct slice webhook; /* which handler */
	struct slice id, type, reason, body;
};
/* Waits from now on; takes scope, times, webhook, id, type and body. One of this scope, webhook and id that is there already, in
 * whatever state, stays as it is and counts `known`. */
void commit_inbox(struct commit *c, const struct inbox_event *e);
/* But for INBOX_DROP, which may meet nothing, a commit whose event is not there, or not in the state that it leads from, is
 * refused whole (ERR_USAGE): so what a handler saved is durable with the event's end, once. */
struct inbox_change {
	enum { INBOX_HANDLED = 1, INBOX_FAILED, INBOX_PARK, INBOX_AGAIN, INBOX_DROP } what; /* AGAIN: a dead one waits again */
	uint64_t run;
	int64_t next_us;     /* FAILED: not before then */
	struct slice reason; /* FAILED, PARK */
};
void commit_inbox_change(struct commit *c, uint64_t number, const struct inbox_change *how);
struct inbox_query {
	uint32_t scope;         /* 0: all */
	enum inbox_state state; /* 0: any */
	uint64_t after;         /* number; newest first: before; 0: from that end */
	size_t limit;           /* 0: 100 */
	bool newest_first;
};
int store_inbox(struct store *s, const struct inbox_query *q, bool (*each)(void *arg, const struct inbox_event *e), void *arg,
                struct err *err);
bool store_inbox_get(struct store *s, uint64_t number, void (*fn)(void *arg, const struct inbox_event *e), void *arg);
/* The first that waits, whether its time has come or not. */
bool store_inbox_next(struct store *s, uint32_t scope, uint64_t after, void (*fn)(void *arg, const struct inbox_event *e), void *arg);
struct inbox_count {
	uint32_t scope;
	const char *connection, *integration;
	uint64_t n; /* more than 0 */
};
/* How many of each connection are in this state, INBOX_WAITING or INBOX_DEAD; costs what it counts, and reads no event. */
int store_inbox_count(struct store *s, enum inbox_state state, void (*each)(void *arg, const struct inbox_count *n), void *arg,
                      struct err *err);

#endif
