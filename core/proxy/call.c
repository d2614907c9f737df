/* call.c - one call's life as a state machine. What comes of it when an exchange has ended is outcome.c's to say.
 *
 *   (OAuth 2: TOKEN, then QUEUED, wherever QUEUED stands: nobody holds a place in the queue without a token)
 *
 *   proxy_send --> QUEUED ---granted---> SENDING ---answer, failure---> (settle) --+--> done
 *                  ^    \                  |  ^                           |  |     |
 *                  |     `--too long--> ENDING `----- redirect, QUEUED ---'  |   ENDING: done, from the loop
 *                  `------------------ WAITING <---------- retry ------------'
 *
 * Guarantee: done is called once, last, and never from inside proxy_send; after proxy_cancel no piece comes and the
 * result is ERR_STOPPED, in whatever state the call was. Every millisecond of its life is counted under one reason.
 * Awkward: callbacks run inside libcurl when they are given pieces, so cancelling only sets the alarm; the handle is
 * taken out of libcurl when that rings. And a streamed call is retried only until its first piece is out. */
#include "proxy/call.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "proxy/auth.h"
#include "proxy/limit.h"
#include "proxy/outcome.h"
#include "proxy/redirect.h"
#include "proxy/request.h"
#include "proxy/retry.h"
#include "sluice.h"

const char *const wait_names[WAIT_REASONS] = {
        [WAIT_NONE] = "",
        [WAIT_CONNECT] = "connecting",
        [WAIT_SERVER] = "waiting for the server",
        [WAIT_RATE] = "waiting for the rate limit",
        [WAIT_RETRY] = "waiting to try again",
        [WAIT_TOKEN] = "waiting for an access token",
};

static int64_t
now_of(const struct proxy_call *c)
{
	return proxy_now(c->proxy);
}

void
call_reason(struct proxy_call *c, enum wait_reason reason)
{
	int64_t now = now_of(c);

	c->answer.waits_ms[c->reason] += now - c->since;
	c->reason = reason;
	c->since = now;
}

void
call_alarm(struct proxy_call *c, int64_t at)
{
	if (at == INT64_MAX)
		alarm_clear(&c->proxy->alarms, &c->alarm);
	else
		alarm_set(&c->proxy->alarms, &c->alarm, at);
}

void
call_enter(struct proxy_call *c, enum call_state state, enum wait_reason reason, int64_t at)
{
	c->state = state;
	call_reason(c, reason);
	call_alarm(c, at);
}

int64_t
call_deadline(const struct proxy_call *c)
{
	return c->deadline ? c->deadline : INT64_MAX;
}

/* ---- the end ---- */

static void
call_free(struct proxy_call *c)
{
	url_free(&c->url);
	header_list_wipe(c->lines);
	secret_free(c->token);
	exchange_finish(&c->exchange);
	buf_free(&c->headers);
	buf_free(&c->body);
	free(c->retry_on);
	free(c);
}

static void
call_stop_exchange(struct proxy_call *c)
{
	if (c->in_engine)
		engine_stop(c->proxy->engine, c->exchange.easy);
	c->in_engine = false;
}

/* Lets go of all that is shared, then tells. The proxy itself may be closed after done. */
void
call_finish(struct proxy_call *c)
{
	struct proxy *p = c->proxy;
	struct proxy_answer *a = &c->answer;

	call_stop_exchange(c);
	line_remove(c);
	if (c->target->oauth)
		oauth_leave(c->target->oauth, &c->token_wait);
	call_reason(c, WAIT_NONE);
	alarm_clear(&p->alarms, &c->alarm);
	alarm_clear(&p->alarms, &c->kick);
	engine_handle_return(p->engine, c->exchange.easy);
	c->exchange.easy = NULL;
	c->target->calls--;
	*(c->prev ? &c->prev->next : &p->calls) = c->next;
	if (c->next)
		c->next->prev = c->prev;
	if (c->cancelled)
		err_set(&a->err, ERR_STOPPED, "%s: %s %.400s was stopped", c->target->name, c->method,
		        c->url.shown ? c->url.shown : "");
	a->content_type = "";
	if (!a->err.cls) {
		a->status = c->exchange.head.status;
		a->headers = buf_view(&c->exchange.head.lines);
		a->body = c->exchange.streaming ? (struct slice){0} : buf_view(&c->exchange.body);
		a->content_type = exchange_type(&c->exchange, c->type, sizeof c->type);
	}
	c->done(c->arg, a);
	proxy_spare_put(p, &c->exchange.body);
	call_free(c);
}

/* Ends from the loop: for who may not call done where they are. */
static void
call_end_later(struct proxy_call *c)
{
	call_enter(c, CALL_ENDING, WAIT_NONE, now_of(c));
}

void
call_name_error(struct proxy_call *c)
{
	struct err *e = &c->answer.err;
	struct buf text = {0};

	if (c->answer.attempts > 1)
		buf_printf(&text, "%s: %s %.300s: %.400s (after %u attempts)", c->target->name, c->method, c->url.shown,
		           e->text, c->answer.attempts);
	else
		buf_printf(&text, "%s: %s %.300s: %.400s", c->target->name, c->method, c->url.shown, e->text);
	err_set(e, e->cls, "%s", buf_str(&text));
	buf_free(&text);
}

