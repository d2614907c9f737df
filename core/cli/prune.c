/* prune.c - `sluice prune`: old tombstones, runs, logs and settled letters go, in steps of one bounded transaction each, so that a run
 * beside it goes on; killed in the middle, what is gone is gone and the rest is there. */
#include <inttypes.h>
#include <stdlib.h>
#include "base/mem.h"
#include "cli/cli.h"

static const struct cli_flag flags[] = {
        {"--deleted-after", "D", "tombstones of records that were deleted longer ago, like '90 days'"},
        {"--runs-after", "D", "runs that ended longer ago, with their logs; the newest run stays"},
        {"--logs-after", "D", "logs of runs that ended longer ago; the runs stay"},
        {"--letters-after", "D", "dead letters that were settled longer ago"},
        {"--dry-run", NULL, "count only"},
        {NULL, NULL, NULL},
};

/* In this order; the lines that --logs-after removes are not counted again with their runs. */
enum { DELETED, LOGS, RUNS, LETTERS, WHATS };
static const struct {
	const char *flag, *what;
} whats[WHATS] = {
        [DELETED] = {"--deleted-after", "deleted"},
        [LOGS] = {"--logs-after", "logs"},
        [RUNS] = {"--runs-after", "runs"},
        [LETTERS] = {"--letters-after", "letters"},
};

struct pruning {
	struct cli *cli;
	struct access access;
	int64_t before_us[WHATS]; /* 0: not asked for */
	bool dry;
	uint64_t tombstones, runs, lines, letters;
};

static void
question_write(const struct pruning *p, int what, const char *cursor, struct buf *out)
{
	struct json_out o = json_out(out);

	json_open(&o, '{');
	json_kv_str(&o, "query", "prune");
	json_kv_str(&o, "what", whats[what].what);
	json_kv_int(&o, "before_us", p->before_us[what]);
	json_kv_int(&o, "logs_before_us", p->before_us[LOGS]);
	json_kv_bool(&o, "dry", p->dry);
	if (cursor)
		json_kv_str(&o, "cursor", cursor);
	json_close(&o, '}');
}

static int
what_prune(struct pruning *p, int what, struct err *err)
{
	struct buf question = {0}, end = {0};
	char *cursor = NULL;
	bool more = true;
	int rc = 0;

	while (rc == 0 && more) {
		buf_clear(&question);
		question_write(p, what, cursor, &question);
		rc = access_ask(&p->access, buf_view(&question), row_none, NULL, &end, err);
		if (rc != 0)
			break;
		p->tombstones += (uint64_t)member_int(buf_view(&end), "tombstones", 0);
		p->runs += (uint64_t)member_int(buf_view(&end), "runs", 0);
		p->lines += (uint64_t)member_int(buf_view(&end), "lines", 0);
		p->letters += (uint64_t)member_int(buf_view(&end), "letters", 0);
		more = member_bool(buf_view(&end), "more", false);
		free(cursor);
		cursor = member_text(buf_view(&end), "cursor");
	}
	free(cursor);
	buf_free(&question);
	buf_free(&end);
	return rc;
}

static int
flags_take(struct pruning *p, struct err *err)
{
	int64_t now = clock_wall_us(&clock_system), ms;
	bool any = false;

	for (int i = 0; i < WHATS; i++) {
		const char *text = cli_value(p->cli, whats[i].flag);
		if (!text)
			continue;
		if (!duration_parse(slice_str(text), &ms) || ms > now / 1000)
			return err_set(err, ERR_USAGE, "%s '%s' is no duration; say for example '90 days'",
			               whats[i].flag, text);
		p->before_us[i] = now - ms * 1000;
		any = true;
	}
	return any ? 0
	           : err_set(err, ERR_USAGE,
	                     "say what is to go: --deleted-after, --runs-after, --logs-after, --letters-after, or several");
}

static void
pruning_tell(struct pruning *p)
{
	struct buf line = {0};
	struct json_out o = json_out(&line);
	char a[32], b[32], c[32], d[32];

	if (p->cli->format == FORMAT_TEXT) {
		printf("%s %s tombstones, %s runs, %s log lines", p->dry ? "would remove" : "removed",
		       number_text(p->tombstones, a), number_text(p->runs, b), number_text(p->lines, c));
		if (p->before_us[LETTERS])
			printf(", %s settled dead letters", number_text(p->letters, d));
		putchar('\n');
		return;
	}
	json_open(&o, '{');
	json_kv_bool(&o, "dry_run", p->dry);
	json_kv_int(&o, "tombstones", (int64_t)p->tombstones);
	json_kv_int(&o, "runs", (int64_t)p->runs);
	json_kv_int(&o, "log_lines", (int64_t)p->lines);
	json_kv_int(&o, "letters", (int64_t)p->letters);
	json_close(&o, '}');
	print_object(p->cli, buf_view(&line));
	buf_free(&line);
}

static int
command_prune_run(struct cli *c)
{
	struct pruning p = {.cli = c, .dry = cli_has(c, "--dry-run")};
	struct err err;
	int rc = flags_take(&p, &err);

	if (rc == 0)
		rc = access_open(&p.access, c, false, &err);
	for (int i = 0; i < WHATS && rc == 0; i++)
		if (p.before_us[i])
			rc = what_prune(&p, i, &err);
	access_close(&p.access);
	if (rc == 0 || p.tombstones || p.runs || p.lines || p.letters)
		pruning_tell(&p);
	return rc == 0 ? 0 : cli_fail(c, &err);
}

const struct command command_prune = {
        .name = "prune",
        .usage = "[--deleted-after D] [--runs-after D] [--logs-after D] [--letters-after D] [--dry-run]",
        .summary = "Removes old tombstones, runs, logs and settled dead letters",
        .help = "A change-feed cursor from before a removed tombstone is refused afterwards (cursor_expired): its "
                "reader "
                "begins again. The newest run stays, and each that is under way or interrupted. The file keeps its size and uses the room again; a backup is smaller.",
        .flags = flags,
        .run = command_prune_run,
};
