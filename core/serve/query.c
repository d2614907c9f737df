/* query.c - see query.h. One row of the table is one question; none of them holds a snapshot longer than its own call.
 *
 * A host without a store (nothing was ever synced) answers every reading question with no rows. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "config/variant.h"
#include "serve/question.h"

#define ROWS_USUAL 100

void
question_row(struct question *q)
{
	q->sink->row(q->sink->arg, buf_view(&q->row));
	buf_clear(&q->row);
}

size_t
question_limit(const struct question *q)
{
	int64_t n = member_int(q->json, "limit", ROWS_USUAL);

	return n < 1 ? 1 : n > QUESTION_ROWS_MAX ? QUESTION_ROWS_MAX : (size_t)n;
}

/* ---- datasets ---- */

static bool
dataset_row(void *arg, const struct dataset_info *d)
{
	struct question *q = arg;
	struct json_out o = json_out(&q->row);
	char *model, *variant;

	model = member_text(q->json, "model");
	variant = member_text(q->json, "variant");
	if (name_fits(q->connection, d->connection) && name_fits(q->integration, d->integration) &&
	    name_fits(model, d->model) && name_fits(variant, d->variant)) {
		json_open(&o, '{');
		json_kv_str(&o, "connection", d->connection);
		json_kv_str(&o, "integration", d->integration);
		json_kv_str(&o, "model", d->model);
		json_kv_int(&o, "live", (int64_t)d->live);
		json_kv_int(&o, "deleted", (int64_t)d->gone);
		json_kv_int(&o, "bytes", (int64_t)d->bytes);
		json_kv_int(&o, "sequence", (int64_t)d->sequence);
		json_kv_time(&o, "modified_at", d->modified_us);
		json_kv_str(&o, "variant", d->variant);
		json_close(&o, '}');
		question_row(q);
	}
	free(model);
	free(variant);
	return true;
}

static int
ask_datasets(struct question *q)
{
	return q->store ? store_datasets(q->store, dataset_row, q, q->err) : 0;
}

/* ---- records and changes ---- */

#define MODELS_MAX 256

struct dataset_search {
	struct question *q;
	struct slice model;
	const char *variant;
	uint32_t found;
	unsigned matches;
	struct buf names, models;
	char *list[MODELS_MAX + 1]; /* of models, for the nearest name */
	size_t n_list;
};

static bool
dataset_try(void *arg, const struct dataset_info *d)
{
	struct dataset_search *s = arg;
	char *name;

	if (!name_fits(s->q->connection, d->connection) || !name_fits(s->q->integration, d->integration))
		return true;
	name = variant_join(d->model, d->variant);
	if (!s->models.len || !memmem(s->models.p, s->models.len, name, strlen(name)))
		buf_printf(&s->models, "%s%s", s->models.len ? ", " : "", name);
	if (s->n_list < MODELS_MAX)
		s->list[s->n_list++] = name;
	else
		free(name);
	if (!slice_is(s->model, d->model) || strcmp(s->variant, d->variant) != 0)
		return true;
	s->found = d->dataset;
	s->matches++;
	buf_printf(&s->names, "%s%s : %s", s->names.len ? ", " : "", d->connection, d->integration);
	return true;
}

