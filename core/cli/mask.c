/* mask.c - what a model calls sensitive is not shown to whoever looks over a shoulder. JSON formats are for programs
 * and show all. */
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "cli/cli.h"
#include "config/variant.h"
#include "run/merges.h"
#include "sluice.h"

bool
mask_field(const struct manifest_model *model, struct slice key)
{
	if (!model)
		return true;
	for (size_t i = 0; i < model->n_fields; i++)
		if (slice_is(key, model->fields[i].name))
			return model->fields[i].flags & SLUICE_SENSITIVE;
	return false;
}

void
mask_record(const struct manifest_model *model, struct slice record, struct buf *out)
{
	struct json_iter it = json_iter(record);
	bool first = true;

	if (json_type(record) != JSON_OBJECT) {
		buf_puts(out, model ? "" : "***");
		if (model)
			json_compact(out, record);
		return;
	}
	buf_putc(out, '{');
	while (json_next(&it)) {
		buf_puts(out, first ? "\"" : ",\"");
		buf_slice(out, it.key);
		buf_puts(out, "\":");
		if (mask_field(model, it.key))
			buf_puts(out, "\"***\"");
		else
			json_compact(out, it.value);
		first = false;
	}
	buf_putc(out, '}');
}

/* ---- merges ---- */

static const struct merge_settings *
merge_find(const struct settings *s, const char *name)
{
	for (size_t i = 0; i < s->n_merges; i++)
		if (strcmp(s->merges[i]->name, name) == 0)
			return s->merges[i];
	return NULL;
}

static const struct manifest_model *
source_model(const struct settings *s, struct host *h, const struct dataset_name *source)
{
	const char *plugin = source->integration;
	const struct manifest *m;

	for (size_t i = 0; i < s->n_integrations; i++)
		if (strcmp(s->integrations[i]->name, source->integration) == 0)
			plugin = s->integrations[i]->plugin;
	m = host_manifest(h, plugin, NULL);
	return m ? manifest_model(m, source->model, NULL) : NULL;
}

static void
model_join(struct manifest_model *merged, const struct manifest_model *source)
{
	for (size_t i = 0; i < source->n_fields; i++) {
		size_t k = 0;

		while (k < merged->n_fields && strcmp(merged->fields[k].name, source->fields[i].name) != 0)
			k++;
		if (k < merged->n_fields) {
			merged->fields[k].flags |= source->fields[i].flags & SLUICE_SENSITIVE;
			continue;
		}
		merged->fields = xrealloc(merged->fields, (k + 1) * sizeof *merged->fields);
		merged->fields[merged->n_fields++] = source->fields[i];
	}
}

/* One source that nothing describes may have made any member: then nothing is known of the whole. */
static const struct manifest_model *
merge_model(const struct settings *s, struct host *h, const struct merge_settings *merge, struct manifest_model *merged)
{
	struct dataset_name sources[MERGE_SOURCES_MAX];
	char *text = xstrdup(merge->sources);
	size_t n = merge_sources(text, sources, LENGTH(sources), NULL);
	bool known = n > 0;

	for (size_t i = 0; i < n && known; i++) {
		const struct manifest_model *source = source_model(s, h, &sources[i]);

		known = source != NULL;
		if (known)
			model_join(merged, source);
	}
	free(text);
	return known ? merged : NULL;
}

void
mask_end(struct manifest_model *merged)
{
	free(merged->fields);
	*merged = (struct manifest_model){0};
}

const struct manifest_model *
mask_model(struct cli *c, struct host *h, const char *model, struct manifest_model *merged)
{
	const char *connection = cli_value(c, "--connection-id"), *integration = cli_value(c, "--integration");
	const struct settings *s = c->settings;
	const struct manifest_model *found = NULL;
	const struct merge_settings *merge = merge_find(s, model);
	char *base = slice_dup(variant_base(model));
	uint16_t index;

	mask_end(merged);
	for (size_t i = 0; i < s->n_connections && !found; i++) {
		const struct connection_settings *k = s->connections[i];
		const struct manifest *m;
		if ((connection && strcmp(connection, k->name)) ||
		    (integration && strcmp(integration, k->integration->name)))
			continue;
		m = host_manifest_of(h, k, NULL);
		found = m ? manifest_model(m, base, &index) : NULL;
	}
	free(base);
	if (!found && merge && (!connection || strcmp(connection, MERGE_NAME) == 0) &&
	    (!integration || strcmp(integration, MERGE_NAME) == 0))
		found = merge_model(s, h, merge, merged);
	return found;
}
