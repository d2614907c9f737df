/* variants.c - see variants.h.
 *
 * A row of STATE_VARIANT in the scope of its connection is all that makes a variant. Making one also gives numbers to its scope
 * and datasets, in the same commit: so names that are too long together are refused here and not by its first run, and whoever
 * reads its records before that finds none instead of nothing. */
#include "run/variants.h"

#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "run/host.h"
#include "run/member.h"

struct making {
	struct host *host;
	struct connection_settings *connection; /* ours to change, as all settings in force */
	const struct manifest *manifest;
	const struct manifest_sync *sync;
	char *name;                             /* "leads::eu" */
};

static struct scope_name
scope_of(const struct making *m, const char *sync)
{
	return (struct scope_name){.connection = m->connection->name, .integration = m->connection->integration->name, .sync = sync};
}

static void
row_write(const struct host *h, struct buf *out)
{
	char time[TIME_TEXT_MAX];
	struct json_out o = json_out(out);

	json_open(&o, '{');
	json_kv_str(&o, "added_at", time_format(clock_wall_us(h->clock), time));
	json_close(&o, '}');
}

static int
numbers_give(const struct making *m, const char *variant, struct commit *commit, struct err *err)
{
	const struct scope_name scope = scope_of(m, m->name);
	struct dataset_name dataset = {.connection = scope.connection, .integration = scope.integration, .variant = variant};

	for (size_t i = 0; i < m->sync->n_models; i++) {
		dataset.model = m->manifest->models[m->sync->models[i]].name;
		if (commit_dataset(commit, &dataset, err) != 0)
			return -1;
	}
	return commit_scope(commit, &scope, err);
}

static enum variant_fault
made_put(const struct making *m, const char *variant, struct err *err)
{
	struct store *s = m->host->store;
	const struct scope_name of_connection = scope_of(m, NULL);
	uint32_t scope = store_scope(s, &of_connection, err);
	struct commit *commit;
	struct buf row = {0};

	if (!scope)
		return VARIANT_FAILED;
	commit = commit_new(s, (struct fence){0, 0});
	if (numbers_give(m, variant, commit, err) != 0) {
		commit_free(commit);
		return VARIANT_INVALID;
	}
	row_write(m->host, &row);
	commit_state_set(commit, scope, STATE_VARIANT, slice_str(m->name), buf_view(&row));
	buf_free(&row);
	if (store_commit_wait(s, commit, NULL, err) != 0)
		return VARIANT_FAILED;
	variants_put(m->connection, m->name);
	return VARIANT_GOOD;
}

static enum variant_fault
make_judge(struct making *m, const char *sync, const char *variant, struct err *err)
{
	if (strcmp(variant, VARIANT_BASE) == 0)
		return err_set(err, ERR_USAGE, "'%s' is the variant that every sync has", variant), VARIANT_INVALID;
	if (!variant_name_good(variant)) {
		err_set(err, ERR_USAGE, "'%.64s' names no variant: letters, digits, _ and - may stand in a name", variant);
		return VARIANT_INVALID;
	}
	m->manifest = host_manifest_of(m->host, m->connection, err);
	if (!m->manifest)
		return VARIANT_FAILED;
	m->sync = variant_of(sync) ? NULL : manifest_sync(m->manifest, sync);
	if (!m->sync) {
		err_set(err, ERR_USAGE, "connector '%s' has no sync '%s'", m->manifest->name, sync);
		return VARIANT_NO_SYNC;
	}
	if (variants_have(m->connection, m->name))
		return err_set(err, ERR_USAGE, "sync '%s' has a variant '%s' already", sync, variant), VARIANT_EXISTS;
	if (variants_count(m->connection, slice_str(sync)) >= VARIANTS_MAX) {
		err_set(err, ERR_USAGE, "sync '%s' has %d variants, and more there may not be: remove one that is not needed", sync,
		        VARIANTS_MAX);
		return VARIANT_CAPPED;
	}
	return VARIANT_GOOD;
}

enum variant_fault
variant_make(struct host *h, const struct connection_settings *c, const char *sync, const char *variant, struct err *err)
{
	struct making m = {.host = h, .connection = (struct connection_settings *)(uintptr_t)c, .name = variant_join(sync, variant)};
	enum variant_fault f = make_judge(&m, sync, variant, err);

	if (f == VARIANT_GOOD && !h->store) {
		err_set(err, ERR_HOST, "there is no store to write to");
		f = VARIANT_FAILED;
	}
	if (f == VARIANT_GOOD)
		f = made_put(&m, variant, err);
	free(m.name);
	return f;
}

enum variant_fault
variant_remove(struct host *h, const struct connection_settings *c, const char *sync, const char *variant, struct err *err)
{
	struct making m = {.host = h, .connection = (struct connection_settings *)(uintptr_t)c, .name = variant_join(sync, variant)};
	const struct scope_name of_connection = scope_of(&m, NULL), own = scope_of(&m, m.name);
	enum variant_fault f = VARIANT_GOOD;
	struct commit *commit;
	uint32_t scope;

	if (strcmp(variant, VARIANT_BASE) == 0) {
		err_set(err, ERR_USAGE, "'%s' is the variant that every sync has; it stays", variant);
		f = VARIANT_INVALID;
	} else if (!h->store || !variants_have(c, m.name)) {
		err_set(err, ERR_USAGE, "sync '%s' has no variant '%s'", sync, variant);
		f = VARIANT_NONE;
	} else {
		commit = commit_new(h->store, (struct fence){0, 0});
		commit_state_clear(commit, store_scope_find(h->store, &of_connection), STATE_VARIANT, slice_str(m.name));
		scope = store_scope_find(h->store, &own);
		if (scope)
			commit_state_clear(commit, scope, STATE_SCHEDULE, SLICE(""));
		if (store_commit_wait(h->store, commit, NULL, err) != 0)
			f = VARIANT_FAILED;
		else
			variants_drop(m.connection, m.name);
	}
	free(m.name);
	return f;
}

/* ---- with their connection ---- */

struct loading {
	struct settings *settings;
	const struct scope_name *name;
};

/* The connection is looked for only where there is a row: most have none, and there may be ten thousand. */
static bool
row_load(void *arg, struct slice name, struct slice value)
{
	const struct loading *l = arg;
	const struct connection_settings *c = settings_connection(l->settings, l->name->connection, l->name->integration);
	char *text = slice_dup(name);

	(void)value;
	if (c && !variants_have(c, text))
		variants_put((struct connection_settings *)(uintptr_t)c, text); /* one of the settings, which are ours */
	free(text);
	return c != NULL;
}

int
variants_load(struct store *s, uint32_t scope, struct settings *settings, const struct scope_name *n, struct err *err)
{
	struct loading l = {settings, n};

	return store_state_list(s, scope, STATE_VARIANT, row_load, &l, err);
}
