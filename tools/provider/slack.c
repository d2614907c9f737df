/* slack.c - /slack/api/METHOD: Slack's Web API, in which every application error comes with status 200 and "ok": false.
 *
 * Channels are numbered from 0, the general one, which has the newest messages and gets the added ones; each other
 * channel has an equal share. Filters (types, exclude_archived) work as at Slack: after the page was cut, so that pages
 * may be short, or empty with a cursor. The bot is no member of every seventh channel. Credentials: xoxb-... or
 * xoxp-... is good; xoxb-expired... is expired, xoxb-noscope... lacks every scope. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "provider.h"
#include "window.h"

static const char *const channel_shapes[] = {
        "{'id':'<id>','name':'team-<i>','is_channel':true,'is_group':false,'is_im':false,'is_mpim':false,"
        "'is_private':<every 9 true|false>,'created':<created>,'creator':'<ref users>',"
        "'is_archived':<every 11 true|false>,'is_general':false,'unlinked':0,'name_normalized':'team-<i>',"
        "'is_shared':false,'is_org_shared':false,'is_ext_shared':false,'pending_shared':[],"
        "'is_pending_ext_shared':false,'is_member':<every 7 false|true>,'updated':<updated>000,"
        "'topic':{'value':'<~text 5>','creator':'<ref users>','last_set':<updated>},'purpose':{'value':'<text 7>',"
        "'creator':'','last_set':0},'previous_names':[],'num_members':<~num 1 400>,'context_team_id':'T0EXAMPLE1',"
        "'properties':{'revision':<rev>}}",
        NULL};
static const char *const user_shapes[] = {
        "{'id':'<id>','team_id':'T0EXAMPLE1','name':'<word>.<hex 4>','deleted':<every 17 true|false>,"
        "'color':'<hex 6>','real_name':'<first> <last>','tz':'<~pick Europe/Berlin|America/New_York|Asia/Tokyo>',"
        "'tz_label':'Local Time','tz_offset':<num -10 12>,'profile':{'title':'<~text 2>','phone':'','skype':'',"
        "'real_name':'<first> <last>','real_name_normalized':'<first> <last>','display_name':'<first>',"
        "'status_text':'<~text 3>','status_emoji':'<~pick |:books:|:palm_tree:>','avatar_hash':'<hex 12>',"
        "'email':'<word>.<hex 6>@example.com','team':'T0EXAMPLE1'},'is_admin':<pick true|false|false>,"
        "'is_owner':false,'is_primary_owner':false,'is_restricted':false,'is_ultra_restricted':false,"
        "'is_bot':<every 13 true|false>,'is_app_user':false,'updated':<updated>,'is_email_confirmed':true,"
        "'revision':<rev>}",
        NULL};
static const char *const message_shapes[] = {
        "{'type':'message','user':'<ref users>','ts':'<ts>','client_msg_id':'<hex 32>','text':'<~text 14>',"
        "'team':'T0EXAMPLE1','revision':<rev>}",
        "{'type':'message','user':'<ref users>','ts':'<ts>','client_msg_id':'<hex 32>',"
        "'text':'<~text 5> \\u003c@U0EXAMPLE1\\u003e','team':'T0EXAMPLE1','reactions':[{'name':'thumbsup',"
        "'users':['<ref users>'],'count':1}],'revision':<rev>}",
        "{'type':'message','subtype':'bot_message','bot_id':'B<hex 8>','username':'<word>','ts':'<ts>',"
        "'text':'<~text 9>','revision':<rev>}",
        NULL};

const struct kind slack_kinds[] = {
        {"slack", "channels", "C0", 9, true, 1, 20, 4, channel_shapes},
        {"slack", "users", "U0", 9, true, 1, 2, 3, user_shapes},
        {"slack", "messages", "M0", 9, true, 1, 1, 1, message_shapes},
        KINDS_END,
};

enum { MEMBER_EVERY = 7, PRIVATE_EVERY = 9, ARCHIVED_EVERY = 11 }; /* as in the channels' shape */

static bool
is_each(uint32_t i, uint32_t every)
{
	return i % every == every - 1;
}

static void
slack_fail(struct reply *p, const char *error)
{
	struct json_out o = reply_json(p, 200);

	json_open(&o, '{');
	json_kv_bool(&o, "ok", false);
	json_kv_str(&o, "error", error);
	json_close(&o, '}');
}

/* ---- cursors: base64 of "next:PLACE" ---- */

static const char base64_digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static void
cursor_write(char out[64], size_t place)
{
	char text[32];
	size_t len = (size_t)snprintf(text, sizeof(text), "next:%zu", place), n = 0;

	for (size_t i = 0; i < len; i += 3) {
		unsigned have = len - i < 3 ? (unsigned)(len - i) : 3;
		unsigned bits = (unsigned)(unsigned char)text[i] << 16 |
		                (have > 1 ? (unsigned)(unsigned char)text[i + 1] << 8 : 0) |
		                (have > 2 ? (unsigned)(unsigned char)text[i + 2] : 0);
		for (unsigned k = 0; k < 4; k++)
			out[n++] = k <= have ? base64_digits[bits >> (18 - 6 * k) & 63] : '=';
	}
	out[n] = 0;
}

