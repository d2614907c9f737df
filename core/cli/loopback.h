/* loopback.h - the address that a browser comes back to (RFC 8252, 7.3): 127.0.0.1, any free port, one path. */
#ifndef SLUICE_CLI_LOOPBACK_H
#define SLUICE_CLI_LOOPBACK_H

#include <stdbool.h>
#include <stdint.h>
#include "base/err.h"

struct loopback_answer { /* "" what was not given */
	char code[2048], error[128], why[512];
};
struct loopback;
/* expected: is that the state that we sent? */
struct loopback *loopback_new(bool (*expected)(const void *arg, const char *state), const void *arg, struct err *err);
const char *loopback_uri(const struct loopback *l);
int loopback_wait(struct loopback *l, int64_t wait_ms, struct loopback_answer *answer, struct err *err); /* blocks; -1: nobody came */
void loopback_free(struct loopback *l); /* the last page is sent first; NULL is fine */

#endif
