/* step.h - one call of one function of the plugin, and what its calls of the host's table share.
 *
 * The plugin holds a pointer to .run, the first member; everything behind it is ours. A step ends in one of three
 * ways: the
 * function came to its end; it failed (.status and .reason, set by the first failure, which sticks); or the step was
 * *over* (budget,
 * time, the host's wish) and the function was led out: .over is set, paginations answer 0, everything else
 * SLUICE_ECANCELLED and
 * does nothing, and the host calls the function again. What is written after a step was over is dropped, since the next
 * step comes to the same place again, with everything in hand. */
#ifndef SLUICE_WORKER_STEP_H
#define SLUICE_WORKER_STEP_H

#include <sluice.h>
#include "worker/arena.h"
#include "worker/http.h"
#include "worker/paginate.h"
#include "worker/positions.h"
#include "worker/records.h"
#include "worker/worker.h"

#define STEP_SKIPS 32 /* finished paginations that were walked over are worth one more request */
#define STATE_MAX ((size_t)64 << 10) /* bytes of a checkpoint, and of a connection's metadata */

enum stop_reason { STOP_NONE, STOP_BUDGET, STOP_DEADLINE, STOP_CANCELLED, STOP_HOST_ENDS };

struct runtime {                       /* outlives a step: worker->runtime */
	const struct manifest_sync *sync; /* whose positions these are; NULL: nobody's */
	struct position_set *positions;
	uint32_t nests;                /* bit d: a pagination of depth d > 1 had others within it */
	struct buf frame;              /* memory for the next batch */
	struct checker *checkers;      /* one a model, made when first used */
};

struct step {
	struct sluice_run run;
	struct worker *w;
	struct runtime *rt;

	/* what is running */
	enum step_what what;
	const char *name;                  /* of the sync or action; "" for a check */
	const struct manifest_sync *sync;  /* NULL in checks and actions */
	const void *data;
	bool shaped;                       /* of a dataset that the operator named */
	bool keeps;                        /* positions are sent: a sync that is not SLUICE_WHOLE */
	bool full, resumed;
	int64_t now_us, last_success_us;
	uint32_t calls;                    /* requests that this step should make at most; 0: no limit */
	uint32_t time_ms;                  /* it should last at most; 0: no limit */
	int64_t began_ms;                  /* monotonic */
	uint32_t page_size;                /* the operator's; 0: as declared */
	const char *connection, *input;    /* JSON */
	struct slice options;              /* JSON object inside connection */
	struct buf metadata, checkpoint;   /* as this run sees them; an empty checkpoint is none */
	const char *metadata_given, *checkpoint_given; /* copies that the plugin holds; NULL: changed since */
	uint64_t list_cursor;              /* sluice_list_records: where it is, */
	struct buf listed;                 /* and the page of it that the plugin holds */

	/* how it goes */
	int status;                        /* enum sluice_status; the first failure */
	char reason[1000];
	bool over;                         /* the function is being led out */
	bool told_to_stop;                 /* sluice_should_stop said 1 */
	bool incomplete;
	enum stop_reason stop;
	char stop_text[200];
	uint64_t requests;                 /* made in this step */
	uint64_t progress;                 /* positions, checkpoints and metadata kept in this step: something to go on
					    * from */
	uint64_t skipped;                  /* finished paginations that were asked for again */

	struct arena arena;                /* until the function returns */
	struct http http;
	struct pager pager;
	struct buf out;                    /* frames about to be sent */
};

struct step *step_of(struct sluice_run *run);
/* Sets the sticky failure, unless there is one. Returns the sticky status. */
int step_fail(struct step *s, int code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
int step_status(const struct step *s);         /* sticky failure, or ECANCELLED when the step is over, or 0 */
bool step_spent(struct step *s);               /* budget, time, or the host says that it should end (looks at the
					        * channel) */
int64_t step_left_ms(const struct step *s);    /* INT64_MAX: no limit */
void step_poll(struct step *s);                /* takes what the host sent, without waiting */
void step_wait(struct step *s);                /* takes the next frame */
void step_take(struct step *s, const struct frame *f); /* one frame of the host */
void step_send(struct step *s);                /* sends and empties .out */
void step_log(struct step *s, enum sluice_level level, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
const char *status_name(int status);           /* "EHTTP" */

extern const struct sluice_host host_table;    /* host_table.c */

#endif
