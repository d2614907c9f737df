/* reply.c - answers: kept on the call by whoever gives them, made into libmicrohttpd's form in the HTTP thread.
 *
 * Guarantee: each answer has a request id and the headers that keep a browser from taking it for something else; a route may say
 * another Cache-Control or Content-Security-Policy, nothing can leave them out. A header that is the connection's business
 * is not taken from a route (an upstream's Transfer-Encoding, say).
 * Awkward: libmicrohttpd makes some refusals itself, of requests that it cannot read at all: these are its short pages. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "base/mem.h"
#include "http/inner.h"

#define SQUEEZE_LEAST 1024

static const struct { const char *name, *value; } usual[] = {
	{"X-Content-Type-Options", "nosniff"},
	{"Cache-Control", "no-store"},
	{"Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"},
	{"Referrer-Policy", "no-referrer"},
};
static const char *const not_the_routes[] = {"Content-Length", "Transfer-Encoding", "Connection", "Keep-Alive", "Upgrade", "Trailer",
                                             "Date", "Content-Type"};

/* ---- kept ---- */

void
answer_finish(struct answer *a)
{
	struct http_line *next;

	for (struct http_line *line = a->lines; line; line = next) {
		next = line->next;
		free(line->name);
		free(line->value);
		free(line);
	}
	if (a->release)
		a->release(a->arg);
	buf_wipe(&a->body);
	free(a->type);
	*a = (struct answer){0};
}

void
answer_set(struct http_call *c, int status, const char *type, struct slice bytes)
{
	c->answer.status = status;
	free(c->answer.type);
	c->answer.type = type ? xstrdup(type) : NULL;
	buf_clear(&c->answer.body);
	buf_slice(&c->answer.body, bytes);
}

void
answer_line(struct http_call *c, const char *name, const char *value)
{
	struct http_line **at = &c->answer.lines, *line;

	for (size_t i = 0; i < LENGTH(not_the_routes); i++)
		if (strcasecmp(name, not_the_routes[i]) == 0)
			return;
	while (*at)
		at = &(*at)->next;
	line = XNEW(struct http_line);
	*line = (struct http_line){.name = xstrdup(name), .value = xstrdup(value)};
	*at = line;
}

static bool
line_given(const struct http_call *c, const char *name)
{
	for (const struct http_line *line = c->answer.lines; line; line = line->next)
		if (strcasecmp(line->name, name) == 0)
			return true;
	return false;
}

void
answer_fail_json(struct http_call *c, int status, struct slice error)
{
	struct buf text = {0};
	struct json_out o = json_out(&text);

	json_open(&o, '{');
	json_kv_raw(&o, "error", error);
	json_close(&o, '}');
	answer_set(c, status, "application/json", buf_view(&text));
	if (status == 401)
		answer_line(c, "WWW-Authenticate", "Bearer");
	if ((status == 503 || status == 429) && !line_given(c, "Retry-After"))
		answer_line(c, "Retry-After", "1");
	buf_free(&text);
}

static void
answer_fail_text(struct http_call *c, int status, const char *code, const char *message)
{
	struct buf error = {0};
	struct json_out o = json_out(&error);

	json_open(&o, '{');
	json_kv_str(&o, "code", code);
	json_kv_str(&o, "message", message);
	json_close(&o, '}');
	answer_fail_json(c, status, buf_view(&error));
	buf_free(&error);
}

void
answer_fail(struct http_call *c, int status, const char *code, const char *fmt, ...)
{
	char text[1200];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	answer_fail_text(c, status, code, text);
}

/* ---- in libmicrohttpd's form ---- */

static struct MHD_Response *
response_of_body(struct http_call *c)
{
	struct answer *a = &c->answer;
	struct buf small = {0};

	if (a->body.len > SQUEEZE_LEAST && !line_given(c, "Content-Encoding") && squeeze_wanted(http_header(c, "Accept-Encoding"), a->type)) {
		c->gzip = squeeze_all(&a->body, &small);
		if (c->gzip) {
			buf_wipe(&a->body);
			a->body = small;
		} else {
			buf_free(&small);
		}
	}
	if (a->body.len > PIECE_SIZE)
		return MHD_create_response_from_callback(a->body.len, PIECE_SIZE, body_read, c, NULL);
	return MHD_create_response_from_buffer(a->body.len, a->body.p, MHD_RESPMEM_PERSISTENT);
}

static struct MHD_Response *
response_make(struct http_call *c)
{
	if (c->stream.on)
		return MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, PIECE_SIZE, stream_read, c, NULL);
	if (!c->answer.pull)
		return response_of_body(c);
	c->gzip = !line_given(c, "Content-Encoding") && squeeze_wanted(http_header(c, "Accept-Encoding"), c->answer.type);
	if (c->gzip)
		c->squeeze = squeeze_new();
	return MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, PIECE_SIZE, pull_read, c, NULL);
}