void
call_fail(struct proxy_call *c, const struct err *why)
{
	c->answer.err = *why;
	call_name_error(c);
	call_finish(c);
}

void
call_abort(struct proxy_call *c)
{
	c->cancelled = true;
	call_finish(c);
}

void
call_refused(struct proxy_call *c, int64_t until)
{
	limit_error(c, until - now_of(c));
	call_end_later(c);
}

/* ---- OAuth 2 ---- */

static void
token_ready(void *arg, const struct err *err)
{
	struct proxy_call *c = arg;

	if (err->cls)
		call_fail(c, err);
	else
		call_queue(c);
}

static void
token_copy(struct proxy_call *c)
{
	secret_free(c->token);
	c->token = secret_dup(oauth_token(c->target->oauth, &c->token_generation));
	c->exchange.head.hide = c->token;
}

bool
call_doubts(const struct proxy_call *c, int status)
{
	return status == 401 && c->target->oauth && c->access.credentials && !c->renewed;
}

bool
call_renew(struct proxy_call *c)
{
	if (!oauth_doubt(c->target->oauth, c->token_generation))
		return false;
	c->renewed = true;
	call_queue(c);
	return true;
}

void
call_queue(struct proxy_call *c)
{
	if (c->target->oauth && c->access.credentials) {
		call_enter(c, CALL_TOKEN, WAIT_TOKEN, call_deadline(c));
		if (!oauth_want(c->target->oauth, &c->token_wait))
			return;
	}
	call_enter(c, CALL_QUEUED, WAIT_RATE, call_deadline(c));
	c->limits = target_limits_of(c->target, c->method, &c->url);
	line_add(c);
}

/* ---- sending ---- */

static bool
head_came(void *arg)
{
	struct proxy_call *c = arg;
	int status = c->exchange.head.status;

	if (!c->on_body || redirect_asked(c))
		return false;
	if (call_doubts(c, status))
		return false;
	if (retry_status(status, c->retry_on, c->n_retry_on) && retry_method(c->method, c->safe) &&
	    c->answer.retries < c->limit)
		return false;
	if (c->endless)
		call_alarm(c, call_deadline(c));
	return true;
}

static void
piece_came(void *arg, struct slice piece)
{
	struct proxy_call *c = arg;

	if (!c->cancelled)
		c->on_body(c->arg, piece);
}

static void
request_sent(void *arg)
{
	struct proxy_call *c = arg;
	bool again = c->exchange.sent;

	call_reason(c, WAIT_SERVER);
	limit_sent(c, again);
	if (again) { /* a kept connection was dead: libcurl sends once more, a sending like any other */
		c->answer.attempts++;
		c->answer.retries++;
	}
	line_soon(c->proxy); /* this runs inside libcurl */
}

void
call_granted(struct proxy_call *c)
{
	struct proxy *p = c->proxy;
	struct exchange *x = &c->exchange;
	int64_t now = now_of(c), late = c->timeout_ms < INT64_MAX - now ? now + c->timeout_ms : INT64_MAX;

	header_list_wipe(c->lines);
	if (c->target->auth == SLUICE_QUERY_KEY)
		url_set_param(&c->url, c->target->auth_name, (struct slice){0});
	c->lines = request_headers(c);
	if (c->target->oauth && c->access.credentials)
		token_copy(c);
	if (c->access.credentials)
		c->lines = auth_apply(c->target, &c->url, c->lines);
	c->plan = (struct exchange_plan){
	        .url = &c->url,
	        .method = c->method,
	        .headers = c->lines,
	        .body = buf_view(&c->body),
	        .may_repeat = retry_method(c->method, c->safe),
	        .trusted = c->access.trusted,
	        .max_answer = p->max_answer,
	        .connect_ms = p->connect_ms,
	        .slow_bytes = p->slow_bytes,
	        .slow_seconds = p->slow_seconds,
	        .ca_file = p->ca_file,
	        .user_agent = p->user_agent,
	};
	engine_handle_return(p->engine, x->easy);
	exchange_reset(x);
	if (!x->body.p && !c->on_body)
		proxy_spare_take(p, &x->body);
	exchange_begin(x, engine_handle(p->engine), &c->plan);
	curl_easy_setopt(x->easy, CURLOPT_PRIVATE, c);
	c->answer.attempts++;
	c->in_engine = true;
	c->over = false;
	c->granted_ms = now;
	call_enter(c, CALL_SENDING, WAIT_CONNECT, late < call_deadline(c) ? late : call_deadline(c));
	engine_start(p->engine, x->easy);
}

/* libcurl has ended. What it gave is handed out before anything is decided. */
void
call_transferred(void *call, CURLcode rc)
{
	struct proxy_call *c = call;

	c->in_engine = false;
	if (!rc && !c->cancelled && c->exchange.streaming && (!exchange_drain(&c->exchange) || c->exchange.paused)) {
		c->over = true;
		c->rc = rc;
		return;
	}
	outcome_settle(c, rc);
}

