/* connection_check.h - asking a provider whether a connection's credentials are good, while the call of who wants to know waits. */
#ifndef SLUICE_API_CONNECTION_CHECK_H
#define SLUICE_API_CONNECTION_CHECK_H

#include "api/v1.h"

void connection_check(struct http_call *c, struct api *a, const char *connection, const char *integration); /* answers it, later */
extern const struct http_answer connection_check_answers[]; /* for the row of its route */

#endif
