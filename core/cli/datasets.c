/* datasets.c - `sluice datasets`: what is stored, model by model, from the store's own counts.
 *
 * Guarantee: what is printed is what the store has, whether or not a connector or a section for it is still there; so what
 * was left behind by a connection that is gone is seen here. Another process that has the store open is asked. JSON and JSON
 * lines are the rows as they come. */
#include <stdlib.h>
#include "base/mem.h"
#include "cli/cli.h"
#include "config/variant.h"

struct listing {
	struct cli *cli;
	struct table table;
};

static void
dataset_row(void *arg, struct slice row)
{
	static const char *const texts[] = {"connection", "integration"};
	static const char *const numbers[] = {"live", "deleted", "sequence"};
	struct listing *l = arg;
	char n[32], *text, *model, *variant;

	if (l->cli->format != FORMAT_TEXT) {
		print_row(l->cli, row);
		return;
	}
	for (size_t i = 0; i < LENGTH(texts); i++) {
		table_cell(&l->table, text = member_text(row, texts[i]));
		free(text);
	}
	model = member_text(row, "model");
	variant = member_text(row, "variant");
	text = variant_join(model, variant);
	table_cell(&l->table, text);
	free(text);
	free(model);
	free(variant);
	for (size_t i = 0; i < LENGTH(numbers); i++)
		table_cell(&l->table, number_text((uint64_t)member_int(row, numbers[i], 0), n));
}

static int
command_datasets_run(struct cli *c)
{
	static const char *const head[] = {"CONNECTION", "INTEGRATION", "MODEL", "RECORDS", "DELETED", "SEQUENCE"};
	struct listing l = {.cli = c, .table.columns = LENGTH(head)};
	struct buf end = {0};
	struct access a;
	struct err err;
	int rc;

	if (access_open(&a, c, false, &err) != 0)
		return cli_fail(c, &err);
	for (size_t i = 0; i < LENGTH(head); i++)
		table_cell(&l.table, head[i]);
	rc = access_ask(&a, SLICE("{\"query\":\"datasets\"}"), dataset_row, &l, &end, &err);
	if (c->format != FORMAT_TEXT && rc == 0)
		print_end(c);
	table_print(&l.table, stdout);
	buf_free(&end);
	access_close(&a);
	return rc == 0 ? 0 : cli_fail(c, &err);
}

const struct command command_datasets = {
	.name = "datasets",
	.usage = "",
	.summary = "Lists what is stored: connection, integration, model, how many records",
	.run = command_datasets_run,
};
