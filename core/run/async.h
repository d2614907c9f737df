/* async.h - actions that nobody waits for: kept in the store, carried out in the order asked, and their results kept until
 * somebody has fetched them.
 *
 *   asked (durable) -> queued -> begun (durable) -> done or failed (durable) -> fetched -> gone
 *
 * Guarantees. What was accepted is carried out, also after a kill. One that its connector does not call repeatable is begun at
 * most once: whether it was carried out when the host was killed in the midst of it is not known, so it ends as failed and says
 * so. A repeatable one is begun again. At most ASYNC_AT_ONCE at a time; the others wait, first come first served. */
#ifndef SLUICE_RUN_ASYNC_H
#define SLUICE_RUN_ASYNC_H

#include "run/actions.h"

#define ASYNC_AT_ONCE 8
#define ASYNC_WAITING_MAX 10000
#define ASYNC_ID_SIZE 37                             /* a UUID and its NUL */
#define ASYNC_KEEP_MS (INT64_C(7) * 24 * 3600 * 1000) /* a result that nobody fetches */
#define ASYNC_FETCHED_MS (INT64_C(3600) * 1000)       /* one that was fetched, for who lost the answer */

/* What is in the store is gone on with. By the service, when it begins; nothing begins before. */
void async_begin(struct host *h);
/* a: checked against the connector. told comes once it is durable, with its id, or with err. -1: it cannot be kept at all, or
 * too many wait (ERR_BUSY); told is not called. */
int async_put(struct host *h, const struct action_ask *a, void (*told)(void *arg, const char *id, const struct err *err), void *arg,
              struct err *err);

struct async_view {
	bool done;                    /* else it waits or is under way */
	struct action_result result;  /* when done; borrowed from row and texts */
	struct buf row, texts;
};
/* False: no such action. A result that is looked at counts as fetched. */
bool async_look(struct host *h, const char *id, struct async_view *v);
void async_view_finish(struct async_view *v);

void async_stop(struct host *h); /* none is begun from now on, and what is stopped is gone on with by the next host */
void async_end(struct host *h);  /* of host_free, behind actions_end */

#endif
