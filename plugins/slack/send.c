/* send.c - the action send-message: to a user or a channel, who is found among what was synced.
 *
 *   U0123ABCD, W...          that user: the conversation with them is opened
 *   C0123ABCD, G..., D...    that channel
 *   #general                 the channel of that name
 *   ada@example.com          the user with that address
 *   ada, @ada                the user with that handle
 *   Ada Example              the user with that full or display name
 *
 * Guarantee: nobody is written to by chance. An address or handle goes before a name; a name that several bear is
 * refused with their ids, and so is one that nobody bears. Deactivated users are not found.
 * Awkward: addresses are only synced with the scope users:read.email. A message is not sent twice: the request is not
 * repeated when its answer was lost (https://api.slack.com/methods/chat.postMessage). */
#include <strings.h>
#include "slack.h"

enum { ID_MIN = 9 };

/* Who fits so far. */
struct finding {
	int rank;       /* of those found: 2 by address or handle, 1 by name, 0 nobody */
	int count;      /* found with that rank */
	long looked_at;
	const char *id; /* the first */
	const char *names; /* "U1 (ada), U2 (ada.l)" */
};

static int
is_id(const char *text, const char *first)
{
	size_t n = strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789");

	return strchr(first, text[0]) && n >= ID_MIN && text[n] == '\0';
}

static int
same(const cJSON *object, const char *member, const char *text)
{
	const char *value = sluice_json_text(object, member);

	return value && *value && strcasecmp(value, text) == 0;
}

static int
user_rank(const cJSON *user, const char *who)
{
	const cJSON *profile = sluice_json_get(user, "profile");

	if (sluice_json_bool(user, "deleted", 0))
		return 0;
	if (same(user, "name", who) || same(profile, "email", who))
		return 2;
	return same(user, "real_name", who) || same(profile, "real_name", who) || same(profile, "display_name", who);
}

static int
channel_rank(const cJSON *channel, const char *name)
{
	return same(channel, "name", name) ? 2 : 0;
}

static void
finding_add(struct sluice_run *run, struct finding *f, const cJSON *record, int rank)
{
	const char *id = sluice_json_text(record, "id"), *name = sluice_json_text(record, "name");
	const char *text = sluice_format(run, "%s (%s)", id ? id : "?", name ? name : "?");

	if (!id || rank < f->rank || !rank)
		return;
	if (rank > f->rank) {
		f->rank = rank;
		f->count = 0;
	}
	f->id = f->count ? f->id : sluice_format(run, "%s", id);
	f->names = f->count ? sluice_format(run, "%s, %s", f->names, text) : text;
	f->count++;
}

static struct finding
find(struct sluice_run *run, const char *model, const char *who, int (*rank)(const cJSON *, const char *))
{
	struct finding f = {0};
	const char *json;

	for (long n = sluice_list_records(run, model, 0, &json); n > 0; n = sluice_list_records(run, model, 1, &json)) {
		cJSON *page = sluice_json_parse(json, strlen(json)), *record;
		cJSON_ArrayForEach(record, page) {
			f.looked_at++;
			if (rank(record, who))
				finding_add(run, &f, record, rank(record, who));
		}
		cJSON_Delete(page);
	}
	return f;
}

/* The id of the only one; else the run fails, saying why. */
static const char *
found(struct sluice_run *run, const struct finding *f, const char *what, const char *who, const char *sync)
{
	if (f->count == 1)
		return f->id;
	if (f->count > 1)
		sluice_fail(run, SLUICE_EFAILED, "several %ss are called '%s': %.300s; say the id of one", what, who, f->names);
	else if (f->looked_at)
		sluice_fail(run, SLUICE_EFAILED, "none of the %ld synced %ss is called '%s'", f->looked_at, what, who);
	else
		sluice_fail(run, SLUICE_EFAILED, "no %ss were synced yet: run the sync %s, or say an id", what, sync);
	return NULL;
}

