/* alert.h - the rules by which something is worth waking a person for: pure logic over facts, no store, no clock of its own.
 *
 * A rule says whether its incident is open, given the facts and whether it is open already (some end later than they
 * begin, so that nothing flickers). The words come with it. */
#ifndef SLUICE_SCHEDULE_ALERT_H
#define SLUICE_SCHEDULE_ALERT_H

#include "base/buf.h"
#include "config/settings.h"

enum alert_kind {
	ALERT_FAILURES,   /* so many failed runs in a row */
	ALERT_LONG,       /* the run under way takes much longer than usual */
	ALERT_ERROR_RATE, /* too many of the last 20 runs failed */
	ALERT_STALE,      /* no success for so many intervals */
	ALERT_HELD,       /* deletes were held back */
	ALERT_ATTENTION,  /* a connection's credentials are refused */
	ALERT_QUOTA,      /* a quota will be used up before its time */
	ALERT_DISK,       /* no run begins: no room, or the host lacks something else */
	ALERT_KINDS
};
extern const char *const alert_names[ALERT_KINDS]; /* "failures", ...: as they stand in the store and in every output */

struct alert_facts { /* of one sync, connection, limit or host; zero: not known, and no reason for anything */
	int64_t now_us;
	bool idle;            /* it is not meant to run by itself now: switched off, paused, not started */
	uint64_t failures;    /* in a row */
	const char *reason;   /* of the last failure; may be NULL */
	uint64_t ended, failed; /* of the last 20 runs: those that succeeded or failed, and those that failed */
	int64_t usual_ms;     /* median of the last 20 successful runs */
	uint64_t samples;     /* that it was made of */
	int64_t running_ms;   /* so far; 0: none is under way */
	int64_t since_us;     /* of the last success; of one that never had any: since it was first looked at */
	int64_t interval_ms;
	uint64_t held;        /* deletes */
	bool refused;         /* no success since credentials were refused */
	const char *name;     /* of a connection or limit, for the words */
	uint64_t quota_n, quota_used;
	int64_t quota_end_us; /* used up then; 0: it suffices */
	const char *short_of; /* what the host lacks; NULL: nothing */
};

/* text gets the words when it is true. */
bool alert_judge(enum alert_kind kind, const struct alert_settings *s, const struct alert_facts *f, bool open, struct buf *text);
int64_t alert_median(int64_t *list, size_t n); /* sorts the list; 0: it is empty */

#endif
