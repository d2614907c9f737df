/* base_time.c - points in time, durations and sizes as text, there and back. */
#include "../tap.h"
#include "base/calendar.h"
#include "base/clock.h"
#include "base/mem.h"

#define US INT64_C(1000000)

static int64_t
fixed(void *arg)
{
	return *(int64_t *)arg;
}

TEST("a clock is a parameter; without one it is the system's")
{
	int64_t now = 1234;
	struct clock c = {.mono_ms = fixed, .wall_us = fixed, .arg = &now};

	CHECK_INT(clock_mono_ms(&c), 1234);
	CHECK_INT(clock_wall_us(&c), 1234);
	CHECK(clock_wall_us(NULL) > 1700000000 * US);
	CHECK(clock_wall_us(&(struct clock){0}) > 1700000000 * US);
	CHECK(clock_mono_ms(&clock_system) <= clock_mono_ms(&clock_system));
}

TEST("a time is written as RFC 3339 with six decimals")
{
	static const struct { int64_t us; const char *text; } table[] = {
		{0, "1970-01-01T00:00:00.000000Z"},
		{1, "1970-01-01T00:00:00.000001Z"},
		{-1, "1969-12-31T23:59:59.999999Z"},
		{951782400 * US, "2000-02-29T00:00:00.000000Z"},
		{1709164799 * US, "2024-02-28T23:59:59.000000Z"},
		{1709251199 * US + 123456, "2024-02-29T23:59:59.123456Z"},
		{4107542400 * US, "2100-03-01T00:00:00.000000Z"},
		{253402300799 * US + 999999, "9999-12-31T23:59:59.999999Z"},
		{-62135596800 * US, "0001-01-01T00:00:00.000000Z"},
	};
	char text[TIME_TEXT_MAX];

	for (size_t i = 0; i < LENGTH(table); i++) {
		int64_t back = 0;
		CHECK_STR(time_format(table[i].us, text), table[i].text);
		CHECK(time_parse(slice_str(text), &back));
		CHECK_INT(back, table[i].us);
	}
	CHECK_STR(time_format_ms(1709251199 * US + 123999, text), "2024-02-29T23:59:59.123Z");
	CHECK(strlen(time_format(INT64_MAX, text)) < TIME_TEXT_MAX);
	CHECK(strlen(time_format(INT64_MIN, text)) < TIME_TEXT_MAX);
}

TEST("every day of 400 years comes back")
{
	char text[TIME_TEXT_MAX];

	for (int64_t day = -70000; day < 80000; day++) {
		int64_t us = day * 86400 * US + 43200 * US, back = 0;
		REQUIRE(time_parse(slice_str(time_format(us, text)), &back));
		REQUIRE(back == us);
	}
}

TEST("RFC 3339 is read with any offset and up to nine decimals")
{
	static const struct { const char *text; int64_t us; } table[] = {
		{"2023-11-14T22:13:20Z", 1700000000 * US},
		{"2023-11-14t22:13:20z", 1700000000 * US},
		{"2023-11-14 22:13:20Z", 1700000000 * US},
		{"2023-11-15T00:13:20+02:00", 1700000000 * US},
		{"2023-11-14T16:43:20-05:30", 1700000000 * US},
		{"2023-11-14T22:13:20-00:00", 1700000000 * US},
		{"2023-11-14T22:13:20.5Z", 1700000000 * US + 500000},
		{"2023-11-14T22:13:20.123456789Z", 1700000000 * US + 123456},
		{"2016-12-31T23:59:60Z", 1483228800 * US},
	};
	static const char *const wrong[] = {
		"", "2023", "2023-11-14", "2023-11-14T22:13:20", "2023-11-14T22:13Z", "2023-11-14T22:13:20.Z",
		"2023-11-14T22:13:20.1234567890Z",
		"2023-13-14T22:13:20Z", "2023-00-14T22:13:20Z", "2023-11-31T22:13:20Z", "2023-02-29T00:00:00Z",
		"1900-02-29T00:00:00Z", "2023-11-00T22:13:20Z",
		"2023-11-14T24:00:00Z", "2023-11-14T22:60:20Z", "2023-11-14T22:13:61Z", "2023-11-14T22:13:20+2:00",
		"2023-11-14T22:13:20+0200",
		"2023-11-14T22:13:20+24:00", "2023-11-14T22:13:20Zx", " 2023-11-14T22:13:20Z",
		"2023-11-14T22:13:20ZZ", "23-11-14T22:13:20Z",
		"+2023-11-14T22:13:20Z", "2023/11/14T22:13:20Z", "2023-1-14T22:13:20Z", "1700000000",
	};
	int64_t us;

	for (size_t i = 0; i < LENGTH(table); i++) {
		us = 0;
		CHECK(time_parse(slice_str(table[i].text), &us));
		CHECK_INT(us, table[i].us);
	}
	for (size_t i = 0; i < LENGTH(wrong); i++)
		if (time_parse(slice_str(wrong[i]), &us))
			tap_fail(__FILE__, __LINE__, wrong[i]);
	CHECK(!time_parse(SLICE("2023-11-14T22:13:20Z\0"), &us));
}

