/* events.c - what Slack sends when something happens: https://api.slack.com/events
 *
 * Messages of the selected channels, channels and users, as the lists have them.
 *
 * Awkward: an event of a channel holds a part of what the list has, so what is known is updated. One that a person takes
 * out of the archive comes with the next sync. */
#include "slack.h"

static int
is(const char *text, const char *other)
{
	return text && strcmp(text, other) == 0;
}

/* As the channel's history has it, or the thread's: without what only the event says. */
static void
save_message(struct sluice_run *run, const char *channel, const cJSON *message)
{
	cJSON *copy = cJSON_Duplicate(message, 1), *list = cJSON_CreateArray();

	cJSON_AddItemToArray(list, copy);
	cJSON_DeleteItemFromObjectCaseSensitive(copy, "event_ts");
	cJSON_DeleteItemFromObjectCaseSensitive(copy, "channel_type");
	message_name(run, copy, channel);
	if (sluice_json_text(copy, "ts") && (!message_is_reply(copy) || option_threads(run)))
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

	if (!channel || !selection_takes(run, channel) || is(subtype, "message_replied"))
		return;
	if (is(subtype, "message_deleted") && gone)
		delete_one(run, "SlackMessage", message_id(run, channel, gone));
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

int
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
	else if (is(type, "channel_created") || strstr(type, "_rename") || strstr(type, "_archive") ||
	         is(type, "channel_deleted") || is(type, "group_deleted"))
		take_channel(run, type, event);
	cJSON_Delete(whole);
	return sluice_status(run);
}
