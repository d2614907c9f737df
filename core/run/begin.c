/* begin.c - everything that is settled before a worker is started: what is to be run, whether it may, and from where.
 *
 * What can be judged without the provider is judged here: connector, sync, options, credentials, metadata, room on the
 * disk. What the run begins with (fence, STATE_RUN, a new generation of seen marks, its record) goes into its first
 * commit.
 *
 * Awkward: a run that was interrupted is gone on with by the next one of its sync: same now, same last success, same
 * generation of seen marks. Whether there is one stands in STATE_RUN, nowhere else. */
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "run/inside.h"
#include "run/options.h"
#include "run/target.h"
#include "run/tokens.h"
#include "sluice.h"

#define BUFFER_MOST_MS (INT64_C(30) * 60 * 1000)

void
begin_state(struct run *r)
{
	buf_clear(&r->metadata);
	buf_clear(&r->checkpoint);
	if (r->connection_scope)
		store_state_get(r->host->store, r->connection_scope, STATE_METADATA, SLICE(""), &r->metadata);
	if (r->metadata.len == 0)
		buf_puts(&r->metadata, "{}");
	if (r->scope)
		store_state_get(r->host->store, r->scope, STATE_CHECKPOINT, SLICE(""), &r->checkpoint);
}

static void
limits_fill(struct run *r)
{
	struct sync_settings *l = &r->limits;

	settings_sync_fill(r->settings, r->connection, r->sync && !r->webhook ? r->request.name : "", l);
	if (!l->step_calls)
		l->step_calls = 10;
	if (l->run_ms <= 0)
		l->run_ms = INT64_C(24) * 3600 * 1000;
	if (l->max_delete_share < 0)
		l->max_delete_share = 0.2;
	if (l->max_rejected < 0)
		l->max_rejected = 0.01;
	if (!l->max_requests)
		l->max_requests = 1000000;
	if (!l->max_bytes)
		l->max_bytes = UINT64_C(100) << 30;
	if (!l->max_stale_pages)
		l->max_stale_pages = 20;
	if (l->run_buffer_ms <= 0)
		l->run_buffer_ms = l->run_ms / 8 < BUFFER_MOST_MS ? l->run_ms / 8 : BUFFER_MOST_MS;
	if (r->action)
		l->run_ms = r->action->timeout_ms;
	if (r->webhook)
		l->run_ms = r->settings->host.worker_start_ms + r->webhook->timeout_ms; /* of the first; events.c has the next */
	r->stop_timeout = r->request.timeout_ms > 0 && r->request.timeout_ms < l->run_ms;
	r->deadline_ms = r->start_ms + (r->stop_timeout ? r->request.timeout_ms : l->run_ms);
}