/* A cursor is right when it is what would be written for its place: decode by the digits, write again, compare. */
static bool
cursor_read(const char *cursor, size_t *place)
{
	char text[64], again[64];
	size_t n = 0;
	unsigned bits = 0, have = 0;

	for (; *cursor && n < sizeof(text) - 1; cursor++) {
		const char *digit = *cursor == '=' ? NULL : strchr(base64_digits, *cursor);
		if (!digit)
			break;
		bits = bits << 6 | (unsigned)(digit - base64_digits);
		have += 6;
		if (have >= 8)
			text[n++] = (char)(bits >> (have -= 8) & 0xff);
	}
	text[n] = 0;
	if (strncmp(text, "next:", 5) != 0)
		return false;
	*place = strtoull(text + 5, NULL, 10);
	snprintf(again, sizeof(again), "next:%zu", *place);
	return strcmp(text, again) == 0;
}

static bool
window_read(struct window *w, const struct request *r, int64_t limit, int64_t most, struct reply *p)
{
	char cursor[64];

	w->limit = (size_t)request_limit(r, "limit", limit, most);
	if (request_param(r, "cursor", cursor, sizeof(cursor)) && cursor[0] && !r->bend &&
	    (!cursor_read(cursor, &w->start) || w->start > w->total)) {
		slack_fail(p, "invalid_cursor");
		return false;
	}
	window_cut(w, r);
	return true;
}

static void
metadata_write(const struct window *w, struct buf *out)
{
	char cursor[64] = "";

	if (w->more && w->token[0])
		snprintf(cursor, sizeof(cursor), "%s", w->token);
	else if (w->more)
		cursor_write(cursor, w->start + w->count);
	buf_printf(out, ",\"response_metadata\":{\"next_cursor\":\"%s\"}}", cursor);
}

/* ---- methods ---- */

struct channel_filter {
	bool open, closed, archived; /* public ones, private ones, archived ones too */
};

static bool
channel_passes(const struct channel_filter *f, uint32_t i)
{
	return (is_each(i, PRIVATE_EVERY) ? f->closed : f->open) && (f->archived || !is_each(i, ARCHIVED_EVERY));
}

static void
conversations_list(struct provider *v, const struct request *r, struct reply *p)
{
	const struct dataset *d = world_find(&v->world, "slack", "channels");
	struct window w = {.total = d->live_count};
	char types[128], archived[16];
	bool comma = false;

	if (!request_param(r, "types", types, sizeof(types)))
		snprintf(types, sizeof(types), "public_channel");
	request_param(r, "exclude_archived", archived, sizeof(archived));
	struct channel_filter filter = {strstr(types, "public_channel"), strstr(types, "private_channel"),
	                                strcmp(archived, "true") != 0 && strcmp(archived, "1") != 0};
	if (!window_read(&w, r, 100, 1000, p))
		return;
	reply_json(p, 200);
	buf_puts(&p->body, "{\"ok\":true,\"channels\":");
	reply_items_begin(p);
	for (size_t k = 0; k < w.count; k++) {
		uint32_t i = dataset_at(d, window_rotate(&w, r, k));
		if (!channel_passes(&filter, i))
			continue;
		if (comma)
			buf_putc(&p->body, ',');
		comma = true;
		dataset_render(d, i, &p->body);
	}
	reply_items_end(p, !w.more);
	metadata_write(&w, &p->body);
}

static void
users_list(struct provider *v, const struct request *r, struct reply *p)
{
	const struct dataset *d = world_find(&v->world, "slack", "users");
	struct window w = {.total = d->live_count};

	if (!window_read(&w, r, 200, 1000, p))
		return;
	reply_json(p, 200);
	buf_puts(&p->body, "{\"ok\":true,\"members\":");
	reply_items_begin(p);
	for (size_t k = 0; k < w.count; k++) {
		if (k)
			buf_putc(&p->body, ',');
		dataset_render(d, dataset_at(d, window_rotate(&w, r, k)), &p->body);
	}
	reply_items_end(p, !w.more);
	buf_puts(&p->body, ",\"cache_ts\":1767225600");
	metadata_write(&w, &p->body);
}

/* "1773301324.033409" in microseconds; false: no timestamp. */
static bool
ts_read(const char *text, int64_t *us)
{
	char *end;
	int64_t seconds = strtoll(text, &end, 10), micros = 0, unit = 100000;

	if (end == text || seconds < 0 || seconds > INT64_C(1) << 40)
		return false;
	for (end += *end == '.'; *end >= '0' && *end <= '9'; end++, unit /= 10)
		micros += (*end - '0') * unit;
	*us = seconds * 1000000 + micros;
	return *end == 0;
}

