/* oauth_tokens.h - one connection's tokens: what is kept of them, and which of two sets is the one to use. */
#ifndef SLUICE_PROXY_OAUTH_TOKENS_H
#define SLUICE_PROXY_OAUTH_TOKENS_H

#include <stdbool.h>
#include "base/buf.h"
#include "base/secret.h"

#define OAUTH_ANY_CLIENT "*" /* instead of a hash: a person has just had them */

struct oauth_tokens { /* zero: none */
	struct secret *access, *refresh, *previous; /* previous: what refresh was had with, until an API has accepted access */
	int64_t got_us, expires_us;   /* of access; 0: not known */
	char from[33], client[33];    /* hashes of the configuration that they derive from: refresh token; the rest */
};
void oauth_tokens_free(struct oauth_tokens *t); /* what it holds; it is zero then */
void oauth_tokens_write(struct buf *json, const struct oauth_tokens *t); /* wipe it after use */
bool oauth_tokens_read(struct oauth_tokens *t, struct slice json);      /* false: it is none */

/* A provider has given new ones; both are taken. refresh NULL: the one that was used stays. from and client stay. */
void oauth_tokens_renew(struct oauth_tokens *t, bool by_previous, struct secret *access, struct secret *refresh);
/* Takes kept, or frees it. false: t is what it was. from, client: hashes of today's configuration; from "": it has none. */
bool oauth_tokens_adopt(struct oauth_tokens *t, struct oauth_tokens *kept, const char *from, const char *client);
int64_t oauth_tokens_until(const struct oauth_tokens *t); /* from then on another is asked for; INT64_MAX: its end is not known */

/* Shared by who reads and marks tokens. */
struct secret *oauth_secret_at(struct slice json, const char *name); /* of checked JSON; NULL: no text there, or "" */
void oauth_hash(struct slice key, const struct slice *parts, size_t n, char hex[33]);

#endif
