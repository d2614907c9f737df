/* messages.c - the messages of the selected channels, channel by channel, with their threads where that is wanted.
 *
 *   not read before     from its beginning
 *   read before         from the look-back before the last success on: what was edited is saved again, what is stored
 *                       of that time and not shown any more is deleted
 *   deselected          its messages are deleted
 *   not to be read      (the app is not in it, it is gone) it is told, the run is partial, and the next one that can
 *                       begins it anew; what is stored of it stays
 *
 * The checkpoint is {"read": ids of the channels whose past is here, "again": those of them that have a gap since,
 * "missed": those that this run could not read, "channel", "ts": how far down the channel in hand was compared}: the
 * last two make that no gap is left where a run is cut into steps. Pages come newest first, and each vouches for the
 * time between its oldest message and that of the page before.
 *
 * Awkward: "*" is what the app is a member of at the moment. A channel that leaves that set (the app was removed, the
 * channel archived) was not deselected by anybody, so its messages stay until a full refresh. */
#include "slack.h"

enum {
	OVERLAP_S = 60,             /* messages can appear late */
	CHECKPOINT_MAX = 60 << 10,  /* the host's limit is 64 KiB */
};

struct reading {
	const char *oldest;    /* where a channel goes on whose past is here; NULL: nothing is here yet */
	int threads;           /* replies are wanted */
	cJSON *past;           /* ids of the channels whose past is here; NULL: none */
	cJSON *again;          /* those of them that have a gap; NULL: none */
	cJSON *missed;         /* ids of the channels that cannot be read in this run */
	cJSON *now;            /* ids of the channels read in this run */
	struct window *stored; /* what is here since `oldest`; NULL: not asked yet */
};

void
message_name(struct sluice_run *run, cJSON *message, const char *channel)
{
	const char *ts = sluice_json_text(message, "ts");

	cJSON_DeleteItemFromObjectCaseSensitive(message, "channel");
	if (ts)
		cJSON_AddStringToObject(message, "id", message_id(run, channel, ts));
	cJSON_AddStringToObject(message, "channel", channel);
}

/* ---- the checkpoint ---- */

static void
ids_add(cJSON *root, const char *name, const cJSON *ids)
{
	if (cJSON_GetArraySize(ids) > 0)
		cJSON_AddItemToObject(root, name, cJSON_Duplicate(ids, 1));
}

/* Of thousands of channels it cannot be kept: they are read from their beginning again, which makes no change. */
static void
checkpoint_write(struct sluice_run *run, const struct reading *r, const char *channel, const char *ts)
{
	cJSON *root = cJSON_CreateObject();
	const char *text;

	cJSON_AddItemToObject(root, "read", r->past ? cJSON_Duplicate(r->past, 1) : cJSON_CreateArray());
	ids_add(root, "again", r->again);
	ids_add(root, "missed", r->missed);
	if (channel) {
		cJSON_AddStringToObject(root, "channel", channel);
		cJSON_AddStringToObject(root, "ts", ts);
	}
	text = sluice_json_print(run, root);
	if (strlen(text) < CHECKPOINT_MAX)
		sluice_save_checkpoint(run, text);
	else
		sluice_log(run, SLUICE_WARN, "too many channels to remember: the next run reads them from the beginning");
	cJSON_Delete(root);
}

/* How far down the channel was compared in this run; NULL: another was in hand, or none. */
static const char *
checkpoint_place(struct sluice_run *run, const char *channel)
{
	const char *text = sluice_get_checkpoint(run), *at, *place = NULL;
	cJSON *root = text ? cJSON_Parse(text) : NULL;

	at = sluice_json_text(root, "channel");
	if (at && strcmp(at, channel) == 0 && (at = sluice_json_text(root, "ts")))
		place = sluice_format(run, "%s", at);
	cJSON_Delete(root);
	return place;
}

/* ---- threads ---- */

/* Everything in the thread but what the channel's history shows too. */
static cJSON *
replies_of(struct sluice_run *run, const struct sluice_page *page, const char *channel)
{
	cJSON *all = sluice_json_page(run, page), *replies = cJSON_CreateArray(), *message;

	while ((message = cJSON_DetachItemFromArray(all, 0)))
		if (message_is_reply(message)) {
			message_name(run, message, channel);
			cJSON_AddItemToArray(replies, message);
		} else {
			cJSON_Delete(message);
		}
	cJSON_Delete(all);
	return replies;
}

