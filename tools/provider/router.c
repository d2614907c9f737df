/* router.c - who answers a request: the control surface, a scripted route, or a generated API; and the faults around
 * it. */
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
	else if (v->settings.gzip)
		gzip_reply(r, p);
	journal_end(v->journal, r, p);
}
