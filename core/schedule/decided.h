/* decided.h - what people decided about a sync, as it stands in the store; with or without a service. (What they decided about
 * a connection: run/connections.h.)
 *
 * STATE_SCHEDULE of a sync: {"paused","started","asked","full_refresh","reset","forgiven_us","cancelled","every_ms"}. All writing is durable before the call
 * returns. */
#ifndef SLUICE_SCHEDULE_DECIDED_H
#define SLUICE_SCHEDULE_DECIDED_H

#include "run/connections.h"
#include "schedule/service.h"

struct decided {
	bool paused, started;
	bool asked, full_refresh, reset; /* a run that was asked for and has not begun */
	int64_t forgiven_us;             /* `sluice start`: refusals before it count no more; 0: never said */
	uint64_t cancelled;              /* a run that a person has ended: not gone on with before its next due time */
	int64_t every_ms;                /* an interval that an application gave it; 0: none (plan.h says what it is worth) */
};

struct chosen { /* borrowed */
	const struct connection_settings *connection;
	const struct manifest *manifest;
	const struct manifest_sync *sync;
};

struct decided decided_of(struct host *h, const struct chosen *c);
int decided_put(struct host *h, const struct chosen *c, const struct decided *d, struct err *err);
void decided_commit(struct commit *c, uint32_t scope, const struct decided *d); /* into a commit */
uint32_t chosen_scope(struct host *h, const struct chosen *c, bool make, struct err *err); /* 0: none, or an error */

/* Calls each for every sync that is meant; a name that the question leaves out means all. 0, or -1: there is none (ERR_USAGE, with
 * the reason when its plugin or its secrets cannot be had), or each said so by -1. */
int chosen_each(struct host *h, const struct service_ask *a, int (*each)(void *arg, const struct chosen *c, struct err *err),
                void *arg, struct err *err);
bool ask_fits(const struct service_ask *a, const struct connection_settings *k);

#endif
