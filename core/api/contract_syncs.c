/* contract_syncs.c - the contract's control of syncs: trigger, start, pause, status, and an interval of their own.
 *
 * What is asked for is resolved whole before anything is done: a name that is unknown refuses the request, and changes nothing.
 * Triggering what runs already answers 200: it runs once more behind that. With `reset` the run under way is ended first, and
 * the next lists everything anew; with `emptyCache` too, which elsewhere throws the records away, what the new listing does not
 * show is deleted at its end, so that no reader ever meets an empty dataset.
 *
 * An empty list of syncs means all of them. Awkward: to start or pause, that is every sync; to trigger, those that begin by
 * themselves, for nobody expects a sync that only a person starts to come along. */
#include <stdlib.h>
#include <string.h>
#include "api/contract.h"
#include "api/contract_status.h"
#include "base/mem.h"
#include "config/variant.h"
#include "run/member.h"
#include "schedule/plan.h"

#define SYNCS_MOST 256
#define EVERY_LEAST_MS (30 * INT64_C(1000))
#define EVERY_MOST_MS (31 * 86400 * INT64_C(1000))

struct wanted {
	char *integration, *connection; /* connection NULL: all of them */
	char *names[SYNCS_MOST];
	size_t n;
};

static void
wanted_finish(struct wanted *w)
{
	free(w->integration);
	free(w->connection);
	for (size_t i = 0; i < w->n; i++)
		free(w->names[i]);
}

static void
no_such_sync(struct http_call *c, const char *name)
{
	http_fail(c, 400, "no_syncs_found", "there is no sync '%s' of these connections", name);
}

static bool
name_add(struct http_call *c, struct wanted *w, struct slice item)
{
	bool object = json_type(item) == JSON_OBJECT;
	char *name = object ? member_text(item, "name") : json_text(item), *variant = object ? member_text(item, "variant") : NULL;
	bool good = name && w->n < SYNCS_MOST;

	if (w->n == SYNCS_MOST)
		http_fail(c, 400, "invalid_body", "syncs: at most %d", SYNCS_MOST);
	else if (!name)
		no_such_sync(c, "");
	if (good)
		w->names[w->n++] = variant_join(name, variant);
	free(name);
	free(variant);
	return good;
}

static int
chosen_count(void *arg, const struct chosen *c, struct err *err)
{
	(void)c;
	(void)err;
	++*(size_t *)arg;
	return 0;
}

static struct service_ask
ask_of(const struct http_call *c, const struct wanted *w, size_t i)
{
	return (struct service_ask){.connection = w->connection,
	                            .integration = w->integration,
	                            .sync = i < w->n ? w->names[i] : NULL,
	                            .who = http_key_name(c)};
}

/* False: c is answered. */
static bool
wanted_read(struct api *a, struct http_call *c, struct wanted *w)
{
	struct json_iter it = json_iter(http_field(c, "syncs"));

	w->integration = http_field_text(c, "provider_config_key");
	w->connection = http_field_text(c, "connection_id");
	if (!contract_integration(a, w->integration)) {
		contract_unknown_integration(c, w->integration);
		return false;
	}
	if (w->connection && !contract_connection(a, w->connection, w->integration)) {
		contract_unknown_connection(c, 404, w->connection, w->integration);
		return false;
	}
	while (json_next(&it))
		if (!name_add(c, w, it.value))
			return false;
	for (size_t i = 0; i < w->n; i++) {
		struct service_ask ask = ask_of(c, w, i);
		struct err err = {0};
		size_t n = 0;
		if (chosen_each(api_host(a), &ask, chosen_count, &n, &err) == 0)
			continue;
		if (err.cls == ERR_USAGE)
			no_such_sync(c, w->names[i]);
		else
			http_fail_err(c, &err);
		return false;
	}
	return true;
}

static void
success_reply(struct http_call *c)
{
	http_reply(c, 200, SLICE("{\"success\":true}"));
}

/* What is said of each name, or of all where none is named. */
static void
each_name(struct http_call *c, struct api *a, const struct wanted *w,
          int (*say)(struct service *s, const struct service_ask *ask, struct err *err), bool full, bool reset)
{
	struct err err = {0};

	for (size_t i = 0; i < (w->n ? w->n : 1); i++) {
		struct service_ask ask = ask_of(c, w, i);
		ask.full_refresh = full;
		ask.reset = reset;
		if (say(api_service(a), &ask, &err) != 0) {
			http_fail_err(c, &err);
			return;
		}
	}
	success_reply(c);
}