/* Replies that are gone can be told only where the whole thread was read in one step; else the next run tells. */
static void
thread_read(struct sluice_run *run, const struct window *stored, const char *channel, const cJSON *parent)
{
	const char *ts = sluice_json_text(parent, "ts");
	const struct sluice_pair query[] = {{"channel", channel}, {"ts", ts}, {NULL, NULL}};
	const struct sluice_page_request request = {
		.endpoint = "/conversations.replies", .query = query, .items = "messages", .limit = 100,
		.kind = SLUICE_CURSOR, .cursor_param = "cursor", .cursor = "response_metadata.next_cursor",
		.has_more = "has_more", .judge = answer_judge,
	};
	cJSON *shown = cJSON_CreateArray(), *replies, *each;
	int whole = 0;
	struct sluice_page page;

	while (sluice_paginate(run, &request, &page) > 0) {
		whole |= page.number == 1;
		replies = replies_of(run, &page, channel);
		sluice_json_save(run, "SlackMessage", replies);
		while ((each = cJSON_DetachItemFromArray(replies, 0)))
			cJSON_AddItemToArray(shown, each);
		cJSON_Delete(replies);
	}
	if (whole && stored)
		window_judge_thread(run, stored, channel, ts, shown);
	cJSON_Delete(shown);
}

static void
threads_read(struct sluice_run *run, const struct window *stored, const char *channel, const cJSON *messages)
{
	const cJSON *message;

	cJSON_ArrayForEach(message, messages) {
		const char *ts = sluice_json_text(message, "ts");
		if (!ts || message_is_reply(message))
			continue;
		if (sluice_json_int(message, "reply_count", 0) > 0)
			thread_read(run, stored, channel, message);
		else if (stored)
			window_judge_thread(run, stored, channel, ts, NULL);
	}
}

/* ---- channels ---- */

/* What is younger than the run is not judged: an event may have stored it since the page was asked for. */
static const char *
run_start(struct sluice_run *run)
{
	return sluice_format(run, "%010lld.000000", (long long)(sluice_now(run) / 1000000));
}

/* The page vouches for the time between its oldest message and that of the page before. */
static void
page_judge(struct sluice_run *run, const struct reading *r, const char *channel, const struct sluice_page *page,
           const cJSON *messages)
{
	const char *first = sluice_json_text(cJSON_GetArrayItem(messages, 0), "ts");
	const char *low = sluice_json_text(cJSON_GetArrayItem(messages, cJSON_GetArraySize(messages) - 1), "ts");
	const char *high = page->number == 1 ? run_start(run) : checkpoint_place(run, channel);

	high = high ? high : first;
	if (!high)
		return;
	low = low && strcmp(low, high) < 0 ? low : high;
	window_judge(run, r->stored, channel, low, high, messages);
	checkpoint_write(run, r, channel, low);
}

/* The channel could not be read. What the page had instead of messages says why. */
static void
channel_miss(struct sluice_run *run, struct reading *r, const char *channel, const struct sluice_page *page)
{
	const char *reason = answer_reason(run, page->answer, page->answer_len);
	const char *place = checkpoint_place(run, channel);

	sluice_log(run, SLUICE_WARN, "channel %s cannot be read: %s", channel, reason ? reason : "Slack does not say why");
	if (!selection_has(r->missed, channel))
		cJSON_AddItemToArray(r->missed, cJSON_CreateString(channel));
	checkpoint_write(run, r, place ? channel : NULL, place);
}

/* It can be read after all: an earlier run, which did not come to its end, could not. */
static void
channel_found(struct sluice_run *run, struct reading *r, const char *channel)
{
	const char *place = checkpoint_place(run, channel);

	if (!selection_has(r->missed, channel))
		return;
	for (int i = cJSON_GetArraySize(r->missed); i-- > 0;)
		if (strcmp(cJSON_GetArrayItem(r->missed, i)->valuestring, channel) == 0)
			cJSON_DeleteItemFromArray(r->missed, i);
	checkpoint_write(run, r, place ? channel : NULL, place);
}

static void
channel_read(struct sluice_run *run, struct reading *r, const char *channel)
{
	const int known = r->oldest && selection_has(r->past, channel) && !selection_has(r->again, channel);
	const struct sluice_pair query[] = {{"channel", channel}, {"oldest", known ? r->oldest : NULL}, {NULL, NULL}};
	const struct sluice_page_request request = {
		.endpoint = "/conversations.history", .query = query, .items = "messages", .limit = 100,
		.kind = SLUICE_CURSOR, .cursor_param = "cursor", .cursor = "response_metadata.next_cursor",
		.has_more = "has_more", .judge = history_judge,
	};
	struct sluice_page page;
	const char *place;

	if (known && !r->stored)
		r->stored = window_read(run, r->oldest);
	while (sluice_paginate(run, &request, &page) > 0) {
		cJSON *messages, *message;
		if (page.count == 0 && answer_reason(run, page.answer, page.answer_len)) {
			channel_miss(run, r, channel, &page);
			continue;
		}
		if (page.number == 1)
			channel_found(run, r, channel);
		messages = sluice_json_page(run, &page);
		cJSON_ArrayForEach(message, messages)
			message_name(run, message, channel);
		sluice_json_save(run, "SlackMessage", messages);
		if (known)
			page_judge(run, r, channel, &page, messages);
		if (r->threads)
			threads_read(run, known ? r->stored : NULL, channel, messages);
		cJSON_Delete(messages);
	}
	place = known && !selection_has(r->missed, channel) ? checkpoint_place(run, channel) : NULL;
	if (place) /* below the last page there is nothing any more */
		window_judge(run, r->stored, channel, r->oldest, place, NULL);
	cJSON_AddItemToArray(r->now, cJSON_CreateString(channel));
}

