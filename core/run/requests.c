/* requests.c - an HTTP exchange that a worker asks for, and that the proxy makes.
 *
 * An answer is passed on whole: its head, then its body in frames of at most 1 MiB. A streamed one is read from the
 * network only as fast as the plugin asks for pieces.
 *
 * Awkward: the host sees every status, the plugin decides what it does about it. An answer that is neither 2xx nor
 * accepted, to a request that is no page of a pagination (those fail by themselves), is noted: a run that goes on after
 * it is not complete. */
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "run/inside.h"

#define FLIGHTS_MAX 8 /* requests under way; an honest worker has two */
#define ANSWER_KEPT 4096u

struct flight {
	struct run *run;
	struct proxy_call *call; /* NULL: the proxy is through with it */
	struct flight *next;
	uint32_t serial;
	uint16_t *accept;
	size_t n_accept;
	bool conditional;
	bool page, streamed, head, closed, eof; /* head: it was sent; eof: nothing more comes */
	bool sent;                              /* streamed: all of it was */
	uint64_t received;                      /* streamed: bytes so far, decoded */
	struct buf pending;                     /* streamed: received, not asked for yet */
	uint32_t wanted;                        /* streamed: bytes that the plugin waits for */
	int64_t started_ms;
};

static const char *const methods[METHODS] = {
	[METHOD_GET] = "GET",     [METHOD_POST] = "POST",     [METHOD_PUT] = "PUT",
	[METHOD_PATCH] = "PATCH", [METHOD_DELETE] = "DELETE", [METHOD_HEAD] = "HEAD",
};

static void
flight_free(struct flight *f)
{
	struct flight **at = &f->run->flights;

	while (*at != f)
		at = &(*at)->next;
	*at = f->next;
	f->run->n_flights--;
	buf_free(&f->pending);
	free(f->accept);
	free(f);
}

static struct flight *
flight_find(struct run *r, uint32_t serial)
{
	struct flight *f = r->flights;

	while (f && (f->serial != serial || f->closed))
		f = f->next;
	return f;
}

/* Providers like to send back what they refuse: no credential enters a worker by that way. */
static struct slice
without_secrets(struct buf *clean, struct slice text)
{
	buf_clear(clean);
	buf_slice(clean, text);
	log_blank(clean);
	return buf_view(clean);
}

static void
head_write(struct run *r, struct buf *out, const struct flight *f, const struct proxy_answer *a)
{
	size_t at = frame_begin(out, MSG_ANSWER, 0, ++r->serial);
	bool answered = a->err.cls == ERR_NONE;
	struct buf clean = {0};

	buf_u32(out, f->serial);
	buf_u16(out, answered ? (uint16_t)a->status : 0);
	buf_u8(out, (uint8_t)a->err.cls);
	buf_bytes(out, answered ? (struct slice){NULL, 0} : without_secrets(&clean, slice_str(a->err.text)));
	buf_bytes(out, answered ? without_secrets(&clean, a->headers) : (struct slice){NULL, 0});
	buf_u64(out, f->streamed ? UINT64_MAX : a->body.len);
	buf_u32(out, (uint32_t)(clock_mono_ms(r->host->clock) - f->started_ms));
	frame_end(out, at);
	buf_free(&clean);
}

static void
piece_write(struct run *r, struct buf *out, const struct flight *f, struct slice piece, bool last)
{
	size_t at = frame_begin(out, MSG_BODY, last ? FRAME_LAST : 0, ++r->serial);

	buf_u32(out, f->serial);
	buf_slice(out, piece);
	frame_end(out, at);
}

static void
body_write(struct run *r, struct buf *out, const struct flight *f, struct slice body)
{
	size_t at = 0, n;

	do {
		n = body.len - at > FRAME_PIECE ? FRAME_PIECE : body.len - at;
		piece_write(r, out, f, slice_of(body.p + at, n), at + n == body.len);
		at += n;
	} while (at < body.len);
}

static bool
answer_accepted(const struct flight *f, int status)
{
	if (status >= 200 && status <= 299)
		return true;
	for (size_t i = 0; i < f->n_accept; i++)
		if (f->accept[i] == status)
			return true;
	return false;
}

static void
waits_count(struct run *r, const struct proxy_answer *a)
{
	r->counts.requests += a->attempts;
	r->counts.retries += a->retries;
	r->counts.rate_limited += a->rate_limited;
	r->counts.bytes += a->bytes;
}

static void
answer_note(struct run *r, const struct flight *f, const struct proxy_answer *a)
{
	bool good = a->err.cls == ERR_NONE && answer_accepted(f, a->status);

	waits_count(r, a);
	if (r->err.cls != ERR_NONE) /* ended with the run, and no part of its reason */
		return;
	r->status = a->err.cls == ERR_NONE ? a->status : 0;
	r->retry_at_us = good ? 0 : a->retry_at_us;
	r->unreachable = a->err.cls == ERR_PROVIDER && a->bytes == 0;
	if (good && r->sync)
		return;
	buf_clear(&r->answer);
	buf_put(&r->answer, a->body.p, a->body.len > ANSWER_KEPT ? ANSWER_KEPT : a->body.len);
	log_blank(&r->answer);
	buf_clear(&r->answer_headers);
	buf_slice(&r->answer_headers, a->headers);
	log_blank(&r->answer_headers);
	if (!f->page && !good && a->err.cls == ERR_NONE)
		r->bad_answer = true;
}

