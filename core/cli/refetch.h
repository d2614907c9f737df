/* refetch.h - `sluice dead-letters retry --refetch`: the records of dead letters are asked for anew at the provider. */
#ifndef SLUICE_CLI_REFETCH_H
#define SLUICE_CLI_REFETCH_H

#include "cli/cli.h"

/* The numbers are c->args[1] and on. The exit code, or -1 with err. */
int letters_refetch(struct cli *c, struct err *err);

#endif
