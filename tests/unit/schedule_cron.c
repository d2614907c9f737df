/* schedule_cron.c - cron expressions: what they mean, when they are due, what is wrong with the others. */
#include "schedule/cron.h"

#include "base/clock.h"
#include "base/mem.h"
#include "../tap.h"

static int64_t
at(const char *text)
{
	int64_t us;

	REQUIRE(time_parse((struct slice){text, strlen(text)}, &us));
	return us;
}

TEST("an expression says when it is next due")
{
	struct cron c;
	struct zone *z = zone_open("Europe/Berlin", NULL);
	char text[TIME_TEXT_MAX];

	REQUIRE(z && cron_parse(&c, "30 6 * * mon-fri", NULL) == 0);
	CHECK_STR(time_format_ms(cron_next(&c, z, at("2026-11-21T12:00:00Z")), text), "2026-11-23T05:30:00.000Z");
	zone_close(z);
}

static const struct { const char *zone, *cron, *after, *next[5]; } table[] = {
	{"UTC", "*/15 * * * *", "2026-01-01T00:00:00Z", {"2026-01-01T00:15:00Z", "2026-01-01T00:30:00Z"}},
	{"UTC", "*/15 * * * *", "2026-01-01T00:14:59.999Z", {"2026-01-01T00:15:00Z"}},
	{"UTC", "5,10-12,50-59/5 3 * * *", "2026-01-01T03:06:00Z",
	 {"2026-01-01T03:10:00Z", "2026-01-01T03:11:00Z", "2026-01-01T03:12:00Z", "2026-01-01T03:50:00Z", "2026-01-01T03:55:00Z"}},
	{"UTC", "@hourly", "2026-12-31T23:30:00Z", {"2027-01-01T00:00:00Z"}},
	{"UTC", "@DAILY", "2026-12-31T23:30:00Z", {"2027-01-01T00:00:00Z"}},
	{"UTC", "@midnight", "2026-12-31T00:00:00Z", {"2027-01-01T00:00:00Z"}},
	{"UTC", "@weekly", "2026-11-23T10:00:00Z", {"2026-11-29T00:00:00Z", "2026-12-06T00:00:00Z"}},
	{"UTC", "@monthly", "2026-11-23T10:00:00Z", {"2026-12-01T00:00:00Z", "2027-01-01T00:00:00Z"}},
	{"UTC", "@yearly", "2026-11-23T10:00:00Z", {"2027-01-01T00:00:00Z", "2028-01-01T00:00:00Z"}},
	{"UTC", "0 0 * * 7", "2026-11-23T10:00:00Z", {"2026-11-29T00:00:00Z"}},
	{"UTC", "0 0 * * Sun", "2026-11-23T10:00:00Z", {"2026-11-29T00:00:00Z"}},
	{"UTC", "0 0 * * fri-sun", "2026-11-23T10:00:00Z", {"2026-11-27T00:00:00Z", "2026-11-28T00:00:00Z", "2026-11-29T00:00:00Z"}},
	{"UTC", "0 0 1 JAN,jul *", "2026-11-23T10:00:00Z", {"2027-01-01T00:00:00Z", "2027-07-01T00:00:00Z"}},
	/* day of the month or weekday */
	{"UTC", "0 0 13 * fri", "2026-11-01T00:00:00Z", {"2026-11-06T00:00:00Z", "2026-11-13T00:00:00Z"}},
	{"UTC", "0 0 24 * fri", "2026-11-20T00:00:00Z", {"2026-11-24T00:00:00Z", "2026-11-27T00:00:00Z"}},
	/* ... but both when one begins with a star */
	{"UTC", "0 0 */2 * fri", "2026-11-01T00:00:00Z", {"2026-11-13T00:00:00Z", "2026-11-27T00:00:00Z"}},
	{"UTC", "0 0 31 * *", "2026-11-01T00:00:00Z", {"2026-12-31T00:00:00Z", "2027-01-31T00:00:00Z", "2027-03-31T00:00:00Z"}},
	{"UTC", "0 12 29 2 *", "2026-11-01T00:00:00Z", {"2028-02-29T12:00:00Z", "2032-02-29T12:00:00Z"}},
	{"UTC", "0 12 29 2 *", "2096-03-01T00:00:00Z", {"2104-02-29T12:00:00Z"}},
	{"UTC", "14 3 19 1 *", "2037-06-01T00:00:00Z", {"2038-01-19T03:14:00Z", "2039-01-19T03:14:00Z"}},
	/* an hour that is skipped: at its end; several become one */
	{"Europe/Berlin", "30 2 * * *", "2026-03-27T12:00:00Z", {"2026-03-28T01:30:00Z", "2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"}},
	{"Europe/Berlin", "*/20 2 * * *", "2026-03-28T12:00:00Z", {"2026-03-29T01:00:00Z", "2026-03-30T00:00:00Z"}},
	{"America/New_York", "30 2 * * *", "2026-03-07T12:00:00Z", {"2026-03-08T07:00:00Z", "2026-03-09T06:30:00Z"}},
	{"Australia/Lord_Howe", "15 2 * * *", "2026-10-03T00:00:00Z", {"2026-10-03T15:30:00Z", "2026-10-04T15:15:00Z"}},
	/* an hour that comes twice: the first time */
	{"Europe/Berlin", "30 2 * * *", "2026-10-24T12:00:00Z", {"2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"}},
	{"Europe/Berlin", "*/30 2,3 * * *", "2026-10-25T00:00:00Z", {"2026-10-25T00:30:00Z", "2026-10-25T02:00:00Z", "2026-10-25T02:30:00Z"}},
	{"America/New_York", "30 1 * * *", "2026-11-01T04:00:00Z", {"2026-11-01T05:30:00Z", "2026-11-02T06:30:00Z"}},
	{"Australia/Lord_Howe", "45 1 * * *", "2026-04-04T12:00:00Z", {"2026-04-04T14:45:00Z", "2026-04-05T15:15:00Z"}},
	/* ... but what is for every hour goes on through both */
	{"Europe/Berlin", "0 * * * *", "2026-10-24T23:30:00Z", {"2026-10-25T00:00:00Z", "2026-10-25T01:00:00Z", "2026-10-25T02:00:00Z"}},
	{"Europe/Berlin", "*/30 * * * *", "2026-10-25T00:00:00Z",
	 {"2026-10-25T00:30:00Z", "2026-10-25T01:00:00Z", "2026-10-25T01:30:00Z", "2026-10-25T02:00:00Z"}},
	{"Europe/Berlin", "0 * * * *", "2026-03-29T00:00:00Z", {"2026-03-29T01:00:00Z", "2026-03-29T02:00:00Z"}},
	{"Australia/Lord_Howe", "45 * * * *", "2026-04-04T14:00:00Z", {"2026-04-04T14:45:00Z", "2026-04-04T15:15:00Z", "2026-04-04T16:15:00Z"}},
	{"Europe/Berlin", "30 2 * * *", "2050-03-26T12:00:00Z", {"2050-03-27T01:00:00Z", "2050-03-28T00:30:00Z"}},
};

