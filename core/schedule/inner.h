/* inner.h - what the files of the schedule share: items, their connections and integrations, and who waits where.
 *
 *     by_due ---+                        (wall clock)
 *     by_pause -+--> item wants to begin --> best of its connection --> best of its integration --> ready --> begin
 *     held -----+                        (monotonic)
 *
 * Every change of an item ends in item_touch, which puts it, its connection and its integration where they now belong; so
 * a turn only looks at the first of each heap. A connection, integration or the host that has no room is in no heap. */
#ifndef SLUICE_SCHEDULE_INNER_H
#define SLUICE_SCHEDULE_INNER_H

#include "schedule/cron.h"
#include "schedule/heap.h"
#include "schedule/schedule.h"
#include "schedule/zone.h"

#define US_PER_MS INT64_C(1000)

enum rank { RANK_ASKED, RANK_RESUME, RANK_DUE }; /* who begins first */

struct unit { /* an integration */
	char *name;
	size_t items;
	uint64_t running, max_runs;  /* 0: no limit */
	struct heap ready;           /* of its connections that may begin something */
	struct heap_node turn;       /* in schedule.ready */
};

struct link { /* a connection to an integration */
	struct schedule_name name;   /* ours, sync NULL */
	struct unit *unit;
	struct schedule_item *items; /* by .sibling */
	uint64_t running, max_runs;
	uint64_t failures;           /* of the provider, in a row */
	int64_t held_until_ms;       /* monotonic; 0: not */
	int64_t refused_us, success_us; /* the last of each, to judge what is known from before */
	bool attention;
	struct schedule_item *best;  /* who begins next; NULL: nobody */
	struct heap_node turn;       /* in unit.ready */
	struct heap_node hold;       /* in schedule.held */
};

/* A name in the tree: of an item, of one that others come after, or both. */
struct slot {
	struct schedule_name name;      /* ours */
	struct schedule_item *item;     /* NULL: not there */
	struct schedule_item *waiters;  /* who comes after it, by .next_waiter */
	uint64_t phase;                 /* hash that its grid begins with */
};

struct schedule_item {
	struct slot *slot;
	struct link *link;
	struct schedule_item *sibling, *next_waiter;
	struct schedule_plan plan;      /* texts are not kept */
	struct cron cron;
	char *cron_text, *zone_text;    /* as configured; NULL: none */
	struct zone *zone;
	struct slot *after;             /* NULL: none */
	unsigned running;
	bool gone;                      /* removed while it runs */
	bool paused, begun;
	/* the grid */
	int64_t met_us;                 /* the due time met last; 0: none */
	int64_t due_us;                 /* the next one, or the first that is missed */
	int64_t wake_us;                /* when it is met: due_us, or a little later after a restart */
	int64_t apart_us;               /* the one after may not be earlier; 0: no matter */
	bool due;                       /* wake_us has come */
	/* what else it wants */
	bool asked, full_refresh, reset;
	bool resume, more;              /* there is a run to be gone on with; in turn with all others */
	bool retry;
	int64_t since_ms;               /* monotonic: it wants to begin since then */
	/* failures */
	uint64_t failures, attempt;
	int64_t pause_until_ms;         /* monotonic; 0: not */
	enum err_class cls;
	/* order; compares with others only */
	int64_t began_seq, ended_seq, success_seq;
	struct heap_node wake, pause;   /* in schedule.by_due, .by_pause */
};

struct schedule {
	struct clock clock;
	struct schedule_options o;
	struct _GTree *slots, *links, *units; /* GLib's balanced trees, by name */
	uint64_t running;
	int64_t seq;                    /* of begins and ends; above all wall times, which those from before have */
	int64_t ahead_us;               /* wall minus monotonic, when last seen */
	struct heap by_due, by_pause, held, ready;
};

/* schedule.c */
struct slot *slot_get(struct schedule *s, const struct schedule_name *n);
void slot_release(struct schedule *s, struct slot *slot); /* frees it when nobody needs it */
uint64_t hash_text(uint64_t h, const char *text);
void item_free(struct schedule *s, struct schedule_item *i);

/* grid.c: due times */
void item_plan_due(struct schedule *s, struct schedule_item *i, bool known);  /* the first due time in this process */
int64_t item_meet(struct schedule *s, struct schedule_item *i);   /* the latest due time up to now is met; the next is set */
void schedule_shift(struct schedule *s, int64_t by_us);           /* the wall clock was set back by that much (negative) */

/* ready.c: who may begin */
bool item_automatic(const struct schedule_item *i);   /* begins by itself at all */
bool item_order_met(const struct schedule_item *i);   /* what it comes after has ended */
bool item_wants(const struct schedule_item *i);
bool item_may(const struct schedule_item *i, int64_t mono);
void item_touch(struct schedule *s, struct schedule_item *i); /* it, and whoever comes after it */
void item_wait_due(struct schedule *s, struct schedule_item *i);  /* put into by_due, or out of it */
void link_touch(struct schedule *s, struct link *c);
void unit_touch(struct schedule *s, struct unit *u);
void waiters_touch(struct schedule *s, struct slot *slot);

/* failures.c */
void item_pause_set(struct schedule *s, struct schedule_item *i, int64_t until_ms);
void link_hold_set(struct schedule *s, struct link *c, int64_t until_ms);
int64_t pause_length(const struct schedule *s, const struct schedule_item *i, uint64_t failures);
void item_past_failures(struct schedule *s, struct schedule_item *i, const struct schedule_past *past);
void link_lift(struct schedule *s, struct link *c);   /* attention and pauses of all of it */

#endif
