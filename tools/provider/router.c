/* router.c - who answers a request: the control surface, a scripted route, or a generated API; and the faults around
 * it. */
#include <stdio.h>
#include <string.h>
#include "base/mem.h"
#include "gzip.h"
#include "provider.h"

static const struct route {
	const char *prefix;
	handler *handle;
} routes[] = {
        {"/plain/", plain_handle},
        {"/stripe/", stripe_handle},
        {"/close/", close_handle},
        {"/slack/", slack_handle},
        {"/oauth/", oauth_handle},
};

static struct slice
slice_after(struct slice s, size_t n)
{
	return slice_of(s.p + n, s.len - n);
}

static void
route_find(struct provider *v, const struct request *r, struct reply *p)
{
	if (script_answer(v->script, r, p))
		return;
	for (size_t i = 0; i < LENGTH(routes); i++)
		if (slice_starts(r->path, routes[i].prefix)) {
			routes[i].handle(v, r, slice_after(r->path, strlen(routes[i].prefix)), p);
			return;
		}
	reply_error(p, 404, "nothing is served at %.*s", (int)r->path.len, r->path.p);
}

/* RFC 9110, sections 8.8.3 and 13.1.2; If-None-Match with one tag only. */
static void
etag_reply(const struct request *r, struct reply *p, bool weak)
{
	uint64_t hash = UINT64_C(14695981039346656037);
	struct slice wanted;
	char tag[32];

	if (p->status != 200 || !slice_is(r->method, "GET"))
		return;
	for (size_t i = 0; i < p->body.len; i++)
		hash = (hash ^ (unsigned char)p->body.p[i]) * UINT64_C(1099511628211);
	snprintf(tag, sizeof(tag), "%s\"%016llx\"", weak ? "W/" : "", (unsigned long long)hash);
	reply_header(p, "ETag", "%s", tag);
	if (!request_header(r, "if-none-match", &wanted) || !slice_is(wanted, tag))
		return;
	p->status = 304;
	buf_clear(&p->body);
}

void
router_handle(void *arg, struct request *r, struct reply *p)
{
	struct provider *v = arg;

	if (slice_starts(r->path, "/_control/")) {
		control_handle(v, r, slice_after(r->path, 10), p);
		return;
	}
	journal_begin(v->journal, r);
	const struct fault *fault = faults_pick(v->faults, r);
	route_find(v, r, p);
	if (!fault && p->last_page)
		fault = faults_pick_last(v->faults, r);
	if (fault)
		fault_apply(fault, r, p);
	if (!fault && v->settings.etag)
		etag_reply(r, p, v->settings.etag == 2);
	if (!fault && v->settings.gzip)
		gzip_reply(r, p);
	journal_end(v->journal, r, p);
}
