/* slack.c - mirrors a Slack workspace: its channels, its users, and the messages of the channels that were selected.
 *
 * Slack answers 200 to everything: {"ok":false,"error":"..."} is the failure, so every answer is judged before its list
 * is taken (https://api.slack.com/web#responses). Lists end with an empty next_cursor.
 *
 * Awkward: a message's `ts` is unique in its channel only, so the record's id is CHANNEL-ts. What channels are read says
 * the connection's metadata {"channels": [...]}, else the option; "*" means every channel that the app is a member of. A
 * channel that is selected later is read from its beginning: the checkpoint names those whose past is here already. */
#include <sluice_json.h>

/* Messages are asked for again from this long before the last success: they can appear late. */
enum { OVERLAP_S = 60 };
enum { CHECKPOINT_MAX = 60 << 10 }; /* the host's limit is 64 KiB */

/* Slack's reasons that are about who we are; all others are EFAILED. https://api.slack.com/methods/auth.test#errors */
static const char *const refusals[] = {
	"invalid_auth", "not_authed", "token_expired", "token_revoked", "account_inactive", "missing_scope",
	"no_permission", "org_login_required", "ekm_access_denied", "not_allowed_token_type", NULL,
};

/* 0 when the answer says ok; else the run fails with Slack's reason. */
static int
judge(struct sluice_run *run, const struct sluice_response *answer)
{
	cJSON *root = sluice_json_parse(answer->body, answer->len);
	int status = 0;

	if (root && !sluice_json_bool(root, "ok", 0)) {
		const char *error = sluice_json_text(root, "error"), *needed = sluice_json_text(root, "needed");
		int code = SLUICE_EFAILED;
		for (size_t i = 0; error && refusals[i]; i++)
			if (strcmp(error, refusals[i]) == 0)
				code = SLUICE_ECREDENTIALS;
		if (error && strcmp(error, "ratelimited") == 0)
			code = SLUICE_ERATE;
		status = sluice_fail(run, code, "Slack says %s%s%s", error ? error : "ok: false, without a reason",
		                     needed ? "; the scope needed is " : "", needed ? needed : "");
	}
	cJSON_Delete(root);
	return status; /* what is no JSON at all is the pagination's to refuse */
}

/* ---- channels and users: plain lists ---- */

struct list {
	const char *path, *items, *model;
	struct sluice_pair query[3];
};

static struct sluice_page_request
request_of(const struct list *list)
{
	return (struct sluice_page_request){
		.endpoint = list->path, .query = list->query, .items = list->items, .limit = 200,
		.kind = SLUICE_CURSOR, .cursor_param = "cursor", .cursor = "response_metadata.next_cursor",
		.judge = judge,
	};
}

static int
fetch_list(struct sluice_run *run)
{
	const struct list *list = (const struct list *)sluice_data(run);
	const struct sluice_page_request request = request_of(list);
	struct sluice_page page;

	while (sluice_paginate(run, &request, &page) > 0)
		sluice_batch_save(run, list->model, page.body, page.len);
	return sluice_status(run);
}

static const struct list channels = {
	"/conversations.list", "channels", "SlackChannel",
	{{"types", "public_channel,private_channel"}, {"exclude_archived", "true"}, {NULL, NULL}},
};
static const struct list users = {"/users.list", "members", "SlackUser", {{NULL, NULL}}};

/* ---- messages, channel by channel ---- */

struct reading {
	const char *oldest; /* where a channel goes on whose past is here; NULL: nothing is here yet */
	cJSON *past;        /* ids of the channels whose past is here: the checkpoint of the last whole run, or NULL */
	cJSON *now;         /* ids of the channels read in this run */
};

static int
holds(const cJSON *ids, const char *id)
{
	const cJSON *each;

	cJSON_ArrayForEach(each, ids)
		if (cJSON_IsString(each) && strcmp(each->valuestring, id) == 0)
			return 1;
	return 0;
}