/* Every channel that the app is a member of. */
static void
all_read(struct sluice_run *run, struct reading *r)
{
	const struct sluice_page_request request = list_request(&channels);
	struct sluice_page page;

	while (sluice_paginate(run, &request, &page) > 0) {
		cJSON *list = sluice_json_page(run, &page), *channel;
		cJSON_ArrayForEach(channel, list) {
			const char *id = sluice_json_text(channel, "id");
			if (id && sluice_json_bool(channel, "is_member", 0))
				channel_read(run, r, id);
		}
		cJSON_Delete(list);
	}
}

/* Some channel whose past is here is not among the chosen: what is stored of all such goes. */
static void
deselected_delete(struct sluice_run *run, struct reading *r, const cJSON *chosen)
{
	cJSON *kept = cJSON_CreateArray(), *each;

	cJSON_ArrayForEach(each, r->past)
		if (cJSON_IsString(each) && selection_has(chosen, each->valuestring))
			cJSON_AddItemToArray(kept, cJSON_CreateString(each->valuestring));
	if (!selection_has(chosen, "*") && cJSON_GetArraySize(kept) < cJSON_GetArraySize(r->past)) {
		messages_keep(run, chosen);
		cJSON_Delete(r->past);
		r->past = kept;
		checkpoint_write(run, r, NULL, NULL);
		return;
	}
	cJSON_Delete(kept);
}

static int
selection_check(struct sluice_run *run, const cJSON *chosen)
{
	const cJSON *channel;

	if (chosen && !cJSON_IsArray(chosen))
		return sluice_fail(run, SLUICE_EARGUMENT, "channels is no array: write [\"C0123\"]; the metadata's channels go "
		                   "before those of the connection (`sluice metadata get` shows them)");
	if (cJSON_GetArraySize(chosen) == 0)
		return sluice_fail(run, SLUICE_EARGUMENT, "no channel is selected: set channels = [\"C0123\"] (or [\"*\"]) "
		                   "in the connection, or its metadata");
	cJSON_ArrayForEach(channel, chosen)
		if (!cJSON_IsString(channel))
			return sluice_fail(run, SLUICE_EARGUMENT, "channels holds something that is no channel id");
	return sluice_status(run);
}

static struct reading
reading_begin(struct sluice_run *run)
{
	const int64_t last = sluice_last_success(run);
	const char *known = sluice_get_checkpoint(run), *hours = sluice_get_option(run, "look_back_hours");
	const long long back = OVERLAP_S + (hours ? strtoll(hours, NULL, 10) : 0) * 3600;
	cJSON *checkpoint = known ? cJSON_Parse(known) : NULL;
	struct reading r = {.threads = option_threads(run), .now = cJSON_CreateArray()};

	if (last > 0) {
		r.past = cJSON_DetachItemFromObjectCaseSensitive(checkpoint, "read");
		r.again = cJSON_DetachItemFromObjectCaseSensitive(checkpoint, "again");
	}
	r.missed = cJSON_DetachItemFromObjectCaseSensitive(checkpoint, "missed");
	if (!r.missed)
		r.missed = cJSON_CreateArray();
	if (last > 0)
		r.oldest = sluice_format(run, "%010lld.000000", last / 1000000 > back ? (long long)(last / 1000000) - back : 0);
	cJSON_Delete(checkpoint);
	return r;
}

/* All was read that could be; what could not is told, so that nothing counts as gone for that. */
static void
reading_end(struct sluice_run *run, struct reading *r)
{
	const cJSON *channel;
	const char *names = "";

	cJSON_ArrayForEach(channel, r->missed)
		if (selection_has(r->now, channel->valuestring))
			names = sluice_format(run, "%s%s%s", names, *names ? ", " : "", channel->valuestring);
	if (*names)
		sluice_partial(run, "channels that cannot be read: %.300s; invite the app, or take them out of the selection", names);
	cJSON_Delete(r->past);
	cJSON_Delete(r->again);
	r->past = r->now;
	r->again = r->missed;
	r->now = r->missed = NULL;
	checkpoint_write(run, r, NULL, NULL);
}

int
fetch_messages(struct sluice_run *run)
{
	struct reading r = reading_begin(run);
	cJSON *chosen = selection_read(run), *channel;

	if (selection_check(run, chosen) == 0) {
		deselected_delete(run, &r, chosen);
		cJSON_ArrayForEach(channel, chosen) {
			if (strcmp(channel->valuestring, "*") == 0)
				all_read(run, &r);
			else
				channel_read(run, &r, channel->valuestring);
		}
	}
	if (sluice_status(run) == 0)
		reading_end(run, &r);
	window_free(r.stored);
	cJSON_Delete(chosen);
	cJSON_Delete(r.past);
	cJSON_Delete(r.again);
	cJSON_Delete(r.missed);
	cJSON_Delete(r.now);
	return sluice_status(run);
}
