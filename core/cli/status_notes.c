/* status_notes.c - the lines below the table of `sluice status`: what a person should know, and what to do about it.
 *
 * Of a sync: how far its run has come, what it waits for, why it failed, incidents, deletes and records that wait for a
 * person. Of the host: endpoints and events that do not move, and where it listens. What is as it should be has no line.
 * Awkward: what is wrong with a connection is wrong with each of its syncs, which come one after the other: told once. */
#include "cli/status_notes.h"

#include <stdlib.h>
#include <string.h>
#include "schedule/schedule.h"

/* ---- of a sync ---- */

char *
status_live_word(struct slice row)
{
	struct slice schedule = member_raw(row, "schedule");
	char *state = member_text(schedule.len ? schedule : member_raw(row, "planned"), "state");

	if (state && strcmp(state, schedule_state_names[SCHEDULE_WAITING]) != 0 &&
	    strcmp(state, schedule_state_names[SCHEDULE_MANUAL]) != 0)
		return state;
	free(state);
	return NULL;
}

/* "a rate limit until 2026-...": a wait with its end. */
static void
until_put(struct buf *out, const char *what, int64_t until_us)
{
	char text[TIME_TEXT_MAX], at[TIME_TEXT_MAX];

	buf_puts(out, what);
	if (until_us)
		buf_printf(out, " until %s", time_short(time_format(until_us, text), at));
}

static uint64_t
held_sum(struct slice held)
{
	struct json_iter it = json_iter(held);
	int64_t n;
	uint64_t sum = 0;

	while (json_next(&it))
		sum += json_int(it.value, &n) ? (uint64_t)n : 0;
	return sum;
}

/* How far a run has come, and what it waits for. */
static void
progress_note(struct buf *notes, const char *name, struct slice progress)
{
	int64_t done = member_int(progress, "processed", 0), total = member_int(progress, "total", 0);
	char a[32], b[32], *waiting = member_text(progress, "waiting"), *limit = member_text(progress, "limit"),
	     *position = member_text(progress, "position");
	struct buf what = {0};

	if (!progress.len)
		return;
	buf_printf(notes, "%s: running: %s records, %s requests", name,
	           number_text((uint64_t)member_int(progress, "records", 0), a),
	           number_text((uint64_t)member_int(progress, "requests", 0), b));
	buf_printf(notes, ", %s/s", number_text((uint64_t)member_int(progress, "records_per_second", 0), a));
	if (total)
		buf_printf(notes, ", %s of %s", number_text((uint64_t)done, a), number_text((uint64_t)total, b));
	if (position)
		buf_printf(notes, ", step %lld, at %s", (long long)member_int(progress, "step", 0), position);
	if (waiting) {
		buf_puts(notes, "; ");
		buf_puts(&what, waiting);
		if (limit)
			buf_printf(&what, " '%s'", limit);
		until_put(notes, buf_str(&what), member_int(progress, "until_us", 0));
	}
	buf_putc(notes, '\n');
	buf_free(&what);
	free(position);
	free(limit);
	free(waiting);
}

/* "after acme : stripe : customers, which is waiting until 2026-...". */
static void
after_note(struct buf *notes, const char *name, struct slice after, int64_t until_us)
{
	char *connection = member_text(after, "connection"), *integration = member_text(after, "integration"),
	     *sync = member_text(after, "sync"), *state = member_text(after, "state");

	if (connection && integration && sync && state) {
		buf_printf(notes, "%s: after %s : %s : %s, which is ", name, connection, integration, sync);
		until_put(notes, state, until_us);
		buf_putc(notes, '\n');
	}
	free(connection);
	free(integration);
	free(sync);
	free(state);
}

static void
schedule_note(struct buf *notes, const char *name, bool broken, struct slice row)
{
	struct slice schedule = member_raw(row, "schedule");
	char *word = status_live_word(row), *limit = member_text(schedule, "limit"), *trouble = member_text(schedule, "trouble");
	int64_t until_us = member_int(schedule, "until_us", 0);

	progress_note(notes, name, member_raw(row, "progress"));
	if (json_type(member_raw(schedule, "after")) == JSON_OBJECT) {
		after_note(notes, name, member_raw(schedule, "after"), until_us);
	} else if (word && (limit || until_us)) {
		buf_printf(notes, "%s: ", name);
		until_put(notes, word, until_us);
		buf_printf(notes, "%s%s\n", limit ? ", by max_runs of the " : "", limit ? limit : "");
	}
	if (trouble && !broken) /* which has been told */
		buf_printf(notes, "%s: %s\n", name, trouble);
	free(word);
	free(limit);
	free(trouble);
}

static void
alert_notes(struct buf *notes, const char *name, struct slice alerts)
{
	struct json_iter it = json_iter(alerts);

	while (json_next(&it)) {
		char *text = member_text(it.value, "text"), *since = member_text(it.value, "since"), time[TIME_TEXT_MAX];
		buf_printf(notes, "%s: alert since %s: %s\n", name, time_short(since, time), text ? text : "");
		free(text);
		free(since);
	}
}

