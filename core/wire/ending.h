/* ending.h - why a worker ended, in words, from what is left of it: its exit status, the phase it was in, and what it
 * wrote on stderr. */
#ifndef SLUICE_WIRE_ENDING_H
#define SLUICE_WIRE_ENDING_H

#include "wire/message.h"

struct ending {
	int code;             /* CLD_EXITED, CLD_KILLED, CLD_DUMPED: si_code of waitid */
	int status;           /* si_status: exit status or signal */
	int words;            /* read end of its stderr, not blocking; read here, not closed */
	enum wire_phase phase;
	bool half;            /* bytes that are no whole frame were left */
	bool told;            /* it had been told to exit */
};

void ending_explain(const struct ending *e, struct err *why); /* why stays as it is when it ended as it was told to */
const char *ending_phase(enum wire_phase phase);              /* "in the middle of a function" */

#endif
