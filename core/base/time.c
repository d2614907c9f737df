/* time.c - points in time as text: RFC 3339 out, RFC 3339 and the three forms of HTTP dates in.
 *
 * Guarantee: no locale, no time zone of the machine, no libc calendar; what time_format wrote, time_parse reads.
 * Awkward: a leap second (":60") is taken as the first moment of the next minute, since microseconds since 1970 have no
 * name for it. The two-digit year of RFC 850 dates is read as 1970-2069: they are obsolete, and no clock is asked. */
#include "base/clock.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include "base/calendar.h"
#include "base/mem.h"

#define SECOND_US INT64_C(1000000)
#define DAY_S 86400

struct civil {
	int64_t year;
	int month, day, hour, minute, second; /* month and day from 1 */
	int micro;
};

static struct civil
civil_of(int64_t us)
{
	int64_t s = us / SECOND_US - (us % SECOND_US < 0);
	int64_t day = s / DAY_S - (s % DAY_S < 0);
	int rest = (int)(s - day * DAY_S);
	struct calendar_date date = calendar_date(day);
	struct civil c = {.year = date.year, .month = (int)date.month, .day = (int)date.day};

	c.hour = rest / 3600;
	c.minute = rest / 60 % 60;
	c.second = rest % 60;
	c.micro = (int)(us % SECOND_US + (us % SECOND_US < 0 ? SECOND_US : 0));
	return c;
}

