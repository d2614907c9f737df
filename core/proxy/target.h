/* target.h - whom a run talks to: origins that are allowed, which of them are trusted, and which get the credentials.
 */
#ifndef SLUICE_PROXY_TARGET_H
#define SLUICE_PROXY_TARGET_H

#include "proxy/private.h"
#include "proxy/url.h"

struct proxy_target {
	struct proxy *proxy;
	struct queue *queue;
	char *name;
	struct url base;
	bool base_trusted;
	char **hosts, **allow_hosts, **headers; /* end with NULL */
	int auth;                               /* enum sluice_auth */
	char *auth_name, *auth_prefix;
	struct secret *token, *username, *password;
	char *remaining, *reset, *retry_after, *retry_body;
	unsigned calls; /* that have not ended */
};

struct access {       /* what a URL gets */
	bool trusted; /* any address will do: the operator named it */
	bool credentials;
};
/* ERR_USAGE: the URL is on no allowed host; says what to do. from_answer: also for redirects. */
int target_access(const struct proxy_target *t, const struct url *u, bool from_answer, struct access *a,
                  struct err *err);

#endif
