/* page.h - the table of the dashboard's routes, for routes.c. */
#ifndef SLUICE_API_PAGE_H
#define SLUICE_API_PAGE_H

#include "api/api.h"

extern const struct http_route page_routes[];

#endif
