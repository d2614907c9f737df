/* journal.h - every request that came in: counted by path, the last ones kept, and early ones found.
 *
 * Early: sent before the time that an answer 429 or 503 to the same path had given by its Retry-After. */
#ifndef PROVIDER_JOURNAL_H
#define PROVIDER_JOURNAL_H

#include "base/clock.h"
#include "reply.h"
#include "request.h"

#define JOURNAL_KEEP 10000
#define JOURNAL_BODY 16384u /* longer bodies are not kept */

struct journal;

struct journal *journal_new(const struct clock *clock);
void journal_free(struct journal *j);
void journal_reset(struct journal *j);
uint64_t journal_begin(struct journal *j, const struct request *r); /* its number, from 1 */
void journal_end(struct journal *j, const struct request *r, const struct reply *p);
/* Writes the members total, early_requests, violations, paths and, with log, requests into an open object. */
void journal_show(const struct journal *j, struct json_out *o, bool log);

#endif
