/* standing.h - how an endpoint stands with its receiver: what has failed, when it is tried next, what it took lately.
 *
 * Kept in the store (STATE_ENDPOINT of scope 0, named by the endpoint) and written with the receipts of its events, so a
 * restart goes on where the last process was: it does not begin its waits anew. Whoever has the store may read it. */
#ifndef SLUICE_DELIVER_STANDING_H
#define SLUICE_DELIVER_STANDING_H

#include "deliver/pace.h"
#include "store/events_out.h"

#define STANDING_RING 20     /* deliveries that are remembered */
#define STANDING_REASON 240

struct delivered {
	char id[OUTBOX_ID_MAX + 1], type[OUTBOX_TYPE_MAX + 1];
	int64_t at_us, took_ms;
	uint64_t attempts;   /* this one included */
	int status;
};

struct standing { /* zero: nothing was ever sent */
	struct pace pace;
	uint64_t delivered, failed;          /* attempts, ever */
	int64_t delivered_us, failed_us;     /* the last of each; 0: none */
	int status;                          /* of the last failure; 0: there was no answer */
	char reason[STANDING_REASON];        /* of it; "" */
	struct delivered ring[STANDING_RING]; /* the next goes to delivered % STANDING_RING */
};

void standing_read(struct store *s, const char *endpoint, struct standing *out); /* none: zero */
void standing_put(struct commit *c, const char *endpoint, const struct standing *s);

/* An event was taken; what does not fit is cut. */
void standing_took(struct standing *s, const struct delivered *d);
/* A try failed; 410 switches off. asked_ms and dice as of pace_failed. */
struct standing_failure {
	int64_t now_us, asked_ms;
	int status;
	const char *reason;
	uint32_t dice;
};
void standing_failed(struct standing *s, const struct standing_failure *f);
size_t standing_lately(const struct standing *s);                      /* how many are remembered */
const struct delivered *standing_late(const struct standing *s, size_t i); /* 0: the newest */

#endif
