/* endpoint.c - see endpoint.h: which event is next, its headers, and what its answer means.
 *
 * Guarantee: while an event waits to be tried again, none behind it is sent. The bytes that are signed are the bytes that are
 * sent: both are the body as it stands in the store.
 * Awkward: an event is read behind the last that was taken, whose receipt may still be on its way to the disk. A gap event
 * still grows until it is the head of its queue, so it waits until all before it is durable. */
#include "deliver/endpoint.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/log.h"
#include "base/mem.h"
#include "deliver/signature.h"
#include "run/metrics.h"

#define GONE 410

/* ---- the settings ---- */

static void
trouble_set(struct endpoint *e, const char *text)
{
	if (text && (!e->trouble || strcmp(e->trouble, text) != 0))
		log_warn("webhook %s: %s; its events wait", e->name, text);
	free(e->trouble);
	e->trouble = text ? xstrdup(text) : NULL;
}

void
endpoint_settle(struct endpoint *e)
{
	const struct settings *s = e->deliver->settings;

	e->settings = NULL;
	for (size_t i = 0; i < s->n_webhooks; i++)
		if (strcmp(s->webhooks[i]->name, e->name) == 0)
			e->settings = s->webhooks[i];
	e->number = store_outbox_endpoint(e->deliver->store, e->name);
	if (e->settings)
		trouble_set(e, e->settings->broken);
}

void
endpoint_again(struct endpoint *e)
{
	pace_again(&e->standing.pace);
	ledger_person(e);
}

/* ---- what an answer means ---- */

static void
failure_tell(struct endpoint *e, int64_t wait_ms)
{
	const struct standing *s = &e->standing;
	char text[TIME_TEXT_MAX];
	bool person = s->status >= 400 && s->status < 500 && s->status != 408 && s->status != 425 && s->status != 429;

	if (s->pace.gone)
		log_warn("webhook %s: its receiver answered 410, it wants no more: nothing is sent until `sluice "
		         "deliveries retry --endpoint %s` or a reload; its events wait",
		         e->name, e->name);
	else if (s->pace.failures == 1)
		log_warn("webhook %s: %s; tried again in %s%s", e->name, s->reason, duration_format(wait_ms, text),
		         person ? ". That is for a person to mend: its address, its secret or the receiver's own rules"
		                : "");
	else if (s->pace.failures == PACE_OPEN)
		log_warn("webhook %s: %s, %d times in a row: from now on one event at a time is tried, next in %s",
		         e->name, s->reason, PACE_OPEN, duration_format(wait_ms, text));
	else
		log_debug("webhook %s: %s; tried again in %s", e->name, s->reason, duration_format(wait_ms, text));
}

static void
event_failed(struct endpoint *e, const struct post_result *r)
{
	int64_t now = deliver_now_us(e->deliver), first = e->first_us ? e->first_us : now,
	        end = first + e->give_up_ms * 1000;
	struct pace *pace = &e->standing.pace;
	const struct standing_failure f = {.now_us = now,
	                                   .asked_ms = r->retry_after_ms,
	                                   .status = r->status,
	                                   .reason = r->text,
	                                   .dice = randombytes_random()};
	bool park = now >= end && r->status != GONE;

	standing_failed(&e->standing, &f);
	if (!park && pace->next_us > end && end > now && r->retry_after_ms < 0)
		pace->next_us = end; /* the last try is at the end of its time, not hours behind */
	if (park) {
		log_warn("webhook %s: event %s (%s) is given up after %llu tries: `sluice deliveries list --parked` "
		         "shows it",
		         e->name, e->id, e->type, (unsigned long long)e->attempts + 1);
		e->sent = e->event;
	}
	failure_tell(e, pace_wait_ms(pace, now));
	ledger_failed(e, park, pace->next_us);
}

static void
event_taken(struct endpoint *e, const struct post_result *r)
{
	struct delivered d = {.at_us = deliver_now_us(e->deliver),
	                      .took_ms = r->took_ms,
	                      .attempts = e->attempts + 1,
	                      .status = r->status};

	snprintf(d.id, sizeof d.id, "%s", e->id);
	snprintf(d.type, sizeof d.type, "%s", e->type);
	if (e->standing.pace.failures)
		log_info("webhook %s: takes events again, after %llu that failed", e->name,
		         (unsigned long long)e->standing.pace.failures);
	standing_took(&e->standing, &d);
	e->sent = e->event;
	ledger_taken(e);
}

static const struct metric_family attempts = {
	"sluice_webhook_deliveries_total", "Attempts to deliver an event, by what the receiver answered.", METRIC_COUNTER,
	{"endpoint", "status"}, NULL, 0};

