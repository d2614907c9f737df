/* records.c - `sluice records` and `sluice changes`: what is in a dataset, and how it came to be. Pages of the same
 * question until the limit is reached; so a dataset of any size is read in bounded memory. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/mem.h"
#include "cli/cli.h"

#define PAGE 1000
#define FOLLOW_MS 500

static const struct cli_flag record_flags[] = {
	{"--connection-id", "C", "of this connection; may be left out when only one has the model"},
	{"--integration", "I", "of this integration"},
	{"--limit", "N", "at most N; 0: all; usually 100 as text, all as JSON"},
	{"--cursor", "C", "only what changed after this sequence number"},
	{"--id", "ID", "only this record; may be repeated"},
	{NULL, NULL, NULL},
};

static const struct cli_flag change_flags[] = {
	{"--connection-id", "C", "of this connection; may be left out when only one has the model"},
	{"--integration", "I", "of this integration"},
	{"--cursor", "C", "only what changed after this sequence number; else from the beginning"},
	{"--limit", "N", "at most N; 0 (usually): all"},
	{"--follow", NULL, "wait for more, until interrupted"},
	{NULL, NULL, NULL},
};

struct reading {
	struct cli *cli;
	struct access access;
	const char *query;
	const struct manifest_model *model;
	struct manifest_model merged; /* room for that of a merge */
	char cursor[48];
	uint64_t left, shown; /* left: rows that may still come */
	bool more;
};

static void
record_text(struct reading *r, struct slice row)
{
	struct buf line = {0}, record = {0};
	char *id = member_text(row, "id"), *action = member_text(row, "action"), *at = member_text(row, "modified_at"),
	     *gone = member_text(row, "deleted_at");
	char time[TIME_TEXT_MAX];

	mask_record(r->model, member_raw(row, "record"), &record);
	if (strcmp(r->query, "changes") == 0)
		buf_printf(&line, "%8" PRId64 "  %-8s %s  %s", member_int(row, "sequence", 0), action,
		           time_short(at, time), id);
	else
		buf_printf(&line, "%s  %s%s", time_short(at, time), id, gone ? "  (deleted)" : "");
	buf_printf(&line, "  %s", buf_str(&record));
	print_line(buf_str(&line));
	buf_free(&line);
	buf_free(&record);
	free(id);
	free(action);
	free(at);
	free(gone);
}

static void
row_take(void *arg, struct slice row)
{
	struct reading *r = arg;

	r->shown++;
	if (r->cli->format == FORMAT_TEXT)
		record_text(r, row);
	else
		print_row(r->cli, row);
}

static void
ids_write(const struct cli *c, struct json_out *o)
{
	if (!cli_has(c, "--id"))
		return;
	json_key(o, "ids");
	json_open(o, '[');
	for (size_t i = 0; i < c->n_given; i++)
		if (strcmp(c->given[i].flag->name, "--id") == 0)
			json_put_str(o, c->given[i].value);
	json_close(o, ']');
}

static void
question_write(const struct reading *r, struct buf *out)
{
	const struct cli *c = r->cli;
	struct json_out o = json_out(out);

	json_open(&o, '{');
	json_kv_str(&o, "query", r->query);
	json_kv_str(&o, "model", c->args[0]);
	if (cli_value(c, "--connection-id"))
		json_kv_str(&o, "connection", cli_value(c, "--connection-id"));
	if (cli_value(c, "--integration"))
		json_kv_str(&o, "integration", cli_value(c, "--integration"));
	if (*r->cursor)
		json_kv_str(&o, "cursor", r->cursor);
	json_kv_int(&o, "limit", r->left < PAGE ? (int64_t)r->left : PAGE);
	ids_write(c, &o);
	json_close(&o, '}');
}

