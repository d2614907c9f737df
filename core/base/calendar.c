/* calendar.c - see calendar.h.
 *
 * Years begin in March here, so that a leap day is the last of its year, and months have lengths that one line gives
 * (153 days each five). An era is 400 years, 146097 days; 719468 days lie between the first of March of year 0 and 1970. */
#include "base/calendar.h"

int64_t
calendar_day(int64_t year, unsigned month, unsigned day)
{
	int64_t y = month <= 2 ? year - 1 : year;
	int64_t era = (y >= 0 ? y : y - 399) / 400;
	int64_t of_era = y - era * 400;
	int64_t of_year = (153 * ((int64_t)month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

	return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

struct calendar_date
calendar_date(int64_t day)
{
	int64_t z = day + 719468;
	int64_t era = (z >= 0 ? z : z - 146096) / 146097;
	int64_t of_era = z - era * 146097;
	int64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
	int64_t of_year = of_era - (365 * year + year / 4 - year / 100);
	int64_t shifted = (5 * of_year + 2) / 153;
	struct calendar_date d = {
		.month = (unsigned)(shifted < 10 ? shifted + 3 : shifted - 9),
		.day = (unsigned)(of_year - (153 * shifted + 2) / 5 + 1),
	};

	d.year = year + era * 400 + (d.month <= 2);
	return d;
}

unsigned
calendar_weekday(int64_t day)
{
	return (unsigned)(((day + 4) % 7 + 7) % 7);
}
