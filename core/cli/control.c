/* control.c - `start`, `pause`, `trigger`, `cancel`, `reload`: one question each, to whoever has the store open, or to the
 * store itself. */
#include <stdlib.h>
#include "base/mem.h"
#include "cli/cli.h"
#include "schedule/schedule.h"

#define WHICH                                                   \
	{"--sync", "S", "only the sync of this name"},            \
	{"--connection-id", "C", "only this connection"},         \
	{"--integration", "I", "only connections of this integration"}

static const struct cli_flag flags[] = {WHICH, {NULL, NULL, NULL}};
static const struct cli_flag trigger_flags[] = {
	WHICH,
	{"--full-refresh", NULL, "forget checkpoints and positions, list everything again; records are kept"},
	{"--reset", NULL, "the same, and what is not listed again is deleted, or held back when it is much"},
	{NULL, NULL, NULL},
};

struct control {
	struct cli *cli;
	const char *done; /* "paused" */
};

/* What `start` cannot do: people would wait for it. */
static const char *
idle_words(struct slice row)
{
	struct slice idle = member_raw(row, "idle");

	if (json_string_is(idle, schedule_state_names[SCHEDULE_INACTIVE]))
		return ", but its connection is switched off: `sluice connections enable`";
	if (json_string_is(idle, schedule_state_names[SCHEDULE_MANUAL]))
		return ", but it only begins when it is asked for (`sluice trigger`): so says auto_sync, or its connector";
	return "";
}

static void
control_row(void *arg, struct slice row)
{
	const struct control *k = arg;
	char *connection, *integration, *sync;

	if (k->cli->format != FORMAT_TEXT) {
		print_row(k->cli, row);
		return;
	}
	connection = member_text(row, "connection");
	integration = member_text(row, "integration");
	sync = member_text(row, "sync");
	printf("%s : %s : %s  %s%s\n", connection, integration, sync, k->done, idle_words(row));
	free(connection);
	free(integration);
	free(sync);
}

static void
question_write(const struct cli *c, const char *query, struct buf *out)
{
	struct json_out o = json_out(out);
	char who[64];

	person_name(who);
	json_open(&o, '{');
	json_kv_str(&o, "query", query);
	if (cli_value(c, "--connection-id"))
		json_kv_str(&o, "connection", cli_value(c, "--connection-id"));
	if (cli_value(c, "--integration"))
		json_kv_str(&o, "integration", cli_value(c, "--integration"));
	if (cli_value(c, "--sync"))
		json_kv_str(&o, "sync", cli_value(c, "--sync"));
	if (cli_has(c, "--full-refresh"))
		json_kv_bool(&o, "full_refresh", true);
	if (cli_has(c, "--reset"))
		json_kv_bool(&o, "reset", true);
	json_kv_str(&o, "who", who);
	json_close(&o, '}');
}

static int
question_ask(struct control *k, const char *query, void (*row)(void *arg, struct slice row))
{
	struct buf question = {0}, end = {0};
	struct access a;
	struct err err;
	int rc;

	if (access_open(&a, k->cli, true, &err) != 0)
		return cli_fail(k->cli, &err);
	question_write(k->cli, query, &question);
	rc = access_ask(&a, buf_view(&question), row, k, &end, &err);
	if (rc == 0 && k->cli->format != FORMAT_TEXT)
		print_end(k->cli);
	buf_free(&question);
	buf_free(&end);
	access_close(&a);
	return rc == 0 ? 0 : cli_fail(k->cli, &err);
}

static bool
named(struct cli *c, int *code)
{
	struct err err;

	if (cli_value(c, "--connection-id") || cli_value(c, "--integration") || cli_value(c, "--sync"))
		return true;
	err_set(&err, ERR_USAGE, "%s what? Say --connection-id C, --integration I or --sync S", c->command->name);
	*code = cli_fail(c, &err);
	return false;
}

static int
start_run(struct cli *c)
{
	struct control k = {c, "started"};
	int code;

	return named(c, &code) ? question_ask(&k, "start", control_row) : code;
}

static int
pause_run(struct cli *c)
{
	struct control k = {c, "paused"};
	int code;

	return named(c, &code) ? question_ask(&k, "pause", control_row) : code;
}

static int
trigger_run(struct cli *c)
{
	struct control k = {c, "triggered"};
	int code;

	return named(c, &code) ? question_ask(&k, "trigger", control_row) : code;
}

static int
cancel_run(struct cli *c)
{
	struct control k = {c, "cancelled"};
	int code;

	if (!named(c, &code))
		return code;
	code = question_ask(&k, "cancel", control_row);
	if (code == 0 && c->format == FORMAT_TEXT)
		puts("cancelled: it ends after its step");
	return code;
}

static void
reload_row(void *arg, struct slice row)
{
	const struct control *k = arg;
	char *line;

	if (k->cli->format != FORMAT_TEXT) {
		print_row(k->cli, row);
		return;
	}
	line = member_text(row, "changed");
	puts(line);
	free(line);
}

static int
reload_run(struct cli *c)
{
	struct control k = {c, "reloaded"};
	int code = question_ask(&k, "reload", reload_row);

	if (code == 0 && c->format == FORMAT_TEXT)
		puts("the configuration is in force");
	return code;
}

#define WHICH_USAGE "[--connection-id C] [--integration I] [--sync S]"

const struct command command_start = {
	.name = "start",
	.usage = WHICH_USAGE,
	.summary = "Syncs begin by their schedule (again): after `pause`, or where auto_start = no",
	.help = "Also lifts the wait after failures, and attention after refused credentials. Without a running host it is "
                "written into the\n"
                "store, and holds from the next start on.",
	.flags = flags,
	.run = start_run,
};

const struct command command_pause = {
	.name = "pause",
	.usage = WHICH_USAGE,
	.summary = "Syncs begin no more by themselves, until `start`; what is under way goes on",
	.flags = flags,
	.run = pause_run,
};

const struct command command_trigger = {
	.name = "trigger",
	.usage = WHICH_USAGE " [--full-refresh] [--reset]",
	.summary = "Asks the running host for a run as soon as may be, and does not wait for it",
	.help = "`sluice run` asks the same and waits. A request outlives a restart of the host.",
	.flags = trigger_flags,
	.run = trigger_run,
};

const struct command command_cancel = {
	.name = "cancel",
	.usage = WHICH_USAGE,
	.summary = "Ends runs after their step, and forgets those that were asked for",
	.help = "What was saved is kept; the next run, at its next due time, goes on from there.",
	.flags = flags,
	.run = cancel_run,
};

const struct command command_reload = {
	.name = "reload",
	.usage = "",
	.summary = "The running host reads its configuration anew, all of it or nothing",
	.run = reload_run,
};
