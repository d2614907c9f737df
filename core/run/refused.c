/* refused.c - a run that could not begin, told of like one that did: in the history, in its log, in STATE_LAST.
 *
 * So a person finds the reason where the reasons of all runs are, and the next process knows how often it has failed.
 * Awkward: there is no run; history and facts are written from one that holds only what they read. */
#include <stdlib.h>
#include "base/mem.h"
#include "run/inside.h"
#include "run/webhooks.h"

static void
last_put(struct run *r, struct commit *c)
{
	struct buf before = {0}, last = {0};

	if (!store_state_get(r->host->store, r->scope, STATE_LAST, SLICE(""), &before))
		buf_puts(&before, "{}");
	facts_last(r, "error", buf_view(&before), &last);
	commit_state_set(c, r->scope, STATE_LAST, SLICE(""), buf_view(&last));
	webhooks_ended(r, c, buf_view(&before));
	buf_free(&before);
	buf_free(&last);
}

uint64_t
run_refused(struct host *h, const struct run_request *q, const struct err *why)
{
	const struct scope_name name = {
		.connection = q->connection->name, .integration = q->connection->integration->name, .sync = q->name};
	uint32_t scope = h->store ? store_scope(h->store, &name, NULL) : 0;
	struct buf record = {0};
	struct commit *c;
	uint64_t number;
	struct run *r;

	if (!scope)
		return 0;
	r = XNEW(struct run);
	r->host = h;
	r->request = *q;
	r->connection = q->connection;
	r->manifest = host_manifest_of(h, q->connection, NULL);
	r->scope = scope;
	r->err = *why;
	r->number = number = store_run_next(h->store);
	r->start_us = clock_wall_us(h->clock);
	r->start_ms = clock_mono_ms(h->clock);
	history_write(r, "error", &record);
	history_ended(r);
	c = commit_new(h->store, (struct fence){0});
	last_put(r, c);
	commit_run(c, number, buf_view(&record));
	history_pour(r, c);
	store_commit(h->store, c, false, NULL, NULL);
	buf_free(&record);
	buf_free(&r->lines);
	free(r);
	return number;
}
