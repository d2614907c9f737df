/* endpoints.c - see endpoints.h. One that is switched off, or lacks its secret, gets its events all the same: they wait.
 *
 * Bits of records are the store's own and those of enum webhook_event alike; the others pass through as the caller's. */
#include "run/endpoints.h"

#include <assert.h>
#include <stdlib.h>
#include "base/mem.h"
#include "store/events_out.h"

static_assert((int)WEBHOOK_CREATED == OUTBOX_CREATED && (int)WEBHOOK_UPDATED == OUTBOX_UPDATED &&
                      (int)WEBHOOK_DELETED == OUTBOX_DELETED,
              "what a [webhook] wants is handed to the store as it is");

int
endpoints_set(struct host *h, const struct settings *settings, struct err *err)
{
	struct outbox_rule *list = xcalloc(settings->n_webhooks + 1, sizeof(*list));
	int rc;

	for (size_t i = 0; i < settings->n_webhooks; i++) {
		const struct webhook_settings *w = settings->webhooks[i];

		list[i] = (struct outbox_rule){.name = w->name,
		                               .wants = w->events,
		                               .of = (const char *const *)w->of,
		                               .pointer = w->payload == PAYLOAD_POINTER,
		                               .batch = w->batch,
		                               .max_pending = w->max_pending};
	}
	rc = store_outbox_rules(host_store(h), list, settings->n_webhooks, err);
	free(list);
	return rc;
}
