/* http.c - requests go out as MSG_REQUEST; answers come back as MSG_ANSWER and MSG_BODY, in any order among requests.
 *
 * Guarantee: a body handed to the plugin is whole and has a NUL behind it. What a request was answered is decided by
 * the host (retries, limits, credentials); here it only becomes a status or a failure.
 * Awkward: answers stay with the plugin until its function returns; so that a long loop does not fill the memory, the
 * oldest are freed once 64 MiB of later ones were given. */
#include "worker/http.h"

#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "worker/query.h"
#include "worker/step.h"

#define GIVEN_MAX ((size_t)64 << 20) /* bytes of answers that the plugin may go on reading */

static const char *const methods[METHODS] = {
	[METHOD_GET] = "GET",     [METHOD_POST] = "POST",     [METHOD_PUT] = "PUT",
	[METHOD_PATCH] = "PATCH", [METHOD_DELETE] = "DELETE", [METHOD_HEAD] = "HEAD",
};

/* What the failure of a request is to the plugin. */
static const int class_status[ERR_CLASSES] = {
	[ERR_NONE] = SLUICE_ENETWORK,      [ERR_USAGE] = SLUICE_ENETWORK,      [ERR_CREDENTIALS] = SLUICE_ECREDENTIALS,
	[ERR_BUSY] = SLUICE_ENETWORK,      [ERR_RATE] = SLUICE_ERATE,          [ERR_PROVIDER] = SLUICE_ENETWORK,
	[ERR_DATA] = SLUICE_EDATA,         [ERR_CONNECTOR] = SLUICE_EARGUMENT, [ERR_HOST] = SLUICE_ENETWORK,
	[ERR_STOPPED] = SLUICE_ECANCELLED,
};

static int
method_find(const char *name)
{
	for (size_t i = 0; i < METHODS; i++)
		if (!strcmp(methods[i], name))
			return (int)i;
	return -1;
}

const char *
http_method(const char *method, bool body)
{
	int m = method ? method_find(method) : body ? METHOD_POST : METHOD_GET;

	return m < 0 ? NULL : methods[m];
}

bool
http_accepted(int status, const int *accept)
{
	if (status >= 200 && status <= 299)
		return true;
	for (; accept && *accept; accept++)
		if (*accept == status)
			return true;
	return false;
}

const char *
glimpse(struct slice text, char *out, size_t cap)
{
	size_t n = 0;

	text = json_trim(text);
	for (size_t i = 0; i < text.len && n + sizeof("...") < cap; i++)
		out[n++] = text.p[i] >= 0x20 && text.p[i] < 0x7f ? text.p[i] : '?';
	strcpy(out + n, text.len > n ? "..." : "");
	return out;
}

/* ---- sending ---- */

static void
put_statuses(struct buf *out, const int *list)
{
	struct buf b = {0};

	for (; list && *list; list++)
		buf_u16(&b, (uint16_t)*list);
	buf_bytes(out, buf_view(&b));
	buf_free(&b);
}

static uint8_t
retries_field(int retries)
{
	if (retries < 0)
		return 1;
	return retries > 253 ? 254 : retries ? (uint8_t)(retries + 1) : 0;
}

static void
request_pack(struct step *s, const struct http_request *r, struct slice endpoint, struct slice query,
             struct slice headers, uint32_t serial)
{
	struct buf *b = &s->out;
	size_t at = frame_begin(b, MSG_REQUEST, 0, serial);

	buf_u8(b, (uint8_t)method_find(http_method(r->method, r->body.len > 0)));
	buf_u8(b, (uint8_t)((r->streamed ? REQUEST_STREAM : 0) | (r->safe ? REQUEST_SAFE : 0) |
	                    (r->page ? REQUEST_PAGE : 0) | (r->conditional ? REQUEST_CONDITIONAL : 0)));
	buf_u8(b, retries_field(r->retries));
	buf_u32(b, r->timeout_ms > 0 ? (uint32_t)r->timeout_ms : 0);
	buf_bytes(b, endpoint);
	buf_bytes(b, query);
	buf_bytes(b, headers);
	put_statuses(b, r->accept);
	put_statuses(b, r->retry_on);
	buf_bytes(b, r->body);
	buf_u8(b, r->link);
	buf_u16(b, 0);
	frame_end(b, at);
}