/* Gives each message its id and channel, and saves the page. */
static void
save_messages(struct sluice_run *run, const char *channel, const struct sluice_page *page)
{
	cJSON *messages = sluice_json_page(run, page), *message;

	cJSON_ArrayForEach(message, messages) {
		const char *ts = sluice_json_text(message, "ts");
		if (ts)
			cJSON_AddStringToObject(message, "id", sluice_format(run, "%s-%s", channel, ts));
		cJSON_DeleteItemFromObjectCaseSensitive(message, "channel");
		cJSON_AddStringToObject(message, "channel", channel);
	}
	sluice_json_save(run, "SlackMessage", messages);
	cJSON_Delete(messages);
}

static void
read_channel(struct sluice_run *run, struct reading *r, const char *channel)
{
	const struct sluice_pair query[] = {
		{"channel", channel}, {"oldest", holds(r->past, channel) ? r->oldest : NULL}, {NULL, NULL},
	};
	const struct sluice_page_request request = {
		.endpoint = "/conversations.history", .query = query, .items = "messages", .limit = 100,
		.kind = SLUICE_CURSOR, .cursor_param = "cursor", .cursor = "response_metadata.next_cursor",
		.has_more = "has_more", .judge = judge,
	};
	struct sluice_page page;

	while (sluice_paginate(run, &request, &page) > 0)
		save_messages(run, channel, &page);
	cJSON_AddItemToArray(r->now, cJSON_CreateString(channel));
}

/* Every channel that the app is a member of. */
static void
read_all(struct sluice_run *run, struct reading *r)
{
	const struct sluice_page_request request = request_of(&channels);
	struct sluice_page page;

	while (sluice_paginate(run, &request, &page) > 0) {
		cJSON *list = sluice_json_page(run, &page), *channel;
		cJSON_ArrayForEach(channel, list) {
			const char *id = sluice_json_text(channel, "id");
			if (id && sluice_json_bool(channel, "is_member", 0))
				read_channel(run, r, id);
		}
		cJSON_Delete(list);
	}
}

/* The selection: metadata first, then the option. An array of ids, yours; NULL when there is none. */
static cJSON *
selection(struct sluice_run *run)
{
	const char *given = sluice_get_metadata(run), *option = sluice_get_option(run, "channels");
	cJSON *metadata = given ? cJSON_Parse(given) : NULL;
	cJSON *chosen = cJSON_DetachItemFromObjectCaseSensitive(metadata, "channels");

	cJSON_Delete(metadata);
	if (!chosen && option)
		chosen = cJSON_Parse(option);
	return chosen;
}

/* Remembers whose past is here. Of thousands of channels it cannot: they are read from their beginning again, which
 * makes no change. */
static void
remember(struct sluice_run *run, const cJSON *ids)
{
	const char *text = sluice_json_print(run, ids);

	if (text && strlen(text) < CHECKPOINT_MAX)
		sluice_save_checkpoint(run, text);
	else
		sluice_log(run, SLUICE_WARN, "too many channels to remember: the next run reads them from the beginning");
}

static int
fetch_messages(struct sluice_run *run)
{
	const int64_t last = sluice_last_success(run);
	const char *known = sluice_get_checkpoint(run);
	struct reading r = {.past = known && last > 0 ? cJSON_Parse(known) : NULL, .now = cJSON_CreateArray()};
	cJSON *chosen = selection(run), *channel;

	if (last > 0)
		r.oldest = sluice_format(run, "%lld.000000", (long long)(last / 1000000 - OVERLAP_S));
	if (chosen && !cJSON_IsArray(chosen))
		sluice_fail(run, SLUICE_EARGUMENT, "channels is no array: write [\"C0123\"]; the metadata's channels go "
		            "before those of the connection (`sluice metadata get` shows them)");
	else if (cJSON_GetArraySize(chosen) == 0)
		sluice_fail(run, SLUICE_EARGUMENT, "no channel is selected: set channels = [\"C0123\"] (or [\"*\"]) in the "
		            "connection, or its metadata");
	cJSON_ArrayForEach(channel, chosen) {
		if (!cJSON_IsString(channel))
			sluice_fail(run, SLUICE_EARGUMENT, "channels holds something that is no channel id");
		else if (strcmp(channel->valuestring, "*") == 0)
			read_all(run, &r);
		else
			read_channel(run, &r, channel->valuestring);
	}
	if (sluice_status(run) == 0)
		remember(run, r.now);
	cJSON_Delete(chosen);
	cJSON_Delete(r.past);
	cJSON_Delete(r.now);
	return sluice_status(run);
}

