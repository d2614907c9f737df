/* secret.h - a value that no format string can take and no log can show.
 *
 * The bytes live in memory that is wiped when freed; secret_new also tells log_secret(), so that they are blanked
 * wherever they turn up. Only the proxy (to send it) and the store (to seal with it) call secret_reveal. */
#ifndef SLUICE_BASE_SECRET_H
#define SLUICE_BASE_SECRET_H

#include "base/buf.h"

struct secret;

struct secret *secret_new(struct slice value); /* copied; yours */
struct secret *secret_dup(const struct secret *s); /* yours; NULL stays NULL */
void secret_free(struct secret *s);            /* wipes; NULL is fine */
struct slice secret_reveal(const struct secret *s); /* borrowed; NULL gives the empty slice */
bool secret_eq(const struct secret *s, struct slice guess); /* in time that depends on the lengths only */

#endif
