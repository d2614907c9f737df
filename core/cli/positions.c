/* positions.c - `sluice state`: where the paginations of a sync stand, set or cleared by hand between runs. */
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "cli/cli.h"
#include "sluice.h"

static const struct cli_flag flags[] = {
	{"--connection-id", "C", "of this connection"},
	{"--integration", "I", "of this integration; needed when several connections have the name"},
	{"--sync", "S", "of this sync"},
	{"--depth", "N", "of paginations within one another: 1 is the outermost; needed where two have the same key"},
	{NULL, NULL, NULL},
};

/* op, arguments least and most. */
static const struct {
	const char *op;
	size_t least, most;
} ops[] = {{"get", 1, 1}, {"set", 3, 3}, {"clear", 1, 2}};

struct showing {
	struct cli *cli;
	struct table table;
};

static void
cell_put(struct table *t, struct slice value)
{
	char *text = value.len ? json_text(value) : NULL;

	table_cell(t, text ? text : "-");
	free(text);
}

static struct slice
place_of(struct slice row)
{
	static const char *const places[] = {"cursor", "last_item", "url", "offset", "page"};
	struct slice found = {0};

	for (size_t i = 0; i < LENGTH(places) && !found.len; i++)
		found = member_raw(row, places[i]);
	return found;
}

static void
position_show(void *arg, struct slice row)
{
	struct showing *s = arg;

	if (s->cli->format != FORMAT_TEXT) {
		print_row(s->cli, row);
		return;
	}
	cell_put(&s->table, member_raw(row, "key"));
	cell_put(&s->table, member_raw(row, "depth"));
	cell_put(&s->table, member_raw(row, "kind"));
	cell_put(&s->table, place_of(row));
	cell_put(&s->table, member_raw(row, "total_processed"));
	table_cell(&s->table, member_bool(row, "has_more", false) ? "open" : "finished");
}

static void
question_write(const struct cli *c, const struct pick *p, struct buf *out)
{
	struct json_out o = json_out(out);
	uint64_t depth = 0;

	cli_number(c, "--depth", 0, &depth, NULL);
	json_open(&o, '{');
	json_kv_str(&o, "query", "positions");
	json_kv_str(&o, "op", c->args[0]);
	pick_names_put(&o, p);
	json_kv_int(&o, "depth", depth > 99 ? 99 : (int64_t)depth);
	if (c->n_args > 1)
		json_kv_str(&o, "key", c->args[1]);
	if (c->n_args > 2)
		json_kv_raw(&o, "value", json_trim(slice_str(c->args[2])));
	json_close(&o, '}');
}

static int
arguments_check(const struct cli *c, struct err *err)
{
	struct json_fault fault;
	uint64_t depth;
	size_t i = 0;

	while (i < LENGTH(ops) && strcmp(ops[i].op, c->args[0]) != 0)
		i++;
	if (i == LENGTH(ops) || c->n_args < ops[i].least || c->n_args > ops[i].most)
		return err_set(err, ERR_USAGE, "usage: sluice %s %s", c->command->name, c->command->usage);
	if (c->n_args > 2 && !json_check(slice_str(c->args[2]), JSON_DEPTH_MAX, &fault))
		return err_set(err, ERR_USAGE, "the value is no JSON: %s at byte %zu", fault.what, fault.at);
	return cli_number(c, "--depth", 0, &depth, err);
}

static int
sync_meant(struct cli *c, struct host *h, struct pick *out, struct err *err)
{
	struct picks picks = {.looking = true, .manual = true};
	int rc = -1;

	if (!cli_value(c, "--sync"))
		err_set(err, ERR_USAGE, "say which sync's state: --sync S");
	else if (pick_syncs(c, h, &picks, err) == 0) {
		if (picks.n == 1)
			*out = picks.list[0];
		rc = picks.n == 1 ? 0 : err_set(err, ERR_USAGE, "%zu connections have this sync: choose one with --connection-id and --integration", picks.n);
	}
	if (rc == 0 && strcmp(c->args[0], "set") == 0 && (out->sync->flags & SLUICE_WHOLE))
		rc = err_set(err, ERR_USAGE, "sync '%s' runs in one piece: it keeps no positions", out->sync->name);
	free(picks.list);
	return rc;
}

static int
state_do(struct access *a, struct err *err)
{
	static const char *const head[] = {"KEY", "DEPTH", "KIND", "NEXT", "PROCESSED", "STATE"};
	struct showing s = {.cli = a->cli, .table = {.columns = LENGTH(head)}};
	struct buf question = {0}, end = {0};
	struct pick meant = {0};
	char *next = NULL;
	int rc;

	if (sync_meant(a->cli, a->host, &meant, err) != 0)
		return -1;
	for (size_t i = 0; i < LENGTH(head); i++)
		table_cell(&s.table, head[i]);
	question_write(a->cli, &meant, &question);
	rc = access_ask(a, buf_view(&question), position_show, &s, &end, err);
	table_print(&s.table, stdout);
	if (rc == 0)
		next = member_text(buf_view(&end), "next_run_at");
	if (next)
		cli_note(a->cli, "the sync is scheduled: its next run begins at %s, from what is there now", next);
	free(next);
	buf_free(&question);
	buf_free(&end);
	return rc;
}

static int
command_state_run(struct cli *c)
{
	bool get = strcmp(c->args[0], "get") == 0;
	struct access a;
	struct err err;
	int code = 0;

	if (arguments_check(c, &err) != 0 || access_open(&a, c, !get, &err) != 0)
		return cli_fail(c, &err);
	if (state_do(&a, &err) != 0)
		code = cli_fail(c, &err);
	else if (get)
		print_end(c);
	access_close(&a);
	return code;
}

const struct command command_state = {
	.name = "state",
	.usage = "get | set KEY JSON | clear [KEY]  --sync S [--connection-id C] [--integration I] [--depth N]",
	.summary = "Reads or changes where the paginations of an interrupted sync stand",
	.help = "set takes kind, the place (cursor, last_item, url, offset or page, by the kind), total_processed, has_more and "
	        "iterations_in_chunk: what is not given stays. The next run goes on there, and deletes nothing that it does not "
	        "list. clear without a key clears all. Not while a run of the sync is under way.",
	.flags = flags,
	.args_min = 1,
	.args_max = 3,
	.run = command_state_run,
};
