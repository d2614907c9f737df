/* proxy_env.h - a real proxy on a real loop for tests, with a clock that can be moved, and a call that is waited for.
 */
#ifndef SLUICE_TESTS_PROXY_ENV_H
#define SLUICE_TESTS_PROXY_ENV_H

#include "base/clock.h"
#include "base/mem.h"
#include "proxy/call.h"
#include "proxy/private.h"
#include "proxy/proxy.h"
#include "sluice.h"
#include "../tap.h"
#include "wire_server.h"

struct env {
	uv_loop_t loop;
	struct proxy *proxy;
	struct server *server;
	struct clock clock;
	int64_t ahead_ms; /* our clock against the system's */
	struct proxy_target *target;
	struct secret *secret;
	char base[128];
	uv_timer_t guard; /* no test hangs: so many turns of 2 ms */
	unsigned turns;
};

struct got {
	struct got *next; /* of those that env_close frees */
	unsigned times;   /* done was called */
	struct err err;
	int status;
	struct buf body, headers, pieces;
	char type[128];
	unsigned attempts, retries, rate_limited, ends, n_pieces;
	uint64_t bytes;
	int64_t waits_ms[WAIT_REASONS], retry_at_us;
	struct proxy_call *call;
	size_t room; /* bytes allocated for the body */
	void (*on_piece)(struct got *g);
};

static struct got *env_gots;

static inline void
got_free(struct got *g)
{
	for (struct got **at = &env_gots; *at; at = &(*at)->next)
		if (*at == g) {
			*at = g->next;
			break;
		}
	buf_free(&g->body);
	buf_free(&g->headers);
	buf_free(&g->pieces);
}

static inline int64_t
env_mono(void *arg)
{
	struct env *e = arg;

	return clock_mono_ms(&clock_system) + e->ahead_ms;
}

static inline int64_t
env_wall(void *arg)
{
	struct env *e = arg;

	return clock_wall_us(&clock_system) + e->ahead_ms * 1000;
}

static inline void
env_guard(uv_timer_t *timer)
{
	struct env *e = timer->data;

	if (++e->turns < 60000)
		return;
	printf("Bail out! a test hangs\n");
	exit(1);
}

static inline void
env_open(struct env *e, const struct script *scripts, const struct proxy_options *options)
{
	struct proxy_options o = options ? *options : (struct proxy_options){0};
	struct err err = {0};

	memset(e, 0, sizeof *e);
	env_gots = NULL;
	uv_loop_init(&e->loop);
	e->clock = (struct clock){.mono_ms = env_mono, .wall_us = env_wall, .arg = e};
	e->server = server_start(scripts);
	snprintf(e->base, sizeof e->base, "http://127.0.0.1:%u", e->server->port);
	o.clock = &e->clock;
	o.random_seed = o.random_seed ? o.random_seed : 7;
	o.retry_base_ms = o.retry_base_ms ? o.retry_base_ms : 4;
	e->proxy = proxy_new(&e->loop, &o, &err);
	uv_timer_init(&e->loop, &e->guard);
	e->guard.data = e;
	uv_timer_start(&e->guard, env_guard, 2, 2);
	uv_unref((uv_handle_t *)&e->guard);
}

static inline struct proxy_target *
env_target(struct env *e, const struct proxy_target_options *options)
{
	struct proxy_target_options o = options ? *options : (struct proxy_target_options){.base_trusted = true};
	struct err err = {0};

	o.name = o.name ? o.name : "acme : test";
	o.base_url = o.base_url ? o.base_url : e->base;
	e->target = proxy_target_new(e->proxy, &o, &err);
	if (!e->target)
		printf("# target: %s\n", err.text);
	return e->target;
}

static inline void
env_close(struct env *e)
{
	proxy_target_free(e->target);
	proxy_free(e->proxy);
	secret_free(e->secret);
	uv_close((uv_handle_t *)&e->guard, NULL);
	uv_run(&e->loop, UV_RUN_DEFAULT);
	CHECK_INT(uv_loop_close(&e->loop), 0);
	server_end(e->server);
	while (env_gots)
		got_free(env_gots);
}

static inline void
got_done(void *arg, const struct proxy_answer *a)
{
	struct got *g = arg;

	g->times++;
	g->err = a->err;
	g->status = a->status;
	buf_slice(&g->body, a->body);
	buf_slice(&g->headers, a->headers);
	buf_str(&g->body);
	buf_str(&g->headers);
	snprintf(g->type, sizeof g->type, "%s", a->content_type ? a->content_type : "(none)");
	g->attempts = a->attempts;
	g->retry_at_us = a->retry_at_us;
	g->retries = a->retries;
	g->rate_limited = a->rate_limited;
	g->bytes = a->bytes;
	memcpy(g->waits_ms, a->waits_ms, sizeof g->waits_ms);
	g->room = g->call ? g->call->exchange.body.cap : 0;
	g->call = NULL;
}

static inline void
got_piece(void *arg, struct slice piece)
{
	struct got *g = arg;

	if (!piece.p)
		g->ends++;
	else
		g->n_pieces++;
	buf_slice(&g->pieces, piece);
	if (g->on_piece)
		g->on_piece(g);
}

static inline void
send_to(struct proxy_target *t, struct proxy_request r, struct got *g)
{
	r.method = r.method ? r.method : "GET";
	g->next = env_gots;
	env_gots = g;
	g->call = proxy_send(t, &r, got_done, got_piece, g);
	CHECK_INT(g->times, 0); /* never from inside proxy_send */
}

static inline void
env_wait(struct env *e, struct got *g)
{
	while (!g->times)
		uv_run(&e->loop, UV_RUN_ONCE);
}

/* Some turns of the loop, for things that must not happen. */
static inline void
env_idle(struct env *e, int64_t ms)
{
	int64_t end = server_ms() + ms;

	while (server_ms() < end) {
		uv_run(&e->loop, UV_RUN_NOWAIT);
		usleep(500);
	}
}

/* Until the call is in that wait. */
static inline int64_t
env_until(struct env *e, struct got *g, enum wait_reason reason)
{
	int64_t until = 0;

	while (!g->times && (proxy_waiting(g->call, &until) != reason || !until))
		uv_run(&e->loop, UV_RUN_ONCE);
	return until;
}

static inline void
env_ask(struct env *e, struct proxy_request r, struct got *g)
{
	send_to(e->target, r, g);
	env_wait(e, g);
}

#endif
