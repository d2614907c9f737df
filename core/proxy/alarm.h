/* alarm.h - wake-ups of the proxy: any number of them on one timer of the loop, due by the clock that is a parameter.
 *
 * An alarm rings once, from the loop, never from inside alarm_set; setting it again moves it. With a clock of their
 * own, tests move the time and call alarms_ring. */
#ifndef SLUICE_PROXY_ALARM_H
#define SLUICE_PROXY_ALARM_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>
#include "base/clock.h"

struct alarm {
	void (*ring)(void *arg); /* may set and clear alarms, also this one */
	void *arg;
	int64_t at;   /* monotonic milliseconds */
	size_t place; /* 1 + index in the heap; 0: not set */
};

struct alarms {
	const struct clock *clock;
	uv_timer_t *timer;   /* its memory is the loop's until it is closed */
	struct alarm **heap; /* the earliest first */
	size_t count, room;
	bool closed;
};

int alarms_init(struct alarms *a, uv_loop_t *loop, const struct clock *clock); /* negative: an error of libuv */
void alarms_finish(struct alarms *a,
                   void *owner);    /* nothing rings any more; owner is freed when the loop has let go of the timer */
void alarms_ring(struct alarms *a); /* those that are due now */
int64_t alarms_now(const struct alarms *a); /* monotonic milliseconds */
void alarm_set(struct alarms *a, struct alarm *alarm, int64_t at);
void alarm_clear(struct alarms *a, struct alarm *alarm); /* fine when it is not set */

#endif
