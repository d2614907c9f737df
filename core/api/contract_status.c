/* contract_status.c - see contract_status.h: what schedule, store and the run under way say of one sync, in one object.
 *
 *   status    RUNNING  a run is under way, also of a paused one; or it was asked for and begins as soon as may be, so that who
 *                      triggers and then looks never takes the run before for his own
 *             STOPPED  its connection is off or cannot be used, or its last run was ended early
 *             PAUSED   by a person, or it waits for its first start
 *             ERROR    its last run failed, or waits for credentials
 *             SUCCESS  else
 *
 * Awkward: type and latestResult are of the last run that ended, also while another is under way, except that a sync which
 * never succeeded is INITIAL for as long. */
#include "api/contract_status.h"

#include <string.h>
#include "api/contract.h"
#include "base/json_time.h"
#include "run/member.h"
#include "schedule/plan.h"

struct standing {
	struct scope_name name;
	struct buf last, checkpoint;
	struct service_view view;
	bool running, checkpointed;
};

static bool
last_is(const struct standing *s, const char *word)
{
	return json_string_is(member_raw(buf_view(&s->last), "status"), word);
}

static const char *
execution_word(const struct standing *s)
{
	if (s->running)
		return "RUNNING";
	if (last_is(s, "error"))
		return "ERROR";
	return last_is(s, "stopped") ? "STOPPED" : s->last.len ? "SUCCESS" : NULL;
}

static const char *
status_word(const struct standing *s)
{
	if (s->running)
		return "RUNNING";
	if (!s->view.scheduled || s->view.schedule.state == SCHEDULE_INACTIVE)
		return "STOPPED";
	if (s->view.schedule.asked)
		return "RUNNING";
	if (s->view.schedule.state == SCHEDULE_PAUSED || s->view.schedule.state == SCHEDULE_UNSTARTED)
		return "PAUSED";
	if (last_is(s, "error") || s->view.schedule.state == SCHEDULE_ATTENTION)
		return "ERROR";
	return last_is(s, "stopped") ? "STOPPED" : "SUCCESS";
}

/* "took" holds the last runs that succeeded. */
static const char *
type_word(const struct standing *s)
{
	size_t succeeded = json_count(member_raw(buf_view(&s->last), "took"));

	return succeeded > 1 || (succeeded == 1 && s->running) ? "INCREMENTAL" : "INITIAL";
}

static void
live_take(void *arg, const struct dataset_info *d)
{
	*(uint64_t *)arg = d->live;
}

static void
counts_put(const struct api *a, const struct chosen *c, const struct standing *s, struct json_out *o)
{
	json_key(o, "recordCount");
	json_open(o, '{');
	for (size_t i = 0; i < c->sync->n_models; i++) {
		const struct dataset_name n = {.connection = s->name.connection,
		                               .integration = s->name.integration,
		                               .model = c->manifest->models[c->sync->models[i]].name,
		                               .variant = c->sync->variant};
		uint32_t dataset = store_dataset_find(api_store(a), &n);
		uint64_t live = 0;
		if (dataset)
			store_dataset_info(api_store(a), dataset, live_take, &live);
		json_kv_int(o, n.model, (int64_t)live);
	}
	json_close(o, '}');
}

static void
standing_find(struct api *a, const struct chosen *c, struct standing *s)
{
	uint32_t scope;

	s->name = (struct scope_name){.connection = c->connection->name,
	                              .integration = c->connection->integration->name,
	                              .sync = c->sync->name};
	scope = store_scope_find(api_store(a), &s->name);
	if (scope && !store_state_get(api_store(a), scope, STATE_LAST, SLICE(""), &s->last))
		buf_clear(&s->last);
	s->checkpointed = scope && store_state_get(api_store(a), scope, STATE_CHECKPOINT, SLICE(""), &s->checkpoint);
	service_look(api_service(a), s->name.connection, s->name.integration, s->name.sync, &s->view);
	s->running = host_run(api_host(a), s->name.connection, s->name.integration, s->name.sync) != NULL;
}

