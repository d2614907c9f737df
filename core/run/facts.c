/* facts.c - what of a run outlives it: the value of STATE_RUN while it is under way or interrupted, and STATE_LAST
 * after it.
 *
 * The next run of the sync takes these up: same now, same last success, same generation, and everything that speaks
 * against deletes by absence. They travel in the same commit as the pages that they are about, so they are never behind
 * them. */
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "run/credentials.h"
#include "run/inside.h"

static const struct {
	const char *name;
	size_t at; /* of a bool in struct run_model */
} model_flags[] = {
	{"handmade", offsetof(struct run_model, handmade)},
	{"vouched", offsetof(struct run_model, vouched)},
	{"rejected", offsetof(struct run_model, rejected)},
};

static void
models_write(const struct run *r, struct json_out *o)
{
	for (size_t f = 0; f < LENGTH(model_flags); f++) {
		json_key(o, model_flags[f].name);
		json_open(o, '[');
		for (size_t i = 0; i < r->n_models; i++)
			if (*(const bool *)((const char *)&r->models[i] + model_flags[f].at))
				json_put_str(o, r->models[i].model->name);
		json_close(o, ']');
	}
}

static void
models_read(struct run *r, struct slice json)
{
	for (size_t f = 0; f < LENGTH(model_flags); f++) {
		struct json_iter it = json_iter(member_raw(json, model_flags[f].name));
		while (json_next(&it))
			for (size_t i = 0; i < r->n_models; i++)
				if (json_string_is(it.value, r->models[i].model->name))
					*(bool *)((char *)&r->models[i] + model_flags[f].at) = true;
	}
}

void
facts_write(const struct run *r, struct buf *out)
{
	struct json_out o = json_out(out);
	const struct facts *f = &r->facts;

	json_open(&o, '{');
	json_kv_int(&o, "run", (int64_t)r->number);
	json_kv_int(&o, "started_us", r->start_us);
	json_kv_int(&o, "now_us", f->now_us);
	json_kv_int(&o, "due_us", r->request.due_us);
	json_kv_int(&o, "last_success_us", f->last_success_us);
	json_kv_bool(&o, "full", f->full);
	json_kv_bool(&o, "staged", f->staged);
	json_kv_bool(&o, "reset", f->reset);
	json_kv_bool(&o, "incomplete", f->incomplete || r->bad_answer);
	json_kv_bool(&o, "partial", f->partial);
	json_kv_bool(&o, "weak", f->weak);
	json_kv_bool(&o, "shifted", f->shifted);
	json_kv_int(&o, "finished", (int64_t)f->finished);
	json_kv_int(&o, "steps", (int64_t)f->steps);
	models_write(r, &o);
	json_key(&o, "models");
	json_open(&o, '[');
	for (size_t i = 0; i < r->n_models; i++)
		json_put_str(&o, r->models[i].model->name);
	json_close(&o, ']');
	json_close(&o, '}');
}

/* A plugin that now writes other models than when the run began has no generation of theirs to go on with. */
static bool
models_same(const struct run *r, struct slice list)
{
	struct json_iter it = json_iter(list);
	size_t i = 0;

	for (; json_next(&it); i++)
		if (i >= r->n_models || !json_string_is(it.value, r->models[i].model->name))
			return false;
	return i == r->n_models;
}

bool
facts_read(struct run *r, struct slice json)
{
	struct facts *f = &r->facts;

	if (!json_check(json, JSON_DEPTH_MAX, NULL) || !models_same(r, member_raw(json, "models")))
		return false;
	r->resumes = (uint64_t)member_int(json, "run", 0);
	f->now_us = member_int(json, "now_us", f->now_us);
	f->last_success_us = member_int(json, "last_success_us", 0);
	f->full = member_bool(json, "full", false);
	f->staged = member_bool(json, "staged", false);
	f->reset = member_bool(json, "reset", false);
	f->incomplete = member_bool(json, "incomplete", true);
	f->partial = member_bool(json, "partial", false);
	f->weak = member_bool(json, "weak", true);
	f->shifted = member_bool(json, "shifted", false);
	f->finished = (uint64_t)member_int(json, "finished", 0);
	f->steps = (uint64_t)member_int(json, "steps", 0);
	models_read(r, json);
	return true;
}

void
facts_again(struct run *r)
{
	uint64_t resumes = r->resumes;
	struct buf value = {0};

	for (size_t i = 0; i < r->n_models; i++)
		r->models[i].loose = r->models[i].handmade = r->models[i].vouched = r->models[i].rejected = false;
	if (!store_state_get(r->host->store, r->scope, STATE_RUN, SLICE(""), &value) ||
	    !facts_read(r, buf_view(&value)))
		r->facts.incomplete = true;
	r->resumes = resumes;
	buf_free(&value);
}

