/* windows.c - a list that is long is read in windows of time, one after the other.
 *
 *   is there anything behind SKIP_MOST objects? ──no──> the list is read as it is
 *          └──yes──> windows: by date_created for the whole list, by date_updated for what changed since; each is asked
 *                    the same first: too long: half as wide; hardly anything in it: the next one is wider
 *
 * Before the first and behind the last window nothing is left out: the first is open towards the past, the last towards
 * the future. What is updated while it is read moves into a later window.
 *
 * The window in hand is the checkpoint, {"run", "from", "span"} in seconds, since local variables do not outlive a step. It names
 * the run by its start: one that a failed run left behind means nothing to the next.
 *
 * Awkward: Close documents that there is a bound, not which; where it is below SKIP_MOST the refusal names it. Windows
 * begin at midnight as long as they are days wide, and are written as dates then. */
#include <time.h>
#include "close.h"

enum {
	TRIES = 3, /* of an answer that is no whole JSON */
	SKIP_MOST = 10000, /* deeper is slow, even where Close lets us (a bound of 250 000 was seen) */
	DAY = 86400,
	FIRST = 14610 * DAY /* 2010-01-01; the company is younger, what was imported may be older */
};

/* Its midnight. */
static int64_t
day_of(int64_t us)
{
	return us / 1000000 / DAY * DAY;
}

static const char *
time_text(struct sluice_run *run, int64_t at)
{
	const time_t seconds = (time_t)at;
	struct tm utc;
	char text[32];

	if (!at)
		return NULL;
	gmtime_r(&seconds, &utc);
	strftime(text, sizeof text, at % DAY ? "%Y-%m-%dT%H:%M:%SZ" : "%Y-%m-%d", &utc);
	return sluice_format(run, "%s", text);
}

const struct sluice_pair *
window_query(struct sluice_run *run, const struct list *list, const struct window *w, struct sluice_pair to[WINDOW_PAIRS])
{
	const char *from = time_text(run, w->from), *end = time_text(run, w->to);

	memset(to, 0, WINDOW_PAIRS * sizeof *to);
	if (list->by != BY_SEARCH) {
		to[0] = (struct sluice_pair){sluice_format(run, "%s__gte", w->field), from};
		to[1] = (struct sluice_pair){sluice_format(run, "%s__lt", w->field), end};
	} else if (from || end) {
		from = from ? sluice_format(run, "%s>=\"%s\"", w->field, from) : "";
		end = end ? sluice_format(run, "%s<\"%s\"", w->field, end) : "";
		to[0] = (struct sluice_pair){"query", sluice_format(run, "%s%s%s", from, *from && *end ? " " : "", end)};
	}
	return to;
}

/* ---- how long a window is ---- */

/* "The skip you set is larger than the maximum skip for this resource (max_skip = 250000)." 0: it says something else. */
static long
bound_of(const char *refusal)
{
	const char *at = strstr(refusal, "max_skip");

	return at ? strtol(at + strcspn(at, "0123456789"), NULL, 10) : 0;
}

/* Is there anything behind so many objects as may be skipped? */
static int
window_is_long(struct sluice_run *run, const struct list *list, const struct window *w)
{
	static const int accept[] = {400, 0};
	struct sluice_pair query[WINDOW_PAIRS + 2] = {{"_limit", "1"}, {"_skip", NULL}};
	struct sluice_request request = {.endpoint = list->path, .query = query, .accept = accept};
	struct sluice_response answer;
	cJSON *root = NULL;
	int yes;

	window_query(run, list, w, query + 2);
	query[1].value = sluice_format(run, "%d", SKIP_MOST);
	if (sluice_fetch(run, &request, &answer))
		return 0;
	if (answer.status == 400 && bound_of(answer.body) > 0 && bound_of(answer.body) < SKIP_MOST) {
		query[1].value = sluice_format(run, "%ld", bound_of(answer.body));
		sluice_fetch(run, &request, &answer);
	}
	for (int i = 0; i < TRIES && !root; i++) {
		if (i > 0 && sluice_fetch(run, &request, &answer))
			return 0;
		root = sluice_json_parse(answer.body, answer.len);
	}
	if (answer.status == 400)
		sluice_fail(run, SLUICE_EHTTP, "%s: Close answered status 400: %.300s", list->path, answer.body);
	else if (!cJSON_IsArray(sluice_json_get(root, "data")))
		sluice_fail(run, SLUICE_EDATA, "%s: the answer has no list 'data'", list->path);
	yes = cJSON_GetArraySize(sluice_json_get(root, "data")) > 0;
	cJSON_Delete(root);
	return yes;
}

/* ---- one window after the other ---- */

struct place {
	int64_t from, span;
};

static void
place_write(struct sluice_run *run, int64_t from, int64_t span)
{
	sluice_save_checkpoint(run, sluice_format(run, "{\"run\":\"%lld\",\"from\":%lld,\"span\":%lld}",
	                                          (long long)sluice_now(run), (long long)from, (long long)span));
}

/* 0: this run reads no windows. */
static int
place_read(struct sluice_run *run, struct place *p)
{
	const char *text = sluice_get_checkpoint(run), *whose;
	cJSON *root = text ? sluice_json_parse(text, strlen(text)) : NULL;
	int ours;

	whose = sluice_json_text(root, "run");
	ours = whose && strtoll(whose, NULL, 10) == sluice_now(run);
	p->from = sluice_json_int(root, "from", 0);
	p->span = sluice_json_int(root, "span", 0);
	cJSON_Delete(root);
	return ours && p->from > 0 && p->span > 0;
}

/* The next window: wider, where this one held little. */
static int64_t
wider(const struct list *list, int64_t span, long items)
{
	return items == 0 ? span * 8 : items < list->limit ? span * 2 : span;
}

static int64_t
half(int64_t span)
{
	return span / 2 >= DAY ? span / 2 / DAY * DAY : span / 2;
}

/* Reads the window at the place, if it is not too long; the checkpoint is then the next one. */
static void
place_advance(struct sluice_run *run, const struct list *list, const struct window *all, const struct place *p, int64_t end)
{
	const int64_t span = p->span < end - p->from ? p->span : end - p->from;
	const int first = all->from == 0 && p->from == FIRST, last = p->from + span == end;
	const struct window w = {all->field, first ? 0 : p->from, last ? 0 : p->from + span};

	if (!window_is_long(run, list, &w))
		place_write(run, p->from + span, wider(list, span, window_read(run, list, &w)));
	else if (span > 1)
		place_write(run, p->from, half(span));
	else
		sluice_fail(run, SLUICE_EFAILED, "%s: there is more of one second (%s %s%s) than Close lets anybody skip",
		            list->path, w.field, time_text(run, p->from), first ? ", or before" : "");
}

void
list_read(struct sluice_run *run, const struct list *list, int64_t since)
{
	const int changes = list->by != NOT_BY_DATE && since > 0;
	const struct window all = {changes ? "date_updated" : "date_created", changes ? day_of(since) : 0, 0};
	const int64_t first = changes ? day_of(since) : FIRST, end = day_of(sluice_now(run)) + DAY;
	struct place p;

	if (!place_read(run, &p)) {
		if (list->by == NOT_BY_DATE || !window_is_long(run, list, &all)) {
			window_read(run, list, &all);
			return;
		}
		sluice_log(run, SLUICE_INFO, "%s is long: it is read in windows of time", list->path);
		place_write(run, first, end - first);
	}
	while (sluice_status(run) == 0 && place_read(run, &p) && p.from < end)
		place_advance(run, list, &all, &p, end);
	sluice_clear_checkpoint(run);
}
