/* logs.c - `sluice logs`: what the runs had to say, out of the store; with -f also what they say from now on.
 *
 * Runs are asked for first, then the lines of each behind the last one seen; while following, that is done again and
 * again, with the store free for others in between. Awkward: a run's record says that it has ended a moment before its
 * last lines are there, so an ended run is looked at a few times more. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/mem.h"
#include "cli/cli.h"

#define RUNS_USUAL 10
#define RUNS_MAX 200 /* looked at in one round of following */
#define LINES 1000
#define FOLLOW_MS 300
#define QUIET_ROUNDS 10

static const struct cli_flag flags[] = {
        {"-f", NULL, "wait for more, until interrupted"},
        {"--connection-id", "C", "only of this connection"},
        {"--integration", "I", "only of this integration"},
        {"--sync", "S", "only of this sync"},
        {"--run", "R", "only of this run"},
        {"--level", "LEVEL", "only lines of this level and above: debug, info, warn or error"},
        {"--since", "WHEN", "only lines since then: 2h, 2026-11-23, 2026-11-23T08:00:00Z"},
        {"--limit", "N", "of the last N runs; 0: all; usually 10, with --since all"},
        {NULL, NULL, NULL},
};

struct told {
	uint64_t run, after;
	unsigned quiet;
	bool ended;
	char *connection, *integration, *sync;
};

struct logs {
	struct cli *cli;
	struct access access;
	enum log_level level;
	int64_t since_us;     /* lines before are not shown; 0: all are */
	uint64_t limit, only; /* runs; only: the one run, 0: any */
	uint64_t floor;       /* of the runs below this one no more is asked */
	struct told *list;    /* ascending */
	size_t n, at;         /* at: the run whose lines come */
	bool any, following;
	uint64_t before; /* the next answer about runs: those older than this; 0: any */
	size_t found;    /* runs in this round */
};

static void
told_finish(struct told *t)
{
	free(t->connection);
	free(t->integration);
	free(t->sync);
}

static int
by_run(const void *a, const void *b)
{
	const struct told *x = a, *y = b;

	return x->run < y->run ? -1 : x->run > y->run;
}

static void
run_take(void *arg, struct slice row)
{
	struct logs *l = arg;
	uint64_t run = (uint64_t)member_int(row, "run", 0);
	bool ended = !json_string_is(member_raw(row, "status"), "running");

	l->found++;
	if (run < l->floor || (l->only && run != l->only))
		return;
	for (size_t i = 0; i < l->n; i++)
		if (l->list[i].run == run) {
			l->list[i].ended = ended;
			return;
		}
	l->list = xrealloc(l->list, (l->n + 1) * sizeof *l->list);
	l->list[l->n++] = (struct told){.run = run,
	                                .ended = ended,
	                                .connection = member_text(row, "connection"),
	                                .integration = member_text(row, "integration"),
	                                .sync = member_text(row, "sync")};
}

static void
line_print(const struct logs *l, struct slice row)
{
	const struct told *t = &l->list[l->at];
	char *ts = member_text(row, "ts"), *level = member_text(row, "level"), *msg = member_text(row, "msg"),
	     time[TIME_TEXT_MAX];

	printf("%s  %-5s  run %llu %s : %s : %s  %s\n", time_short(ts, time), level ? level : "-",
	       (unsigned long long)t->run, t->connection, t->integration, t->sync, msg ? msg : "");
	free(ts);
	free(level);
	free(msg);
}

static bool
before_since(const struct logs *l, struct slice row)
{
	char *ts = l->since_us ? member_text(row, "ts") : NULL;
	int64_t us;
	bool before = ts && time_parse(slice_str(ts), &us) && us < l->since_us;

	free(ts);
	return before;
}

static void
line_take(void *arg, struct slice row)
{
	struct logs *l = arg;
	const struct told *t = &l->list[l->at];
	char *name = member_text(row, "level");
	enum log_level level = LOG_INFO;
	struct buf names = {0}, whole = {0};
	struct json_out o = json_out(&names);

	if (name)
		log_level_find(slice_str(name), &level);
	free(name);
	l->any = true;
	if (level < l->level || before_since(l, row))
		return;
	if (l->cli->format == FORMAT_TEXT) {
		line_print(l, row);
		return;
	}
	json_open(&o, '{');
	json_kv_int(&o, "run", (int64_t)t->run);
	json_kv_str(&o, "connection", t->connection);
	json_kv_str(&o, "integration", t->integration);
	json_kv_str(&o, "sync", t->sync);
	json_close(&o, '}');
	json_merge_top(&whole, buf_view(&names), row);
	print_row(l->cli, buf_view(&whole));
	buf_free(&names);
	buf_free(&whole);
}

static int
runs_ask(struct logs *l, struct err *err)
{
	static const struct {
		const char *flag, *member;
	} filters[] = {{"--connection-id", "connection"}, {"--integration", "integration"}, {"--sync", "sync"}};
	struct buf question = {0}, end = {0};
	struct json_out o = json_out(&question);
	int rc;

	json_open(&o, '{');
	json_kv_str(&o, "query", "history");
	for (size_t i = 0; i < LENGTH(filters); i++)
		if (cli_value(l->cli, filters[i].flag))
			json_kv_str(&o, filters[i].member, cli_value(l->cli, filters[i].flag));
	json_kv_int(&o, "before", (int64_t)l->before);
	json_kv_int(&o, "limit", (int64_t)(l->limit - l->found));
	json_close(&o, '}');
	rc = access_ask(&l->access, buf_view(&question), run_take, l, &end, err);
	l->before = rc == 0 && member_bool(buf_view(&end), "more", false)
	                    ? (uint64_t)member_int(buf_view(&end), "before", 0)
	                    : 0;
	buf_free(&question);
	buf_free(&end);
	return rc;
}

