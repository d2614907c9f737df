/* retry.c - asking again without becoming part of the problem.
 *
 * Guarantee: a wait is never shorter than what the provider asked for; jitter is only added. What it asked for in a
 * way that cannot be understood (garbage, negative, past) counts as not asked, and the ordinary backoff holds.
 * Awkward: "reset" headers are seconds from now at one provider, seconds since 1970 at the next, milliseconds since
 * 1970 at a third. No rate limit lasts 30 years and no clock stands before 2001, so the size of the number tells them
 * apart. Dates are compared with the answer's own Date, so a clock that is wrong, ours or theirs, does not matter. */
#include "proxy/retry.h"

#include <string.h>
#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "proxy/headers.h"

#define EPOCH_SECONDS INT64_C(1000000000)  /* 2001-09-09 */
#define EPOCH_MILLIS INT64_C(100000000000) /* as seconds: the year 5138; as milliseconds: 1973 */

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Digits with an optional fraction as thousandths, rounded up. Saturates. */
static bool
parse_thousandths(struct slice s, int64_t *v)
{
	size_t i = 0;
	int64_t n = 0, place = 100;
	bool more = false;

	if (!s.len || !is_digit(s.p[0]))
		return false;
	for (; i < s.len && is_digit(s.p[i]); i++)
		if (__builtin_mul_overflow(n, 10, &n) || __builtin_add_overflow(n, s.p[i] - '0', &n))
			n = INT64_MAX / 1000;
	if (__builtin_mul_overflow(n, 1000, &n))
		n = INT64_MAX - 1000;
	if (i < s.len && s.p[i] == '.')
		for (i++; i < s.len && is_digit(s.p[i]); i++, place /= 10) {
			n += place * (s.p[i] - '0');
			more |= !place && s.p[i] != '0';
		}
	*v = n >= INT64_MAX - 1001 ? INT64_MAX : n + more;
	return i == s.len;
}

int64_t
wait_seconds(struct slice text)
{
	int64_t ms;

	return parse_thousandths(slice_trim(text), &ms) ? ms : WAIT_UNKNOWN;
}

/* From now until then, rounded up; the past is unknown. */
static int64_t
wait_until(int64_t then_us, int64_t now_us)
{
	return then_us > now_us ? (then_us - now_us + 999) / 1000 : WAIT_UNKNOWN;
}

int64_t
wait_retry_after(struct slice value, int64_t now_us)
{
	int64_t ms, us;

	value = slice_trim(value);
	if (parse_thousandths(value, &ms))
		return ms;
	return time_parse_http(value, &us) ? wait_until(us, now_us) : WAIT_UNKNOWN;
}

int64_t
wait_reset(struct slice value, int64_t now_us)
{
	int64_t v, us;

	value = slice_trim(value);
	if (parse_thousandths(value, &v)) {
		if (v / 1000 < EPOCH_SECONDS)
			return v;
		if (v / 1000 < EPOCH_MILLIS)
			return wait_until(v * 1000, now_us);
		return v < INT64_MAX / 2 ? wait_until(v, now_us)
		                         : INT64_MAX; /* thousandths of milliseconds: microseconds */
	}
	if (time_parse_http(value, &us) || time_parse(value, &us))
		return wait_until(us, now_us);
	return value.len && is_digit(value.p[0]) && duration_parse(value, &v) ? v : WAIT_UNKNOWN;
}

static int64_t
longer(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

static int64_t
wait_in_body(struct slice body, const char *path)
{
	struct slice value;
	struct buf text = {0};
	int64_t ms;

	if (!path || !*path || !json_check(body, JSON_DEPTH_MAX, NULL) || !json_path(body, path, &value))
		return WAIT_UNKNOWN;
	if (!json_unquote(value, &text))
		buf_slice(&text, value);
	ms = wait_seconds(buf_view(&text));
	buf_free(&text);
	return ms;
}

int64_t
wait_asked(const struct wait_sources *s)
{
	int64_t now = s->now_us, theirs, wait;

	if (time_parse_http(headers_find(s->headers, "date"), &theirs))
		now = theirs;
	wait = wait_retry_after(headers_find(s->headers, "retry-after"), now);
	if (s->retry_after)
		wait = longer(wait, wait_retry_after(headers_find(s->headers, s->retry_after), now));
	if (s->reset)
		wait = longer(wait, wait_reset(headers_find(s->headers, s->reset), now));
	return longer(wait, wait_in_body(s->body, s->body_path));
}

/* ---- the decision ---- */

static const char *const repeatable[] = {"GET", "HEAD", "PUT", "DELETE", "OPTIONS"};
static const uint16_t passing[] = {429, 500, 502, 503, 504};

bool
retry_method(const char *method, bool safe)
{
	for (size_t i = 0; i < LENGTH(repeatable); i++)
		if (!strcmp(method, repeatable[i]))
			return true;
	return safe;
}

bool
retry_status(int status, const uint16_t *also, size_t n)
{
	for (size_t i = 0; i < LENGTH(passing); i++)
		if (passing[i] == status)
			return true;
	for (size_t i = 0; i < n; i++)
		if (also[i] == status &&
		    status != 401) /* the same credentials are refused again, and some lock the account */
			return true;
	return false;
}

int64_t
retry_backoff(unsigned retries, int64_t base_ms, int64_t max_ms, uint64_t random)
{
	int64_t most = base_ms;

	for (unsigned i = 0; i < retries && most < max_ms; i++)
		most = most > max_ms / 2 ? max_ms : most * 2;
	if (most > max_ms)
		most = max_ms;
	return most > 0 ? (int64_t)(random % (uint64_t)(most + 1)) : 0;
}

enum retry_verdict
retry_decide(const struct retry_case *c, int64_t *wait_ms)
{
	int64_t backoff = retry_backoff(c->done, c->base_ms, c->max_ms, c->random);

	*wait_ms = 0;
	if (!c->may || c->done >= c->limit)
		return RETRY_NOT;
	if (c->asked_ms > c->max_ms || (c->asked_ms >= 0 && c->asked_ms > c->time_left_ms)) {
		*wait_ms = c->asked_ms;
		return RETRY_TOO_LONG;
	}
	/* One more: the present millisecond has already begun. */
	*wait_ms = c->asked_ms >= 0 ? c->asked_ms + 1 + backoff : backoff;
	if (*wait_ms > c->time_left_ms)
		return RETRY_NOT;
	return RETRY_LATER;
}