TEST("an HTTP date is read in its three forms")
{
	static const char *const wrong[] = {
		"", "120", "Sun, 06 Nov 1994 08:49:37", "Sun, 06 Nov 1994 08:49:37 UTC",
		"Sun, 06 Nov 1994 08:49:37 +0000", "Sun, 6 Nov 1994 08:49:37 GMT",
		"Son, 06 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 25:49:37 GMT", "Sun, 31 Feb 1994 08:49:37 GMT",
		"Sun Nov 6 08:49:37 1994",
		"Sun, 06 Nov 1994 08:49:37 GMT ", "Sunday, 06-Nov-1994 08:49:37 GMT", "Sun, 06-Nov-94 08:49:37 GMT",
		"Sun Nov  6 08:49:37 1994 GMT",
	};
	int64_t us;

	CHECK(time_parse_http(SLICE("Sun, 06 Nov 1994 08:49:37 GMT"), &us) && us == 784111777 * US);
	CHECK(time_parse_http(SLICE("Sunday, 06-Nov-94 08:49:37 GMT"), &us) && us == 784111777 * US);
	CHECK(time_parse_http(SLICE("Sun Nov  6 08:49:37 1994"), &us) && us == 784111777 * US);
	CHECK(time_parse_http(SLICE("Wed Nov 16 08:49:37 1994"), &us) && us == 784975777 * US);
	CHECK(time_parse_http(SLICE("Tuesday, 14-Nov-23 22:13:20 GMT"), &us) && us == 1700000000 * US);
	for (size_t i = 0; i < LENGTH(wrong); i++)
		if (time_parse_http(slice_str(wrong[i]), &us))
			tap_fail(__FILE__, __LINE__, wrong[i]);
}

TEST("durations are read as people write them")
{
	static const struct { const char *text; int64_t ms; } table[] = {
		{"every 15 minutes", 900000}, {"15m", 900000}, {"1.5 hours", 5400000}, {"every half hour", 1800000},
		{"quarter hour", 900000},
		{"half day", 43200000}, {"every day", 86400000}, {"every week", 604800000},
		{"every month", 2592000000}, {"90s", 90000},
		{"250ms", 250}, {"3600", 3600000}, {"every hour", 3600000}, {"every 1h", 3600000},
		{"every 5m", 300000}, {"every 1.5 hours", 5400000},
		{"every  30   seconds ", 30000}, {"1 day", 86400000}, {"2 weeks", 1209600000},
		{"EVERY 2 HOURS", 7200000}, {"1h30m", 5400000},
		{"1h 30m", 5400000}, {"2d3h4m5s6ms", 183845006}, {"0", 0}, {"0s", 0}, {"0.5s", 500}, {"2.4s", 2400},
		{"every half minute", 30000},
		{"1 min", 60000}, {"10 sec", 10000}, {"1hr", 3600000}, {"24h", 86400000}, {"1 month", 2592000000},
		{"\t5m", 300000}, {"1.001s", 1001},
	};
	static const char *const wrong[] = {
		"", " ", "every", "1x", "every 1x", "x", "m", "s", "every m", "-5m", "+5m", "1..5m", ".5m", "5.m",
		"1h1h", "30m1h", "1h 30", "5 m m", "every every day",
		"everyday", "every15m", "half", "half 2 hours", "quarter", "1,5h", "1e3s", "99999999999999999999s",
		"9223372036854775807m", "15 minutes later",
		"every half", "1.0000000001s", "half hour 5m", "0x10",
	};
	int64_t ms;

	for (size_t i = 0; i < LENGTH(table); i++) {
		ms = -1;
		if (!duration_parse(slice_str(table[i].text), &ms) || ms != table[i].ms)
			tap_fail(__FILE__, __LINE__, table[i].text);
	}
	for (size_t i = 0; i < LENGTH(wrong); i++)
		if (duration_parse(slice_str(wrong[i]), &ms))
			tap_fail(__FILE__, __LINE__, wrong[i]);
}

