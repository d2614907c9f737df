/* history.h - one run as people read it. */
#ifndef SLUICE_CLI_HISTORY_H
#define SLUICE_CLI_HISTORY_H

#include "base/json.h"

struct run_text {
	bool begun, logged; /* the record was shown; a line of its log was */
};
void history_run_row(struct run_text *t, struct slice row); /* the record, then each line of its log: printed */

#endif
