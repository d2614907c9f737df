/* export.c - `sluice export MODEL --to jsonl|csv`: a dataset for other programs, page by page in bounded memory, here
 * or from the process that has the store open, while it commits.
 * CSV: core/serve/csv.h.
 *
 * Awkward: a record that changes while the export lasts moves to the end of the order, and may stand there once more:
 * the line with the higher sequence is the later. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/mem.h"
#include "cli/cli.h"
#include "config/value.h"
#include "serve/csv.h"

#define PAGE 1000

static const struct cli_flag flags[] = {
        {"--to", "FORMAT", "jsonl (one object a line, as `sluice records` shows them) or csv"},
        {"--output", "FILE", "written beside and renamed when it is whole; else to stdout"},
        {"--connection-id", "C", "of this connection; may be left out when only one has the model"},
        {"--integration", "I", "of this integration"},
        {"--cursor", "C", "only what changed after this sequence number"},
        {"--deleted", NULL, "deleted records too, with their last content"},
        {"--mask", NULL, "fields that the connector calls sensitive as ***"},
        {NULL, NULL, NULL},
};

struct exporting {
	struct cli *cli;
	struct access access;
	const struct manifest_model *model; /* NULL: not needed, or (jsonl, masked) not known: then all is masked */
	struct manifest_model merged; /* room for that of a merge */
	struct csv csv;
	bool as_csv, mask;
	FILE *to;
	char *path, *part; /* NULL: stdout */
	struct buf line;
	char cursor[48];
	uint64_t n;
};

/* ---- jsonl ---- */

static void
jsonl_row(struct exporting *e, struct slice row)
{
	struct json_iter it = json_iter(row);
	bool first = true;

	if (!e->mask) {
		buf_slice(&e->line, row);
		buf_putc(&e->line, '\n');
		return;
	}
	while (json_next(&it)) {
		buf_puts(&e->line, first ? "{\"" : ",\"");
		buf_slice(&e->line, it.key);
		buf_puts(&e->line, "\":");
		if (slice_is(it.key, "record"))
			mask_record(e->model, it.value, &e->line);
		else
			buf_slice(&e->line, it.value);
		first = false;
	}
	buf_puts(&e->line, "}\n");
}

/* ---- reading and writing ---- */

static void
line_write(struct exporting *e)
{
	fwrite(e->line.p, 1, e->line.len, e->to);
	buf_clear(&e->line);
}

static void
row_take(void *arg, struct slice row)
{
	struct exporting *e = arg;

	if (e->as_csv)
		csv_row(&e->csv, row, &e->line);
	else
		jsonl_row(e, row);
	line_write(e);
	e->n++;
}

static void
question_write(const struct exporting *e, struct buf *out)
{
	const struct cli *c = e->cli;
	struct json_out o = json_out(out);

	buf_clear(out);
	json_open(&o, '{');
	json_kv_str(&o, "query", "records");
	json_kv_str(&o, "model", c->args[0]);
	if (cli_value(c, "--connection-id"))
		json_kv_str(&o, "connection", cli_value(c, "--connection-id"));
	if (cli_value(c, "--integration"))
		json_kv_str(&o, "integration", cli_value(c, "--integration"));
	if (*e->cursor)
		json_kv_str(&o, "cursor", e->cursor);
	json_kv_int(&o, "limit", PAGE);
	json_kv_bool(&o, "deleted", cli_has(c, "--deleted"));
	json_close(&o, '}');
}

static int
pages_write(struct exporting *e, struct err *err)
{
	struct buf question = {0}, end = {0};
	bool more = true;
	char *cursor;
	int rc = 0;

	while (rc == 0 && more) {
		question_write(e, &question);
		rc = access_ask(&e->access, buf_view(&question), row_take, e, &end, err);
		if (rc != 0)
			break;
		more = member_bool(buf_view(&end), "more", false);
		cursor = member_text(buf_view(&end), "cursor");
		snprintf(e->cursor, sizeof e->cursor, "%s", cursor ? cursor : "");
		free(cursor);
		if (ferror(e->to) && !e->path)
			break; /* nobody reads any more: main says so */
		if (ferror(e->to))
			rc = err_set(err, ERR_HOST, "cannot write %s: %s", e->path, strerror(errno));
	}
	buf_free(&question);
	buf_free(&end);
	return rc;
}

