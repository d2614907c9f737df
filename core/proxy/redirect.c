/* redirect.c - where an answer sends us, if it may.
 *
 *   status          GET, HEAD    PUT, DELETE, OPTIONS, safe POST and PATCH    other POST and PATCH
 *   301, 302        followed     the answer stands                             the answer stands
 *   303             followed     as GET, without the body                      as GET, without the body
 *   307, 308        followed     followed as it is                             the answer stands
 *
 * Guarantee: each hop is checked like a first request, as something that came out of an answer; credentials are
 * decided anew.
 * Awkward: libcurl's own following sends custom headers such as X-Api-Key to the other host, which is why it is never
 * on. */
#include "proxy/redirect.h"

#include <string.h>
#include <strings.h>
#include "base/mem.h"
#include "proxy/retry.h"

#define REDIRECTS_MAX 5

enum { READ = 1, REPEAT = 2, OTHER = 4 }; /* kinds of methods */

struct rule {
	int status, followed; /* methods that are followed */
	bool as_get;
};

static const struct rule rules[] = {
        {301, READ, false},          {302, READ, false},          {303, READ | REPEAT | OTHER, true},
        {307, READ | REPEAT, false}, {308, READ | REPEAT, false},
};

static const struct rule *
rule_for(const struct proxy_call *c)
{
	bool reads = !strcmp(c->method, "GET") || !strcmp(c->method, "HEAD");
	int kind = reads ? READ : retry_method(c->method, c->safe) ? REPEAT : OTHER;

	for (size_t i = 0; i < LENGTH(rules); i++)
		if (rules[i].status == c->exchange.head.status)
			return rules[i].followed & kind ? &rules[i] : NULL;
	return NULL;
}

static struct slice
location(const struct proxy_call *c)
{
	return headers_find(buf_view(&c->exchange.head.lines), "location");
}

bool
redirect_asked(const struct proxy_call *c)
{
	return rule_for(c) && location(c).len;
}

int
redirect_follow(struct proxy_call *c, struct err *err)
{
	const struct rule *rule = rule_for(c);
	struct url next;

	if (c->redirects++ == REDIRECTS_MAX)
		return err_set(err, ERR_PROVIDER, "more than %d redirects", REDIRECTS_MAX);
	if (url_resolve(&next, &c->url, location(c), err))
		return err_prefix(err, "redirected");
	if (c->url.tls && !next.tls) {
		err_set(err, ERR_USAGE, "redirected from https to %.400s; that is never followed", next.shown);
		url_free(&next);
		return -1;
	}
	if (target_access(c->target, &next, true, &c->access, err)) {
		url_free(&next);
		return err_prefix(err, "redirected");
	}
	url_free(&c->url);
	c->url = next;
	if (rule->as_get && strcmp(c->method, "HEAD")) {
		memcpy(c->method, "GET", 4);
		buf_clear(&c->body);
	}
	return 0;
}

bool
redirect_keeps_header(struct slice line)
{
	static const char *const kept[] = {"accept:", "accept-language:", "content-type:"};

	for (size_t i = 0; i < LENGTH(kept); i++)
		if (line.len > strlen(kept[i]) && !strncasecmp(line.p, kept[i], strlen(kept[i])))
			return true;
	return false;
}
