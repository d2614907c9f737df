/* flags.c - the command line: global flags, a command, its own flags and arguments, in any order; and --help, made of
 * the same tables.
 *
 * Both `--name value` and `--name=value` are taken. What is unknown is an error with the nearest name. */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/mem.h"
#include "cli/cli.h"

static const struct cli_flag globals[] = {
	{"--conf", "PATH", "a file, or a directory with sluice.ini and conf.d/"},
	{"--env", "NAME", "conf/NAME or conf/NAME.ini, below the current directory"},
	{"--set", "KEY=VALUE", "a key of [host], before environment and files; may be repeated"},
	{"--data-dir", "DIR", "the same as --set data_dir=DIR"},
	{"--plugin-dir", "DIR", "the same as --set plugin_dir=DIR"},
	{"--format", "FORMAT", "text, json (one array or object) or jsonl (one object a line)"},
	{"--log-level", "LEVEL", "debug, info, warn or error"},
	{"--log-format", "FORMAT", "text or json; logs go to stderr"},
	{"--help", NULL, "this"},
	{"--version", NULL, "the version"},
	{NULL, NULL, NULL},
};

const struct exit_word exit_words[] = {
	{"0", "all well"},
	{"1", "finished, but something failed, was rejected or is held back"},
	{"2", "usage or configuration: do not try again"},
	{"3", "credentials refused"},
	{"4", "already running"},
	{"70", "out of memory or broken invariant"},
	{"75", "temporary: try later"},
	{"130, 143", "stopped by a signal, state saved"},
	{NULL, NULL},
};

const struct cli_flag *
cli_globals(void)
{
	return globals;
}

static const struct command *
command_find(const char *name)
{
	for (size_t i = 0; commands[i]; i++)
		if (strcmp(commands[i]->name, name) == 0)
			return commands[i];
	return NULL;
}

static const struct cli_flag *
flag_find(const struct cli_flag *list, const char *name, size_t len)
{
	for (; list && list->name; list++)
		if (strlen(list->name) == len && memcmp(list->name, name, len) == 0)
			return list;
	return NULL;
}

static void
flags_print(const struct cli_flag *list)
{
	char left[64];

	for (; list && list->name; list++) {
		snprintf(left, sizeof left, "%s%s%s", list->name, list->value ? " " : "",
		         list->value ? list->value : "");
		printf("  %-26s %s\n", left, list->help);
	}
}

void
cli_help(const struct command *command)
{
	if (command) {
		printf("usage: sluice %s%s%s\n\n%s.\n", command->name, *command->usage ? " " : "", command->usage,
		       command->summary);
		if (command->help)
			printf("\n%s\n", command->help);
		if (command->flags) {
			printf("\nFlags:\n");
			flags_print(command->flags);
		}
	} else {
		printf("sluice %s - plugin host for connectors: records of remote APIs, synced into an embedded "
		       "store\n\n"
		       "usage: sluice COMMAND [FLAGS]\n\nCommands:\n",
		       SLUICE_VERSION);
		for (size_t i = 0; commands[i]; i++)
			if (!commands[i]->hidden)
				printf("  %-16s %s\n", commands[i]->name, commands[i]->summary);
	}
	printf("\nFlags of every command:\n");
	flags_print(globals);
	if (!command)
		printf("\nConfiguration: --conf, else $SLUICE_CONF, ./sluice.ini, ./conf, ../etc/sluice from the executable, "
		       SLUICE_PREFIX "/etc/sluice:\n"
		       "the first that is there. Relative paths in it follow the current directory.\n"
		       "\n`sluice COMMAND --help` tells more.\n\nExit codes:\n");
	for (const struct exit_word *e = exit_words; e->text && !command; e++)
		printf("  %-10s %s\n", e->code, e->text);
}

static const char *
near_flag(const struct command *command, const char *name)
{
	const char *names[64];
	size_t n = 0;

	for (const struct cli_flag *f = globals; f->name && n < LENGTH(names) - 1; f++)
		names[n++] = f->name;
	for (const struct cli_flag *f = command ? command->flags : NULL; f && f->name && n < LENGTH(names) - 1; f++)
		names[n++] = f->name;
	names[n] = NULL;
	return nearest(name, names);
}

static const char *
near_command(const char *name)
{
	const char *names[64];
	size_t n = 0;

	for (size_t i = 0; commands[i] && n < LENGTH(names) - 1; i++)
		if (!commands[i]->hidden)
			names[n++] = commands[i]->name;
	names[n] = NULL;
	return nearest(name, names);
}

static void
set_add(struct cli *c, const char *key, const char *value)
{
	c->set = xrealloc(c->set, (c->n_set + 2) * sizeof *c->set);
	c->set[c->n_set++] = key ? xasprintf("%s=%s", key, value) : xstrdup(value);
	c->set[c->n_set] = NULL;
}

