/* group.h - which requests an endpoint group means: "GET /v1/search*". */
#ifndef SLUICE_PROXY_GROUP_H
#define SLUICE_PROXY_GROUP_H

#include <stdbool.h>

/* pattern: a method and a blank (optional), then a path; * at the end stands for anything, elsewhere for anything up to
 * the next slash. path: below base_url, without a query. */
bool group_matches(const char *pattern, const char *method, const char *path);

#endif
