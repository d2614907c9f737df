/* inside.h - struct run, for the files of core/run only: who owns what, and which file does what with it.
 *
 *   run.c       the state machine; the only one that changes run->state
 *   look.c      runs looked at from outside
 *   begin.c     what is settled before a worker is started
 *   session.c   the worker: start, frames to handlers, deadline, end
 *   intake.c    what a worker sends to be kept, judged before anything believes it
 *   requests.c  what a worker asks for of the provider: HTTP by the proxy
 *   conditions.c  pages that the provider says have not changed
 *   events.c    events instead of pages: one step each
 *   lookup.c    what it asks for of the store: records
 *   batch.c     the commit in the making and those on their way to the disk
 *   steps.c     a run cut into steps: their length, their records, and failed ones tried again
 *   facts.c     what of a run outlives it (STATE_RUN, STATE_LAST)
 *   finish.c    the end: sweep or not, run record, last state
 *   refused.c   a run that could not begin
 *   reason.c    a refused answer in the provider's words
 *   dry.c       the sink that compares instead of storing
 *
 * Nothing here frees or changes state from inside a callback of worker, proxy or store: callbacks note what happened and call
 * run_poke(); run_advance() then acts on the next turn of the loop. */
#ifndef SLUICE_RUN_INSIDE_H
#define SLUICE_RUN_INSIDE_H

#include "base/log.h"
#include "run/conditions.h"
#include "run/host.h"
#include "run/idset.h"
#include "run/member.h"
#include "run/metrics.h"
#include "run/shaped.h"
#include "run/whole.h"
#include "wire/worker_process.h"

struct dry_model;

#define FRAME_PIECE (FRAME_MAX - 64u) /* bytes of an answer in one frame */

struct run_model {                   /* one of the models that this sync writes */
	uint16_t index;              /* in the manifest: what the wire says */
	const struct manifest_model *model;
	const char *key;             /* name of its key field */
	uint32_t dataset;            /* 0: a dry run, and there is none yet */
	bool loose;                  /* saved since the last page boundary */
	bool handmade;               /* saved outside any pagination: needs the author's word */
	bool vouched;                /* sluice_full_done */
	bool rejected;               /* a record of it went to the dead letters */
	uint64_t held;               /* deletes held back by the sweep */
	uint64_t added, updated, deleted; /* by this run, of what is durable */
	struct dry_model *dry;       /* dry runs only */
};

/* What must survive the process: see facts.c. The flags of the models belong to it too. */
struct facts {
	int64_t now_us;              /* sluice_now: start of the first of the runs that this one goes on with */
	int64_t last_success_us;     /* sluice_last_success without look-back; 0: none */
	bool full;                   /* lists everything */
	bool staged;                 /* readers see what it brings only at its successful end */
	bool reset;                  /* what it does not list goes, whether or not the sync tracks deletes */
	bool incomplete;             /* a loop was left early, or an answer that was no success was passed over */
	bool partial;                /* the connector says that something was kept back */
	bool weak, shifted;          /* some pagination proved little (page numbers), or nothing */
	uint64_t finished;           /* paginations delivered to their end */
	uint64_t steps;
};

struct page_mark {                   /* a page boundary in a commit */
	uint64_t key;                /* which pagination: hash of its name */
	uint32_t items;
	uint8_t depth;
	bool finished;
};

#define STALE_DEPTHS 8
struct stale {                       /* one level of nested paginations */
	uint64_t key;
	uint64_t pages;              /* in a row without anything new */
};

/* What was taken in and is not durable: where it is dropped, it counts for nobody. */
struct taken {
	uint64_t pages, fetched, saved, rejected;
};

struct step {                        /* one try of one step: steps.c */
	struct step *next;
	uint64_t number;             /* in the run, from 1 */
	uint64_t attempt;            /* 1: the first */
	uint64_t calls;              /* it was given; 0: no end */
	uint64_t worker;             /* which of the run's */
	int pid;
	int64_t started_us, finished_us, started_ms;
	int64_t rate_ms;             /* the run had waited for limits when it began */
	struct run_counts counts;    /* its share */
	enum err_class cls;
	char *reason;                /* NULL: it did not fail */
	struct buf before, after;    /* position */
	unsigned flying;             /* commits of it on their way */
	bool dirty;                  /* its record is behind */
};

