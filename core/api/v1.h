/* v1.h - what the files of /api/v1 share: a route that is a question of serve/query.h, and how its answer is shaped.
 *
 * A route's parameters and body fields become members of the question under their own names: numbers, truth values and
 * text as such, a time as NAME_us, a duration as NAME_ms. So a row of a table is all that such a route needs. Lists are
 * {"data":[...]} with the question's end beside it ("cursor", "more", ...), single things {"data":{...}}. */
#ifndef SLUICE_API_V1_H
#define SLUICE_API_V1_H

#include "api/api.h"
#include "api/cursor.h"
#include "api/sse.h"
#include "api/waits.h"

enum v1_shape {
	V1_LIST,   /* all rows */
	V1_ONE,    /* the first row; none: 404 */
	V1_MAYBE,  /* the first row; none: null */
};

struct v1_question { /* data of a route that v1_ask handles */
	const char *query;      /* its name */
	const char *with;       /* members that always go along: "\"op\":\"set\"" */
	enum v1_shape shape;
	bool whole;             /* the body as it is becomes the member "value" */
	bool stranger;          /* the connection of the path need not be one of the configuration */
	bool missing;           /* what the question calls a wrong usage is a thing that is not there: 404 */
	int status;             /* 0: 200 */
};
void v1_ask(struct http_call *c, void *arg);

/* The same by hand, for routes that put the question together by themselves. */
void v1_members(const struct api *a, struct http_call *c, struct json_out *o); /* parameters, body fields, who asks */
void v1_answer(struct api *a, struct http_call *c, struct slice question, const struct v1_question *how);
bool v1_connection_known(struct api *a, struct http_call *c); /* false: answered with 404 */

/* ---- datasets: what the path names, read page by page ---- */

struct feed { /* one reader's place */
	struct store *store;
	const struct clock *clock;
	struct cursor at;
	size_t limit, bytes; /* of a page; 0: the store's usual */
	bool deleted;        /* of records: also those that are deleted, with their last content */
};
/* The dataset that path and `variant` name, and where its reader stands: by text (NULL: parameter `cursor`, else the
 * beginning). -1: answered, with 404 or 400. */
int feed_find(struct api *a, struct http_call *c, enum cursor_of of, const char *text, struct feed *f);
/* Reads one page from f->at and moves it on. each: with the place behind this record. Any thread. */
typedef void feed_each(void *arg, const struct record *r, const struct cursor *behind);
int feed_read(struct feed *f, feed_each *each, void *arg, bool *more, struct err *err);
void feed_fail(struct http_call *c, const struct err *err); /* 410 cursor_expired, 400 invalid_cursor, else by its class; any thread */
const char *feed_fault(const struct err *err); /* the code of that */
void feed_put_change(struct json_out *o, const struct record *r); /* one object; its content in one line */
void feed_put_record(struct json_out *o, const struct record *r);

struct v1; /* what /api/v1 keeps between calls: who waits, who streams */
struct v1 *v1_new(uv_loop_t *loop, struct host *h);
void v1_free(struct v1 *v); /* behind http_close: nobody waits any more; turns the loop. NULL is fine */
struct waits *v1_waits(const struct v1 *v);
struct sse_set *v1_sse(const struct v1 *v);
struct streams *v1_streams(const struct v1 *v);
struct live *v1_live(const struct v1 *v);

void feed_stream(struct http_call *c, void *arg);   /* v1_stream.c: changes as server-sent events */
void feed_snapshot(struct http_call *c, void *arg); /* v1_snapshot.c */
void feed_export(struct http_call *c, void *arg);   /* v1_export.c */

/* ---- parameters and schemas that several tables use ---- */

#define V1_PATH(name_, help_) {.name = (name_), .place = IN_PATH, .type = HTTP_NAME, .required = true, .help = (help_)}
#define V1_TEXT(name_, help_) {.name = (name_), .place = IN_QUERY, .type = HTTP_NAME, .help = (help_)}
#define V1_INT(name_, min_, max_, help_) \
	{.name = (name_), .place = IN_QUERY, .type = HTTP_INT, .min = (min_), .max = (max_), .help = (help_)}
#define V1_BOOL(name_, help_) {.name = (name_), .place = IN_QUERY, .type = HTTP_BOOL, .help = (help_)}
#define V1_CONNECTION V1_PATH("connection", "the connection's name")
#define V1_INTEGRATION V1_PATH("integration", "its integration")
#define V1_VARIANT V1_TEXT("variant", "of the sync; usually base")
#define V1_SYNC V1_PATH("sync", "the sync's name; of a variant also NAME::VARIANT"), V1_VARIANT
#define V1_SYNC_FILTER(help_) V1_TEXT("sync", (help_)), V1_VARIANT
#define V1_LIMIT V1_INT("limit", 1, 1000, "at most so many; usually 100")
#define V1_FILTERS \
	V1_TEXT("connection", "only of this connection"), V1_TEXT("integration", "only of this integration")

extern const struct http_param v1_of_connection[]; /* {connection}/{integration} */
extern const struct http_param v1_of_sync[];       /* {connection}/{integration}/{sync} */
extern const struct http_field v1_any_object[];    /* a body that is any JSON object, of a loose route */
extern const struct http_answer v1_done[];         /* 200, {"data":[...]} */

/* The tables, for routes.c. */
extern const struct http_route v1_host_routes[], v1_sync_routes[], v1_connection_routes[], v1_run_routes[],
	v1_repair_routes[], v1_delivery_routes[], v1_feed_routes[], v1_live_routes[], connectors_routes[];

#endif