/* The live messages from..to-1 that stand in the channel and within oldest and latest. */
static bool
messages_range(const struct request *r, const struct dataset *d, const struct dataset *channels, uint32_t channel,
               size_t range[2], struct reply *p)
{
	uint64_t slot = (uint64_t)channels->base - 1 - channel;
	uint32_t first = (uint32_t)(slot * d->base / channels->base);
	uint32_t last = channel ? (uint32_t)((slot + 1) * d->base / channels->base) : d->count;
	char text[64];
	int64_t us;
	bool inclusive = request_param(r, "inclusive", text, sizeof(text)) && (text[0] == '1' || text[0] == 't');

	range[0] = range[1] = 0;
	if (channel >= channels->base)
		return true; /* one that was added: nobody has said anything */
	range[0] = dataset_rank(d, first);
	range[1] = dataset_rank(d, last);
	if (request_param(r, "oldest", text, sizeof(text)) && text[0]) {
		if (!ts_read(text, &us)) {
			slack_fail(p, "invalid_ts_oldest");
			return false;
		}
		size_t from = dataset_since(d, us + !inclusive);
		range[0] = from > range[0] ? from : range[0];
	}
	if (request_param(r, "latest", text, sizeof(text)) && text[0]) {
		if (!ts_read(text, &us)) {
			slack_fail(p, "invalid_ts_latest");
			return false;
		}
		size_t to = dataset_since(d, us + inclusive);
		range[1] = to < range[1] ? to : range[1];
	}
	range[1] = range[1] < range[0] ? range[0] : range[1];
	return true;
}

static void
conversations_history(struct provider *v, const struct request *r, struct reply *p)
{
	const struct dataset *channels = world_find(&v->world, "slack", "channels");
	const struct dataset *d = world_find(&v->world, "slack", "messages");
	char id[ID_MAX];
	size_t range[2];
	uint32_t channel;

	request_param(r, "channel", id, sizeof(id));
	if (!dataset_find(channels, id, &channel) || !dataset_has(channels, channel)) {
		slack_fail(p, "channel_not_found");
		return;
	}
	if (is_each(channel, MEMBER_EVERY)) {
		slack_fail(p, "not_in_channel");
		return;
	}
	if (!messages_range(r, d, channels, channel, range, p))
		return;
	struct window w = {.total = range[1] - range[0]};
	if (!window_read(&w, r, 100, 999, p))
		return;
	reply_json(p, 200);
	buf_puts(&p->body, "{\"ok\":true,\"messages\":");
	reply_items_begin(p);
	for (size_t k = 0; k < w.count; k++) {
		if (k)
			buf_putc(&p->body, ',');
		dataset_render(d, dataset_at(d, range[1] - 1 - window_rotate(&w, r, k)), &p->body);
	}
	reply_items_end(p, !w.more);
	buf_printf(&p->body, ",\"has_more\":%s,\"pin_count\":0,\"channel_actions_ts\":null", w.more ? "true" : "false");
	if (w.more)
		metadata_write(&w, &p->body);
	else
		buf_putc(&p->body, '}');
}

static void
auth_test(struct provider *v, const struct request *r, struct reply *p)
{
	(void)v;
	(void)r;
	reply_json(p, 200);
	buf_puts(&p->body,
	         "{\"ok\":true,\"url\":\"https://example.slack.com/\",\"team\":\"Example Co\",\"user\":\"sluice\","
	         "\"team_id\":\"T0EXAMPLE1\",\"user_id\":\"U0EXAMPLE1\",\"bot_id\":\"B0EXAMPLE1\"}");
}

static const struct method {
	const char *name, *scope; /* scope NULL: none is needed */
	void (*serve)(struct provider *v, const struct request *r, struct reply *p);
} methods[] = {
        {"conversations.list", "channels:read", conversations_list},
        {"conversations.history", "channels:history", conversations_history},
        {"users.list", "users:read", users_list},
        {"auth.test", NULL, auth_test},
};

/* ---- admission ---- */

static bool
slack_admits(const struct method *m, const struct request *r, struct reply *p)
{
	char token[256];

	if (!request_token(r, token, sizeof(token)) && !request_param(r, "token", token, sizeof(token))) {
		slack_fail(p, "not_authed");
		return false;
	}
	if (strncmp(token, "xoxb-expired", 12) == 0) {
		slack_fail(p, "token_expired");
		return false;
	}
	if (strncmp(token, "xoxb-", 5) != 0 && strncmp(token, "xoxp-", 5) != 0) {
		slack_fail(p, "invalid_auth");
		return false;
	}
	if (strncmp(token, "xoxb-noscope", 12) != 0 || !m->scope)
		return true;
	struct json_out o = reply_json(p, 200);
	json_open(&o, '{');
	json_kv_bool(&o, "ok", false);
	json_kv_str(&o, "error", "missing_scope");
	json_kv_str(&o, "needed", m->scope);
	json_kv_str(&o, "provided", "identify");
	json_close(&o, '}');
	return false;
}

void
slack_handle(struct provider *v, const struct request *r, struct slice rest, struct reply *p)
{
	if (slice_starts(rest, "api/"))
		rest = slice_of(rest.p + 4, rest.len - 4);
	for (size_t i = 0; i < LENGTH(methods); i++)
		if (slice_is(rest, methods[i].name)) {
			if (slack_admits(&methods[i], r, p))
				methods[i].serve(v, r, p);
			return;
		}
	slack_fail(p, "unknown_method");
}
