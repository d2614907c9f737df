/* schedule.h - when each sync of each connection is due, and which of those that are due may begin now.
 *
 * Knows times, limits, order and outcomes; knows no run, no store and no file: it is told what is configured, what was
 * and what happened, and says what to begin. All time comes from the clock it is given, so ten thousand connections and
 * a year of nights with a clock change are a test of a second.
 *
 * Rules.
 *   Due times    every N: on a grid of its own, so that the hour does not begin with everybody: phase = a hash of the
 *                names, first run spread over first_spread. cron: as written, in its zone. A due time is met once: a host
 *                that slept, was down or was too busy meets the latest one that it missed, and forgets those before.
 *   One at a time per connection and sync; per connection max_runs (usually 1), by priority, then by what is overdue
 *                longest; limits of integration and host; among connections who waits longest goes first.
 *   after        begins when the other's run of the same round is over: one that ended since this one last began.
 *                Their grids begin together. Asked for, it waits only for one that runs or was asked for too.
 *   Failures     a run that failed is tried again after fail_pause, twice as long after each further one in a row, at
 *                most run_retries times before its next due time. Failures of the provider or the rate limit pause the
 *                whole connection so, others only their sync. Refused credentials: nothing of the connection begins
 *                until somebody asks for it ("attention"). A run that was stopped, or interrupted by the host's end, goes
 *                on as soon as may be.
 *   Clocks       due times are wall time, waits between are monotonic: the wall clock set forward makes due what is due
 *                then, once; set back, nothing waits longer than its interval. In a night when an hour is skipped, what
 *                was to begin in it begins at its end; in one when an hour comes twice, it begins once (a cron
 *                expression for every hour: in both). */
#ifndef SLUICE_SCHEDULE_SCHEDULE_H
#define SLUICE_SCHEDULE_SCHEDULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/clock.h"
#include "base/err.h"

struct schedule;
struct schedule_item;

struct schedule_options {
	const struct clock *clock;
	uint64_t max_runs;
	int64_t first_spread_ms, fail_pause_ms, fail_pause_max_ms;
	uint64_t seed; /* for jitter */
};
struct schedule *schedule_new(const struct schedule_options *o);
void schedule_free(struct schedule *s);
void schedule_limits(struct schedule *s, const struct schedule_options *o); /* after a reload; clock and seed stay */

struct schedule_name { /* borrowed in calls */
	const char *connection, *integration, *sync;
};

struct schedule_plan { /* what is configured; everything is copied */
	int64_t every_ms;              /* 0: by cron */
	const char *cron, *zone;       /* cron NULL: by every_ms */
	bool active;                   /* the connection is */
	bool auto_sync, auto_start;
	int64_t priority;
	uint64_t connection_runs;      /* of its connection side by side */
	uint64_t integration_runs;     /* 0: no limit */
	uint64_t run_retries;
	struct schedule_name after;    /* connection NULL: none */
	bool after_any;                /* its end is enough, whatever it was */
};

struct schedule_past { /* what is known of it from before this process */
	int64_t due_us;                /* the due time that was met last; 0: none */
	int64_t started_us, finished_us, success_us; /* of its last run; 0: never */
	uint64_t failures;             /* in a row */
	enum err_class cls;            /* of the last one; ERR_NONE: it went well */
	int64_t not_before_us;         /* as its outcome said */
	bool interrupted;              /* there is a run to be gone on with */
	bool paused;                   /* by `sluice pause` */
	bool begun;                    /* `sluice start` was said, or it ran: auto_start = no waits no longer */
};

/* Cron expressions and zones, for config --check: 0, or ERR_USAGE with what is wrong and an example. */
int schedule_check(const struct schedule_plan *p, struct err *err);
/* New or changed. past NULL: unchanged, or never ran. NULL: ERR_USAGE. */
struct schedule_item *schedule_put(struct schedule *s, const struct schedule_name *n, const struct schedule_plan *p,
                                   const struct schedule_past *past, struct err *err);
