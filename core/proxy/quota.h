/* quota.h - how many requests were sent in a long span of wall time, and when the provider's number is used up.
 *
 * A quota per day (or several) is counted from midnight to midnight UTC, as providers do; any other slides, in sixtieths of
 * its span, of which one that has begun counts whole. Time is a parameter: milliseconds since 1970. */
#ifndef SLUICE_PROXY_QUOTA_H
#define SLUICE_PROXY_QUOTA_H

#include <stdbool.h>
#include <stdint.h>
#include "base/json.h"

#define QUOTA_PARTS 60

struct quota { /* zero: none */
	uint64_t n;
	int64_t per_ms;
	int64_t part_ms; /* a day's: all of it */
	int64_t parts;   /* that count besides the one that runs now */
	struct {
		int64_t number; /* wall time / part_ms */
		uint64_t count;
	} part[QUOTA_PARTS + 1];
	int64_t warned; /* number of the part when 80 % were used up; 0: not yet */
};

void quota_set(struct quota *q, uint64_t n, int64_t per_ms); /* n 0: leaves it; what was counted stays while the span does */
void quota_count(struct quota *q, int64_t now, uint64_t count);
uint64_t quota_used(const struct quota *q, int64_t now);
int64_t quota_until(const struct quota *q, int64_t now);    /* now: there is room; else when there will be */
int64_t quota_forecast(const struct quota *q, int64_t now); /* at the pace so far it is used up then; 0: it suffices */
bool quota_warn(struct quota *q, int64_t now);              /* true once in a span: 80 % are used up */
void quota_write(const struct quota *q, struct json_out *o); /* an array; nothing is lost by a clock that jumps ... */
void quota_read(struct quota *q, int64_t now, struct slice array); /* ... back: what lies ahead counts as now */

#endif
