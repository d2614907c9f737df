/* reply.h - an answer on its way out: status, headers and body as the handler meant them, and the wire plan that says
 * how they are really sent. A plan of zeros is a well-behaved answer with Content-Length on a connection that stays. */
#ifndef PROVIDER_REPLY_H
#define PROVIDER_REPLY_H

#include <stdbool.h>
#include <stdint.h>
#include "base/buf.h"
#include "base/json.h"
#include "request.h"

enum framing { FRAMING_LENGTH, FRAMING_CHUNKED, FRAMING_CLOSE, FRAMING_RAW /* the body is all that is sent */ };

struct plan {
	enum framing framing;
	bool cut; /* end the connection after cut_after bytes of the body (of all bytes: cut_head) */
	bool cut_head;
	bool reset;           /* end it by RST instead of FIN */
	bool close;           /* end it after the answer */
	bool silence;         /* never answer; the connection stays open */
	uint64_t cut_after;   /* bytes */
	uint64_t length_told; /* Content-Length when length_lie */
	bool length_lie;
	int64_t delay_ms;    /* before the first byte */
	uint32_t drip_bytes; /* so many bytes at a time, 0: all at once */
	int64_t drip_ms;     /* and so long between them */
	bool drip_head;      /* the head drips too */
	uint32_t hints;      /* so many "103 Early Hints" before the answer */
	uint64_t repeat;     /* the body is sent so many times more */
};

struct reply {
	int status;      /* 0 until a handler has answered */
	struct buf head; /* further header lines, each with its line end */
	struct buf body;
	const char *type; /* Content-Type; NULL is application/json */
	bool page;        /* a list: items_at is where its '[' stands in the body, items_end after its ']' */
	bool last_page;   /* and it was the last one */
	size_t items_at, items_end;
	const char *fault; /* name of the fault that was applied, for the log */
	struct plan plan;
};

void reply_reset(struct reply *p); /* keeps the memory */
void reply_free(struct reply *p);
void reply_header(struct reply *p, const char *name, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
void reply_error(struct reply *p, int status, const char *fmt, ...)
        __attribute__((format(printf, 3, 4)));           /* {"error":…} */
struct json_out reply_json(struct reply *p, int status); /* empties the body, and writes JSON into it */
void reply_items_begin(struct reply *p);
void reply_items_end(struct reply *p, bool last_page);
void reply_serialize(struct reply *p, struct buf *head, bool keep_alive); /* the head; frames the body */
const char *status_text(int status);

#endif
