/* query_doctor_webhooks.c - what `sluice doctor` finds about webhooks out: endpoints that fail, are switched off or left behind. */
#include <stdio.h>
#include "base/mem.h"
#include "deliver/deliver.h"
#include "serve/doctor.h"

static const struct {
	const char *verdict, *todo;
} judged[DELIVER_STATES] = {
        [DELIVER_IDLE] = {"ok", NULL},
        [DELIVER_SENDING] = {"ok", NULL},
        [DELIVER_WAITING] = {"warn", "nothing yet: a service (`sluice serve`) tries it by itself"},
        [DELIVER_OPEN] = {"problem", "mend the receiver; `sluice deliveries retry --endpoint NAME` then tries at once"},
        [DELIVER_GONE] = {"problem", "`sluice deliveries retry --endpoint NAME` when it is to get events again, else "
                                     "take its section away"},
        [DELIVER_OFF] = {"problem", "mend its section in the configuration, then `sluice reload`"},
        [DELIVER_LEFT] = {"warn", "`sluice deliveries drop --pending --parked --endpoint NAME` when nobody wants them"},
};

static void
found_put(const struct deliver_view *v, struct buf *text)
{
	const struct standing *s = v->standing;
	unsigned long long waiting = v->outbox.pending + v->outbox.parked;
	char next[TIME_TEXT_MAX];

	if (v->state == DELIVER_LEFT)
		buf_printf(text, "its section is gone, and %llu events of it are still there", waiting);
	else if (v->trouble)
		buf_printf(text, "%s; %llu events wait", v->trouble, waiting);
	else if (s->pace.failures)
		buf_printf(text, "%s, %llu times in a row; next try %s, %llu events wait", s->reason,
		           (unsigned long long)s->pace.failures,
		           s->pace.next_us ? time_format_ms(s->pace.next_us, next) : "at once", waiting);
	else
		buf_printf(text, "%s, %llu events wait", deliver_states[v->state], waiting);
}

static bool
webhook_row(void *arg, const struct deliver_view *v)
{
	struct question *q = arg;
	bool meant = v->settings && !v->settings->active && !v->trouble; /* a person wants it so */
	struct buf text = {0};

	found_put(v, &text);
	doctor_row(q, "webhook", v->name, meant ? "ok" : judged[v->state].verdict,
	           meant ? "active = no" : buf_str(&text), meant ? NULL : judged[v->state].todo);
	if (v->outbox.parked) {
		buf_clear(&text);
		buf_printf(&text, "%llu events were given up", (unsigned long long)v->outbox.parked);
		doctor_row(q, "webhook", v->name, "warn", buf_str(&text),
		           "`sluice deliveries list --parked` shows them, `sluice deliveries retry --parked` has them "
		           "tried again");
	}
	buf_free(&text);
	return true;
}

void
doctor_webhooks(struct question *q)
{
	struct err ignored;

	deliver_each(q->host, webhook_row, q, &ignored);
}
