/* schedule_zone.c - time zones: nights in which an hour is skipped or comes twice, years beyond the zone database. */
#include "schedule/zone.h"

#include "base/clock.h"
#include "base/mem.h"
#include "../tap.h"

static int64_t
seconds(const char *text)
{
	int64_t us;

	REQUIRE(time_parse((struct slice){text, strlen(text)}, &us));
	return us / 1000000;
}

/* A local time is written as if it were UTC. */
static const struct { const char *zone, *local, *first, *second; } table[] = {
	{"UTC", "2026-03-29T02:30:00Z", "2026-03-29T02:30:00Z", "2026-03-29T02:30:00Z"},
	{"Europe/Berlin", "2026-03-29T01:59:00Z", "2026-03-29T00:59:00Z", "2026-03-29T00:59:00Z"},
	{"Europe/Berlin", "2026-03-29T02:30:00Z", "2026-03-29T01:00:00Z", "2026-03-29T01:00:00Z"},
	{"Europe/Berlin", "2026-03-29T03:00:00Z", "2026-03-29T01:00:00Z", "2026-03-29T01:00:00Z"},
	{"Europe/Berlin", "2026-10-25T02:30:00Z", "2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z"},
	{"Europe/Berlin", "2026-10-25T03:00:00Z", "2026-10-25T02:00:00Z", "2026-10-25T02:00:00Z"},
	{"America/New_York", "2026-03-08T02:30:00Z", "2026-03-08T07:00:00Z", "2026-03-08T07:00:00Z"},
	{"America/New_York", "2026-11-01T01:30:00Z", "2026-11-01T05:30:00Z", "2026-11-01T06:30:00Z"},
	{"Australia/Lord_Howe", "2026-04-05T01:45:00Z", "2026-04-04T14:45:00Z", "2026-04-04T15:15:00Z"},
	{"Australia/Lord_Howe", "2026-10-04T02:15:00Z", "2026-10-03T15:30:00Z", "2026-10-03T15:30:00Z"},
	{"Pacific/Apia", "2011-12-30T12:00:00Z", "2011-12-30T10:00:00Z", "2011-12-30T10:00:00Z"},
	{"Asia/Kolkata", "2038-01-19T09:00:00Z", "2038-01-19T03:30:00Z", "2038-01-19T03:30:00Z"},
	{"Europe/Berlin", "2050-07-01T12:00:00Z", "2050-07-01T10:00:00Z", "2050-07-01T10:00:00Z"},
	{"Europe/Berlin", "2050-03-27T02:30:00Z", "2050-03-27T01:00:00Z", "2050-03-27T01:00:00Z"},
	{"America/New_York", "2104-07-01T12:00:00Z", "2104-07-01T16:00:00Z", "2104-07-01T16:00:00Z"},
	{"Australia/Sydney", "2199-01-01T12:00:00Z", "2199-01-01T01:00:00Z", "2199-01-01T01:00:00Z"},
	{"Europe/Berlin", "2040-12-31T23:30:00Z", "2040-12-31T22:30:00Z", "2040-12-31T22:30:00Z"},
};

TEST("a local time is found in every night, once, twice or at the end of what is skipped")
{
	for (size_t n = 0; n < LENGTH(table); n++) {
		struct zone *z = zone_open(table[n].zone, NULL);
		REQUIRE(z);
		struct zone_times t = zone_utc(z, seconds(table[n].local));
		CHECK_INT(t.first, seconds(table[n].first));
		CHECK_INT(t.second, seconds(table[n].second));
		zone_close(z);
	}
}

TEST("the wall and the world agree in every hour of eighty years")
{
	static const char *const names[] = {"Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Africa/Casablanca"};

	for (size_t n = 0; n < LENGTH(names); n++) {
		struct zone *z = zone_open(names[n], NULL);
		REQUIRE(z);
		bool good = true;
		for (int64_t utc = seconds("1990-01-01T00:00:00Z"); utc < seconds("2070-01-01T00:00:00Z"); utc += 5 * 3600 + 60) {
			struct zone_times t = zone_utc(z, zone_local(z, utc));
			good &= t.first == utc || t.second == utc;
		}
		CHECK(good);
		zone_close(z);
	}
}

TEST("a zone that is not there is told, with the one that was meant")
{
	struct err err = {0};

	CHECK(!zone_open("Europe/Berlim", &err));
	CHECK_INT(err.cls, ERR_USAGE);
	CHECK_HAS(err.text, "'Europe/Berlin'");
	CHECK(!zone_open("../../../etc/passwd", &err));
	CHECK(!zone_open("/etc/localtime", &err));
	CHECK(!zone_open("Moon/Tranquility_Base_Of_Nobody_At_All", &err));
	CHECK_HAS(err.text, "no time zone");
}