/* ---- start, pause ---- */

static void
syncs_start(struct http_call *c, void *arg)
{
	struct wanted w = {0};

	if (wanted_read(arg, c, &w))
		each_name(c, arg, &w, service_start, false, false);
	wanted_finish(&w);
}

static void
syncs_pause(struct http_call *c, void *arg)
{
	struct wanted w = {0};

	if (wanted_read(arg, c, &w))
		each_name(c, arg, &w, service_pause, false, false);
	wanted_finish(&w);
}

/* ---- trigger ---- */

/* The run under way would go on with what is to be begun anew. */
static int
reset_say(struct service *s, const struct service_ask *ask, struct err *err)
{
	struct err none;

	service_cancel(s, ask, &none); /* nothing of it runs: fine */
	return service_trigger(s, ask, err);
}

static void
syncs_trigger(struct http_call *c, void *arg)
{
	struct slice opts = http_field(c, "opts"), mode = http_field(c, "sync_mode");
	bool reset = member_bool(opts, "reset", false), empty = member_bool(opts, "emptyCache", false);
	struct wanted w = {0};

	if (mode.len && opts.len && json_type(opts) == JSON_OBJECT) {
		http_fail(c, 400, "invalid_body", "sync_mode is the older form of opts: give one of them");
		return;
	}
	if (json_type(mode) == JSON_STRING) {
		empty = json_string_is(mode, "full_refresh_and_clear_cache");
		reset = empty || json_string_is(mode, "full_refresh");
	}
	if (wanted_read(arg, c, &w))
		each_name(c, arg, &w, reset || empty ? reset_say : service_trigger, reset || empty, empty);
	wanted_finish(&w);
}

/* ---- an interval of its own ---- */

static bool
every_read(struct http_call *c, const char *text, int64_t *every_ms)
{
	*every_ms = 0;
	if (!text)
		return true;
	if (!duration_parse(slice_str(text), every_ms))
		http_fail(c, 400, "invalid_body", "frequency: '%s' is none; say for example 'every 15 minutes' or 'every 2h'", text);
	else if (*every_ms < EVERY_LEAST_MS || *every_ms > EVERY_MOST_MS)
		http_fail(c, 400, "invalid_body", "frequency: '%s' is not from 30 seconds to 31 days", text);
	else
		return true;
	return false;
}

/* As it was given, or as it is now. */
static void
frequency_reply(struct http_call *c, const char *text)
{
	struct buf json = {0};
	struct json_out o = json_out(&json);

	if (strncmp(text, "every ", 6) == 0)
		text += 6;
	json_open(&o, '{');
	json_kv_str(&o, "frequency", text);
	json_close(&o, '}');
	http_reply(c, 200, buf_view(&json));
	buf_free(&json);
}

static void
frequency_set(struct api *a, struct http_call *c, const struct chosen *chosen, const char *text)
{
	const struct service_ask ask = {.connection = chosen->connection->name,
	                                .integration = chosen->connection->integration->name,
	                                .sync = chosen->sync->name,
	                                .who = http_key_name(c)};
	char now[PLAN_TEXT_MAX];
	struct schedule_plan plan;
	struct err err = {0};
	int64_t every_ms;

	if (!every_read(c, text, &every_ms))
		return;
	if (plan_configured(host_settings(api_host(a)), chosen->connection, ask.sync)) {
		http_fail(c, 409, "defined_in_config", "[sync %s : %s : %s] of the configuration says when it is due: change it there",
		          ask.connection, ask.integration, ask.sync);
		return;
	}
	if (service_frequency(api_service(a), &ask, every_ms, &err) != 0) {
		http_fail_err(c, &err);
		return;
	}
	plan_of(api_host(a), chosen, &plan);
	frequency_reply(c, text ? text : plan_text(&plan, now));
}

bool
contract_sync(struct api *a, struct http_call *c, const char *connection, const char *integration, const char *sync,
              struct chosen *out)
{
	struct err err = {0};