static int
dataset_find(struct question *q, uint32_t *dataset)
{
	struct dataset_search s = {.q = q};
	char *model = member_text(q->json, "model");
	int rc = -1;

	if (!model) {
		err_set(q->err, ERR_USAGE, "the question names no model");
		goto out;
	}
	s.model = variant_base(model);
	s.variant = variant_of(model) ? variant_of(model) : VARIANT_BASE;
	if (q->store && store_datasets(q->store, dataset_try, &s, q->err) != 0)
		goto out;
	if (s.matches == 1) {
		*dataset = s.found;
		rc = 0;
	} else if (s.matches > 1) {
		err_set(q->err, ERR_USAGE,
			"several connections have %s (%s): choose one with --connection-id and --integration", model,
			buf_str(&s.names));
	} else if (s.models.len) {
		const char *near = nearest(model, (const char *const *)s.list);
		err_set(q->err, ERR_USAGE, "nothing of model %s was synced%s%s%s%s%s; there is: %s", model,
			q->connection ? " for connection " : "", q->connection ? q->connection : "",
			near ? "; did you mean " : "", near ? near : "", near ? "?" : "", buf_str(&s.models));
	} else {
		err_set(q->err, ERR_USAGE, "nothing was synced%s%s yet: `sluice run` does",
			q->connection ? " for connection " : "", q->connection ? q->connection : "");
	}
out:
	buf_free(&s.names);
	buf_free(&s.models);
	for (size_t i = 0; i < s.n_list; i++)
		free(s.list[i]);
	free(model);
	return rc;
}

static bool
record_row(void *arg, const struct record *r)
{
	struct question *q = arg;
	struct json_out o = json_out(&q->row);

	json_open(&o, '{');
	json_kv_slice(&o, "id", r->id);
	json_kv_int(&o, "sequence", (int64_t)r->sequence);
	json_kv_str(&o, "action", change_name(r->action));
	json_kv_time(&o, "first_seen_at", r->first_seen_us);
	json_kv_time(&o, "modified_at", r->modified_us);
	json_kv_time(&o, "deleted_at", r->deleted_us);
	if (r->pruned_us)
		json_kv_time(&o, "pruned_at", r->pruned_us);
	json_kv_raw(&o, "record", r->json);
	json_close(&o, '}');
	question_row(q);
	return true;
}

static void
record_row_one(void *arg, const struct record *r)
{
	struct question *q = arg;

	if (!r->deleted_us || member_bool(q->json, "deleted", false))
		record_row(q, r);
}

static int
records_by_id(struct question *q, uint32_t dataset, struct slice ids)
{
	struct json_iter it = json_iter(ids);
	struct buf id = {0};

	while (json_next(&it)) {
		buf_clear(&id);
		if (json_unquote(it.value, &id))
			store_record(q->store, dataset, buf_view(&id), record_row_one, q);
	}
	buf_free(&id);
	return 0;
}

static bool
digits_take(const char **p, uint64_t *n)
{
	char *end;

	if (**p < '0' || **p > '9')
		return false;
	*n = strtoumax(*p, &end, 10);
	*p = end;
	return true;
}

/* A cursor is a sequence number, as text or as a number; behind a dash the pruned mark that its reader began under, as
 * long as the number alone would look like that of a reader who has missed deletes. */
int
question_cursor(struct question *q, uint64_t *after, uint64_t *began)
{
	char *text = member_text(q->json, "cursor");
	const char *p = text;
	bool good;

	*after = 0;
	if (!text)
		return 0;
	good = digits_take(&p, after);
	if (good && began && *p == '-') {
		p++;
		good = digits_take(&p, began);
	}
	if (!good || *p) {
		err_set(q->err, ERR_USAGE,
			"'%s' is no cursor: take it from an earlier answer, or leave it out to begin", text);
		free(text);
		return -1;
	}
	free(text);
	return 0;
}

static void
pruned_take(void *arg, const struct dataset_info *d)
{
	*(uint64_t *)arg = d->pruned;
}

