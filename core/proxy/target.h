/* target.h - whom a run talks to: origins that are allowed, which of them are trusted, and which get the credentials.
 */
#ifndef SLUICE_PROXY_TARGET_H
#define SLUICE_PROXY_TARGET_H

#include "proxy/private.h"
#include "proxy/url.h"

#define TARGET_LIMITS_MAX (PROXY_LIMITS_MAX + 1)

struct target_limit {
	struct queue *queue;
	char *match; /* NULL: every request */
};

struct proxy_target {
	struct proxy *proxy;
	struct target_limit limits[TARGET_LIMITS_MAX]; /* the first: what all its requests have to pass */
	size_t n_limits;
	struct proxy_call *waiting, *waiting_last; /* for limits, in their order */
	struct proxy_target *line_prev, *line_next; /* while one waits */
	char *name, *label;
	struct url base;
	bool base_trusted;
	char **hosts, **allow_hosts, **headers; /* end with NULL */
	int auth;                               /* enum sluice_auth */
	char *auth_name, *auth_prefix;
	struct secret *token, *username, *password;
	struct oauth *oauth; /* held; NULL: none */
	char *remaining, *reset, *retry_after, *retry_body;
	unsigned calls; /* that have not ended */
};

unsigned target_limits_of(const struct proxy_target *t, const char *method, const struct url *u);

struct access {       /* what a URL gets */
	bool trusted; /* any address will do: the operator named it */
	bool credentials;
};
/* ERR_USAGE: the URL is on no allowed host; says what to do. from_answer: also for redirects. */
int target_access(const struct proxy_target *t, const struct url *u, bool from_answer, struct access *a,
                  struct err *err);

#endif
