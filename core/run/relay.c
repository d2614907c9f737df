/* relay.c - see relay.h.
 *
 * Awkward: a target costs little and is made for each request, so that it always has the settings and the access token of now;
 * its limits outlive it (proxy/queue.c). And providers like to send back what they refuse: a refusal is held until it is whole,
 * or too long to be one, and what is secret in it is blanked. What is no refusal is data, and is never altered. */
#include "run/relay.h"

#include <stdlib.h>
#include "base/log.h"
#include "base/mem.h"
#include "run/host.h"
#include "run/options.h"
#include "run/target.h"
#include "run/tokens.h"
#include "sluice.h"

#define REFUSAL_MAX (64u << 10) /* bytes */
#define REFUSED 400

struct relay {
	struct relay_hooks hooks;
	const struct clock *clock;
	struct proxy_target *target;
	struct proxy_call *call;
	struct buf refusal;
	bool headed, holding;
};

static void
relay_free(struct relay *r)
{
	proxy_target_free(r->target);
	buf_free(&r->refusal);
	free(r);
}

static void
refusal_let_go(struct relay *r)
{
	r->holding = false;
	log_blank(&r->refusal);
	if (r->refusal.len)
		r->hooks.piece(r->hooks.arg, buf_view(&r->refusal));
	buf_free(&r->refusal);
}

static void
relay_head(struct relay *r)
{
	struct slice headers;
	int status;

	r->headed = true;
	proxy_head(r->call, &status, &headers);
	r->holding = status >= REFUSED;
	r->hooks.head(r->hooks.arg, status, headers);
}

static void
relay_piece(void *arg, struct slice piece)
{
	struct relay *r = arg;

	if (!r->headed)
		relay_head(r);
	if (r->holding) {
		buf_slice(&r->refusal, piece);
		if (!piece.p || r->refusal.len > REFUSAL_MAX)
			refusal_let_go(r);
	} else if (piece.len) {
		r->hooks.piece(r->hooks.arg, piece);
	}
}

static void
relay_done(void *arg, const struct proxy_answer *a)
{
	struct relay *r = arg;
	int64_t retry_ms = 0;

	if (r->holding)
		refusal_let_go(r);
	if (a->err.cls == ERR_RATE && a->retry_at_us)
		retry_ms = (a->retry_at_us - clock_wall_us(r->clock)) / 1000 + 1;
	r->hooks.done(r->hooks.arg, &a->err, retry_ms > 0 ? retry_ms : 0);
	relay_free(r);
}

static struct proxy_target *
relay_target(struct host *h, const struct connection_settings *c, struct err *err)
{
	const struct manifest *m = host_manifest_of(h, c, err);
	struct proxy *proxy = m ? host_proxy(h, err) : NULL;
	struct proxy_target *target = NULL;
	struct oauth *keeper = NULL;
	struct buf options = {0};

	if (!proxy || options_build(m, c, &options, err) != 0)
		goto out;
	if (tokens_used(m, c)) {
		keeper = tokens_keeper(h, m, c, buf_view(&options), true, err);
		if (!keeper)
			goto out;
	}
	target = target_new(proxy, h->settings, m, c, buf_view(&options), keeper, err);
out:
	oauth_free(keeper);
	buf_free(&options);
	return target;
}

struct relay *
relay_begin(struct host *h, const struct connection_settings *c, const struct proxy_request *request,
            const struct relay_hooks *hooks, struct err *err)
{
	struct proxy_request q = *request;
	struct relay *r;

	if (c->broken) {
		err_set(err, ERR_USAGE, "%s", c->broken);
		return NULL;
	}
	r = XNEW(struct relay);
	r->hooks = *hooks;
	r->clock = h->clock;
	r->target = relay_target(h, c, err);
	if (!r->target) {
		relay_free(r);
		return NULL;
	}
	q.streamed = true;
	r->call = proxy_send(r->target, &q, relay_done, relay_piece, r);
	return r;
}

void
relay_pause(struct relay *r, bool pause)
{
	proxy_pause(r->call, pause);
}

void
relay_cancel(struct relay *r)
{
	proxy_cancel(r->call);
}
