/* heard.c - a test connector of webhooks: an event says itself what is to be done with it.
 *
 *   {"id","type","account","at", "save":[records], "delete":[ids], "update":[...], "do":"fail" | "crash" | "ask"}
 *
 * `ask` asks the provider for /gate and fails unless it answers well; what was saved before must not stay then. Each event also
 * adds its id to the checkpoint, which so tells in which order they were handled. Webhook `open` declares no signature. */
#include <sluice_json.h>

static int
ask(struct sluice_run *run)
{
	const struct sluice_request request = {.endpoint = "/gate", .retries = -1};
	struct sluice_response answer;

	return sluice_fetch(run, &request, &answer);
}

static void
remember(struct sluice_run *run, const char *id)
{
	const char *before = sluice_get_checkpoint(run);

	sluice_save_checkpoint(run, sluice_format(run, "\"%s%s\"", before && strlen(before) > 2 ?
	                       sluice_format(run, "%.*s,", (int)strlen(before) - 2, before + 1) : "", id ? id : ""));
}

static int
hear(struct sluice_run *run)
{
	const char *text = sluice_event(run), *what;
	cJSON *event = sluice_json_parse(text, strlen(text));

	if (sluice_json_get(event, "save"))
		sluice_json_save(run, "Heard", sluice_json_get(event, "save"));
	if (sluice_json_get(event, "update"))
		sluice_json_update(run, "Heard", sluice_json_get(event, "update"));
	if (sluice_json_get(event, "delete"))
		sluice_json_delete(run, "Heard", sluice_json_get(event, "delete"));
	remember(run, sluice_json_text(event, "id"));
	what = sluice_json_text(event, "do");
	if (what && strcmp(what, "fail") == 0)
		sluice_fail(run, SLUICE_EFAILED, "it was told to fail");
	else if (what && strcmp(what, "crash") == 0)
		__builtin_trap();
	else if (what && strcmp(what, "ask") == 0)
		ask(run);
	cJSON_Delete(event);
	return sluice_status(run);
}

static int
fetch(struct sluice_run *run)
{
	const struct sluice_page_request list = {.endpoint = "/list", .items = "data", .kind = SLUICE_CURSOR,
	                                         .cursor_param = "after", .cursor = "next"};
	struct sluice_page page;

	while (sluice_paginate(run, &list, &page) > 0)
		sluice_batch_save(run, "Heard", page.body, page.len);
	return sluice_status(run);
}

static const struct sluice_field fields[] = {
	{.name = "id", .type = SLUICE_STRING, .flags = SLUICE_KEY}, {.name = "v", .type = SLUICE_INTEGER}, {0}};
static const struct sluice_model models[] = {{.name = "Heard", .fields = fields}, {0}};
static const struct sluice_option options[] = {{.name = "account", .type = SLUICE_STRING}, {0}};
static const struct sluice_sync syncs[] = {
	{.name = "all", .model = "Heard", .kind = SLUICE_FULL, .flags = SLUICE_TRACK_DELETES, .fetch = fetch}, {0}};
static const char *const signed_types[] = {"signed*", NULL};
static const char *const open_types[] = {"open", NULL};
static const struct sluice_webhook webhooks[] = {
	{.name = "hook", .model = "Heard", .handle = hear, .signature = "X-Signature", .signature_key = "v1",
	 .timestamp = "X-Signature", .timestamp_key = "t", .signed_text = "${timestamp}.${body}", .id = "id", .type = "type",
	 .types = signed_types, .time = "at", .account = "account", .account_name = "account", .challenge_type = "who",
	 .challenge = "say", .timeout_ms = 5000},
	{.name = "open", .model = "Heard", .handle = hear, .id = "id", .type = "type", .types = open_types},
	{0},
};

SLUICE_EXPORT const struct sluice_connector sluice_connector = {
	SLUICE_ABI, .name = "heard", .version = "1.0.0", .base_url = "http://127.0.0.1:1", .options = options, .models = models,
	.syncs = syncs, .webhooks = webhooks,
};
