/* request.h - what was asked for: checked, copied, and put into headers. */
#ifndef SLUICE_PROXY_REQUEST_H
#define SLUICE_PROXY_REQUEST_H

#include "proxy/call.h"

/* Sets the call's method, URL and access. ERR_USAGE: it may not be made. */
int request_check(struct proxy_call *c, const struct proxy_request *r, struct err *err);
void request_copy(struct proxy_call *c, const struct proxy_request *r); /* the rest */
struct curl_slist *request_headers(struct proxy_call *c); /* all but credentials; header_list_wipe frees them */

#endif