struct steps {
	struct step *list;           /* the newest first; those whose end is not all durable */
	struct step *now;            /* NULL: between two */
	struct run_counts taken;     /* of the run's counts, what is shared out */
	uint64_t begun;
	uint64_t failed;             /* in a row */
	uint64_t calls;              /* in the next one, as step_time has it; 0: not known */
	double each_ms;              /* one request takes */
	int64_t again_ms;            /* when a failed one is tried again */
	bool anew;                   /* a sync in one piece, begun for the second time */
	bool cut;                    /* said that there are too many */
};

struct batch {
	struct commit *open;         /* NULL: nothing in it yet */
	struct page_mark *marks;     /* of the open commit */
	size_t n_marks;
	bool whole;                  /* nothing came since the last boundary: it may go as it is */
	bool now;                    /* somebody waits for it */
	bool dirty;                  /* facts have changed since they were last put in a commit */
	unsigned flying;             /* on their way to the disk: see batch.c */
	size_t flying_bytes;
	bool held;                   /* the worker's socket is not read */
	struct taken taken;          /* in the open commit */
	uint64_t saved, fresh;       /* dry runs: since the last boundary */
	struct stale stale[STALE_DEPTHS];
};

struct call {                        /* of sluice_batch_save: the frames of one that came in several */
	struct buf bytes;            /* records as on the wire */
	uint64_t count;
	uint16_t model;
	uint8_t op;
	bool page;                   /* of the page in hand, as it stands there */
	bool open;                   /* more frames are to come */
};

enum run_ending { ENDING_NOT, ENDING_LAST, ENDING_COUNTED };

struct flight;                       /* an HTTP request under way: requests.c */

struct run {
	struct host *host;
	struct run *next;            /* of host->runs */
	struct run_request request;  /* name and input are copies */
	run_done *done;
	void *arg;
	enum run_state state;

	struct settings *settings;            /* those that it began with */
	const struct connection_settings *connection;
	const struct manifest *manifest;
	const struct manifest_sync *sync;     /* NULL: a check or action */
	const struct manifest_webhook *webhook; /* a run of events; sync is then what it says of its models */
	uint64_t event, events;               /* in hand, 0: none; handled */
	struct voice voice;                   /* of the one in hand */
	const struct manifest_action *action; /* NULL: a check or sync */
	struct sync_settings limits;          /* defaults filled in */
	struct shaped *shaped;                /* its manifest with the operator's datasets; NULL: the plugin's own */
	struct plugin_file *plugin;           /* as it was when this run began, whatever lies there now */
	struct buf connection_json, metadata, checkpoint; /* checkpoint empty: none */
	struct proxy_target *target;

	uint32_t scope, connection_scope;     /* of the sync, of the connection; 0 in dry runs of something never run */
	struct fence fence;
	uint64_t number;                      /* in the history; 0: none */
	uint64_t resumes;                     /* number of the run that was interrupted; 0: none */
	bool by_hand;                         /* it begins where a person set its positions */
	struct run_model *models;
	size_t n_models;
	struct facts facts;

	struct worker_process *worker;
	bool begun;                           /* its beginning is in the store, or on its way */
	bool naming, named;                   /* numbers for new names are on their way; have come */
	bool metadata_first;                  /* that of the connection is INI's, and not in the store yet */
	bool worker_over;                     /* on_end has come */
	bool killed;                          /* by us: no second chance */
	bool started;                         /* a step has been sent to this worker */
	bool progress;                        /* something new was committed since this worker was started */
	bool respawn;
	bool exiting;                         /* told to exit: its end is no failure */
	bool ended;                           /* the last step is over */
	bool late;                            /* of an action or check: its time was up */
	bool unreachable;                     /* the last request got not one byte of an answer */
	int64_t retry_at_us;                  /* as the last answer that was no success has it; 0: nothing */
	bool bad_answer;                      /* in this step: an answer that was neither success nor accepted */
	uint32_t serial;
	char *sandbox;                        /* "landlock 7, seccomp" */

