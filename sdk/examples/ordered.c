/* ordered.c - pattern: sources in sequence, by priority. Tickets name their agent by id only; who that is comes from
 * another list. So the agents are read first, and each page of tickets is completed with what is stored of them.
 *
 * .priority says who is first among the syncs of a connection that are due; a connection runs one at a time unless the
 * operator says more (max_runs). An operator who wants the tickets to wait for a successful run of the agents, however
 * late, says `after = acme : ordered : agents` in the section of the sync. */
#include <sluice_json.h>
#include <stdlib.h>

static int
fetch_agents(struct sluice_run *run)
{
	const struct sluice_page_request list = {.endpoint = "/v1/agents",
	                                         .items = "data",
	                                         .kind = SLUICE_CURSOR,
	                                         .cursor = "next",
	                                         .cursor_param = "after"};
	struct sluice_page page;

	while (sluice_paginate(run, &list, &page) > 0)
		sluice_batch_save(run, "Agent", page.body, page.len);
	return sluice_status(run);
}

/* Puts the agents' names to the tickets of one page: one question to the store for all of them. */
static void
names_add(struct sluice_run *run, cJSON *tickets)
{
	const char **ids = calloc((size_t)cJSON_GetArraySize(tickets) + 1, sizeof(*ids)), *json;
	cJSON *ticket, *agent, *agents;
	size_t n = 0;

	cJSON_ArrayForEach(ticket, tickets)
		if (ids && sluice_json_text(ticket, "agent_id"))
			ids[n++] = sluice_json_text(ticket, "agent_id");
	sluice_get_records(run, "Agent", ids, &json);
	agents = sluice_json_parse(json, strlen(json));
	cJSON_ArrayForEach(ticket, tickets)
		cJSON_ArrayForEach(agent, agents) {
			const char *wanted = sluice_json_text(ticket, "agent_id");
			if (wanted && strcmp(wanted, sluice_json_text(agent, "id")) == 0)
				cJSON_AddStringToObject(ticket, "agent_name", sluice_json_text(agent, "name"));
		}
	cJSON_Delete(agents);
	free(ids);
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

	while (sluice_paginate(run, &list, &page) > 0) {
		cJSON *tickets = sluice_json_page(run, &page);

		names_add(run, tickets);
		sluice_json_save(run, "Ticket", tickets);
		cJSON_Delete(tickets);
	}
	return sluice_status(run);
}

static const struct sluice_field agent[] = {
	{.name = "id", .type = SLUICE_STRING, .flags = SLUICE_KEY},
	{.name = "name", .type = SLUICE_STRING, .flags = SLUICE_SENSITIVE},
	{0},
};
static const struct sluice_field ticket[] = {
	{.name = "id", .type = SLUICE_STRING, .flags = SLUICE_KEY},
	{.name = "agent_id", .type = SLUICE_STRING, .flags = SLUICE_OPTIONAL},
	{.name = "agent_name",
	 .type = SLUICE_STRING,
	 .flags = SLUICE_OPTIONAL | SLUICE_SENSITIVE,
	 .description = "from the agents"},
	{0},
};
static const struct sluice_model models[] = {
	{.name = "Agent", .fields = agent}, {.name = "Ticket", .fields = ticket}, {0}};
static const struct sluice_sync syncs[] = {
	{.name = "tickets",
	 .model = "Ticket",
	 .kind = SLUICE_FULL,
	 .flags = SLUICE_TRACK_DELETES,
	 .fetch = fetch_tickets},
	{.name = "agents",
	 .model = "Agent",
	 .kind = SLUICE_FULL,
	 .flags = SLUICE_TRACK_DELETES,
	 .priority = 10,
	 .fetch = fetch_agents},
	{0},
};

SLUICE_EXPORT const struct sluice_connector sluice_connector = {
	SLUICE_ABI,
	.name = "ordered",
	.version = "1.0.0",
	.base_url = "https://api.helpdesk.example",
	.description = "Pattern: sequential sources with priority",
	.auth = SLUICE_BEARER,
	.models = models,
	.syncs = syncs,
};