/* Endpoint, query and headers as they travel. -1: sticky failure. */
static int
request_texts(struct step *s, const struct http_request *r, struct slice *endpoint, struct buf *query,
              struct buf *headers)
{
	struct err err;

	if (!http_method(r->method, r->body.len > 0))
		return step_fail(s, SLUICE_EARGUMENT,
		                 "the method '%.40s' is none of GET, POST, PUT, PATCH, DELETE, HEAD", r->method);
	if (!r->endpoint.p || !r->endpoint.len)
		return step_fail(s, SLUICE_EARGUMENT, "a request has no endpoint");
	*endpoint = r->endpoint;
	endpoint_split(endpoint, query);
	if (query->len && r->query.len)
		buf_putc(query, '&');
	buf_slice(query, r->query);
	if (header_pairs(headers, &s->w->plugin, r->headers, &err))
		return step_fail(s, SLUICE_EARGUMENT, "%.100s: %s", r->endpoint.p, err.text);
	if (r->body.len + endpoint->len + query->len + headers->len > FRAME_MAX - 4096)
		return step_fail(s, SLUICE_ELIMIT, "a request to %.*s is larger than 1 MiB",
		                 (int)(endpoint->len > 100 ? 100 : endpoint->len), endpoint->p);
	return 0;
}

static const char *
request_name(struct step *s, const struct http_request *r, struct slice endpoint)
{
	struct buf b = {0};
	const char *name;

	buf_printf(&b, "%s %.*s", http_method(r->method, r->body.len > 0),
	           (int)(endpoint.len > 200 ? 200 : endpoint.len), endpoint.p);
	name = arena_dup(&s->arena, buf_view(&b));
	buf_free(&b);
	return name;
}

struct exchange *
http_send(struct step *s, const struct http_request *r)
{
	struct buf query = {0}, headers = {0};
	struct slice endpoint;
	struct exchange *x = NULL;

	if (request_texts(s, r, &endpoint, &query, &headers))
		goto out;
	x = XNEW(struct exchange);
	x->serial = channel_serial(s->w->ch);
	x->streamed = r->streamed;
	x->what = request_name(s, r, endpoint);
	x->next = s->http.open;
	s->http.open = x;
	request_pack(s, r, endpoint, buf_view(&query), buf_view(&headers), x->serial);
	step_send(s);
	s->requests++;
out:
	buf_free(&query);
	buf_free(&headers);
	return x;
}

/* ---- receiving ---- */

static struct exchange *
exchange_find(struct step *s, uint32_t serial)
{
	struct exchange *x = s->http.open;

	while (x && x->serial != serial)
		x = x->next;
	return x;
}

static void
answer_take(struct exchange *x, struct reader *r, uint64_t max_answer)
{
	uint64_t length;

	x->status = reader_u16(r);
	x->cls = reader_u8(r);
	free(x->error);
	x->error = slice_dup(reader_bytes(r, FRAME_MAX));
	buf_clear(&x->headers);
	buf_slice(&x->headers, reader_bytes(r, FRAME_MAX));
	buf_str(&x->headers);
	length = reader_u64(r);
	x->head = true;
	if (!x->status) {
		x->done = true;
		if (x->cls >= ERR_CLASSES)
			x->cls = ERR_NONE;
	} else if (!x->streamed && length <= max_answer) {
		buf_reserve(&x->body, length + 1);
	}
}

