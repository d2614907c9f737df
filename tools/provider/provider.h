/* provider.h - what the parts of the provider share, and the one shape of a handler. */
#ifndef PROVIDER_PROVIDER_H
#define PROVIDER_PROVIDER_H

#include "dataset.h"
#include "faults.h"
#include "journal.h"
#include "oauth.h"
#include "reply.h"
#include "request.h"
#include "script.h"

/* Changed by POST /_control/set?name=value; the table of names is in control.c. */
struct settings {
	uint32_t plain_size;                /* bytes of a record of /plain, about */
	uint32_t plain_parents;             /* items of /plain/parents */
	uint32_t plain_children;            /* items under each of them */
	uint32_t plain_a, plain_b, plain_c; /* items on each of the three levels */
	uint32_t close_max_skip;            /* the most that _skip may say; 0: no bound */
	uint32_t etag;                      /* 1: answers to GET have an ETag, and 304 is given; 2: weak ones */
	uint32_t oauth_expires, oauth_rotate; /* seconds; 1: each refresh gives a new refresh token */
	uint32_t gzip;                      /* 1: whoever accepts gzip gets it */
};

struct provider {
	struct world world;
	struct settings settings;
	struct journal *journal;
	struct faults *faults;
	struct script *script;
	const struct clock *clock;
	struct oauth_server oauth;
};

/* Answers a request whose path goes on with `rest` after the handler's prefix. */
typedef void handler(struct provider *v, const struct request *r, struct slice rest, struct reply *p);

handler control_handle, plain_handle, stripe_handle, close_handle, slack_handle, oauth_handle;
void oauth_show(const struct provider *v, struct json_out *o);

#define KINDS_END                                                                                                      \
	{                                                                                                              \
		NULL, NULL, NULL, 0, false, 0, 0, 0, NULL                                                              \
	}
extern const struct kind plain_kinds[], stripe_kinds[], close_kinds[], slack_kinds[]; /* ended by a NULL name */

void router_handle(void *provider, struct request *r, struct reply *p); /* the server's handler */

#endif
