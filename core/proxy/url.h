/* url.h - URLs, read once by libcurl's parser and handed to libcurl in that form: what was checked is what is asked.
 *
 * Only http and https, no user info, no control bytes, no backslashes. Blanks and bytes over 0x7f in path and query are
 * escaped. A host compares in lower case, without a trailing dot and brackets. */
#ifndef SLUICE_PROXY_URL_H
#define SLUICE_PROXY_URL_H

#include <curl/curl.h>
#include <stdbool.h>
#include <stdint.h>
#include "base/buf.h"
#include "base/err.h"

struct url {
	CURLU *parts; /* yours until url_free; NULL: no URL */
	char *host;   /* as it compares */
	char *shown;  /* "https://host:port/path" for messages: never a query */
	uint16_t port;
	bool tls; /* https */
};

int url_parse(struct url *u, struct slice text, struct err *err); /* absolute; ERR_USAGE says what is wrong */
/* Where a redirect leads. */
int url_resolve(struct url *u, const struct url *from, struct slice location, struct err *err);
/* The endpoint of a request: absolute as it is; else below base's path. A path `from_answer` that already holds base's
 * path is taken as it is. query (may be empty) is added. */
int url_endpoint(struct url *u, const struct url *base, struct slice endpoint, struct slice query, bool from_answer,
                 struct err *err);
void url_free(struct url *u);

uint16_t url_usual_port(const struct url *u);
bool url_same_origin(const struct url *a, const struct url *b); /* scheme, host, port */
bool url_same_place(const struct url *a, const struct url *b);  /* host and port */
char *url_path(const struct url *u); /* for curl_free; NULL: none */
/* Puts name=value (raw) in place of all parameters of that name; value.p NULL: only removes them. The text is wiped
 * after use. */
void url_set_param(struct url *u, const char *name, struct slice value);

#endif