static int
month_length(int64_t year, int month)
{
	static const int length[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

	return length[month - 1] + (month == 2 && year % 4 == 0 && (year % 100 != 0 || year % 400 == 0));
}

/* false: there is no such day or hour. */
static bool
civil_us(const struct civil *c, int64_t *us)
{
	int64_t days;

	if (c->month < 1 || c->month > 12 || c->day < 1 || c->day > month_length(c->year, c->month))
		return false;
	if (c->hour > 23 || c->minute > 59 || c->second > 60)
		return false;
	days = calendar_day(c->year, (unsigned)c->month, (unsigned)c->day);
	*us = (days * DAY_S + c->hour * 3600 + c->minute * 60 + c->second) * SECOND_US + c->micro;
	return true;
}

/* By hand: a page of the feed has hundreds of times, and printf would be half of its cost. */
static char *
digits_put(char *p, int value, int digits, char behind)
{
	for (int i = digits - 1; i >= 0; i--, value /= 10)
		p[i] = (char)('0' + value % 10);
	p[digits] = behind;
	return p + digits + 1;
}

/* Gives its end. */
static char *
civil_text(const struct civil *c, char out[TIME_TEXT_MAX])
{
	char *p = out;

	if (c->year < 0 || c->year > 9999) {
		snprintf(out, TIME_TEXT_MAX, "%04" PRId64 "-%02d-%02dT%02d:%02d:%02d", c->year, c->month, c->day, c->hour, c->minute,
		         c->second);
		return out + strlen(out);
	}
	p = digits_put(p, (int)c->year, 4, '-');
	p = digits_put(p, c->month, 2, '-');
	p = digits_put(p, c->day, 2, 'T');
	p = digits_put(p, c->hour, 2, ':');
	p = digits_put(p, c->minute, 2, ':');
	return digits_put(p, c->second, 2, '\0') - 1;
}

const char *
time_format(int64_t us, char out[TIME_TEXT_MAX])
{
	struct civil c = civil_of(us);
	char *p = civil_text(&c, out);

	*p++ = '.';
	*digits_put(p, c.micro, 6, 'Z') = '\0';
	return out;
}

const char *
time_format_ms(int64_t us, char out[TIME_TEXT_MAX])
{
	struct civil c = civil_of(us);
	char *p = civil_text(&c, out);

	*p++ = '.';
	*digits_put(p, c.micro / 1000, 3, 'Z') = '\0';
	return out;
}

/* ---- reading: each take_ consumes from the front and says whether it was there ---- */

static bool
take_char(struct slice *s, const char *any)
{
	if (s->len == 0 || s->p[0] == '\0' || !strchr(any, s->p[0]))
		return false;
	s->p++;
	s->len--;
	return true;
}

static bool
take_digits(struct slice *s, size_t n, int *v)
{
	int sum = 0;

	if (s->len < n)
		return false;
	for (size_t i = 0; i < n; i++) {
		if (s->p[i] < '0' || s->p[i] > '9')
			return false;
		sum = sum * 10 + (s->p[i] - '0');
	}
	*v = sum;
	s->p += n;
	s->len -= n;
	return true;
}

static bool
take_word(struct slice *s, const char *word)
{
	size_t n = strlen(word);

	if (s->len < n || strncasecmp(s->p, word, n) != 0)
		return false;
	s->p += n;
	s->len -= n;
	return true;
}

static int
take_name(struct slice *s, const char *const names[], int count)
{
	for (int i = 0; i < count; i++)
		if (take_word(s, names[i]))
			return i + 1;
	return 0;
}

static bool
take_clock(struct slice *s, struct civil *c)
{
	return take_digits(s, 2, &c->hour) && take_char(s, ":") && take_digits(s, 2, &c->minute) && take_char(s, ":") &&
	       take_digits(s, 2, &c->second);
}

/* ".1" to ".123456789"; what is finer than a microsecond is dropped. */
static bool
take_fraction(struct slice *s, int *micro)
{
	int digit, scale = 100000, count = 0;

	if (!take_char(s, "."))
		return true;
	for (; take_digits(s, 1, &digit); scale /= 10, count++)
		*micro += digit * scale;
	return count >= 1 && count <= 9;
}

static bool
take_offset(struct slice *s, int *minutes)
{
	int hour, minute, sign = 1;

	*minutes = 0;
	if (take_char(s, "Zz"))
		return true;
	if (take_char(s, "-"))
		sign = -1;
	else if (!take_char(s, "+"))
		return false;
	if (!take_digits(s, 2, &hour) || !take_char(s, ":") || !take_digits(s, 2, &minute) || hour > 23 || minute > 59)
		return false;
	*minutes = sign * (hour * 60 + minute);
	return true;
}

bool
time_parse(struct slice text, int64_t *us)
{
	struct civil c = {0};
	struct slice s = text;
	int year, offset;
	int64_t t;

	if (!take_digits(&s, 4, &year) || !take_char(&s, "-") || !take_digits(&s, 2, &c.month) || !take_char(&s, "-") ||
	    !take_digits(&s, 2, &c.day) || !take_char(&s, "Tt "))
		return false;
	c.year = year;
	if (!take_clock(&s, &c) || !take_fraction(&s, &c.micro) || !take_offset(&s, &offset) || s.len)
		return false;
	if (!civil_us(&c, &t))
		return false;
	*us = t - offset * 60 * SECOND_US;
	return true;
}

static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
static const char *const days_short[] = {"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};
static const char *const days_long[] = {"Monday",   "Tuesday",  "Wednesday", "Thursday", "Friday",
                                        "Saturday", "Sunday"};

/* Sun, 06 Nov 1994 08:49:37 GMT */
static bool
http_now(struct slice s, struct civil *c)
{
	int year;

	if (!take_name(&s, days_short, LENGTH(days_short)) || !take_word(&s, ", ") || !take_digits(&s, 2, &c->day) ||
	    !take_char(&s, " ") || !(c->month = take_name(&s, months, LENGTH(months))) || !take_char(&s, " ") ||
	    !take_digits(&s, 4, &year) || !take_char(&s, " "))
		return false;
	c->year = year;
	return take_clock(&s, c) && take_word(&s, " GMT") && s.len == 0;
}

/* Sunday, 06-Nov-94 08:49:37 GMT */
static bool
http_rfc850(struct slice s, struct civil *c)
{
	int year;

	if (!take_name(&s, days_long, LENGTH(days_long)) || !take_word(&s, ", ") || !take_digits(&s, 2, &c->day) ||
	    !take_char(&s, "-") || !(c->month = take_name(&s, months, LENGTH(months))) || !take_char(&s, "-") ||
	    !take_digits(&s, 2, &year) || !take_char(&s, " "))
		return false;
	c->year = year < 70 ? 2000 + year : 1900 + year;
	return take_clock(&s, c) && take_word(&s, " GMT") && s.len == 0;
}

/* Sun Nov  6 08:49:37 1994 */
static bool
http_asctime(struct slice s, struct civil *c)
{
	int year;

	if (!take_name(&s, days_short, LENGTH(days_short)) || !take_char(&s, " ") ||
	    !(c->month = take_name(&s, months, LENGTH(months))) || !take_char(&s, " "))
		return false;
	if (take_char(&s, " ") ? !take_digits(&s, 1, &c->day) : !take_digits(&s, 2, &c->day))
		return false;
	if (!take_char(&s, " ") || !take_clock(&s, c) || !take_char(&s, " ") || !take_digits(&s, 4, &year))
		return false;
	c->year = year;
	return s.len == 0;
}

bool
time_parse_http(struct slice text, int64_t *us)
{
	static bool (*const forms[])(struct slice, struct civil *) = {http_now, http_rfc850, http_asctime};

	for (size_t i = 0; i < LENGTH(forms); i++) {
		struct civil c = {0};
		if (forms[i](text, &c))
			return civil_us(&c, us);
	}
	return false;
}
