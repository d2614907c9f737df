/* main.c - sluice: one command, verbs in a table. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>
#include "base/log.h"
#include "base/mem.h"
#include "cli/cli.h"

#define REAPED_MS 1000

static void
log_begin(const struct cli *c, const char *level_name, const char *format_name)
{
	enum log_level level = LOG_INFO;
	enum log_format format = LOG_AUTO;

	(void)c;
	if (level_name)
		log_level_find(slice_str(level_name), &level);
	if (format_name)
		format = *format_name == 'j' ? LOG_JSON : *format_name == 't' ? LOG_TEXT : LOG_AUTO;
	log_setup(2, level, format);
}

static int
settings_begin(struct cli *c, struct err *err)
{
	const struct settings_source from = {.conf = c->conf,
	                                     .set = (const char *const *)c->set,
	                                     .no_search = c->command->alone && c->command->alone(c)};
	enum log_level level;

	if (c->log_level && !log_level_find(slice_str(c->log_level), &level))
		return err_set(err, ERR_USAGE, "--log-level %s: say debug, info, warn or error", c->log_level);
	if (c->command->bare)
		return 0;
	c->loading = true;
	c->settings = settings_load(&from, err);
	if (!c->settings)
		return -1;
	log_begin(c, c->log_level ? c->log_level : c->settings->host.log_level,
	          c->log_format ? c->log_format : c->settings->host.log_format);
	return 0;
}

/* What settings_load found it has logged, every one of it. */
static int
settings_fail(struct cli *c, const struct err *err)
{
	return c->loading ? err_exit_code(err->cls) : cli_fail(c, err);
}

/* What was written is written, or the exit code says that it is not. Of one failed write only errno of the last is left. */
static int
output_end(int code)
{
	bool lost = ferror(stdout) != 0;

	errno = 0;
	lost |= fflush(stdout) != 0;
	lost |= fclose(stdout) != 0 && errno != EBADF; /* nobody gave us one, and nothing was to be said */
	if (!lost)
		return code;
	fprintf(stderr, "sluice: what was to be shown could not be written to stdout%s%s: the output is not whole\n",
	        errno ? ": " : "", errno ? strerror(errno) : "");
	return exit_worst(code, err_exit_code(ERR_HOST));
}

/* What assert does, and libraries that find no memory (libuv, glib): the end that die() makes, unless a core is wanted. */
static void
on_abort(int number)
{
	struct rlimit core;

	if (getrlimit(RLIMIT_CORE, &core) != 0 || core.rlim_cur == 0)
		die("a check failed, or a library found no memory; what was committed is safe");
	signal(number, SIG_DFL);
	raise(number);
}

/* A worker that was killed at the very end is still to be reaped; what is left after that has no claim to be waited for. */
static void
loop_end(uv_loop_t *loop)
{
	for (int ms = 0; ms < REAPED_MS && uv_loop_alive(loop); ms++) {
		uv_run(loop, UV_RUN_NOWAIT);
		if (uv_loop_alive(loop))
			usleep(1000);
	}
	uv_loop_close(loop);
}

int
main(int argc, char **argv)
{
	struct cli c = {0};
	struct err err = {0};
	int code;

	signal(SIGPIPE, SIG_IGN); /* a reader of ours that goes away is a failed write */
	signal(SIGABRT, on_abort);
	signal(SIGTRAP, on_abort);
	log_begin(&c, NULL, NULL);
	code = uv_loop_init(&c.loop);
	if (code)
		die("the event loop cannot be made: %s", uv_strerror(code));
	code = cli_parse(&c, argc, argv, &err);
	if (code == 0) {
		log_begin(&c, c.log_level, c.log_format);
		code = settings_begin(&c, &err) == 0 ? c.command->run(&c) : settings_fail(&c, &err);
	} else {
		code = code > 0 ? 0 : cli_fail(&c, &err);
	}
	settings_free(c.settings);
	log_secrets_forget();
	loop_end(&c.loop);
	free(c.given);
	free(c.args);
	for (size_t i = 0; i < c.n_set; i++)
		free(c.set[i]);
	free(c.set);
	free(c.env_conf);
	return output_end(code);
}
