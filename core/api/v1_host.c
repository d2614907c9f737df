/* v1_host.c - /api/v1 about the host as a whole: what it serves, what ails it, its plugins and limits, and its upkeep.
 *
 * Verifying and backing up take long: the first call with a token begins the work, each further one with the same token says
 * how it is getting on, and the last one gives the result, which is then forgotten. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "api/v1.h"
#include "base/mem.h"

#define ASK(name, ...) &(const struct v1_question){.query = (name), __VA_ARGS__}

static const struct http_field service_fields[] = {
	{.name = "serving", .type = HTTP_BOOL, .required = true, .help = "runs begin by their schedule"},
	{.name = "connections", .type = HTTP_INT},
	{.name = "syncs", .type = HTTP_INT},
	{.name = "next_due_at", .type = HTTP_TEXT, .nullable = true, .help = "when the next run begins by itself"},
	{.name = "short_of", .type = HTTP_TEXT, .nullable = true, .help = "why no run begins at the moment"},
	{0},
};
static const struct http_schema service_schema = {.name = "Service", .fields = service_fields, .loose = true};
static const struct http_answer service_answers[] = {{.status = 200, .schema = &service_schema}, {0}};

static const struct http_param doctor_params[] = {
	V1_FILTERS,
	V1_SYNC_FILTER("only this sync"),
	{.name = "record", .place = IN_QUERY, .type = HTTP_TEXT, .max = 255, .help = "why is the record of this id not there?"},
	V1_TEXT("model", "of this model, with record"),
	{0},
};
static const struct http_field finding_fields[] = {
	{.name = "check", .type = HTTP_TEXT, .required = true},
	{.name = "subject", .type = HTTP_TEXT, .required = true},
	{.name = "verdict", .type = HTTP_TEXT, .required = true, .words = (const char *const[]){"ok", "warn", "problem", NULL}},
	{.name = "found", .type = HTTP_TEXT, .required = true},
	{.name = "todo", .type = HTTP_TEXT, .nullable = true, .help = "what to do about it; null: nothing"},
	{0},
};
static const struct http_schema finding_schema = {.name = "Finding", .fields = finding_fields};
static const struct http_field findings_fields[] = {
	{.name = "data", .type = HTTP_ARRAY, .required = true, .of = &finding_schema}, {0}};
static const struct http_schema findings_schema = {.name = "Findings", .fields = findings_fields};
static const struct http_answer findings_answers[] = {{.status = 200, .schema = &findings_schema}, {0}};

static const struct http_param plugin_params[] = {V1_TEXT("plugin", "only this one"), {0}};
static const struct http_param limit_params[] = {V1_TEXT("connection", "those that this connection's requests pass"), {0}};
static const struct http_param alert_params[] = {
	V1_FILTERS, V1_SYNC_FILTER("only of this sync"), V1_BOOL("ended", "also those that are over"), {0}};

static const struct http_field job_fields[] = {
	{.name = "token", .type = HTTP_TEXT, .required = true, .min = 1, .max = 100, .help = "of your choice, for this piece of work"},
	{0},
};
static const struct http_field backup_fields[] = {
	{.name = "token", .type = HTTP_TEXT, .required = true, .min = 1, .max = 100, .help = "of your choice, for this piece of work"},
	{.name = "name", .type = HTTP_TEXT, .required = true, .min = 1, .max = 64,
         .help = "of the directory under data_dir/backups: letters, digits, - and _"},
	{0},
};
static const struct http_field prune_fields[] = {
	{.name = "what", .type = HTTP_TEXT, .required = true,
	 .words = (const char *const[]){"deleted", "letters", "runs", "logs", NULL},
	 .help = "tombstones, settled dead letters, runs with their logs, or logs alone"},
	{.name = "before", .type = HTTP_TIME, .required = true, .help = "what is older goes"},
	{.name = "dry", .type = HTTP_BOOL, .help = "count only"},
	{.name = "cursor", .type = HTTP_TEXT, .max = 64, .help = "of the answer before, while that said more"},
	{0},
};

/* ---- backup: no path comes from a request ---- */

static bool
name_good(const char *name)
{
	size_t n = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_");

	return n > 0 && !name[n];
}

