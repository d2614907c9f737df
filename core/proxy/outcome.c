/* outcome.c - an exchange has ended: its answer stands, or there is another try, another place, or a failure.
 *
 *   cancelled                 -> the end
 *   whole answer, 401         -> asked again with a newer access token, once (OAuth 2 only)
 *   whole answer, redirect    -> asked there, if it may be
 *   whole answer, passing     -> asked again, unless tries, time or method forbid it: then it stands
 *   whole answer              -> stands
 *   failure that passes       -> asked again, or named
 *   any other failure         -> named
 *
 * Guarantee: a wait that the provider asked for binds all who share the limit, whatever becomes of this one call.
 * Awkward: an answer that another try may replace is collected even when it was to be streamed; when it stands after
 * all, it is handed out in pieces here, and its receiver may pause in the midst of it. */
#include "proxy/outcome.h"

#include "proxy/limit.h"
#include "proxy/redirect.h"
#include "proxy/retry.h"

void
outcome_stand(struct proxy_call *c)
{
	if (c->on_body && !c->cancelled) {
		if (!c->settled && c->endless)
			call_alarm(c, call_deadline(c));
		c->settled = true;
		if (!c->exchange.streaming)
			exchange_hold(&c->exchange);
		if (!exchange_drain(&c->exchange) || c->exchange.paused)
			return; /* call_kicked comes back */
		if (!c->cancelled)
			c->on_body(c->arg, (struct slice){0});
	}
	call_finish(c);
}

/* Another try? false: what came stands. */
static bool
try_again(struct proxy_call *c, int64_t asked, bool limited)
{
	int64_t now = proxy_now(c->proxy), wait, deadline = call_deadline(c);
	struct retry_case k = {
	        .may = retry_method(c->method, c->safe),
	        .done = c->answer.retries,
	        .limit = c->limit,
	        .base_ms = c->proxy->retry_base_ms,
	        .max_ms = c->proxy->retry_max_ms,
	        .asked_ms = asked,
	        .time_left_ms = deadline == INT64_MAX ? INT64_MAX : deadline - now,
	        .random = proxy_random(c->proxy),
	};
	enum retry_verdict verdict = retry_decide(&k, &wait);
	int64_t shared = asked >= 0 ? asked + 1 : limited ? wait : 0;

	if (asked >= 0)
		limit_wait(c, asked);
	if (shared)
		line_pause(limit_nearest(c), now + limit_pause(shared));
	if (verdict == RETRY_LATER) {
		c->answer.retries++;
		call_enter(c, CALL_WAITING, limited ? WAIT_RATE : WAIT_RETRY, now + wait);
	} else if (verdict == RETRY_TOO_LONG) {
		limit_error(c, wait);
		call_finish(c);
	}
	return verdict != RETRY_NOT;
}

static void
settle_answer(struct proxy_call *c)
{
	int status = c->exchange.head.status;
	struct err why = {0};

	if (status == 429)
		c->answer.rate_limited++;
	if (c->token && status < 400)
		oauth_proved(c->target->oauth, c->token_generation);
	if (!c->exchange.streaming && call_doubts(c, status) && call_renew(c))
		return;
	if (redirect_asked(c)) {
		if (redirect_follow(c, &why))
			call_fail(c, &why);
		else
			call_queue(c);
		return;
	}
	if (!c->exchange.streaming && retry_status(status, c->retry_on, c->n_retry_on) &&
	    try_again(c, limit_asked(c), status == 429))
		return;
	outcome_stand(c);
}

/* For who counts requests: each one on the wire, whatever becomes of its call. */
static void
outcome_tell(const struct proxy_call *c, CURLcode rc)
{
	const struct proxy *p = c->proxy;

	if (p->told)
		p->told(p->told_arg, c->target->label, rc ? 0 : c->exchange.head.status, proxy_now(p) - c->granted_ms);
}

void
outcome_settle(struct proxy_call *c, CURLcode rc)
{
	struct proxy *p = c->proxy;
	enum exchange_end end;
	struct err why = {0};

	call_reason(c, WAIT_NONE);
	c->answer.bytes += exchange_bytes(&c->exchange);
	limit_landed(c);
	outcome_tell(c, rc);
	if (c->cancelled) {
		call_finish(c);
		return;
	}
	end = exchange_judge(&c->exchange, rc, &why);
	if (end == EXCHANGE_ANSWER)
		limit_learn(c);
	line_pump(p);
	if (end == EXCHANGE_ANSWER)
		settle_answer(c);
	else if (end == EXCHANGE_FATAL || c->exchange.streaming || !try_again(c, WAIT_UNKNOWN, false))
		call_fail(c, &why);
}