static void
event_answered(void *arg, const struct post_result *r)
{
	static const char *const classes[] = {"none", "1xx", "2xx", "3xx", "4xx", "5xx"};
	struct endpoint *e = arg;
	const size_t class = (size_t)r->status / 100;

	metric_add(host_metrics(e->deliver->o.host), &attempts,
	           (const char *const[]){e->name, class < LENGTH(classes) ? classes[class] : "other"}, 1);
	e->post = NULL;
	if (r->taken)
		event_taken(e, r);
	else
		event_failed(e, r);
	endpoint_look_soon(e);
}

/* ---- sending ---- */

static void
event_keep(struct endpoint *e, const struct outbox_event *v)
{
	e->event = v->number;
	snprintf(e->id, sizeof e->id, "%s", v->id);
	snprintf(e->type, sizeof e->type, "%s", v->type);
	e->attempts = v->attempts;
	e->first_us = v->first_try_us;
	buf_clear(&e->body);
	buf_slice(&e->body, v->body);
}

static void
head_take(void *arg, const struct outbox_event *v)
{
	event_keep(arg, v);
}

static bool
next_take(void *arg, const struct outbox_event *v)
{
	struct endpoint *e = arg;

	if (strcmp(v->type, "gap") != 0)
		event_keep(e, v);
	return false;
}

/* False: there is none, or none yet. */
static bool
event_find(struct endpoint *e)
{
	const struct outbox_query q = {.endpoint = e->number, .after = e->sent, .limit = 1};
	struct err err = {0};

	e->event = 0;
	if (ledger_clear(e))
		return store_outbox_next(e->deliver->store, e->number, head_take, e);
	if (store_outbox_list(e->deliver->store, &q, next_take, e, &err) != 0)
		log_warn("webhook %s: %s", e->name, err.text);
	return e->event != 0;
}

/* That client verifies by the key it calls us with, unless it was given another one. */
static const struct secret *
nango_key(const struct deliver *d, const struct webhook_settings *w)
{
	if (w->nango_secret)
		return w->nango_secret;
	return d->o.nango_key ? d->o.nango_key(d->o.arg) : NULL;
}

static void
event_send(struct endpoint *e)
{
	const struct deliver *d = e->deliver;
	const struct webhook_settings *w = e->settings;
	const struct signing by = {.secret = w->secret, .before = w->secret_before, .nango = nango_key(d, w)};
	int64_t now_us = deliver_now_us(d);
	char seconds[32];
	struct signatures s;
	struct err err;

	if (signatures_make(&s, &by, slice_str(e->id), now_us / 1000000, buf_view(&e->body), &err) != 0) {
		trouble_set(e, err.text);
		return;
	}
	snprintf(seconds, sizeof seconds, "%lld", (long long)(now_us / 1000000));
	const struct post_header headers[] = {{"Content-Type", "application/json"},
	                                      {"webhook-id", e->id},
	                                      {"webhook-timestamp", seconds},
	                                      {"webhook-signature", buf_str(&s.standard)},
	                                      {"X-Nango-Hmac-Sha256", s.hmac},
	                                      {"X-Nango-Signature", s.hash},
	                                      {NULL, NULL}};
	const struct post_ask ask = {.url = w->url,
	                             .headers = headers,
	                             .body = buf_view(&e->body),
	                             .timeout_ms = w->timeout_ms,
	                             .connect_ms = d->settings->host.connect_ms,
	                             .ca_file = d->settings->host.ca_file,
	                             .now_us = now_us};
	e->give_up_ms = w->give_up_ms;
	e->post = post_begin(d->poster, &ask, event_answered, e);
	buf_free(&s.standard);
}

int64_t
endpoint_look(struct endpoint *e)
{
	int64_t wait_ms = ledger_mend(e);

	if (wait_ms)
		return wait_ms;
	if (e->deliver->stopping || e->post || !e->number || !e->settings || !e->settings->active || e->trouble ||
	    !ledger_room(e))
		return PACE_NEVER;
	wait_ms = pace_wait_ms(&e->standing.pace, deliver_now_us(e->deliver));
	if (wait_ms)
		return wait_ms;
	if (event_find(e))
		event_send(e);
	return PACE_NEVER;
}

/* ---- beginning and end ---- */

struct endpoint *
endpoint_new(struct deliver *d, const char *name)
{
	struct endpoint *e = XNEW(struct endpoint);

	e->deliver = d;
	e->name = xstrdup(name);
	standing_read(d->store, name, &e->standing);
	return e;
}

void
endpoint_free(struct endpoint *e)
{
	post_stop(e->post);
	buf_free(&e->body);
	free(e->trouble);
	free(e->name);
	free(e);
}
