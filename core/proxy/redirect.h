/* redirect.h - following redirects ourselves: at most five, to allowed hosts, with a method that may be repeated. */
#ifndef SLUICE_PROXY_REDIRECT_H
#define SLUICE_PROXY_REDIRECT_H

#include "proxy/call.h"

bool redirect_asked(const struct proxy_call *c);            /* is the answer's head one that is followed? */
int redirect_follow(struct proxy_call *c, struct err *err); /* sets URL, method, body and access anew */
bool redirect_keeps_header(struct slice line);              /* also where credentials do not go */

#endif
