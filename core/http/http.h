/* http.h - the HTTP server: calls come in by libmicrohttpd's thread, are answered on the loop, and wait without cost.
 *
 *   HTTP thread                                     loop
 *   headers: route, key and its rights, limits,
 *            parameters  (refused here: 4xx)
 *   body:    collected, at most route->max_body
 *   ahead(call): what the store alone can say is answered here, and the loop only hears of it
 *   suspended  ───────────── handle(call) ────────> decides; answers at once, later, by a reader or by a stream
 *   resumed    <──────────── http_reply ... ───────
 *   sends; for http_read and http_pull: reads the store in this thread
 *
 * Guarantees. Whatever is wrong with a request costs that request. Nothing of a route's code runs before key, rights and
 * parameters are checked. A call that waits is a suspended connection: it costs memory and no time. A client that is slower
 * than the limits allow is dropped. Every answer has a request id, and no answer can be taken for a page of another site.
 *
 * Threads. Everything here is called on the loop, but for a route's `ahead` and the functions given to http_read and http_pull: they
 * run in the HTTP thread, may ask what was asked (parameters, body), call the store's reading calls and what is marked "any thread",
 * and touch nothing else. That thread stands back (base/thread.h): where processors are scarce those that sync go first.
 *
 * Knows nothing of Sluice's things: routes, keys and texts come from above. Errors have one shape:
 * {"error":{"code","message","errors"?:[{"code","message","path":[...]}]}}. */
#ifndef SLUICE_HTTP_HTTP_H
#define SLUICE_HTTP_HTTP_H

#include <uv.h>
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/json.h"
#include "base/secret.h"
#include "http/route.h"

struct http;
struct http_call; /* one request, from its headers to the last byte of its answer */

struct http_limits { /* zero: the usual */
	unsigned connections;     /* 2000; 64 of them are kept for those who have shown a key */
	unsigned per_address;     /* 0: no limit of its own; loopback counts */
	size_t max_header;        /* 16 KiB, the request line included: 431 */
	size_t max_body;          /* above any route's: 413; 32 MiB */
	unsigned idle_s;          /* without a byte from or to the client: dropped; 30 */
	unsigned request_s;       /* for a request to come in whole, and for each 64 KiB of an answer to be taken; 60 */
	unsigned waiting;         /* calls that wait or stream at once; 1500; above: 503 with Retry-After */
};

struct http_key {
	const char *name;         /* for logs; never the value */
	const struct secret *value;
	unsigned rights;          /* of enum http_right */
};

struct http_options {
	uv_loop_t *loop;
	const struct clock *clock;
	const char *const *listen;      /* "127.0.0.1:3003", "[::1]:3003", "unix:/run/sluice/http.sock"; NULL-terminated; port 0: any */
	const char *const *origins;     /* that may read answers from another site's page (CORS); NULL-terminated; NULL: none */
	const struct http_route *const *routes; /* tables, each ending with a NULL method; the list ends with NULL; the first match wins */
	struct http_limits limits;
	/* Behind each answer, on the loop: for metrics and the log. status 0: the client went before there was one. May be NULL. */
	void (*told)(void *arg, const struct http_route *route, int status, int64_t took_us);
	void *arg;                      /* of told, and of every route's handle */
};
struct http *http_open(const struct http_options *o, struct err *err); /* listens; ERR_USAGE: an address that cannot be had, by name */
void http_keys_set(struct http *h, const struct http_key *keys, size_t n); /* copied; from now on these. Calls under way go on,
                                   but those that wait or stream by a key that is none now are ended: they could last for ever */
void http_calm(struct http *h);  /* the host ends: new calls get 503, those that wait are ended with it, streams are closed */
void http_close(struct http *h); /* turns the loop until nothing of it is left; NULL is fine */
size_t http_ports(const struct http *h, unsigned *ports, size_t n); /* in the order of `listen`; 0 for a socket */
const struct http_route *const *http_routes(const struct http *h);

