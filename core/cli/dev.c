/* dev.c - `sluice dev`: a connector's sources watched; on each save built, described, and run dry.
 *
 *   a save -> make, or cc by the SDK's pkg-config -> describe -> dry-run of the connections that use it -> wait
 *
 * The dry-run is this same program with another plugin directory: one that holds nothing but a link to what was just
 * built. So nothing that is installed is touched, and what a run does to a process cannot reach the next one. Where no
 * connection uses the connector, it is described instead.
 *
 * Saves are seen by looking at names, sizes and times a few times a second: it costs nothing for a folder of sources and
 * works on every file system. Awkward: editors save by writing, truncating and renaming; so a change counts only when two
 * looks in a row agree. Signals are taken by sigtimedwait, which is also how it sleeps. */
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "base/mem.h"
#include "cli/cli.h"
#include "config/place.h"

#define LOOK_MS 150
#define ARGS_MAX 64
#define SOURCES_MAX 256

struct dev {
	struct cli *cli;
	const char *path;  /* as given */
	bool folder;       /* of sources; else a .so that others build */
	char *overlay;     /* a plugin directory of our own */
	char *built;       /* the .so in question; yours */
	sigset_t signals;
	int signal;        /* that ended it; 0: none */
};

/* ---- processes ---- */

static void
pause_for(struct dev *d, long ms)
{
	const struct timespec t = {.tv_nsec = ms * 1000000L};
	int n = sigtimedwait(&d->signals, NULL, &t);

	if (n > 0)
		d->signal = n;
}

