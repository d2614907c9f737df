/* connections.h - what the store knows of connections: those that were made by a command, and which people have switched
 * off or on.
 *
 * INI's `active` holds until a command says otherwise; that command's word holds until INI's value changes. A connection
 * comes from INI or from the store, never from both: where both name one, INI's holds. */
#ifndef SLUICE_RUN_CONNECTIONS_H
#define SLUICE_RUN_CONNECTIONS_H

#include "run/run.h"

/* May anything of it run? store NULL: there is none, and INI alone decides. */
bool connection_enabled(struct store *s, const struct connection_settings *c);
/* Durable when it returns 0. Other members of its "control" state are left alone. */
int connection_enable(struct store *s, const struct connection_settings *c, bool enabled, struct err *err);

/* The stored ones are put into s, and to all connections their variants; a warning for each that INI names too. One that cannot be read is `broken`. */
int connections_load(struct host *h, struct settings *s, struct err *err);
/* A new one (config/stored.h says what json is; checked), or in the place of a stored one. Judged against its plugin first;
 * durable, and in the settings in force, when it returns 0. ERR_USAGE with "defined_in_config" when INI names it. */
int connection_add(struct host *h, const char *name, const char *integration, struct slice json, bool replace,
                   struct err *err);
/* Forgotten, with its credentials; its records and state stay. One that INI names is not removed here; what is stored beside
 * INI's is. */
int connection_remove(struct host *h, const char *name, const char *integration, struct err *err);
/* Name in STATE_CONNECTION: what an application has put on it, a JSON object; "updated_at" is the time of that. Goes with a
 * connection that is removed. */
#define CONNECTION_LABELS SLICE("labels")
/* Its metadata: what somebody or some run has set, else what INI gives. False: none. s NULL: INI's. */
bool connection_metadata(struct store *s, const struct connection_settings *c, struct buf *out);
/* Puts, or merges into, its metadata as part of a commit. scope: the connection's. */
void commit_metadata(struct commit *commit, struct store *s, const struct connection_settings *c, uint32_t scope, struct slice value,
                     bool merge);
/* The time of the file, as text; false: not known. */
bool file_changed_at(const struct origin *at, char out[TIME_TEXT_MAX]);
/* When it came to be: a stored one was added, one of INI has the time of its file. */
bool connection_added_at(struct store *s, const struct connection_settings *c, char out[TIME_TEXT_MAX]);
/* Are its options and credentials what its plugin wants? */
int connection_judge(struct host *h, const struct connection_settings *c, struct err *err);

#endif
