/* v1_syncs.c - /api/v1 about syncs: how each stands, and what people ask of them.
 *
 * Awkward: a connection whose connector cannot be used has no syncs that anybody could name. It is left out of the list of
 * syncs here, and stands in /api/v1/connections and /api/v1/doctor with its reason. */
#include <stdlib.h>
#include <string.h>
#include "api/v1.h"
#include "api/v1_syncs.h"
#include "config/variant.h"

#define ASK(name, ...) &(const struct v1_question){.query = (name), __VA_ARGS__}

static const struct http_param sync_filters[] = {V1_FILTERS, V1_SYNC_FILTER("only syncs of this name"), {0}};
static const struct http_param due_params[] = {
	V1_FILTERS, V1_SYNC_FILTER("only syncs of this name"), V1_INT("limit", 1, 10000, "at most so many; usually all"), {0}};

static const struct http_field status_fields[] = {
	{.name = "connection", .type = HTTP_TEXT, .required = true},
	{.name = "integration", .type = HTTP_TEXT, .required = true},
	{.name = "sync", .type = HTTP_TEXT, .required = true, .help = "its name; of a variant NAME::VARIANT"},
	{.name = "running", .type = HTTP_BOOL, .required = true},
	{.name = "every", .type = HTTP_TEXT, .help = "30m, or a cron expression; empty: never by itself"},
	{.name = "own_interval", .type = HTTP_BOOL, .help = "an application gave it that interval"},
	{.name = "schedule", .type = HTTP_OBJECT, .help = "state, next_us, until_us, limit, after, trouble: what it waits for"},
	{.name = "progress", .type = HTTP_OBJECT, .help = "of the run under way: processed, total, step, position, waiting, until_us"},
	{.name = "last", .type = HTTP_OBJECT, .nullable = true, .help = "facts of the last run"},
	{.name = "interrupted", .type = HTTP_OBJECT, .nullable = true, .help = "the run that is under way, or to be gone on with"},
	{.name = "alerts", .type = HTTP_ARRAY, .required = true},
	{.name = "held", .type = HTTP_OBJECT, .required = true, .help = "deletes held back, by model"},
	{.name = "positions", .type = HTTP_INT, .required = true},
	{.name = "dead_letters", .type = HTTP_INT, .required = true},
	{0},
};
static const struct http_schema status_schema = {.name = "SyncState", .fields = status_fields, .loose = true};
static const struct http_field list_fields[] = {
	{.name = "data", .type = HTTP_ARRAY, .required = true, .of = &status_schema},
	{.name = "file_bytes", .type = HTTP_INT, .help = "of the store"},
	{.name = "free_disk", .type = HTTP_INT},
	{.name = "webhooks", .type = HTTP_ARRAY, .help = "endpoints of applications, as GET /api/v1/webhooks has them"},
	{.name = "events", .type = HTTP_ARRAY, .help = "how many events of providers wait (state waiting) or were put aside (dead), by connection"},
	{.name = "serving", .type = HTTP_BOOL, .help = "a service runs; else nothing begins by itself"},
	{.name = "listens", .type = HTTP_ARRAY, .nullable = true, .help = "where this API is"},
	{0},
};
static const struct http_field checkpoint_fields[] = {
	{.name = "data", .type = HTTP_ANY, .required = true, .nullable = true, .help = "as the connector left it"},
	{0},
};
static const struct http_schema checkpoint_schema = {.name = "Checkpoint", .fields = checkpoint_fields};
static const struct http_answer checkpoint_answers[] = {{.status = 200, .schema = &checkpoint_schema}, {0}};
static const struct http_schema list_schema = {.name = "SyncStates", .fields = list_fields};
static const struct http_answer list_answers[] = {{.status = 200, .schema = &list_schema}, {0}};
static const struct http_field one_fields[] = {
	{.name = "data", .type = HTTP_OBJECT, .required = true, .of = &status_schema}, {0}};
static const struct http_schema one_schema = {.name = "SyncStateAnswer", .fields = one_fields, .loose = true};
static const struct http_answer one_answers[] = {{.status = 200, .schema = &one_schema}, {0}};

static const struct http_param of_variant[] = {
	V1_CONNECTION, V1_INTEGRATION, V1_PATH("sync", "the sync's name"), V1_PATH("variant", "letters, digits, _ and -; not base"), {0}};
static const struct http_field variant_fields[] = {
	{.name = "connection", .type = HTTP_TEXT, .required = true},
	{.name = "integration", .type = HTTP_TEXT, .required = true},
	{.name = "sync", .type = HTTP_TEXT, .required = true},
	{.name = "variant", .type = HTTP_TEXT, .required = true},
	{.name = "name", .type = HTTP_TEXT, .required = true, .help = "SYNC::VARIANT, as lists of syncs and runs have it"},
	{0},
};
static const struct http_schema one_variant_schema = {.name = "Variant", .fields = variant_fields};
static const struct http_field variants_fields[] = {
	{.name = "data", .type = HTTP_ARRAY, .required = true, .of = &one_variant_schema}, {0}};