/* ---- events: https://api.slack.com/events ---- */

static int
is(const char *text, const char *other)
{
	return text && strcmp(text, other) == 0;
}

static int
chosen(struct sluice_run *run, const char *channel)
{
	cJSON *ids = selection(run);
	int yes = cJSON_IsArray(ids) && (holds(ids, channel) || holds(ids, "*"));

	cJSON_Delete(ids);
	return yes;
}

/* As the channel's history has it: without what only the event says. Replies in threads are not in there. */
static void
save_message(struct sluice_run *run, const char *channel, const cJSON *message)
{
	const char *ts = sluice_json_text(message, "ts"), *thread = sluice_json_text(message, "thread_ts");
	cJSON *copy = cJSON_Duplicate(message, 1), *list = cJSON_CreateArray();

	cJSON_AddItemToArray(list, copy);
	cJSON_DeleteItemFromObjectCaseSensitive(copy, "event_ts");
	cJSON_DeleteItemFromObjectCaseSensitive(copy, "channel_type");
	cJSON_DeleteItemFromObjectCaseSensitive(copy, "channel");
	cJSON_AddStringToObject(copy, "id", sluice_format(run, "%s-%s", channel, ts ? ts : ""));
	cJSON_AddStringToObject(copy, "channel", channel);
	if (ts && (!thread || strcmp(thread, ts) == 0 || is(sluice_json_text(message, "subtype"), "thread_broadcast")))
		sluice_json_save(run, "SlackMessage", list);
	cJSON_Delete(list);
}

static void
delete_one(struct sluice_run *run, const char *model, const char *id)
{
	cJSON *list = cJSON_CreateArray();

	cJSON_AddItemToArray(list, cJSON_CreateString(id));
	sluice_json_delete(run, model, list);
	cJSON_Delete(list);
}

static void
take_message(struct sluice_run *run, const cJSON *event)
{
	const char *channel = sluice_json_text(event, "channel"), *subtype = sluice_json_text(event, "subtype");
	const char *gone = sluice_json_text(event, "deleted_ts");

	if (!channel || !chosen(run, channel) || is(subtype, "message_replied"))
		return;
	if (is(subtype, "message_deleted") && gone)
		delete_one(run, "SlackMessage", sluice_format(run, "%s-%s", channel, gone));
	else if (is(subtype, "message_changed"))
		save_message(run, channel, cJSON_GetObjectItemCaseSensitive(event, "message"));
	else if (!is(subtype, "message_deleted"))
		save_message(run, channel, event);
}

/* Events of channels hold a part of what the list has: what is known is updated, and what is not is begun. */
static void
take_channel(struct sluice_run *run, const char *type, const cJSON *event)
{
	const cJSON *channel = cJSON_GetObjectItemCaseSensitive(event, "channel");
	const char *id = cJSON_IsString(channel) ? channel->valuestring : sluice_json_text(channel, "id"), *stored;
	const char *ids[] = {id, NULL};
	cJSON *list = cJSON_CreateArray();

	cJSON_AddItemToArray(list, cJSON_Duplicate(channel, 1));
	if (id && (strstr(type, "_archive") || strstr(type, "_deleted")))
		delete_one(run, "SlackChannel", id);
	else if (id && cJSON_IsObject(channel) && sluice_get_records(run, "SlackChannel", ids, &stored) > 0)
		sluice_json_update(run, "SlackChannel", list);
	else if (id && cJSON_IsObject(channel))
		sluice_json_save(run, "SlackChannel", list);
	cJSON_Delete(list);
}

