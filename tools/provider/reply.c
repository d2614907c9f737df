/* reply.c - building answers and turning them into bytes. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "base/mem.h"
#include "reply.h"

static const struct {
	int status;
	const char *text;
} status_texts[] = {
        {200, "OK"},
        {201, "Created"},
        {204, "No Content"},
        {206, "Partial Content"},
        {301, "Moved Permanently"},
        {302, "Found"},
        {303, "See Other"},
        {304, "Not Modified"},
        {307, "Temporary Redirect"},
        {308, "Permanent Redirect"},
        {400, "Bad Request"},
        {401, "Unauthorized"},
        {402, "Payment Required"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {408, "Request Timeout"},
        {409, "Conflict"},
        {410, "Gone"},
        {413, "Content Too Large"},
        {422, "Unprocessable Content"},
        {429, "Too Many Requests"},
        {500, "Internal Server Error"},
        {501, "Not Implemented"},
        {502, "Bad Gateway"},
        {503, "Service Unavailable"},
        {504, "Gateway Timeout"},
};

const char *
status_text(int status)
{
	for (size_t i = 0; i < LENGTH(status_texts); i++)
		if (status_texts[i].status == status)
			return status_texts[i].text;
	return "Scripted";
}

void
reply_reset(struct reply *p)
{
	struct buf head = p->head, body = p->body;

	if (body.cap > (4u << 20)) /* one huge record shall not be remembered for ever */
		buf_free(&body);
	buf_clear(&head);
	buf_clear(&body);
	*p = (struct reply){.head = head, .body = body};
}

void
reply_free(struct reply *p)
{
	buf_free(&p->head);
	buf_free(&p->body);
}

void
reply_header(struct reply *p, const char *name, const char *fmt, ...)
{
	char value[4096];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(value, sizeof(value), fmt, ap);
	va_end(ap);
	buf_puts(&p->head, name);
	buf_puts(&p->head, ": ");
	buf_puts(&p->head, value);
	buf_puts(&p->head, "\r\n");
}

struct json_out
reply_json(struct reply *p, int status)
{
	p->status = status;
	p->page = false;
	buf_clear(&p->body);
	return json_out(&p->body);
}

void
reply_error(struct reply *p, int status, const char *fmt, ...)
{
	char text[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	struct json_out o = reply_json(p, status);
	json_open(&o, '{');
	json_kv_str(&o, "error", text);
	json_close(&o, '}');
}

void
reply_items_begin(struct reply *p)
{
	p->page = true;
	p->items_at = p->body.len;
	buf_putc(&p->body, '[');
}

void
reply_items_end(struct reply *p, bool last_page)
{
	buf_putc(&p->body, ']');
	p->items_end = p->body.len;
	p->last_page = last_page;
}

/* The body in chunks of 8 KiB; a body that is to be cut or repeated gets no last chunk. */
static void
body_chunk(struct reply *p)
{
	enum { CHUNK = 8192 };
	struct buf out = {0};

	for (size_t at = 0; at < p->body.len; at += CHUNK) {
		size_t n = p->body.len - at < CHUNK ? p->body.len - at : CHUNK;
		buf_printf(&out, "%zx\r\n", n);
		buf_put(&out, p->body.p + at, n);
		buf_puts(&out, "\r\n");
	}
	if (!p->plan.cut && !p->plan.repeat)
		buf_puts(&out, "0\r\n\r\n");
	buf_free(&p->body);
	p->body = out;
}

void
reply_serialize(struct reply *p, struct buf *head, bool keep_alive)
{
	const struct plan *plan = &p->plan;
	const bool typed = p->head.len && strcasestr(buf_str(&p->head), "Content-Type:"); /* a script says it */

	buf_clear(head);
	if (plan->framing == FRAMING_RAW)
		return;
	for (uint32_t i = 0; i < plan->hints; i++)
		buf_puts(head, "HTTP/1.1 103 Early Hints\r\n\r\n");
	buf_printf(head, "HTTP/1.1 %d %s\r\n", p->status, status_text(p->status));
	if (p->status != 204 && p->status != 304 && !typed)
		buf_printf(head, "Content-Type: %s\r\n", p->type ? p->type : "application/json");
	buf_slice(head, buf_view(&p->head));
	if (!keep_alive || plan->framing == FRAMING_CLOSE)
		buf_puts(head, "Connection: close\r\n");
	if (plan->framing == FRAMING_CHUNKED) {
		buf_puts(head, "Transfer-Encoding: chunked\r\n");
		body_chunk(p);
	} else if (plan->framing == FRAMING_LENGTH && p->status != 204 && p->status != 304) {
		uint64_t length = plan->length_lie ? plan->length_told : p->body.len * (plan->repeat + 1);
		buf_printf(head, "Content-Length: %llu\r\n", (unsigned long long)length);
	}
	buf_puts(head, "\r\n");
}