static const struct http_schema variants_schema = {.name = "Variants", .fields = variants_fields};
static const struct http_answer variants_answers[] = {{.status = 200, .schema = &variants_schema}, {0}};

static const struct http_field trigger_fields[] = {
	{.name = "full_refresh", .type = HTTP_BOOL, .help = "forget checkpoint and positions, keep records"},
	{.name = "reset", .type = HTTP_BOOL, .help = "the next listing is the only truth: what it lacks is deleted"},
	{0},
};

static const struct http_param position_params[] = {
	V1_CONNECTION, V1_INTEGRATION, V1_SYNC,
	{.name = "key", .place = IN_QUERY, .type = HTTP_TEXT, .max = 200, .help = "of the pagination; DELETE without it: all"},
	V1_INT("depth", 0, 16, "of the pagination, where several have the key"),
	{0},
};

void
v1_syncs_each(struct api *a, const char *connection, const char *integration, const char *sync,
              void (*each)(void *arg, const struct chosen *c), void *arg)
{
	const struct settings *all = host_settings(api_host(a));

	for (size_t i = 0; i < all->n_connections; i++) {
		const struct connection_settings *k = all->connections[i];
		struct chosen c = {.connection = k};

		if (!host_plugin_look(api_host(a), k->integration->plugin) || (connection && strcmp(connection, k->name) != 0) ||
		    (integration && strcmp(integration, k->integration->name) != 0))
			continue;
		c.manifest = host_manifest_of(api_host(a), k, NULL);
		for (size_t n = 0; c.manifest && n < c.manifest->n_syncs; n++) {
			c.sync = &c.manifest->syncs[n];
			if (!sync || strcmp(sync, c.sync->name) == 0)
				each(arg, &c);
		}
	}
}

static void
sync_name_put(void *arg, const struct chosen *c)
{
	struct json_out *o = arg;

	json_open(o, '{');
	json_kv_str(o, "connection", c->connection->name);
	json_kv_str(o, "integration", c->connection->integration->name);
	json_kv_str(o, "sync", c->sync->name);
	json_close(o, '}');
}

static void
status_ask(struct http_call *c, void *arg)
{
	struct api *a = arg;
	struct buf question = {0};
	struct json_out o = json_out(&question);
	char *sync = http_param(c, "sync") ? variant_join(http_param(c, "sync"), http_param(c, "variant")) : NULL;

	json_open(&o, '{');
	json_kv_str(&o, "query", "status");
	json_key(&o, "syncs");
	json_open(&o, '[');
	v1_syncs_each(a, http_param(c, "connection"), http_param(c, "integration"), sync, sync_name_put, &o);
	json_close(&o, ']');
	json_close(&o, '}');
	v1_answer(a, c, buf_view(&question), http_route_of(c)->data);
	free(sync);
	buf_free(&question);
}

#define SYNC "/api/v1/syncs/{connection}/{integration}/{sync}"
#define ALL "/api/v1/connections/{connection}/{integration}"

