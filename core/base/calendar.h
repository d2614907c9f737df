/* calendar.h - days of the proleptic Gregorian calendar, counted from 1970-01-01. Plain arithmetic: no zone, no libc. */
#ifndef SLUICE_BASE_CALENDAR_H
#define SLUICE_BASE_CALENDAR_H

#include <stdint.h>

struct calendar_date { int64_t year; unsigned month, day; /* from 1 */ };
struct calendar_date calendar_date(int64_t day);
int64_t calendar_day(int64_t year, unsigned month, unsigned day);
unsigned calendar_weekday(int64_t day); /* 0: Sunday */

#endif
