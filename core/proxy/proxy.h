/* proxy.h - the one door to the network: requests of all runs, with credentials, limits, retries and address checks.
 *
 * libcurl's multi interface on the loop. A plugin says what it wants (method, endpoint, query, headers, body); the
 * proxy decides whether that may be asked, adds who we are, and answers once: with a complete, inflated, bounded body
 * or with a reason. Nothing partial ever leaves it as a whole.
 *
 * Guarantees. No request goes to a host that is neither the base URL's, nor declared by the connector, nor allowed by
 * the operator; after connecting, the address must be public unless the *operator* named the host. Redirects are
 * followed here, never by libcurl; credentials go only to origins (scheme, host, port) of base_url or the declared
 * hosts over the same scheme. GET, HEAD, PUT and DELETE are retried, POST and PATCH only when said to be safe; no
 * request is sent before the provider's Retry-After has passed; a wait longer than retry_max ends the request with
 * ERR_RATE.
 *
 * Awkward: libcurl takes a cut gzip body for success, so Accept-Encoding is set as a plain header and inflating is
 * ours. */
#ifndef SLUICE_PROXY_PROXY_H
#define SLUICE_PROXY_PROXY_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/secret.h"

struct proxy;
struct proxy_target;
struct proxy_call;

struct proxy_options { /* zero: the usual */
	const struct clock *clock;
	uint64_t max_answer;                 /* bytes decoded; 32 MiB */
	int64_t connect_ms, request_ms;      /* 10 s, 2 min */
	uint64_t retries;                    /* 5; UINT64_MAX: none */
	int64_t retry_base_ms, retry_max_ms; /* 500 ms, 5 min */
	const char *ca_file;                 /* NULL: the system's */
	unsigned slow_bytes, slow_seconds;   /* 100 bytes a second for 30 s: less is given up, streams too */
	uint64_t random_seed;                /* for jitter; 0: from the system */
	const char *user_agent;              /* NULL: "sluice/VERSION" */
	/* After each request on the wire, repeated ones too: its target's label, and the status, 0: there was no answer. NULL: nobody
	 * counts. Fixed with the proxy. */
	void (*told)(void *arg, const char *label, int status, int64_t took_ms);
	void *told_arg;
};
struct proxy *proxy_new(uv_loop_t *loop, const struct proxy_options *o, struct err *err);
void proxy_options_change(struct proxy *p, const struct proxy_options *o); /* for what is asked from now on; the clock stays */
void proxy_free(struct proxy *p); /* ends all calls with ERR_STOPPED first; NULL is fine */

/* Whom a run talks to, and as whom. Everything is copied. */
struct proxy_auth {
	int kind;                                         /* enum sluice_auth */
	const char *name, *prefix;                        /* of header or query parameter */
	const struct secret *token, *username, *password; /* token also for api keys */
	struct oauth *oauth; /* SLUICE_OAUTH2: who keeps the token (proxy/oauth.h); held by the target */
	char room[160];      /* where name and prefix may stand */
};
/* One more limit of a target's requests: an endpoint group (proxy/group.h says what match means), or a quota. */
struct proxy_limit {
	const char *key;   /* shared by all targets that name it */
	const char *match; /* NULL: all requests */
	uint64_t n;
	int64_t per_ms;
	bool quota;        /* counted per day; used up, requests that cannot wait end with ERR_RATE */
};
#define PROXY_LIMITS_MAX 15 /* of one target */
struct proxy_target_options {
	const char *name;               /* "acme : slack", for logs and waits */
	const char *label;              /* what its requests are counted under; NULL: the name */
	const char *base_url;           /* complete; ${options} already filled in */
	bool base_trusted;              /* it comes from the operator's INI: private addresses are allowed */
	const char *const *hosts;       /* of the connector's manifest: public addresses only */
	const char *const *allow_hosts; /* of the operator: any address. "host" or "host:port" */
	struct proxy_auth auth;
	const char *const *headers; /* "Name: value", filled in */
	uint64_t rate_n;
	int64_t rate_ms;       /* 0: none known. Sliding window, shared by all targets with the same limit_key */
	const char *limit_key; /* usually the integration and the credential's name */
	const struct proxy_limit *limits; /* besides; the most specific last. At most PROXY_LIMITS_MAX */
	size_t n_limits;
	const char *remaining, *reset, *retry_after, *retry_body; /* names from the manifest; NULL: none */
};
struct proxy_target *proxy_target_new(struct proxy *p, const struct proxy_target_options *o, struct err *err);
void proxy_target_free(struct proxy_target *t); /* after its calls have ended; NULL is fine */

/* Fills ${name} in a template from a JSON object of options; values are URL-escaped. err names what is missing. */
int template_fill(struct buf *out, const char *text, struct slice options, struct err *err);

