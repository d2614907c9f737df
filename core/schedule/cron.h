/* cron.h - cron expressions: five fields, or @hourly and its like, and when they are next due in a zone. */
#ifndef SLUICE_SCHEDULE_CRON_H
#define SLUICE_SCHEDULE_CRON_H

#include <stdbool.h>
#include <stdint.h>
#include "base/err.h"
#include "schedule/zone.h"

struct cron { /* bit n of a field: n fits; filled by cron_parse */
	uint64_t minutes;
	uint32_t hours, days, months;
	uint32_t weekdays;  /* 0 = Sunday */
	bool any_day;       /* day of the month or weekday began with '*': both must fit; else one is enough */
	bool every_hour;
};

int cron_parse(struct cron *c, const char *text, struct err *err); /* ERR_USAGE with what is wrong and an example */

/* The first due time after `after`, both in microseconds since 1970. What is skipped by a clock change is due when the
 * clocks were set; what comes twice is due the first time, but an expression for every hour in both hours. */
int64_t cron_next(const struct cron *c, const struct zone *z, int64_t after_us);
/* The last one in (from, to]; 0: none. */
int64_t cron_last(const struct cron *c, const struct zone *z, int64_t from_us, int64_t to_us);

#endif
