/* run.h - the life of one run: a sync (or check, or action) of one connection, from spawn to the last commit.
 *
 *   QUEUED -> SPAWNING -> LOADING -> STEPPING -> COMMITTING -> DONE
 *                 ^          |        | ^  |        |   ^
 *                 |          |        | '--'        |   |
 *                 |          |     next step        |   |
 *                 |          '--- failed, stopped --|---'
 *                 '---- the worker died, but had ---'
 *                       come further than the last
 *
 * A run owns its worker, its proxy calls and its commits, and nothing else owns them. All its state that matters is in the
 * store; killed at any moment, the next run of the sync takes up the position (same generation, same now, same last success).
 * Dry runs take the same way with a sink that compares instead of storing. */
#ifndef SLUICE_RUN_RUN_H
#define SLUICE_RUN_RUN_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "config/settings.h"
#include "plugin/manifest.h"
#include "proxy/proxy.h"
#include "store/store.h"

struct host;                       /* what all runs share: loop, clock, settings, registry, proxy, store */
struct run;

/* Has the process that has the store renew the access token of a connection, into the store. doubted: hash of the one that an API has
 * refused; "" none. As oauth_options.renew (proxy/oauth.h). */
typedef int host_renew(void *arg, const char *connection, const char *integration, const char *doubted, struct err *err);

struct host_options {
	uv_loop_t *loop;
	const struct clock *clock;
	const struct settings *settings;
	bool read_only;            /* no store is made when there is none */
	bool beside;               /* merges are built while the loop runs, not before */
	bool guest;                /* read_only, beside the process that has the store: for dry runs; limits are counted by each for
	                              itself, from what that one has written down */
	host_renew *renew;         /* of a guest; NULL: tokens that need a renewal are none */
	void *renew_arg;
	bool no_store;             /* for what needs plugins only: describe, config --check */
};
struct host *host_new(const struct host_options *o, struct err *err); /* opens the store, starts proxy and registry */
void host_free(struct host *h);
struct store *host_store(struct host *h); /* NULL: there is none (read_only, no_store) */
const struct settings *host_settings(const struct host *h); /* in force now; after a reload those before live on while a run holds them */
/* From now on these hold, for what begins; takes them. What cannot change under a living host (data_dir, ...) is the caller's to refuse. */
void host_settings_replace(struct host *h, struct settings *s);
struct store_options host_store_options(const struct settings *s); /* where the store is, and its key; borrowed */
const struct clock *host_clock(const struct host *h);
uv_loop_t *host_loop(const struct host *h);
/* There is too little room on the disk for a run to begin: less than min_free, or so little that the last commits failed. err says it. */
bool host_room_lacks(const struct host *h, struct err *err);
/* The manifest of a plugin by name (described by a sandboxed worker when not cached; waits, running the loop). Borrowed, until the
 * file changes. */
const struct manifest *host_manifest(struct host *h, const char *plugin, struct err *err);
/* The manifest of a connection: its plugin's, with the datasets that the operator named for it (run/shaped.h). Borrowed likewise. */
const struct manifest *host_manifest_of(struct host *h, const struct connection_settings *c, struct err *err);
/* The same by settings that are not in force: c is one of theirs. */
const struct manifest *host_manifest_in(struct host *h, const struct settings *s, const struct connection_settings *c, struct err *err);
/* Other settings or plugins are in force, and who keeps such manifests is about to ask anew: what nobody asked for since the time
 * before last goes. */
void host_manifests_age(struct host *h);
/* What a host beside us uses, while the file that lies there cannot be used (registry_learn). No manifest: no matter. */
void host_manifest_learn(struct host *h, const char *plugin, struct slice json);
const struct manifest *host_manifest_file(struct host *h, const char *path, struct err *err);
/* While plugins are watched (plugin/registry.h) the manifests that host_manifest gives are borrowed until `changed` has returned; a run
 * keeps its own. unwatch before host_free, and the loop is run until the handles are closed (host_free does). */
struct registry_watch;
struct plugin_file;
int host_plugins_watch(struct host *h, const struct registry_watch *w, struct err *err);
void host_plugins_refresh(struct host *h);                          /* look now */
void host_plugins_unwatch(struct host *h);
struct plugin_file *host_plugin_look(const struct host *h, const char *plugin); /* the one in use; borrowed; NULL: none, or never asked for */
bool host_plugins_watched(const struct host *h);
const char *host_plugin_trouble(const struct host *h, const char *plugin, uint64_t *inode); /* why that file cannot be used, though another may be; NULL */
char **host_plugins(struct host *h); /* names of all *.so in the plugin directory, sorted, NULL-terminated; yours, each too */

enum run_state { RUN_QUEUED, RUN_SPAWNING, RUN_LOADING, RUN_STEPPING, RUN_COMMITTING, RUN_DONE, RUN_STATES };

struct run_counts {
	uint64_t fetched;          /* items on pages */
	uint64_t saved, added, updated, unchanged, deleted, rejected, missing, held;
	uint64_t requests, retries, rate_limited, bytes, pages, steps, workers;
	uint64_t unmodified;       /* pages of which the provider said that they had not changed */
	int64_t wait_ms[WAIT_REASONS], start_ms, compute_ms, commit_ms, total_ms; /* start_ms: until the worker has its first step */
};