static void
response_origin(const struct http_call *c, struct MHD_Response *r)
{
	const char *origin = http_header(c, "Origin");
	bool known = origin_known(c->http, origin);

	MHD_add_response_header(r, "Cross-Origin-Resource-Policy", known ? "cross-origin" : "same-origin");
	if (c->http->origins && c->http->origins[0])
		MHD_add_response_header(r, "Vary", "Origin");
	if (!known)
		return;
	MHD_add_response_header(r, "Access-Control-Allow-Origin", origin);
	MHD_add_response_header(r, "Access-Control-Expose-Headers", "X-Request-Id, Location, Retry-After");
}

static void
response_headers(const struct http_call *c, struct MHD_Response *r)
{
	const struct answer *a = &c->answer;

	if (!line_given(c, "X-Request-Id")) /* what is passed on may have its origin's */
		MHD_add_response_header(r, "X-Request-Id", c->id);
	for (size_t i = 0; i < LENGTH(usual); i++)
		if (!line_given(c, usual[i].name))
			MHD_add_response_header(r, usual[i].name, usual[i].value);
	for (const struct http_line *line = a->lines; line; line = line->next)
		MHD_add_response_header(r, line->name, line->value); /* one with a line end inside is refused there */
	if (a->type)
		MHD_add_response_header(r, "Content-Type", a->type);
	if (c->gzip)
		MHD_add_response_header(r, "Content-Encoding", "gzip");
	if (squeeze_wanted("gzip", a->type))
		MHD_add_response_header(r, "Vary", "Accept-Encoding");
	if (a->close || (sockets_crowded(c->http) && c->socket && !c->socket->known))
		MHD_add_response_header(r, "Connection", "close");
	response_origin(c, r);
}

enum MHD_Result
answer_queue(struct http_call *c)
{
	struct MHD_Response *r;
	enum MHD_Result rc;

	if (c->socket)
		socket_send(c->socket);
	c->state = CALL_SENDING;
	r = response_make(c);
	if (!r)
		return MHD_NO;
	/* libmicrohttpd ends the chunks of a body that HEAD does not have: the next answer would begin with that end */
	if (strcmp(c->method, "HEAD") == 0 && (c->stream.on || c->answer.pull))
		MHD_set_response_options(r, MHD_RF_HTTP_1_0_COMPATIBLE_STRICT, MHD_RO_END);
	response_headers(c, r);
	rc = MHD_queue_response(c->connection, (unsigned)c->answer.status, r);
	MHD_destroy_response(r);
	return rc;
}

/* ---- given by a route's code ---- */

void
http_answer_header(struct http_call *c, const char *name, const char *value)
{
	answer_line(c, name, value);
}

static void
call_answers(struct http_call *c)
{
	struct http *h = c->http;

	pthread_mutex_lock(&h->lock);
	call_answered(c);
	pthread_mutex_unlock(&h->lock);
}

void
http_reply_bytes(struct http_call *c, int status, const char *type, struct slice bytes)
{
	answer_set(c, status, type, bytes);
	call_answers(c);
}

void
http_reply(struct http_call *c, int status, struct slice json)
{
	http_reply_bytes(c, status, json.len ? "application/json" : NULL, json);
}

void
http_fail(struct http_call *c, int status, const char *code, const char *fmt, ...)
{
	char text[1200];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	answer_fail_text(c, status, code, text);
	call_answers(c);
}

void
http_fail_json(struct http_call *c, int status, struct slice error)
{
	answer_fail_json(c, status, error);
	call_answers(c);
}

static const struct { int status; const char *code; } classes[ERR_CLASSES] = {
	[ERR_NONE] = {500, "server_error"},
	[ERR_USAGE] = {400, "invalid_body"},
	[ERR_CREDENTIALS] = {424, "invalid_credentials"},
	[ERR_BUSY] = {409, "busy"},
	[ERR_RATE] = {429, "rate_limited"},
	[ERR_PROVIDER] = {502, "provider_error"},
	[ERR_DATA] = {400, "invalid_data"},
	[ERR_CONNECTOR] = {500, "script_error"},
	[ERR_HOST] = {503, "unavailable"},
	[ERR_STOPPED] = {503, "stopped"},
};

void
http_fail_err(struct http_call *c, const struct err *err)
{
	enum err_class cls = (unsigned)err->cls < ERR_CLASSES ? err->cls : ERR_NONE;

	http_fail(c, classes[cls].status, classes[cls].code, "%s", err->text);
}

void
http_read(struct http_call *c, void (*fn)(struct http_call *c, void *arg), void *arg, void (*release)(void *arg))
{
	struct http *h = c->http;

	pthread_mutex_lock(&h->lock);
	c->read = fn;
	c->read_arg = arg;
	c->read_release = release;
	call_waits(c, false);
	watch_drop(c);
	c->owed = false;
	c->state = CALL_READING;
	MHD_resume_connection(c->connection);
	pthread_mutex_unlock(&h->lock);
}

void
http_pull(struct http_call *c, int status, const char *type, bool (*pull)(void *arg, struct buf *out), void *arg,
          void (*release)(void *arg))
{
	answer_set(c, status, type, (struct slice){0});
	c->answer.pull = pull;
	c->answer.arg = arg;
	c->answer.release = release;
	call_answers(c);
}