static void
result_put(const struct standing *s, struct json_out *o)
{
	struct slice result = member_raw(buf_view(&s->last), "result");
	int64_t finished_us = member_int(buf_view(&s->last), "finished_us", 0);
	const char *execution = execution_word(s);

	if (finished_us)
		json_kv_time_ms(o, "finishedAt", finished_us);
	json_kv_raw(o, "latestResult", result.len ? result : SLICE("{}"));
	if (execution)
		json_kv_str(o, "latestExecutionStatus", execution);
}

const char *
contract_sync_id(char out[CONTRACT_ID_MAX], const struct chosen *c)
{
	const struct manifest_sync *s = c->sync;

	return contract_id(out, (const char *const[]){"sync", c->connection->name, c->connection->integration->name,
	                                              s->base ? s->base : s->name, s->variant ? s->variant : CONTRACT_VARIANT,
	                                              NULL});
}

void
contract_status_put(struct api *a, const struct chosen *c, struct json_out *o)
{
	struct standing s = {0};
	char id[CONTRACT_ID_MAX], every[PLAN_TEXT_MAX];
	const char *status;
	struct schedule_plan plan;

	standing_find(a, c, &s);
	status = status_word(&s);
	plan_of(api_host(a), c, &plan);
	json_open(o, '{');
	json_kv_str(o, "id", contract_sync_id(id, c));
	json_kv_str(o, "connection_id", s.name.connection);
	json_kv_str(o, "name", c->sync->base ? c->sync->base : c->sync->name);
	json_kv_str(o, "variant", c->sync->variant ? c->sync->variant : CONTRACT_VARIANT);
	json_kv_str(o, "type", type_word(&s));
	json_kv_str(o, "status", status);
	json_kv_str(o, "frequency", plan_text(&plan, every));
	json_kv_time_ms(o, "nextScheduledSyncAt", strcmp(status, "PAUSED") == 0 ? 0 : s.view.schedule.next_us);
	result_put(&s, o);
	counts_put(a, c, &s, o);
	json_kv_raw(o, "checkpoint", s.checkpointed ? buf_view(&s.checkpoint) : SLICE("null"));
	json_close(o, '}');
	buf_free(&s.last);
	buf_free(&s.checkpoint);
}

static const char *const types[] = {"INITIAL", "INCREMENTAL", NULL};
static const char *const statuses[] = {"RUNNING", "SUCCESS", "ERROR", "PAUSED", "STOPPED", NULL};

const struct http_schema contract_status_schema = {
	"SyncStatus",
	(const struct http_field[]){
		{.name = "id", .type = HTTP_TEXT, .required = true, .help = "always the same for this sync of this connection"},
		{.name = "connection_id", .type = HTTP_TEXT, .required = true, .help = "name of the connection"},
		{.name = "name", .type = HTTP_NAME, .required = true, .help = "name of the sync"},
		{.name = "variant", .type = HTTP_NAME, .required = true, .help = "base, or which one"},
		{.name = "type", .type = HTTP_WORD, .required = true, .words = types, .help = "INITIAL until it has succeeded twice"},
		{.name = "status", .type = HTTP_WORD, .required = true, .words = statuses, .help = "how it stands"},
		{.name = "frequency", .type = HTTP_TEXT, .required = true, .help = "30m, or a cron expression; empty: never by itself"},
		{.name = "nextScheduledSyncAt", .type = HTTP_TIME, .required = true, .nullable = true, .help = "null: not by itself"},
		{.name = "finishedAt", .type = HTTP_TIME, .help = "of its last run"},
		{.name = "latestResult", .type = HTTP_OBJECT, .required = true, .help = "by model: what its last run added, updated and deleted"},
		{.name = "latestExecutionStatus", .type = HTTP_WORD, .words = statuses, .help = "of its last run, or of the one under way"},
		{.name = "recordCount", .type = HTTP_OBJECT, .required = true, .help = "by model: records that are there now"},
		{.name = "checkpoint", .type = HTTP_ANY, .required = true, .nullable = true, .help = "as its connector keeps it; null: none"},
		{0}},
	false};
