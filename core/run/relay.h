/* relay.h - one request of an application to a provider, sent as the connection's own runs send theirs.
 *
 * Same target, same door: credentials and their renewal, allow-list, rate limits and quotas are core/proxy's, and are shared
 * with the syncs of the connection. The answer streams; nothing of it is kept. */
#ifndef SLUICE_RUN_RELAY_H
#define SLUICE_RUN_RELAY_H

#include "run/run.h"

struct relay;

struct relay_hooks {
	/* Once, with the answer's status and headers, before its body; not when there is none. */
	void (*head)(void *arg, int status, struct slice headers);
	void (*piece)(void *arg, struct slice bytes);
	/* Last, once, from the loop; ERR_NONE: the answer was whole. ERR_RATE: nothing is let pass for retry_ms from now; 0: nobody said. */
	void (*done)(void *arg, const struct err *err, int64_t retry_ms);
	void *arg;
};
/* c: of the settings in force, and unbroken. NULL with err: it cannot be asked at all, and no hook is called. The relay is gone
 * after done. r->streamed is set here. A refusal's body (400 and above) of up to 64 KiB comes in one piece,
 * without anything secret that a provider sends back. */
struct relay *relay_begin(struct host *h, const struct connection_settings *c, const struct proxy_request *r,
                          const struct relay_hooks *hooks, struct err *err);
void relay_pause(struct relay *r, bool pause);
void relay_cancel(struct relay *r); /* done comes with ERR_STOPPED */

#endif
