/* sluice.h - everything that a connector for Sluice needs.
 *
 * A connector is one shared object that exports one constant, `sluice_connector`, and says in it, as static const data,
 * what it offers: options, models, syncs, actions, webhooks. The functions that it names there get a `struct sluice_run *` and
 * talk to the host through the calls below. Everything hard (credentials, retries, rate limits, pagination state,
 * resuming, change detection, deletes, schedules) is the host's work.
 *
 *   Ownership.  What you pass is copied before the call returns. What you are given is the host's and lives until your
 *               function returns (a page: until the next page of its loop, or of its listing; an answer: at least
 *               until 64 MiB of later ones have come). You never free ours, we never free yours. No text that you are
 *               given is NULL unless a call says so.
 *   Errors.     Every call returns 0 (or a count) or a negative enum sluice_status, and the first failure sticks: later
 *               calls do nothing and return it. So: write straight code, and end with `return sluice_status(run)`.
 *   Steps.      A long run is cut into steps. When one is over, the loop over sluice_paginate just ends, what you write
 *               behind it is dropped (calls answer SLUICE_ECANCELLED), you return as ever, and are called again: loops
 *               that were done are passed over, the one that was cut goes on, and what stands behind them is then done.
 *   World.      One thread, no clock, no network, no files: the process is locked in before your code is loaded. Time
 *               comes from sluice_now(). libc, libm and libcjson are there; link anything else statically. The time zone
 *               is UTC.
 *   Zero        is always the usual choice. Build with hidden visibility, as `pkg-config --cflags sluice` says:
 *               `cc $(pkg-config --cflags sluice) -shared -o x.so x.c`.
 *
 * Clean as C99 and as C++11. All text is UTF-8; all times are microseconds since 1970-01-01T00:00:00Z unless a name
 * says otherwise. See the author's guide beside this file.
 *
 * LEDGER (members and calls are only ever appended)
 *   1.0  2026-11-23  the first version
 *   1.1  2026-11-23  SLUICE_OAUTH2, struct sluice_oauth, sluice_connector.oauth; a reserved size became size_oauth
 *                    struct sluice_rate_group, sluice_rate.groups; a reserved size became size_rate_group
 *   1.2  2026-11-23  struct sluice_webhook, sluice_connector.webhooks, sluice_event(); the last reserved size became
 *                    size_webhook
 *   1.3  2026-11-23  sluice_connector.dataset and .dataset_options, sluice_dataset(): datasets that the operator names;
 *                    a page of sluice_list_records() lives until the next one, no longer until the function returns
 *                    SLUICE_LINK_PATH (an older host takes the link as it is)
 *   1.4  2026-11-23  SLUICE_ANY_AUTH; sluice_map: an empty `to`; SLUICE_LIMIT_UNSURE; sluice_partial(); the member
 *                    "datasets" of sluice_get_connection(), and "variant"
 *   1.5  2026-11-23  sluice_option.form (an older host judges nothing); SLUICE_UNCHANGED_SKIPS of sluice_open (an older one
 *                    always asks for all); a judge's positive number (there a failure)
 */
#ifndef SLUICE_H
#define SLUICE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define SLUICE_ABI_MAJOR 1
#define SLUICE_ABI_MINOR 5

#ifdef __cplusplus /* where a const is not visible outside unless it says so */
#define SLUICE_EXPORT extern __attribute__((visibility("default")))
#else
#define SLUICE_EXPORT __attribute__((visibility("default")))
#endif
#define SLUICE_FORMAT(a, b) __attribute__((format(printf, a, b)))

struct sluice_run; /* one call of one of your functions */

/* ---------------------------------------------------------------- status ---- */

enum sluice_status {
	SLUICE_OK = 0,
	SLUICE_EARGUMENT = -1,    /* a call got something impossible; the run's message says what */
	SLUICE_ECANCELLED = -2,   /* the run was stopped; nothing is wrong with you */
	SLUICE_ELOST = -3,        /* the host is gone */
	SLUICE_EHTTP = -4,        /* the answer's status was no success, after all retries */
	SLUICE_ENETWORK = -5,     /* no answer: unreachable, timed out, cut off, refused by the allow-list */
	SLUICE_EDATA = -6,        /* the answer is not what was expected: not JSON, truncated, no list at the path */
	SLUICE_ELOOP = -7,        /* the pagination goes round in circles */
	SLUICE_ELIMIT = -8,       /* too large, too deep, too many; the message names the limit */
	SLUICE_ECREDENTIALS = -9, /* the provider refuses the credentials */
	SLUICE_ERATE = -10,       /* the provider asks to wait longer than a run may */
	SLUICE_EFAILED = -11,     /* the connector's own reason: sluice_fail */
	SLUICE_ENOSYS = -12       /* this host is older than the call */
};

