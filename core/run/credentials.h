/* credentials.h - by which credentials, and at whom, a connection works: a mark that changes when they do.
 *
 * A refusal is kept with the mark of what was refused (STATE_LAST, "credentials"). Where the mark of today is another, a
 * person has mended something meanwhile, whether or not a host ran at the time: nothing waits for attention any more.
 *
 * The mark is 32 bits of a sum keyed with the store's own seed: enough to notice a change, too little to tell a secret by. */
#ifndef SLUICE_RUN_CREDENTIALS_H
#define SLUICE_RUN_CREDENTIALS_H

#include "plugin/manifest.h"
#include "run/run.h"

#define CREDENTIALS_MARK 9 /* hex digits and the end */

/* tokens: with what OAuth 2 has put into the store. "" when its options are faulty, or there is no store. Reads at most one key. */
const char *credentials_mark(struct host *h, const struct manifest *m, const struct connection_settings *c, bool tokens,
                             char mark[CREDENTIALS_MARK]);

#endif
