/* serve_csv.c - core/serve/csv.h: a record as a line for programs, and as one that a person may open. */
#include "serve/csv.h"
#include "../tap.h"

static const char row[] = "{\"id\":\"a\",\"sequence\":7,\"first_seen_at\":null,\"modified_at\":null,\"deleted_at\":null,"
                          "\"record\":{\"name\":\"=1+1\",\"sum\":-5,\"at\":\"\\t@x,\\\"y\\\"\",\"more\":\"=2\"}}";

static const char *
row_as(struct buf *out, bool spreadsheet)
{
	struct manifest_field fields[] = {{.name = (char *)(uintptr_t)"name"}, {.name = (char *)(uintptr_t)"sum"}, {.name = (char *)(uintptr_t)"at"}};
	const struct manifest_model model = {.fields = fields, .n_fields = 3};
	struct csv c;

	csv_init(&c, &model, false);
	c.spreadsheet = spreadsheet;
	buf_clear(out);
	csv_row(&c, SLICE(row), out);
	csv_finish(&c);
	return buf_str(out);
}

TEST("programs get every text as it is; what is opened by a person holds no formula, and its numbers stay numbers")
{
	struct buf out = {0};

	CHECK_STR(row_as(&out, false), "a,7,,,,=1+1,-5,\"\t@x,\"\"y\"\"\",\"{\"\"more\"\":\"\"=2\"\"}\"\r\n");
	CHECK_STR(row_as(&out, true), "a,7,,,,'=1+1,-5,\"'\t@x,\"\"y\"\"\",\"{\"\"more\"\":\"\"=2\"\"}\"\r\n");
	buf_free(&out);
}