static int
lines_ask(struct logs *l, struct told *t, struct err *err)
{
	struct buf question = {0}, end = {0};
	bool more = true;
	int rc = 0;

	l->any = false;
	while (rc == 0 && more) {
		struct json_out o;
		buf_clear(&question);
		o = json_out(&question);
		json_open(&o, '{');
		json_kv_str(&o, "query", "log");
		json_kv_int(&o, "run", (int64_t)t->run);
		json_kv_int(&o, "after", (int64_t)t->after);
		json_kv_int(&o, "limit", LINES);
		json_close(&o, '}');
		rc = access_ask(&l->access, buf_view(&question), line_take, l, &end, err);
		if (rc == 0)
			t->after = (uint64_t)member_int(buf_view(&end), "after", (int64_t)t->after);
		more = rc == 0 && member_bool(buf_view(&end), "more", false);
	}
	t->quiet = t->ended && !l->any ? t->quiet + 1 : 0;
	buf_free(&question);
	buf_free(&end);
	return rc;
}

/* One look at everything. */
static int
logs_round(struct logs *l, struct err *err)
{
	int rc = access_open(&l->access, l->cli, false, err);

	l->found = 0;
	l->before = l->only ? l->only + 1 : 0;
	if (rc == 0)
		rc = runs_ask(l, err);
	while (rc == 0 && l->before && l->found < l->limit && !l->following) /* one answer looks at a bounded number */
		rc = runs_ask(l, err);
	if (l->n)
		qsort(l->list, l->n, sizeof *l->list, by_run);
	if (rc == 0 && l->only && l->n == 0)
		rc = err_set(err, ERR_USAGE, "there is no run %llu in the history%s", (unsigned long long)l->only,
		             cli_value(l->cli, "--sync") || cli_value(l->cli, "--connection-id") ||
		                             cli_value(l->cli, "--integration")
		                     ? " that fits"
		                     : "");
	for (l->at = 0; rc == 0 && l->at < l->n; l->at++)
		if (l->list[l->at].quiet < QUIET_ROUNDS)
			rc = lines_ask(l, &l->list[l->at], err);
	access_close(&l->access);
	fflush(stdout);
	return rc;
}

/* Runs that began before those shown first stay out, and those that were over long ago are forgotten. */
static void
logs_follow(struct logs *l)
{
	size_t over = 0;

	while (l->n - over > RUNS_MAX && l->list[over].quiet >= QUIET_ROUNDS)
		told_finish(&l->list[over++]);
	l->n -= over;
	if (over)
		memmove(l->list, l->list + over, l->n * sizeof *l->list);
	l->floor = l->n ? l->list[l->n - 1].run + 1 : 0;
	for (size_t i = l->n; i-- > 0;)
		if (l->list[i].quiet < QUIET_ROUNDS)
			l->floor = l->list[i].run;
	l->following = true;
	l->limit = RUNS_MAX;
	usleep(FOLLOW_MS * 1000);
}

static int
logs_begin(struct logs *l, bool follow, struct err *err)
{
	const char *level = cli_value(l->cli, "--level");

	if (cli_since(l->cli, "--since", &l->since_us, err) != 0 ||
	    cli_number(l->cli, "--limit", l->since_us ? 0 : RUNS_USUAL, &l->limit, err) != 0 ||
	    cli_number(l->cli, "--run", 0, &l->only, err) != 0)
		return -1;
	if (l->only)
		l->limit = 1;
	else if (l->limit == 0)
		l->limit = UINT32_MAX;
	if (level && !log_level_find(slice_str(level), &l->level))
		return err_set(err, ERR_USAGE, "--level %s: say debug, info, warn or error", level);
	if (l->cli->n_args)
		return err_set(err, ERR_USAGE, "usage: sluice logs %s", l->cli->command->usage);
	if (follow && l->cli->format == FORMAT_JSON)
		l->cli->format = FORMAT_JSONL; /* an array that never closes is no JSON */
	return 0;
}

static int
command_logs_run(struct cli *c)
{
	struct logs l = {.cli = c, .level = LOG_DEBUG};
	bool follow = cli_has(c, "-f");
	struct err err = {0};
	int rc = logs_begin(&l, follow, &err);

	if (rc == 0)
		rc = logs_round(&l, &err);
	while (rc == 0 && follow && !ferror(stdout)) {
		logs_follow(&l);
		rc = logs_round(&l, &err);
	}
	if (rc == 0 && c->format != FORMAT_TEXT)
		print_end(c);
	for (size_t i = 0; i < l.n; i++)
		told_finish(&l.list[i]);
	free(l.list);
	return rc == 0 ? 0 : cli_fail(c, &err);
}

const struct command command_logs = {
        .name = "logs",
        .usage = "[-f] [--sync S] [--run R] [--level LEVEL] [--since WHEN] [--connection-id C] [--integration I] [--limit N]",
        .summary = "Shows what runs logged; with -f as they do",
        .help = "Of each run 10 000 lines are kept at most: its begin and end, warnings, the first rejected records, "
                "and what\n"
                "its connector logs at level info and above; at debug only where [host] log_level is debug.",
        .flags = flags,
        .run = command_logs_run,
};