/* "staging" of conf/staging and of conf/staging.ini; yours. NULL: the entry is no environment. */
static char *
env_name(const struct dirent *e)
{
	static const char end[] = ".ini";
	char *path = xasprintf("conf/%s", e->d_name);
	size_t len = strlen(e->d_name), tail = sizeof end - 1;
	struct stat st;
	bool there = e->d_name[0] != '.' && stat(path, &st) == 0, named = len > tail && strcmp(e->d_name + len - tail, end) == 0;

	free(path);
	if (there && S_ISDIR(st.st_mode) && strcmp(e->d_name, "conf.d") != 0)
		return xstrdup(e->d_name);
	return there && S_ISREG(st.st_mode) && named ? slice_dup(slice_of(e->d_name, len - tail)) : NULL;
}

/* What was looked for, and what there is, as far as it fits a line. */
static int
env_unknown(const char *name, struct err *err)
{
	const char *names[33], *near;
	struct dirent **entries = NULL;
	struct buf all = {0};
	size_t n = 0;
	int got = scandir("conf", &entries, NULL, alphasort), rc;

	for (int i = 0; i < got; i++) {
		char *env = n < LENGTH(names) - 1 ? env_name(entries[i]) : NULL;
		if (env) {
			buf_printf(&all, "%s%s", n ? ", " : "", env);
			names[n++] = env;
		}
		free(entries[i]);
	}
	free(entries);
	names[n] = NULL;
	near = nearest(name, names);
	rc = err_set(err, ERR_USAGE, "--env %s: there is neither conf/%s nor conf/%s.ini in the current directory; %s%s%s%s%s",
	             name, name, name, n ? "there is " : "it has no environment in conf", n ? buf_str(&all) : "",
	             near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
	while (n)
		free((char *)(uintptr_t)names[--n]);
	buf_free(&all);
	return rc;
}

static int
env_take(struct cli *c, const char *name, struct err *err)
{
	char *dir = xasprintf("conf/%s", name), *file = xasprintf("conf/%s.ini", name);
	bool folder = *name && access(dir, F_OK) == 0;

	free(c->env_conf);
	c->env_conf = folder ? dir : file;
	free(folder ? file : dir);
	if (!folder && access(c->env_conf, F_OK) != 0)
		return env_unknown(name, err);
	c->conf = c->env_conf;
	return 0;
}

static int
format_take(struct cli *c, const char *value, struct err *err)
{
	static const char *const names[] = {"text", "json", "jsonl"};

	for (size_t i = 0; i < LENGTH(names); i++)
		if (strcmp(value, names[i]) == 0) {
			c->format = (enum cli_format)i;
			return 0;
		}
	return err_set(err, ERR_USAGE, "--format %s: say text, json or jsonl", value);
}

static int
global_take(struct cli *c, const struct cli_flag *flag, const char *value, struct err *err)
{
	if (strcmp(flag->name, "--conf") == 0)
		c->conf = value;
	else if (strcmp(flag->name, "--env") == 0)
		return env_take(c, value, err);
	else if (strcmp(flag->name, "--set") == 0)
		set_add(c, NULL, value);
	else if (strcmp(flag->name, "--data-dir") == 0)
		set_add(c, "data_dir", value);
	else if (strcmp(flag->name, "--plugin-dir") == 0)
		set_add(c, "plugin_dir", value);
	else if (strcmp(flag->name, "--log-level") == 0)
		c->log_level = value;
	else if (strcmp(flag->name, "--log-format") == 0)
		c->log_format = value;
	else
		return format_take(c, value, err);
	return 0;
}

/* One flag at argv[i]; returns how many arguments it took, or -1. */
static int
flag_take(struct cli *c, char **argv, int i, int argc, struct err *err)
{
	const char *text = argv[i], *eq = strchr(text, '='), *value = NULL, *near;
	size_t len = eq ? (size_t)(eq - text) : strlen(text);
	const struct cli_flag *flag = flag_find(globals, text, len), *own = NULL;
	int took = 1;

	if (!flag)
		flag = own = flag_find(c->command ? c->command->flags : NULL, text, len);
	if (!flag) {
		near = near_flag(c->command, text);
		return err_set(err, ERR_USAGE, "there is no flag %.*s%s%s%s", (int)len, text,
		               near ? "; did you mean " : "", near ? near : "", near ? "?" : "");
	}
	if (flag->value && eq) {
		value = eq + 1;
	} else if (flag->value) {
		if (i + 1 >= argc)
			return err_set(err, ERR_USAGE, "%s wants %s", flag->name, flag->value);
		value = argv[i + 1];
		took = 2;
	} else if (eq) {
		return err_set(err, ERR_USAGE, "%s takes no value", flag->name);
	}
	if (!own)
		return global_take(c, flag, value, err) == 0 ? took : -1;
	c->given = xrealloc(c->given, (c->n_given + 1) * sizeof *c->given);
	c->given[c->n_given++] = (struct cli_given){flag, value};
	return took;
}

static bool
asks(int argc, char **argv, const char *flag)
{
	for (int i = 1; i < argc; i++)
		if (strcmp(argv[i], flag) == 0)
			return true;
	return false;
}

/* The command is the first argument that is neither a flag nor a global flag's value; 1: its help is wanted. */
static int
command_take(struct cli *c, int argc, char **argv, int *at, struct err *err)
{
	const char *near;

	*at = 0;
	for (int i = 1; i < argc && !*at; i++) {
		const struct cli_flag *flag = flag_find(globals, argv[i], strlen(argv[i]));
		if (flag && flag->value)
			i++;
		else if (argv[i][0] != '-')
			*at = i;
	}
	if (!*at)
		return 0;
	c->command = command_find(argv[*at]);
	if (c->command)
		return 0;
	if (strcmp(argv[*at], "help") == 0) { /* as other programs have it: help, help COMMAND */
		c->command = *at + 1 < argc ? command_find(argv[*at + 1]) : NULL;
		return 1;
	}
	near = near_command(argv[*at]);
	return err_set(err, ERR_USAGE, "there is no command '%s'%s%s%s; `sluice --help` lists them", argv[*at],
	               near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
}

int
cli_parse(struct cli *c, int argc, char **argv, struct err *err)
{
	int at, took;

	took = command_take(c, argc, argv, &at, err);
	if (took < 0)
		return -1;
	if (took || asks(argc, argv, "--help") || asks(argc, argv, "-h")) {
		cli_help(c->command);
		return 1;
	}
	if (asks(argc, argv, "--version")) {
		puts("sluice " SLUICE_VERSION);
		return 1;
	}
	if (!c->command)
		return err_set(err, ERR_USAGE, "say what to do: `sluice --help` lists the commands");
	c->args = xcalloc((size_t)argc, sizeof *c->args);
	for (int i = 1; i < argc; i += took) {
		took = 1;
		if (i == at)
			continue;
		if (argv[i][0] != '-' || argv[i][1] == '\0')
			c->args[c->n_args++] = argv[i];
		else if ((took = flag_take(c, argv, i, argc, err)) < 0)
			return -1;
	}
	if (c->n_args < c->command->args_min || c->n_args > c->command->args_max)
		return err_set(err, ERR_USAGE, "%s%s%susage: sluice %s%s%s",
		               c->n_args > c->command->args_max ? "'" : "",
		               c->n_args > c->command->args_max ? c->args[c->command->args_max] : "",
		               c->n_args > c->command->args_max ? "' is too much; " : "", c->command->name,
		               *c->command->usage ? " " : "", c->command->usage);
	return 0;
}

const char *
cli_value(const struct cli *c, const char *flag)
{
	for (size_t i = c->n_given; i-- > 0;)
		if (strcmp(c->given[i].flag->name, flag) == 0)
			return c->given[i].value;
	return NULL;
}

bool
cli_has(const struct cli *c, const char *flag)
{
	for (size_t i = 0; i < c->n_given; i++)
		if (strcmp(c->given[i].flag->name, flag) == 0)
			return true;
	return false;
}

int
cli_timeout(const struct cli *c, int64_t *ms, struct err *err)
{
	const char *text = cli_value(c, "--timeout");

	*ms = 0;
	if (!text || (duration_parse(slice_str(text), ms) && *ms > 0))
		return 0;
	return err_set(err, ERR_USAGE, "--timeout %s: that is no duration; say for example 30s or 5m", text);
}

int
cli_number(const struct cli *c, const char *flag, uint64_t usual, uint64_t *n, struct err *err)
{
	const char *text = cli_value(c, flag);
	char *end;

	*n = usual;
	if (!text)
		return 0;
	errno = 0;
	*n = strtoull(text, &end, 10);
	if (errno || *end || end == text || *text == '-')
		return err_set(err, ERR_USAGE, "%s %s: that is no number", flag, text);
	return 0;
}

int
cli_since(const struct cli *c, const char *flag, int64_t *us, struct err *err)
{
	const char *text = cli_value(c, flag);
	char *day;
	int64_t ms;
	bool good;

	*us = 0;
	if (!text)
		return 0;
	if (duration_parse(slice_str(text), &ms)) {
		*us = clock_wall_us(&clock_system) - ms * 1000;
		return 0;
	}
	day = xasprintf("%sT00:00:00Z", text);
	good = time_parse(slice_str(text), us) || time_parse(slice_str(day), us);
	free(day);
	return good ? 0 : err_set(err, ERR_USAGE, "%s %s: say how long ago, like 2h, or a time like 2026-11-23 or "
	                                          "2026-11-23T08:00:00Z", flag, text);
}
