/* exchange.c - an easy handle's options and callbacks, and the judgement of how it ended.
 *
 * Guarantee: EXCHANGE_ANSWER means that head and body are whole: Content-Length and chunks by libcurl, gzip by its
 * trailer, and a body that only the end of the connection ends by being a complete JSON text. Addresses are checked
 * when a socket is opened, after names were resolved, and again before each request, since a kept connection may have
 * been opened for somebody with more trust.
 * Awkward: libcurl repeats a request of any method by itself when a kept connection dies before the first byte of an
 * answer; what may not be repeated therefore gets a fresh connection. And a receiver may pause in the midst of
 * inflating one piece of input: the rest of it is held here, since libcurl takes a piece back only as a whole. */
#include "proxy/exchange.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>
#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "proxy/engine.h"

#define FIRST_RESERVE (4 * 1024 * 1024) /* bytes believed of a Content-Length before they come */
#define PIECE (32 * 1024)

/* ---- callbacks ---- */

static curl_socket_t
open_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *a)
{
	struct exchange *x = arg;

	(void)purpose;
	if (!x->plan->trusted && !address_public(&a->addr)) {
		address_text(&a->addr, x->refused);
		return CURL_SOCKET_BAD;
	}
	return socket(a->family, a->socktype | SOCK_CLOEXEC, a->protocol);
}

static int
before_request(void *arg, char *ip, char *local, int port, int local_port)
{
	struct exchange *x = arg;

	(void)local, (void)port, (void)local_port;
	if (!x->plan->trusted && !address_public_text(ip)) {
		memset(x->refused, 0, sizeof x->refused);
		strncpy(x->refused, ip, sizeof x->refused - 1);
		return CURL_PREREQFUNC_ABORT;
	}
	x->on_sent(x->arg);
	x->sent = true;
	return CURL_PREREQFUNC_OK;
}

static size_t
head_line(char *p, size_t size, size_t n, void *arg)
{
	struct exchange *x = arg;

	return headers_add(&x->head, slice_of(p, size * n), &x->fault) ? 0 : size * n;
}

static struct slice
answer_header(const struct exchange *x, const char *name)
{
	return headers_find(buf_view(&x->head.lines), name);
}

/* Content-Length, or -1. libcurl checks it against what comes. */
static int64_t
announced(const struct exchange *x)
{
	curl_off_t n = -1;

	curl_easy_getinfo(x->easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &n);
	return n;
}

/* So much room for the body, growing by doubling but never beyond what is permitted. */
static void
body_reserve(struct exchange *x, size_t more)
{
	size_t need = x->body.len + more, cap = x->body.cap ? x->body.cap : 4096;
	size_t most = x->plan->max_answer + 1 > need ? x->plan->max_answer + 1 : need;

	if (x->body.p && need <= x->body.cap)
		return;
	while (cap < need)
		cap *= 2;
	x->body.cap = cap < most ? cap : most;
	x->body.p = xrealloc(x->body.p, x->body.cap);
}

static int
body_too_large(struct exchange *x)
{
	char text[TIME_TEXT_MAX];

	return err_set(&x->fault, ERR_DATA, "the answer is larger than %s (max_answer)",
	               size_format(x->plan->max_answer, text));
}

/* The head is complete. */
static int
body_begin(struct exchange *x)
{
	int64_t length = announced(x);

	x->began = true;
	if (headers_count(buf_view(&x->head.lines), "content-encoding") > 1)
		return err_set(&x->fault, ERR_DATA, "the answer is encoded more than once; only gzip was offered");
	if (inflate_init(&x->inflate, answer_header(x, "content-encoding"), &x->fault))
		return -1;
	x->streaming = x->on_head(x->arg);
	if (x->streaming || length <= 0 || x->inflate.gzip)
		return 0;
	if ((uint64_t)length > x->plan->max_answer)
		return body_too_large(x);
	body_reserve(x, (size_t)(length < FIRST_RESERVE ? length : FIRST_RESERVE) + 1); /* one for a NUL */
	return 0;
}

static int
body_collect(struct exchange *x, struct slice in)
{
	size_t got, room;

	do {
		uint64_t left = x->plan->max_answer - x->body.len;

		body_reserve(x, x->inflate.gzip ? PIECE : in.len);
		room = x->body.cap - x->body.len;
		if (inflate_step(&x->inflate, &in, x->body.p + x->body.len, room, &got, &x->fault))
			return -1;
		if (got > left)
			return body_too_large(x);
		x->body.len += got;
	} while (in.len || (x->inflate.gzip && got == room));
	return 0;
}

