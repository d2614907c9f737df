/* installed.h - the connectors' files in the plugin directory: one put in, the one before kept, and swapped back. */
#ifndef SLUICE_CLI_INSTALLED_H
#define SLUICE_CLI_INSTALLED_H

#include "base/err.h"

/* The file FROM becomes DIR/NAME.so: whoever opens that name at any moment finds the old or the new one, whole. What was there is kept as
 * DIR/.rollback/NAME.so-N, the last few of them. It is durable when this returns. */
int installed_put(const char *dir, const char *name, const char *from, struct err *err);
/* The one kept last; yours. NULL: none is (ERR_USAGE). */
char *installed_kept(const char *dir, const char *name, struct err *err);
/* The two change places in one step: what was in use is then what is kept. */
int installed_swap(const char *dir, const char *name, const char *kept, struct err *err);

#endif
