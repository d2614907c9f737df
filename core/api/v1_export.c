/* v1_export.c - a dataset as a file for other programs: CSV (serve/csv.h) or JSON lines, made as fast as the client takes it.
 *
 * Awkward: a record that changes while it lasts may stand there once more, further down; the line with the higher sequence is
 * the later. Who wants one moment and what comes behind it takes a snapshot. An answer that was cut off is seen by its
 * transfer only, for a line of a CSV cannot say so. */
#include <stdlib.h>
#include <string.h>
#include "api/v1.h"
#include "config/variant.h"
#include "base/mem.h"
#include "plugin/registry.h"
#include "serve/csv.h"

#define PIECE (256u << 10)

struct export {
	struct feed feed;
	struct csv csv;
	bool as_csv, begun;
	struct buf row, *out;
};

static void
row_put(void *arg, const struct record *r, const struct cursor *behind)
{
	struct export *e = arg;
	struct json_out o;

	(void)behind;
	buf_clear(&e->row);
	o = json_out(&e->row);
	feed_put_record(&o, r);
	if (e->as_csv) {
		csv_row(&e->csv, buf_view(&e->row), e->out);
		return;
	}
	buf_slice(e->out, buf_view(&e->row));
	buf_putc(e->out, '\n');
}

/* In the HTTP thread. */
static bool
export_pull(void *arg, struct buf *out)
{
	struct export *e = arg;
	size_t before = out->len;
	struct err err = {0};
	bool more = true;

	e->out = out;
	if (e->as_csv && !e->begun)
		csv_head(&e->csv, out);
	e->begun = true;
	while (more && out->len == before)
		if (feed_read(&e->feed, row_put, e, &more, &err) != 0) {
			buf_clear(out);
			return true; /* an empty piece that is not the last: the transfer is cut off */
		}
	return more;
}

static void
export_free(void *arg)
{
	struct export *e = arg;

	csv_finish(&e->csv);
	buf_free(&e->row);
	free(e);
}

static const struct manifest_model *
model_of(struct api *a, struct http_call *c)
{
	const struct connection_settings *k =
		settings_connection(host_settings(api_host(a)), http_param(c, "connection"), http_param(c, "integration"));
	const struct manifest *of = k ? host_manifest_of(api_host(a), k, NULL) : NULL;
	char *base = slice_dup(variant_base(http_param(c, "model")));
	const struct manifest_model *m = NULL;
	uint16_t index;

	if (of)
		m = manifest_model(of, base, &index);
	free(base);
	return m;
}

void
feed_export(struct http_call *c, void *arg)
{
	const char *to = http_param(c, "to");
	bool as_csv = to && strcmp(to, "csv") == 0;
	const struct manifest_model *model = as_csv ? model_of(arg, c) : NULL;
	struct feed feed;
	struct export *e;

	if (feed_find(arg, c, CURSOR_RECORDS, NULL, &feed) != 0)
		return;
	if (as_csv && !model) {
		http_fail(c, 409, "unknown_model", "no connector in use describes this model, so nothing says which columns it has: take "
		          "to=jsonl");
		return;
	}
	e = XNEW(struct export);
	e->feed = feed;
	e->feed.deleted = http_param_bool(c, "deleted", false);
	e->feed.limit = 1000;
	e->feed.bytes = PIECE;
	e->as_csv = as_csv;
	if (as_csv) {
		csv_init(&e->csv, model, http_param_bool(c, "mask", false));
		e->csv.spreadsheet = http_param_bool(c, "spreadsheet", false);
	}
	http_answer_header(c, "Content-Disposition", as_csv ? "attachment; filename=\"records.csv\"" : "attachment; filename=\"records.jsonl\"");
	http_pull(c, 200, as_csv ? "text/csv; charset=utf-8" : "application/x-ndjson", export_pull, e, export_free);
}
