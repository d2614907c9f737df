/* misbehave.c - the kinds of faults: each a function that spoils a good reply, all in the table at the end.
 *
 * They change the plan of how bytes are sent, the bytes of the body, or replace the reply. Framing lies are exact: what
 * a client sees is what the rule says, to the byte. What would be endless is bounded, by a parameter with a default. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "base/mem.h"
#include "faults.h"
#include "gzip.h"
#include "script.h"

typedef const struct fault fault;

static void
reply_replace(struct reply *p, int status, const char *type, const char *body)
{
	buf_clear(&p->head);
	buf_clear(&p->body);
	buf_puts(&p->body, body);
	p->status = status;
	p->type = type;
	p->page = p->last_page = false;
}

/* ---- statuses ---- */

/* "retry_after": 2 (seconds), "date:2" (the moment 2 s from now), any other text as it is. */
static void
retry_after_put(fault *f, struct reply *p)
{
	char *text = fault_text(f, "retry_after"), date[64];
	time_t when;
	struct tm tm;

	if (text && strncmp(text, "date:", 5) == 0) {
		when = time(NULL) + strtol(text + 5, NULL, 10);
		strftime(date, sizeof(date), "%a, %d %b %Y %H:%M:%S GMT", gmtime_r(&when, &tm));
		reply_header(p, "Retry-After", "%s", date);
	} else if (text) {
		reply_header(p, "Retry-After", "%s", text);
	}
	free(text);
}

static void
do_status(fault *f, const struct request *r, struct reply *p)
{
	char *kind = fault_text(f, "do"), body[128];
	int status = (int)strtol(kind, NULL, 10);

	(void)r;
	free(kind);
	if (status < 100)
		status = (int)fault_number(f, "status", fault_kind_of(f)->number);
	snprintf(body, sizeof(body), "{\"error\":\"scripted fault\",\"status\":%d}", status);
	reply_replace(p, status, NULL, body);
	retry_after_put(f, p);
	script_reply(fault_rule(f), p);
	p->status = status;
}

static void
do_html(fault *f, const struct request *r, struct reply *p)
{
	(void)f;
	(void)r;
	reply_replace(
	        p, 200, "text/html; charset=utf-8",
	        "<!DOCTYPE html><html><head><title>Sign in</title></head><body><form action=\"/login\" method=\"post\">"
	        "<input name=\"user\"><input name=\"password\" type=\"password\"></form></body></html>\n");
}

/* The body as it was, under a type that does not fit it. */
static void
do_type(fault *f, const struct request *r, struct reply *p)
{
	char *type = fault_text(f, "type");

	(void)r;
	p->type = type && strcmp(type, "text/plain") == 0 ? "text/plain" : "text/html; charset=utf-8";
	free(type);
}

static void
do_redirect(fault *f, const struct request *r, struct reply *p)
{
	char *location = fault_text(f, "location");

	(void)r;
	reply_replace(p, (int)fault_number(f, "status", 302), NULL, "{}");
	reply_header(p, "Location", "%s", location ? location : "/");
	free(location);
}

/* ---- framing ---- */

/* "after": so many bytes; "percent": so much of the body; else half of it. */
static uint64_t
cut_place(fault *f, const struct reply *p)
{
	int64_t after = fault_number(f, "after", -1), percent = fault_number(f, "percent", 50);

	return after >= 0 ? (uint64_t)after : p->body.len * (uint64_t)percent / 100;
}

static void
do_cut(fault *f, const struct request *r, struct reply *p)
{
	(void)r;
	p->plan.framing = (enum framing)fault_kind_of(f)->number;
	p->plan.cut = true;
	p->plan.cut_after = cut_place(f, p);
	p->plan.reset = fault_flag(f, "reset");
}

static void
do_close_no_length(fault *f, const struct request *r, struct reply *p)
{
	(void)r;
	p->plan.framing = FRAMING_CLOSE;
	if (fault_number(f, "after", -1) >= 0 || fault_number(f, "percent", -1) >= 0)
		p->body.len = cut_place(f, p) < p->body.len ? cut_place(f, p) : p->body.len;
}

static void
do_chunked(fault *f, const struct request *r, struct reply *p)
{
	(void)f;
	(void)r;
	p->plan.framing = FRAMING_CHUNKED;
}