/* What most of the waiting was for. */
static enum wait_reason
longest_wait(const struct proxy_answer *a)
{
	enum wait_reason longest = WAIT_SERVER;

	for (int i = WAIT_NONE + 1; i < WAIT_REASONS; i++)
		if (a->waits_ms[i] > a->waits_ms[longest])
			longest = (enum wait_reason)i;
	return longest;
}

/* Of a streamed one the head was sent with its first piece; what is left to say is that it failed. */
static void
flight_done(void *arg, const struct proxy_answer *a)
{
	struct flight *f = arg;
	struct run *r = f->run;
	struct buf out = {0}, clean = {0}, kept = {0};
	bool listens = session_listens(r) && !f->closed, good = a->err.cls == ERR_NONE;
	struct proxy_answer told = *a;

	run_account_as(r, r->batch.held ? WAIT_NONE : longest_wait(a));
	f->call = NULL;
	answer_note(r, f, a);
	if (good && (a->status < 200 || a->status > 299)) /* data is never altered; a refusal is no data */
		told.body = without_secrets(&clean, a->body);
	if (f->conditional && f->streamed)
		whole_answer(r, f->serial, a);
	else if (f->conditional && conditions_answer(r, f->serial, a, &kept))
		told.body = buf_view(&kept);
	if (listens && (!f->streamed || !good)) {
		head_write(r, &out, f, &told);
		if (good)
			body_write(r, &out, f, told.body);
		worker_process_send(r->worker, &out);
	}
	buf_free(&out);
	buf_free(&clean);
	buf_free(&kept);
	session_owed(r);
	if (!listens || !f->streamed || !good || f->sent)
		flight_free(f);
	run_poke(r);
}

/* The last wall against a listing without end, whatever it looks like: what all requests of a run may cost. */
static void
cost_check(struct run *r, uint64_t requests, uint64_t bytes)
{
	char text[TIME_TEXT_MAX];

	if (r->counts.requests + requests > r->limits.max_requests)
		run_limit(r,
		          "%llu requests were sent, more than max_requests allows one run; the next one goes on from "
		          "here (raise it in [sync ...] when the listing is that long)",
		          (unsigned long long)r->limits.max_requests);
	else if (r->counts.bytes + bytes > r->limits.max_bytes)
		run_limit(r,
		          "%s were received, more than max_bytes allows one run; the next one goes on from here "
		          "(raise it in [sync ...] when the listing is that long)",
		          size_format(r->counts.bytes + bytes, text));
}

/* ---- streamed ---- */

static void
stream_feed(struct flight *f)
{
	struct run *r = f->run;
	size_t n = f->pending.len > f->wanted ? f->wanted : f->pending.len;
	struct buf out = {0};

	if (!f->wanted || (n == 0 && !f->eof) || !session_listens(r))
		return;
	f->wanted = 0;
	f->sent = f->eof && n == f->pending.len;
	piece_write(r, &out, f, slice_of(f->pending.p, n), f->sent);
	if (n)
		memmove(f->pending.p, f->pending.p + n, f->pending.len - n);
	f->pending.len -= n;
	worker_process_send(r->worker, &out);
	buf_free(&out);
	session_owed(r);
	if (f->sent && !f->call)
		flight_free(f);
}

static void
stream_head(struct flight *f)
{
	struct run *r = f->run;
	struct proxy_answer a = {.content_type = ""};
	struct buf out = {0};

	f->head = true;
	proxy_head(f->call, &a.status, &a.headers);
	if (!session_listens(r))
		return;
	head_write(r, &out, f, &a);
	worker_process_send(r->worker, &out);
	buf_free(&out);
	session_owed(r);
}

static void
stream_piece(void *arg, struct slice piece)
{
	struct flight *f = arg;

	run_account(f->run);
	if (f->closed)
		return;
	if (!f->head)
		stream_head(f);
	if (piece.p)
		buf_slice(&f->pending, piece);
	else
		f->eof = true;
	f->received += piece.len;
	cost_check(f->run, 0, f->received);
	if (!f->eof && f->pending.len >= FRAME_MAX)
		proxy_pause(f->call, true);
	stream_feed(f);
}

void
requests_read(struct run *r, const struct frame *frame)
{
	struct reader in = reader_of(frame->body);
	struct flight *f = flight_find(r, reader_u32(&in));
	uint32_t at_most = reader_u32(&in);

	if (!f)
		return; /* it failed meanwhile, and the worker will learn so */
	if (!f->streamed || f->wanted || at_most == 0) {
		session_break(r, "read", f->streamed ? "twice, or of nothing" : "of an answer that is no stream");
		return;
	}
	f->wanted = at_most > FRAME_PIECE ? FRAME_PIECE : at_most;
	if (f->call && f->pending.len < FRAME_MAX)
		proxy_pause(f->call, false);
	stream_feed(f);
}

