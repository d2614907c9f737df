/* changes.h - what is other in one configuration than in another, by section and key. */
#ifndef SLUICE_CONFIG_CHANGES_H
#define SLUICE_CONFIG_CHANGES_H

#include "config/keys.h"
#include "config/settings.h"

struct change {
	enum section_kind kind;
	const char *title;   /* "connection acme : slack" */
	bool removed, added; /* the section; neither: some of its keys have other values */
	char **keys;         /* of those, NULL-terminated: what `sluice config` calls them */
	struct origin at;    /* where the section stands; of one that is gone: where it stood */
};
/* Calls each for every section that differs, in the order of the kinds; borrowed. Secrets are compared by value, so one that
 * was rotated in its file is a change. Connections made by commands are not in question. Returns how many. */
size_t settings_changes(const struct settings *before, const struct settings *now,
                        void (*each)(void *arg, const struct change *c), void *arg);

#endif