	struct flight *flights;
	unsigned n_flights;
	struct slice waiting_get;             /* a copy of a MSG_GET's body that waits for the commits before it; p NULL: none */
	uint32_t waiting_get_serial;

	struct batch batch;
	struct steps steps;
	struct buf position;                  /* of the pagination that moved last, as text */
	struct call call;
	struct conditions conditions;
	struct whole whole;
	struct idset seen_ids;                /* of one call, for duplicates */

	struct err err;
	char *stop_why;                       /* NULL: not stopping */
	bool more;                            /* ends in good order before its work is done */
	bool stop_timeout;                    /* stopped by its own deadline */
	enum run_ending ending;               /* COMMITTING: how far that is */
	bool keep_open;                       /* ended by its own word: what it saved is good */
	int64_t kill_at_ms, deadline_ms, owed_ms; /* monotonic; 0: none. owed_ms: since when the worker owes us a frame */
	int64_t start_ms, account_ms;
	int64_t start_us;
	uv_timer_t tick, poke;
	int open_timers;

	struct run_counts counts;
	uint64_t duplicates;                  /* ids twice in a call */
	uint64_t logged, logged_bytes;        /* log lines kept */
	uint64_t progress_done, progress_total;
	bool complete;
	struct buf warnings;                  /* lines */
	struct buf lines;                     /* of the log, as JSON: for the next commit */
	struct buf reply, answer, answer_headers;
	int status;
};

