/* private.h - what the proxy's own files know of each other: the proxy itself and its rate-limit queues. Not for
 * others. */
#ifndef SLUICE_PROXY_PRIVATE_H
#define SLUICE_PROXY_PRIVATE_H

#include "proxy/alarm.h"
#include "proxy/bucket.h"
#include "proxy/engine.h"
#include "proxy/proxy.h"
#include "proxy/quota.h"

/* A rate limit, a quota, or both, shared by the targets that name its key. Who waits for it stands in line.c. */
struct queue {
	struct queue *next;
	struct proxy *proxy;
	char *key;
	struct bucket bucket;
	struct quota quota;
	unsigned refs;           /* targets */
	uint64_t looked;         /* in this round of line_pump next_at was worked out; 0: anew */
	int64_t next_at;
	bool dirty;              /* something is not in the keeper's hands yet */
	uint64_t unsaved, saving; /* requests that no durable record counts yet; of these, on their way into one */
	uint64_t lease;          /* so many may be unsaved; 0: nothing is kept, or nothing is limited */
};

struct proxy_keeper { /* who writes limits down; zero: nobody */
	void (*save)(void *arg);
	void *arg;
};

#define PROXY_SPARES 4

struct proxy {
	const struct clock *clock;
	struct alarms alarms;
	struct engine *engine;
	struct queue *queues;
	struct proxy_target *line_first, *line_last; /* whose calls wait, in the order of their turns */
	struct alarm line_alarm, keep_alarm;
	uint64_t round;       /* of line_pump */
	bool in_round, again; /* it is at work; something changed meanwhile */
	struct proxy_keeper keeper;
	void (*told)(void *arg, const char *label, int status, int64_t took_ms);
	void *told_arg;
	bool keeping;         /* a save is under way */
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

/* queue.c: the limits themselves */
struct queue *queue_join(struct proxy *p, const char *key); /* finds or makes; one reference more */
void queue_leave(struct queue *q);
void queue_rate(struct queue *q, uint64_t n, int64_t per_ms); /* n 0: leaves it as it is */
void queue_quota(struct queue *q, uint64_t n, int64_t per_ms);
int64_t queue_next(const struct queue *q, int64_t now, uint64_t random); /* as bucket_next, the quota too */
int64_t queue_asked(const struct queue *q, int64_t now); /* until when provider or quota keep us waiting; else now */
void queue_take(struct queue *q, int64_t now);
void queue_again(struct queue *q, int64_t now); /* one more was sent, without being asked */
void queue_changed(struct queue *q); /* it shall be written down */
void queues_close(struct proxy *p);  /* the proxy goes; queues of targets that are still there go with those */
/* line.c: those who wait */
void line_add(struct proxy_call *c);    /* call_granted(c) comes at once or later */
void line_remove(struct proxy_call *c); /* fine when it does not wait */
void line_pause(struct queue *q, int64_t until); /* call_refused(c) for those who cannot wait so long */
void line_pump(struct proxy *p);
void line_soon(struct proxy *p);        /* from the loop: for who may not grant where he is */
int64_t line_until(const struct proxy_call *c, const struct queue **what); /* when it may be granted, as far as is known; 0: open */

uint64_t proxy_random(struct proxy *p);
int64_t proxy_now(const struct proxy *p); /* monotonic milliseconds */
/* For tests with a clock of their own: looks at the time again. Everything due happens before it returns. */
void proxy_poke(struct proxy *p);

#endif
