/* origins.c - pages of other sites (CORS): none may read an answer but those that [host] http_origins names.
 *
 * The Host header is not judged: a reverse proxy sends its own, and a page that had its name pointed at us (DNS rebinding)
 * gains nothing, for there are no cookies and no addresses that are trusted: whatever tells something of the data needs a key,
 * and a key that a person has typed into our page belongs to our page's origin. */
#include <string.h>
#include <strings.h>
#include "http/inner.h"

#define KEEP_S "600"

bool
origin_known(const struct http *h, const char *origin)
{
	for (char **at = h->origins; origin && at && *at; at++)
		if (strcasecmp(*at, origin) == 0)
			return true;
	return false;
}

static bool
names_valid(const char *text)
{
	return strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-, ") == strlen(text);
}

bool
origin_preflight(struct http_call *c)
{
	const char *origin = http_header(c, "Origin"), *method = http_header(c, "Access-Control-Request-Method");
	const char *names = http_header(c, "Access-Control-Request-Headers");

	if (!origin || !method || !origin_known(c->http, origin))
		return false;
	answer_set(c, 204, NULL, (struct slice){0});
	answer_line(c, "Access-Control-Allow-Methods", "GET, HEAD, POST, PUT, PATCH, DELETE");
	if (names && names_valid(names))
		answer_line(c, "Access-Control-Allow-Headers", names);
	answer_line(c, "Access-Control-Max-Age", KEEP_S);
	return true;
}
