/* document.c - /openapi.json: what this server answers, written from the tables that dispatch (http/openapi.h).
 *
 * It needs no key: it says what everybody can read in the source, and tools fetch it without one. */
#include "api/api.h"
#include "api/routes.h"
#include "http/openapi.h"

static void
document_get(struct http_call *c, void *arg)
{
	struct api *a = arg;
	struct buf text = {0};

	openapi_write(http_routes(api_http(a)), SLUICE_VERSION, &text);
	http_answer_header(c, "Cache-Control", "public, max-age=300");
	http_reply(c, 200, buf_view(&text));
	buf_free(&text);
}

static const struct http_answer document_answers[] = {{.status = 200, .type = "application/json", .help = "The OpenAPI document"}, {0}};

const struct http_route document_routes[] = {
	{
		.method = "GET",
		.path = "/openapi.json",
		.name = "getDocument",
		.tag = "Server",
		.summary = "This document",
		.answers = document_answers,
		.handle = document_get,
	},
	{0},
};
