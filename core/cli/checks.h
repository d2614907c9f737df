/* checks.h - a connector's check carried out by the host that has the store, for connections whose credentials only it has. */
#ifndef SLUICE_CLI_CHECKS_H
#define SLUICE_CLI_CHECKS_H

#include "cli/jobs.h"

/* Beside a host: its credentials are stored, or its access token is kept and renewed there. */
bool check_is_hosts(const struct access *a, const struct pick *p);
/* As jobs_run: each end told by jobs->ended, at most jobs->max at once. A signal ends the waiting; the host ends the check. */
void checks_run(struct access *a, struct jobs *jobs, const struct picks *picks);

#endif
