/* cron.c - crontab(5) expressions read into bit sets, and the search for the next time that fits.
 *
 * Guarantee: what cron_parse takes has a next time; a date that never comes (30 February) is refused. The search goes by
 * months and days, not by minutes, and ends within the 40 years that a 29 February on a given weekday can be away.
 * Awkward: nights with a clock change (cron.h), and the oldest trap of cron: day of the month and weekday are alternatives
 * when both are given, but conditions when one of them begins with a star. */
#include "schedule/cron.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "base/calendar.h"
#include "base/mem.h"

#define MINUTE INT64_C(60)
#define DAY INT64_C(86400)
#define US INT64_C(1000000)
#define SEARCH_DAYS (366 * 41)

static const char *const month_names[] = {"jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec", NULL};
static const char *const weekday_names[] = {"sun", "mon", "tue", "wed", "thu", "fri", "sat", NULL};

static const struct field {
	const char *name;
	unsigned min, max;
	const char *const *names; /* of min, min + 1, ...; NULL: numbers only */
} fields[5] = {
	{"minute", 0, 59, NULL},
	{"hour", 0, 23, NULL},
	{"day of the month", 1, 31, NULL},
	{"month", 1, 12, month_names},
	{"weekday", 0, 7, weekday_names},
};

static const struct { const char *name, *means; } shorthands[] = {
	{"@hourly", "0 * * * *"}, {"@daily", "0 0 * * *"}, {"@midnight", "0 0 * * *"}, {"@weekly", "0 0 * * 0"},
	{"@monthly", "0 0 1 * *"}, {"@yearly", "0 0 1 1 *"}, {"@annually", "0 0 1 1 *"},
};

static const char example[] = "say for example '*/15 * * * *' or '30 2 * * mon-fri'";

/* A number or a name at *p. */
static bool
value_read(const struct field *f, const char **p, unsigned *v)
{
	const char *s = *p;

	if (isdigit((unsigned char)*s)) {
		for (*v = 0; isdigit((unsigned char)*s) && *v < 1000; s++)
			*v = *v * 10 + (unsigned)(*s - '0');
		*p = s;
		return *v >= f->min && *v <= f->max;
	}
	for (unsigned n = 0; f->names && f->names[n]; n++)
		if (strncasecmp(s, f->names[n], 3) == 0 && !isalnum((unsigned char)s[3])) {
			*v = f->min + n;
			*p = s + 3;
			return true;
		}
	return false;
}

/* One part between commas: star, value or range, with a step or without. */
static bool
part_read(const struct field *f, const char **p, uint64_t *bits)
{
	unsigned from = f->min, to = f->max, step = 1;

	if (**p == '*')
		(*p)++;
	else {
		if (!value_read(f, p, &from))
			return false;
		to = from;
		if (**p == '-') {
			(*p)++;
			if (!value_read(f, p, &to))
				return false;
			if (f->max == 7 && to == 0)
				to = 7; /* fri-sun */
			if (to < from)
				return false;
		}
	}
	if (**p == '/') {
		char *end;
		unsigned long n;
		const char *digits = *p + 1;
		if (!isdigit((unsigned char)*digits) || (n = strtoul(digits, &end, 10)) == 0 || n > f->max)
			return false;
		/* "5/10" is not of crontab(5), but elsewhere means from 5 on: refused rather than guessed. */
		if (to == from)
			return false;
		step = (unsigned)n;
		*p = end;
	}
	for (unsigned v = from; v <= to; v += step)
		*bits |= UINT64_C(1) << v;
	return true;
}

static int
field_read(const struct field *f, const char *text, uint64_t *bits, struct err *err)
{
	const char *p = text;

	*bits = 0;
	for (;;) {
		if (!part_read(f, &p, bits) || (*p && *p != ','))
			return err_set(err, ERR_USAGE, "'%.60s' is no %s of a cron expression (%u-%u%s, lists and steps); %s", text,
			               f->name, f->min, f->max, f->names ? ", names of three letters" : "", example);
		if (!*p)
			return 0;
		p++;
	}
}

static bool
day_fits(const struct cron *c, int64_t at, const struct calendar_date *d)
{
	bool day = c->days >> d->day & 1, weekday = c->weekdays >> calendar_weekday(at) & 1;

	return (c->months >> d->month & 1) && (c->any_day ? day && weekday : day || weekday);
}