static int
feed_ask(struct question *q, bool live_only)
{
	bool deleted = live_only && member_bool(q->json, "deleted", false);
	struct feed_query f = {.limit = question_limit(q), .live_only = live_only && !deleted, .all = deleted};
	struct slice ids = member_raw(q->json, "ids");
	uint64_t next = 0;
	bool more = false;
	char text[48];

	if (question_cursor(q, &f.after, &f.began) != 0 || dataset_find(q, &f.dataset) != 0)
		return -1;
	if (!f.after)
		store_dataset_info(q->store, f.dataset, pruned_take, &f.began);
	if (ids.len)
		return records_by_id(q, f.dataset, ids);
	if (store_feed(q->store, &f, record_row, q, &next, &more, q->err) != 0)
		return -1;
	if (next < f.began && !f.live_only)
		snprintf(text, sizeof text, "%" PRIu64 "-%" PRIu64, next, f.began);
	else
		snprintf(text, sizeof text, "%" PRIu64, next);
	json_kv_str(&q->end, "cursor", text);
	json_kv_bool(&q->end, "more", more);
	return 0;
}

static int
ask_records(struct question *q)
{
	return feed_ask(q, true);
}

static int
ask_changes(struct question *q)
{
	return feed_ask(q, false);
}

/* ---- status ---- */

static bool
count_one(void *arg, struct slice name, struct slice value)
{
	(void)name;
	(void)value;
	++*(uint64_t *)arg;
	return true;
}

static bool
held_put(void *arg, struct slice name, struct slice value)
{
	struct json_out *o = arg;
	char *model = slice_dup(name);

	json_kv_int(o, model, member_int(value, "held", 0));
	free(model);
	return true;
}

static void
state_put(struct question *q, struct json_out *o, uint32_t scope, enum state_kind kind, const char *key)
{
	struct buf value = {0};

	json_key(o, key);
	if (scope && store_state_get(q->store, scope, kind, SLICE(""), &value))
		json_put_raw(o, buf_view(&value));
	else
		json_put_null(o);
	buf_free(&value);
}

static void
status_row(struct question *q, const struct scope_name *name)
{
	uint32_t scope = q->store ? store_scope_find(q->store, name) : 0;
	struct json_out o = json_out(&q->row);
	uint64_t positions = 0;

	json_open(&o, '{');
	json_kv_str(&o, "connection", name->connection);
	json_kv_str(&o, "integration", name->integration);
	json_kv_str(&o, "sync", name->sync);
	json_kv_bool(&o, "running", host_run(q->host, name->connection, name->integration, name->sync) != NULL);
	status_live(q, &o, name);
	state_put(q, &o, scope, STATE_LAST, "last");
	state_put(q, &o, scope, STATE_RUN, "interrupted");
	status_alerts(q, &o, name);
	json_key(&o, "held");
	json_open(&o, '{');
	if (scope)
		store_state_list(q->store, scope, STATE_HELD, held_put, &o, NULL);
	json_close(&o, '}');
	if (scope)
		store_state_list(q->store, scope, STATE_POSITION, count_one, &positions, NULL);
	json_kv_int(&o, "positions", (int64_t)positions);
	json_kv_int(&o, "dead_letters", scope ? (int64_t)store_dead_count(q->store, scope) : 0);
	json_close(&o, '}');
	question_row(q);
}

static int
ask_status(struct question *q)
{
	struct json_iter it = json_iter(member_raw(q->json, "syncs"));
	struct store_stats stats;

	while (json_next(&it)) {
		char *connection = member_text(it.value, "connection"),
		     *integration = member_text(it.value, "integration"), *sync = member_text(it.value, "sync");
		const struct scope_name name = {.connection = connection, .integration = integration, .sync = sync};
		if (connection && integration && sync)
			status_row(q, &name);
		free(connection);
		free(integration);
		free(sync);
	}
	json_kv_bool(&q->end, "serving", host_service(q->host) != NULL);
	json_kv_raw(&q->end, "listens", host_service(q->host) ? host_addresses(q->host) : SLICE("null"));
	if (q->store) {
		status_endpoints(q, &q->end);
		status_events(q, &q->end);
		store_stats(q->store, &stats);
		json_kv_int(&q->end, "file_bytes", (int64_t)stats.file_bytes);
		json_kv_int(&q->end, "free_disk", (int64_t)stats.free_disk);
	}
	return 0;
}

