/* assign.c - pattern: an action that uses what was synced. People say "ada@example.com", the provider wants an id; who
 * that is stands in the records of the sync, so the action asks the store and not the provider.
 *
 * sluice_list_records gives pages of 100. Where the id is known, sluice_get_records finds a record at once. The action
 * changes something, and doing it twice would do harm, so it is not SLUICE_REPEATABLE: the host tries it once. */
#include <sluice_json.h>

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

/* The id of the agent with this address, for as long as the function runs; NULL: there is none. */
static const char *
agent_find(struct sluice_run *run, const char *email)
{
	const char *json, *found = NULL;

	for (int again = 0; !found && sluice_list_records(run, "Agent", again, &json) > 0; again = 1) {
		cJSON *agents = sluice_json_parse(json, strlen(json)), *agent;

		cJSON_ArrayForEach(agent, agents) {
			const char *is = sluice_json_text(agent, "email");
			if (is && strcmp(is, email) == 0)
				found = sluice_format(run, "%s", sluice_json_text(agent, "id"));
		}
		cJSON_Delete(agents);
	}
	return found;
}

static int
assign(struct sluice_run *run)
{
	const char *text = sluice_input(run);
	cJSON *input = sluice_json_parse(text, strlen(text)), *body = cJSON_CreateObject();
	const char *email = sluice_json_text(input, "agent"), *ticket = sluice_json_text(input, "ticket"),
		   *id = agent_find(run, email);
	struct sluice_response answer;

	if (!id) {
		sluice_fail(run, SLUICE_EFAILED,
		            "no agent with the address %s has been synced; run the sync 'agents' if they are new",
		            email);
	} else {
		cJSON_AddStringToObject(body, "ticket", ticket);
		cJSON_AddStringToObject(body, "agent_id", id);
		if (sluice_proxy_post(run, "/v1/assignments", sluice_json_print(run, body), &answer) == 0)
			sluice_reply(run, sluice_format(run, "{\"agent_id\":\"%s\"}", id));
	}
	cJSON_Delete(body);
	cJSON_Delete(input);
	return sluice_status(run);
}

static const struct sluice_field agent[] = {
	{.name = "id", .type = SLUICE_STRING, .flags = SLUICE_KEY},
	{.name = "email", .type = SLUICE_STRING, .flags = SLUICE_SENSITIVE},
	{0},
};
static const struct sluice_model models[] = {{.name = "Agent", .fields = agent}, {0}};
static const struct sluice_sync syncs[] = {
	{.name = "agents", .model = "Agent", .kind = SLUICE_FULL, .flags = SLUICE_TRACK_DELETES, .fetch = fetch_agents},
	{0},
};
static const struct sluice_field input[] = {
	{.name = "ticket", .type = SLUICE_STRING, .description = "its id"},
	{.name = "agent", .type = SLUICE_STRING, .description = "whose it shall be: an address"},
	{0},
};
static const struct sluice_field output[] = {{.name = "agent_id", .type = SLUICE_STRING}, {0}};
static const struct sluice_action actions[] = {
	{.name = "assign",
	 .description = "Gives a ticket to an agent",
	 .input = input,
	 .output = output,
	 .endpoint = "POST /v1/assignments",
	 .call = assign},
	{0},
};

SLUICE_EXPORT const struct sluice_connector sluice_connector = {
	SLUICE_ABI,
	.name = "assign",
	.version = "1.0.0",
	.base_url = "https://api.helpdesk.example",
	.description = "Pattern: action leveraging synced records",
	.auth = SLUICE_BEARER,
	.models = models,
	.syncs = syncs,
	.actions = actions,
};