struct run_result {
	uint64_t run;              /* number in the history; 0: none (dry run, check) */
	struct err err;            /* ERR_NONE: success */
	struct run_counts counts;
	bool complete;             /* full and proven: deletes by absence were worked out */
	bool full;                 /* it listed everything, or was meant to */
	bool partial;              /* the connector said that something was kept back */
	bool incomplete;           /* absence should have been worked out, and could not be for every model */
	bool resumed;              /* took up an interrupted run */
	bool more;                 /* ERR_STOPPED by run_limit, in good order: there is more to do, the next run goes on */
	bool timed_out;            /* ERR_STOPPED by its own timeout_ms; an action or check: its time was up */
	const char *warnings;      /* lines; "" */
	struct slice reply;        /* of a check or action: JSON */
	int64_t retry_at_us;       /* ERR_RATE: provider or quota let nothing pass before, wall; 0: nobody said */
	bool unreachable;          /* it failed, and its last request got not one byte of an answer */
	int status;                /* HTTP status of the last answer; 0: there was none */
	uint64_t events;           /* handled */
	uint64_t event;            /* number of the one that failed; 0: none did */
	struct slice answer;       /* of a check or action: the last answer, of a sync: the last that was no success; its body, cut at 4 KiB */
	struct slice answer_headers; /* of the same: "name: value\n" lines */
};
typedef void run_done(void *arg, const struct run_result *r);

struct run_event {                 /* as the inbox has it */
	uint64_t number;
	int64_t arrived_us, happened_us; /* happened: by the provider's clock; 0: not known */
	struct slice body;         /* borrowed until the next one is asked for */
};

struct run_request {
	const struct connection_settings *connection;
	const char *name;          /* of the sync, action or webhook; NULL for a check */
	int what;                  /* enum step_what */
	bool full_refresh;         /* forget checkpoint and positions, keep records */
	bool dry;                  /* compare, store nothing; `differ` gets each difference */
	bool reset;                /* full_refresh, and the listing is the only truth, also of a sync without
	                              SLUICE_TRACK_DELETES: at the successful and proven end what was not listed is deleted, or held
	                              back for confirm-deletes as always. Until then records stay; a run that goes on with an
	                              interrupted reset is one too */
	int64_t due_us;            /* when the schedule had it due; kept in STATE_LAST ("due_us"); 0: it was asked for */
	unsigned attempt;          /* of this due time; 0: the first */
	bool hasty;                /* no request is tried again: its provider was unreachable a moment ago */
	int64_t timeout_ms;        /* 0: none but the run limit; ends in good order, the next run goes on */
	struct slice input;        /* of an action */
	/* Of a run of events (what = STEP_EVENT): the next to handle, all of this webhook and this connection, in order; false: none
	 * waits now. What it handles it marks in the inbox itself. One such run of a webhook at a time. */
	bool (*event_next)(void *arg, struct run_event *e);
	void (*differ)(void *arg, enum change_action action, const char *model, struct slice id, struct slice before, struct slice after);
	void (*rejected)(void *arg, const char *model, struct slice id, struct slice reason, struct slice raw);
	void *sink;                /* arg of these three */
};
struct run *run_start(struct host *h, const struct run_request *r, run_done *done, void *arg, struct err *err); /* NULL: it cannot begin; done is not called */
/* One that run_start refused goes into the history and STATE_LAST as a run that failed; returns its number, 0: there is no
 * store. May block for a commit the first time. */
uint64_t run_refused(struct host *h, const struct run_request *r, const struct err *why);
/* Why a run is stopped, where several say so. */
#define RUN_CANCELLED "cancelled by a person; what it saved is kept, and the next run goes on from here"
#define RUN_LATE "the time given by --timeout is up; the next run goes on from here"
void run_stop(struct run *r, const char *why); /* at the next call, then after the grace period by force; progress is kept */
/* For progress lines and status: */
void run_look(const struct run *r, enum run_state *state, struct run_counts *so_far, enum wait_reason *waiting, int64_t *until_us);
const char *run_state_name(enum run_state s);
/* What it waits for now: the reason, and of a rate limit the name ("acme : slack"; NULL: none). Borrowed until the loop turns. */
enum wait_reason run_waits(const struct run *r, int64_t *until_us, const char **what);
/* Rate limits and quotas: this process's own account, or what the one before it left in the store. No store: none. */
int host_limits(struct host *h, void (*each)(void *arg, const struct proxy_limit_state *s), void *arg, struct err *err);
/* All that are under way, in no order; NULL ends. */
struct run *run_next(const struct host *h, const struct run *r); /* r NULL: the first */
const struct run_request *run_asked(const struct run *r);
uint64_t run_number(const struct run *r);
void run_progress(const struct run *r, uint64_t *done, uint64_t *total); /* as the connector says; total 0: not known */
const char *run_position(struct run *r); /* of the pagination that moved last: its key and what it asks for next; "" */
uint64_t run_step(const struct run *r); /* number of the step under way or ended last; 0: none yet */
/* Who schedules runs in this process, for those who answer questions; NULL: nobody does (a one-shot command). */
struct service;
struct events;
struct service *host_service(const struct host *h);
struct events *host_events(const struct host *h); /* the queue of incoming events (event/queue.h); NULL as well */
void host_takes_events(struct host *h, struct events *q);
void host_serves(struct host *h, struct service *s);
/* Where HTTP is answered by this process: a JSON list of texts; none at first. */
struct slice host_addresses(const struct host *h);
void host_listens(struct host *h, struct slice json);
/* Who delivers events in this process; NULL: nobody does. */
struct deliver;
struct deliver *host_deliver(const struct host *h);
void host_delivers(struct host *h, struct deliver *d);
/* The one under way in this process; NULL: none. A second one of the same sync is refused with ERR_BUSY. */
struct run *host_run(const struct host *h, const char *connection, const char *integration, const char *sync);

#endif