/* ---------------------------------------------------------------- what a connector declares ---- */

/* Type of a field or option. NULL in a record is allowed only where SLUICE_OPTIONAL says so. */
enum sluice_type {
	SLUICE_ANY = 0,   /* any JSON value, unchecked */
	SLUICE_STRING,
	SLUICE_INTEGER,   /* a number without fraction or exponent, any size: its text is kept */
	SLUICE_NUMBER,
	SLUICE_BOOLEAN,
	SLUICE_TIME,      /* RFC 3339 text, or a number of seconds or milliseconds since 1970 */
	SLUICE_OBJECT,    /* unchecked inside */
	SLUICE_ARRAY      /* unchecked inside */
};

enum {
	SLUICE_KEY = 1,        /* field: the record's id (string or integer); exactly one in a model */
	SLUICE_OPTIONAL = 2,   /* field: may be absent or null; option: may be left out */
	SLUICE_SENSITIVE = 4,  /* field: personal or secret: masked where people look */
	SLUICE_REQUIRED = 8    /* option: must be given (options are optional unless this is said) */
};

struct sluice_field {      /* lists end with an entry whose name is NULL, as all lists here */
	const char *name;
	int type;              /* enum sluice_type */
	int flags;             /* SLUICE_KEY, SLUICE_OPTIONAL, SLUICE_SENSITIVE */
	const char *description;
};

struct sluice_model {
	const char *name;      /* letters, digits, _ ; begins with a letter */
	const struct sluice_field *fields; /* members at the top of a record, no paths; a record may have more, and keeps them */
	const char *description;
};

struct sluice_option {     /* per connection, set by the operator in [connection NAME : INTEGRATION] */
	const char *name;      /* not: token api_key username password client_id client_secret refresh_token base_url
	                        * private_key oauth_issuer oauth_subject oauth_audience active max_runs metadata
	                        * webhook_secret webhook_secret_before webhook_unsigned */
	int type;              /* enum sluice_type */
	int flags;             /* SLUICE_REQUIRED */
	const char *fallback;  /* used when not given: JSON text, or bare text for a string; NULL: none */
	const char *help;
	const char *form;      /* how its text is written: "none | link [<path>] | page [<param> [<size>]]"; what is not is told to
	                        * the operator when the configuration is loaded, and never reaches you. NULL: any. See the
	                        * guide, "Forms". 1.5 */
};

enum sluice_auth {         /* how the host proves who we are; the plugin never sees a credential */
	SLUICE_NONE = 0,
	SLUICE_BEARER,         /* Authorization: Bearer TOKEN */
	SLUICE_BASIC,          /* Authorization: Basic USERNAME:PASSWORD, or API_KEY: with an empty password */
	SLUICE_HEADER_KEY,     /* auth_name: auth_prefix + API_KEY */
	SLUICE_QUERY_KEY,      /* ?auth_name=API_KEY */
	SLUICE_OAUTH2,         /* Authorization: Bearer TOKEN, which the host gets and renews itself: see .oauth. 1.1 */
	SLUICE_ANY_AUTH        /* whatever the connection gives: a user name is basic, a token or API key bearer, neither is
	                        * none; its option `auth`, which you declare, may say: bearer, basic, header NAME [PREFIX],
	                        * query NAME, none. 1.4 */
};

enum {
	SLUICE_OAUTH_BASIC = 1 /* client id and secret go in an Authorization header; else in the body */
};

struct sluice_oauth {          /* OAuth 2 at this provider. URLs may hold ${option}; the operator may give others. 1.1 */
	const char *token_url;     /* where tokens are had; https, on base_url's host, a declared one, or any public one */
	const char *authorize_url; /* where a person permits access (`sluice authorize`); NULL: nobody needs to */
	const char *const *scopes; /* asked for; NULL: those of the connector's .scopes */
	int flags;                 /* SLUICE_OAUTH_BASIC */
	const char *authorize_params; /* more for authorize_url, encoded: "access_type=offline&prompt=consent"; NULL: none */
	const char *token_params;  /* more for token_url: "audience=https%3A%2F%2Fapi.example.com%2F"; NULL: none */
};

enum sluice_kind { SLUICE_INCREMENTAL = 0, SLUICE_FULL };

enum {
	SLUICE_TRACK_DELETES = 1, /* what a complete listing does not show any more is deleted. A FULL sync lists all
	                           * every time; an INCREMENTAL one only in a run that begins without checkpoint and
	                           * last success (the first, and after --full-refresh). A model so tracked is
	                           * written by no other sync. */
	SLUICE_MANUAL = 2,        /* is run only when asked for */
	SLUICE_WHOLE = 4          /* cannot be resumed between pages: runs in one piece, from the start */
};