TEST("what is due when, in all zones, nights and years")
{
	for (size_t n = 0; n < LENGTH(table); n++) {
		struct cron c;
		struct zone *z = zone_open(table[n].zone, NULL);
		int64_t t = at(table[n].after);
		REQUIRE(z && cron_parse(&c, table[n].cron, NULL) == 0);
		for (size_t k = 0; k < 5 && table[n].next[k]; k++) {
			char got[TIME_TEXT_MAX], want[TIME_TEXT_MAX];
			t = cron_next(&c, z, t);
			time_format(t, got);
			time_format(at(table[n].next[k]), want);
			if (strcmp(got, want) != 0)
				printf("# %s '%s' after %s\n", table[n].zone, table[n].cron, table[n].after);
			CHECK_STR(got, want);
		}
		zone_close(z);
	}
}

TEST("of those that were missed the last is found")
{
	struct cron c;
	struct zone *z = zone_open("Europe/Berlin", NULL);

	REQUIRE(z && cron_parse(&c, "*/5 8-9 * * *", NULL) == 0);
	CHECK_INT(cron_last(&c, z, at("2020-01-01T00:00:00Z"), at("2026-07-01T23:00:00Z")), at("2026-07-01T07:55:00Z"));
	CHECK_INT(cron_last(&c, z, at("2026-07-01T07:55:00Z"), at("2026-07-01T23:00:00Z")), 0);
	CHECK_INT(cron_last(&c, z, at("2026-07-01T07:50:00Z"), at("2026-07-01T07:55:00Z")), at("2026-07-01T07:55:00Z"));
	zone_close(z);
}

TEST("next is what a look at every minute finds")
{
	static const char *const zones[] = {"Europe/Berlin", "Australia/Lord_Howe"};
	struct cron c;

	REQUIRE(cron_parse(&c, "7,37 1-4 * * *", NULL) == 0);
	for (size_t n = 0; n < LENGTH(zones); n++) {
		struct zone *z = zone_open(zones[n], NULL);
		int64_t to = at("2027-01-01T00:00:00Z"), before = 0;
		int count = 0;
		REQUIRE(z);
		for (int64_t t = cron_next(&c, z, at("2026-01-01T00:00:00Z")); t < to; t = cron_next(&c, z, t)) {
			CHECK(t > before);
			before = t;
			count++;
		}
		CHECK(count >= 365 * 8 - 2 && count <= 365 * 8);
		zone_close(z);
	}
}

static const struct { const char *cron, *what; } wrong[] = {
	{"", "five fields"}, {"* * * *", "five fields"}, {"* * * * * *", "five fields"}, {"60 * * * *", "minute"},
	{"* 24 * * *", "hour"}, {"* * 0 * *", "day of the month"}, {"* * * 13 *", "month"}, {"* * * * 8", "weekday"},
	{"* * * foo *", "'foo' is no month"}, {"*/0 * * * *", "minute"}, {"5-1 * * * *", "minute"}, {"1,, * * * *", "minute"},
	{"5/10 * * * *", "minute"}, {"1- * * * *", "minute"}, {"-1 * * * *", "minute"}, {"* * * january *", "month"},
	{"99999999999999999999 * * * *", "minute"}, {"@fortnightly", "@hourly"}, {"0 0 30 2 *", "never due"},
	{"0 0 31 4,6,9,11 *", "never due"},
};

TEST("what is no expression is refused, and the field named")
{
	for (size_t n = 0; n < LENGTH(wrong); n++) {
		struct cron c;
		struct err err = {0};
		CHECK_INT(cron_parse(&c, wrong[n].cron, &err), -1);
		CHECK_INT(err.cls, ERR_USAGE);
		CHECK_HAS(err.text, wrong[n].what);
	}
}
