/* slack.c - mirrors a Slack workspace: its channels, its users, and the messages of the channels that were selected;
 * and writes to its people. This file declares it all, and has the plain lists; slack.h says what the others have.
 *
 * Lists end with an empty next_cursor (https://api.slack.com/docs/pagination).
 *
 * Awkward: a message's `ts` is unique in its channel only, so the record's id is CHANNEL-ts. */
#include "slack.h"

/* ---- channels and users: plain lists ---- */

struct sluice_page_request
list_request(const struct list *list)
{
	return (struct sluice_page_request){
		.endpoint = list->path, .query = list->query, .items = list->items, .limit = 200,
		.kind = SLUICE_CURSOR, .cursor_param = "cursor", .cursor = "response_metadata.next_cursor",
		.judge = answer_judge,
	};
}

static int
fetch_list(struct sluice_run *run)
{
	const struct list *list = (const struct list *)sluice_data(run);
	const struct sluice_page_request request = list_request(list);
	struct sluice_page page;

	while (sluice_paginate(run, &request, &page) > 0)
		sluice_batch_save(run, list->model, page.body, page.len);
	return sluice_status(run);
}

const struct list channels = {
	"/conversations.list", "channels", "SlackChannel",
	{{"types", "public_channel,private_channel"}, {"exclude_archived", "true"}, {NULL, NULL}},
};
static const struct list users = {"/users.list", "members", "SlackUser", {{NULL, NULL}}};

/* Tells whose token it is. auth.test needs no scope, so the lists are asked too: Slack's refusal names what is lacking. */
static int
check(struct sluice_run *run)
{
	static const struct sluice_pair one_channel[] = {
		{"limit", "1"}, {"types", "public_channel,private_channel"}, {NULL, NULL},
	};
	static const struct sluice_pair one_user[] = {{"limit", "1"}, {NULL, NULL}};
	struct sluice_response answer;

	if (sluice_proxy_get(run, "/auth.test", NULL, &answer) == 0 && answer_judge(run, &answer) == 0) {
		cJSON *root = sluice_json_answer(run, &answer), *facts = cJSON_CreateObject();
		cJSON_AddItemToObject(facts, "account", cJSON_DetachItemFromObjectCaseSensitive(root, "team"));
		cJSON_AddItemToObject(facts, "user", cJSON_DetachItemFromObjectCaseSensitive(root, "user"));
		sluice_reply(run, sluice_json_print(run, facts));
		cJSON_Delete(facts);
		cJSON_Delete(root);
	}
	if (sluice_proxy_get(run, "/conversations.list", one_channel, &answer) == 0)
		answer_judge(run, &answer);
	if (sluice_proxy_get(run, "/users.list", one_user, &answer) == 0)
		answer_judge(run, &answer);
	return sluice_status(run);
}

/* ---- what is declared ---- */

#define ID(text_) {.name = "id", .type = SLUICE_STRING, .flags = SLUICE_KEY, .description = text_}
#define OPTIONAL(name_, type_, text_) {.name = name_, .type = type_, .flags = SLUICE_OPTIONAL, .description = text_}
#define PERSONAL(name_, type_, text_) \
	{.name = name_, .type = type_, .flags = SLUICE_OPTIONAL | SLUICE_SENSITIVE, .description = text_}

static const struct sluice_field channel_fields[] = {
	ID("Slack's id, C..."),
	OPTIONAL("name", SLUICE_STRING, "without #"),
	OPTIONAL("created", SLUICE_TIME, "seconds since 1970"),
	OPTIONAL("is_private", SLUICE_BOOLEAN, "only its members see it"),
	OPTIONAL("is_member", SLUICE_BOOLEAN, "the app is in it"),
	OPTIONAL("num_members", SLUICE_INTEGER, "people in it"),
	OPTIONAL("topic", SLUICE_OBJECT, "value, creator, last_set"),
	{0},
};
static const struct sluice_field user_fields[] = {
	ID("Slack's id, U..."),
	OPTIONAL("name", SLUICE_STRING, "handle"),
	OPTIONAL("deleted", SLUICE_BOOLEAN, "the account is deactivated"),
	PERSONAL("real_name", SLUICE_STRING, "full name"),
	PERSONAL("profile", SLUICE_OBJECT, "address, picture, title"),
	OPTIONAL("is_bot", SLUICE_BOOLEAN, "an app"),
	OPTIONAL("updated", SLUICE_TIME, "seconds since 1970"),
	{0},
};
static const struct sluice_field message_fields[] = {
	ID("CHANNEL-ts"),
	{.name = "ts", .type = SLUICE_STRING, .description = "Slack's id of the message within its channel, also its time"},
	{.name = "channel", .type = SLUICE_STRING, .description = "id of the channel"},
	OPTIONAL("user", SLUICE_STRING, "id of who wrote it; an app's message may have none"),
	PERSONAL("text", SLUICE_STRING, "what it says"),
	PERSONAL("blocks", SLUICE_ARRAY, "the same, laid out"),
	PERSONAL("attachments", SLUICE_ARRAY, "what is shown below it"),
	PERSONAL("files", SLUICE_ARRAY, "what was uploaded with it"),
	OPTIONAL("thread_ts", SLUICE_STRING, "ts of the message that began its thread; a reply's differs from its ts"),
	OPTIONAL("reply_count", SLUICE_INTEGER, "replies to it, for one that began a thread"),
	OPTIONAL("edited", SLUICE_OBJECT, "by whom and when it was edited"),
	{0},
};
static const struct sluice_model models[] = {
	{.name = "SlackChannel", .fields = channel_fields, .description = "a channel of the workspace"},
	{.name = "SlackUser", .fields = user_fields, .description = "a person or app in the workspace"},
	{.name = "SlackMessage", .fields = message_fields, .description = "a message in a selected channel"},
	{0},
};

