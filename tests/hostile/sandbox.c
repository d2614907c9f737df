/* sandbox.c - every attack of probes.h in a real worker: from a constructor, from a function, with both walls and with
 * the filter alone.
 *
 * The connector of plugins/probe.c is copied for each attack, with its choice written into the copy. It says that it
 * ran before it tries, and what came of it after; so a probe that was never reached fails here as one that succeeded
 * does. The control runs the same functions in a child without a sandbox, where they must succeed: an attack that never
 * works proves nothing. Landlock alone is tried in tests/unit/worker_walls.c, which may link the worker's side. */
#include "drive.h"
#include "probes.h"
#include "../tap.h"

static struct probe_site base;

static void
file_put(const char *path, struct slice bytes, mode_t mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);

	if (fd < 0 || write(fd, bytes.p, bytes.len) != (ssize_t)bytes.len || fchmod(fd, mode))
		printf("# cannot write %s: %s\n", path, strerror(errno));
	if (fd >= 0)
		close(fd);
}

/* A directory where everybody may do anything, with a file in it. */
static void
site_make(void)
{
	const char *tmp = getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp";

	base.host = getpid();
	memcpy(base.magic, PROBE_MAGIC, sizeof PROBE_MAGIC);
	snprintf(base.dir, sizeof base.dir, "%.60s/sluice-hostile-XXXXXX", tmp);
	if (!mkdtemp(base.dir) || chmod(base.dir, 0777))
		printf("# no directory: %s\n", strerror(errno));
	probe_site = &base;
}

static void
victim_make(void)
{
	file_put(site_path("victim"), SLICE("precious"), 0666);
}

static void
site_clear(void)
{
	static const char *const names[] = {"victim", "new",  "directory", "symlink",
	                                    "link",   "fifo", "moved",     "plugin.so"};

	for (size_t i = 0; i < LENGTH(names); i++)
		remove(site_path(names[i]));
	rmdir(base.dir);
}

static bool
victim_untouched(void)
{
	char text[16] = {0};
	struct stat st;
	int fd = open(site_path("victim"), O_RDONLY | O_CLOEXEC);
	bool same = fd >= 0 && read(fd, text, sizeof text) == 8 && !strcmp(text, "precious") && !fstat(fd, &st) &&
	            (st.st_mode & 07777) == 0666 && st.st_nlink == 1;

	if (fd >= 0)
		close(fd);
	return same;
}

/* One attack in a worker; what is claimed is checked. */
static void
attack(int number, int constructor, bool seccomp_only)
{
	const struct probe *p = &probes[number];
	struct drive d = {.seccomp_only = seccomp_only};
	struct probe_site site = base;
	char path[160], ran[96];
	bool good;

	site.number = number;
	site.constructor = constructor;
	snprintf(path, sizeof path, "%s/plugin.so", base.dir);
	drive_patch("probe", &site, sizeof site, path);
	victim_make();
	d.plugin = path;
	snprintf(ran, sizeof ran, "RAN %s", p->name);
	drive_run(&d);
	good = d.ends == 1 && strstr(d.why.text, ran) && !strstr(d.why.text, "SUCCEEDED") && victim_untouched();
	good = good && strstr(d.why.text, p->flags & DIES ? "killed by SIGSYS" : "ended with status 41");
	good = good && strstr(d.why.text, constructor ? "while the plugin was loaded" : "in the middle of a function");
	if (!good) {
		tap_fail(__FILE__, __LINE__, p->name);
		printf("#   %s%s: %s\n", constructor ? "constructor" : "function", seccomp_only ? ", filter alone" : "",
		       d.why.text);
	}
	drive_finish(&d);
}

TEST("from a function, no attack succeeds, and each ran")
{
	site_make();
	for (int i = 0; i < PROBES; i++)
		if (!SLUICE_SANITIZED || !(probes[i].flags & NO_ASAN))
			attack(i, 0, false);
	site_clear();
}

TEST("from a constructor, before the plugin counts as loaded, no attack succeeds either")
{
	site_make();
	for (int i = 0; i < PROBES; i++)
		if (!(probes[i].flags & RUN_ONLY) && (!SLUICE_SANITIZED || !(probes[i].flags & NO_ASAN)))
			attack(i, 1, false);
	site_clear();
}

TEST("the system-call filter alone stops every attack of a function, and of a constructor all but reading files")
{
	site_make();
	for (int i = 0; i < PROBES; i++) {
		if (SLUICE_SANITIZED && (probes[i].flags & NO_ASAN))
			continue;
		attack(i, 0, true);
		if (!(probes[i].flags & (RUN_ONLY | FILES)))
			attack(i, 1, true);
	}
	site_clear();
}

/* ---- the control ---- */

/* What a worker has around it: a channel as 3, the plugin as 4, and a descriptor that was forgotten. */
static void
control_child(const struct probe *p)
{
	int pair[2], plugin_fd = open("/proc/self/exe", O_RDONLY), null = open("/dev/null", O_RDWR);

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair))
		_exit(40);
	plugin_fd = fcntl(plugin_fd, F_DUPFD, 200); /* out of the way first: they may be 3 or 4 themselves */
	null = fcntl(null, F_DUPFD, 200);
	dup2(fcntl(pair[0], F_DUPFD, 200), 3);
	dup2(plugin_fd, 4);
	dup2(null, 100);
	dup2(null, 2);
	fcntl(3, F_SETFL, O_NONBLOCK);
	probe_and_exit(p);
}

/* 42: it worked; 41: refused; else how it ended. */
static int
control(const struct probe *p)
{
	int status;
	pid_t pid;

	remove(site_path("directory"));
	remove(site_path("new"));
	remove(site_path("symlink"));
	remove(site_path("link"));
	remove(site_path("fifo"));
	victim_make();
	pid = fork();
	if (pid == 0)
		control_child(p);
	waitpid(pid, &status, WUNTRACED);
	if (WIFSTOPPED(status)) {
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		return 42;
	}
	if (WIFEXITED(status) && WEXITSTATUS(status) == 1)
		return 42; /* `sh -c "exit 1"` */
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

TEST("the control: without a sandbox the same attacks succeed")
{
	int succeeded = 0;

	site_make();
	for (int i = 0; i < PROBES; i++) {
		bool must = !(probes[i].flags & MAY) && (!(probes[i].flags & ROOT) || geteuid() == 0);
		int got_it = control(&probes[i]);

		succeeded += got_it == 42;
		if (must && got_it != 42) {
			tap_fail(__FILE__, __LINE__, probes[i].name);
			printf("#   ended with %d\n", got_it);
		} else if (got_it != 42) {
			printf("# not possible here even unsandboxed: %s (%d)\n", probes[i].name, got_it);
		}
	}
	printf("# %d of %d attacks succeed without a sandbox\n", succeeded, (int)PROBES);
	site_clear();
}
