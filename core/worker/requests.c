/* requests.c - the plugin's own requests: whole answers, and bodies in pieces.
 *
 * Guarantee: a response's texts are never NULL, whatever failed. A status that is neither a success nor accepted is a
 * result for the lenient call, and then the run is incomplete: nobody can say what that answer did not show.
 * Awkward: a body that is read in pieces can fail after its head was good; then the read fails, never ends early. */
#include <string.h>
#include "worker/query.h"
#include "worker/step.h"

static void
response_fill(struct step *s, const struct exchange *x, struct sluice_response *response)
{
	struct sluice_response full = {.body = "", .headers = ""};

	if (!response)
		return;
	if (x) {
		full.status = x->status;
		full.headers = x->headers.p ? x->headers.p : "";
		full.body = x->body.p && !x->streamed ? x->body.p : "";
		full.len = x->streamed ? 0 : x->body.len;
	}
	plugin_response_out(&s->w->plugin, &full, response);
}

static struct exchange *
plugin_send(struct step *s, const struct sluice_request *request, bool streamed)
{
	struct sluice_request r;
	struct buf query = {0};
	struct http_request h = {0};
	struct exchange *x;

	plugin_request(&s->w->plugin, request, &r);
	query_pairs(&query, &s->w->plugin, r.query, NULL);
	h.method = r.method;
	h.endpoint = slice_str(r.endpoint);
	h.query = buf_view(&query);
	h.headers = r.headers;
	h.body = r.body ? slice_of(r.body, r.body_len ? r.body_len : strlen(r.body)) : (struct slice){0};
	h.accept = r.accept;
	h.retry_on = r.retry_on;
	h.retries = r.retries;
	h.timeout_ms = r.timeout_ms;
	h.safe = r.flags & SLUICE_SAFE;
	h.streamed = streamed;
	h.conditional = streamed && (r.flags & SLUICE_UNCHANGED_SKIPS) && !s->keeps;
	x = http_send(s, &h);
	buf_free(&query);
	return x;
}

/* What its status means for the run: 0, or the sticky failure. */
static int
answer_judge(struct step *s, const struct exchange *x, const struct sluice_request *request, bool strict)
{
	struct sluice_request r;

	if (!x->status)
		return http_failure(s, x);
	plugin_request(&s->w->plugin, request, &r);
	if (http_accepted(x->status, r.accept))
		return 0;
	if (strict)
		return http_refused(s, x);
	s->incomplete = true;
	return 0;
}

int
run_proxy(struct sluice_run *run, const struct sluice_request *request, struct sluice_response *response, int strict)
{
	struct step *s = step_of(run);
	struct exchange *x;

	response_fill(s, NULL, response);
	if (step_status(s))
		return step_status(s);
	if (!request || !response)
		return step_fail(s, SLUICE_EARGUMENT, "sluice_proxy: the %s is NULL", request ? "response" : "request");
	x = plugin_send(s, request, false);
	if (!x || http_wait(s, x))
		return s->status;
	response_fill(s, x, response);
	http_give(s, x);
	return answer_judge(s, x, request, strict);
}

int
run_open(struct sluice_run *run, const struct sluice_request *request, struct sluice_response *response)
{
	struct step *s = step_of(run);
	struct exchange *x;

	response_fill(s, NULL, response);
	if (step_status(s))
		return step_status(s);
	if (!request || !response)
		return step_fail(s, SLUICE_EARGUMENT, "sluice_open: the %s is NULL", request ? "response" : "request");
	if (s->http.stream)
		return step_fail(s, SLUICE_EARGUMENT, "sluice_open: %s is still open; sluice_close it first",
		                 s->http.stream->what);
	x = plugin_send(s, request, true);
	if (!x || http_wait(s, x))
		return s->status;
	s->http.stream = x;
	response_fill(s, x, response);
	/* The head is the plugin's beyond sluice_close. */
	if (x->headers.p) {
		struct sluice_response kept = {
		        .status = x->status, .body = "", .headers = arena_dup(&s->arena, buf_view(&x->headers))};
		plugin_response_out(&s->w->plugin, &kept, response);
	}
	return answer_judge(s, x, request, false);
}

static void
read_send(struct step *s, const struct exchange *x, size_t max)
{
	size_t at = frame_begin(&s->out, MSG_READ, 0, channel_serial(s->w->ch));

	buf_u32(&s->out, x->serial);
	buf_u32(&s->out, max > FRAME_MAX - 64 ? FRAME_MAX - 64 : (uint32_t)max);
	frame_end(&s->out, at);
	step_send(s);
}

long
run_read(struct sluice_run *run, void *to, size_t max)
{
	struct step *s = step_of(run);
	struct exchange *x = s->http.stream;
	size_t n;

	if (step_status(s))
		return step_status(s);
	if (!x || !to || !max)
		return step_fail(s, SLUICE_EARGUMENT, "sluice_read: %s",
		                 x ? "there is no room to read into" : "nothing is open");
	if (x->taken == x->body.len && !x->done) {
		read_send(s, x, max);
		while (!s->status && x->taken == x->body.len && !x->done)
			step_wait(s);
	}
	if (s->status)
		return s->status;
	if (!x->status)
		return http_failure(s, x);
	n = x->body.len - x->taken < max ? x->body.len - x->taken : max;
	if (n)
		memcpy(to, x->body.p + x->taken, n);
	x->taken += n;
	return (long)n;
}

int
run_close(struct sluice_run *run)
{
	struct step *s = step_of(run);
	struct exchange *x = s->http.stream;

	s->http.stream = NULL;
	http_free(s, x);
	return step_status(s);
}
