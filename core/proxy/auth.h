/* auth.h - saying who we are: the declared kind of credential put into a request's headers or query. */
#ifndef SLUICE_PROXY_AUTH_H
#define SLUICE_PROXY_AUTH_H

#include <curl/curl.h>
#include "proxy/target.h"

/* ERR_USAGE: what the kind needs is missing; ERR_CREDENTIALS: a credential holds what cannot be sent. */
int auth_check(const struct proxy_target *t, struct err *err);
struct curl_slist *auth_apply(const struct proxy_target *t, struct url *u, struct curl_slist *headers);
const char *auth_header(const struct proxy_target *t); /* the header that carries it; NULL: none */

#endif