const struct http_route v1_sync_routes[] = {
	{.method = "GET", .path = "/api/v1/syncs", .name = "listSyncs", .tag = "Syncs", .rights = RIGHT_READ,
	 .summary = "How every sync stands: running, waiting for what, its last run, alerts, what is held back",
	 .params = sync_filters, .answers = list_answers, .data = ASK("status"), .handle = status_ask},
	{.method = "GET", .path = SYNC, .name = "getSync", .tag = "Syncs", .rights = RIGHT_READ,
	 .summary = "How one sync stands", .params = v1_of_sync, .answers = one_answers,
	 .data = ASK("status", .shape = V1_ONE), .handle = status_ask},
	{.method = "GET", .path = "/api/v1/due", .name = "listDue", .tag = "Syncs", .rights = RIGHT_READ,
	 .summary = "What is due now, longest overdue first; those marked refused wait for new credentials",
	 .params = due_params, .answers = v1_done, .data = ASK("due"), .handle = v1_ask},

	{.method = "POST", .path = SYNC "/trigger", .name = "triggerOneSync", .tag = "Syncs", .rights = RIGHT_WRITE,
	 .summary = "Runs it as soon as may be; asked for twice before it began, it runs once", .params = v1_of_sync,
	 .body = trigger_fields, .answers = v1_done, .data = ASK("trigger"), .handle = v1_ask},
	{.method = "POST", .path = SYNC "/cancel", .name = "cancelOneSync", .tag = "Syncs", .rights = RIGHT_WRITE,
	 .summary = "Ends the run under way in good order; what it saved is kept", .params = v1_of_sync, .answers = v1_done,
	 .data = ASK("cancel"), .handle = v1_ask},
	{.method = "POST", .path = SYNC "/pause", .name = "pauseOneSync", .tag = "Syncs", .rights = RIGHT_WRITE,
	 .summary = "It begins no more by itself, until it is started", .params = v1_of_sync, .answers = v1_done,
	 .data = ASK("pause"), .handle = v1_ask},
	{.method = "POST", .path = SYNC "/start", .name = "startOneSync", .tag = "Syncs", .rights = RIGHT_WRITE,
	 .summary = "It begins by its schedule again; also lifts what refused credentials held up", .params = v1_of_sync,
	 .answers = v1_done, .data = ASK("start"), .handle = v1_ask},
	{.method = "POST", .path = ALL "/trigger", .name = "triggerConnection", .tag = "Connections",
	 .rights = RIGHT_WRITE, .summary = "Runs all syncs of the connection", .params = v1_of_connection,
	 .body = trigger_fields, .answers = v1_done, .data = ASK("trigger"), .handle = v1_ask},
	{.method = "POST", .path = ALL "/cancel", .name = "cancelConnection", .tag = "Connections", .rights = RIGHT_WRITE,
	 .summary = "Ends all runs of the connection in good order", .params = v1_of_connection, .answers = v1_done,
	 .data = ASK("cancel"), .handle = v1_ask},
	{.method = "POST", .path = ALL "/pause", .name = "pauseConnection", .tag = "Connections", .rights = RIGHT_WRITE,
	 .summary = "Pauses all syncs of the connection", .params = v1_of_connection, .answers = v1_done, .data = ASK("pause"),
	 .handle = v1_ask},
	{.method = "POST", .path = ALL "/start", .name = "startConnection", .tag = "Connections", .rights = RIGHT_WRITE,
	 .summary = "Starts all syncs of the connection", .params = v1_of_connection, .answers = v1_done, .data = ASK("start"),
	 .handle = v1_ask},

	{.method = "GET", .path = "/api/v1/variants", .name = "listVariants", .tag = "Syncs", .rights = RIGHT_READ,
	 .summary = "Which variants of syncs there are", .params = sync_filters, .answers = variants_answers,
	 .data = ASK("variants"), .handle = v1_ask},
	{.method = "PUT", .path = SYNC "/variants/{variant}", .name = "makeVariant", .tag = "Syncs", .rights = RIGHT_WRITE,
	 .summary = "The same sync once more, with a schedule, a checkpoint and records of its own", .params = of_variant,
	 .answers = variants_answers, .data = ASK("add_variant"), .handle = v1_ask},
	{.method = "DELETE", .path = SYNC "/variants/{variant}", .name = "removeVariant", .tag = "Syncs", .rights = RIGHT_WRITE,
	 .summary = "Removes it; its records stay, and made again it goes on where it ended", .params = of_variant,
	 .answers = variants_answers, .data = ASK("remove_variant"), .handle = v1_ask},

	{.method = "GET", .path = SYNC "/checkpoint", .name = "getCheckpoint", .tag = "State", .rights = RIGHT_READ,
	 .summary = "The sync's checkpoint; null: none", .params = v1_of_sync, .answers = checkpoint_answers,
	 .data = ASK("checkpoint", .shape = V1_MAYBE), .handle = v1_ask},
	{.method = "PUT", .path = SYNC "/checkpoint", .name = "setCheckpoint", .tag = "State", .rights = RIGHT_WRITE,
	 .summary = "Sets the checkpoint that the next run goes on from: any JSON object", .params = v1_of_sync,
	 .body = v1_any_object, .loose = true, .answers = v1_done,
	 .data = ASK("checkpoint", .with = "\"op\":\"set\"", .whole = true), .handle = v1_ask},
	{.method = "DELETE", .path = SYNC "/checkpoint", .name = "clearCheckpoint", .tag = "State", .rights = RIGHT_WRITE,
	 .summary = "Forgets the checkpoint: the next run begins at the beginning", .params = v1_of_sync, .answers = v1_done,
	 .data = ASK("checkpoint", .with = "\"op\":\"clear\""), .handle = v1_ask},
	{.method = "GET", .path = SYNC "/positions", .name = "listPositions", .tag = "State", .rights = RIGHT_READ,
	 .summary = "Where the paginations of an interrupted run stand", .params = v1_of_sync, .answers = v1_done,
	 .data = ASK("positions"), .handle = v1_ask},
	{.method = "PUT", .path = SYNC "/positions", .name = "setPosition", .tag = "State", .rights = RIGHT_WRITE,
	 .summary = "Puts a pagination elsewhere: an object like {\"cursor\":\"abc\"}; the next run proves no absence",
	 .params = position_params, .body = v1_any_object, .loose = true, .answers = v1_done,
	 .data = ASK("positions", .with = "\"op\":\"set\"", .whole = true), .handle = v1_ask},
	{.method = "DELETE", .path = SYNC "/positions", .name = "clearPosition", .tag = "State", .rights = RIGHT_WRITE,
	 .summary = "Forgets a position, or all", .params = position_params, .answers = v1_done,
	 .data = ASK("positions", .with = "\"op\":\"clear\""), .handle = v1_ask},
	{0},
};