static void
do_truncate(fault *f, const struct request *r, struct reply *p)
{
	uint64_t at = cut_place(f, p);

	(void)r;
	p->body.len = at < p->body.len ? at : p->body.len;
}

static void
do_reset(fault *f, const struct request *r, struct reply *p)
{
	(void)r;
	p->plan.cut = p->plan.cut_head = true;
	p->plan.cut_after = (uint64_t)fault_number(f, "after", 0);
	p->plan.reset = fault_kind_of(f)->number != 0;
}

static void
do_length_lie(fault *f, const struct request *r, struct reply *p)
{
	(void)r;
	p->plan.length_lie = true;
	p->plan.length_told = (uint64_t)fault_number(f, "length", (int64_t)p->body.len / 2);
	p->plan.close = true;
}

static void
do_garbage(fault *f, const struct request *r, struct reply *p)
{
	char *text = fault_text(f, "bytes");

	(void)r;
	reply_replace(p, 200, NULL, text ? text : "SSH-2.0-OpenSSH_9.2\r\n");
	p->plan.framing = FRAMING_RAW;
	free(text);
}

/* ---- time ---- */

static void
do_drip(fault *f, const struct request *r, struct reply *p)
{
	(void)r;
	p->plan.drip_bytes = (uint32_t)fault_number(f, "bytes", 1);
	p->plan.drip_ms = fault_number(f, "interval_ms", 1000);
	p->plan.drip_head = fault_kind_of(f)->number != 0;
}

static void
do_delay(fault *f, const struct request *r, struct reply *p)
{
	(void)r;
	p->plan.delay_ms = fault_number(f, "ms", 1000);
}

static void
do_silence(fault *f, const struct request *r, struct reply *p)
{
	(void)f;
	(void)r;
	p->plan.silence = true;
}

/* ---- too much ---- */

static void
do_hints(fault *f, const struct request *r, struct reply *p)
{
	int64_t count = fault_number(f, "count", 100000);

	(void)r;
	p->plan.hints = (uint32_t)(count < 0 ? 0 : count > 10000000 ? 10000000 : count);
}

static void
do_header_bomb(fault *f, const struct request *r, struct reply *p)
{
	int64_t count = fault_number(f, "count", 1000), size = fault_number(f, "size", 1024);

	(void)r;
	for (int64_t i = 0; i < count && i < 1000000; i++) {
		buf_printf(&p->head, "X-Bomb-%lld: ", (long long)i);
		for (int64_t k = 0; k < size && k < (1 << 20); k++)
			buf_putc(&p->head, 'x');
		buf_puts(&p->head, "\r\n");
	}
}

/* The body over and over, "bytes" in all, in chunks or until the connection's end. */
static void
do_endless_body(fault *f, const struct request *r, struct reply *p)
{
	uint64_t bytes = (uint64_t)fault_number(f, "bytes", INT64_C(1) << 34);

	(void)r;
	while (p->body.len < 65536)
		buf_puts(&p->body, "                                                                ");
	p->plan.framing = fault_flag(f, "chunked") ? FRAMING_CHUNKED : FRAMING_CLOSE;
	p->plan.repeat = bytes / p->body.len + 1;
	p->plan.close = true;
}

/* ---- gzip ---- */

enum { GZIP_GOOD, GZIP_CUT, GZIP_GARBAGE, GZIP_TRAILING, GZIP_NESTED, GZIP_BOMB, GZIP_PLAIN };

static void
do_gzip(fault *f, const struct request *r, struct reply *p)
{
	int64_t how = fault_kind_of(f)->number, times = how == GZIP_NESTED ? fault_number(f, "layers", 4) : 1;
	uint64_t cut = (uint64_t)fault_number(f, "cut", 8);

	(void)r;
	if (how == GZIP_BOMB)
		gzip_bomb(&p->body, (uint64_t)fault_number(f, "bytes", INT64_C(1) << 30));
	else if (how != GZIP_PLAIN)
		for (int64_t i = 0; i < times && i < 16; i++)
			gzip_body(&p->body);
	if (how == GZIP_CUT)
		p->body.len -= cut < p->body.len ? cut : p->body.len;
	if (how == GZIP_GARBAGE)
		memcpy(p->body.p + p->body.len - 8, "garbage!", 8);
	if (how == GZIP_TRAILING)
		buf_puts(&p->body, "and something behind the end");
	reply_header(p, "Content-Encoding", "gzip");
}

