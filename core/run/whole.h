/* whole.h - a conditional request (RFC 9110, section 13) for a file that makes all of its models' records; see whole.c. Pages have
 * theirs in conditions.h. */
#ifndef SLUICE_RUN_WHOLE_H
#define SLUICE_RUN_WHOLE_H

#include "run/conditions.h"

struct whole {
	uint32_t serial;              /* of its request; 0: none was made */
	uint8_t name[CONDITION_NAME]; /* what it is kept under */
	bool known;                   /* it was asked for conditionally */
	bool unchanged;               /* and has not changed */
	bool more;                    /* a second one was asked for: then neither proves anything */
	char *etag, *modified;        /* of the new answer; NULL: it has none */
};

/* It is asked for: headers gets what makes that conditional. */
void whole_ask(struct run *r, uint32_t serial, const struct proxy_request *q, struct buf *headers);
void whole_answer(struct run *r, uint32_t serial, const struct proxy_answer *a);
/* At the run's end: is everything as it was? Then its records count as saved and unchanged. */
bool whole_unchanged(struct run *r);
/* When the run's last commit is durable: is there something to keep, and keeping it. */
bool whole_keeps(const struct run *r);
void whole_put(const struct run *r, struct commit *c);
void whole_drop(struct run *r);

#endif
