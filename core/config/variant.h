/* variant.h - variants of a sync: the same sync of one connection once more, under another name and with everything of its own.
 *
 * "leads::eu" is the variant "eu" of the sync "leads". That is its name wherever syncs have names (schedule, history, scopes in
 * the store, commands), so a variant is told from its sync as any other sync is, and nobody has to compare two things. Only who
 * leaves that world takes the name apart: what the worker runs, datasets, and the contract's shapes. The sync itself is its own
 * variant "base", and is never written so. */
#ifndef SLUICE_CONFIG_VARIANT_H
#define SLUICE_CONFIG_VARIANT_H

#include "config/settings.h"

#define VARIANT_BASE "base"
#define VARIANT_MARK "::"
#define VARIANTS_MAX 100     /* of one sync of one connection */
#define VARIANT_NAME_MAX 255

/* Of a sync's or a model's name as above. */
const char *variant_of(const char *name);     /* "eu"; NULL: it is none */
struct slice variant_base(const char *name);  /* "leads" */
/* The name out of both; variant NULL or "base", or a name that has one already: as it is. Yours. */
char *variant_join(const char *name, const char *variant);
bool variant_name_good(const char *variant); /* letters, digits, _ and -; base is fine */

/* Those of a connection, in order of their names. */
bool variants_have(const struct connection_settings *c, const char *name);
size_t variants_count(const struct connection_settings *c, struct slice sync);
void variants_put(struct connection_settings *c, const char *name); /* one that is not there */
void variants_drop(struct connection_settings *c, const char *name);
/* Another connection takes the place of `from`, and its variants. */
void variants_move(struct connection_settings *from, struct connection_settings *to);
void variants_free(struct connection_settings *c);

#endif
