/* since.c - what an incremental run asks for: the latest time (or number) that an earlier one has seen.
 *
 * Awkward: the latest value is known when the last page is, and a run may end anywhere before; so what was seen so far
 * stands in the checkpoint beside what is asked for, and takes its place when everything was read. */
#include "rest.h"
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/* Microseconds since 1970 of an RFC 3339 time, a date, or a number of seconds or milliseconds. 0: none of these. */
static int
time_read(const char *text, int64_t *us)
{
	struct tm t = {0};
	double seconds = 0;
	int used = 0, hours, minutes;
	char sign;

	if (sscanf(text, "%4d-%2d-%2d%n", &t.tm_year, &t.tm_mon, &t.tm_mday, &used) == 3) {
		text += used;
		if (*text && strchr("Tt ", *text) && sscanf(text + 1, "%2d:%2d%n", &t.tm_hour, &t.tm_min, &used) == 2) {
			text += 1 + used;
			if (*text == ':')
				seconds = strtod(text + 1, (char **)(uintptr_t)&text);
		}
		t.tm_year -= 1900;
		t.tm_mon--;
		*us = (int64_t)timegm(&t) * 1000000 + (int64_t)(seconds * 1e6 + 0.5);
		if (sscanf(text, "%c%2d:%2d", &sign, &hours, &minutes) == 3 ||
		    sscanf(text, "%c%2d%2d", &sign, &hours, &minutes) == 3)
			*us -= (sign == '-' ? -1 : 1) * (hours * 60 + minutes) * INT64_C(60000000);
		return 1;
	}
	seconds = strtod(text, (char **)(uintptr_t)&text);
	seconds = seconds > 1e11 ? seconds * 1e3 : seconds * 1e6;
	if (!(seconds > -9e18 && seconds < 9e18)) /* nor what is no number at all */
		return 0;
	*us = (int64_t)seconds;
	return *text == '\0';
}

static const char *
time_write(struct sluice_run *run, const char *format, int64_t us)
{
	const time_t seconds = (time_t)(us / 1000000);
	struct tm utc;
	char text[40];

	if (!strcmp(format, "unix"))
		return sluice_format(run, "%lld", (long long)seconds);
	if (!strcmp(format, "unix_ms"))
		return sluice_format(run, "%lld", (long long)(us / 1000));
	gmtime_r(&seconds, &utc);
	strftime(text, sizeof(text), strcmp(format, "date") ? "%Y-%m-%dT%H:%M:%S" : "%Y-%m-%d", &utc);
	if (!strcmp(format, "date"))
		return sluice_format(run, "%s", text);
	return us % 1000000 ? sluice_format(run, "%s.%06dZ", text, (int)(us % 1000000))
	                    : sluice_format(run, "%sZ", text);
}

const char *
since_value(struct sluice_run *run, const struct dataset *d, struct skim checkpoint)
{
	const char *seen = skim_text(run, skim_get(checkpoint, "since"));
	int64_t us = sluice_last_success(run);

	if (!d->since_param || sluice_is_full(run))
		return NULL;
	if (!d->since_path)
		return us > 0 ? time_write(run, d->since_format ? d->since_format : "rfc3339", us) : NULL;
	if (!seen || !d->since_format || !time_read(seen, &us))
		return seen; /* as the provider wrote it */
	return time_write(run, d->since_format, us);
}

/* As times or numbers where both are, else as texts. */
static int
later(struct skim a, struct skim b)
{
	const int greater = skim_number_greater(a, b);
	char one[64], two[64];
	int64_t first, second;

	if (greater >= 0)
		return greater;
	snprintf(one, sizeof(one), "%.*s", (int)(a.len < 60 ? a.len : 60), a.p);
	snprintf(two, sizeof(two), "%.*s", (int)(b.len < 60 ? b.len : 60), b.p);
	one[strcspn(one + 1, "\"") + 1] = '\0';
	two[strcspn(two + 1, "\"") + 1] = '\0';
	if (time_read(one + (*one == '"'), &first) && time_read(two + (*two == '"'), &second))
		return first > second;
	return strcmp(one, two) > 0;
}

struct skim
since_latest(const struct dataset *d, struct skim seen, struct skim list)
{
	struct skim_walk w = skim_walk(list);

	while (d->since_path && skim_next(&w)) {
		struct skim v = skim_get(w.value, d->since_path);
		if ((skim_kind(v) == '"' || skim_kind(v) == '0') && (!seen.p || later(v, seen)))
			seen = v;
	}
	return seen;
}
