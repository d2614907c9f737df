/* pace.h - when an endpoint is tried again: pure logic on a clock that is given.
 *
 *   fails in a row   1    2    3    4     5     6    7    8    9 and more
 *   next try after   5 s  30 s 2 m  10 m  30 m  1 h  2 h  4 h  6 h            (each times 0.75 to 1.25)
 *
 * A receiver's Retry-After makes it later, by a day at most. From PACE_OPEN failures in a row on the circuit is open: the next
 * try is a probe, and one that succeeds closes it. 410 switches the endpoint off, until a person or a reload says so.
 *
 * Awkward: next_us is wall time, for it must outlive the process; so a clock that was set back is met by never waiting longer
 * than the longest wait there is. */
#ifndef SLUICE_DELIVER_PACE_H
#define SLUICE_DELIVER_PACE_H

#include <stdbool.h>
#include <stdint.h>

#define PACE_OPEN 5
#define PACE_ASKED_MAX_MS INT64_C(86400000) /* of a receiver's Retry-After */
#define PACE_NEVER (-1)

struct pace { /* zero: nothing has failed */
	uint64_t failures;  /* in a row */
	int64_t failing_us; /* since the first of them */
	int64_t next_us;    /* not before; wall; 0: at once */
	bool gone;          /* the receiver said 410 */
};

/* asked_ms: the receiver's Retry-After, negative: none. dice: any random number. */
void pace_failed(struct pace *p, int64_t now_us, int64_t asked_ms, uint32_t dice);
void pace_well(struct pace *p);                            /* a try succeeded */
void pace_again(struct pace *p);                           /* a person wants the next try now */
bool pace_open(const struct pace *p);
int64_t pace_wait_ms(const struct pace *p, int64_t now_us); /* 0: now; PACE_NEVER: switched off */

#endif
