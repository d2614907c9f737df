/* api.h - what others reach over HTTP: the contract's routes, /api, incoming webhooks, metrics, the dashboard.
 *
 * One object on the loop beside struct service. Each file here is one area with its table of routes; routes.c lists the tables,
 * and that list is all there is: dispatch, checks and /openapi.json come from it (http/route.h). */
#ifndef SLUICE_API_API_H
#define SLUICE_API_API_H

#include "http/http.h"
#include "schedule/service.h"

struct api;

struct api_options {
	uv_loop_t *loop;
	struct host *host;       /* with a store */
	struct service *service;
};
/* Listens as [host] listen says; NULL with err when an address cannot be had. With nothing to listen on it is there all the same. */
struct api *api_open(const struct api_options *o, struct err *err);
void api_settled(struct api *a); /* other settings are in force: keys and their rights */
void api_calm(struct api *a);    /* the host ends: waits are over */
void api_close(struct api *a);   /* turns the loop until all is closed; NULL is fine */

/* ---- for the files of this folder; a route's handler gets the struct api as arg ---- */
struct host *api_host(const struct api *a);
struct service *api_service(const struct api *a);
struct store *api_store(const struct api *a);
struct http *api_http(const struct api *a);
int64_t api_now_us(const struct api *a);
struct v1 *api_v1(const struct api *a); /* v1.h */

/* One question of serve/query.h, answered as {"data":[rows],...members of the end}; errors by their class. text: the question. */
void api_question(struct api *a, struct http_call *c, struct slice text);

#endif
