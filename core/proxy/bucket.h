/* bucket.h - one rate limit, shared by all who use the same credential: who may send now, and when the next one may.
 *
 * At most `n` sendings in any span of `per_ms`; none while the provider asked to wait, nor when it said that none are
 * left. Time is a parameter everywhere: milliseconds of the monotonic clock. */
#ifndef SLUICE_PROXY_BUCKET_H
#define SLUICE_PROXY_BUCKET_H

#include <stddef.h>
#include <stdint.h>

struct bucket {
	uint64_t n; /* 0: no rate known */
	int64_t per_ms;
	int64_t *sent; /* ring of the last n sendings */
	size_t room, first, count;
	unsigned starting; /* granted, but still connecting */
	int64_t last_taken;
	int64_t paused_until;     /* nothing before; 0: never */
	int64_t soft_until;       /* after a pause: not all at once until then */
	int64_t left, left_until; /* the provider: so many until then; left < 0: not known */
	unsigned flying;          /* taken, not yet answered */
};

void bucket_init(struct bucket *b);
void bucket_finish(struct bucket *b);
void bucket_rate(struct bucket *b, uint64_t n, int64_t per_ms); /* n 0: leaves it as it is */
/* now, or the time when to ask again; INT64_MAX: when one of those that are starting was sent. */
int64_t bucket_next(const struct bucket *b, int64_t now, uint64_t random);
void bucket_take(struct bucket *b, int64_t now);  /* one may start; bucket_sent follows */
void bucket_sent(struct bucket *b, int64_t now);  /* it is on the wire, or never will be */
void bucket_again(struct bucket *b, int64_t now); /* one that was sent is sent once more, without being asked */
void bucket_answered(struct bucket *b);           /* it came back, or never will */
void bucket_pause(struct bucket *b, int64_t now,
                  int64_t until); /* the provider, or a backoff, says so; never shortened */
void bucket_learn(struct bucket *b, int64_t remaining, int64_t until); /* from the answer's headers */
int bucket_idle(const struct bucket *b, int64_t now);                  /* nothing to remember */

#endif
