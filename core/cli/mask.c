/* mask.c - what a model calls sensitive is not shown to whoever looks over a shoulder. JSON formats are for programs
 * and show all. */
#include <string.h>
#include "cli/cli.h"
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

const struct manifest_model *
mask_model(struct cli *c, struct host *h, const char *model)
{
	const char *connection = cli_value(c, "--connection-id"), *integration = cli_value(c, "--integration");
	const struct settings *s = c->settings;
	const struct manifest_model *found = NULL;
	uint16_t index;

	for (size_t i = 0; i < s->n_connections && !found; i++) {
		const struct connection_settings *k = s->connections[i];
		const struct manifest *m;
		if ((connection && strcmp(connection, k->name)) ||
		    (integration && strcmp(integration, k->integration->name)))
			continue;
		m = host_manifest(h, k->integration->plugin, NULL);
		found = m ? manifest_model(m, model, &index) : NULL;
	}
	return found;
}
