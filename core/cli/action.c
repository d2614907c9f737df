/* action.c - `sluice action`: a connector's action now, in a worker of its own, and its answer on stdout.
 *
 * Input and answer are checked against what the connector declares. The answer alone goes to stdout, so that it can be
 * piped on; what went wrong goes to stderr. An action writes at the provider: it is tried again by itself
 * only when its connector calls it repeatable.
 *
 * Awkward: beside a host that has the store the action runs there, where it reads synced records and shares limits; the
 * questions carry a token, so that an answer that is lost does not have it carried out twice. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/mem.h"
#include "cli/cli.h"
#include "config/value.h"
#include "serve/local.h"

#define INPUT_MAX (4u << 20)   /* bytes */
#define REMOTE_MAX (900u << 10) /* of one question by sluice.sock */
#define PAUSE_MIN_US 5000
#define PAUSE_MAX_US 100000

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

/* ---- asking for it, and waiting ---- */

static void
answer_show(void *arg, struct slice reply)
{
	struct cli *c = arg;
	struct buf text = {0};

	buf_slice(&text, reply);
	log_blank(&text);
	print_object(c, buf_view(&text));
	buf_free(&text);
}

static void
question_write(struct buf *out, const char *token, const char *name, const struct connection_settings *k, struct slice input,
               int64_t timeout_ms, bool here)
{
	struct json_out o = json_out(out);

	json_open(&o, '{');
	json_kv_str(&o, "query", "action");
	json_kv_str(&o, "token", token);
	json_kv_bool(&o, "here", here);
	if (name) {
		json_kv_str(&o, "action", name);
		json_kv_str(&o, "connection", k->name);
		json_kv_str(&o, "integration", k->integration->name);
		json_kv_raw(&o, "input", input);
		json_kv_int(&o, "timeout_ms", timeout_ms);
	}
	json_close(&o, '}');
}

/* Asks until it is over. Here the loop is turned meanwhile, there it turns by itself. */
static int
action_wait(struct access *a, struct slice first, struct slice then, struct err *err)
{
	struct slice question = first;
	struct buf end = {0};
	unsigned pause_us = PAUSE_MIN_US;
	int rc;

	while ((rc = access_ask(a, question, answer_show, a->cli, &end, err)) == 0 &&
	       !member_bool(buf_view(&end), "done", false)) {
		question = then;
		if (!a->remote)
			uv_run(&a->cli->loop, UV_RUN_NOWAIT);
		usleep(pause_us);
		pause_us = a->remote && pause_us < PAUSE_MAX_US ? pause_us * 2 : pause_us;
	}
	buf_free(&end);
	return rc;
}

static int
action_run(struct access *a, struct slice input, struct err *err)
{
	struct cli *c = a->cli;
	const struct connection_settings *k = pick_connection(c, err);
	const struct manifest *m = k ? host_manifest_of(a->host, k, err) : NULL;
	struct buf first = {0}, then = {0};
	int64_t timeout_ms;
	char token[64];
	int rc;

	if (!m)
		return -1;
	if (!manifest_action(m, c->args[0]))
		return action_unknown(m, c->args[0], err);
	if (cli_timeout(c, &timeout_ms, err) != 0)
		return -1;
	if (a->remote && input.len > REMOTE_MAX)
		return err_set(err, ERR_USAGE, "--input is over 900 KiB: beside a running host less is taken");
	snprintf(token, sizeof token, "%ld.%lld", (long)getpid(), (long long)clock_wall_us(&clock_system));
	question_write(&first, token, c->args[0], k, input, timeout_ms, !a->remote);
	question_write(&then, token, NULL, NULL, SLICE(""), 0, !a->remote);
	rc = action_wait(a, buf_view(&first), buf_view(&then), err);
	buf_wipe(&first);
	buf_free(&then);
	return rc;
}

static int
command_action_run(struct cli *c)
{
	struct buf input = {0};
	struct local *local = NULL;
	struct access a;
	struct err err;
	int code = 0;

	if (input_read(c, &input, &err) != 0 || access_open(&a, c, false, &err) != 0) {
		buf_free(&input);
		return cli_fail(c, &err);
	}
	a.noted = true; /* an action needs no store */
	if (host_store(a.host))
		local = local_open(&c->loop, a.host, &err);
	if (action_run(&a, buf_view(&input), &err) != 0)
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
	.help = "Input and answer are checked against what the connector declares (`sluice describe`). It is tried again\n"
                "by itself only where the connector calls it repeatable. Beside a running host that host runs it.",
	.flags = flags,
	.args_min = 1,
	.args_max = 1,
	.run = command_action_run,
};