struct sluice_sync {
	const char *name;              /* letters, digits, - and _ */
	const char *model;             /* the model it writes; or, for several, */
	const char *const *models;     /* NULL-terminated list of names */
	int kind;                      /* enum sluice_kind */
	int flags;                     /* SLUICE_TRACK_DELETES ... */
	const char *every;             /* "every 15 minutes"; NULL: hourly */
	int priority;                  /* among its connection's syncs; higher first */
	const char *endpoint;          /* what it mirrors, for people: "GET /v1/tickets" */
	const char *description;
	const struct sluice_field *input; /* shape of the connection's metadata that it needs; NULL: none; checked
	                                   * before a run */
	int (*fetch)(struct sluice_run *run); /* the work; may be called several times in a run (SDK guide, "Steps") */
	const void *data;              /* yours: sluice_data() gives it back, so that one function serves many syncs */
};

struct sluice_action {
	const char *name;
	const char *description;
	const struct sluice_field *input, *output;
	const char *endpoint;
	int timeout_ms;                /* 0: 30 000 */
	int flags;                     /* SLUICE_REPEATABLE */
	int (*call)(struct sluice_run *run); /* reads sluice_input(), answers by sluice_reply() */
	const void *data;
};
enum { SLUICE_REPEATABLE = 1 };    /* the action may be tried again after a failure */

enum {
	SLUICE_BASE64 = 1                  /* webhook: the signature is base64; else hex */
};

/* What the provider tells by itself, by POST to /webhook/INTEGRATION/CONNECTION. Before your function sees an event the
 * host has checked its signature (HMAC-SHA256, keyed with the connection's webhook_secret) and stored it; the same event
 * sent again is not handled again. Events of a connection are handled one at a time, in the order of their arrival; what
 * you save becomes durable together with the fact that the event is done. One that fails is tried again a few times, and
 * then put aside for a person. What an event wrote is not overwritten by a sync's page that was asked for earlier. 1.2 */
struct sluice_webhook {
	const char *name;              /* letters, digits, - and _ */
	const char *model;             /* the model it writes; or, for several, */
	const char *const *models;     /* NULL-terminated list of names */
	const char *description;
	int (*handle)(struct sluice_run *run); /* reads sluice_event(); saves, updates, deletes. Must bear being called
	                                * twice with one event */
	const void *data;              /* yours: sluice_data() */
	int flags;                     /* SLUICE_BASE64 */
	int timeout_ms;                /* of one event; 0: 60 000 */

	/* Who it is from. Without .signature no event is taken, unless the operator says so. */
	const char *signature;         /* header that holds the signature: "X-Slack-Signature" */
	const char *signature_key;     /* where the header is a list "t=1,v1=abc,v1=def": the member, "v1"; each counts;
	                                * NULL: the header is the signature */
	const char *signature_prefix;  /* in front of it, "v0="; NULL: none */
	const char *signed_text;       /* what is signed: ${timestamp}, ${body}, and text; NULL: "${body}" */
	const char *timestamp;         /* header that holds the time of sending, seconds since 1970; NULL: none */
	const char *timestamp_key;     /* where that header is a list: the member, "t" */
	int tolerance_s;               /* how old or early it may be; 0: 300 */

	/* Where things stand in the body, by dotted paths; NULL: nowhere. */
	const char *id;                /* of the event: the same id is not handled twice. NULL: the same body is not */
	const char *type;              /* "customer.updated" */
	const char *const *types;      /* those that are handled, * at the end for anything; NULL: all. Others are
	                                * answered, and forgotten */
	const char *time;              /* when it happened: seconds or milliseconds since 1970, or RFC 3339; NULL: when it
	                                * arrived */
	const char *account;           /* whose it is, where the URL names no connection: compared with */
	const char *account_name;      /* the connection's option, or member of its metadata, of this name */
	const char *challenge_type;    /* an event of this type only asks whether we are there, */
	const char *challenge;         /* and is answered with what stands here */
};

struct sluice_rate_group {         /* some requests have a limit of their own, besides that for all. 1.1 */
	const char *match;             /* "GET /v1/search*": a method and a blank (or none), a path below base_url; * at the
	                                * end stands for anything, elsewhere for anything up to the next slash */
	int requests;
	int per_ms;                    /* 0: 60 000 */
};

struct sluice_rate {               /* the provider's limits; the operator may override */
	int requests;                  /* 0: none known */
	int per_ms;                    /* 0: 60 000 */
	const char *remaining;         /* answer header with the number of requests left, "x-ratelimit-remaining";
	                                * NULL: none */
	const char *reset;             /* answer header: seconds until, or seconds or milliseconds since 1970 when,
	                                * there is room again */
	const char *retry_after;       /* answer header asked besides Retry-After */
	const char *retry_body;        /* path in a 429's JSON body to a number of seconds */
	const struct sluice_rate_group *groups; /* ends with a NULL match; NULL: none. 1.1 */
};

