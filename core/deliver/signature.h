/* signature.h - the headers by which a receiver knows that an event is ours: pure functions of key, id, time and bytes.
 *
 * Two schemes over the same bytes, both always sent:
 *   Standard Webhooks   webhook-signature: v1,base64(HMAC-SHA256(key, id "." time "." body)), a second one behind a blank
 *                       while the secret is rotated
 *   the contract's      X-Nango-Hmac-Sha256: hex(HMAC-SHA256(key, body)); X-Nango-Signature: hex(SHA256(key body)) */
#ifndef SLUICE_DELIVER_SIGNATURE_H
#define SLUICE_DELIVER_SIGNATURE_H

#include <stdint.h>
#include "base/buf.h"
#include "base/err.h"
#include "base/secret.h"
#include "config/signing.h"

struct signing { /* borrowed; what is NULL signs nothing */
	const struct secret *secret, *before; /* Standard Webhooks: now, and until a while ago */
	const struct secret *nango;           /* of the other pair */
};

#define SIGNATURE_HEX 64

struct signatures {
	struct buf standard;           /* value of webhook-signature; buf_free */
	char hmac[SIGNATURE_HEX + 1];  /* X-Nango-Hmac-Sha256; "" without a key */
	char hash[SIGNATURE_HEX + 1];  /* X-Nango-Signature */
};
/* seconds: of this attempt, as in webhook-timestamp. */
int signatures_make(struct signatures *out, const struct signing *by, struct slice id, int64_t seconds, struct slice body,
                    struct err *err);

#endif
