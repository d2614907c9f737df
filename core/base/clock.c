/* clock.c - where the time comes from.
 *
 * Guarantee: whoever was given no clock (NULL, or one with empty slots) has the system's: zero is the default.
 * Awkward: CLOCK_MONOTONIC stands still while a machine sleeps; CLOCK_BOOTTIME would not, but the event loop's timers
 * count by the former, and a deadline must not be compared with another clock than the one that wakes us. */
#include "base/clock.h"

#include <time.h>

static int64_t
system_mono_ms(void *arg)
{
	struct timespec t;

	(void)arg;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static int64_t
system_wall_us(void *arg)
{
	struct timespec t;

	(void)arg;
	clock_gettime(CLOCK_REALTIME, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

const struct clock clock_system = {.mono_ms = system_mono_ms, .wall_us = system_wall_us};

int64_t
clock_mono_ms(const struct clock *c)
{
	return c && c->mono_ms ? c->mono_ms(c->arg) : system_mono_ms(NULL);
}

int64_t
clock_wall_us(const struct clock *c)
{
	return c && c->wall_us ? c->wall_us(c->arg) : system_wall_us(NULL);
}
