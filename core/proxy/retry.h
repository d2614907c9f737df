/* retry.h - whether to ask again and when: pure functions of what was asked, what came, the time and a random number.
 */
#ifndef SLUICE_PROXY_RETRY_H
#define SLUICE_PROXY_RETRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/buf.h"

#define WAIT_UNKNOWN (-1) /* the provider asked for no wait that can be understood */

/* ---- waits as providers write them: milliseconds from now, rounded up, or WAIT_UNKNOWN ---- */

int64_t wait_seconds(struct slice text); /* "12", "0.5"; "-1", "1e99" and the like are unknown; too large: INT64_MAX */
/* Retry-After: seconds or an HTTP date; a date that has passed is unknown. now_us: by the provider's own clock, if
 * known. */
int64_t wait_retry_after(struct slice value, int64_t now_us);
/* A reset header: seconds until, or seconds or milliseconds since 1970 (told apart by size), a date, or "6m0s". */
int64_t wait_reset(struct slice value, int64_t now_us);
/* The longest of all that this answer asks for. Any name may be NULL. body is looked at only when it is JSON. */
struct wait_sources {
	struct slice headers; /* "name: value\n" lines */
	struct slice body;
	const char *retry_after, *reset; /* additional headers */
	const char *body_path;
	int64_t now_us; /* our wall clock; the answer's Date is preferred */
};
int64_t wait_asked(const struct wait_sources *s);

/* ---- the decision ---- */

bool retry_method(const char *method, bool safe);              /* may it be repeated at all? */
bool retry_status(int status, const uint16_t *also, size_t n); /* 429, 500, 502, 503, 504, and those */
int64_t retry_backoff(unsigned retries, int64_t base_ms, int64_t max_ms,
                      uint64_t random); /* full jitter: 0 to base * 2^retries */

struct retry_case {
	bool may;             /* the method allows it */
	unsigned done, limit; /* retries so far, at most */
	int64_t base_ms, max_ms;
	int64_t asked_ms;     /* wait_asked */
	int64_t time_left_ms; /* until the deadline; INT64_MAX: none */
	uint64_t random;
};
enum retry_verdict {
	RETRY_NOT,     /* take what came */
	RETRY_LATER,   /* after *wait_ms */
	RETRY_TOO_LONG /* *wait_ms is what the provider asked for, and is longer than retry_max or the time left */
};
enum retry_verdict retry_decide(const struct retry_case *c, int64_t *wait_ms);

#endif
