/* proxy.c - the proxy itself: settings, randomness, and its beginning and end.
 *
 * Guarantee: after proxy_free nothing of it calls anybody; what libuv still has to close is let go by the loop's next
 * turn.
 * Awkward: it may be freed from a done callback, that is, with the engine and the alarms further down the stack; both
 * keep their memory until they have returned. */
#include "proxy/proxy.h"

#include <sodium.h>
#include <stdlib.h>
#include "base/mem.h"
#include "proxy/call.h"
#include "proxy/keep.h"
#include "proxy/private.h"

#define MAX_ANSWER (32 * 1024 * 1024)
#define CONNECT_MS 10000
#define REQUEST_MS 120000
#define RETRIES 5
#define SLOW_BYTES 100
#define SLOW_SECONDS 30
#define RETRY_BASE_MS 500
#define RETRY_MAX_MS 300000

uint64_t
proxy_random(struct proxy *p)
{
	/* splitmix64: jitter need not be secret, only uneven */
	uint64_t z = p->random += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

int64_t
proxy_now(const struct proxy *p)
{
	return alarms_now(&p->alarms);
}

void
proxy_poke(struct proxy *p)
{
	alarms_ring(&p->alarms);
}

/* A page's body is about as large as the one before; getting that memory from the system for each page cost a fifth of
 * the time. */
void
proxy_spare_put(struct proxy *p, struct buf *b)
{
	if (p->closed || !b->p || b->cap > PROXY_SPARE_MAX)
		return;
	for (size_t i = 0; i < PROXY_SPARES; i++)
		if (!p->spare[i].p) {
			p->spare[i] = *b;
			buf_clear(&p->spare[i]);
			*b = (struct buf){0};
			return;
		}
}

void
proxy_spare_take(struct proxy *p, struct buf *b)
{
	for (size_t i = 0; i < PROXY_SPARES; i++)
		if (p->spare[i].p) {
			*b = p->spare[i];
			p->spare[i] = (struct buf){0};
			return;
		}
}

static int64_t
either(int64_t given, int64_t usual)
{
	return given > 0 ? given : usual;
}

static void
options_read(struct proxy *p, const struct proxy_options *o)
{
	p->max_answer = o->max_answer ? o->max_answer : MAX_ANSWER;
	p->connect_ms = either(o->connect_ms, CONNECT_MS);
	p->request_ms = either(o->request_ms, REQUEST_MS);
	p->retry_base_ms = either(o->retry_base_ms, RETRY_BASE_MS);
	p->retry_max_ms = either(o->retry_max_ms, RETRY_MAX_MS);
	p->retries = o->retries == UINT64_MAX ? 0
	             : o->retries             ? (unsigned)(o->retries < 1000 ? o->retries : 1000)
	                                      : RETRIES;
	p->slow_bytes = o->slow_bytes ? o->slow_bytes : SLOW_BYTES;
	p->slow_seconds = o->slow_seconds ? o->slow_seconds : SLOW_SECONDS;
	p->ca_file = o->ca_file ? xstrdup(o->ca_file) : NULL;
	p->user_agent = xstrdup(o->user_agent ? o->user_agent : "sluice/" SLUICE_VERSION);
	p->random = o->random_seed;
	if (!p->random)
		randombytes_buf(&p->random, sizeof p->random);
}

void
proxy_options_change(struct proxy *p, const struct proxy_options *o)
{
	free(p->ca_file);
	free(p->user_agent);
	options_read(p, o);
}

static void
line_rang(void *arg)
{
	line_pump(arg);
}

struct proxy *
proxy_new(uv_loop_t *loop, const struct proxy_options *o, struct err *err)
{
	struct proxy *p = XNEW(struct proxy);
	int rc;

	if (sodium_init() < 0)
		die("libsodium cannot be started");
	p->clock = o->clock;
	p->told = o->told;
	p->told_arg = o->told_arg;
	options_read(p, o);
	rc = alarms_init(&p->alarms, loop, o->clock);
	if (rc) {
		err_set(err, ERR_HOST, "the proxy's timer cannot be made: %s", uv_strerror(rc));
		goto fail;
	}
	p->line_alarm = (struct alarm){.ring = line_rang, .arg = p};
	keep_init(p);
	p->engine = engine_new(loop, call_transferred, err);
	if (p->engine)
		return p;
fail:
	free(p->ca_file);
	free(p->user_agent);
	if (rc)
		free(p);
	else
		alarms_finish(&p->alarms, p);
	return NULL;
}

void
proxy_free(struct proxy *p)
{
	if (!p)
		return;
	p->closed = true;
	while (p->calls)
		call_abort(p->calls);
	queues_close(p);
	engine_free(p->engine);
	for (size_t i = 0; i < PROXY_SPARES; i++)
		buf_free(&p->spare[i]);
	free(p->ca_file);
	free(p->user_agent);
	alarms_finish(&p->alarms, p);
}
