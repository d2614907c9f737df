/* variants.h - variants of syncs, made and removed (config/variant.h says what they are): durable in the store, and in the
 * settings in force.
 *
 * Removing one keeps what it brought: its records, checkpoint and history stay under its name, and one that is made again goes on
 * where it ended. What people decided about it (a pause, an interval, a request) is forgotten. It goes with a stored connection
 * that is removed. */
#ifndef SLUICE_RUN_VARIANTS_H
#define SLUICE_RUN_VARIANTS_H

#include "config/variant.h"
#include "run/run.h"

enum variant_fault {
	VARIANT_GOOD,
	VARIANT_INVALID, /* a name that cannot be */
	VARIANT_EXISTS,
	VARIANT_CAPPED,  /* there are VARIANTS_MAX */
	VARIANT_NO_SYNC,
	VARIANT_NONE,    /* there is no such variant */
	VARIANT_FAILED,  /* err says what */
};
/* c: one of the settings in force. Durable when they return VARIANT_GOOD, else err says why and nothing is changed. A service is
 * told by service_connections_changed, by the caller. */
enum variant_fault variant_make(struct host *h, const struct connection_settings *c, const char *sync, const char *variant,
                                struct err *err);
enum variant_fault variant_remove(struct host *h, const struct connection_settings *c, const char *sync, const char *variant,
                                  struct err *err);

/* For connections.c: those that the store has in a connection's scope are put into the connection of that name, if there is one. */
int variants_load(struct store *s, uint32_t scope, struct settings *settings, const struct scope_name *n, struct err *err);

#endif