/* One exported constant of this type named sluice_connector. */
struct sluice_connector {
	/* The frozen prefix, filled by SLUICE_ABI. Its layout never changes, in any version. */
	uint16_t abi_major, abi_minor;
	uint16_t size_connector, size_field, size_model, size_option, size_sync, size_action, size_rate;
	uint16_t size_request, size_response, size_page_request, size_page, size_map, size_pair;
	uint16_t size_oauth, size_rate_group; /* 1.1; zero before */
	uint16_t size_webhook; /* 1.2; zero before */

	const char *name;              /* letters, digits, - ; the file is NAME.so */
	const char *version;           /* "1.0.0" */
	const char *description;
	const char *base_url;          /* may hold ${option}; NULL: the operator must give one */
	const char *const *hosts;      /* hosts that it may reach besides base_url's; NULL: none */
	int auth;                      /* enum sluice_auth */
	const char *auth_name;         /* for SLUICE_HEADER_KEY and SLUICE_QUERY_KEY */
	const char *auth_prefix;       /* for SLUICE_HEADER_KEY; NULL: "" */
	const char *const *headers;    /* sent with each request: "Name: value"; value may hold ${option} */
	const char *const *scopes;     /* permissions that it needs at the provider, for people */
	const struct sluice_rate *rate; /* NULL: no limits known */
	const struct sluice_option *options;
	const struct sluice_model *models;
	const struct sluice_sync *syncs;
	const struct sluice_action *actions;
	int (*check)(struct sluice_run *run); /* is this connection usable? One cheap request. May sluice_reply()
	                                       * facts: {"account": "..."} */
	const struct sluice_oauth *oauth;     /* for SLUICE_OAUTH2. 1.1 */
	const struct sluice_webhook *webhooks; /* what the provider tells by itself; NULL: nothing. 1.2 */

	/* Datasets that the operator names: for each section [dataset CONNECTION : INTEGRATION : NAME] there is a model and
	 * a sync called NAME, made after this pattern (its name, model and models are NULL). The operator may say kind, every,
	 * id (the record's key; "id"), fields and track_deletes; every other name in the section is one of
	 * .dataset_options, which the function gets by sluice_get_option, before the connection's own. NULL: none. 1.3 */
	const struct sluice_sync *dataset;
	const struct sluice_option *dataset_options; /* names besides: every kind id fields description track_deletes. 1.3 */
};

/* ---------------------------------------------------------------- HTTP, by the host's proxy ---- */

struct sluice_pair { const char *name, *value; }; /* NULL value: left out; lists end with a NULL name */

enum { SLUICE_SAFE = 1 };          /* request: may be repeated although it is a POST or PATCH */

struct sluice_request {
	const char *method;            /* "GET" "POST" "PUT" "PATCH" "DELETE" "HEAD"; NULL: GET, or POST with a body */
	const char *endpoint;          /* path below base_url, "/v1/tickets"; or an absolute URL on an allowed host.
	                                * Escaped already */
	const struct sluice_pair *query;   /* added to the endpoint, escaped by us */
	const struct sluice_pair *headers; /* additional */
	const char *body;              /* JSON text; NULL: none */
	size_t body_len;               /* 0: strlen(body) */
	const int *accept;             /* statuses besides 2xx that are no failure; ends with 0 */
	const int *retry_on;           /* statuses to retry besides 429, 500, 502, 503, 504; ends with 0 */
	int retries;                   /* 0: as the operator configured; negative: none */
	int timeout_ms;                /* 0: as the operator configured */
	int flags;                     /* SLUICE_SAFE; SLUICE_UNCHANGED_SKIPS, of sluice_open in a SLUICE_WHOLE sync that makes all
	                                * its records of this one answer: the host asks whether it has changed, and where it
	                                * has not the status is 304 (put it into .accept): then return, and all that is stored
	                                * counts as listed. 1.5 */
};

struct sluice_response {
	int status;                    /* 200; 0 when there was no answer */
	const char *body;              /* len bytes and a NUL behind them */
	size_t len;
	const char *headers;           /* "name: value\n" lines, names in lower case */
};

/* ---------------------------------------------------------------- pagination ---- */

enum sluice_pagination {
	SLUICE_CURSOR = 1,   /* the answer holds the next cursor */
	SLUICE_LAST_ITEM,    /* the next cursor is a member of the page's last item */
	SLUICE_LINK,         /* the answer holds the next page's URL */
	SLUICE_OFFSET,       /* offset += items received (or += limit with SLUICE_BY_PAGE) */
	SLUICE_PAGE          /* page number += 1 */
};