/* A run of it that is under way still counts for the limits until schedule_ended. */
void schedule_remove(struct schedule *s, struct schedule_item *i);
struct schedule_item *schedule_find(const struct schedule *s, const struct schedule_name *n); /* NULL: none */
struct schedule_item *schedule_next(const struct schedule *s, const struct schedule_item *i); /* by name; NULL: the first */
const struct schedule_name *schedule_item_name(const struct schedule_item *i);
/* after: 0, or ERR_USAGE that names the circle or what is not there. After all schedule_put of a configuration. */
int schedule_order_check(const struct schedule *s, struct err *err);

/* ---- asking ---- */

enum schedule_cause { CAUSE_DUE = 1, CAUSE_RETRY, CAUSE_RESUME, CAUSE_ASKED };

struct schedule_begin {
	struct schedule_item *item;
	enum schedule_cause cause;
	int64_t due_us;        /* the due time that it meets; of one that was only asked for: 0 */
	unsigned attempt;      /* of that due time; 0: the first */
	bool full_refresh, reset; /* as asked */
};
/* Calls begin for each that may begin now, in order; it returns false when nothing can begin at the moment (the host is
 * short of something), and is asked again a second later. Returns the monotonic time when to call again; INT64_MAX: not
 * before something happens (an end, a put, a request). */
int64_t schedule_turn(struct schedule *s, bool (*begin)(void *arg, const struct schedule_begin *b), void *arg);
/* A run that nobody here began (a one-shot question of somebody) counts too. */
void schedule_began(struct schedule *s, struct schedule_item *i);

struct schedule_outcome {
	enum err_class cls;    /* ERR_NONE: success; ERR_STOPPED: interrupted, to be gone on with */
	bool by_person;        /* cancelled: it is not gone on with before its next due time */
	bool more;             /* it ended in good order before its work was done (run_limit): goes on at once */
	int64_t not_before_us; /* ERR_RATE: the provider lets nothing pass before, wall; 0: it has not said. However long */
};
void schedule_ended(struct schedule *s, struct schedule_item *i, const struct schedule_outcome *o);

/* ---- control ---- */

/* As soon as may be, once, before all that is only due; a second request before it began changes nothing but adds its
 * full_refresh or reset. Also lifts attention and the pause after failures. ERR_USAGE when the connection is inactive. */
int schedule_ask(struct schedule *s, struct schedule_item *i, bool full_refresh, bool reset, struct err *err);
void schedule_unask(struct schedule *s, struct schedule_item *i); /* one that was asked for and has not begun */
void schedule_pause(struct schedule *s, struct schedule_item *i, bool paused);
void schedule_start(struct schedule *s, struct schedule_item *i); /* not paused, and auto_start = no is settled */
/* The credentials were changed, or somebody says so: nothing of the connection waits for attention or after failures. */
void schedule_forgive(struct schedule *s, const char *connection, const char *integration);

/* ---- looking ---- */

enum schedule_state {
	SCHEDULE_INACTIVE,  /* the connection is switched off */
	SCHEDULE_MANUAL,    /* auto_sync = no */
	SCHEDULE_UNSTARTED, /* auto_start = no, and nobody has started it */
	SCHEDULE_PAUSED,
	SCHEDULE_ATTENTION, /* credentials were refused */
	SCHEDULE_FAILING,   /* waits after failures; until_us */
	SCHEDULE_AFTER,     /* due, but what it comes after has not ended */
	SCHEDULE_QUEUED,    /* due, but a limit is reached (`limit`) */
	SCHEDULE_WAITING,   /* until it is due */
	SCHEDULE_RUNNING,
	SCHEDULE_STATES
};
extern const char *const schedule_state_names[SCHEDULE_STATES]; /* "inactive", ... */
struct schedule_view {
	enum schedule_state state;
	int64_t next_us;       /* when it is next due, wall; 0: never by itself */
	int64_t until_us;      /* end of the wait that `state` names; 0: open. AFTER: when that other one may begin */
	const char *limit;     /* QUEUED: "host", "integration", "connection"; else NULL */
	const struct schedule_name *after; /* AFTER: what has to end before; borrowed until the next put; else NULL */
	enum schedule_state after_state;   /* of that one; INACTIVE also of one that is not there */
	uint64_t failures;
	bool asked;            /* somebody asked for a run that has not begun */
};
void schedule_look(const struct schedule *s, const struct schedule_item *i, struct schedule_view *v);

#endif
