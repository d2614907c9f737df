/* headers.h - the `headers` of a [dataset] section, a JSON object, as a request takes them.
 *
 * Awkward: a credential written there would be shown to whoever reads the configuration, and the host would refuse the
 * request when it is made; so the section is told where it belongs. */
#ifndef CONNECTORS_HEADERS_H
#define CONNECTORS_HEADERS_H

#include <strings.h>
#include "skim.h"

/* Into `to`, which has room for max and a NULL name behind them. 0, or the run's failure. */
static inline int
headers_read(struct sluice_run *run, const char *dataset, struct skim headers, struct sluice_pair *to, size_t max)
{
	struct skim_walk w = skim_walk(headers);
	size_t n = 0;

	for (; skim_next(&w); n++) {
		if (n == max)
			return sluice_fail(run, SLUICE_EFAILED, "dataset %s: more than %zu headers", dataset, max);
		to[n] = (struct sluice_pair){sluice_format(run, "%.*s", (int)w.key.len, w.key.p), skim_text(run, w.value)};
		if (!strcasecmp(to[n].name, "authorization"))
			return sluice_fail(run, SLUICE_EFAILED,
			                   "dataset %s: headers: %s is the host's to send: give the connection its token, or "
			                   "api_key with auth = header Authorization PREFIX",
			                   dataset, to[n].name);
	}
	to[n] = (struct sluice_pair){NULL, NULL};
	return 0;
}

#endif
