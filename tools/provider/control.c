/* control.c - /_control: what a test asks of the provider itself.
 *
 *   GET  requests[?log=1]   counts, early requests, the log     POST faults   adds rules and routes of the body's JSON
 *   GET  faults             rules and how often they were used  POST set?name=value&...
 *   POST reset              counts, rules and routes gone       POST mutate?api&kind&change&drop&add&at
 *   GET  data               how many objects there are          GET  oauth    how often tokens were asked for
 *
 * Requests to it are neither counted nor met by faults. */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "mutate.h"
#include "provider.h"

static void
reply_ok(struct reply *p)
{
	struct json_out o = reply_json(p, 200);

	json_open(&o, '{');
	json_kv_bool(&o, "ok", true);
	json_close(&o, '}');
}

static void
control_requests(struct provider *v, const struct request *r, struct reply *p)
{
	struct json_out o = reply_json(p, 200);

	json_open(&o, '{');
	journal_show(v->journal, &o, request_number(r, "log", 0) != 0);
	json_close(&o, '}');
}

static void
control_reset(struct provider *v, const struct request *r, struct reply *p)
{
	(void)r;
	journal_reset(v->journal);
	faults_reset(v->faults);
	script_reset(v->script);
	memset(v->oauth.grants, 0, sizeof(v->oauth.grants));
	v->oauth.refused = v->oauth.api = v->oauth.api_refused = 0;
	reply_ok(p);
}

static void
control_faults_show(struct provider *v, const struct request *r, struct reply *p)
{
	struct json_out o = reply_json(p, 200);

	(void)r;
	faults_show(v->faults, &o);
}

static void
control_faults(struct provider *v, const struct request *r, struct reply *p)
{
	struct err err;

	if (script_load(v->script, v->faults, r->body, &err) < 0)
		reply_error(p, 400, "%s", err.text);
	else
		reply_ok(p);
}

/* ---- settings ---- */

static const struct setting {
	const char *name;
	size_t at; /* in struct settings */
} settings[] = {
        {"plain.size", offsetof(struct settings, plain_size)},
        {"plain.parents", offsetof(struct settings, plain_parents)},
        {"plain.children", offsetof(struct settings, plain_children)},
        {"plain.a", offsetof(struct settings, plain_a)},
        {"plain.b", offsetof(struct settings, plain_b)},
        {"plain.c", offsetof(struct settings, plain_c)},
        {"close.max_skip", offsetof(struct settings, close_max_skip)},
        {"oauth.expires", offsetof(struct settings, oauth_expires)},
        {"oauth.rotate", offsetof(struct settings, oauth_rotate)},
        {"gzip", offsetof(struct settings, gzip)},
        {"etag", offsetof(struct settings, etag)},
};

static void
control_set(struct provider *v, const struct request *r, struct reply *p)
{
	int64_t value = request_number(r, "plain.records", -1);
	size_t known = 0;
	char text[32];

	if (value >= 0 && ++known)
		dataset_resize(world_find(&v->world, "plain", "records"), (uint32_t)value);
	for (size_t i = 0; i < LENGTH(settings); i++) {
		if (!request_param(r, settings[i].name, text, sizeof(text)))
			continue;
		value = strcmp(text, "on") == 0 ? 1 : strcmp(text, "off") == 0 ? 0 : strtoll(text, NULL, 10);
		memcpy((char *)&v->settings + settings[i].at, &(uint32_t){(uint32_t)value}, sizeof(uint32_t));
		known++;
	}
	if (known)
		reply_ok(p);
	else
		reply_error(
		        p, 400,
		        "no such setting; there are plain.records, plain.size, plain.parents, plain.children, plain.a, "
		        "plain.b, plain.c, close.max_skip, oauth.expires, oauth.rotate, gzip and etag");
}

/* ---- data ---- */

static void
control_data(struct provider *v, const struct request *r, struct reply *p)
{
	struct json_out o = reply_json(p, 200);
	const char *api = "";

	(void)r;
	json_open(&o, '{');
	for (size_t i = 0; i < v->world.set_count; i++) {
		const struct dataset *d = &v->world.sets[i];
		if (strcmp(api, d->kind->api) != 0) {
			if (*api)
				json_close(&o, '}');
			api = d->kind->api;
			json_key(&o, api);
			json_open(&o, '{');
		}
		json_kv_int(&o, d->kind->name, d->live_count);
	}
	json_close(&o, '}');
	json_close(&o, '}');
}

static void
control_mutate(struct provider *v, const struct request *r, struct reply *p)
{
	struct mutation m = {0};
	struct err err;

	if (mutation_read(&m, r, &err) < 0) {
		reply_error(p, 400, "%s", err.text);
		return;
	}
	struct json_out o = reply_json(p, 200);
	if (mutate(&v->world, &m, &o, &err) < 0)
		reply_error(p, 400, "%s", err.text);
}

static void
control_oauth(struct provider *v, const struct request *r, struct reply *p)
{
	struct json_out o = reply_json(p, 200);

	(void)r;
	json_open(&o, '{');
	oauth_show(v, &o);
	json_close(&o, '}');
}

static const struct {
	const char *method, *name;
	void (*handle)(struct provider *v, const struct request *r, struct reply *p);
} verbs[] = {
        {"GET", "requests", control_requests}, {"POST", "reset", control_reset}, {"GET", "faults", control_faults_show},
        {"POST", "faults", control_faults},    {"POST", "set", control_set},     {"GET", "data", control_data},
        {"GET", "oauth", control_oauth},
        {"POST", "mutate", control_mutate},
};

void
control_handle(struct provider *v, const struct request *r, struct slice rest, struct reply *p)
{
	for (size_t i = 0; i < LENGTH(verbs); i++)
		if (slice_is(rest, verbs[i].name) && request_is(r, verbs[i].method)) {
			verbs[i].handle(v, r, p);
			return;
		}
	reply_error(p, 404, "no such verb: %.*s /_control/%.*s", (int)r->method.len, r->method.p, (int)rest.len,
	            rest.p);
}
