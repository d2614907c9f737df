/* openapi.h - the OpenAPI 3.0.3 document of the route tables. */
#ifndef SLUICE_HTTP_OPENAPI_H
#define SLUICE_HTTP_OPENAPI_H

#include "base/buf.h"
#include "http/route.h"

void openapi_write(const struct http_route *const *tables, const char *version, struct buf *out);

#endif