static const struct {
	const char *name;
	int (*ask)(struct question *q);
} questions[] = {
	{"datasets", ask_datasets},         {"records", ask_records},
	{"changes", ask_changes},           {"status", ask_status},
	{"history", ask_history},           {"run", ask_run},
	{"log", ask_log},                   {"metadata", ask_metadata},
	{"set_token", ask_set_token},       {"token", ask_token},
	{"renew_token", ask_renew_token},
	{"positions", ask_positions},
	{"events", ask_events},             {"event", ask_event},
	{"retry_events", ask_retry_events}, {"drop_events", ask_drop_events},
	{"checkpoint", ask_checkpoint},     {"dead_letters", ask_dead_letters},
	{"dead_letter", ask_dead_letter},   {"resolve_letters", ask_resolve_letters},
	{"purge_letters", ask_purge_letters}, {"retry_letter", ask_retry_letter},
	{"connections", ask_connections},   {"enable", ask_enable},
	{"action", ask_action},
	{"add_connection", ask_add_connection}, {"remove_connection", ask_remove_connection},
	{"variants", ask_variants},         {"add_variant", ask_add_variant},
	{"remove_variant", ask_remove_variant},
	{"held", ask_held},                 {"held_records", ask_held_records},
	{"confirm_held", ask_confirm_held}, {"dismiss_held", ask_dismiss_held},
	{"verify", ask_verify},             {"backup", ask_backup},
	{"prune", ask_prune},               {"plugins", ask_plugins},
	{"trigger", ask_trigger},           {"cancel", ask_cancel},
	{"pause", ask_pause_syncs},         {"start", ask_start_syncs},
	{"reload", ask_reload},             {"service", ask_service},
	{"due", ask_due},                   {"limits", ask_limits},
	{"steps", ask_steps},               {"alerts", ask_alerts},
	{"doctor", ask_doctor},             {"endpoints", ask_endpoints},
	{"deliveries", ask_deliveries},     {"delivery", ask_delivery},
	{"api_key", ask_api_key},
	{"retry_deliveries", ask_retry_deliveries}, {"drop_deliveries", ask_drop_deliveries},
};

static int
question_put(struct question *q)
{
	char *name = member_text(q->json, "query");
	int rc = -1;
	size_t i;

	for (i = 0; i < LENGTH(questions); i++)
		if (name && strcmp(name, questions[i].name) == 0)
			break;
	if (i < LENGTH(questions))
		rc = questions[i].ask(q);
	else
		err_set(q->err, ERR_USAGE, "'%s' " QUERY_UNKNOWN, name ? name : "");
	free(name);
	return rc;
}

/* "sync" and, where it is given apart, "variant". */
static char *
sync_named(struct slice json)
{
	char *sync = member_text(json, "sync"), *variant = member_text(json, "variant"), *name = NULL;

	if (sync)
		name = variant_join(sync, variant);
	free(sync);
	free(variant);
	return name;
}

int
query_answer(struct host *h, struct slice text, const struct query_sink *sink, struct buf *end, struct err *err)
{
	struct question q = {.host = h,
	                     .store = host_store(h),
	                     .settings = host_settings(h),
	                     .json = json_trim(text),
	                     .sink = sink,
	                     .err = err};
	struct json_fault fault = {0};
	int rc;

	if (!json_check(text, JSON_DEPTH_MAX, &fault) || json_type(q.json) != JSON_OBJECT)
		return err_set(err, ERR_USAGE, "a question is one JSON object: %s",
		               fault.what ? fault.what : "it is none");
	q.connection = member_text(q.json, "connection");
	q.integration = member_text(q.json, "integration");
	q.sync = sync_named(q.json);
	q.end = json_out(end);
	json_open(&q.end, '{');
	rc = question_put(&q);
	json_close(&q.end, '}');
	buf_free(&q.row);
	free(q.connection);
	free(q.integration);
	free(q.sync);
	return rc;
}