/* ---- alarms ---- */

static void
sending_late(struct proxy_call *c)
{
	const struct err unread = {ERR_PROVIDER, "the answer was not taken within the time that was left"};

	call_stop_exchange(c);
	c->exchange.late_ms = c->timeout_ms;
	if (c->settled)
		call_fail(c, &unread);
	else
		outcome_settle(c, CURLE_OPERATION_TIMEDOUT);
}

static void
call_rang(void *arg)
{
	struct proxy_call *c = arg;

	if (c->cancelled) {
		if (c->state == CALL_SENDING && !c->settled)
			limit_landed(c);
		call_finish(c);
		return;
	}
	switch (c->state) {
	case CALL_TOKEN:
		err_set(&c->answer.err, ERR_PROVIDER, "no access token came within the time that is left");
		call_name_error(c);
		call_finish(c);
		break;
	case CALL_QUEUED:
		line_remove(c);
		err_set(&c->answer.err, ERR_RATE, "the rate limit leaves no room within the time that is left");
		call_name_error(c);
		call_finish(c);
		break;
	case CALL_SENDING:
		sending_late(c);
		break;
	case CALL_WAITING:
		call_queue(c);
		break;
	case CALL_NEW:
	case CALL_ENDING:
		call_finish(c);
		break;
	}
}

/* A paused stream goes on. */
static void
call_kicked(void *arg)
{
	struct proxy_call *c = arg;
	struct exchange *x = &c->exchange;
	CURLcode rc = CURLE_OK;

	if (c->settled) {
		outcome_stand(c);
		return;
	}
	if (!exchange_drain(x) || c->cancelled)
		return;
	if (x->fault.cls)
		rc = CURLE_WRITE_ERROR;
	else if (c->in_engine)
		rc = curl_easy_pause(x->easy, CURLPAUSE_CONT);
	if (rc || (c->over && !x->paused)) {
		call_stop_exchange(c);
		outcome_settle(c, rc ? rc : c->rc);
	}
}

/* ---- the interface ---- */

struct proxy_call *
proxy_send(struct proxy_target *t, const struct proxy_request *r, proxy_done *done, proxy_body *body, void *arg)
{
	struct proxy *p = t->proxy;
	struct proxy_call *c = XNEW(struct proxy_call);

	assert(done && (!r->streamed || body));
	*c = (struct proxy_call){.proxy = p,
	                         .target = t,
	                         .next = p->calls,
	                         .done = done,
	                         .on_body = r->streamed ? body : NULL,
	                         .arg = arg};
	c->alarm = (struct alarm){.ring = call_rang, .arg = c};
	c->token_wait = (struct oauth_waiter){.ready = token_ready, .arg = c};
	c->kick = (struct alarm){.ring = call_kicked, .arg = c};
	c->exchange =
	        (struct exchange){.on_head = head_came, .on_piece = piece_came, .on_sent = request_sent, .arg = c};
	c->exchange.head.hide = t->token;
	c->exchange.head.hide_name = auth_header(t);
	if (p->calls)
		p->calls->prev = c;
	p->calls = c;
	t->calls++;
	c->since = now_of(c);
	request_copy(c, r);
	if (request_check(c, r, &c->answer.err)) {
		err_prefix(&c->answer.err, "%s: %s request", t->name, c->method);
		call_end_later(c);
	} else if (c->deadline && c->deadline <= c->since) {
		err_set(&c->answer.err, ERR_PROVIDER, "no time is left for it");
		call_name_error(c);
		call_end_later(c);
	} else {
		call_queue(c);
	}
	return c;
}

void
proxy_cancel(struct proxy_call *c)
{
	c->cancelled = true;
	alarm_set(&c->proxy->alarms, &c->alarm, now_of(c));
}

void
proxy_pause(struct proxy_call *c, bool pause)
{
	if (c->exchange.paused == pause)
		return;
	c->exchange.paused = pause;
	if (pause)
		alarm_clear(&c->proxy->alarms, &c->kick);
	else
		alarm_set(&c->proxy->alarms, &c->kick, now_of(c));
}

void
proxy_head(const struct proxy_call *c, int *status, struct slice *headers)
{
	*status = c->exchange.head.status;
	*headers = buf_view(&c->exchange.head.lines);
}

enum wait_reason
proxy_waiting_for(const struct proxy_call *c, int64_t *until_us, const char **what)
{
	int64_t now = now_of(c), until = 0;
	const struct queue *q = NULL;

	if (c->state == CALL_QUEUED)
		until = line_until(c, &q);
	else if ((c->state == CALL_WAITING || c->state == CALL_SENDING) && c->alarm.place)
		until = c->alarm.at;
	*what = q ? q->key : NULL;
	*until_us = until > now ? clock_wall_us(c->proxy->clock) + (until - now) * 1000 : 0;
	return c->reason;
}

enum wait_reason
proxy_waiting(const struct proxy_call *c, int64_t *until_us)
{
	const char *what;

	return proxy_waiting_for(c, until_us, &what);
}
