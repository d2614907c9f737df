/* webhooks.h - what applications are told of besides records: events of runs, actions and connections, each put into the
 * commit that makes it true. How they are sent is core/deliver's. */
#ifndef SLUICE_RUN_WEBHOOKS_H
#define SLUICE_RUN_WEBHOOKS_H

#include "run/run.h"

/* Into the last commit of a run, behind everything else: "sync.success", "sync.error", the contract's "sync", and "auth" where
 * the credentials are refused since this run. last: STATE_LAST before it. Of a run that was stopped: nothing. */
void webhooks_ended(struct run *r, struct commit *c, struct slice last);

/* The contract's body of a connection: made, replaced, or no longer let in. */
struct webhook_auth {
	const char *connection, *integration, *provider;
	const char *mode;      /* "OAUTH2", "API_KEY" ... */
	const char *operation; /* "creation", "override", "refresh" */
	const struct err *error; /* NULL: it went well */
	struct slice labels;     /* JSON: "tags" and "end_user" go along; empty: none */
};
void webhook_auth(struct commit *c, const struct webhook_auth *a);
/* A connection was made, or (again) put in the place of one. labels: as in struct webhook_auth. */
void webhook_connection(struct commit *c, struct host *h, const struct connection_settings *k, bool again, struct slice labels);
void webhook_action(struct commit *c, const char *connection, const char *integration, const char *id); /* done, or failed */

#endif