/* Pieces of what is in *in until it is used up or the receiver pauses. */
static int
body_stream(struct exchange *x, struct slice *in)
{
	char piece[PIECE];
	size_t got;

	if (!x->inflate.gzip) {
		if (in->len)
			x->on_piece(x->arg, *in);
		*in = (struct slice){0};
		return 0;
	}
	do {
		if (inflate_step(&x->inflate, in, piece, sizeof piece, &got, &x->fault))
			return -1;
		if (got)
			x->on_piece(x->arg, slice_of(piece, got));
		x->held_more = got == sizeof piece;
	} while (!x->paused && (in->len || x->held_more));
	return 0;
}

static size_t
body_piece(char *p, size_t size, size_t n, void *arg)
{
	struct exchange *x = arg;
	struct slice in = slice_of(p, size * n);

	if (!x->began && body_begin(x))
		return 0;
	if (!x->streaming)
		return body_collect(x, in) ? 0 : size * n;
	if (x->paused)
		return CURL_WRITEFUNC_PAUSE;
	if (body_stream(x, &in))
		return 0;
	buf_slice(&x->held, in);
	return size * n;
}

bool
exchange_drain(struct exchange *x)
{
	struct buf held = x->held;
	struct slice in = buf_view(&held);

	if (x->paused)
		return false;
	if (!in.len && !x->held_more)
		return true;
	x->held = (struct buf){0};
	x->held_more = false;
	if (!body_stream(x, &in))
		buf_slice(&x->held, in);
	buf_free(&held);
	return !x->paused || x->fault.cls;
}

void
exchange_hold(struct exchange *x)
{
	inflate_finish(&x->inflate); /* it is plain from here on */
	buf_free(&x->held);
	x->held = x->body;
	x->body = (struct buf){0};
	x->streaming = true;
}

/* ---- setting up ---- */

static void
method_set(struct exchange *x)
{
	const struct exchange_plan *plan = x->plan;
	bool sends = plan->body.len || !strcmp(plan->method, "POST") || !strcmp(plan->method, "PUT") ||
	             !strcmp(plan->method, "PATCH");

	if (!strcmp(plan->method, "HEAD") && !sends) {
		curl_easy_setopt(x->easy, CURLOPT_NOBODY, 1L);
		return;
	}
	if (sends) {
		curl_easy_setopt(x->easy, CURLOPT_POST, 1L);
		curl_easy_setopt(x->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)plan->body.len);
		curl_easy_setopt(x->easy, CURLOPT_POSTFIELDS, plan->body.len ? plan->body.p : "");
	}
	if (strcmp(plan->method, sends ? "POST" : "GET"))
		engine_text(x->easy, CURLOPT_CUSTOMREQUEST, plan->method);
}

static void
callbacks_set(struct exchange *x)
{
	curl_easy_setopt(x->easy, CURLOPT_HEADERFUNCTION, head_line);
	curl_easy_setopt(x->easy, CURLOPT_HEADERDATA, x);
	curl_easy_setopt(x->easy, CURLOPT_WRITEFUNCTION, body_piece);
	curl_easy_setopt(x->easy, CURLOPT_WRITEDATA, x);
	curl_easy_setopt(x->easy, CURLOPT_OPENSOCKETFUNCTION, open_socket);
	curl_easy_setopt(x->easy, CURLOPT_OPENSOCKETDATA, x);
	curl_easy_setopt(x->easy, CURLOPT_PREREQFUNCTION, before_request);
	curl_easy_setopt(x->easy, CURLOPT_PREREQDATA, x);
	curl_easy_setopt(x->easy, CURLOPT_ERRORBUFFER, x->errtext);
}