/* One page. */
static int
page_read(struct reading *r, struct err *err)
{
	struct buf question = {0}, end = {0};
	uint64_t before = r->shown;
	char *cursor;
	int rc;

	question_write(r, &question);
	rc = access_ask(&r->access, buf_view(&question), row_take, r, &end, err);
	r->more = false;
	if (rc == 0) {
		cursor = member_text(buf_view(&end), "cursor");
		if (cursor)
			snprintf(r->cursor, sizeof r->cursor, "%s", cursor);
		free(cursor);
		r->left -= r->shown - before;
		r->more = r->left && member_bool(buf_view(&end), "more", false);
	}
	fflush(stdout);
	buf_free(&question);
	buf_free(&end);
	return rc;
}

/* Which fields are sensitive, for text. Where the plugin is not to be described nothing but ids is shown. */
static void
model_find(struct reading *r)
{
	r->model = mask_model(r->cli, r->access.host, r->cli->args[0], &r->merged);
	if (!r->model)
		log_warn("no plugin describes model %s, so nothing says which of its fields are sensitive: all are "
		         "masked (--format json shows them)",
		         r->cli->args[0]);
}

static int
reading_do(struct reading *r, bool follow, struct err *err)
{
	struct cli *c = r->cli;

	if (access_open(&r->access, c, false, err) != 0)
		return -1;
	if (c->format == FORMAT_TEXT)
		model_find(r);
	do {
		if (page_read(r, err) != 0)
			return -1;
	} while (r->more && !ferror(stdout)); /* nobody reads any more: main says so */
	return follow && r->left && !ferror(stdout);
}

static int
reading_run(struct cli *c, const char *query, uint64_t usual)
{
	struct reading r = {.cli = c, .query = query};
	bool follow = cli_has(c, "--follow");
	struct err err;
	int rc;

	if (cli_number(c, "--limit", usual, &r.left, &err) != 0)
		return cli_fail(c, &err);
	if (r.left == 0)
		r.left = UINT64_MAX;
	if (cli_value(c, "--cursor"))
		snprintf(r.cursor, sizeof r.cursor, "%s", cli_value(c, "--cursor"));
	if (follow && c->format == FORMAT_JSON)
		c->format = FORMAT_JSONL;                 /* an array that never closes is no JSON */
	while ((rc = reading_do(&r, follow, &err)) > 0) { /* the store is free for others in between */
		access_close(&r.access);
		r.model = NULL;
		usleep(FOLLOW_MS * 1000);
	}
	access_close(&r.access);
	mask_end(&r.merged);
	if (rc != 0)
		return cli_fail(c, &err);
	if (c->format != FORMAT_TEXT)
		print_end(c);
	else if (r.more || (r.left == 0 && *r.cursor))
		fprintf(stderr, "more: --cursor %s\n", r.cursor);
	return 0;
}

static int
command_records_show(struct cli *c)
{
	return reading_run(c, "records", c->format == FORMAT_TEXT ? 100 : 0);
}

static int
command_changes_show(struct cli *c)
{
	return reading_run(c, "changes", 0);
}

const struct command command_records = {
	.name = "records",
	.usage = "MODEL [--connection-id C] [--limit N] [--cursor C] [--id ID]...",
	.summary = "Shows the records of a model, the longest unchanged first",
	.help = "As text, fields that the connector calls sensitive are masked, and lines are cut to the\n"
                "terminal's width; JSON is for programs and shows all.",
	.flags = record_flags,
	.args_min = 1,
	.args_max = 1,
	.run = command_records_show,
};

const struct command command_changes = {
	.name = "changes",
	.usage = "MODEL [--connection-id C] [--cursor C] [--limit N] [--follow]",
	.summary = "Shows the change feed of a model: added, updated and deleted records in order",
	.help = "Each record stands once, at its latest change. The sequence number of the last line is the cursor to "
                "go on from.\n"
                "As text, lines are cut to the terminal's width; --format json shows all.",
	.flags = change_flags,
	.args_min = 1,
	.args_max = 1,
	.run = command_changes_show,
};
