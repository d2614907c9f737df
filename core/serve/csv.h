/* csv.h - rows of a dataset as CSV, for `sluice export` and whoever exports over HTTP.
 *
 * RFC 4180: CRLF, quotes doubled, a header that follows from the model alone (_id _sequence _first_seen_at _modified_at
 * _deleted_at, its fields in order, _other). Nested values are JSON, null and absent are empty, the empty string is "". What a
 * record has besides its model's fields stands in _other as one JSON object, so nothing is lost. */
#ifndef SLUICE_SERVE_CSV_H
#define SLUICE_SERVE_CSV_H

#include "base/buf.h"
#include "plugin/manifest.h"

struct csv {
	char **fields; /* its own copies: a plugin may be replaced meanwhile */
	bool *hidden;  /* shown as *** */
	size_t n;
	/* For the eyes of a person: a text that a spreadsheet would take for a formula begins with an apostrophe. What a provider's
	 * customer calls himself must not be carried out. Programs get it as it is. */
	bool spreadsheet;
};

void csv_init(struct csv *c, const struct manifest_model *model, bool mask); /* mask: what the model calls sensitive */
void csv_finish(struct csv *c);
void csv_head(const struct csv *c, struct buf *out);
void csv_row(const struct csv *c, struct slice row, struct buf *out); /* row: as the question `records` gives it */

#endif