static void
body_take(struct exchange *x, struct slice piece, bool last)
{
	if (x->streamed && x->taken) {
		memmove(x->body.p, x->body.p + x->taken, x->body.len - x->taken);
		x->body.len -= x->taken;
		x->taken = 0;
	}
	buf_slice(&x->body, piece);
	if (last) {
		buf_str(&x->body);
		x->done = true;
	}
}

/* Frames of a request that was closed meanwhile may still come, and are dropped. */
bool
http_frame(struct step *s, const struct frame *f)
{
	struct reader r = reader_of(f->body);
	struct exchange *x;

	if (f->type != MSG_ANSWER && f->type != MSG_BODY)
		return false;
	x = exchange_find(s, reader_u32(&r));
	if (!x || x->done)
		return true;
	if (f->type == MSG_ANSWER)
		answer_take(x, &r, s->w->max_answer);
	else if (x->body.len - x->taken + f->body.len > s->w->max_answer + FRAME_MAX)
		worker_end(EXIT_PROTOCOL, "the host sent a body over its own limit of %llu bytes",
		           (unsigned long long)s->w->max_answer);
	else
		body_take(x, reader_rest(&r), f->flags & FRAME_LAST);
	return true;
}

bool
http_pending(const struct step *s)
{
	for (const struct exchange *x = s->http.open; x; x = x->next)
		if (!x->done)
			return true;
	return false;
}

int
http_wait(struct step *s, struct exchange *x)
{
	while (!s->status && !x->done && !(x->streamed && x->head))
		step_wait(s);
	return s->status;
}

int
http_failure(struct step *s, const struct exchange *x)
{
	return step_fail(s, class_status[x->cls], "%s: %s", x->what, x->error && *x->error ? x->error : "no answer");
}

int
http_refused(struct step *s, const struct exchange *x)
{
	char text[GLIMPSE_REASON];
	int code = x->status == 401 ? SLUICE_ECREDENTIALS : SLUICE_EHTTP;

	glimpse(buf_view(&x->body), text, sizeof(text));
	return step_fail(s, code, "%s answered status %d%s%s", x->what, x->status, *text ? ": " : "", text);
}

static void
exchange_unlink(struct exchange **list, struct exchange *x)
{
	while (*list && *list != x)
		list = &(*list)->next;
	if (*list)
		*list = x->next;
}

void
exchange_free(struct exchange *x)
{
	if (!x)
		return;
	free(x->error);
	buf_free(&x->headers);
	buf_free(&x->body);
	free(x);
}

void
http_detach(struct step *s, struct exchange *x)
{
	exchange_unlink(&s->http.open, x);
}

void
http_free(struct step *s, struct exchange *x)
{
	size_t at;

	if (!x)
		return;
	exchange_unlink(&s->http.open, x);
	if (!x->done) {
		at = frame_begin(&s->out, MSG_CLOSE, 0, channel_serial(s->w->ch));
		buf_u32(&s->out, x->serial);
		frame_end(&s->out, at);
		step_send(s);
	}
	exchange_free(x);
}

void
http_finish(struct step *s)
{
	struct exchange *x;

	while (s->http.open)
		http_free(s, s->http.open);
	while ((x = s->http.given)) {
		s->http.given = x->next;
		exchange_free(x);
	}
	s->http.stream = NULL;
}

/* The plugin holds this answer now; the oldest ones make room for it. */
void
http_give(struct step *s, struct exchange *x)
{
	struct exchange **last = &s->http.given;

	exchange_unlink(&s->http.open, x);
	x->next = s->http.given;
	s->http.given = x;
	s->http.given_bytes += x->body.len + x->headers.len;
	while (s->http.given_bytes > GIVEN_MAX + x->body.len && s->http.given->next) {
		for (last = &s->http.given; (*last)->next; last = &(*last)->next)
			;
		s->http.given_bytes -= (*last)->body.len + (*last)->headers.len;
		exchange_free(*last);
		*last = NULL;
	}
}
