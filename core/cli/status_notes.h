/* status_notes.h - the lines below the table of `sluice status`, from the rows that were told. */
#ifndef SLUICE_CLI_STATUS_NOTES_H
#define SLUICE_CLI_STATUS_NOTES_H

#include "cli/cli.h"

struct status_notes { /* zero; its text is yours to free */
	struct buf text;                        /* whole lines */
	const struct connection_settings *told; /* whose came last */
};
void notes_sync(struct status_notes *n, const struct pick *p, struct slice row);
void notes_host(struct status_notes *n, struct slice host); /* the end of the answer */

/* What a service says of a sync that the last run's word does not: all but that it waits for its time or runs. Yours; NULL:
 * nothing. */
char *status_live_word(struct slice row);

#endif
