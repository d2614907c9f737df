/* zone.h - time zones by their IANA names: what the clock on the wall says, and when it says so.
 *
 * Civil time is counted in seconds as if it were UTC ("local seconds"), so that days and hours are plain arithmetic. */
#ifndef SLUICE_SCHEDULE_ZONE_H
#define SLUICE_SCHEDULE_ZONE_H

#include <stdint.h>
#include "base/err.h"

struct zone;

struct zone *zone_open(const char *name, struct err *err); /* NULL or "": UTC. NULL: ERR_USAGE, unknown */
void zone_close(struct zone *z);

int64_t zone_local(const struct zone *z, int64_t utc); /* seconds since 1970 to local seconds */

/* When the wall shows `local`. An hour that comes twice: first < second. One that is skipped: both are the moment at
 * which the clocks are set forward. Else: both the same. */
struct zone_times { int64_t first, second; };
struct zone_times zone_utc(const struct zone *z, int64_t local);

/* The moment in (from, to] at which the clocks are set, at most one in that span; to when there is none. */
int64_t zone_change(const struct zone *z, int64_t from, int64_t to);

#endif
