/* service.h - `sluice serve`: the schedule kept, runs begun and ended, the configuration and the plugins followed.
 *
 * One object on the loop, beside struct host. It owns the schedule; runs are core/run's. What people decide (pause, start,
 * disable) is durable before the call returns; the due time that a run meets stands in that run's own commits. */
#ifndef SLUICE_SCHEDULE_SERVICE_H
#define SLUICE_SCHEDULE_SERVICE_H

#include "run/run.h"
#include "schedule/schedule.h"

struct service_options {
	uv_loop_t *loop;
	struct host *host;                 /* with a store */
	/* Loads the configuration anew as at the start (reload.c): NULL with err when it is faulty. */
	struct settings *(*load)(void *arg, struct err *err);
	void (*settled)(void *arg);        /* other settings are in force, maybe; NULL: nobody wants to know */
	void *arg;
};
struct service *service_new(const struct service_options *o, struct err *err); /* everything is in the schedule; nothing runs yet */
void service_begin(struct service *s);                /* from now on what is due begins */
/* No run begins any more; those under way finish their step. idle is called once none is left. */
void service_stop(struct service *s, const char *why, void (*idle)(void *arg), void *arg);
void service_free(struct service *s);                 /* after idle */
struct schedule *service_schedule(const struct service *s);

/* ---- what people ask for; each 0 or -1 with err. sync NULL: all of the connection ---- */
struct service_ask {
	const char *connection, *integration, *sync;
	bool full_refresh, reset;
	const char *who;                   /* for the log */
	bool late;                         /* of a cancel: whoever asked for the run gave it a time, and that is up */
};
int service_trigger(struct service *s, const struct service_ask *a, struct err *err);
int service_cancel(struct service *s, const struct service_ask *a, struct err *err); /* ERR_USAGE: nothing of it runs or waits to */
int service_pause(struct service *s, const struct service_ask *a, struct err *err);
int service_start(struct service *s, const struct service_ask *a, struct err *err);
/* An interval of its own, 0: none any more. ERR_USAGE "defined_in_config" where INI names a time: nothing is changed then. */
int service_frequency(struct service *s, const struct service_ask *a, int64_t every_ms, struct err *err);
/* A connection switched on or off by a command: durable, wins over INI's `active` until INI's value changes. */
int service_enable(struct service *s, const struct service_ask *a, bool enabled, struct err *err);


/* ---- looking ---- */

struct service_view {
	bool scheduled;                    /* else only `trouble` says something */
	struct schedule_view schedule;
	const char *trouble;               /* why it is not scheduled, cannot begin, or why nothing begins; borrowed; NULL: all is well */
	uint64_t asked_ends, asked_run;    /* runs that were asked for and are over, and the number of the last (0: it did not begin) */
	struct err asked_err;              /* how that one ended */
	bool asked_running;                /* the run under way was asked for */
	int64_t since_us;                  /* this service began then: another one counts anew */
};
void service_look(const struct service *s, const char *connection, const char *integration, const char *sync,
                  struct service_view *v);
const char *service_short_of(const struct service *s); /* why no run begins at the moment, like "no space"; NULL: they do */
void service_counts(const struct service *s, size_t *connections, size_t *syncs, int64_t *next_us);

/* ---- what reload.c and plugins.c need of service.c ---- */
struct host *service_host(const struct service *s);
struct settings *service_load(struct service *s, struct err *err); /* the configuration as it stands now: options.load */
/* The settings in force, or a plugin, are others than before: what host_settings and host_manifest now say is put into the
 * schedule (what is the same keeps its due times and failures), what they do not say any more is taken out, and of its runs
 * none is begun again. Runs under way are left alone. Borrowed pointers into the old ones are not used afterwards. */
void service_refit(struct service *s);

/* Connections or variants of syncs came or went (a reload, a command): the schedule follows, and runs of those that are no more
 * are stopped in good order. */
void service_connections_changed(struct service *s);

/* plugins.c: follows the plugin directory. Called by service_begin; the other by service_stop. */
int service_plugins_watch(struct service *s, struct err *err);
void service_plugins_unwatch(struct service *s);

/* reload.c: all or nothing; what changed is logged and, a line each, put into changes (may be NULL). Connections that are
 * the same go on untouched. */
int service_reload(struct service *s, struct buf *changes, struct err *err);
/* Once a minute: has a file come that a connection lacked, it is taken, as by a reload; other edits are left for one. */
void service_mend(struct service *s);

#endif