/* ---- bad data ---- */

/* Bytes from..to-1 of the body, which lie in the list of its page, become others. */
static void
items_replace(struct reply *p, size_t from, size_t to, struct slice with)
{
	struct buf out = {0};

	buf_put(&out, p->body.p, from);
	buf_slice(&out, with);
	buf_put(&out, p->body.p + to, p->body.len - to);
	p->items_end = p->items_end - (to - from) + with.len;
	buf_free(&p->body);
	p->body = out;
}

/* Where item number `at` of the page begins; the end of the list when there are fewer. */
static size_t
item_place(const struct reply *p, int64_t at)
{
	struct slice list = slice_of(p->body.p + p->items_at, p->items_end - p->items_at);
	struct json_iter it = json_iter(list);

	while (json_next(&it))
		if (at-- == 0)
			return (size_t)(it.value.p - p->body.p);
	return p->items_end - 1;
}

static void
repeat_put(struct buf *b, const char *text, int64_t times)
{
	for (int64_t i = 0; i < times; i++)
		buf_puts(b, text);
}

/* What "spoil" puts as a first member into an item: `member`, then `repeated` n times, `middle`, `closing` n times. */
static const struct spoiler {
	const char *with;
	const char *member, *repeated, *middle, *closing;
	int64_t times;
} spoilers[] = {
        {"invalid-utf8", "\"spoiled\":\"\xc3\x28\xff\",", NULL, NULL, NULL, 0},
        {"nul", NULL, NULL, NULL, NULL, 0}, /* a raw NUL: no C string holds it */
        {"nul-escape", "\"spoiled\":\"a\\u0000b\",", NULL, NULL, NULL, 0},
        {"control",
         "\"spoiled\":\"a\x01"
         "b\",",
         NULL, NULL, NULL, 0},
        {"lone-surrogate", "\"spoiled\":\"\\ud800\",", NULL, NULL, NULL, 0},
        {"pair", "\"spoiled\":\"\\ud83d\\ude00\",", NULL, NULL, NULL, 0},
        {"duplicate-key", "\"spoiled\":1,\"spoiled\":2,", NULL, NULL, NULL, 0},
        {"big-integer", "\"spoiled\":18446744073709551615,", NULL, NULL, NULL, 0},
        {"long-decimal", "\"spoiled\":0.123456789012345678901234567890,", NULL, NULL, NULL, 0},
        {"huge", "\"spoiled\":\"", "0123456789abcdef0123456789abcdef", "\",", NULL, (40 << 20) / 32},
        {"deep", "\"spoiled\":", "[", "", "]", 10000},
};

bool
fault_spoiler_known(const char *with)
{
	for (size_t i = 0; i < LENGTH(spoilers); i++)
		if (!strcmp(spoilers[i].with, with))
			return true;
	return false;
}

static void
spoil_build(fault *f, const struct spoiler *s, struct buf *out)
{
	int64_t bytes = fault_number(f, "bytes", -1), depth = fault_number(f, "depth", -1);
	int64_t times = s->closing && depth >= 0 ? depth : !s->closing && bytes >= 0 ? bytes / 32 : s->times;

	if (!s->member) {
		buf_put(out, "\"spoiled\":\"a\0b\",", 16);
		return;
	}
	buf_puts(out, s->member);
	if (!s->repeated)
		return;
	repeat_put(out, s->repeated, times);
	buf_puts(out, s->middle);
	if (s->closing) {
		repeat_put(out, s->closing, times);
		buf_putc(out, ',');
	}
}

static void
do_spoil(fault *f, const struct request *r, struct reply *p)
{
	char *with = fault_text(f, "with");
	struct buf member = {0};

	(void)r;
	for (size_t i = 0; p->page && i < LENGTH(spoilers); i++)
		if (!strcmp(spoilers[i].with, with ? with : "invalid-utf8"))
			spoil_build(f, &spoilers[i], &member);
	if (member.len) {
		size_t at = item_place(p, fault_number(f, "at", 0));
		if (p->body.p[at] == '{')
			items_replace(p, at + 1, at + 1, buf_view(&member));
	}
	buf_free(&member);
	free(with);
}

