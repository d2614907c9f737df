/* apikey.h - the key that is made where the configuration names none, and the key that webhooks are signed with.
 *
 * It is a UUID v4, since clients of the contract check for that form, and lies sealed in the store. */
#ifndef SLUICE_RUN_APIKEY_H
#define SLUICE_RUN_APIKEY_H

#include "base/secret.h"
#include "run/run.h"

/* Each borrowed until the key is rotated, or the host is freed. */
const struct secret *apikey_get(struct host *h);                               /* NULL: none was made yet, or no store */
const struct secret *apikey_need(struct host *h, bool *made, struct err *err); /* made now, if there is none: durable when it returns */
const struct secret *apikey_rotate(struct host *h, struct err *err);           /* another one in its place */
void apikey_follow(struct host *h, void (*changed)(void *arg), void *arg);      /* called when it was rotated; NULL: no more */
void apikey_tell(const struct secret *value); /* in plain text on stderr, past the log, which would blank it */

/* The text of the first key of scope write (or admin): what the contract's webhooks are signed with. The configuration's, else
 * the made one. Borrowed, until settings change too; NULL: there is none. */
const struct secret *apikey_signing(struct host *h);

#endif
