/* verify.h - is this event from whom it says? Judged by what the connector declares and the secrets of the connection.
 *
 * HMAC-SHA256 over the exact bytes, compared in constant time, with every signature that the header bears and every secret
 * that is good; then the time of sending, which the signature covers. Pure: no store, no clock of its own. */
#ifndef SLUICE_EVENT_VERIFY_H
#define SLUICE_EVENT_VERIFY_H

#include "base/buf.h"
#include "base/err.h"
#include "base/secret.h"
#include "plugin/manifest.h"

enum event_verdict {
	EVENT_GENUINE,
	EVENT_UNSIGNED,  /* the connector declares no signature, or the connection has no secret: err says what is lacking */
	EVENT_FORGED,    /* no signature, or none that fits */
	EVENT_STALE,     /* signed well, and sent too long ago, or too far ahead */
};

struct event_proof {
	const struct manifest_webhook *webhook;
	const char *(*header)(void *arg, const char *name); /* in any case; NULL: there is none */
	void *arg;
	struct slice body;
	const struct secret *secrets[2]; /* either will do; NULL: none */
	int64_t now_us;
};
enum event_verdict event_verify(const struct event_proof *p, struct err *err); /* err: why, unless it is genuine; for the log */

/* Does a list "customer.*", "invoice.paid" (NULL-terminated; empty: everything) name this type? */
bool event_type_fits(char *const *types, struct slice type);

#endif
