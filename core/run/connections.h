/* connections.h - what the store knows of connections: whether people have switched one on or off.
 *
 * INI's `active` holds until a command says otherwise; that command's word holds until INI's value changes. */
#ifndef SLUICE_RUN_CONNECTIONS_H
#define SLUICE_RUN_CONNECTIONS_H

#include "config/settings.h"
#include "store/store.h"

/* May anything of it run? store NULL: there is none, and INI alone decides. */
bool connection_enabled(struct store *s, const struct connection_settings *c);
/* Durable when it returns 0. Other members of its "control" state are left alone. */
int connection_enable(struct store *s, const struct connection_settings *c, bool enabled, struct err *err);

#endif
