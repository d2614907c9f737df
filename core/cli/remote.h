/* remote.h - `sluice run` beside a host that serves: it is asked to run, and its ends are waited for. */
#ifndef SLUICE_CLI_REMOTE_H
#define SLUICE_CLI_REMOTE_H

#include "cli/jobs.h"

/* Does a service have this store open? (One-shot commands answer questions too, and run nothing for others.) */
bool remote_serves(struct cli *c);
/* As jobs_run: all of picks, each end told by jobs->ended. in_turn: each is asked for after the end of the one before. */
int remote_run(struct jobs *jobs, const struct picks *picks, bool in_turn);

#endif