	*out = (struct chosen){.connection = contract_connection(a, connection, integration)};
	if (!out->connection) {
		contract_unknown_connection(c, 400, connection, integration);
		return false;
	}
	out->manifest = host_manifest_of(api_host(a), out->connection, &err);
	out->sync = out->manifest ? manifest_sync(out->manifest, sync) : NULL;
	if (!out->manifest)
		http_fail_err(c, &err);
	else if (!out->sync)
		http_fail(c, 400, "unknown_sync", "connector '%s' has no sync '%s'", out->manifest->name, sync);
	return out->sync != NULL;
}

static void
frequency_put(struct http_call *c, void *arg)
{
	char *sync = http_field_text(c, "sync_name"), *variant = http_field_text(c, "sync_variant"),
	     *integration = http_field_text(c, "provider_config_key"), *connection = http_field_text(c, "connection_id"),
	     *text = http_field_text(c, "frequency");
	char *name = variant_join(sync, variant);
	struct chosen chosen;

	if (contract_sync(arg, c, connection, integration, name, &chosen))
		frequency_set(arg, c, &chosen, text);
	free(name);
	free(sync);
	free(variant);
	free(integration);
	free(connection);
	free(text);
}

/* ---- status ---- */

struct listing {
	struct api *api;
	const char *names; /* "a,b::eu"; "*": all */
	struct buf out;
	struct json_out json;
};

static bool
listed(const char *names, const char *sync)
{
	struct buf list = {0};
	char *rest, *name, *whole;
	bool found = strcmp(names, "*") == 0;

	buf_puts(&list, names);
	rest = buf_take(&list);
	for (char *p = rest; !found && (name = strsep(&p, ",")); free(whole)) {
		whole = variant_join(name, NULL);
		found = strcmp(whole, sync) == 0;
	}
	free(rest);
	return found;
}

static int
status_add(void *arg, const struct chosen *chosen, struct err *err)
{
	struct listing *l = arg;

	(void)err;
	if (listed(l->names, chosen->sync->name))
		contract_status_put(l->api, chosen, &l->json);
	return 0;
}

/* A sync that there is not is left out. */
static void
syncs_status(struct http_call *c, void *arg)
{
	const char *integration = http_param(c, "provider_config_key"), *connection = http_param(c, "connection_id");
	const struct service_ask ask = {.connection = connection, .integration = integration};
	struct listing l = {.api = arg, .names = http_param(c, "syncs")};
	struct err err = {0};

	if (!contract_integration(arg, integration)) {
		contract_unknown_integration(c, integration);
		return;
	}
	if (connection && !contract_connection(arg, connection, integration)) {
		http_fail(c, 400, "invalid_body", "there is no connection '%s' of integration '%s'", connection, integration);
		return;
	}
	l.json = json_out(&l.out);
	json_open(&l.json, '{');
	json_key(&l.json, "syncs");
	json_open(&l.json, '[');
	chosen_each(api_host(arg), &ask, status_add, &l, &err); /* none is no failure */
	json_close(&l.json, ']');
	json_close(&l.json, '}');
	http_reply(c, 200, buf_view(&l.out));
	buf_free(&l.out);
}

/* ---- the routes ---- */

static const struct http_schema sync_reference = {
	"SyncReference",
	(const struct http_field[]){
		{.name = "name", .type = HTTP_NAME, .required = true, .help = "of the sync"},
		{.name = "variant", .type = HTTP_NAME, .help = "of it; usually base"},
		{0}},
	false};
static const struct http_schema trigger_options = {
	"TriggerOptions",
	(const struct http_field[]){
		{.name = "reset", .type = HTTP_BOOL, .help = "forget how far it has come, and list everything anew"},
		{.name = "emptyCache", .type = HTTP_BOOL, .help = "and delete what that listing does not show"},
		{0}},
	false};
static const char *const modes[] = {"incremental", "full_refresh", "full_refresh_and_clear_cache", NULL};

#define WHICH                                                                                                          \
	{.name = "syncs", .type = HTTP_ARRAY, .required = true, .of = &sync_reference, .or_text = true, .max = SYNCS_MOST, \
	 .help = "by name, \"name::variant\" or object; none: all"},                                                   \
	{.name = "provider_config_key", .type = HTTP_TEXT, .required = true, .help = "the integration"},               \
	{.name = "connection_id", .type = HTTP_TEXT, .nullable = true, .help = "only of this connection"}

