/* deliver.h - webhooks out: what stands in the store's outbox is posted to the endpoints of applications.
 *
 *   outbox of an endpoint --head--> signed, posted --2xx--> receipt in the store --> the next one
 *                            ^                    '--else--> attempt in the store, wait (pace.h)
 *                            '--------------------------------'       '--give_up--> parked, the next one
 *
 * Guarantees. Each event is delivered at least once, with the same id each time, and those of one endpoint in order: none is
 * sent before the one before it was taken or given up. Endpoints know nothing of each other, and none of them slows a sync:
 * all waits for a receiver are transfers on the loop. Attempts and waits are in the store: a restart goes on with them.
 *
 * Awkward: receipts are written by the group, while the next event is already on its way; so a crash repeats those of the last
 * moments, in their order. */
#ifndef SLUICE_DELIVER_DELIVER_H
#define SLUICE_DELIVER_DELIVER_H

#include "deliver/standing.h"
#include "run/run.h"

struct deliver;

struct deliver_options {
	uv_loop_t *loop;
	struct host *host; /* with a store */
	/* Signs the X-Nango headers where an endpoint has no nango_secret: borrowed, asked for each event; NULL: none. */
	const struct secret *(*nango_key)(void *arg);
	void *arg;
	int64_t tick_ms;   /* the clock is looked at so often while somebody waits, for it may be set; 0: 1000 */
};
struct deliver *deliver_new(const struct deliver_options *o, struct err *err); /* host_deliver from now on; begins at once */
void deliver_settled(struct deliver *d); /* other settings are in force, maybe; endpoints that answered 410 are tried again */
/* No event is sent any more; answers that are under way are waited for, two seconds at most: then deliver_idle. */
void deliver_stop(struct deliver *d);
bool deliver_idle(const struct deliver *d); /* nothing is under way */
void deliver_free(struct deliver *d); /* what is under way will be repeated; turns the loop until all is closed. NULL is fine */

/* A person wants what waits at this endpoint to be tried now, also where it was switched off. False: there is none. */
bool deliver_again(struct deliver *d, const char *endpoint);

enum deliver_state {
	DELIVER_IDLE,     /* nothing waits */
	DELIVER_SENDING,
	DELIVER_WAITING,  /* the last try failed, and the next is at next_us; or there is no service that would send */
	DELIVER_OPEN,     /* the same, and several failed in a row: the circuit is open */
	DELIVER_GONE,     /* the receiver answered 410: until a person or a reload says so */
	DELIVER_OFF,      /* active = no, or it cannot be used: trouble says why */
	DELIVER_LEFT,     /* its section is gone, its events are still there */
	DELIVER_STATES
};
extern const char *const deliver_states[DELIVER_STATES]; /* as they stand in every output */

/* Each endpoint of the settings, and each that has events. Borrowed in calls. */
struct deliver_view {
	const char *name;
	const struct webhook_settings *settings; /* NULL: its section is gone */
	enum deliver_state state;
	const char *trouble;                     /* NULL: none */
	const struct standing *standing;
	struct outbox_info outbox;               /* zero: it never had an event */
};
/* With struct deliver in this process from memory, else as it stands in the store. */
int deliver_each(struct host *h, bool (*each)(void *arg, const struct deliver_view *v), void *arg, struct err *err);

#endif
