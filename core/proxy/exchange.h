/* exchange.h - one HTTP request and its answer on the wire: nothing is known here of retries, limits or who asked.
 *
 * An exchange ends in one of three ways: an answer that is complete, a failure that another try may mend, or one that
 * it may not. */
#ifndef SLUICE_PROXY_EXCHANGE_H
#define SLUICE_PROXY_EXCHANGE_H

#include <curl/curl.h>
#include "proxy/address.h"
#include "proxy/headers.h"
#include "proxy/inflate.h"
#include "proxy/url.h"

struct exchange_plan { /* borrowed until the exchange is finished */
	const struct url *url;
	const char *method;
	struct curl_slist *headers;
	struct slice body;
	bool may_repeat;     /* libcurl may send it again when a kept connection turns out to be dead */
	bool trusted;        /* any address will do */
	uint64_t max_answer; /* bytes decoded, unless streamed */
	int64_t connect_ms;
	unsigned slow_bytes, slow_seconds; /* fewer a second for so long: given up */
	const char *ca_file, *user_agent;
};

struct exchange {
	CURL *easy;
	const struct exchange_plan *plan;
	struct headers head;
	struct inflate inflate;
	struct buf body;
	struct err fault;               /* why we ourselves ended it */
	char refused[ADDRESS_TEXT_MAX]; /* an address that is not public */
	bool began;                     /* the head is complete, the body follows */
	bool streaming;                 /* pieces go to on_piece; decided when it begins */
	bool paused;                    /* by the receiver of the pieces */
	bool sent;                      /* connected; the request is on its way */
	int64_t late_ms;                /* the time limit that it passed; 0: none */
	struct buf held;                /* encoded bytes that came before the pause */
	bool held_more;                 /* the inflater has more to give */
	char errtext[CURL_ERROR_SIZE];

	bool (*on_head)(void *arg);                      /* stream this one? */
	void (*on_piece)(void *arg, struct slice piece); /* may set paused */
	void (*on_sent)(void *arg);                      /* `sent` is already true when libcurl repeats by itself */
	void *arg;
};

enum exchange_end { EXCHANGE_ANSWER, EXCHANGE_PASSING, EXCHANGE_FATAL };

void exchange_begin(struct exchange *x, CURL *easy,
                    const struct exchange_plan *plan); /* sets up; the engine starts it */
/* Hands out what was held back; true: all is out (or broken: fault). Not from inside libcurl. */
bool exchange_drain(struct exchange *x);
void exchange_hold(struct exchange *x); /* what was collected is to be handed out as pieces after all */
enum exchange_end exchange_judge(struct exchange *x, CURLcode rc, struct err *err); /* err: of the latter two */
uint64_t exchange_bytes(const struct exchange *x);                                  /* received on the wire */
const char *exchange_type(const struct exchange *x, char *out, size_t room);        /* Content-Type, "" when none */
void exchange_reset(struct exchange *x); /* ready for the next; the handle is the caller's */
void exchange_finish(struct exchange *x);

#endif
