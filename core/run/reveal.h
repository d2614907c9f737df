/* reveal.h - a connection's credentials for its owner: who asked may have them, which is the caller's to have checked. */
#ifndef SLUICE_RUN_REVEAL_H
#define SLUICE_RUN_REVEAL_H

#include "run/run.h"

/* "OAUTH2", "API_KEY", "BASIC" or "NONE": how the connector wants to be let in. */
const char *credentials_type(struct host *h, const struct connection_settings *c);

struct reveal_ask {
	const struct connection_settings *connection; /* of the settings in force */
	bool renew;        /* OAuth 2: have a new access token first, unless this one was just had */
	bool refresh;      /* the refresh token too */
};
/* told is called once, with {"type":"OAUTH2","access_token","expires_at","raw":{...}}, {"type":"API_KEY","apiKey"},
 * {"type":"BASIC","username","password"} or {"type":"NONE"}; or with why there are none. json is wiped afterwards. NULL: that has
 * happened before it returns. Else an access token is waited for. */
struct reveal;
struct reveal *credentials_reveal(struct host *h, const struct reveal_ask *a,
                                  void (*told)(void *arg, struct slice json, const struct err *err),
                                  void *arg);
void reveal_leave(struct reveal *r); /* waits no longer; told is called with ERR_STOPPED before it returns */

#endif
