/* ask.h - the other end of /_control, for scripts: `sluice-provider --control http://127.0.0.1:PORT VERB ...`. */
#ifndef PROVIDER_ASK_H
#define PROVIDER_ASK_H

#include "base/err.h"

/* words: AT VERB [name=value ...] [JSON ...]. Prints the answer's body on stdout; -1 when it is none of success. */
int ask(char *const *words, struct err *err);

#endif
