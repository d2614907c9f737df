/* tickets.c - the smallest complete connector: mirrors the tickets of a help desk. */
#include <sluice.h>

static int
fetch_tickets(struct sluice_run *run)
{
	const struct sluice_page_request list = {
		.endpoint = "/v1/tickets", .items = "tickets", .limit = 100,
		.kind = SLUICE_CURSOR, .cursor_param = "after", .cursor = "meta.next",
	};
	struct sluice_page page;

	while (sluice_paginate(run, &list, &page) > 0)
		sluice_batch_save(run, "Ticket", page.body, page.len);
	return sluice_status(run);
}

static const struct sluice_field ticket[] = {
	{ .name = "id", .type = SLUICE_STRING, .flags = SLUICE_KEY },
	{ .name = "subject", .type = SLUICE_STRING },
	{ .name = "updated", .type = SLUICE_TIME },
	{ 0 }
};
static const struct sluice_model models[] = { { .name = "Ticket", .fields = ticket }, { 0 } };
static const struct sluice_sync syncs[] = {
	{ .name = "tickets", .model = "Ticket", .kind = SLUICE_FULL, .flags = SLUICE_TRACK_DELETES,
	  .every = "every hour", .endpoint = "GET /v1/tickets", .fetch = fetch_tickets },
	{ 0 }
};

SLUICE_EXPORT const struct sluice_connector sluice_connector = {
	SLUICE_ABI, .name = "tickets", .version = "1.0.0", .base_url = "https://api.helpdesk.example",
	.description = "Tickets of a help desk", .auth = SLUICE_BEARER, .models = models, .syncs = syncs,
};
