/* request.h - one HTTP/1.1 request as it came in: slices into the connection's buffer, and its parameters decoded. */
#ifndef PROVIDER_REQUEST_H
#define PROVIDER_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/buf.h"

#define REQUEST_HEADERS_MAX 64
#define REQUEST_HEAD_MAX (64u << 10)
#define REQUEST_BODY_MAX (16u << 20)

/* How a fault bends the page that the handler is about to make; see window.h. */
enum bend { BEND_NONE, BEND_EMPTY, BEND_EMPTY_MORE, BEND_SAME, BEND_ALTERNATE, BEND_DISTINCT, BEND_ALWAYS_NEXT };

struct header {
	struct slice name, value; /* value without the blanks around it */
};

struct request {
	struct slice method;
	struct slice target; /* path and query, as sent */
	struct slice path;   /* up to the '?', as sent */
	struct slice query;  /* after the '?' */
	struct slice head;   /* all header lines, with their line ends */
	struct slice body;   /* decoded when it came in chunks */
	struct header headers[REQUEST_HEADERS_MAX];
	size_t header_count;
	bool keep_alive;
	int64_t came_ms;  /* monotonic; set by the server */
	enum bend bend;   /* set by a fault, before the handler runs */
	uint64_t bend_no; /* how often that fault was used before */
};

enum request_state { REQUEST_BAD, REQUEST_PARTIAL, REQUEST_EXPECTS, REQUEST_WHOLE };

/* Reads one request from the front of `bytes`; `chunks` holds a body that came in chunks. On REQUEST_WHOLE *used says
 * how many bytes it took. REQUEST_EXPECTS: partial, and the client waits for "100 Continue". */
enum request_state request_parse(struct request *r, struct slice bytes, struct buf *chunks, size_t *used);

bool request_header(const struct request *r, const char *name, struct slice *value); /* name in any case */
bool request_is(const struct request *r, const char *method);

/* A parameter of the query, or of a form body: decoded, NUL-terminated, cut to cap. false: not given (out is ""). */
bool request_param(const struct request *r, const char *name, char *out, size_t cap);
int64_t request_number(const struct request *r, const char *name, int64_t otherwise); /* also when it is no number */
int64_t request_limit(const struct request *r, const char *name, int64_t otherwise, int64_t most); /* 1..most */

/* The credential: after "Bearer ", or the user name of Basic; cut to cap. false: none. */
bool request_token(const struct request *r, char *out, size_t cap);

#endif
