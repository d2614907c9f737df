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
#include "sluice.h"

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
	const struct sync_settings *given =
		r->sync ? settings_sync(r->settings, r->connection, r->request.name) : NULL;
	struct sync_settings *l = &r->limits;

	if (given)
		*l = *given;
	if (!l->step_calls)
		l->step_calls = 10;
	if (l->run_ms <= 0)
		l->run_ms = INT64_C(24) * 3600 * 1000;
	if (!given || l->max_delete_share < 0)
		l->max_delete_share = 0.2;
	if (!given || l->max_rejected < 0)
		l->max_rejected = 0.01;
	if (!l->max_requests)
		l->max_requests = 1000000;
	if (!l->max_bytes)
		l->max_bytes = UINT64_C(100) << 30;
	if (!l->max_stale_pages)
		l->max_stale_pages = 20;
	if (r->action)
		l->run_ms = r->action->timeout_ms;
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
work_find(struct run *r, struct err *err)
{
	if (r->request.what == STEP_CHECK && !r->manifest->has_check)
		return err_set(err, ERR_USAGE,
		               "connector '%s' declares no check: nothing can be said of this connection beforehand",
		               r->manifest->name);
	if (r->request.what == STEP_ACTION) {
		r->action = manifest_action(r->manifest, r->request.name);
		return r->action ? 0
		                 : err_set(err, ERR_USAGE, "connector '%s' has no action '%s'", r->manifest->name,
		                           r->request.name);
	}
	if (r->request.what == STEP_SYNC) {
		r->sync = manifest_sync(r->manifest, r->request.name);
		return r->sync ? 0 : sync_unknown(r, err);
	}
	return 0;
}

static int
models_find(struct run *r, struct err *err)
{
	struct dataset_name name = {.connection = r->connection->name, .integration = r->connection->integration->name};

	if (!r->sync)
		return 0;
	r->models = xcalloc(r->sync->n_models + 1, sizeof *r->models);
	for (size_t i = 0; i < r->sync->n_models; i++) {
		struct run_model *m = &r->models[i];
		m->index = r->sync->models[i];
		m->model = &r->manifest->models[m->index];
		m->key = m->model->fields[m->model->key].name;
		name.model = m->model->name;
		if (r->host->store)
			m->dataset = r->request.dry ? store_dataset_find(r->host->store, &name)
			                            : store_dataset(r->host->store, &name, err);
		if (!m->dataset && !r->request.dry)
			return -1;
	}
	r->n_models = r->sync->n_models;
	return 0;
}

static int
scopes_find(struct run *r, struct err *err)
{
	struct scope_name name = {.connection = r->connection->name, .integration = r->connection->integration->name};
	struct store *s = r->host->store;

	if (!s)
		return 0;
	if (!r->sync || r->request.dry) {
		r->connection_scope = store_scope_find(s, &name);
		name.sync = r->request.name;
		r->scope = r->sync ? store_scope_find(s, &name) : 0;
		return 0;
	}
	r->connection_scope = store_scope(s, &name, err);
	name.sync = r->request.name;
	r->scope = r->connection_scope ? store_scope(s, &name, err) : 0;
	if (!r->scope)
		return -1;
	r->fence.scope = r->scope;
	r->fence.epoch = store_epoch_next(s, r->scope, err);
	r->number = r->fence.epoch ? store_run_next(s) : 0;
	return r->number ? 0 : -1;
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
	if (!r->request.dry && r->scope)
		commit_state_set(batch_open(r), r->connection_scope, STATE_METADATA, SLICE(""), buf_view(&json));
}

static int
metadata_check(struct run *r, struct err *err)
{
	if (!r->sync || !r->sync->n_input ||
	    fields_match(r->sync->input, r->sync->n_input, buf_view(&r->metadata), err))
		return 0;
	err->cls = ERR_USAGE;
	return err_prefix(err, "metadata of connection %s : %s does not fit sync '%s'", r->connection->name,
	                  r->connection->integration->name, r->sync->name);
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

static void
facts_begin(struct run *r)
{
	struct buf value = {0};
	bool tracked = r->sync->flags & SLUICE_TRACK_DELETES;

	r->facts.now_us = r->start_us;
	if (r->scope && store_state_get(r->host->store, r->scope, STATE_LAST, SLICE(""), &value) &&
	    !r->request.full_refresh)
		r->facts.last_success_us = member_int(buf_view(&value), "last_success_us", 0);
	r->facts.full =
		r->sync->kind == SLUICE_FULL || (tracked && r->checkpoint.len == 0 && r->facts.last_success_us == 0);
	buf_free(&value);
}

/* A new generation, or the one that was interrupted. */
static void
generation_begin(struct run *r)
{
	struct facts fresh = r->facts;
	struct buf value = {0};
	bool there = store_state_get(r->host->store, r->scope, STATE_RUN, SLICE(""), &value);

	if (there && !r->request.full_refresh && !(r->sync->flags & SLUICE_WHOLE) && facts_read(r, buf_view(&value))) {
		interrupted_note(r);
	} else {
		if (there) {
			r->resumes = (uint64_t)member_int(buf_view(&value), "run", 0);
			interrupted_note(r);
		}
		r->resumes = 0;
		r->facts = fresh;
		for (size_t i = 0; i < r->n_models; i++)
			commit_seen_begin(batch_open(r), r->models[i].dataset);
		commit_state_clear_all(batch_open(r), r->scope, STATE_POSITION);
	}
	r->batch.dirty = true;
	history_begun(r);
	buf_free(&value);
}

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
	facts_begin(r);
	if (r->request.dry) {
		dry_begin(r);
		return 0;
	}
	if (r->request.full_refresh)
		commit_state_clear(batch_open(r), r->scope, STATE_CHECKPOINT, SLICE(""));
	generation_begin(r);
	return 0;
}

static int
disk_check(const struct run *r, struct err *err)
{
	uint64_t least = r->settings->host.min_free;
	struct store_stats stats;
	char a[TIME_TEXT_MAX], b[TIME_TEXT_MAX];

	if (!r->sync || r->request.dry)
		return 0;
	store_stats(r->host->store, &stats);
	if (stats.free_disk >= least)
		return 0;
	return err_set(err, ERR_HOST,
	               "only %s are free in %s, and no run starts below %s: make room, or lower min_free in [host]",
	               size_format(stats.free_disk, a), store_dir(r->host->store), size_format(least, b));
}

int
begin_run(struct run *r, struct err *err)
{
	const struct integration_settings *i = r->connection->integration;
	struct proxy *proxy = host_proxy(r->host, err);
	struct buf options = {0};
	int rc = -1;

	if (r->connection->broken)
		return err_set(err, ERR_USAGE, "%.*s", (int)strcspn(r->connection->broken, "\n"), r->connection->broken);
	r->plugin = proxy ? host_plugin(r->host, i->plugin, err) : NULL;
	r->manifest = r->plugin ? r->plugin->manifest : NULL;
	if (!r->manifest || work_find(r, err) != 0 || options_build(r->manifest, r->connection, &options, err) != 0)
		goto out;
	connection_write(r->connection, buf_view(&options), &r->connection_json);
	r->target = target_new(proxy, r->manifest, r->connection, buf_view(&options), err);
	if (!r->target || disk_check(r, err) != 0)
		goto out;
	limits_fill(r);
	if (models_find(r, err) == 0 && scopes_find(r, err) == 0 && sync_begin(r, err) == 0)
		rc = 0;
out:
	buf_free(&options);
	return rc;
}