static bool
directory_make(const char *path)
{
	return mkdir(path, 0700) == 0 || errno == EEXIST;
}

static void
backup_ask(struct http_call *c, void *arg)
{
	struct api *a = arg;
	char *name = http_field_text(c, "name"), *token = http_field_text(c, "token"), *all, *dir;
	struct buf question = {0};
	struct json_out o = json_out(&question);

	all = xasprintf("%s/backups", store_dir(api_store(a)));
	dir = xasprintf("%s/%s", all, name);
	if (!name_good(name)) {
		http_fail(c, 400, "invalid_body", "name: letters, digits, - and _ only");
	} else if (*dir != '/') {
		http_fail(c, 503, "unavailable", "data_dir is no absolute path");
	} else if (!directory_make(all) || !directory_make(dir)) {
		http_fail(c, 503, "unavailable", "cannot make %s: %s", dir, strerror(errno));
	} else {
		json_open(&o, '{');
		json_kv_str(&o, "query", "backup");
		json_kv_str(&o, "token", token);
		json_kv_str(&o, "dir", dir);
		json_close(&o, '}');
		v1_answer(a, c, buf_view(&question), http_route_of(c)->data);
	}
	buf_free(&question);
	free(dir);
	free(all);
	free(name);
	free(token);
}

const struct http_route v1_host_routes[] = {
	{.method = "GET", .path = "/api/v1/service", .name = "getService", .tag = "Host", .rights = RIGHT_READ,
	 .summary = "What this host serves, and when the next run begins", .answers = service_answers,
	 .data = ASK("service"), .handle = v1_ask},
	{.method = "GET", .path = "/api/v1/doctor", .name = "doctor", .tag = "Host", .rights = RIGHT_READ,
	 .summary = "Why is a sync not running, why is data missing: checks everything, and says what to do",
	 .params = doctor_params, .answers = findings_answers, .data = ASK("doctor"), .handle = v1_ask},
	{.method = "GET", .path = "/api/v1/plugins", .name = "listPlugins", .tag = "Host", .rights = RIGHT_READ,
	 .summary = "The connectors in the plugin directory, and which of them are in use", .params = plugin_params,
	 .answers = v1_done, .data = ASK("plugins"), .handle = v1_ask},
	{.method = "GET", .path = "/api/v1/limits", .name = "listLimits", .tag = "Host", .rights = RIGHT_READ,
	 .summary = "Rate limits and quotas: what was sent, what is left, who waits and until when", .params = limit_params,
	 .answers = v1_done, .data = ASK("limits"), .handle = v1_ask},
	{.method = "GET", .path = "/api/v1/alerts", .name = "listAlerts", .tag = "Host", .rights = RIGHT_READ,
	 .summary = "What is wrong for long enough that a person should know", .params = alert_params, .answers = v1_done,
	 .data = ASK("alerts"), .handle = v1_ask},
	{.method = "POST", .path = "/api/v1/reload", .name = "reload", .tag = "Host", .rights = RIGHT_ADMIN,
	 .summary = "Reads the configuration anew: all of it or nothing; answers with what changed", .answers = v1_done,
	 .data = ASK("reload"), .handle = v1_ask},
	{.method = "POST", .path = "/api/v1/verify", .name = "verify", .tag = "Host", .rights = RIGHT_ADMIN,
	 .summary = "Walks through the whole store and checks it; ask again with the same token until done",
	 .body = job_fields, .answers = v1_done, .data = ASK("verify"), .handle = v1_ask},
	{.method = "POST", .path = "/api/v1/backup", .name = "backup", .tag = "Host", .rights = RIGHT_ADMIN,
	 .summary = "Copies the store into data_dir/backups/NAME as of one moment; ask again with the same token until done",
	 .body = backup_fields, .answers = v1_done, .data = ASK("backup"), .handle = backup_ask},
	{.method = "POST", .path = "/api/v1/prune", .name = "prune", .tag = "Host", .rights = RIGHT_ADMIN,
	 .summary = "Removes one bounded step of what is old; ask again with its cursor while there is more",
	 .body = prune_fields, .answers = v1_done, .data = ASK("prune"), .handle = v1_ask},
	{0},
};
