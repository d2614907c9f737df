/* jobs.h - several runs on one loop: side by side across connections, one after the other within one. */
#ifndef SLUICE_CLI_JOBS_H
#define SLUICE_CLI_JOBS_H

#include "cli/cli.h"

struct jobs;
struct job {
	struct pick pick;
	struct jobs *jobs;
	struct run *run;          /* while it is under way */
	bool begun, over;
	bool unreachable;         /* nobody answered */
	bool again;               /* and nobody had answered the one before it */
};

struct jobs {
	struct cli *cli;
	struct host *host;
	struct run_request request; /* what is the same for all; connection and name are filled in */
	uint64_t max;               /* side by side */
	void (*ended)(struct jobs *jobs, struct job *job, const struct run_result *r); /* also of one that could not begin */
	void *arg;

	struct job *list;
	size_t n, active;
	int exit, signal;
	uint64_t good, records, requests; /* of those that are over */
	uint64_t left;              /* never begun, for a signal came before */
	uv_signal_t on_int, on_term;
	uv_timer_t progress;
	int handles;
	int64_t start_ms;
	bool line;                  /* a progress line stands on the terminal */
};

/* Runs all; returns the exit code of the worst, or 130/143 when a signal ended it. */
int jobs_run(struct jobs *jobs, const struct picks *picks);
void jobs_line_clear(struct jobs *jobs); /* before something else is written */

#endif
