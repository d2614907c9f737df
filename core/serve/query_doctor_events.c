/* query_doctor_events.c - what `sluice doctor` finds about events that providers sent: those that nobody handles, and those that
 * were put aside.
 *
 * A queue that is not empty is well as long as it moves: what counts is how long its first event has been there, and whether it
 * has failed already. */
#include <stdlib.h>
#include "base/mem.h"
#include "serve/doctor.h"
#include "store/events_in.h"

#define LONG_US (INT64_C(5) * 60 * 1000000) /* an event that is well is handled in seconds */

struct first {
	int64_t arrived_us;
	uint64_t number, attempts;
	struct buf reason;
};

static void
first_keep(void *arg, const struct inbox_event *e)
{
	struct first *f = arg;

	f->arrived_us = e->arrived_us;
	f->number = e->number;
	f->attempts = e->attempts;
	buf_slice(&f->reason, e->reason);
}

static void
waiting_judge(struct question *q, const struct inbox_count *n, const char *subject)
{
	const struct connection_settings *k = settings_connection(q->settings, n->connection, n->integration);
	int64_t now_us = clock_wall_us(host_clock(q->host));
	struct first f = {0};
	struct buf text = {0};
	char since[TIME_TEXT_MAX];
	bool late;

	if (!store_inbox_next(q->store, n->scope, 0, first_keep, &f))
		return; /* handled meanwhile */
	late = now_us - f.arrived_us > LONG_US;
	buf_printf(&text, "%llu wait%s, the first since %s", (unsigned long long)n->n, n->n == 1 ? "s" : "", time_format_ms(f.arrived_us, since));
	if (f.attempts)
		buf_printf(&text, ", which failed %llu times: %s", (unsigned long long)f.attempts, buf_str(&f.reason));
	if (!k || !k->active)
		doctor_row(q, "events", subject, "problem", buf_str(&text),
		           k ? "the connection is switched off: `sluice connections enable`, or `sluice events drop`"
		             : "the connection is not configured any more: `sluice events drop` when nobody wants them");
	else if (!host_events(q->host))
		doctor_row(q, "events", subject, "warn", buf_str(&text), "a service handles them: `sluice serve`");
	else if (f.attempts || late)
		doctor_row(q, "events", subject, late ? "problem" : "warn", buf_str(&text),
		           f.attempts ? "`sluice logs` of its run says more; it is tried again by itself, those behind it wait"
		                      : "see what the service's log says of these events");
	else
		doctor_row(q, "events", subject, "ok", buf_str(&text), NULL);
	buf_free(&text);
	buf_free(&f.reason);
}

struct judging {
	struct question *q;
	enum inbox_state state;
};

static void
count_judge(void *arg, const struct inbox_count *n)
{
	const struct judging *j = arg;
	char *subject, *text;

	if (!name_fits(j->q->connection, n->connection) || !name_fits(j->q->integration, n->integration))
		return;
	subject = xasprintf("%s : %s", n->connection, n->integration);
	if (j->state == INBOX_WAITING) {
		waiting_judge(j->q, n, subject);
	} else {
		text = xasprintf("%llu failed too often and %s put aside", (unsigned long long)n->n, n->n == 1 ? "was" : "were");
		doctor_row(j->q, "events", subject, "warn", text,
		           "`sluice events list --dead` shows them, `sluice events retry NUMBER` has one handled again");
		free(text);
	}
	free(subject);
}

void
doctor_events(struct question *q)
{
	struct judging waiting = {q, INBOX_WAITING}, dead = {q, INBOX_DEAD};
	struct err ignored;

	if (!q->store)
		return;
	store_inbox_count(q->store, INBOX_WAITING, count_judge, &waiting, &ignored);
	store_inbox_count(q->store, INBOX_DEAD, count_judge, &dead, &ignored);
}
