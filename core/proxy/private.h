/* private.h - what the proxy's own files know of each other: the proxy itself and its rate-limit queues. Not for
 * others. */
#ifndef SLUICE_PROXY_PRIVATE_H
#define SLUICE_PROXY_PRIVATE_H

#include "proxy/alarm.h"
#include "proxy/bucket.h"
#include "proxy/engine.h"
#include "proxy/proxy.h"

/* A rate limit and those who wait for it, first come, first served. Shared by the targets of one limit_key. */
struct queue {
	struct queue *next;
	struct proxy *proxy;
	char *key;
	struct bucket bucket;
	struct alarm alarm;
	struct proxy_call *first, **last;
	unsigned refs; /* targets */
};

#define PROXY_SPARES 4

struct proxy {
	const struct clock *clock;
	struct alarms alarms;
	struct engine *engine;
	struct queue *queues;
	struct proxy_call *calls; /* all that have not ended */
	uint64_t random;
	uint64_t max_answer;
	int64_t connect_ms, request_ms, retry_base_ms, retry_max_ms;
	unsigned retries, slow_bytes, slow_seconds;
	char *ca_file, *user_agent;
	struct buf spare[PROXY_SPARES]; /* memory of bodies that were done with; empty: p NULL */
	bool closed;                    /* proxy_free was called; the memory is there until the loop's next turn */
};

#define PROXY_SPARE_MAX (512 * 1024)                   /* bytes; larger ones are given back */
void proxy_spare_put(struct proxy *p, struct buf *b);  /* takes it, or leaves it */
void proxy_spare_take(struct proxy *p, struct buf *b); /* b is empty, and may stay so */

struct queue *queue_join(struct proxy *p, const char *key); /* finds or makes; one reference more */
void queue_leave(struct queue *q);
void queue_add(struct queue *q, struct proxy_call *c);    /* call_granted(c) comes at once or later */
void queue_remove(struct queue *q, struct proxy_call *c); /* fine when it is not in it */
void queue_pause(struct queue *q, int64_t until);         /* call_refused(c) for those who cannot wait so long */
void queue_pump(struct queue *q);
int64_t queue_until(const struct queue *q); /* when the next one may be granted, as far as is known */
void queues_close(struct proxy *p);         /* the proxy goes; queues of targets that are still there go with those */

uint64_t proxy_random(struct proxy *p);
int64_t proxy_now(const struct proxy *p); /* monotonic milliseconds */
/* For tests with a clock of their own: looks at the time again. Everything due happens before it returns. */
void proxy_poke(struct proxy *p);

#endif