enum {
	SLUICE_BY_PAGE = 1,     /* offset: advance by the limit, not by what came */
	SLUICE_NULL_IS_EMPTY = 2, /* null instead of the list of items is an empty list */
	SLUICE_NO_OVERLAP = 4,  /* offset: do not ask for the last item again to see that the list did not shift */
	SLUICE_UNCHANGED_SKIPS = 16, /* all that this loop does with a page is saving it (sluice_batch_save of its body,
	                              * sluice_save_mapped): a page that the provider calls unchanged (ETag,
	                              * Last-Modified) need not be shown to it. Its records count as met */
	SLUICE_PARAMS_IN_BODY = 8, /* cursor, offset, page and limit go into the JSON body (at a dotted path), not the
	                            * query */
	SLUICE_LINK_PATH = 32,  /* link: of an absolute URL only path and query count, and base_url's host is asked: for
	                         * providers that link to themselves under their public name wherever they run. 1.3 */
	SLUICE_LIMIT_UNSURE = 64 /* offset, page: a page shorter than the limit is the last one only behind one that was
	                          * full: the provider may have a smaller limit than we ask for. 1.4 */
};

/* Paths are dotted: "meta.next", "data.0.id"; \. is a dot within a name. */
struct sluice_page_request {
	const char *endpoint;          /* as in sluice_request, and so are the next eight */
	const struct sluice_pair *query;
	const struct sluice_pair *headers;
	const char *method;            /* NULL: GET, or POST with a body; a POST is then taken to be safe to repeat */
	const char *body;              /* JSON object */
	const int *accept;             /* an accepted status other than 2xx ends the pagination as an empty page
	                                * would */
	const int *retry_on;
	int retries;
	int timeout_ms;
	const char *key;               /* names this pagination's position; NULL: its endpoint, query and body. A
	                                * list that was read to its end under a name is not read again in that run:
	                                * to go over it twice, give two keys */
	int kind;                      /* enum sluice_pagination; 0: one page, no paging */
	const char *items;             /* path of the list; NULL or "": the answer itself is the list */
	const char *limit_param;       /* NULL: "limit" when limit is set */
	int limit;                     /* items a page; 0: the parameter is not sent. The operator may override */
	const char *cursor_param;      /* CURSOR, LAST_ITEM: parameter that takes the cursor. OFFSET: NULL "offset".
	                                * PAGE: NULL "page" */
	const char *cursor;            /* CURSOR: path in the answer. LAST_ITEM: path in the item, NULL "id". LINK:
	                                * path of the URL in the answer, NULL: the Link header's rel=next */
	const char *has_more;          /* path of a boolean that ends the paging when false; NULL: the lack of a next
	                                * cursor ends it; offset and page end at a page shorter than the limit, or
	                                * empty */
	long start;                    /* OFFSET: first offset; PAGE: first number less 1 (zero means 1) */
	int flags;                     /* SLUICE_BY_PAGE ... */
	/* Looks at each answer (a success, or an accepted status) before the list is taken from it, for providers
	 * that say in the body that something is wrong: sluice_fail() with the provider's reason and return it, or
	 * return 0. May make no other calls. A positive number puts the answer aside: the pagination ends as an empty
	 * page would, .answer shows why; sluice_partial() if what it did not show may exist. 1.5 */
	int (*judge)(struct sluice_run *run, const struct sluice_response *answer);
};

struct sluice_page {
	const char *body;              /* the list of items, "[...]", as it came: what sluice_batch_save takes */
	size_t len;                    /* bytes */
	size_t count;                  /* items in it */
	const char *answer;            /* the whole answer: answer_len bytes and a NUL behind them */
	size_t answer_len;
	long number;                   /* of this page in its pagination, from 1, over all steps */
	int status;
	const char *headers;
};

/* ---------------------------------------------------------------- mapping without a tree ---- */

enum sluice_convert {
	SLUICE_AS_IS = 0,
	SLUICE_TO_STRING,    /* a number or boolean becomes its text in quotes */
	SLUICE_TO_INTEGER,   /* a string of digits becomes a number, untouched in length; "0012" is none, and stays */
	SLUICE_TO_TIME,      /* seconds or milliseconds since 1970 become RFC 3339; what is neither stays as it is */
	SLUICE_CONSTANT      /* `from` is JSON text to put there */
};

struct sluice_map {
	const char *to;      /* member of the record; a dotted path makes objects. "": all members of the object at
	                      * `from` that no other entry names, as they are; at most one entry. 1.4 */
	const char *from;    /* path in the item; NULL: the same as `to`; "" the whole item */
	int convert;         /* enum sluice_convert */
};

