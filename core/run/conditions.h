/* conditions.h - conditional requests (RFC 9110, section 13): a page that has not changed is neither sent nor shown again.
 *
 * Kept of each such request, under a hash of everything that it asks and of the plugin's file: the provider's validators
 * (ETag, Last-Modified), where the pagination goes on behind the page, and the ids of the records that were saved from
 * it. It is written in the commit of those records, so it never speaks of what is not stored; and it is used only when
 * every one of them is still there as it was saved from that page: what another sync or page has made of one since would
 * be written over by the whole page. What a run that came to its end did not use is dropped. */
#ifndef SLUICE_RUN_CONDITIONS_H
#define SLUICE_RUN_CONDITIONS_H

#include "base/json.h"
#include "proxy/proxy.h"
#include "wire/message.h"

struct run;
struct commit;

#define CONDITION_NAME 16

struct condition {                   /* a page that was asked for, until its boundary */
	struct condition *next;
	uint32_t serial;             /* of its request */
	uint8_t name[CONDITION_NAME];
	struct buf kept;             /* what was known of it; empty: nothing, it was asked for as usual */
	char *etag, *modified;       /* of the new answer; NULL: it has none */
	bool unchanged;
};

struct conditions {
	struct condition *list;
	struct buf rows;             /* saved from the page in hand: u16 model, id */
	uint64_t n_rows;
	struct json_hash sum;        /* of their contents */
	bool spoiled;                /* something else came with that page than its own records */
	struct buf used;             /* names, CONDITION_NAME bytes each */
};

/* Under what it is kept: a hash of what is asked, of the plugin's file, and of all that says what is made of it. */
void conditions_name(const struct run *r, const struct proxy_request *q, uint8_t name[CONDITION_NAME]);
void conditions_headers(struct slice kept, struct buf *headers); /* what makes a request conditional, of the validators that are kept */
/* Those of an answer that prove something; yours, or NULL. */
void conditions_validators(const struct proxy_answer *a, char **etag, char **modified);
/* A page is asked for: headers gets what makes it conditional. */
void conditions_ask(struct run *r, uint32_t serial, const struct proxy_request *q, struct buf *headers);
/* Its answer: true, and body is what the worker gets, when the page is as it was. */
bool conditions_answer(struct run *r, uint32_t serial, const struct proxy_answer *a, struct buf *body);
void conditions_content(struct run *r, const struct json_hash *hash); /* of a record that is saved from the page in hand */
void conditions_saved(struct run *r, uint16_t model, struct slice id); /* from the page in hand */
void conditions_spoil(struct run *r); /* something else was saved, or a record was rejected */
/* The page's boundary. of: serial of its request; 0: it is not conditional. whole: what stands behind it proves itself. */
void conditions_page(struct run *r, uint32_t of, struct slice state, uint32_t items, bool whole);
void conditions_end(struct run *r, struct commit *c); /* of a run that came to its end */
void conditions_drop(struct run *r); /* the worker is gone: what it asked for is forgotten */

#endif
