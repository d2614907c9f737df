/* zone.c - time zones by GLib's GTimeZone, which reads the machine's zone database.
 *
 * Guarantee: every local time has an answer, also those that a night with a clock change has twice or not at all; at most
 * one change within three days is assumed (Morocco's are four weeks apart).
 * Awkward: GLib also takes offsets and rules ("+2", "CET-1CEST") for a zone, and a name is a path; only names are let in. */
#include "schedule/zone.h"

#include <glib.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "config/settings.h"

#define DAY INT64_C(86400)

struct zone {
	GTimeZone *tz;
};

static const char *const usual[] = {"UTC", "Europe/Berlin", "Europe/London", "Europe/Paris", "Europe/Madrid", "Europe/Rome",
	"Europe/Vienna", "Europe/Zurich", "Europe/Amsterdam", "Europe/Brussels", "Europe/Stockholm", "Europe/Oslo",
	"Europe/Copenhagen", "Europe/Helsinki", "Europe/Warsaw", "Europe/Prague", "Europe/Lisbon", "Europe/Dublin",
	"Europe/Athens", "Europe/Istanbul", "Europe/Kyiv", "America/New_York", "America/Chicago", "America/Denver",
	"America/Los_Angeles", "America/Toronto", "America/Sao_Paulo", "America/Mexico_City", "America/Bogota",
	"America/Argentina/Buenos_Aires", "Asia/Tokyo", "Asia/Shanghai", "Asia/Hong_Kong", "Asia/Singapore", "Asia/Kolkata",
	"Asia/Dubai", "Asia/Seoul", "Asia/Jerusalem", "Australia/Sydney", "Australia/Melbourne", "Australia/Lord_Howe",
	"Pacific/Auckland", "Africa/Johannesburg", "Africa/Cairo", "Africa/Lagos", "Africa/Nairobi", NULL};

static int64_t
offset_at(const struct zone *z, int64_t utc)
{
	int interval;

	if (!z->tz)
		return 0;
	interval = g_time_zone_find_interval(z->tz, G_TIME_TYPE_UNIVERSAL, utc);
	return interval < 0 ? 0 : g_time_zone_get_offset(z->tz, interval);
}

static int
unknown(const char *name, struct err *err)
{
	const char *near = nearest(name, usual);

	if (near)
		return err_set(err, ERR_USAGE, "'%.100s' is no time zone of this machine; is '%s' meant?", name, near);
	return err_set(err, ERR_USAGE, "'%.100s' is no time zone of this machine; say for example 'Europe/Berlin' or 'UTC'",
	               name);
}

struct zone *
zone_open(const char *name, struct err *err)
{
	struct zone z = {0};

	/* The name becomes a path below the database: nothing may lead out of it. GLib also reads offsets and rules
	 * ("+2", "CET-1CEST"); a name begins with a letter, and all but a few of those hold a digit or a comma. */
	if (name && *name && strcmp(name, "UTC") != 0) {
		if (g_ascii_isalpha(*name) && !strstr(name, "..") && !strchr(name, ','))
			z.tz = g_time_zone_new_identifier(name);
		if (!z.tz || strcmp(g_time_zone_get_identifier(z.tz), name) != 0) {
			if (z.tz)
				g_time_zone_unref(z.tz);
			unknown(name, err);
			return NULL;
		}
	}
	return xmemdup(&z, sizeof z);
}

void
zone_close(struct zone *z)
{
	if (!z)
		return;
	if (z->tz)
		g_time_zone_unref(z->tz);
	free(z);
}

int64_t
zone_local(const struct zone *z, int64_t utc)
{
	return utc + offset_at(z, utc);
}

int64_t
zone_change(const struct zone *z, int64_t from, int64_t to)
{
	int64_t old = offset_at(z, from), low = from, high = to;

	if (offset_at(z, to) == old)
		return to;
	while (high - low > 1) {
		int64_t middle = low + (high - low) / 2;
		if (offset_at(z, middle) == old)
			low = middle;
		else
			high = middle;
	}
	return high;
}

/* Offsets are at most 14 hours and the longest jump was a whole day (Samoa, 2011): the moment lies within 36 hours of the
 * local time read as UTC. */
struct zone_times
zone_utc(const struct zone *z, int64_t local)
{
	int64_t from = local - DAY * 3 / 2, to = local + DAY * 3 / 2;
	int64_t old = offset_at(z, from), new = offset_at(z, to);
	struct zone_times t = {local - old, local - new};
	int64_t change;

	if (old == new)
		return t;
	change = zone_change(z, from, to);
	if (t.first < change && t.second >= change)
		return t; /* comes twice */
	if (t.first < change)
		t.second = t.first;
	else if (t.second >= change)
		t.first = t.second;
	else
		t.first = t.second = change; /* skipped */
	return t;
}