/* ---------------------------------------------------------------- the host's table ---- */

enum sluice_level { SLUICE_DEBUG, SLUICE_INFO, SLUICE_WARN, SLUICE_ERROR };

/* The host fills this; you call it by the functions below. Slots are only ever appended. */
struct sluice_host {
	uint16_t abi_major, abi_minor;
	uint32_t size;       /* of this table in the host */
	int (*status)(struct sluice_run *);
	int (*fail)(struct sluice_run *, int code, const char *text);
	const void *(*data)(struct sluice_run *);
	int (*proxy)(struct sluice_run *, const struct sluice_request *, struct sluice_response *, int strict);
	int (*open)(struct sluice_run *, const struct sluice_request *, struct sluice_response *);
	long (*read)(struct sluice_run *, void *to, size_t max);
	int (*close)(struct sluice_run *);
	int (*paginate)(struct sluice_run *, const struct sluice_page_request *, struct sluice_page *);
	long (*save)(struct sluice_run *, int op, const char *model, const char *json, size_t len);
	long (*save_mapped)(struct sluice_run *, const char *model, const struct sluice_page *,
	                    const struct sluice_map *);
	int (*reject)(struct sluice_run *, const char *model, const char *json, size_t len, const char *reason);
	int (*full_done)(struct sluice_run *, const char *model);
	const char *(*get_metadata)(struct sluice_run *);
	int (*put_metadata)(struct sluice_run *, int merge, const char *json);
	const char *(*get_checkpoint)(struct sluice_run *);
	int (*put_checkpoint)(struct sluice_run *, const char *json);
	long (*get_records)(struct sluice_run *, const char *model, const char *const *ids, const char **json);
	long (*list_records)(struct sluice_run *, const char *model, int again, const char **json);
	const char *(*get_connection)(struct sluice_run *);
	const char *(*get_option)(struct sluice_run *, const char *name);
	int64_t (*last_success)(struct sluice_run *);
	int64_t (*now)(struct sluice_run *);
	int64_t (*time_left)(struct sluice_run *);
	int (*should_stop)(struct sluice_run *);
	int (*progress)(struct sluice_run *, uint64_t done, uint64_t total);
	int (*log)(struct sluice_run *, int level, const char *text);
	const char *(*input)(struct sluice_run *);
	int (*reply)(struct sluice_run *, const char *json);
	const char *(*format)(struct sluice_run *, const char *fmt, ...) SLUICE_FORMAT(2, 3);
	int (*is_full)(struct sluice_run *);
	const char *(*event)(struct sluice_run *); /* 1.2 */
	const char *(*dataset)(struct sluice_run *); /* 1.3 */
	int (*partial)(struct sluice_run *, const char *text); /* 1.4 */
};

struct sluice_run { const struct sluice_host *host; }; /* what is behind it is the host's */

#define SLUICE_SIZE(type) ((uint16_t)sizeof(type))
/* First thing in the initialiser: { SLUICE_ABI, .name = ... } */
#define SLUICE_ABI \
	SLUICE_ABI_MAJOR, SLUICE_ABI_MINOR, SLUICE_SIZE(struct sluice_connector), SLUICE_SIZE(struct sluice_field), \
	SLUICE_SIZE(struct sluice_model), SLUICE_SIZE(struct sluice_option), SLUICE_SIZE(struct sluice_sync), \
	SLUICE_SIZE(struct sluice_action), SLUICE_SIZE(struct sluice_rate), SLUICE_SIZE(struct sluice_request), \
	SLUICE_SIZE(struct sluice_response), SLUICE_SIZE(struct sluice_page_request), SLUICE_SIZE(struct sluice_page), \
	SLUICE_SIZE(struct sluice_map), SLUICE_SIZE(struct sluice_pair), SLUICE_SIZE(struct sluice_oauth), \
	SLUICE_SIZE(struct sluice_rate_group), SLUICE_SIZE(struct sluice_webhook)

/* Does this host have the call? sluice_has(run, list_records) */
#define sluice_has(run, call) \
	((run)->host->size >= offsetof(struct sluice_host, call) + sizeof((run)->host->call) && \
	 (run)->host->call != NULL)

/* ---------------------------------------------------------------- the calls ----
 * All may wait for the host except where it says "at once". Negative results are enum sluice_status. */

/* The first failure of this run (SLUICE_ECANCELLED also when the step is over), or 0: what your function returns. At
 * once. */