static void
take_user(struct sluice_run *run, const cJSON *event)
{
	cJSON *list = cJSON_CreateArray();

	cJSON_AddItemToArray(list, cJSON_Duplicate(cJSON_GetObjectItemCaseSensitive(event, "user"), 1));
	sluice_json_save(run, "SlackUser", list);
	cJSON_Delete(list);
}

static int
take_event(struct sluice_run *run)
{
	const char *text = sluice_event(run);
	cJSON *whole = sluice_json_parse(text, strlen(text));
	const cJSON *event = cJSON_GetObjectItemCaseSensitive(whole, "event");
	const char *type = sluice_json_text(event, "type");

	if (!type)
		sluice_fail(run, SLUICE_EDATA, "the event has no event.type");
	else if (is(type, "message"))
		take_message(run, event);
	else if (is(type, "user_change") || is(type, "team_join"))
		take_user(run, event);
	else if (is(type, "channel_created") || strstr(type, "_rename") || strstr(type, "_archive") || is(type, "channel_deleted") ||
	         is(type, "group_deleted"))
		take_channel(run, type, event);
	cJSON_Delete(whole);
	return sluice_status(run);
}

/* Tells whose token it is. auth.test needs no scope, so the lists are asked too: Slack's refusal names what is lacking. */
static int
check(struct sluice_run *run)
{
	static const struct sluice_pair one_channel[] = {
		{"limit", "1"}, {"types", "public_channel,private_channel"}, {NULL, NULL},
	};
	static const struct sluice_pair one_user[] = {{"limit", "1"}, {NULL, NULL}};
	struct sluice_response answer;

	if (sluice_proxy_get(run, "/auth.test", NULL, &answer) == 0 && judge(run, &answer) == 0) {
		cJSON *root = sluice_json_answer(run, &answer), *facts = cJSON_CreateObject();
		cJSON_AddItemToObject(facts, "account", cJSON_DetachItemFromObjectCaseSensitive(root, "team"));
		cJSON_AddItemToObject(facts, "user", cJSON_DetachItemFromObjectCaseSensitive(root, "user"));
		sluice_reply(run, sluice_json_print(run, facts));
		cJSON_Delete(facts);
		cJSON_Delete(root);
	}
	if (sluice_proxy_get(run, "/conversations.list", one_channel, &answer) == 0)
		judge(run, &answer);
	if (sluice_proxy_get(run, "/users.list", one_user, &answer) == 0)
		judge(run, &answer);
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
	OPTIONAL("thread_ts", SLUICE_STRING, "ts of the message that began its thread"),
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
	{.name = "channel-messages", .model = "SlackMessage", .kind = SLUICE_INCREMENTAL,
	 .every = "every 30 minutes", .endpoint = "GET /conversations.history",
	 .description = "messages of the selected channels", .fetch = fetch_messages},
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
	"channels:read", "groups:read", "channels:history", "groups:history", "users:read", NULL,
};
static const struct sluice_rate rate = {.requests = 50, .per_ms = 60000};

SLUICE_EXPORT const struct sluice_connector sluice_connector = {
	SLUICE_ABI,
	.name = "slack",
	.version = "1.0.0",
	.description = "Channels, users and messages of a workspace",
	.base_url = "https://slack.com/api",
	.auth = SLUICE_BEARER,
	.scopes = scopes,
	.rate = &rate,
	.options = options,
	.models = models,
	.syncs = syncs,
	.check = check,
	.webhooks = webhooks,
};
