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