static inline int sluice_status(struct sluice_run *run) { return run->host->status(run); }
/* Text that lives until your function returns, for building paths and bodies: printf's rules. Never NULL. At once. */
#define sluice_format(run, ...) ((run)->host->format((run), __VA_ARGS__))
/* Ends the run with your reason; code: SLUICE_EFAILED, or ECREDENTIALS, ERATE, EDATA where that is what it is.
 * Returns the sticky status, so `return sluice_fail(...)` is right. At once. */
#define sluice_fail(run, code, ...) ((run)->host->fail((run), (code), sluice_format(run, __VA_ARGS__)))
/* .data of the sync, action or webhook that is running. At once. */
static inline const void *sluice_data(struct sluice_run *run) { return run->host->data(run); }

/* One HTTP exchange. Retries, rate limits and credentials are the host's. A completed answer of any status is
 * success here: look at response->status. Fails with ENETWORK, ERATE, ELIMIT, ECANCELLED. */
static inline int
sluice_proxy(struct sluice_run *run, const struct sluice_request *request, struct sluice_response *response)
{
	return run->host->proxy(run, request, response, 0);
}
/* The same, but a status that is neither 2xx nor in .accept is a failure: EHTTP, or ECREDENTIALS for 401. */
static inline int
sluice_fetch(struct sluice_run *run, const struct sluice_request *request, struct sluice_response *response)
{
	return run->host->proxy(run, request, response, 1);
}
static inline int
sluice_proxy_get(struct sluice_run *run, const char *endpoint, const struct sluice_pair *query,
                 struct sluice_response *response)
{
	const struct sluice_request request = {"GET", endpoint, query, NULL, NULL, 0, NULL, NULL, 0, 0, 0};
	return run->host->proxy(run, &request, response, 1);
}
static inline int
sluice_proxy_post(struct sluice_run *run, const char *endpoint, const char *json, struct sluice_response *response)
{
	const struct sluice_request request = {"POST", endpoint, NULL, NULL, json, 0, NULL, NULL, 0, 0, 0};
	return run->host->proxy(run, &request, response, 1);
}
/* A body of any length in pieces: open (response->body is empty), read until 0, close. One at a time. A body that
 * was cut off is an error of the last read, never a short end. */
static inline int
sluice_open(struct sluice_run *run, const struct sluice_request *request, struct sluice_response *response)
{
	return run->host->open(run, request, response);
}
static inline long sluice_read(struct sluice_run *run, void *to, size_t max) { return run->host->read(run, to, max); }
static inline int sluice_close(struct sluice_run *run) { return run->host->close(run); }

/* The next page: 1, or 0 at the end (also when the step is over: your function is then called again and goes on
 * where it was), or a failure. Asking for the next page says that the page in hand is done: its saves and the
 * position behind it become durable together. `while (sluice_paginate(run, &list, &page) > 0) ...`; paginations may
 * be nested, each loop with a struct sluice_page of its own. A loop that you leave early counts as done, and nothing
 * that this run did not show is then taken for deleted. Fails with EHTTP, ECREDENTIALS, ENETWORK, ERATE, EDATA,
 * ELOOP, ELIMIT, EARGUMENT. */
static inline int
sluice_paginate(struct sluice_run *run, const struct sluice_page_request *request, struct sluice_page *page)
{
	return run->host->paginate(run, request, page);
}

/* Records of one model: JSON text of an array (or of one object); a page's body as it came is the fast way. Bad ones
 * go to the dead letters with their reason, the others are saved. Returns how many were accepted. update merges
 * deeply into what is stored (unknown ids are ignored); delete takes ids (an array of strings or integers) or
 * objects that hold the key. */
static inline long
sluice_batch_save(struct sluice_run *run, const char *model, const char *json, size_t len)
{
	return run->host->save(run, 0, model, json, len);
}
static inline long
sluice_batch_update(struct sluice_run *run, const char *model, const char *json, size_t len)
{
	return run->host->save(run, 1, model, json, len);
}
static inline long
sluice_batch_delete(struct sluice_run *run, const char *model, const char *json, size_t len)
{
	return run->host->save(run, 2, model, json, len);
}
/* Each item of the page becomes a record of the members that the map names; the list ends with a NULL `to`. */
static inline long
sluice_save_mapped(struct sluice_run *run, const char *model, const struct sluice_page *page,
                   const struct sluice_map *map)
{
	return run->host->save_mapped(run, model, page, map);
}
/* Sends one bad record to the dead letters and goes on. len 0: strlen(json). */
#define sluice_reject(run, model, json, len, ...) \
	((run)->host->reject((run), (model), (json), (len), sluice_format(run, __VA_ARGS__)))
/* For handmade loops: this run has listed all there is of the model, so that deletes by absence may be worked out. */
static inline int
sluice_full_done(struct sluice_run *run, const char *model)
{
	return run->host->full_done(run, model);
}

