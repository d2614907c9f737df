/* action.c - `sluice action`: a connector's action now, in a worker of its own, and its answer on stdout.
 *
 * Input and answer are checked against what the connector declares. The answer alone goes to stdout, so that it can be
 * piped on; what went wrong goes to stderr. An action writes at the provider: it is never tried again by itself.
 *
 * Awkward: beside a host that has the store the action runs here all the same, and then sees no synced records. */
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "cli/jobs.h"
#include "config/value.h"
#include "serve/local.h"
#include "wire/message.h"

#define INPUT_MAX (4u << 20) /* bytes */

static const struct cli_flag flags[] = {
	{"--connection-id", "C", "of this connection"},
	{"--integration", "I", "of this integration; needed when several connections have the name"},
	{"--input", "JSON", "its input: a JSON object, @FILE, or - for stdin; without it {}"},
	{"--timeout", "D", "at most so long, like 30s; without it what the connector declares"},
	{NULL, NULL, NULL},
};

static int
input_take(const char *text, struct buf *out, struct err *err)
{
	char block[4096];
	size_t n;

	if (*text == '@')
		return file_read(text + 1, INPUT_MAX, out, err);
	if (strcmp(text, "-") != 0) {
		buf_puts(out, text);
		return 0;
	}
	while (out->len <= INPUT_MAX && (n = fread(block, 1, sizeof block, stdin)) > 0)
		buf_put(out, block, n);
	return out->len <= INPUT_MAX ? 0 : err_set(err, ERR_USAGE, "the input on stdin is over 4 MiB");
}

static int
input_read(const struct cli *c, struct buf *out, struct err *err)
{
	const char *text = cli_value(c, "--input");
	struct json_fault fault = {0};

	if (input_take(text ? text : "{}", out, err) != 0)
		return err_prefix(err, "--input");
	if (!json_check(buf_view(out), JSON_DEPTH_MAX, &fault))
		return err_set(err, ERR_USAGE, "--input is no JSON: %s at byte %zu", fault.what, fault.at);
	return json_type(json_trim(buf_view(out))) == JSON_OBJECT
	               ? 0
	               : err_set(err, ERR_USAGE, "--input is no JSON object; say for example --input '{\"id\":\"42\"}'");
}

static int
action_unknown(const struct manifest *m, const char *name, struct err *err)
{
	const char **names = xcalloc(m->n_actions + 1, sizeof *names);
	struct buf all = {0};
	const char *near;

	for (size_t i = 0; i < m->n_actions; i++) {
		names[i] = m->actions[i].name;
		buf_printf(&all, "%s%s", i ? ", " : "; it has ", names[i]);
	}
	near = nearest(name, names);
	if (near)
		err_set(err, ERR_USAGE, "connector '%s' has no action '%s'; did you mean '%s'?", m->name, name, near);
	else
		err_set(err, ERR_USAGE, "connector '%s' has no action '%s'%s", m->name, name, buf_str(&all));
	free(names);
	buf_free(&all);
	return -1;
}

static void
ended(struct jobs *jobs, struct job *j, const struct run_result *r)
{
	struct buf text = {0};
	struct err err = r->err;

	(void)j;
	if (err.cls != ERR_NONE) {
		cli_fail(jobs->cli, &err);
		return;
	}
	buf_slice(&text, r->reply.len ? json_trim(r->reply) : SLICE("null"));
	log_blank(&text);
	print_object(jobs->cli, buf_view(&text));
	buf_free(&text);
}

static int
action_start(struct cli *c, struct host *h, struct slice input, struct err *err)
{
	struct jobs jobs = {.cli = c, .host = h, .max = 1, .ended = ended};
	const struct connection_settings *k = pick_connection(c, err);
	const struct manifest *m = k ? host_manifest(h, k->integration->plugin, err) : NULL;
	const char *timeout = cli_value(c, "--timeout");
	struct pick one = {k, m, NULL};
	struct picks picks = {.list = &one, .n = 1};

	if (!m)
		return -1;
	if (!manifest_action(m, c->args[0]))
		return action_unknown(m, c->args[0], err);
	if (timeout && (!duration_parse(slice_str(timeout), &jobs.request.timeout_ms) || jobs.request.timeout_ms <= 0))
		return err_set(err, ERR_USAGE, "--timeout %s: that is no duration; say for example 30s or 5m", timeout);
	jobs.request.what = STEP_ACTION;
	jobs.request.name = c->args[0];
	jobs.request.input = input;
	return jobs_run(&jobs, &picks);
}

static int
command_action_run(struct cli *c)
{
	struct buf input = {0};
	struct local *local = NULL;
	struct access a;
	struct err err;
	int code = -1;

	if (input_read(c, &input, &err) != 0 || access_open(&a, c, false, &err) != 0) {
		buf_free(&input);
		return cli_fail(c, &err);
	}
	if (host_store(a.host))
		local = local_open(&c->loop, a.host, &err);
	code = action_start(c, a.host, buf_view(&input), &err);
	if (code < 0)
		code = cli_fail(c, &err);
	local_close(local);
	access_close(&a);
	buf_free(&input);
	return code;
}

const struct command command_action = {
	.name = "action",
	.usage = "NAME --connection-id C [--input JSON|@FILE|-] [--timeout D]",
	.summary = "Runs an action of a connector now, and prints its answer",
	.help = "Input and answer are checked against what the connector declares (`sluice describe`). It is never tried\n"
                "again by itself. Beside a running host it sees no synced records.",
	.flags = flags,
	.args_min = 1,
	.args_max = 1,
	.run = command_action_run,
};
