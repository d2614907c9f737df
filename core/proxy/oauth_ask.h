/* oauth_ask.h - one request to a token endpoint (RFC 6749) and what its answer means. */
#ifndef SLUICE_PROXY_OAUTH_ASK_H
#define SLUICE_PROXY_OAUTH_ASK_H

#include "proxy/oauth.h"

/* The client at the endpoint: of the options only name, token_url, trusted, client_id, client_secret, basic and params. */
struct oauth_client;
struct oauth_client *oauth_client_new(struct proxy *p, const struct oauth_options *o, struct err *err);
void oauth_client_free(struct oauth_client *c); /* after its requests have ended; NULL is fine */

struct oauth_answer {
	struct err err;   /* ERR_NONE: access is there */
	bool refused;     /* for good: the same request would be refused again */
	bool bad_grant;   /* the refresh token or code is what was refused */
	struct secret *access, *refresh; /* the receiver's to free; refresh NULL: none came */
	int64_t expires_us;              /* 0: not said */
	char scope[256];                 /* "" when not said */
};
typedef void oauth_answered(void *arg, struct oauth_answer *a);
/* form: "grant_type=...&..." without client and params; wiped by the caller. answered comes later, once. */
void oauth_ask(struct oauth_client *c, struct slice form, oauth_answered *answered, void *arg);
void form_put(struct buf *form, const char *name, struct slice value); /* escaped; an empty value is left out */

#endif
