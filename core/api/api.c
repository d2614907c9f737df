/* api.c - see api.h: the server opened with the settings in force, its keys, and the one way from a question of core/serve to an answer.
 *
 * Awkward: where nothing is listened on, the object is there all the same, without a server: nobody has to ask. */
#include "api/api.h"

#include <stdlib.h>
#include <string.h>
#include "api/keys.h"
#include "api/metrics.h"
#include "api/routes.h"
#include "base/log.h"
#include "base/mem.h"
#include "run/apikey.h"
#include "serve/query.h"

struct api {
	struct host *host;
	struct service *service;
	struct v1 *v1;
	struct http *http; /* NULL: nothing is listened on */
};

static struct http_limits
limits_of(const struct host_settings *s)
{
	return (struct http_limits){
		.connections = (unsigned)s->http_connections,
		.max_body = s->http_max_body,
		.idle_s = (unsigned)((s->http_idle_ms + 999) / 1000),
		.request_s = (unsigned)((s->http_request_ms + 999) / 1000),
		.waiting = (unsigned)s->http_waiting,
	};
}

/* Told in the log, and to who asks for the service: with port 0 nobody else knows. */
static void
address_tell(const char *place, unsigned port, struct json_out *all)
{
	const char *colon = strrchr(place, ':');
	struct buf text = {0};

	if (port)
		buf_printf(&text, "http://%.*s:%u", (int)(colon - place), place, port);
	else
		buf_puts(&text, place);
	log_info("listens on %s", buf_str(&text));
	json_put_slice(all, buf_view(&text));
	buf_free(&text);
}

static void
addresses_tell(const struct api *a)
{
	char *const *places = host_settings(a->host)->host.listen;
	size_t n = http_ports(a->http, NULL, 0);
	unsigned *ports = xcalloc(n + 1, sizeof *ports);
	struct buf json = {0};
	struct json_out all = json_out(&json);

	http_ports(a->http, ports, n);
	json_open(&all, '[');
	for (size_t i = 0; i < n && places[i]; i++)
		address_tell(places[i], ports[i], &all);
	json_close(&all, ']');
	host_listens(a->host, buf_view(&json));
	buf_free(&json);
	free(ports);
}

static void
made_key_changed(void *arg)
{
	api_settled(arg);
}

static void
answered(void *arg, const struct http_route *route, int status, int64_t took_us)
{
	metrics_answered(arg, route, status, took_us);
}

struct api *
api_open(const struct api_options *o, struct err *err)
{
	const struct host_settings *s = &host_settings(o->host)->host;
	struct api *a = XNEW(struct api);
	const struct http_options http = {
		.loop = o->loop,
		.clock = host_clock(o->host),
		.listen = (const char *const *)s->listen,
		.origins = (const char *const *)s->http_origins,
		.routes = api_routes,
		.limits = limits_of(s),
		.told = answered,
		.arg = a,
	};

	*a = (struct api){.host = o->host, .service = o->service, .v1 = v1_new(o->loop, o->host)};
	if (!s->listen || !s->listen[0])
		return a;
	a->http = http_open(&http, err);
	if (!a->http || api_keys_settle(a->http, a->host, true, err) != 0) {
		api_close(a);
		return NULL;
	}
	apikey_follow(a->host, made_key_changed, a);
	addresses_tell(a);
	return a;
}

void
api_settled(struct api *a)
{
	struct err err;

	if (a && a->http && api_keys_settle(a->http, a->host, false, &err) != 0)
		log_error("http: the keys stay as they were: %s", err.text);
}

void
api_calm(struct api *a)
{
	if (a && a->http)
		http_calm(a->http);
}

void
api_close(struct api *a)
{
	if (!a)
		return;
	apikey_follow(a->host, NULL, NULL);
	host_listens(a->host, SLICE("[]"));
	http_close(a->http);
	v1_free(a->v1);
	free(a);
}

struct host *
api_host(const struct api *a)
{
	return a->host;
}

struct service *
api_service(const struct api *a)
{
	return a->service;
}

struct store *
api_store(const struct api *a)
{
	return host_store(a->host);
}

struct http *
api_http(const struct api *a)
{
	return a->http;
}

struct v1 *
api_v1(const struct api *a)
{
	return a->v1;
}

int64_t
api_now_us(const struct api *a)
{
	return clock_wall_us(host_clock(a->host));
}

/* ---- questions ---- */

static void
row_put(void *arg, struct slice json)
{
	struct json_out *o = arg;

	json_put_raw(o, json);
}

void
api_question(struct api *a, struct http_call *c, struct slice text)
{
	struct buf body = {0}, end = {0};
	struct json_out o = json_out(&body);
	const struct query_sink sink = {row_put, &o};
	struct json_iter it;
	struct err err;

	json_open(&o, '{');
	json_key(&o, "data");
	json_open(&o, '[');
	if (query_answer(a->host, text, &sink, &end, &err) != 0) {
		http_fail_err(c, &err);
		goto out;
	}
	json_close(&o, ']');
	it = json_iter(buf_view(&end));
	while (json_next(&it)) {
		char *key = slice_dup(it.key);

		json_key(&o, key);
		json_put_raw(&o, it.value);
		free(key);
	}
	json_close(&o, '}');
	http_reply(c, 200, buf_view(&body));
out:
	buf_free(&body);
	buf_free(&end);
}