struct proxy_request {         /* borrowed until proxy_send returns */
	const char *method;    /* upper case */
	struct slice endpoint; /* path below base_url, or absolute URL */
	struct slice query;    /* encoded, without '?' */
	struct slice headers;  /* "name: value\n" lines; what could carry credentials, Host, framing or connection
	                          headers are refused */
	struct slice body;     /* JSON, or what a content-type in headers says; empty: none */
	const uint16_t *retry_on;
	size_t n_retry_on;
	int retries;        /* negative: none; 0: as configured */
	int64_t timeout_ms; /* 0: as configured */
	bool safe;          /* may be repeated although POST or PATCH */
	bool from_answer; /* endpoint came out of an answer (next link): never trusted by the operator's word for other
	                     hosts */
	bool streamed;    /* body in pieces: on_body */
	int64_t deadline_mono_ms; /* 0: none; no wait goes beyond it */
};

enum wait_reason { WAIT_NONE, WAIT_CONNECT, WAIT_SERVER, WAIT_RATE, WAIT_RETRY, WAIT_TOKEN, WAIT_REASONS };
extern const char *const wait_names[WAIT_REASONS]; /* "", "connecting", "waiting for the server", ... */

struct proxy_answer {   /* borrowed until the callback returns */
	struct err err; /* cls ERR_NONE: there is an answer, whatever its status. Else none: ERR_PROVIDER, ERR_RATE,
	                   ERR_CREDENTIALS (no access token is to be had; a 401 is an answer), ERR_DATA (bomb, too large, not what it says it is; a
	                   body that stays cut off is ERR_PROVIDER), ERR_USAGE (not allowed), ERR_STOPPED */
	int status;
	struct slice body;        /* whole, inflated; empty when streamed */
	struct slice headers;     /* "name: value\n", lower-case names; set-cookie and authentication echoes left out */
	const char *content_type; /* "" when none */
	unsigned attempts;        /* requests sent */
	unsigned retries, rate_limited; /* of these: retried for any reason; answered 429 */
	uint64_t bytes;                 /* received on the wire, all attempts */
	int64_t waits_ms[WAIT_REASONS]; /* where the time went */
	int64_t retry_at_us; /* the provider or a quota asks for nothing before; wall, a day ahead at most; 0: nobody said */
};
typedef void proxy_done(void *arg, const struct proxy_answer *a);
/* streamed: called with pieces after `head` (status is final, retries are over); p NULL, len 0: the end. proxy_pause
 * stops the flow. */
typedef void proxy_body(void *arg, struct slice piece);

/* Sends when limits allow; done is called exactly once, never from inside proxy_send. The call is gone after done. */
struct proxy_call *proxy_send(struct proxy_target *t, const struct proxy_request *r, proxy_done *done, proxy_body *body,
                              void *arg);
void proxy_cancel(struct proxy_call *c); /* done is called with ERR_STOPPED, later */
/* Inside proxy_body, from the first piece on: the answer's status and headers. done comes after the last piece. */
void proxy_head(const struct proxy_call *c, int *status, struct slice *headers);
void proxy_pause(struct proxy_call *c, bool pause); /* streamed: no pieces while paused */
/* What the call is doing now and until when at the latest (wall microseconds, 0: open). For status. */
enum wait_reason proxy_waiting(const struct proxy_call *c, int64_t *until_us);
/* The same, and the limit that it waits for ("acme : slack : search"); NULL: none. Borrowed until the loop turns. */
enum wait_reason proxy_waiting_for(const struct proxy_call *c, int64_t *until_us, const char **what);

/* ---- limits that outlive the process (keep.h) ---- */
/* save is called from the loop when rows shall be written; it calls proxy_limits_write, and once what that put is durable,
 * proxy_limits_saved. Without a keeper nothing is kept, and nothing waits for it. Before the first target. */
void proxy_limits_keep(struct proxy *p, void (*save)(void *arg), void *arg);
/* What changed since; last: the process ends in good order. False: nothing. */
bool proxy_limits_write(struct proxy *p, bool last, void (*put)(void *arg, const char *key, struct slice row), void *arg);
void proxy_limits_saved(struct proxy *p);
void proxy_limit_read(struct proxy *p, const char *key, struct slice row); /* checked JSON; what is odd in it is left out */

struct proxy_limit_state { /* times: wall microseconds, 0: none */
	const char *name;
	uint64_t rate_n, rate_used; /* 0: no rate known; used: sent within the span that ends now */
	int64_t rate_ms;
	int64_t remaining, remaining_until_us; /* as the provider says; -1: it has not said */
	int64_t paused_until_us;
	uint64_t quota_n, quota_used; /* 0: none */
	int64_t quota_ms, quota_until_us; /* it is used up until then; 0: it is not */
	int64_t quota_forecast_us; /* used up then, at the pace so far; 0: it suffices, or is used up */
	unsigned waiting; /* requests */
};
void proxy_limits_look(struct proxy *p, void (*each)(void *arg, const struct proxy_limit_state *s), void *arg);

#endif