/* Metadata of the connection (a JSON object, "{}" when there is none) and checkpoint of this sync (any JSON up to 64
 * KiB, NULL when there is none). A run reads its own writes; they become durable with the saves before them, never
 * earlier. At once. */
static inline const char *sluice_get_metadata(struct sluice_run *run) { return run->host->get_metadata(run); }
static inline int
sluice_set_metadata(struct sluice_run *run, const char *json)
{
	return run->host->put_metadata(run, 0, json);
}
static inline int
sluice_update_metadata(struct sluice_run *run, const char *json)
{
	return run->host->put_metadata(run, 1, json);
}
static inline const char *sluice_get_checkpoint(struct sluice_run *run) { return run->host->get_checkpoint(run); }
static inline int
sluice_save_checkpoint(struct sluice_run *run, const char *json)
{
	return run->host->put_checkpoint(run, json);
}
static inline int sluice_clear_checkpoint(struct sluice_run *run) { return run->host->put_checkpoint(run, NULL); }

/* What was synced on this connection: *json becomes an array of the records found (deleted ones are left out). ids
 * end with NULL. list: pages of 100 from the oldest change on; again = 0 begins, 1 goes on; returns how many are in
 * *json, 0 at the end. A listed page lives until the next. */
static inline long
sluice_get_records(struct sluice_run *run, const char *model, const char *const *ids, const char **json)
{
	return run->host->get_records(run, model, ids, json);
}
static inline long
sluice_list_records(struct sluice_run *run, const char *model, int again, const char **json)
{
	return run->host->list_records(run, model, again, json);
}

/* {"connection":"acme","integration":"slack","options":{...}}: never credentials. Where the operator names datasets, also
 * "datasets":{"NAME":{options of that section, and its id},...}, whatever is running. In a run of a variant of a sync also
 * "variant":"eu", its name. At once. */
static inline const char *sluice_get_connection(struct sluice_run *run) { return run->host->get_connection(run); }
/* An option: a string's text, anything else as JSON; NULL when neither given nor with a fallback. Without being declared:
 * "page_size", what the operator says of this sync, for what does not come by sluice_paginate; NULL: nothing (1.4). It goes before
 * a declared option of that name. At once. */
static inline const char *
sluice_get_option(struct sluice_run *run, const char *name)
{
	return run->host->get_option(run, name);
}
/* Start of the last successful run of this sync, less the configured look-back; 0: none. Fixed for a run. At once. */
static inline int64_t sluice_last_success(struct sluice_run *run) { return run->host->last_success(run); }
/* Start of this run; the same in all its steps. At once. */
static inline int64_t sluice_now(struct sluice_run *run) { return run->host->now(run); }
/* Does this run list everything (see SLUICE_TRACK_DELETES)? At once. */
static inline int sluice_is_full(struct sluice_run *run) { return run->host->is_full(run); }
/* Milliseconds until this step should end; INT64_MAX: no limit. At once. */
static inline int64_t sluice_time_left(struct sluice_run *run) { return run->host->time_left(run); }
/* 1 when a handmade loop should save its checkpoint and return. Paginations see to it by themselves. At once. */
static inline int sluice_should_stop(struct sluice_run *run) { return run->host->should_stop(run); }
/* For people: done of total (0: unknown). */
static inline int
sluice_progress(struct sluice_run *run, uint64_t done, uint64_t total)
{
	return run->host->progress(run, done, total);
}
#define sluice_log(run, level, ...) ((run)->host->log((run), (level), sluice_format(run, __VA_ARGS__)))
/* An action's input (JSON); a check has "{}". At once. */
static inline const char *sluice_input(struct sluice_run *run) { return run->host->input(run); }
/* A webhook's event (JSON), as it came; "{}" in anything else, and on a host older than 1.2. At once. */
static inline const char *
sluice_event(struct sluice_run *run)
{
	return sluice_has(run, event) ? run->host->event(run) : "{}";
}
/* The name of the dataset that is to be synced, which is its model's; NULL: what runs is none that the operator named. At once. */
static inline const char *
sluice_dataset(struct sluice_run *run)
{
	return sluice_has(run, dataset) ? run->host->dataset(run) : NULL;
}
/* The provider kept something back (partial data, a list that it cut short): the run goes on, its log and its end say so,
 * and nothing that it did not show is taken for deleted. */
#define sluice_partial(run, ...) \
	(sluice_has(run, partial) ? (run)->host->partial((run), sluice_format(run, __VA_ARGS__)) \
	                          : sluice_log(run, SLUICE_WARN, __VA_ARGS__))
/* An action's output, checked against its model; the last one counts. */
static inline int sluice_reply(struct sluice_run *run, const char *json) { return run->host->reply(run, json); }

#ifdef __cplusplus
}
#endif

#endif
