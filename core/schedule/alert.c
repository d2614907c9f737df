/* alert.c - see alert.h. One row of the table is one rule.
 *
 * Awkward: few facts make bad statistics. A share of failures wants ten runs, a usual duration three successes, and a run
 * is not late by less than a minute, whatever its factor. */
#include <stdlib.h>
#include "base/clock.h"
#include "base/mem.h"
#include "schedule/alert.h"

#define RATE_LEAST 10u
#define USUAL_LEAST 3u
#define LATE_LEAST_MS 60000

const char *const alert_names[ALERT_KINDS] = {
	[ALERT_FAILURES] = "failures",     [ALERT_LONG] = "longer_than", [ALERT_ERROR_RATE] = "error_rate",
	[ALERT_STALE] = "stale",           [ALERT_HELD] = "held_deletes", [ALERT_ATTENTION] = "attention",
	[ALERT_QUOTA] = "quota",           [ALERT_DISK] = "no_room",
};

static int
by_size(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return x < y ? -1 : x > y;
}

int64_t
alert_median(int64_t *list, size_t n)
{
	if (n == 0)
		return 0;
	qsort(list, n, sizeof *list, by_size);
	return n % 2 ? list[n / 2] : list[n / 2 - 1] + (list[n / 2] - list[n / 2 - 1]) / 2;
}

static bool
failures(const struct alert_settings *s, const struct alert_facts *f, bool open, struct buf *text)
{
	if (!s->consecutive_failures || f->idle || (open ? f->failures == 0 : f->failures < s->consecutive_failures))
		return false;
	buf_printf(text, "%llu runs in a row have failed%s%s", (unsigned long long)f->failures, f->reason ? ": " : "",
	           f->reason ? f->reason : "");
	return true;
}

static bool
longer(const struct alert_settings *s, const struct alert_facts *f, bool open, struct buf *text)
{
	char so_far[TIME_TEXT_MAX], usual[TIME_TEXT_MAX];

	(void)open;
	if (s->longer_than <= 0 || f->samples < USUAL_LEAST || !f->running_ms ||
	    (double)f->running_ms <= s->longer_than * (double)f->usual_ms || f->running_ms - f->usual_ms < LATE_LEAST_MS)
		return false;
	buf_printf(text, "a run takes %s and more; usual is %s", duration_format(f->running_ms, so_far),
	           duration_format(f->usual_ms, usual));
	return true;
}

static bool
error_rate(const struct alert_settings *s, const struct alert_facts *f, bool open, struct buf *text)
{
	(void)open;
	if (s->error_rate <= 0 || f->idle || f->ended < RATE_LEAST || (double)f->failed <= s->error_rate * (double)f->ended)
		return false;
	buf_printf(text, "%llu of the last %llu runs failed%s%s", (unsigned long long)f->failed, (unsigned long long)f->ended,
	           f->reason ? "; the last one: " : "", f->reason ? f->reason : "");
	return true;
}

static bool
stale(const struct alert_settings *s, const struct alert_facts *f, bool open, struct buf *text)
{
	char old[TIME_TEXT_MAX], every[TIME_TEXT_MAX];
	int64_t age_ms = (f->now_us - f->since_us) / 1000;

	(void)open;
	if (s->stale_after <= 0 || f->idle || !f->since_us || !f->interval_ms ||
	    (double)age_ms <= s->stale_after * (double)f->interval_ms)
		return false;
	buf_printf(text, "no success for %s; it is meant to run every %s%s%s", duration_format(age_ms, old),
	           duration_format(f->interval_ms, every), f->reason ? "; the last run: " : "", f->reason ? f->reason : "");
	return true;
}

static bool
held(const struct alert_settings *s, const struct alert_facts *f, bool open, struct buf *text)
{
	(void)open;
	if (!s->held_deletes || !f->held)
		return false;
	buf_printf(text, "%llu delete%s held back until a person has looked: `sluice confirm-deletes` shows them",
	           (unsigned long long)f->held, f->held == 1 ? " is" : "s are");
	return true;
}

static bool
attention(const struct alert_settings *s, const struct alert_facts *f, bool open, struct buf *text)
{
	(void)s;
	(void)open;
	if (!f->refused || f->idle)
		return false;
	buf_printf(text, "nothing of it begins: the credentials are refused%s%s; when they are mended, `sluice start` goes on",
	           f->reason ? ": " : "", f->reason ? f->reason : "");
	return true;
}

/* Early in a span a few requests make any forecast: half of it must be used. */
static bool
quota(const struct alert_settings *s, const struct alert_facts *f, bool open, struct buf *text)
{
	char when[TIME_TEXT_MAX];

	(void)s;
	if (!f->quota_n || f->quota_used * 2 < f->quota_n || (!open && !f->quota_end_us && f->quota_used < f->quota_n))
		return false;
	buf_printf(text, "%llu of %llu requests of %s are used", (unsigned long long)f->quota_used,
	           (unsigned long long)f->quota_n, f->name ? f->name : "a quota");
	if (f->quota_end_us && f->quota_used < f->quota_n)
		buf_printf(text, "; at this pace all are by %.16sZ", time_format(f->quota_end_us, when));
	return true;
}

static bool
disk(const struct alert_settings *s, const struct alert_facts *f, bool open, struct buf *text)
{
	(void)s;
	(void)open;
	if (!f->short_of)
		return false;
	buf_printf(text, "no run begins: %s", f->short_of);
	return true;
}

static bool (*const rules[ALERT_KINDS])(const struct alert_settings *s, const struct alert_facts *f, bool open,
                                        struct buf *text) = {
	[ALERT_FAILURES] = failures, [ALERT_LONG] = longer,         [ALERT_ERROR_RATE] = error_rate, [ALERT_STALE] = stale,
	[ALERT_HELD] = held,         [ALERT_ATTENTION] = attention, [ALERT_QUOTA] = quota,           [ALERT_DISK] = disk,
};

bool
alert_judge(enum alert_kind kind, const struct alert_settings *s, const struct alert_facts *f, bool open, struct buf *text)
{
	return rules[kind](s, f, open, text);
}