/* POST of a JSON object, judged; the answer's tree is yours, NULL after a failure. */
static cJSON *
post(struct sluice_run *run, const char *method, const cJSON *body, int flags)
{
	static const struct sluice_pair headers[] = {{"Content-Type", "application/json; charset=utf-8"}, {NULL, NULL}};
	const struct sluice_request request = {
		.method = "POST", .endpoint = method, .headers = headers, .body = sluice_json_print(run, body), .flags = flags,
	};
	struct sluice_response answer;

	if (sluice_fetch(run, &request, &answer) || answer_judge(run, &answer))
		return NULL;
	return sluice_json_answer(run, &answer);
}

/* The conversation with a user; opening one that is open gives the same. */
static const char *
conversation_open(struct sluice_run *run, const char *user)
{
	cJSON *body = cJSON_CreateObject(), *answer;
	const char *id;

	cJSON_AddStringToObject(body, "users", user);
	answer = post(run, "/conversations.open", body, SLUICE_SAFE);
	id = sluice_json_text(sluice_json_get(answer, "channel"), "id");
	if (answer && !id)
		sluice_fail(run, SLUICE_EDATA, "Slack opened a conversation without an id");
	id = id ? sluice_format(run, "%s", id) : NULL;
	cJSON_Delete(answer);
	cJSON_Delete(body);
	return id;
}

/* The channel to write to; *user: who it is with, or NULL. NULL after a failure. */
static const char *
channel_find(struct sluice_run *run, const char *to, const char **user)
{
	struct finding f;

	*user = NULL;
	if (is_id(to, "CGD"))
		return to;
	if (*to == '#') {
		f = find(run, "SlackChannel", to + 1, channel_rank);
		return found(run, &f, "channel", to, "channels");
	}
	to += *to == '@';
	if (!is_id(to, "UW")) {
		f = find(run, "SlackUser", to, user_rank);
		to = found(run, &f, "user", to, "active-users");
	}
	*user = to;
	return to ? conversation_open(run, to) : NULL;
}

static void
message_post(struct sluice_run *run, const cJSON *input, const char *channel, const char *user)
{
	static const char *const members[] = {"text", "thread_ts", "blocks"};
	cJSON *body = cJSON_CreateObject(), *reply = cJSON_CreateObject(), *answer;
	const char *ts;

	cJSON_AddStringToObject(body, "channel", channel);
	for (size_t i = 0; i < sizeof members / sizeof *members; i++)
		if (sluice_json_get(input, members[i]))
			cJSON_AddItemToObject(body, members[i], cJSON_Duplicate(sluice_json_get(input, members[i]), 1));
	answer = post(run, "/chat.postMessage", body, 0);
	ts = sluice_json_text(answer, "ts");
	if (answer && !ts)
		sluice_fail(run, SLUICE_EDATA, "Slack took the message, and does not say its ts");
	if (ts) {
		channel = sluice_json_text(answer, "channel") ? sluice_json_text(answer, "channel") : channel;
		cJSON_AddStringToObject(reply, "id", message_id(run, channel, ts));
		cJSON_AddStringToObject(reply, "channel", channel);
		cJSON_AddStringToObject(reply, "ts", ts);
		if (user)
			cJSON_AddStringToObject(reply, "user", user);
		sluice_reply(run, sluice_json_print(run, reply));
	}
	cJSON_Delete(answer);
	cJSON_Delete(reply);
	cJSON_Delete(body);
}

int
send_message(struct sluice_run *run)
{
	const char *text = sluice_input(run), *to, *user, *channel;
	cJSON *input = sluice_json_parse(text, strlen(text));

	to = sluice_json_text(input, "to");
	channel = to && *to ? channel_find(run, to, &user) : NULL;
	if (!to || !*to)
		sluice_fail(run, SLUICE_EFAILED, "to: say a user or a channel");
	else if (channel)
		message_post(run, input, channel, user);
	cJSON_Delete(input);
	return sluice_status(run);
}
