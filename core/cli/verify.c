/* verify.c - `sluice verify`: every invariant of the store, checked over all of it, also while a run commits. */
#include <stdlib.h>
#include "base/mem.h"
#include "cli/cli.h"

struct sums {
	uint64_t datasets, live, deleted;
};

struct report {
	struct cli *cli;
	struct buf faults; /* JSON strings, a comma between them */
	size_t shown;
};

static void
fault_row(void *arg, struct slice row)
{
	struct report *r = arg;
	char *text = member_text(row, "fault");

	if (r->cli->format == FORMAT_TEXT)
		printf("%s\n", text ? text : "?");
	if (r->shown++)
		buf_putc(&r->faults, ',');
	json_quote(&r->faults, slice_str(text ? text : "?"));
	free(text);
}

static void
dataset_row(void *arg, struct slice row)
{
	struct sums *s = arg;

	s->datasets++;
	s->live += (uint64_t)member_int(row, "live", 0);
	s->deleted += (uint64_t)member_int(row, "deleted", 0);
}

static void
report_json(struct report *r, uint64_t faults, const struct sums *s)
{
	struct buf line = {0};
	struct json_out o = json_out(&line);

	json_open(&o, '{');
	json_kv_str(&o, "data_dir", r->cli->settings->host.data_dir);
	json_kv_bool(&o, "sound", faults == 0);
	json_kv_int(&o, "violations", (int64_t)faults);
	json_kv_int(&o, "datasets", (int64_t)s->datasets);
	json_kv_int(&o, "records", (int64_t)s->live);
	json_kv_int(&o, "deleted", (int64_t)s->deleted);
	json_key(&o, "faults");
	json_open(&o, '[');
	if (r->faults.len)
		json_put_raw(&o, buf_view(&r->faults));
	json_close(&o, ']');
	json_close(&o, '}');
	print_object(r->cli, buf_view(&line));
	buf_free(&line);
}

static void
report_text(struct report *r, uint64_t faults, const struct sums *s)
{
	const char *dir = r->cli->settings->host.data_dir;
	char a[32], b[32], c[32];

	if (faults > r->shown)
		printf("and %s more\n", number_text(faults - r->shown, a));
	if (faults)
		printf("%s: %s violations. Restore a backup (sluice restore), or sync again into an empty directory\n",
		       dir, number_text(faults, a));
	else
		printf("%s: sound; %s datasets, %s records, %s tombstones\n", dir, number_text(s->datasets, a),
		       number_text(s->live, b), number_text(s->deleted, c));
}

static int
command_verify_run(struct cli *c)
{
	struct report r = {.cli = c};
	const struct job_ask ask = {.query = "verify", .row = fault_row, .arg = &r};
	struct buf end = {0}, rest = {0};
	struct sums sums = {0};
	struct access a = {0};
	uint64_t faults = 0;
	struct err err;
	int rc = access_open(&a, c, false, &err);

	if (rc == 0)
		rc = job_wait(&a, &ask, &end, &err);
	if (rc == 0) {
		faults = (uint64_t)member_int(buf_view(&end), "faults", 0);
		rc = access_ask(&a, SLICE("{\"query\":\"datasets\"}"), dataset_row, &sums, &rest, &err);
	}
	access_close(&a);
	if (rc == 0 && c->format == FORMAT_TEXT)
		report_text(&r, faults, &sums);
	else if (rc == 0)
		report_json(&r, faults, &sums);
	buf_free(&r.faults);
	buf_free(&end);
	buf_free(&rest);
	return rc != 0 ? cli_fail(c, &err) : faults ? 1 : 0;
}

const struct command command_verify = {
        .name = "verify",
        .usage = "",
        .summary = "Checks every invariant of the store over all of it",
        .help = "Indexes against records against change feed, counts, seals, letters. Exit 1 when anything is wrong. "
                "Goes "
                "on beside a run.",
        .run = command_verify_run,
};