void
exchange_begin(struct exchange *x, CURL *easy, const struct exchange_plan *plan)
{
	x->easy = easy;
	x->plan = plan;
	x->errtext[0] = '\0';
	curl_easy_setopt(easy, CURLOPT_CURLU, plan->url->parts);
	curl_easy_setopt(easy, CURLOPT_HTTPHEADER, plan->headers);
	method_set(x);
	callbacks_set(x);
	engine_text(easy, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
	curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, plan->may_repeat ? 0L : 1L);
	engine_text(easy, CURLOPT_PROXY, ""); /* not the environment's either */
	curl_easy_setopt(easy, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L); /* a stop does not wait for a name to be resolved */
	curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)plan->connect_ms);
	curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, (long)plan->slow_bytes);
	curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME, (long)plan->slow_seconds);
	curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
	curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, 64L * 1024);
	engine_text(easy, CURLOPT_USERAGENT, plan->user_agent);
	if (plan->ca_file)
		engine_text(easy, CURLOPT_CAINFO, plan->ca_file);
}

/* ---- judging ---- */

struct failure {
	CURLcode rc;
	bool passes; /* another try may mend it */
	enum err_class cls;
	const char *what;
	bool detail; /* libcurl's own words say more, and cannot hold a secret */
};

static const struct failure failures[] = {
        {CURLE_COULDNT_RESOLVE_HOST, true, ERR_PROVIDER, "the name cannot be resolved (DNS)", false},
        {CURLE_OPERATION_TIMEDOUT, true, ERR_PROVIDER, "timed out", false},
        {CURLE_GOT_NOTHING, true, ERR_PROVIDER, "the connection was closed without an answer", false},
        {CURLE_RECV_ERROR, true, ERR_PROVIDER, "the connection was cut off", false},
        {CURLE_SEND_ERROR, true, ERR_PROVIDER, "the connection was cut off while sending", false},
        {CURLE_PARTIAL_FILE, true, ERR_PROVIDER, "the answer was cut off", false},
        {CURLE_HTTP2, true, ERR_PROVIDER, "the HTTP/2 connection failed", false},
        {CURLE_HTTP2_STREAM, true, ERR_PROVIDER, "the HTTP/2 stream was cut off", false},
        {CURLE_SSL_CONNECT_ERROR, true, ERR_PROVIDER, "TLS could not be agreed on", true},
        {CURLE_PEER_FAILED_VERIFICATION, false, ERR_PROVIDER, "its TLS certificate is not accepted", true},
        {CURLE_SSL_CACERT_BADFILE, false, ERR_USAGE, "the file with certificate authorities cannot be read", false},
        {CURLE_WEIRD_SERVER_REPLY, true, ERR_DATA, "the answer is not HTTP", false},
        {CURLE_UNSUPPORTED_PROTOCOL, true, ERR_DATA, "the answer is not HTTP/1 or HTTP/2", false},
        {CURLE_BAD_CONTENT_ENCODING, true, ERR_DATA, "the answer's transfer encoding is broken", false},
        {CURLE_URL_MALFORMAT, false, ERR_USAGE, "the host's name cannot be used; write it in its ASCII form (xn--...)",
         false},
        {CURLE_OUT_OF_MEMORY, true, ERR_HOST, "memory is short", false},
};

static enum exchange_end
judge_connect(struct exchange *x, struct err *err)
{
	long number = 0;

	curl_easy_getinfo(x->easy, CURLINFO_OS_ERRNO, &number);
	if (number == ECONNREFUSED)
		err_set(err, ERR_PROVIDER, "the connection was refused; is the address right and the server running?");
	else if (number)
		err_set(err, ERR_PROVIDER, "no connection: %s", strerror((int)number));
	else
		err_set(err, ERR_PROVIDER, "no connection could be made");
	return EXCHANGE_PASSING;
}

/* There is a connection, and nobody at its other end who would agree on TLS: only libcurl's words tell the two apart. */
static bool
waits_for_tls(const struct exchange *x)
{
	return strncmp(x->errtext, "SSL", 3) == 0;
}

static void
judge_late(const struct exchange *x, struct err *err)
{
	char text[TIME_TEXT_MAX];

	if (!x->sent && !waits_for_tls(x))
		err_set(err, ERR_PROVIDER, "timed out while connecting");
	else if (!x->sent)
		err_set(err, ERR_PROVIDER,
		        "timed out: connected, but the server does not answer to TLS; does it speak https at this port?");
	else if (x->late_ms)
		err_set(err, ERR_PROVIDER, "timed out: no whole answer within %s", duration_format(x->late_ms, text));
	else
		err_set(err, ERR_PROVIDER, "timed out: less than %u bytes a second for %s", x->plan->slow_bytes,
		        duration_format(x->plan->slow_seconds * INT64_C(1000), text));
}

