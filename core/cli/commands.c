/* commands.c - the verbs, in the order in which --help shows them. */
#include "cli/cli.h"

extern const struct command command_run, command_records, command_changes;

const struct command *const commands[] = {
	&command_run,
	&command_records,
	&command_changes,
	NULL,
};