static const struct http_field which_body[] = {WHICH, {0}};
static const struct http_field trigger_body[] = {
	WHICH,
	{.name = "opts", .type = HTTP_OBJECT, .nullable = true, .of = &trigger_options, .help = "not together with sync_mode"},
	{.name = "sync_mode", .type = HTTP_WORD, .nullable = true, .words = modes, .help = "the older form of opts"},
	{0},
};
static const struct http_schema success_schema = {
	"Success",
	(const struct http_field[]){{.name = "success", .type = HTTP_BOOL, .required = true, .help = "true"}, {0}},
	false};
static const struct http_answer success_answers[] = {
	{200, .schema = &success_schema, .help = "it is durable"},
	{400, .help = "unknown_provider_config, no_syncs_found: nothing was changed"},
	{404, .help = "unknown_connection"},
	{0},
};
static const struct http_field frequency_body[] = {
	{.name = "sync_name", .type = HTTP_NAME, .required = true, .help = "of the sync"},
	{.name = "sync_variant", .type = HTTP_NAME, .nullable = true, .help = "of it; usually base"},
	{.name = "provider_config_key", .type = HTTP_TEXT, .required = true, .help = "the integration"},
	{.name = "connection_id", .type = HTTP_TEXT, .required = true, .help = "the connection"},
	{.name = "frequency", .type = HTTP_TEXT, .required = true, .nullable = true,
	 .help = "every 15 minutes, 2h, every half day; from 30 seconds to 31 days; null: the connector's again"},
	{0},
};
static const struct http_schema frequency_schema = {
	"Frequency",
	(const struct http_field[]){{.name = "frequency", .type = HTTP_TEXT, .required = true, .help = "in force now"}, {0}},
	false};
static const struct http_schema status_list = {
	"SyncStatusList",
	(const struct http_field[]){
		{.name = "syncs", .type = HTTP_ARRAY, .required = true, .of = &contract_status_schema, .help = "those that there are"},
		{0}},
	false};
static const struct http_param status_params[] = {
	{.name = "syncs", .type = HTTP_TEXT, .required = true, .max = 65536, .help = "names, by comma, also name::variant; * for all"},
	{.name = "provider_config_key", .type = HTTP_TEXT, .required = true, .help = "the integration"},
	{.name = "connection_id", .type = HTTP_TEXT, .help = "only of this connection"},
	{0},
};

#define CONTROL(path_, name_, summary_, body_, handle_)                                                                \
	{.method = "POST", .path = path_, .name = name_, .tag = "Syncs", .summary = summary_, .rights = RIGHT_WRITE,   \
	 .body = body_, .answers = success_answers, .handle = handle_}

const struct http_route contract_syncs_routes[] = {
	CONTROL("/sync/trigger", "triggerSync", "Runs syncs now", trigger_body, syncs_trigger),
	CONTROL("/sync/start", "startSync", "Lets syncs run again, or for the first time", which_body, syncs_start),
	CONTROL("/sync/pause", "pauseSync", "Lets syncs begin no more; what runs ends as it would", which_body, syncs_pause),
	{.method = "GET",
	 .path = "/sync/status",
	 .name = "syncStatus",
	 .tag = "Syncs",
	 .summary = "How syncs stand",
	 .rights = RIGHT_READ,
	 .params = status_params,
	 .answers = (const struct http_answer[]){{200, .schema = &status_list, .help = "a sync that there is not is left out"},
	                                         {400, .help = "unknown_provider_config; invalid_body: no such connection"},
	                                         {0}},
	 .handle = syncs_status},
	{.method = "PUT",
	 .path = "/sync/update-connection-frequency",
	 .name = "updateSyncConnectionFrequency",
	 .tag = "Syncs",
	 .summary = "Gives one connection's sync an interval of its own",
	 .help = "It goes before the connector's; a time that the configuration gives goes before it, and is then 409 defined_in_config.",
	 .rights = RIGHT_WRITE,
	 .body = frequency_body,
	 .answers = (const struct http_answer[]){{200, .schema = &frequency_schema, .help = "without 'every'"},
	                                         {400, .help = "unknown_connection, unknown_sync"},
	                                         {409, .help = "defined_in_config"},
	                                         {0}},
	 .handle = frequency_put},
	{0},
};