/* "record": JSON, or a text that need not be JSON, put before item number "at". */
static void
do_insert(fault *f, const struct request *r, struct reply *p)
{
	struct slice v;
	struct buf item = {0};

	(void)r;
	if (!p->page || !fault_value(f, "record", &v))
		return;
	if (json_type(v) == JSON_STRING)
		json_unquote(v, &item);
	else
		buf_slice(&item, v);
	size_t at = item_place(p, fault_number(f, "at", 0));
	if (p->body.p[at] == ']' && p->body.p[at - 1] != '[') { /* behind the last one */
		buf_putc(&item, ',');
		memmove(item.p + 1, item.p, item.len - 1);
		item.p[0] = ',';
	} else if (p->body.p[at] != ']') {
		buf_putc(&item, ',');
	}
	items_replace(p, at, at, buf_view(&item));
	buf_free(&item);
}

static void
do_reply(fault *f, const struct request *r, struct reply *p)
{
	(void)r;
	reply_replace(p, 200, NULL, "");
	script_reply(fault_rule(f), p);
}

/* ---- all kinds ---- */

static const struct fault_kind kinds[] = {
        {"status", BEND_NONE, do_status, 500},
        {"reply", BEND_NONE, do_reply, 0}, /* status, headers, body as the rule gives them */
        {"html", BEND_NONE, do_html, 0},
        {"type", BEND_NONE, do_type, 0},
        {"redirect", BEND_NONE, do_redirect, 0},
        {"cut", BEND_NONE, do_cut, FRAMING_LENGTH},
        {"cut-chunked", BEND_NONE, do_cut, FRAMING_CHUNKED},
        {"close-no-length", BEND_NONE, do_close_no_length, 0},
        {"chunked", BEND_NONE, do_chunked, 0},
        {"truncated-json", BEND_NONE, do_truncate, 0},
        {"reset", BEND_NONE, do_reset, 1},
        {"hang-up", BEND_NONE, do_reset, 0},
        {"length-lie", BEND_NONE, do_length_lie, 0},
        {"garbage", BEND_NONE, do_garbage, 0},
        {"drip", BEND_NONE, do_drip, 0},
        {"slow-headers", BEND_NONE, do_drip, 1},
        {"delay", BEND_NONE, do_delay, 0},
        {"silence", BEND_NONE, do_silence, 0},
        {"early-hints", BEND_NONE, do_hints, 0},
        {"header-bomb", BEND_NONE, do_header_bomb, 0},
        {"endless-body", BEND_NONE, do_endless_body, 0},
        {"gzip", BEND_NONE, do_gzip, GZIP_GOOD},
        {"gzip-cut", BEND_NONE, do_gzip, GZIP_CUT},
        {"gzip-garbage", BEND_NONE, do_gzip, GZIP_GARBAGE},
        {"gzip-trailing", BEND_NONE, do_gzip, GZIP_TRAILING},
        {"gzip-nested", BEND_NONE, do_gzip, GZIP_NESTED},
        {"gzip-bomb", BEND_NONE, do_gzip, GZIP_BOMB},
        {"gzip-plain", BEND_NONE, do_gzip, GZIP_PLAIN}, /* says gzip, and is none */
        {"empty-list", BEND_EMPTY, NULL, 0},
        {"empty-more", BEND_EMPTY_MORE, NULL, 0},
        {"cursor-same", BEND_SAME, NULL, 0},
        {"cursor-aba", BEND_ALTERNATE, NULL, 0},
        {"cursor-distinct", BEND_DISTINCT, NULL, 0},
        {"always-next", BEND_ALWAYS_NEXT, NULL, 0},
        {"spoil", BEND_NONE, do_spoil, 0},
        {"insert", BEND_NONE, do_insert, 0},
        {"none", BEND_NONE, NULL, 0}, /* an honest answer: keeps later rules off */
};

const struct fault_kind *
fault_kind_find(const char *name)
{
	if (isdigit((unsigned char)name[0]))
		return strlen(name) == 3 ? &kinds[0] : NULL;
	for (size_t i = 0; i < LENGTH(kinds); i++)
		if (!strcmp(kinds[i].name, name))
			return &kinds[i];
	return NULL;
}