/* run.c */
void run_enter(struct run *r, enum run_state state);          /* from run.c, and from session.c where the worker's word moves it on */
void run_poke(struct run *r);                                 /* have a look, on the next turn of the loop */
void run_fail(struct run *r, const struct err *why);          /* the first reason counts; ends the worker */
void run_failf(struct run *r, enum err_class cls, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
void run_limit(struct run *r, const char *fmt, ...) __attribute__((format(printf, 2, 3))); /* stops it in good order: progress is kept */
void run_warn(struct run *r, const char *fmt, ...) __attribute__((format(printf, 2, 3))); /* once each */
bool run_over(const struct run *r);                           /* failed, or past its last step: frames are not wanted any more */
void run_account(struct run *r);                              /* the time since the last call goes to whoever it belongs to */
void run_account_as(struct run *r, enum wait_reason reason);  /* the same; to this wait, unless WAIT_NONE */
const struct json_seed *run_seed(const struct run *r);
struct run_model *run_model_at(struct run *r, uint16_t index); /* NULL: this sync does not write it */

/* begin.c */
int begin_run(struct run *r, struct err *err);               /* judges; writes nothing */
int begin_write(struct run *r, struct err *err);              /* the rest, once all names have their numbers: into the open batch */
void begin_anew(struct run *r);                               /* a sync in one piece, from its beginning again */
void begin_state(struct run *r);                              /* metadata and checkpoint as they are committed */

/* session.c */
int session_start(struct run *r, struct err *err);
void session_step(struct run *r);
void session_stop(struct run *r, int reason);                 /* MSG_STOP */
void session_exit(struct run *r);
bool session_listens(const struct run *r);                    /* an answer would be read */
void session_owed(struct run *r);                             /* it got one: from now on it owes us a frame */
void session_break(struct run *r, const char *message, const char *what); /* the worker broke a promise */

/* intake.c */
void intake_save(struct run *r, const struct frame *f);
void intake_dead(struct run *r, const struct frame *f);
void intake_metadata(struct run *r, const struct frame *f);
void intake_checkpoint(struct run *r, const struct frame *f);
void intake_position(struct run *r, const struct frame *f);
void intake_full_done(struct run *r, const struct frame *f);

/* requests.c */
void requests_send(struct run *r, const struct frame *f);
void requests_read(struct run *r, const struct frame *f);
void requests_close(struct run *r, const struct frame *f);
void requests_cancel(struct run *r);
enum wait_reason requests_waiting(const struct run *r, int64_t *until_us, const char **what); /* what: as proxy_waiting_for */

/* events.c */
bool event_open(const struct run *r);                         /* one is in hand: nothing is committed before its end */
bool events_take(struct run *r);                              /* the next one, as the step's input; false: none */
void events_done(struct run *r);                              /* the one in hand, with all that it saved */
void events_grown(struct run *r);
void events_voice(const struct run *r, struct voice *v);      /* whose word is what is saved now */
char *run_scope_name(const struct run *r);                    /* as its sync stands in the store and in the history; yours */

/* lookup.c */
void lookup_ask(struct run *r, const struct frame *f);
void lookup_answer(struct run *r);                            /* the one that waited */

/* batch.c */
struct commit *batch_open(struct run *r);                     /* the commit in the making */
void batch_grown(struct run *r);                              /* something went in: a boundary when it is large */
void batch_boundary(struct run *r, const struct page_mark *page, bool now); /* page NULL: none */
void batch_part(struct run *r);                               /* a step's end: what there is goes, apart from what comes */
void batch_taken(struct run *r, const struct taken *more);
void batch_drop(struct run *r);                               /* what is not committed is forgotten */
bool batch_idle(const struct run *r);                         /* nothing is on its way */
void batch_hold(struct run *r);

/* steps.c */
void steps_begin(struct run *r);
void steps_end(struct run *r, const struct err *why);         /* why NULL: it went well. None under way: nothing */
void steps_last(struct run *r);                               /* no other will come */
uint64_t steps_calls(const struct run *r);                    /* in the next one; 0: no end */
bool steps_again(struct run *r, const struct err *why);       /* true: what failed is tried again by a new worker */
void steps_watch(struct run *r);                              /* step_limit */
struct step *steps_put(struct run *r, struct commit *c);      /* records; returns whose the commit is */
void steps_durable(struct step *s, const struct commit_result *result); /* s NULL: nobody's */
void steps_position(struct run *r, struct slice name, struct slice state);
void steps_free(struct run *r);

/* facts.c */
void facts_write(const struct run *r, struct buf *out);
bool facts_read(struct run *r, struct slice json);            /* false: of another kind of run, not to be gone on with */
void facts_again(struct run *r);                              /* as they are committed: what was dropped never was */
void facts_last(const struct run *r, const char *status, struct slice before, struct buf *out);

/* finish.c */
const char *finish_status(const struct run *r);               /* "success" "partial" "error" "stopped" */
bool finish_run(struct run *r);                               /* submits the next of the last commits; true: there is none left */
enum sweep_verdict { SWEEP_NO, SWEEP_ONCE, SWEEP_TWICE };
enum sweep_verdict finish_verdict(struct run *r, const struct run_model *m, char why[256]);
bool finish_sweeps(const struct run *r); /* absence is worked out */

/* history.c */
void history_write(const struct run *r, const char *status, struct buf *out);
void history_time(const struct run_counts *c, struct json_out *o); /* "time":{..., which the caller closes */
void history_pour(struct run *r, struct commit *c);           /* the log lines so far */
void history_begun(struct run *r);                            /* the first line of its log, */
void history_ended(struct run *r);                            /* and the last */
void history_log(struct run *r, enum log_level level, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
const struct log_field *history_fields(const struct run *r, struct log_field fields[6]);

/* reason.c */
const char *reason_class(enum err_class cls);                 /* as history and STATE_LAST carry it */
void reason_write(const struct run *r, struct slice reason, struct buf *out);

/* dry.c */
void dry_begin(struct run *r);
void dry_save(struct run *r, struct run_model *m, struct slice id, struct slice json, const struct json_hash *hash);
void dry_update(struct run *r, struct run_model *m, struct slice id, struct slice patch);
void dry_delete(struct run *r, struct run_model *m, struct slice id);
void dry_finish(struct run *r);
void dry_free(struct run *r);

#endif
