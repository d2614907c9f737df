/* date.c - see date.h.
 *
 * Both kinds are read into one struct moment, checked there, and written in one way; a fraction keeps its digits.
 *
 * Awkward: RFC 822's zones by name (EST, PDT) are the American ones and nothing else; a zone that nobody can know makes
 * the whole no time. A leap second, legal in both, becomes the second after it. */
#include "date.h"

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

struct moment {
	int year, month, day, hour, minute, second;
	int zone;          /* minutes east of UTC */
	char fraction[11]; /* ".123" or "" */
};

static const char *
number_read(const char *p, int least, int most, int *to)
{
	int n = 0;

	if (!p)
		return NULL;
	for (*to = 0; n < most && *p >= '0' && *p <= '9'; n++)
		*to = *to * 10 + (*p++ - '0');
	return n >= least ? p : NULL;
}

static const char *
char_read(const char *p, char c)
{
	return p && *p == c ? p + 1 : NULL;
}

/* "+0100", "+01:00", "-5". */
static const char *
offset_read(const char *p, int *zone)
{
	int hours = 0, minutes = 0, sign = *p == '-' ? -1 : 1;

	p = number_read(p + 1, 1, 2, &hours);
	if (p && *p == ':')
		p++;
	if (p && *p >= '0' && *p <= '9')
		p = number_read(p, 2, 2, &minutes);
	*zone = sign * (hours * 60 + minutes);
	return p && hours < 24 && minutes < 60 ? p : NULL;
}

static const char *
zone_read(const char *p, int *zone)
{
	static const struct {
		const char *name;
		int zone;
	} names[] = {
		{"Z", 0},      {"UT", 0},     {"GMT", 0},    {"UTC", 0},    {"EST", -300}, {"EDT", -240},
		{"CST", -360}, {"CDT", -300}, {"MST", -420}, {"MDT", -360}, {"PST", -480}, {"PDT", -420},
	};
	size_t len;

	*zone = 0;
	if (!p || !*p)
		return p;
	if (*p == '+' || *p == '-')
		return offset_read(p, zone);
	len = strcspn(p, " \t\r\n(");
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (strlen(names[i].name) == len && strncasecmp(p, names[i].name, len) == 0) {
			*zone = names[i].zone;
			return p + len;
		}
	return NULL;
}

static const char *
clock_read(const char *p, struct moment *m)
{
	size_t digits;

	p = number_read(char_read(number_read(p, 1, 2, &m->hour), ':'), 2, 2, &m->minute);
	if (!p || *p != ':')
		return p;
	p = number_read(p + 1, 2, 2, &m->second);
	if (!p || *p != '.')
		return p;
	digits = strspn(p + 1, "0123456789");
	snprintf(m->fraction, sizeof(m->fraction), "%.*s", digits ? (int)digits + 1 : 0, p);
	return p + 1 + digits;
}

static const char *
blank_skip(const char *p)
{
	return p ? p + strspn(p, " \t\r\n") : NULL;
}

static const char *
rfc3339_read(const char *p, struct moment *m)
{
	m->month = m->day = 1;
	p = number_read(p, 4, 4, &m->year);
	if (!p || !*p)
		return p;
	p = number_read(char_read(p, '-'), 2, 2, &m->month);
	if (!p || !*p)
		return p;
	p = number_read(char_read(p, '-'), 2, 2, &m->day);
	if (!p || !*p)
		return p;
	if (*p != 'T' && *p != 't' && *p != ' ')
		return NULL;
	return zone_read(blank_skip(clock_read(p + 1, m)), &m->zone);
}

static const char *
month_read(const char *p, int *month)
{
	static const char names[] = "janfebmaraprmayjunjulaugsepoctnovdec";

	for (*month = 1; p && *month <= 12; (*month)++)
		if (strncasecmp(p, names + (ptrdiff_t)(*month - 1) * 3, 3) == 0)
			return p + strcspn(p, " \t-.,0123456789");
	return NULL;
}

static const char *
rfc822_read(const char *p, struct moment *m)
{
	const char *comma = strchr(p, ','), *year;

	if (comma && comma - p < 12)
		p = comma + 1;
	p = number_read(blank_skip(p), 1, 2, &m->day);
	p = month_read(p ? p + strspn(p, " \t-") : NULL, &m->month);
	year = p ? p + strspn(p, " \t-.,") : NULL;
	p = number_read(year, 2, 4, &m->year);
	if (p && p - year == 2) /* RFC 2822, section 4.3 */
		m->year += m->year < 50 ? 2000 : 1900;
	else if (p && p - year == 3)
		m->year += 1900;
	p = blank_skip(p);
	if (p && !*p)
		return p;
	p = blank_skip(zone_read(blank_skip(clock_read(p, m)), &m->zone));
	return p && *p == '(' ? p + strlen(p) : p; /* a comment */
}

static bool
moment_write(const struct moment *m, char to[DATE_MAX])
{
	static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	const bool leap = (m->year % 4 == 0 && m->year % 100 != 0) || m->year % 400 == 0;
	struct tm tm = {.tm_year = m->year - 1900,
	                .tm_mon = m->month - 1,
	                .tm_mday = m->day,
	                .tm_hour = m->hour,
	                .tm_min = m->minute - m->zone,
	                .tm_sec = m->second};
	char whole[24];
	time_t at;

	if (m->year < 1 || m->month < 1 || m->month > 12 || m->day < 1 ||
	    m->day > days[m->month - 1] + (m->month == 2 && leap) || m->hour > 24 || m->minute > 59 || m->second > 60)
		return false;
	at = timegm(&tm);
	gmtime_r(&at, &tm);
	if (tm.tm_year < -1899 || tm.tm_year > 8099)
		return false;
	snprintf(whole, sizeof(whole), "%04u-%02u-%02uT%02u:%02u:%02u", (unsigned)(tm.tm_year + 1900) % 10000u,
	         (unsigned)(tm.tm_mon + 1) % 100u, (unsigned)tm.tm_mday % 100u, (unsigned)tm.tm_hour % 100u,
	         (unsigned)tm.tm_min % 100u, (unsigned)tm.tm_sec % 100u);
	snprintf(to, DATE_MAX, "%s%sZ", whole, m->fraction);
	return true;
}

bool
date_read(const char *text, char to[DATE_MAX])
{
	const char *(*const readers[])(const char *, struct moment *) = {rfc3339_read, rfc822_read};

	text = blank_skip(text);
	for (size_t i = 0; i < 2; i++) {
		struct moment m = {0};
		const char *end = blank_skip(readers[i](text, &m));

		if (end && !*end && end != text && moment_write(&m, to))
			return true;
	}
	to[0] = '\0';
	return false;
}

bool
date_after(const char *a, const char *b)
{
	int order = strncmp(a, b, 19);

	if (order != 0 || strlen(a) < 20 || strlen(b) < 20)
		return order > 0;
	return (a[19] == '.' ? strtod(a + 19, NULL) : 0) > (b[19] == '.' ? strtod(b + 19, NULL) : 0);
}
