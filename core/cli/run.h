/* run.h - runs for other commands than `sluice run`. */
#ifndef SLUICE_CLI_RUN_H
#define SLUICE_CLI_RUN_H

#include "cli/cli.h"
#include "store/store.h"

/* A full refresh of each of these syncs, in this process or by the host that serves; as text each is told as `sluice run`
 * tells it, in JSON none. The exit code of the worst, or -1 with err: nothing was run. */
int run_refresh(struct cli *c, const struct scope_name *syncs, size_t n, struct err *err);

#endif