static int
output_open(struct exporting *e, struct err *err)
{
	const char *file = cli_value(e->cli, "--output");
	int fd;

	e->to = stdout;
	if (!file)
		return 0;
	e->path = path_absolute(slice_str(file));
	e->part = xasprintf("%s.new-XXXXXX", e->path);
	fd = mkostemp(e->part, O_CLOEXEC);
	if (fd >= 0 && (e->to = fdopen(fd, "w")))
		return 0;
	err_set(err, ERR_USAGE, "cannot write beside %s: %s", e->path, strerror(errno));
	free(e->part);
	e->part = NULL;
	e->to = stdout;
	return -1;
}

/* 0600 as mkostemp made it: it holds what the store has sealed. */
static int
output_close(struct exporting *e, int rc, struct err *err)
{
	bool good;

	if (!e->part)
		return rc; /* main sees to stdout */
	good = fflush(e->to) == 0 && fsync(fileno(e->to)) == 0;
	good = fclose(e->to) == 0 && good;
	if (rc == 0 && (!good || rename(e->part, e->path) != 0 || parent_sync(e->path) != 0))
		rc = err_set(err, ERR_HOST, "cannot write %s: %s", e->path, strerror(errno));
	if (rc != 0)
		unlink(e->part);
	return rc;
}

static int
model_need(struct exporting *e, struct err *err)
{
	if (e->as_csv || e->mask)
		e->model = mask_model(e->cli, e->access.host, e->cli->args[0], &e->merged);
	if (!e->as_csv && e->mask && !e->model)
		log_warn("no plugin describes model %s, so nothing says which of its fields are sensitive: all are "
		         "masked",
		         e->cli->args[0]);
	if (e->as_csv && !e->model)
		return err_set(err, ERR_USAGE,
		               "no plugin describes model %s, so nothing says which columns it has: name the "
		               "connection as it is in "
		               "the configuration, put its plugin back, or say --to jsonl",
		               e->cli->args[0]);
	return 0;
}

static int
export_do(struct exporting *e, struct err *err)
{
	int rc = access_open(&e->access, e->cli, false, err);

	if (rc == 0)
		rc = model_need(e, err);
	if (rc == 0)
		rc = output_open(e, err);
	if (rc != 0)
		return rc;
	if (e->as_csv) {
		csv_init(&e->csv, e->model, e->mask);
		csv_head(&e->csv, &e->line);
		line_write(e);
	}
	return output_close(e, pages_write(e, err), err);
}

static int
command_export_run(struct cli *c)
{
	const char *to = cli_value(c, "--to"), *cursor = cli_value(c, "--cursor");
	struct exporting e = {.cli = c, .as_csv = to && strcmp(to, "csv") == 0, .mask = cli_has(c, "--mask")};
	char number[32];
	struct err err;
	int rc = 0;

	if (!to || (!e.as_csv && strcmp(to, "jsonl") != 0))
		rc = err_set(&err, ERR_USAGE, "say --to jsonl or --to csv");
	snprintf(e.cursor, sizeof e.cursor, "%s", cursor ? cursor : "");
	if (rc == 0)
		rc = export_do(&e, &err);
	access_close(&e.access);
	mask_end(&e.merged);
	csv_finish(&e.csv);
	if (rc == 0 && !ferror(stdout) && fflush(stdout) == 0) /* no count of what nobody got */
		fprintf(stderr, "%s records%s%s; what changes from now on: --cursor %s\n", number_text(e.n, number),
		        e.path ? " in " : "", e.path ? e.path : "", e.cursor);
	buf_free(&e.line);
	free(e.part);
	free(e.path);
	return rc == 0 ? 0 : cli_fail(c, &err);
}

const struct command command_export = {
        .name = "export",
        .usage = "MODEL --to jsonl|csv [--output FILE] [--cursor C] [--deleted] [--mask]",
        .summary = "Writes the records of a model for other programs",
        .help = "Sensitive fields are written too, unless --mask. A record that changes meanwhile may come twice: the "
                "higher "
                "sequence is the later.",
        .flags = flags,
        .args_min = 1,
        .args_max = 1,
        .run = command_export_run,
};