void
notes_sync(struct status_notes *n, const struct pick *p, struct slice row)
{
	struct buf *notes = &n->text;
	struct slice last = member_raw(row, "last");
	uint64_t held = held_sum(member_raw(row, "held"));
	int64_t letters = member_int(row, "dead_letters", 0);
	char *reason = member_text(last, "reason");
	char name[512];

	snprintf(name, sizeof name, "%s : %s : %s", p->connection->name, p->connection->integration->name,
	         p->sync->name);
	if (p->connection->broken && p->connection != n->told)
		buf_printf(notes, "%s\n", p->connection->broken);
	n->told = p->connection;
	if (!p->connection->active)
		buf_printf(notes, "%s: inactive (active = no): runs only when it is named\n", name);
	if (member_bool(row, "own_interval", false)) {
		char *every = member_text(row, "every");
		buf_printf(notes, "%s: every %s, as an application asked over HTTP\n", name, every ? every : "");
		free(every);
	}
	if (reason && !json_string_is(member_raw(last, "status"), "success"))
		buf_printf(notes, "%s: %s\n", name, reason);
	schedule_note(notes, name, p->connection->broken != NULL, row);
	alert_notes(notes, name, member_raw(row, "alerts"));
	if (held)
		buf_printf(notes,
		           "%s: %llu delete%s held back, too many at once to be believed without a person: `sluice "
		           "confirm-deletes show %s --connection-id %s`\n",
		           name, (unsigned long long)held, held == 1 ? " is" : "s are", p->sync->name, p->connection->name);
	if (letters)
		buf_printf(notes, "%s: %lld dead letter%s: `sluice dead-letters list --unresolved --connection-id %s`\n",
		           name, (long long)letters, letters == 1 ? "" : "s", p->connection->name);
	free(reason);
}

/* ---- of the host ---- */

/* Endpoints with which something is not as it should be. */
static void
webhook_notes(struct buf *notes, struct slice webhooks)
{
	struct json_iter it = json_iter(webhooks);

	while (json_next(&it)) {
		char *name = member_text(it.value, "endpoint"), *state = member_text(it.value, "state"), *next, time[TIME_TEXT_MAX];
		char *trouble = member_text(it.value, "trouble"), *reason = member_text(it.value, "reason");
		int64_t failures = member_int(it.value, "failures", 0), pending = member_int(it.value, "pending", 0),
		        parked = member_int(it.value, "parked", 0);

		next = member_text(it.value, "next_try_at");
		if (state && strcmp(state, "left") == 0 && pending + parked)
			buf_printf(notes, "webhook %s: its section is gone, %lld events of it are still there\n", name,
			           (long long)(pending + parked));
		else if (state && strcmp(state, "gone") == 0)
			buf_printf(notes, "webhook %s: its receiver wants no more (410); %lld events wait: `sluice deliveries retry "
			           "--endpoint %s`\n", name, (long long)pending, name);
		else if (trouble && pending)
			buf_printf(notes, "webhook %s: %s; %lld events wait\n", name, trouble, (long long)pending);
		else if (failures)
			buf_printf(notes, "webhook %s: %s, %lld times in a row; next try %s, %lld events wait\n", name,
			           reason ? reason : "it failed", (long long)failures, time_short(next, time), (long long)pending);
		if (parked)
			buf_printf(notes, "webhook %s: %lld events were given up: `sluice deliveries list --parked --endpoint %s`\n",
			           name, (long long)parked, name);
		free(name);
		free(state);
		free(next);
		free(trouble);
		free(reason);
	}
}

/* Events of providers that wait, and those that wait for a person. */
static void
event_notes(struct buf *notes, struct slice events)
{
	static const char *const does[2][2] = {
		{"wait to be handled", "waits to be handled"},
		{"failed too often and were put aside", "failed too often and was put aside"},
	};
	struct json_iter it = json_iter(events);

	while (json_next(&it)) {
		char *connection = member_text(it.value, "connection"), *integration = member_text(it.value, "integration");
		bool dead = json_string_is(member_raw(it.value, "state"), "dead");
		long long n = member_int(it.value, "count", 0);

		buf_printf(notes, "events of %s : %s: %lld %s: `sluice events list --%s`\n", connection, integration, n,
		           does[dead][n == 1], dead ? "dead" : "waiting");
		free(connection);
		free(integration);
	}
}

static void
listen_note(struct buf *notes, struct slice listens)
{
	struct json_iter it = json_iter(listens);
	const char *before = "Listens on ";

	if (json_type(listens) != JSON_ARRAY)
		return;
	while (json_next(&it)) {
		buf_puts(notes, before);
		json_unquote(it.value, notes);
		before = ", ";
	}
	buf_puts(notes, *before == ',' ? "\n" : "Listens nowhere: [host] listen is none\n");
}

void
notes_host(struct status_notes *n, struct slice host)
{
	webhook_notes(&n->text, member_raw(host, "webhooks"));
	event_notes(&n->text, member_raw(host, "events"));
	listen_note(&n->text, member_raw(host, "listens"));
}
