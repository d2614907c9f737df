/* sections.h - what [limit], [merge] and metadata say, judged against connections and connectors. */
#ifndef SLUICE_RUN_SECTIONS_H
#define SLUICE_RUN_SECTIONS_H

#include "run/run.h"

struct section_judge {
	void (*fault)(void *arg, const struct err *why);   /* it cannot work: "file:line: [merge people]: ..." */
	void (*doubt)(void *arg, const struct err *why);   /* it may be meant, and does nothing as things stand */
	void *arg;
};
/* Plugins that cannot be described are passed over: they are told with their connection. A host without a store does not know
 * the stored connections, so there a connection that is not there is a doubt only. */
void sections_judge(struct host *h, const struct settings *s, const struct section_judge *judge);

#endif