TEST("durations are written short, and come back exactly")
{
	static const struct { int64_t ms; const char *text; } table[] = {
		{0, "0s"}, {1, "1ms"}, {350, "350ms"}, {1000, "1s"}, {2400, "2.4s"}, {2451, "2.451s"}, {60000, "1m"},
		{90500, "1m30.5s"},
		{5400000, "1h30m"}, {86400000, "1d"}, {90061001, "1d1h1m1.001s"}, {2592000000, "30d"}, {-1500, "-1.5s"},
	};
	char text[TIME_TEXT_MAX];

	for (size_t i = 0; i < LENGTH(table); i++) {
		int64_t back = -1;
		CHECK_STR(duration_format(table[i].ms, text), table[i].text);
		if (table[i].ms >= 0) {
			CHECK(duration_parse(slice_str(text), &back));
			CHECK_INT(back, table[i].ms);
		}
	}
	CHECK(strlen(duration_format(INT64_MIN, text)) < TIME_TEXT_MAX);
	CHECK(strlen(duration_format(INT64_MAX, text)) < TIME_TEXT_MAX);
}

TEST("sizes are read in powers of two and of ten")
{
	static const struct { const char *text; uint64_t bytes; } table[] = {
		{"512", 512}, {"0", 0}, {"512B", 512}, {"64KiB", 65536}, {"32MiB", 33554432}, {"32 mib", 33554432},
		{"1GiB", 1073741824},
		{"10MB", 10000000}, {"10kB", 10000}, {"1.5 MiB", 1572864}, {"2TiB", UINT64_C(2199023255552)},
		{"18446744073709551615", UINT64_MAX},
		{"1TB", UINT64_C(1000000000000)},
	};
	static const char *const wrong[] = {"", "MiB", "-1", "1.5", "1.5B", "1 XiB", "1MiBs", "1 2",
		"18446744073709551616", "99999999TiB", "1M", "1,5MiB", "0x10"};
	uint64_t v;

	for (size_t i = 0; i < LENGTH(table); i++) {
		v = 1;
		if (!size_parse(slice_str(table[i].text), &v) || v != table[i].bytes)
			tap_fail(__FILE__, __LINE__, table[i].text);
	}
	for (size_t i = 0; i < LENGTH(wrong); i++)
		if (size_parse(slice_str(wrong[i]), &v))
			tap_fail(__FILE__, __LINE__, wrong[i]);
}

TEST("dates count as the calendar does")
{
	for (int64_t day = -1000; day < 100000; day++) {
		struct calendar_date d = calendar_date(day);
		REQUIRE(calendar_day(d.year, d.month, d.day) == day);
		REQUIRE(calendar_weekday(day) == (unsigned)((day + 1004 * 7 + 4) % 7));
	}
}

TEST("sizes are written with one decimal")
{
	char text[TIME_TEXT_MAX];

	CHECK_STR(size_format(0, text), "0 B");
	CHECK_STR(size_format(1023, text), "1023 B");
	CHECK_STR(size_format(1024, text), "1 KiB");
	CHECK_STR(size_format(1572864, text), "1.5 MiB");
	CHECK_STR(size_format(33554432, text), "32 MiB");
	CHECK_STR(size_format(UINT64_MAX, text), "15.9 EiB");
}
