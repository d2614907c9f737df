/* tokens_inner.h - struct tokens, for the files of core/run that keep access tokens. */
#ifndef SLUICE_RUN_TOKENS_INNER_H
#define SLUICE_RUN_TOKENS_INNER_H

#include "run/tokens.h"

struct tokens { /* the keeper of one connection */
	struct tokens *next;
	struct host *host;
	char *connection, *integration;
	struct oauth *oauth;
	unsigned saves; /* on their way to the disk */
	struct oauth_waiter renewing; /* for a guest */
	struct err renewed;           /* why it came to nothing, until he asks again */
	bool retired;   /* its configuration is of yesterday */
	bool forgotten; /* its connection is another's now, or nobody's: what it still gets is not kept */
};

/* Of a guest, as oauth_options.renew; arg: struct tokens. */
int tokens_guest_renew(void *arg, bool doubted, struct err *err);

#endif
