/* window.c - what is gone of the messages that were stored.
 *
 * Slack's history tells what is there, never what was deleted. So a run reads again what is younger than the look-back
 * option says, and what is stored of that time, and is not shown, is gone. Listing what is stored costs one pass over the
 * stored messages, once in each step; only those of the window are kept in memory.
 *
 * Timestamps are compared as text: ten digits, a dot, six digits, until the year 2286. A reply stands where the message
 * stands that began its thread: it goes with it. */
#include "slack.h"

struct entry {
	char *channel, *ts;
	char *thread; /* ts of the message that began the thread of this reply; NULL: none, it stands for itself */
};

struct window {
	struct entry *entries;
	size_t n, room;
};

int
message_is_reply(const cJSON *message)
{
	const char *ts = sluice_json_text(message, "ts"), *thread = sluice_json_text(message, "thread_ts");
	const char *subtype = sluice_json_text(message, "subtype");

	return ts && thread && strcmp(ts, thread) != 0 && !(subtype && strcmp(subtype, "thread_broadcast") == 0);
}

const char *
message_id(struct sluice_run *run, const char *channel, const char *ts)
{
	return sluice_format(run, "%s-%s", channel, ts);
}

static void
ids_delete(struct sluice_run *run, const cJSON *ids)
{
	if (cJSON_GetArraySize(ids) > 0)
		sluice_json_delete(run, "SlackMessage", ids);
}

static void
window_add(struct window *w, const cJSON *message, const char *oldest)
{
	const char *channel = sluice_json_text(message, "channel"), *ts = sluice_json_text(message, "ts");
	const char *thread = message_is_reply(message) ? sluice_json_text(message, "thread_ts") : NULL;
	struct entry *grown;

	if (!channel || !ts || strcmp(thread ? thread : ts, oldest) <= 0)
		return;
	if (w->n == w->room) {
		grown = realloc(w->entries, (w->room * 2 + 64) * sizeof *grown);
		if (!grown)
			abort();
		w->entries = grown;
		w->room = w->room * 2 + 64;
	}
	w->entries[w->n].channel = strdup(channel);
	w->entries[w->n].ts = strdup(ts);
	w->entries[w->n].thread = thread ? strdup(thread) : NULL;
	w->n++;
}

struct window *
window_read(struct sluice_run *run, const char *oldest)
{
	struct window *w = calloc(1, sizeof *w);
	const char *json;

	if (!w)
		abort();
	for (long n = sluice_list_records(run, "SlackMessage", 0, &json); n > 0;
	     n = sluice_list_records(run, "SlackMessage", 1, &json)) {
		cJSON *page = sluice_json_parse(json, strlen(json)), *message;
		cJSON_ArrayForEach(message, page)
			window_add(w, message, oldest);
		cJSON_Delete(page);
	}
	return w;
}

void
window_free(struct window *w)
{
	for (size_t i = 0; w && i < w->n; i++) {
		free(w->entries[i].channel);
		free(w->entries[i].ts);
		free(w->entries[i].thread);
	}
	if (w)
		free(w->entries);
	free(w);
}

static int
shows(const cJSON *messages, const char *ts)
{
	const cJSON *message;
	const char *each;

	cJSON_ArrayForEach(message, messages)
		if ((each = sluice_json_text(message, "ts")) && strcmp(each, ts) == 0)
			return 1;
	return 0;
}

void
window_judge(struct sluice_run *run, const struct window *w, const char *channel, const char *low, const char *high,
             const cJSON *shown)
{
	cJSON *gone = cJSON_CreateArray();

	for (size_t i = 0; i < w->n; i++) {
		const struct entry *e = &w->entries[i];
		const char *at = e->thread ? e->thread : e->ts;
		if (strcmp(e->channel, channel) == 0 && strcmp(at, low) >= 0 && strcmp(at, high) < 0 && !shows(shown, at))
			cJSON_AddItemToArray(gone, cJSON_CreateString(message_id(run, channel, e->ts)));
	}
	ids_delete(run, gone);
	cJSON_Delete(gone);
}

void
window_judge_thread(struct sluice_run *run, const struct window *w, const char *channel, const char *thread,
                    const cJSON *shown)
{
	cJSON *gone = cJSON_CreateArray();

	for (size_t i = 0; i < w->n; i++) {
		const struct entry *e = &w->entries[i];
		if (e->thread && strcmp(e->channel, channel) == 0 && strcmp(e->thread, thread) == 0 && !shows(shown, e->ts))
			cJSON_AddItemToArray(gone, cJSON_CreateString(message_id(run, channel, e->ts)));
	}
	ids_delete(run, gone);
	cJSON_Delete(gone);
}

void
messages_keep(struct sluice_run *run, const cJSON *ids)
{
	const char *json;

	for (long n = sluice_list_records(run, "SlackMessage", 0, &json); n > 0;
	     n = sluice_list_records(run, "SlackMessage", 1, &json)) {
		cJSON *page = sluice_json_parse(json, strlen(json)), *message, *gone = cJSON_CreateArray();
		cJSON_ArrayForEach(message, page) {
			const char *channel = sluice_json_text(message, "channel"), *id = sluice_json_text(message, "id");
			if (channel && id && !selection_has(ids, channel))
				cJSON_AddItemToArray(gone, cJSON_CreateString(id));
		}
		ids_delete(run, gone);
		cJSON_Delete(gone);
		cJSON_Delete(page);
	}
}
