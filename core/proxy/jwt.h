/* jwt.h - a signed assertion of who we are (RFC 7523), for providers that hand out access tokens for it. */
#ifndef SLUICE_PROXY_JWT_H
#define SLUICE_PROXY_JWT_H

#include <stdint.h>
#include "base/buf.h"
#include "base/err.h"

#define JWT_LIFE_S 300 /* seconds; Salesforce takes no longer ones */

struct jwt_claims {
	const char *issuer, *audience;         /* iss, aud */
	const char *subject, *scope, *key_id;  /* sub, scope, the head's kid; NULL: left out */
	int64_t now_us;
};
/* header.claims.signature, signed by RS256 (RSA, at least 2048 bits) or ES256 (EC on P-256), as the key is. key: PEM, not
 * encrypted. ERR_USAGE says what is wrong with the key, never what it is. */
int jwt_sign(struct buf *out, const struct jwt_claims *claims, struct slice key, struct err *err);

#endif