static enum exchange_end
judge_failure(struct exchange *x, CURLcode rc, struct err *err)
{
	if (x->refused[0]) {
		err_set(err, ERR_USAGE,
		        "the host leads to %s, which is not a public address; if it is yours, name it in allow_hosts",
		        x->refused);
		return EXCHANGE_FATAL;
	}
	if (x->fault.cls) {
		*err = x->fault;
		return EXCHANGE_FATAL;
	}
	if (rc == CURLE_COULDNT_CONNECT)
		return judge_connect(x, err);
	for (size_t i = 0; i < LENGTH(failures); i++) {
		const struct failure *f = &failures[i];

		if (f->rc != rc)
			continue;
		if (rc == CURLE_OPERATION_TIMEDOUT)
			judge_late(x, err);
		else if (f->detail && x->errtext[0])
			err_set(err, f->cls, "%s (%.200s)", f->what, x->errtext);
		else
			err_set(err, f->cls, "%s", f->what);
		return f->passes ? EXCHANGE_PASSING : EXCHANGE_FATAL;
	}
	err_set(err, ERR_PROVIDER, "%s", curl_easy_strerror(rc));
	return EXCHANGE_PASSING;
}

static bool
has_no_body(const struct exchange *x)
{
	return !strcmp(x->plan->method, "HEAD") || x->head.status == 204 || x->head.status == 304 || announced(x) == 0;
}

/* Does only the end of the connection end this body? */
static bool
ends_by_close(const struct exchange *x)
{
	long version = 0;

	curl_easy_getinfo(x->easy, CURLINFO_HTTP_VERSION, &version);
	if (version != CURL_HTTP_VERSION_1_0 && version != CURL_HTTP_VERSION_1_1)
		return false;
	return announced(x) < 0 && !answer_header(x, "transfer-encoding").p;
}

enum exchange_end
exchange_judge(struct exchange *x, CURLcode rc, struct err *err)
{
	struct json_fault fault;

	if (rc || x->fault.cls)
		return judge_failure(x, rc, err);
	if (!x->head.done || x->head.status < 200) {
		err_set(err, ERR_DATA, "the answer has no head");
		return EXCHANGE_PASSING;
	}
	if (!x->began && body_begin(x)) {
		*err = x->fault;
		return EXCHANGE_FATAL;
	}
	if (has_no_body(x))
		return EXCHANGE_ANSWER;
	if (inflate_end(&x->inflate, err))
		return EXCHANGE_PASSING;
	if (!ends_by_close(x) || x->inflate.gzip)
		return EXCHANGE_ANSWER;
	if (x->streaming || !json_check(buf_view(&x->body), JSON_DEPTH_MAX, &fault)) {
		err_set(err, ERR_PROVIDER,
		        "the answer has no length and ended by closing the connection, so it may be cut off (%s)",
		        x->streaming ? "streamed" : fault.what);
		return EXCHANGE_PASSING;
	}
	return EXCHANGE_ANSWER;
}

uint64_t
exchange_bytes(const struct exchange *x)
{
	curl_off_t body = 0;

	if (x->easy)
		curl_easy_getinfo(x->easy, CURLINFO_SIZE_DOWNLOAD_T, &body);
	return x->head.bytes + (body > 0 ? (uint64_t)body : 0);
}

const char *
exchange_type(const struct exchange *x, char *out, size_t room)
{
	struct slice type = answer_header(x, "content-type");

	if (type.len > room - 1)
		type.len = room - 1;
	if (type.len)
		memcpy(out, type.p, type.len);
	out[type.len] = '\0';
	return out;
}

void
exchange_reset(struct exchange *x)
{
	struct exchange kept;

	headers_reset(&x->head);
	inflate_finish(&x->inflate); /* where it is: zlib does not know it by another address */
	buf_clear(&x->body);
	buf_clear(&x->held);
	kept = *x;
	*x = (struct exchange){.head = kept.head,
	                       .body = kept.body,
	                       .held = kept.held,
	                       .on_head = kept.on_head,
	                       .on_piece = kept.on_piece,
	                       .on_sent = kept.on_sent,
	                       .arg = kept.arg,
	                       .paused = kept.paused};
}

void
exchange_finish(struct exchange *x)
{
	headers_finish(&x->head);
	inflate_finish(&x->inflate);
	buf_free(&x->body);
	buf_free(&x->held);
}
