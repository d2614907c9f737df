/* clock.h - time as a parameter, and time as text.
 *
 * Inside, time is monotonic milliseconds (deadlines, waits) or wall-clock microseconds since 1970 (what is stored);
 * at the edges it is RFC 3339 UTC. Whoever needs the time is given a `struct clock`, so no test sleeps. */
#ifndef SLUICE_BASE_CLOCK_H
#define SLUICE_BASE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>
#include "base/buf.h"

struct clock {
	int64_t (*mono_ms)(void *arg); /* milliseconds, never goes back */
	int64_t (*wall_us)(void *arg); /* microseconds since 1970-01-01T00:00:00Z */
	void *arg;
};

extern const struct clock clock_system;
int64_t clock_mono_ms(const struct clock *c);
int64_t clock_wall_us(const struct clock *c);

#define TIME_TEXT_MAX 40
const char *time_format(int64_t us, char out[TIME_TEXT_MAX]);    /* 2026-11-23T06:55:17.123456Z; always six decimals */
const char *time_format_ms(int64_t us, char out[TIME_TEXT_MAX]); /* the same with three decimals */
bool time_parse(struct slice text, int64_t *us);      /* RFC 3339, any offset, 0-9 decimals; false: not one */
bool time_parse_http(struct slice text, int64_t *us); /* RFC 9110 date, all three forms; false: not one */

/* "every 15 minutes", "15m", "1.5 hours", "every half hour", "quarter hour", "half day", "every day", "every week",
 * "every month" (30 days), "90s", "250ms", "3600" (seconds). false: no duration. */
bool duration_parse(struct slice text, int64_t *ms);
const char *duration_format(int64_t ms, char out[TIME_TEXT_MAX]); /* "1h30m", "2.4s", "350ms" */

/* "32MiB", "64KiB", "1GiB", "512" (bytes), "10MB" (10^6). false: no size. */
bool size_parse(struct slice text, uint64_t *bytes);
const char *size_format(uint64_t bytes, char out[TIME_TEXT_MAX]); /* "1.5 MiB" */
const char *number_text(uint64_t n, char out[32]);                /* "1 234 567" */

#endif
