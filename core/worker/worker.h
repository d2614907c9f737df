/* worker.h - one worker process: what all of its files share.
 *
 * main.c builds it and serves; step_run() (step.c, the runtime) calls one function of the plugin and answers its calls
 * of the host's table over the channel. After MSG_LOADED a worker is only this struct and the plugin. */
#ifndef SLUICE_WORKER_WORKER_H
#define SLUICE_WORKER_WORKER_H

#include "plugin/manifest.h"
#include "worker/channel.h"
#include "worker/load.h"

struct worker {
	struct channel *ch;
	struct plugin plugin;        /* loaded; by load.h's helpers only */
	struct manifest *manifest;   /* what the plugin declares, parsed and valid; indexes of models, syncs and actions are the plugin's own */
	enum hello_mode mode;
	bool seccomp_only;
	uint64_t max_answer;         /* bytes of a decoded answer, from HELLO */
	uint64_t max_record;         /* bytes of one record */
	char *name;                  /* the plugin's, by its file */
	struct buf shaped;           /* its manifest with the datasets that the operator named; empty: none, or it is in force */
	struct buf positions;        /* bodies of the MSG_POSITION_IS that came since the last step, one after the other: {B name, B state}
	                              * each. step_run reads them and clears it */
	void *runtime;               /* the runtime's own state over several steps; NULL at first */
};

/* Calls the function that MSG_STEP names, serves it, and sends MSG_STEP_END. The step's body stays valid throughout. 0, or -1 when
 * the step could not even be begun (the host asked for something that is not there): the process then ends. */
int step_run(struct worker *w, const struct frame *step);

#endif