/* Runs it to its end; the exit code, 128 + n when a signal ended it. A signal of ours is handed on. */
static int
run_child(struct dev *d, const char *const *args)
{
	extern char **environ;
	posix_spawnattr_t attributes;
	sigset_t none;
	pid_t pid;
	int bad, status = 0;
	bool told = false;

	sigemptyset(&none);
	posix_spawnattr_init(&attributes);
	posix_spawnattr_setsigmask(&attributes, &none);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
	fflush(stdout);
	bad = posix_spawnp(&pid, args[0], NULL, &attributes, (char *const *)(uintptr_t)args, environ);
	posix_spawnattr_destroy(&attributes);
	if (bad) {
		log_error("%s cannot be started: %s", args[0], strerror(bad));
		return 1;
	}
	while (waitpid(pid, &status, WNOHANG) == 0) {
		pause_for(d, 20);
		if (d->signal && !told)
			told = kill(pid, d->signal) == 0;
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* ---- the files ---- */

static bool
ends_with(const char *name, const char *end)
{
	size_t n = strlen(name), k = strlen(end);

	return n > k && strcmp(name + n - k, end) == 0;
}

static bool
is_source(const char *name)
{
	static const char *const ends[] = {".c", ".h", ".inc", ".cc", ".cpp", ".hpp", NULL};

	for (size_t i = 0; ends[i]; i++)
		if (ends_with(name, ends[i]))
			return true;
	return strcmp(name, "Makefile") == 0;
}

static uint64_t
mixed(uint64_t state, const void *bytes, size_t n)
{
	for (const unsigned char *p = bytes; n--; p++)
		state = (state ^ *p) * UINT64_C(1099511628211); /* FNV-1a: only to see a difference */
	return state;
}

static uint64_t
file_state(uint64_t state, const char *path)
{
	struct stat st;

	if (stat(path, &st) != 0)
		return state;
	state = mixed(state, path, strlen(path));
	state = mixed(state, &st.st_ino, sizeof st.st_ino);
	state = mixed(state, &st.st_size, sizeof st.st_size);
	return mixed(state, &st.st_mtim, sizeof st.st_mtim);
}

/* Other after each save, in whatever order the names come. */
static uint64_t
sources_state(const struct dev *d)
{
	uint64_t state = 0;
	struct dirent *e;
	DIR *dir;

	if (!d->folder)
		return file_state(1, d->path);
	dir = opendir(d->path);
	while (dir && (e = readdir(dir))) {
		char *path = xasprintf("%s/%s", d->path, e->d_name);

		if (is_source(e->d_name))
			state += file_state(1, path);
		free(path);
	}
	if (dir)
		closedir(dir);
	return state;
}

/* Until a save is complete: the state is another one, and stays so for a moment. */
static void
wait_for_save(struct dev *d, uint64_t state)
{
	uint64_t seen = state, now;

	for (;;) {
		pause_for(d, LOOK_MS);
		now = sources_state(d);
		if (d->signal || (now != state && now == seen))
			return;
		seen = now;
	}
}

/* ---- building ---- */

/* The .so that was built last. */
static char *
newest_so(const char *folder)
{
	struct timespec best = {0};
	struct dirent *e;
	struct stat st;
	char *found = NULL;
	DIR *dir = opendir(folder);

	while (dir && (e = readdir(dir))) {
		char *path = xasprintf("%s/%s", folder, e->d_name);

		if (ends_with(e->d_name, ".so") && stat(path, &st) == 0 &&
		    (!found || st.st_mtim.tv_sec > best.tv_sec ||
		     (st.st_mtim.tv_sec == best.tv_sec && st.st_mtim.tv_nsec > best.tv_nsec))) {
			best = st.st_mtim;
			free(found);
			found = path;
			path = NULL;
		}
		free(path);
	}
	if (dir)
		closedir(dir);
	return found;
}

static int
build_by_make(struct dev *d)
{
	const char *const args[] = {"make", "-C", d->path, NULL};
	int code = run_child(d, args);

	if (code == 0)
		d->built = newest_so(d->path);
	if (code == 0 && !d->built)
		log_error("%s: make made no .so in it", d->path);
	return d->built ? 0 : 1;
}

static int
build_by_cc(struct dev *d)
{
	/* The shell splits what pkg-config says, and nothing else: names of files are its arguments. */
	static const char script[] = "out=$1; export PKG_CONFIG_PATH=\"${PKG_CONFIG_PATH:+$PKG_CONFIG_PATH:}$2\"; "
	                             "shift 2; flags=$(pkg-config --cflags sluice) || exit 1; "
	                             "exec ${CC:-cc} $flags -shared -o \"$out\" \"$@\"";
	const char *args[SOURCES_MAX + 7] = {"sh", "-c", script, "sluice-dev"};
	char *out = xasprintf("%s/.built.so", d->overlay), *owned[SOURCES_MAX];
	char *ours = place_find("../lib/pkgconfig"); /* of this installation, wherever it is */
	DIR *dir = opendir(d->path);
	struct dirent *e;
	size_t n = 0;
	int code = 1;

	args[4] = out;
	args[5] = ours ? ours : "";
	while (dir && (e = readdir(dir)) && n < SOURCES_MAX)
		if (ends_with(e->d_name, ".c"))
			args[6 + n] = owned[n] = xasprintf("%s/%s", d->path, e->d_name), n++;
	if (dir)
		closedir(dir);
	if (n == 0)
		log_error("%s: neither a Makefile nor a .c file is in it", d->path);
	else
		code = run_child(d, args);
	while (n)
		free(owned[--n]);
	free(ours);
	if (code == 0)
		d->built = out;
	else
		free(out);
	return code ? 1 : 0;
}

static int
build(struct dev *d)
{
	char *makefile = xasprintf("%s/Makefile", d->path);
	int rc = 0;

	free(d->built);
	d->built = NULL;
	if (!d->folder)
		d->built = xstrdup(d->path);
	else
		rc = access(makefile, R_OK) == 0 ? build_by_make(d) : build_by_cc(d);
	free(makefile);
	return rc;
}

/* ---- trying ---- */

/* This program again, with the overlay for its plugin directory. verb: up to its own flags, NULL-terminated. */
static int
run_self(struct dev *d, const char *const *verb)
{
	const struct cli *c = d->cli;
	static const char *const passed[] = {"--sync", "--connection-id", "--timeout", NULL};
	static const char *const formats[] = {[FORMAT_TEXT] = "text", [FORMAT_JSON] = "json", [FORMAT_JSONL] = "jsonl"};
	const char *args[ARGS_MAX] = {"/proc/self/exe"};
	size_t n = 1;

	while (*verb)
		args[n++] = *verb++;
	for (size_t i = 0; passed[i] && strcmp(args[1], "dry-run") == 0; i++)
		if (cli_value(c, passed[i])) {
			args[n++] = passed[i];
			args[n++] = cli_value(c, passed[i]);
		}
	if (c->conf) {
		args[n++] = "--conf";
		args[n++] = c->conf;
	}
	for (size_t i = 0; i < c->n_set && n < ARGS_MAX - 12; i++) {
		args[n++] = "--set";
		args[n++] = c->set[i];
	}
	args[n++] = "--plugin-dir";
	args[n++] = d->overlay;
	args[n++] = "--format";
	args[n++] = formats[c->format];
	if (c->log_level) {
		args[n++] = "--log-level";
		args[n++] = c->log_level;
	}
	args[n] = NULL;
	return run_child(d, args);
}

/* What was built becomes the overlay's only plugin. Its name is the connector's own. */
static int
overlay_link(struct dev *d, const char *name, struct err *err)
{
	char *target = realpath(d->built, NULL), *link = xasprintf("%s/%s.so", d->overlay, name);
	int rc = 0;

	unlink(link);
	if (!target || symlink(target, link) != 0)
		rc = err_set(err, ERR_HOST, "%s: %s", link, strerror(errno));
	free(target);
	free(link);
	return rc;
}

static int
try_it(struct dev *d)
{
	const struct host_options o = {.loop = &d->cli->loop, .settings = d->cli->settings, .no_store = true};
	const struct settings *s = d->cli->settings;
	struct err err;
	struct host *h = host_new(&o, &err);
	const struct manifest *m = h ? host_manifest_file(h, d->built, &err) : NULL;
	int code = 0;
	bool used = false;

	if (!m || overlay_link(d, m->name, &err) != 0) {
		code = cli_fail(d->cli, &err);
		goto out;
	}
	for (size_t i = 0; i < s->n_integrations && !d->signal; i++) {
		const char *const verb[] = {"dry-run", "--integration", s->integrations[i]->name, NULL};
		bool connected = false;

		for (size_t k = 0; k < s->n_connections; k++)
			connected |= s->connections[k]->integration == s->integrations[i];
		if (!connected || strcmp(s->integrations[i]->plugin, m->name) != 0)
			continue;
		used = true;
		code = exit_worst(code, run_self(d, verb));
	}
	if (!used) {
		const char *const verb[] = {"describe", m->name, NULL};

		cli_note(d->cli, "no [connection] uses the connector '%s'; this is what it declares", m->name);
		code = run_self(d, verb);
	}
out:
	host_free(h);
	return code;
}

/* ---- the command ---- */

static int
dev_turn(struct dev *d)
{
	int code = build(d);

	if (code == 0 && !d->signal)
		code = try_it(d);
	return code;
}

static int
dev_loop(struct dev *d)
{
	uint64_t state;
	int code;

	for (;;) {
		state = sources_state(d);
		code = dev_turn(d);
		if (d->signal)
			return 128 + d->signal;
		if (cli_has(d->cli, "--once"))
			return code;
		cli_note(d->cli, "waiting for a save in %s (Ctrl-C ends)", d->path);
		wait_for_save(d, state);
		if (d->signal)
			return 128 + d->signal;
	}
}

static void
overlay_remove(const char *overlay)
{
	DIR *dir = opendir(overlay);
	struct dirent *e;

	while (dir && (e = readdir(dir))) {
		char *path = xasprintf("%s/%s", overlay, e->d_name);

		unlink(path); /* fails for . and .. */
		free(path);
	}
	if (dir)
		closedir(dir);
	rmdir(overlay);
}

static int
command_dev_run(struct cli *c)
{
	const char *tmp = getenv("TMPDIR");
	struct dev d = {.cli = c, .path = c->args[0]};
	struct stat st;
	struct err err;
	int code;

	if (stat(d.path, &st) != 0) {
		err_set(&err, ERR_USAGE, "%s: %s", d.path, strerror(errno));
		return cli_fail(c, &err);
	}
	d.folder = S_ISDIR(st.st_mode);
	d.overlay = xasprintf("%s/sluice-dev-XXXXXX", tmp && *tmp ? tmp : "/tmp");
	if (!mkdtemp(d.overlay)) {
		err_set(&err, ERR_HOST, "%s: %s", d.overlay, strerror(errno));
		free(d.overlay);
		return cli_fail(c, &err);
	}
	sigemptyset(&d.signals);
	sigaddset(&d.signals, SIGINT);
	sigaddset(&d.signals, SIGTERM);
	sigprocmask(SIG_BLOCK, &d.signals, NULL);
	code = dev_loop(&d);
	overlay_remove(d.overlay);
	free(d.overlay);
	free(d.built);
	return code;
}

static const struct cli_flag flags[] = {
	{"--sync", "S", "only the sync of this name"},
	{"--connection-id", "C", "only this connection"},
	{"--timeout", "D", "stop each dry-run after this time"},
	{"--once", NULL, "build and try once, and end with its exit code"},
	{NULL, NULL, NULL},
};

const struct command command_dev = {
	.name = "dev",
	.usage = "FOLDER | PATH.so",
	.summary = "Watches a connector's sources (or its .so): on each save builds it and runs it dry",
	.help = "A folder is built by its Makefile, else by cc with the flags of `pkg-config sluice`. Nothing is stored and\n"
	        "nothing that is installed is touched; the connections that use the connector are run dry with what was built,\n"
	        "beside a service too.",
	.flags = flags,
	.args_min = 1,
	.args_max = 1,
	.run = command_dev_run,
};