static const struct sluice_option options[] = {
	{.name = "channels", .type = SLUICE_ARRAY,
	 .help = "ids of the channels whose messages are synced, [\"C0123\", \"C0456\"]; [\"*\"]: all that the app is a member "
	         "of; the metadata's `channels` goes before it"},
	{.name = "threads", .type = SLUICE_BOOLEAN, .fallback = "false",
	 .help = "whether replies in threads are synced too: a request more for each thread"},
	{.name = "look_back_hours", .type = SLUICE_INTEGER, .fallback = "24",
	 .help = "messages that are younger than this are read again in each run: what was edited or deleted is found"},
	{.name = "team", .type = SLUICE_STRING,
	 .help = "id of the workspace, T...: whose events are this connection's, where one URL takes those of all"},
	{0},
};

static const struct sluice_sync syncs[] = {
	{.name = "channels", .model = "SlackChannel", .kind = SLUICE_FULL, .flags = SLUICE_TRACK_DELETES,
	 .every = "every 2 hours", .endpoint = "GET /conversations.list", .description = "channels that are not archived",
	 .fetch = fetch_list, .data = &channels},
	{.name = "active-users", .model = "SlackUser", .kind = SLUICE_FULL, .flags = SLUICE_TRACK_DELETES,
	 .every = "every hour", .endpoint = "GET /users.list", .description = "people and apps",
	 .fetch = fetch_list, .data = &users},
	{.name = "channel-messages", .model = "SlackMessage", .kind = SLUICE_INCREMENTAL, .flags = SLUICE_TRACK_DELETES,
	 .every = "every 30 minutes", .endpoint = "GET /conversations.history",
	 .description = "messages of the selected channels", .fetch = fetch_messages},
	{0},
};

static const struct sluice_field send_input[] = {
	{.name = "to", .type = SLUICE_STRING,
	 .description = "a user's id, e-mail address, handle or full name, or a channel's id or #name"},
	{.name = "text", .type = SLUICE_STRING, .flags = SLUICE_SENSITIVE, .description = "what it says, in Slack's mrkdwn"},
	OPTIONAL("thread_ts", SLUICE_STRING, "ts of the message that it replies to"),
	PERSONAL("blocks", SLUICE_ARRAY, "the same, laid out; text is then what notifications show"),
	{0},
};
static const struct sluice_field send_output[] = {
	{.name = "id", .type = SLUICE_STRING, .description = "CHANNEL-ts: the SlackMessage it becomes, in a synced channel"},
	{.name = "channel", .type = SLUICE_STRING, .description = "id of the channel, or of the conversation with the user"},
	{.name = "ts", .type = SLUICE_STRING, .description = "Slack's id of the message within it"},
	OPTIONAL("user", SLUICE_STRING, "id of the user who was found"),
	{0},
};
static const struct sluice_action actions[] = {
	{.name = "send-message", .description = "writes to a user or a channel, found among what was synced",
	 .input = send_input, .output = send_output, .endpoint = "POST /chat.postMessage", .call = send_message},
	{0},
};

static const char *const event_models[] = {"SlackMessage", "SlackChannel", "SlackUser", NULL};
static const char *const event_types[] = {"event_callback", NULL};
/* https://api.slack.com/authentication/verifying-requests-from-slack */
static const struct sluice_webhook webhooks[] = {
	{.name = "events", .models = event_models, .description = "messages, channels and users, as they change",
	 .handle = take_event, .signature = "X-Slack-Signature", .signature_prefix = "v0=",
	 .signed_text = "v0:${timestamp}:${body}", .timestamp = "X-Slack-Request-Timestamp", .id = "event_id", .type = "type",
	 .types = event_types, .time = "event.event_ts", .account = "team_id", .account_name = "team",
	 .challenge_type = "url_verification", .challenge = "challenge"},
	{0},
};

static const char *const scopes[] = {
	"channels:read", "groups:read", "channels:history", "groups:history", "users:read", "users:read.email", "chat:write",
	"im:write", NULL,
};
static const struct sluice_rate rate = {.requests = 50, .per_ms = 60000};

SLUICE_EXPORT const struct sluice_connector sluice_connector = {
	SLUICE_ABI,
	.name = "slack",
	.version = "1.1.0",
	.description = "Channels, users and messages of a workspace; writes to its people",
	.base_url = "https://slack.com/api",
	.auth = SLUICE_BEARER,
	.scopes = scopes,
	.rate = &rate,
	.options = options,
	.models = models,
	.syncs = syncs,
	.actions = actions,
	.check = check,
	.webhooks = webhooks,
};
