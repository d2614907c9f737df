/* events.c - pattern: event driven. The provider tells of each change by a webhook, and the record is there a moment
 * later. A full sync once a day is the safety net: it catches what a webhook that never came would have told.
 *
 * The host has checked the signature and stored the event before the function sees it. What an event wrote is not
 * overwritten by a page of the sync that was asked for before. The function saves whole objects and never adds up, so
 * an event that is handled twice does no harm. */
#include <sluice_json.h>

static int
take_event(struct sluice_run *run)
{
	const char *text = sluice_event(run);
	cJSON *event = sluice_json_parse(text, strlen(text)), *ticket = sluice_json_get(event, "ticket");
	const char *type = sluice_json_text(event, "type");

	if (type && strcmp(type, "ticket.deleted") == 0)
		sluice_json_delete(run, "Ticket", ticket);
	else
		sluice_json_save(run, "Ticket", ticket);
	cJSON_Delete(event);
	return sluice_status(run);
}

static int
fetch_tickets(struct sluice_run *run)
{
	const struct sluice_page_request list = {.endpoint = "/v1/tickets",
	                                         .items = "data",
	                                         .kind = SLUICE_CURSOR,
	                                         .cursor = "next",
	                                         .cursor_param = "after"};
	struct sluice_page page;

	while (sluice_paginate(run, &list, &page) > 0)
		sluice_batch_save(run, "Ticket", page.body, page.len);
	return sluice_status(run);
}

static const struct sluice_field ticket[] = {
	{.name = "id", .type = SLUICE_STRING, .flags = SLUICE_KEY},
	{.name = "subject", .type = SLUICE_STRING, .flags = SLUICE_OPTIONAL},
	{0},
};
static const struct sluice_model models[] = {{.name = "Ticket", .fields = ticket}, {0}};
static const struct sluice_sync syncs[] = {
	{.name = "tickets",
	 .model = "Ticket",
	 .kind = SLUICE_FULL,
	 .flags = SLUICE_TRACK_DELETES,
	 .every = "every day",
	 .fetch = fetch_tickets},
	{0},
};
static const char *const types[] = {"ticket.*", NULL};
static const struct sluice_webhook webhooks[] = {
	{.name = "changes",
	 .model = "Ticket",
	 .handle = take_event,
	 .signature = "X-Helpdesk-Signature",
	 .signature_prefix = "sha256=",
	 .timestamp = "X-Helpdesk-Timestamp",
	 .signed_text = "${timestamp}.${body}",
	 .id = "event_id",
	 .type = "type",
	 .types = types,
	 .time = "created_at"},
	{0},
};

SLUICE_EXPORT const struct sluice_connector sluice_connector = {
	SLUICE_ABI,
	.name = "events",
	.version = "1.0.0",
	.base_url = "https://api.helpdesk.example",
	.description = "Pattern: event driven",
	.auth = SLUICE_BEARER,
	.models = models,
	.syncs = syncs,
	.webhooks = webhooks,
};
