/* async_row.c - see async_row.h. Awkward: a result is a view into its row; only what was escaped in it is copied. */
#include "run/async_row.h"

#include <stdlib.h>
#include "base/json.h"
#include "base/mem.h"
#include "run/member.h"

void
async_queued_write(struct buf *row, const struct action_ask *a, bool repeatable, int64_t now_us)
{
	struct json_out o = json_out(row);

	json_open(&o, '{');
	json_kv_str(&o, "state", "queued");
	json_kv_str(&o, "connection", a->connection);
	json_kv_str(&o, "integration", a->integration);
	json_kv_str(&o, "action", a->name);
	json_kv_raw(&o, "input", a->input);
	json_kv_int(&o, "retries", a->retries);
	json_kv_bool(&o, "repeatable", repeatable);
	json_kv_int(&o, "asked_us", now_us);
	json_close(&o, '}');
}

static void
failure_write(struct json_out *o, const struct action_result *r)
{
	json_kv_str(o, "class", err_class_name(r->err.cls));
	json_kv_str(o, "reason", r->err.text);
	json_kv_bool(o, "timed_out", r->timed_out);
	json_kv_int(o, "status", r->status);
	json_kv_slice(o, "answer", r->answer);
	json_kv_slice(o, "headers", r->headers);
}

void
async_result_write(struct buf *row, struct slice before, const struct action_result *r, int64_t now_us)
{
	static const char *const kept[] = {"connection", "integration", "action", "asked_us"};
	struct json_out o = json_out(row);

	json_open(&o, '{');
	json_kv_str(&o, "state", r->err.cls == ERR_NONE ? "done" : "failed");
	for (size_t i = 0; i < LENGTH(kept); i++)
		json_kv_raw(&o, kept[i], member_raw(before, kept[i]));
	json_kv_int(&o, "ended_us", now_us);
	if (r->err.cls == ERR_NONE)
		json_kv_raw(&o, "reply", r->reply);
	else
		failure_write(&o, r);
	json_close(&o, '}');
}

/* ---- read ---- */

static struct slice
text_of(struct buf *texts, struct slice row, const char *name)
{
	size_t at = texts->len;

	json_unquote(member_raw(row, name), texts);
	return slice_of(texts->p + at, texts->len - at);
}

void
async_view_fill(struct async_view *v, bool failed)
{
	struct slice row = buf_view(&v->row);
	char *cls = member_text(row, "class"), *reason = member_text(row, "reason");

	if (failed) {
		buf_reserve(&v->texts, row.len); /* so that slices into it stay */
		err_set(&v->result.err, cls && err_class_find(cls) != ERR_NONE ? err_class_find(cls) : ERR_HOST, "%s", reason ? reason : "");
		v->result.timed_out = member_bool(row, "timed_out", false);
		v->result.status = (int)member_int(row, "status", 0);
		v->result.answer = text_of(&v->texts, row, "answer");
		v->result.headers = text_of(&v->texts, row, "headers");
	} else {
		v->result.reply = member_raw(row, "reply");
	}
	free(cls);
	free(reason);
}
