/* health.c - GET /health: the process lives and its loop turns. GET /ready: it can do its work, and if not, why.
 *
 * Ready means: the store is open, its writer is not stuck, and no configured connection lacks a plugin that can be used because
 * all do. One plugin that cannot be used is told, and takes nothing else down; so is a full disk, for reading goes on.
 *
 * Both need no key, for who asks is a supervisor; so neither names a connection. */
#include "api/api.h"
#include "run/run.h"

#define STUCK_MS 10000 /* a transaction is milliseconds; a sweep of a million rows some seconds */

static void
check_put(struct json_out *o, const char *name, bool ok, const char *detail)
{
	json_open(o, '{');
	json_kv_str(o, "name", name);
	json_kv_bool(o, "ok", ok);
	if (detail)
		json_kv_str(o, "detail", detail);
	json_close(o, '}');
}

static void
health_get(struct http_call *c, void *arg)
{
	struct api *a = arg;
	const struct host_settings *h = &host_settings(api_host(a))->host;
	struct buf json = {0};
	struct json_out o = json_out(&json);

	json_open(&o, '{');
	json_kv_str(&o, "status", "ok");
	json_kv_str(&o, "version", SLUICE_VERSION);
	json_kv_str(&o, "sandbox", h->sandbox == SANDBOX_SECCOMP_ONLY ? "seccomp-only" : "full");
	json_close(&o, '}');
	http_reply(c, 200, buf_view(&json));
	buf_free(&json);
}

/* How many of the integrations that have connections can be used; *why: the plugin of one that cannot. */
static size_t
plugins_usable(struct host *h, size_t *all, const char **why)
{
	const struct settings *s = host_settings(h);
	size_t usable = 0;

	*all = 0;
	*why = NULL;
	for (size_t i = 0; i < s->n_integrations; i++) {
		const struct integration_settings *in = s->integrations[i];
		bool used = false;

		for (size_t k = 0; k < s->n_connections && !used; k++)
			used = s->connections[k]->integration == in;
		if (!used)
			continue;
		++*all;
		if (host_plugin_look(h, in->plugin))
			usable++;
		else
			*why = in->plugin;
	}
	return usable;
}

static bool
plugins_check(struct host *h, struct json_out *o)
{
	char text[200];
	const char *why;
	size_t all, usable = plugins_usable(h, &all, &why);

	snprintf(text, sizeof text, "%zu of %zu can be used%s%.100s", usable, all, why ? "; not so: " : "", why ? why : "");
	check_put(o, "plugins", usable == all, text);
	return usable || !all;
}

static bool
writer_check(struct host *h, struct json_out *o)
{
	struct store_stats stats;
	char text[64];

	store_stats(host_store(h), &stats);
	snprintf(text, sizeof text, "a commit has waited for %lld ms", (long long)stats.oldest_waiting_ms);
	check_put(o, "writer", stats.oldest_waiting_ms < STUCK_MS, stats.oldest_waiting_ms < STUCK_MS ? NULL : text);
	return stats.oldest_waiting_ms < STUCK_MS;
}

static void
ready_get(struct http_call *c, void *arg)
{
	struct api *a = arg;
	struct host *h = api_host(a);
	struct buf json = {0};
	struct json_out o = json_out(&json);
	struct err room;
	bool ready;

	json_open(&o, '{');
	json_key(&o, "checks");
	json_open(&o, '[');
	check_put(&o, "store", host_store(h) != NULL, NULL);
	ready = writer_check(h, &o);
	ready &= plugins_check(h, &o);
	if (host_room_lacks(h, &room))
		check_put(&o, "room", false, "too little is free for a run to begin; reading goes on");
	else
		check_put(&o, "room", true, NULL);
	json_close(&o, ']');
	json_kv_bool(&o, "ready", ready);
	json_close(&o, '}');
	http_reply(c, ready ? 200 : 503, buf_view(&json));
	buf_free(&json);
}

static const struct http_schema health = {
	"Health",
	(const struct http_field[]){
		{.name = "status", .type = HTTP_TEXT, .required = true, .help = "ok"},
		{.name = "version", .type = HTTP_TEXT, .required = true, .help = "of the program"},
		{.name = "sandbox", .type = HTTP_TEXT, .required = true, .help = "full, or seccomp-only on a kernel without Landlock"},
		{0}},
	false};
static const struct http_schema check = {
	"ReadyCheck",
	(const struct http_field[]){
		{.name = "name", .type = HTTP_TEXT, .required = true, .help = "store, writer, plugins, room"},
		{.name = "ok", .type = HTTP_BOOL, .required = true, .help = "it is as it should be"},
		{.name = "detail", .type = HTTP_TEXT, .help = "what is wrong, or how many there are"},
		{0}},
	false};
static const struct http_schema readiness = {
	"Ready",
	(const struct http_field[]){
		{.name = "ready", .type = HTTP_BOOL, .required = true, .help = "the host can do its work"},
		{.name = "checks", .type = HTTP_ARRAY, .required = true, .of = &check, .help = "what was looked at"},
		{0}},
	false};

const struct http_route health_routes[] = {
	{.method = "GET",
	 .path = "/health",
	 .name = "health",
	 .tag = "Operation",
	 .summary = "Does the process live?",
	 .answers = (const struct http_answer[]){{200, .schema = &health, .help = "it does"}, {0}},
	 .handle = health_get},
	{.method = "GET",
	 .path = "/ready",
	 .name = "ready",
	 .tag = "Operation",
	 .summary = "Can the host do its work?",
	 .answers = (const struct http_answer[]){{200, .schema = &readiness, .help = "it can"},
	                                         {503, .schema = &readiness, .help = "it cannot; the checks say why"},
	                                         {0}},
	 .handle = ready_get},
	{0},
};
