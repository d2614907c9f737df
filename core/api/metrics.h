/* metrics.h - what the HTTP server itself counts; the routes of metrics.c and health.c stand in routes.c's list. */
#ifndef SLUICE_API_METRICS_H
#define SLUICE_API_METRICS_H

#include "api/api.h"

void metrics_answered(struct api *a, const struct http_route *route, int status, int64_t took_us); /* route NULL: none was met */

#endif