static int
sync_unknown(const struct run *r, struct err *err)
{
	const char **names = xcalloc(r->manifest->n_syncs + 1, sizeof *names);
	const char *near;

	for (size_t i = 0; i < r->manifest->n_syncs; i++)
		names[i] = r->manifest->syncs[i].name;
	near = nearest(r->request.name, names);
	free(names);
	return err_set(err, ERR_USAGE, "connector '%s' has no sync '%s'%s%s%s", r->manifest->name, r->request.name,
	               near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
}

static int
input_check(const struct run *r, struct err *err)
{
	const struct manifest_action *a = r->action;

	if (!a->n_input || fields_match(a->input, a->n_input, r->request.input, err))
		return 0;
	err->cls = ERR_USAGE;
	return err_prefix(err, "input of action '%s'", a->name);
}

static int
work_find(struct run *r, struct err *err)
{
	if (r->request.what == STEP_CHECK && !r->manifest->has_check)
		return err_set(err, ERR_USAGE,
		               "connector '%s' declares no check: nothing can be said of this connection beforehand",
		               r->manifest->name);
	if (r->request.what == STEP_ACTION) {
		r->action = manifest_action(r->manifest, r->request.name);
		return r->action ? input_check(r, err)
		                 : err_set(err, ERR_USAGE, "connector '%s' has no action '%s'", r->manifest->name,
		                           r->request.name);
	}
	if (r->request.what == STEP_EVENT) {
		r->webhook = manifest_webhook(r->manifest, r->request.name);
		r->sync = r->webhook ? &r->webhook->as_sync : NULL;
		return r->webhook ? 0 : err_set(err, ERR_USAGE, "connector '%s' has no webhook '%s'", r->manifest->name, r->request.name);
	}
	if (r->request.what == STEP_SYNC) {
		r->sync = manifest_sync(r->manifest, r->request.name);
		return r->sync ? 0 : sync_unknown(r, err);
	}
	return 0;
}

/* What the store knows by these names already. */
static bool
names_find(struct run *r)
{
	struct dataset_name name = {.connection = r->connection->name, .integration = r->connection->integration->name};
	struct scope_name scope = {.connection = r->connection->name, .integration = r->connection->integration->name};
	char *own = r->sync ? run_scope_name(r) : NULL;
	bool all;

	name.variant = r->sync ? r->sync->variant : NULL;
	if (!r->host->store) {
		free(own);
		return false;
	}
	r->connection_scope = store_scope_find(r->host->store, &scope);
	scope.sync = own;
	r->scope = r->sync ? store_scope_find(r->host->store, &scope) : 0;
	free(own);
	all = r->connection_scope && r->scope;
	for (size_t i = 0; i < r->n_models; i++) {
		name.model = r->models[i].model->name;
		r->models[i].dataset = store_dataset_find(r->host->store, &name);
		all = all && r->models[i].dataset;
	}
	return all;
}

static void
named(void *arg, const struct commit_result *result)
{
	struct run *r = arg;

	r->naming = false;
	r->named = true;
	if (result->err.cls != ERR_NONE)
		run_fail(r, &result->err);
	run_poke(r);
}

/* What has no number yet gets one, all in one commit, while the loop goes on. */
static int
names_make(struct run *r, struct err *err)
{
	struct dataset_name name = {.connection = r->connection->name, .integration = r->connection->integration->name};
	struct scope_name scope = {.connection = r->connection->name, .integration = r->connection->integration->name};
	struct commit *c = commit_new(r->host->store, (struct fence){0});
	char *own = run_scope_name(r);
	int rc = commit_scope(c, &scope, err);

	name.variant = r->sync->variant;
	scope.sync = own;
	if (rc == 0)
		rc = commit_scope(c, &scope, err);
	free(own);
	for (size_t i = 0; i < r->n_models && rc == 0; i++) {
		name.model = r->models[i].model->name;
		rc = commit_dataset(c, &name, err);
	}
	if (rc != 0) {
		commit_free(c);
		return -1;
	}
	r->naming = true;
	store_commit(r->host->store, c, false, named, r);
	return 0;
}

static void
models_find(struct run *r)
{
	if (!r->sync)
		return;
	r->models = xcalloc(r->sync->n_models + 1, sizeof *r->models);
	for (size_t i = 0; i < r->sync->n_models; i++) {
		struct run_model *m = &r->models[i];
		m->index = r->sync->models[i];
		m->model = &r->manifest->models[m->index];
		m->key = m->model->fields[m->model->key].name;
	}
	r->n_models = r->sync->n_models;
}

/* Metadata that INI gives is the first value of a connection that has none. */
static void
metadata_first(struct run *r)
{
	struct json_out o;
	struct buf json = {0};

	if (r->connection->n_metadata == 0 || buf_view(&r->metadata).len > 2)
		return;
	o = json_out(&json);
	json_open(&o, '{');
	for (size_t i = 0; i < r->connection->n_metadata; i++)
		json_kv_raw(&o, r->connection->metadata[i].name, slice_str(r->connection->metadata[i].value));
	json_close(&o, '}');
	buf_free(&r->metadata);
	r->metadata = json;
	r->metadata_first = r->sync && !r->request.dry;
}

static int
metadata_check(struct run *r, struct err *err)
{
	struct err found = {0};

	if (!r->sync || !r->sync->n_input ||
	    fields_match(r->sync->input, r->sync->n_input, buf_view(&r->metadata), &found))
		return 0;
	return err_set(err, ERR_USAGE,
	               "metadata of connection %s : %s does not fit sync '%s': %s; say what is right by `sluice metadata "
	               "update JSON --connection-id %s --integration %s`",
	               r->connection->name, r->connection->integration->name, r->sync->name, found.text,
	               r->connection->name, r->connection->integration->name);
}

/* The record of a run that never came to its end says so from now on. */
static void
interrupted_note(struct run *r)
{
	struct buf record = {0}, closed = {0};
	struct slice status;

	if (store_run_get(r->host->store, r->resumes, &record) && json_member(buf_view(&record), "status", &status) &&
	    json_string_is(status, "running")) {
		json_merge_top(&closed, buf_view(&record), SLICE("{\"status\":\"interrupted\"}"));
		commit_run(batch_open(r), r->resumes, buf_view(&closed));
	}
	buf_free(&record);
	buf_free(&closed);
}

static bool
same_variant(const struct manifest_sync *a, const struct manifest_sync *b)
{
	return a->variant && b->variant ? strcmp(a->variant, b->variant) == 0 : a->variant == b->variant;
}

/* Does another sync of its variant write one of its models? Their generation and what is staged are one then, and neither sync's listing says
 * anything of the other's records. The rules of a manifest allow it only where none of them tracks deletes. */
static const struct manifest_sync *
models_shared(const struct run *r)
{
	for (size_t i = 0; i < r->manifest->n_syncs; i++) {
		const struct manifest_sync *other = &r->manifest->syncs[i];
		for (size_t k = 0; other != r->sync && same_variant(other, r->sync) && k < other->n_models; k++)
			for (size_t m = 0; m < r->n_models; m++)
				if (r->models[m].index == other->models[k])
					return other;
	}
	return NULL;
}

static int
reset_check(const struct run *r, struct err *err)
{
	const struct manifest_sync *other = r->request.reset ? models_shared(r) : NULL;

	return !other ? 0
	              : err_set(err, ERR_USAGE,
	                        "sync '%s' cannot be reset: sync '%s' writes the same model, and its records would be deleted; "
	                        "--full-refresh lists everything again and deletes nothing",
	                        r->sync->name, other->name);
}

static void
facts_begin(struct run *r)
{
	struct buf value = {0};
	bool tracked = r->sync->flags & SLUICE_TRACK_DELETES;

	r->facts.now_us = r->start_us;
	if (r->scope && store_state_get(r->host->store, r->scope, STATE_LAST, SLICE(""), &value) &&
	    !r->request.full_refresh)
		r->facts.last_success_us = member_int(buf_view(&value), "last_success_us", 0);
	r->facts.reset = r->request.reset;
	r->facts.full = r->request.reset || r->sync->kind == SLUICE_FULL ||
	                (tracked && r->checkpoint.len == 0 && r->facts.last_success_us == 0);
	r->facts.staged = r->facts.full && r->limits.visibility == VISIBLE_COMPLETE && !models_shared(r);
	buf_free(&value);
}

/* A new generation, or the one that was interrupted. One whose positions a person set (serve/query_positions.c) is new, but
 * begins there: what stands before them is not listed, so it says nothing of absence. */
static void
generation_begin(struct run *r)
{
	struct facts fresh = r->facts;
	struct buf value = {0};
	bool there = store_state_get(r->host->store, r->scope, STATE_RUN, SLICE(""), &value),
	     by_hand = there && member_bool(buf_view(&value), "by_hand", false),
	     goes_on = there && !r->request.full_refresh && !(r->sync->flags & SLUICE_WHOLE);

	if (goes_on && !by_hand && facts_read(r, buf_view(&value))) {
		interrupted_note(r);
	} else {
		if (there && !by_hand) {
			r->resumes = (uint64_t)member_int(buf_view(&value), "run", 0);
			interrupted_note(r);
		}
		r->resumes = 0;
		r->facts = fresh;
		for (size_t i = 0; i < r->n_models && !r->webhook; i++) /* events list nothing */
			commit_seen_begin(batch_open(r), r->models[i].dataset);
		r->by_hand = r->facts.incomplete = goes_on && by_hand;
		if (!r->by_hand)
			commit_state_clear_all(batch_open(r), r->scope, STATE_POSITION);
	}
	r->batch.dirty = true;
	history_begun(r);
	buf_free(&value);
}

void
begin_anew(struct run *r)
{
	const struct facts was = r->facts;

	whole_drop(r);
	r->facts = (struct facts){.now_us = was.now_us, .last_success_us = was.last_success_us,
	                          .full = was.full, .staged = was.staged, .reset = was.reset};
	for (size_t i = 0; i < r->n_models; i++) {
		struct run_model *m = &r->models[i];
		m->loose = m->handmade = m->vouched = m->rejected = false;
		commit_seen_begin(batch_open(r), m->dataset);
	}
	r->batch.dirty = true;
	batch_boundary(r, NULL, true);
}

/* The number of the epoch is known before it is durable: nobody else begins runs of this sync, and commits come to the
 * disk in order. Were the one with the epoch to fail, all that is fenced by it would be refused. */
static void
fence_take(struct run *r)
{
	struct commit *c = commit_new(r->host->store, (struct fence){0});

	r->fence.scope = r->scope;
	r->fence.epoch = store_epoch(r->host->store, r->scope) + 1;
	commit_epoch(c, r->scope);
	store_commit(r->host->store, c, false, NULL, NULL);
}

int
begin_write(struct run *r, struct err *err)
{
	if (!r->sync || r->request.dry)
		return 0;
	if (!names_find(r))
		return r->named ? err_set(err, ERR_HOST, "the store gave no numbers for %s", r->request.name)
		                : names_make(r, err);
	fence_take(r);
	r->begun = true;
	if (r->metadata_first)
		commit_state_set(batch_open(r), r->connection_scope, STATE_METADATA, SLICE(""),
		                 buf_view(&r->metadata));
	if (r->request.full_refresh) {
		commit_state_clear(batch_open(r), r->scope, STATE_CHECKPOINT, SLICE(""));
		commit_state_clear_all(batch_open(r), r->scope, STATE_CONDITION);
	}
	generation_begin(r);
	return 0;
}

/* What is there is read and judged; nothing is written yet. */
static int
sync_begin(struct run *r, struct err *err)
{
	begin_state(r);
	if (r->request.full_refresh)
		buf_clear(&r->checkpoint);
	metadata_first(r);
	if (metadata_check(r, err) != 0)
		return -1;
	if (!r->sync)
		return 0;
	if (reset_check(r, err) != 0)
		return -1;
	facts_begin(r);
	if (r->request.dry)
		dry_begin(r);
	else
		r->number = store_run_next(r->host->store);
	return 0;
}

static int
disk_check(const struct run *r, struct err *err)
{
	return r->sync && !r->request.dry && host_room_lacks(r->host, err) ? -1 : 0;
}

int
begin_run(struct run *r, struct err *err)
{
	const struct integration_settings *i = r->connection->integration;
	struct proxy *proxy = host_proxy(r->host, err);
	struct oauth *keeper = NULL;
	struct buf options = {0}, own = {0}, datasets = {0};
	int rc = -1;

	if (r->connection->broken)
		return err_set(err, ERR_USAGE, "%.*s", (int)strcspn(r->connection->broken, "\n"), r->connection->broken);
	r->plugin = proxy ? host_plugin(r->host, i->plugin, err) : NULL;
	r->manifest = r->plugin ? r->plugin->manifest : NULL;
	if (r->manifest && shaped_has(r->settings, r->connection)) {
		r->shaped = shaped_make(r->manifest, r->settings, r->connection, err);
		r->manifest = r->shaped ? r->shaped->manifest : NULL;
	}
	if (!r->manifest || work_find(r, err) != 0 || options_build(r->manifest, r->connection, &options, err) != 0 ||
	    shaped_options(r->manifest, r->settings, r->connection, r->sync ? r->sync->name : NULL, buf_view(&options), &own, err) != 0 ||
	    (r->shaped && r->shaped->text && shaped_list(r->manifest, r->settings, r->connection, r->sync ? r->sync->name : NULL, &datasets, err) != 0))
		goto out;
	connection_write(r->connection, r->sync ? r->sync->variant : NULL, buf_view(&own), buf_view(&datasets), &r->connection_json);
	if (tokens_used(r->manifest, r->connection)) {
		keeper = tokens_keeper(r->host, r->manifest, r->connection, buf_view(&options), !r->request.due_us, err);
		if (!keeper)
			goto out;
	}
	r->target = target_new(proxy, r->settings, r->manifest, r->connection, buf_view(&options), keeper, err);
	if (!r->target || disk_check(r, err) != 0)
		goto out;
	limits_fill(r);
	r->request.full_refresh |= r->request.reset;
	models_find(r);
	names_find(r);
	rc = sync_begin(r, err);
out:
	oauth_free(keeper);
	buf_free(&options);
	buf_free(&own);
	buf_free(&datasets);
	return rc;
}
