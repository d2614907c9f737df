/* permit.h - the first tokens of a connection: a person permits access at the provider (RFC 6749 4.1, PKCE by RFC 7636). */
#ifndef SLUICE_RUN_PERMIT_H
#define SLUICE_RUN_PERMIT_H

#include "config/settings.h"
#include "run/run.h"

struct permit;
/* NULL: that connection does not use OAuth 2, or a client or URL is missing; err names it and the remedy. */
struct permit *permit_new(struct host *h, const struct connection_settings *c, struct err *err);
void permit_free(struct permit *p);
void permit_url(const struct permit *p, const char *redirect, struct buf *out); /* for the person's browser */
bool permit_state_is(const struct permit *p, const char *state);                /* the answer is to our question */
/* The code for tokens; turns the loop until the provider has answered. tokens: JSON for tokens_put, wipe it; scope may be "". */
int permit_exchange(struct permit *p, const char *code, const char *redirect, struct buf *tokens, int64_t *expires_us,
                    char scope[256], struct err *err);

#endif
