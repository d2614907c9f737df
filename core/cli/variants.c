/* variants.c - `sluice variants`: which variants of syncs there are; making and removing one.
 *
 * A running service takes them in at once. Awkward: which connection is meant may be left out where there is one only. */
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "cli/cli.h"

static const struct cli_flag flags[] = {
	{"--connection-id", "C", "of this connection"},
	{"--integration", "I", "of this integration; needed when several connections have the name"},
	{NULL, NULL, NULL},
};

struct verb {
	const char *name, *query, *done; /* done: what text says afterwards; NULL: the rows */
};
static const struct verb verbs[] = {
	{"list", "variants", NULL},
	{"add", "add_variant", "is made, with a schedule, a checkpoint and records of its own"},
	{"remove", "remove_variant", "is removed; its records and state are kept, and made again it goes on from there"},
};

struct asking {
	struct access access;
	const struct verb *verb;
	const char *sync;                             /* "leads::eu"; NULL: not named */
	const struct connection_settings *connection; /* NULL: all */
	struct table table;
};

static void
row_show(void *arg, struct slice row)
{
	static const char *const members[] = {"connection", "integration", "sync", "variant"};
	struct asking *a = arg;
	char *texts[LENGTH(members)];

	if (a->access.cli->format != FORMAT_TEXT) {
		print_row(a->access.cli, row);
		return;
	}
	for (size_t i = 0; i < LENGTH(members); i++)
		texts[i] = member_text(row, members[i]);
	if (a->verb->done)
		printf("%s : %s : %s::%s %s\n", texts[0], texts[1], texts[2], texts[3], a->verb->done);
	for (size_t i = 0; i < LENGTH(members); i++) {
		if (!a->verb->done)
			table_cell(&a->table, texts[i]);
		free(texts[i]);
	}
}

static void
question_write(const struct asking *a, struct buf *out)
{
	const struct cli *c = a->access.cli;
	const char *connection = a->connection ? a->connection->name : cli_value(c, "--connection-id"),
	           *integration = a->connection ? a->connection->integration->name : cli_value(c, "--integration");
	struct json_out o = json_out(out);
	char who[64];

	person_name(who);
	json_open(&o, '{');
	json_kv_str(&o, "query", a->verb->query);
	if (connection)
		json_kv_str(&o, "connection", connection);
	if (integration)
		json_kv_str(&o, "integration", integration);
	if (a->sync)
		json_kv_str(&o, "sync", a->sync);
	json_kv_str(&o, "who", who);
	json_close(&o, '}');
}

static int
variants_ask(struct asking *a, struct err *err)
{
	static const char *const head[] = {"CONNECTION", "INTEGRATION", "SYNC", "VARIANT"};
	struct buf question = {0}, end = {0};
	int rc = -1;

	a->table.columns = LENGTH(head);
	for (size_t i = 0; i < LENGTH(head); i++)
		table_cell(&a->table, head[i]);
	if (a->verb->done && !a->sync)
		return err_set(err, ERR_USAGE, "say which: sluice variants %s SYNC::VARIANT, like leads::eu", a->verb->name);
	if (!a->verb->done || (a->connection = pick_connection(a->access.cli, err))) {
		question_write(a, &question);
		rc = access_ask(&a->access, buf_view(&question), row_show, a, &end, err);
	}
	if (rc == 0 && a->access.cli->format != FORMAT_TEXT)
		print_end(a->access.cli);
	buf_free(&question);
	buf_free(&end);
	return rc;
}

static int
command_variants_run(struct cli *c)
{
	const char *verb = c->n_args ? c->args[0] : "list";
	struct asking a = {.sync = c->n_args > 1 ? c->args[1] : NULL};
	struct err err = {0};
	size_t i = 0;
	int rc;

	while (i < LENGTH(verbs) && strcmp(verbs[i].name, verb) != 0)
		i++;
	if (i == LENGTH(verbs)) {
		err_set(&err, ERR_USAGE, "'%s' is nothing that can be done here: list, add or remove", verb);
		return cli_fail(c, &err);
	}
	a.verb = &verbs[i];
	if (access_open(&a.access, c, a.verb->done != NULL, &err) != 0)
		return cli_fail(c, &err);
	rc = variants_ask(&a, &err);
	table_print(&a.table, stdout);
	access_close(&a.access);
	return rc == 0 ? 0 : cli_fail(c, &err);
}

const struct command command_variants = {
	.name = "variants",
	.usage = "[list | add | remove] [SYNC::VARIANT]",
	.summary = "Shows the variants of syncs, makes one or removes one",
	.help = "A variant is the same sync of the same connection once more, with a schedule, a checkpoint and records of its own.\n"
                "Its name is SYNC::VARIANT wherever a sync is named (--sync leads::eu), and MODEL::VARIANT where a model is.\n"
                "remove keeps its records.",
	.flags = flags,
	.args_max = 2,
	.run = command_variants_run,
};
