/* oauth_grant.h - by what right an access token is asked for: the form that says so. */
#ifndef SLUICE_PROXY_OAUTH_GRANT_H
#define SLUICE_PROXY_OAUTH_GRANT_H

#include "proxy/oauth.h"

struct oauth_grant { /* copies of the options */
	enum oauth_how how;
	char *name, *scopes, *issuer, *subject, *audience, *key_id; /* but name: NULL where there is none */
	struct secret *key;
};
void oauth_grant_init(struct oauth_grant *g, const struct oauth_options *o);
void oauth_grant_finish(struct oauth_grant *g);
/* Without client and params, as oauth_ask wants it; wipe it after use. refresh: for OAUTH_REFRESH. An error is for good. */
int oauth_grant_form(const struct oauth_grant *g, struct slice refresh, int64_t now_us, struct buf *form, struct err *err);

#endif
