/* stored.h - connections that were made by a command: the JSON in which the store keeps one, as settings.
 *
 *   {"credentials": {"token": "..."}, "options": {"base_url": "...", "channel": "..."}, "hidden": ["channel"],
 *    "metadata": {"region": "eu"}, "added_at": "2026-11-23T07:22:19Z", "added_by": "root"}
 *
 * credentials: keys of a [connection] section that are secrets. options: its other keys, and what the connector declares,
 * both as text as it would stand in the INI after env: and file:. hidden: options that are never shown. */
#ifndef SLUICE_CONFIG_STORED_H
#define SLUICE_CONFIG_STORED_H

#include "config/settings.h"

/* The connection as settings; yours until settings_connection_put. Its integration is one of s, made when s has none of that
 * name. NULL (ERR_USAGE): a name, a key or a value that cannot be. json: checked. */
struct connection_settings *stored_read(struct settings *s, struct slice name, struct slice integration, struct slice json,
                                        struct err *err);
/* Those made since there were n of them, for connections that came to nothing; none of s's connections is one of theirs. */
void settings_integrations_cut(struct settings *s, size_t n);
/* s takes c. A stored one of the same names is retired before; one of the INI must not be there. */
void settings_connection_put(struct settings *s, struct connection_settings *c);
/* A stored connection is none of s any more; what still works by it may go on to do so while it holds s. */
void settings_connection_retire(struct settings *s, const struct connection_settings *c);
void connection_settings_free(struct connection_settings *c); /* secrets wiped; NULL is fine */

#endif