/* The first fitting day from `day` on; -1: none in 41 years. */
static int64_t
day_next(const struct cron *c, int64_t day)
{
	for (int64_t last = day + SEARCH_DAYS; day < last;) {
		struct calendar_date d = calendar_date(day);
		if (day_fits(c, day, &d))
			return day;
		if (c->months >> d.month & 1)
			day++;
		else
			day = calendar_day(d.year + (d.month == 12), d.month == 12 ? 1 : d.month + 1, 1);
	}
	return -1;
}

/* The first fitting local minute at or after `local`, which is a whole minute. */
static int64_t
local_next(const struct cron *c, int64_t local)
{
	int64_t day = local / DAY - (local % DAY < 0);
	unsigned from = (unsigned)((local - day * DAY) / MINUTE);

	for (;; day++, from = 0) {
		int64_t fits = day_next(c, day);
		if (fits != day)
			from = 0;
		day = fits;
		for (unsigned m = from; m < 24 * 60; m++) {
			if (!(c->hours >> (m / 60) & 1))
				m += 59 - m % 60;
			else if (c->minutes >> (m % 60) & 1)
				return day * DAY + m * MINUTE;
		}
	}
}

int
cron_parse(struct cron *c, const char *text, struct err *err)
{
	uint64_t bits[5];
	char copy[200], *save = NULL, *word[6];
	size_t n = 0;

	for (size_t i = 0; i < LENGTH(shorthands); i++)
		if (strcasecmp(text, shorthands[i].name) == 0)
			text = shorthands[i].means;
	if (strlen(text) >= sizeof copy)
		return err_set(err, ERR_USAGE, "a cron expression is at most %zu bytes long; %s", sizeof copy - 1, example);
	if (*text == '@')
		return err_set(err, ERR_USAGE, "'%.60s' is none of @hourly, @daily, @midnight, @weekly, @monthly, @yearly", text);
	strcpy(copy, text);
	for (char *w = strtok_r(copy, " \t", &save); w && n < LENGTH(word); w = strtok_r(NULL, " \t", &save))
		word[n++] = w;
	if (n != 5)
		return err_set(err, ERR_USAGE, "'%.60s' is no cron expression: it has five fields, minute, hour, day of the month, "
		               "month and weekday; %s", text, example);
	for (size_t i = 0; i < 5; i++)
		if (field_read(&fields[i], word[i], &bits[i], err))
			return -1;
	*c = (struct cron){
		.minutes = bits[0], .hours = (uint32_t)bits[1], .days = (uint32_t)bits[2], .months = (uint32_t)bits[3],
		.weekdays = (uint32_t)((bits[4] | bits[4] >> 7) & 0x7f),
		.any_day = word[2][0] == '*' || word[4][0] == '*',
		.every_hour = bits[1] == (1 << 24) - 1,
	};
	if (day_next(c, calendar_day(2000, 1, 1)) < 0)
		return err_set(err, ERR_USAGE, "'%.60s' is never due: there is no such date", text);
	return 0;
}

/* An expression for every hour goes on in the hour that comes again: its first time there, or INT64_MAX. */
static int64_t
again_next(const struct cron *c, const struct zone *z, int64_t after)
{
	int64_t to = after + DAY, change = zone_change(z, after, to), t;

	if (zone_local(z, change) - change >= zone_local(z, after) - after)
		return INT64_MAX; /* no change, or forward */
	t = zone_utc(z, local_next(c, zone_local(z, change))).second;
	return t;
}

int64_t
cron_next(const struct cron *c, const struct zone *z, int64_t after_us)
{
	int64_t after = after_us / US - (after_us % US < 0), local = zone_local(z, after);
	int64_t t, again;

	local = (local / MINUTE - (local % MINUTE < 0) + 1) * MINUTE;
	for (;; local += MINUTE) {
		struct zone_times at = zone_utc(z, local = local_next(c, local));
		t = at.first > after || !c->every_hour ? at.first : at.second;
		if (t > after)
			break;
	}
	if (c->every_hour && (again = again_next(c, z, after)) < t)
		t = again;
	return t * US;
}

/* cron_next(x) <= to holds for all x before the last one and for none from it on: found by halving. */
int64_t
cron_last(const struct cron *c, const struct zone *z, int64_t from_us, int64_t to_us)
{
	int64_t low = from_us, high = to_us;

	if (cron_next(c, z, low) > to_us)
		return 0;
	while (high - low > US) {
		int64_t middle = low + (high - low) / 2;
		if (cron_next(c, z, middle) <= to_us)
			low = middle;
		else
			high = middle;
	}
	return cron_next(c, z, low);
}