#define RECENT_MAX 20u

/* "took": of the last successful runs, in ms; "ended": of the last runs, '+' or '-' for each that succeeded or failed. What
 * is usual of a sync is read off these. The same run written once more changes nothing. */
static void
recent_write(const struct run *r, struct slice before, struct json_out *o)
{
	bool again = (uint64_t)member_int(before, "run", 0) == r->number, success = r->err.cls == ERR_NONE;
	struct slice took = member_raw(before, "took");
	size_t n = json_count(took), skip = success && !again && n >= RECENT_MAX ? n - RECENT_MAX + 1 : 0, i = 0;
	struct json_iter it = json_iter(took);
	char *ended = member_text(before, "ended");
	struct buf text = {0};

	json_key(o, "took");
	json_open(o, '[');
	while (json_next(&it))
		if (i++ >= skip)
			json_put_raw(o, it.value);
	if (success && !again)
		json_put_int(o, clock_mono_ms(r->host->clock) - r->start_ms);
	json_close(o, ']');
	buf_puts(&text, ended ? ended : "");
	if (!again && r->err.cls != ERR_STOPPED)
		buf_putc(&text, success ? '+' : '-');
	json_kv_str(o, "ended", buf_str(&text) + (text.len > RECENT_MAX ? text.len - RECENT_MAX : 0));
	buf_free(&text);
	free(ended);
}

/* What became of each model, for those who ask by sync. */
static void
result_write(const struct run *r, struct json_out *o)
{
	json_key(o, "result");
	json_open(o, '{');
	for (size_t i = 0; i < r->n_models; i++) {
		const struct run_model *m = &r->models[i];
		json_key(o, m->model->name);
		json_open(o, '{');
		json_kv_int(o, "added", (int64_t)m->added);
		json_kv_int(o, "updated", (int64_t)m->updated);
		json_kv_int(o, "deleted", (int64_t)m->deleted);
		json_close(o, '}');
	}
	json_close(o, '}');
}

void
facts_last(const struct run *r, const char *status, struct slice before, struct buf *out)
{
	struct json_out o = json_out(out);
	bool success = r->err.cls == ERR_NONE;
	int64_t success_us = success ? r->facts.now_us : member_int(before, "last_success_us", 0);
	int64_t finished_us = clock_wall_us(r->host->clock);
	char mark[CREDENTIALS_MARK];

	json_open(&o, '{');
	json_kv_int(&o, "run", (int64_t)r->number);
	json_kv_int(&o, "last_run_us", r->start_us);
	json_kv_int(&o, "due_us", r->request.due_us ? r->request.due_us : member_int(before, "due_us", 0));
	json_kv_int(&o, "last_success_us", success_us); /* its beginning: what a connector asks for changes since */
	json_kv_int(&o, "success_ended_us", success ? finished_us : member_int(before, "success_ended_us", success_us));
	json_kv_int(&o, "last_success_run", success ? (int64_t)r->number : member_int(before, "last_success_run", 0));
	json_kv_int(&o, "last_full_us",
	            success && r->complete ? r->facts.now_us : member_int(before, "last_full_us", 0));
	json_kv_int(&o, "finished_us", finished_us);
	json_kv_int(&o, "duration_ms", clock_mono_ms(r->host->clock) - r->start_ms);
	json_kv_str(&o, "status", status);
	json_kv_int(&o, "failures", success ? 0 : member_int(before, "failures", 0) + (r->err.cls != ERR_STOPPED));
	if (!success) { /* changes that no "sync" event has told yet are as old as that */
		json_kv_int(&o, "since_us", member_int(before, "since_us", r->facts.now_us ? r->facts.now_us : r->start_us));
		json_kv_str(&o, "class", reason_class(r->err.cls));
		json_kv_str(&o, "reason", r->err.text);
		if (r->err.cls == ERR_RATE && r->retry_at_us)
			json_kv_int(&o, "retry_at_us", r->retry_at_us);
		if (r->err.cls == ERR_CREDENTIALS && r->manifest)
			json_kv_str(&o, "credentials", credentials_mark(r->host, r->manifest, r->connection, true, mark));
	} else if (r->warnings.len) { /* the first of these lines, each of which has its end */
		const char *end = memchr(r->warnings.p, '\n', r->warnings.len);
		json_kv_slice(&o, "reason", slice_of(r->warnings.p, (size_t)(end - r->warnings.p)));
	}
	if (r->sandbox)
		json_kv_str(&o, "sandbox", r->sandbox);
	recent_write(r, before, &o);
	result_write(r, &o);
	json_close(&o, '}');
}