/* ---- what was asked: valid until the answer is given ---- */
const struct http_route *http_route_of(const struct http_call *c);
const char *http_method(const struct http_call *c);
const char *http_id(const struct http_call *c);         /* the request's id: the client's X-Request-Id where it is well-formed */
const char *http_key_name(const struct http_call *c);   /* who asks; NULL: no key was needed, and none was shown */
unsigned http_rights(const struct http_call *c);
const char *http_header(const struct http_call *c, const char *name); /* any request header, in any case; NULL: none. any thread */
void http_headers_each(const struct http_call *c, void (*each)(void *arg, const char *name, const char *value), void *arg);
const char *http_query(const struct http_call *c);      /* as it came, without '?'; "" */
const char *http_target(const struct http_call *c);     /* the path as it came, not decoded */
/* Parameters that the route declares, decoded and checked by their rows; NULL or `otherwise`: not given. */
const char *http_param(const struct http_call *c, const char *name);
const char *http_param_at(const struct http_call *c, const char *name, size_t i); /* of a repeated one; NULL: no more */
int64_t http_param_int(const struct http_call *c, const char *name, int64_t otherwise); /* HTTP_TIME: us; HTTP_DURATION: ms */
bool http_param_bool(const struct http_call *c, const char *name, bool otherwise);
struct slice http_body(const struct http_call *c);      /* bytes as they came; of a route with fields: a checked JSON object */
struct slice http_field(const struct http_call *c, const char *name); /* a member of it, raw JSON; empty: not given */
char *http_field_text(const struct http_call *c, const char *name);   /* yours; NULL: not given or null */

/* ---- answering: exactly once, now or later. c is gone when the call returns; of a client that has left, the answer goes nowhere ---- */
void http_answer_header(struct http_call *c, const char *name, const char *value); /* before the answer; any thread */
void http_reply(struct http_call *c, int status, struct slice json);   /* copied; any thread. An empty slice: no body */
void http_reply_bytes(struct http_call *c, int status, const char *type, struct slice bytes);    /* copied; any thread */
void http_fail(struct http_call *c, int status, const char *code, const char *fmt, ...) __attribute__((format(printf, 4, 5))); /* any thread */
/* By class: USAGE 400 invalid_body, CREDENTIALS 424 invalid_credentials, BUSY 409 busy, RATE 429 rate_limited, PROVIDER 502
 * provider_error, DATA 400 invalid_data, CONNECTOR 500 script_error, HOST 503 unavailable, STOPPED 503 stopped. any thread */
void http_fail_err(struct http_call *c, const struct err *err);
void http_fail_json(struct http_call *c, int status, struct slice error); /* error: the whole inner object, JSON; any thread */

/* fn(c, arg) runs in the HTTP thread and answers there; then release(arg), on whichever thread. Whoever reads much reads so. */
void http_read(struct http_call *c, void (*fn)(struct http_call *c, void *arg), void *arg, void (*release)(void *arg));
/* A body of any length, made in the HTTP thread piece by piece as fast as the client takes it: pull appends to out, and returns
 * false behind the last piece; a piece without bytes that is not the last is an error. */
void http_pull(struct http_call *c, int status, const char *type, bool (*pull)(void *arg, struct buf *out), void *arg,
               void (*release)(void *arg));

/* ---- waiting and streaming ---- */
/* Called once on the loop when the client has left before the answer, or when the host ends (http_calm). The answer is still
 * owed: give any. */
void http_on_gone(struct http_call *c, void (*gone)(struct http_call *c, void *arg), void *arg);
bool http_is_gone(const struct http_call *c);
/* A body that is pushed from the loop. From here on c lives until http_stream_end. drained: what was written has been taken,
 * write on (may be NULL); gone as above, once. */
void http_stream(struct http_call *c, int status, const char *type, void (*drained)(struct http_call *c, void *arg),
                 void (*gone)(struct http_call *c, void *arg), void *arg);
/* False: more than 256 KiB wait for the client; hold on until drained. It is kept all the same. */
bool http_stream_write(struct http_call *c, struct slice bytes);
void http_stream_end(struct http_call *c, bool whole); /* false: the client is to notice that it was cut off */

#endif
