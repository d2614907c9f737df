/* connectors.h - what /api/connectors shares with /api/v1: testing a connection, while its call waits. */
#ifndef SLUICE_API_CONNECTORS_H
#define SLUICE_API_CONNECTORS_H

#include "api/v1.h"

void connector_test(struct http_call *c, struct api *a, const char *connection, const char *integration);
extern const struct http_answer connector_test_answers[];

/* "connection:integration" or "connection:integration:sync"; the parts are yours, sync NULL where there is none. */
bool connector_split(const char *id, char **connection, char **integration, char **sync);

#endif