/* ---- from the worker ---- */

#define CHECK_REQUEST_MS 25000 /* two of them and the wait between are less than a check's time limit */

/* A person waits for a check: one more try, and no long wait for an answer. */
static void
patience_set(const struct run *r, struct proxy_request *q)
{
	const struct host_settings *s = &r->settings->host;

	if (r->request.what == STEP_CHECK) {
		if (q->retries > 0 || (q->retries == 0 && s->retries > 0))
			q->retries = 1;
		if (q->timeout_ms == 0)
			q->timeout_ms = s->request_ms;
		if (q->timeout_ms > CHECK_REQUEST_MS || q->timeout_ms <= 0)
			q->timeout_ms = CHECK_REQUEST_MS;
	}
	if (r->request.hasty)
		q->retries = -1;
}

static uint16_t *
statuses_read(struct slice bytes, size_t *n)
{
	struct reader in = reader_of(bytes);
	uint16_t *list = xcalloc(bytes.len / 2 + 1, sizeof *list);

	for (*n = 0; *n < bytes.len / 2; (*n)++)
		list[*n] = reader_u16(&in);
	return list;
}

void
requests_send(struct run *r, const struct frame *frame)
{
	struct reader in = reader_of(frame->body);
	uint8_t method = reader_u8(&in), flags = reader_u8(&in), retries = reader_u8(&in);
	struct proxy_request q = {.timeout_ms = reader_u32(&in)};
	struct slice accept, retry_on;
	struct buf headers = {0};
	uint16_t *again;
	struct flight *f;

	q.endpoint = reader_bytes(&in, FRAME_MAX);
	q.query = reader_bytes(&in, FRAME_MAX);
	q.headers = reader_bytes(&in, FRAME_MAX);
	accept = reader_bytes(&in, 512);
	retry_on = reader_bytes(&in, 512);
	q.body = reader_bytes(&in, FRAME_MAX);
	q.from_answer = reader_u8(&in) != 0;
	if (in.bad || method >= METHODS || r->n_flights >= FLIGHTS_MAX || flight_find(r, frame->serial)) {
		session_break(r, "request", r->n_flights >= FLIGHTS_MAX ? "too many at a time" : "impossible fields");
		return;
	}
	cost_check(r, r->n_flights + 1, 0);
	f = XNEW(struct flight);
	f->run = r;
	f->serial = frame->serial;
	f->accept = statuses_read(accept, &f->n_accept);
	f->page = flags & REQUEST_PAGE;
	f->streamed = q.streamed = flags & REQUEST_STREAM;
	f->started_ms = clock_mono_ms(r->host->clock);
	f->next = r->flights;
	r->flights = f;
	r->n_flights++;
	q.method = methods[method];
	f->conditional = flags & REQUEST_CONDITIONAL;
	if (f->conditional) {
		buf_slice(&headers, q.headers);
		(f->streamed ? whole_ask : conditions_ask)(r, f->serial, &q, &headers);
		q.headers = buf_view(&headers);
	}
	q.safe = flags & REQUEST_SAFE;
	q.retries = retries == 0 ? 0 : retries == 1 ? -1 : retries - 1;
	patience_set(r, &q);
	q.retry_on = again = statuses_read(retry_on, &q.n_retry_on);
	/* No deadline: when the run's time is up, run_tick stops it in good order, and this with it. A run that is
	 * stopping sends nothing more. */
	q.deadline_mono_ms = r->stop_why ? 1 : 0;
	f->call = proxy_send(r->target, &q, flight_done, f->streamed ? stream_piece : NULL, f);
	if (r->stop_why)
		proxy_cancel(f->call);
	free(again);
	buf_free(&headers);
}

static void
flight_close(struct flight *f)
{
	f->closed = true;
	if (f->call)
		proxy_cancel(f->call);
	else
		flight_free(f);
}

void
requests_close(struct run *r, const struct frame *frame)
{
	struct reader in = reader_of(frame->body);
	struct flight *f = flight_find(r, reader_u32(&in));

	if (f)
		flight_close(f);
}

void
requests_cancel(struct run *r)
{
	struct flight *f, *next;

	for (f = r->flights; f; f = next) {
		next = f->next;
		if (f->call)
			proxy_cancel(f->call);
		else if (!session_listens(r))
			flight_free(f);
	}
}

enum wait_reason
requests_waiting(const struct run *r, int64_t *until_us, const char **what)
{
	*until_us = 0;
	*what = NULL;
	for (const struct flight *f = r->flights; f; f = f->next)
		if (f->call && !f->closed && !f->head)
			return proxy_waiting_for(f->call, until_us, what);
	return WAIT_NONE;
}
