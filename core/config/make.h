/* make.h - a section of the draft becomes typed settings: one maker for each kind of section. For settings.c only.
 *
 * Nothing stops at the first error: it goes to the draft's faults, and the member stays zero. */
#ifndef SLUICE_CONFIG_MAKE_H
#define SLUICE_CONFIG_MAKE_H

#include "config/draft.h"

struct building {
	struct draft *draft;
	struct settings *s;
	char **broken; /* of the connection or key that is being made; NULL: nothing may be missing */
};

/* Of kinds in their order: a section refers only to what earlier kinds have made. */
void section_make(struct building *b, const struct draft_section *s);
bool entry_refers(const struct draft_entry *e);      /* env: or file: */
bool entry_is_metadata(const struct draft_entry *e); /* metadata.NAME of a connection */

#endif
