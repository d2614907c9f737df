/* stage.h - the built program on a stage of its own: a temporary directory, a scripted provider, an INI, and runs that
 * are watched from outside.
 *
 * CPU seconds are those that wait4 reports of the host and the workers it reaped; anonymous memory is read from /proc
 * every few milliseconds while it runs, so a peak shorter than that is not seen. The provider's own time is not in it.
 */
#ifndef TESTS_BENCH_STAGE_H
#define TESTS_BENCH_STAGE_H

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include "base/buf.h"
#include "base/mem.h"
#include "table.h"

#define STAGE_ARGS 12
#define SPAWN_ARGS(v) ((char *const *)(uintptr_t)(v))

struct stage {
	const char *build;
	char dir[64];
	int port;
	pid_t provider;
};

struct watched {
	double cpu, wall;    /* seconds */
	double anon, worker; /* MiB, at most: of the host and of its worker */
	double rss;          /* MiB at most, with the pages of files */
	int status;
};

static inline void
nap(long us)
{
	nanosleep(&(struct timespec){us / 1000000, us % 1000000 * 1000}, NULL);
}

/* ---- the provider ---- */

/* Asks the provider and gives its answer, head and all. */
static inline char *
stage_ask(const struct stage *st, const char *method, const char *path)
{
	struct sockaddr_in at = {.sin_family = AF_INET,
	                         .sin_port = htons((uint16_t)st->port),
	                         .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct buf b = {0};
	ssize_t n = 1;

	if (connect(fd, (struct sockaddr *)&at, sizeof at))
		die("bench: the provider is not there");
	dprintf(fd, "%s %s HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", method,
	        path);
	while (n > 0) {
		buf_reserve(&b, 65536);
		n = read(fd, b.p + b.len, 65536);
		b.len += n > 0 ? (size_t)n : 0;
	}
	close(fd);
	return buf_take(&b);
}

static inline char *
stage_control(const struct stage *st, const char *path)
{
	return stage_ask(st, "POST", path);
}

static inline void
stage_records(const struct stage *st, long n)
{
	char *path = xasprintf("/_control/set?plain.records=%ld&plain.size=1024", n);

	free(stage_control(st, path));
	free(path);
}

static inline void
provider_start(struct stage *st)
{
	static const char *const env[] = {"LC_ALL=C", NULL};
	char *program = xasprintf("%s/sluice-provider", st->build), *file = xasprintf("%s/port", st->dir);
	const char *argv[] = {program, "--port-file", file, "--exit-with-parent", "--quiet", NULL};
	posix_spawn_file_actions_t to;

	posix_spawn_file_actions_init(&to);
	posix_spawn_file_actions_addopen(&to, 1, "/dev/null", O_WRONLY, 0);
	if (posix_spawn(&st->provider, program, &to, NULL, SPAWN_ARGS(argv), SPAWN_ARGS(env)))
		die("bench: cannot start %s", program);
	posix_spawn_file_actions_destroy(&to);
	for (int i = 0; i < 3000 && !st->port; i++) {
		FILE *f = fopen(file, "re");

		if (f && fscanf(f, "%d", &st->port) != 1)
			st->port = 0;
		if (f)
			fclose(f);
		nap(10000);
	}
	free(program);
	free(file);
}

/* ---- the stage ---- */

/* `connections` of the benchmark's connector, c0 and so on, each with a token of the same kind. */
static inline void
stage_init(struct stage *st, int connections)
{
	const char *build = getenv("BUILD");
	char *path;
	FILE *f;

	*st = (struct stage){.build = build ? build : "build", .dir = "/tmp/sluice-bench-XXXXXX"};
	if (!mkdtemp(st->dir))
		die("bench: no temporary directory");
	provider_start(st);
	path = xasprintf("%s/sluice.ini", st->dir);
	f = fopen(path, "we");
	if (!f)
		die("bench: cannot write %s", path);
	fprintf(f, "[host]\ndata_dir = %s/store\nplugin_dir = %s/tests/plugins\nlog_level = error\n", st->dir,
	        st->build);
	fprintf(f, "[integration bench]\nbase_url = http://127.0.0.1:%d\n", st->port);
	for (int i = 0; i < connections; i++)
		fprintf(f, "[connection c%d : bench]\ntoken = xoxb-1234567890-%06d-abcdefghijklmnop\n", i, i);
	fclose(f);
	free(path);
}

static inline void
stage_remove(const struct stage *st, const char *what)
{
	char *command = xasprintf("rm -rf %s%s", st->dir, what);

	if (system(command))
		die("bench: cannot remove %s%s", st->dir, what);
	free(command);
}

static inline void
stage_finish(struct stage *st)
{
	kill(st->provider, SIGTERM);
	waitpid(st->provider, NULL, 0);
	stage_remove(st, "");
}

/* ---- the program ---- */

static inline double
status_mib(pid_t pid, const char *key)
{
	char path[64], line[256];
	double kib = 0;
	FILE *f;

	snprintf(path, sizeof path, "/proc/%d/status", pid);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof line, f))
		if (strncmp(line, key, strlen(key)) == 0)
			kib = atof(line + strlen(key) + 1);
	if (f)
		fclose(f);
	return kib / 1024;
}

static inline pid_t
child_of(pid_t pid)
{
	char path[64];
	int child = 0;
	FILE *f;

	snprintf(path, sizeof path, "/proc/%d/task/%d/children", pid, pid);
	f = fopen(path, "re");
	if (f && fscanf(f, "%d", &child) != 1)
		child = 0;
	if (f)
		fclose(f);
	return child;
}

/* Starts `sluice` with these arguments (NULL at the end), its output into `out` in the stage's directory. */
static inline pid_t
program_start(const struct stage *st, const char *const args[], const char *out)
{
	static const char *const env[] = {"LC_ALL=C", NULL};
	char *program = xasprintf("%s/sluice", st->build), *ini = xasprintf("%s/sluice.ini", st->dir);
	char *path = xasprintf("%s/%s", st->dir, out);
	const char *argv[STAGE_ARGS + 4] = {program, "--conf", ini};
	posix_spawn_file_actions_t to;
	pid_t pid;

	for (int i = 0; i < STAGE_ARGS && args[i]; i++)
		argv[3 + i] = args[i];
	posix_spawn_file_actions_init(&to);
	posix_spawn_file_actions_addopen(&to, 1, path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	if (posix_spawn(&pid, program, &to, NULL, SPAWN_ARGS(argv), SPAWN_ARGS(env)))
		die("bench: cannot start %s", program);
	posix_spawn_file_actions_destroy(&to);
	free(program);
	free(ini);
	free(path);
	return pid;
}

/* Runs it to its end. sample_us: how often its memory is read; 0: never, it is only waited for. */
static inline struct watched
program_run(const struct stage *st, const char *const args[], long sample_us)
{
	double from = wall_seconds();
	pid_t pid = program_start(st, args, "out");
	struct watched w = {0};
	struct rusage use;

	while (wait4(pid, &w.status, sample_us ? WNOHANG : 0, &use) == 0) {
		double anon = status_mib(pid, "RssAnon:");
		pid_t worker = child_of(pid);
		double private = worker ? status_mib(worker, "RssAnon:") : 0;

		w.anon = anon > w.anon ? anon : w.anon;
		w.worker = private > w.worker ? private : w.worker;
		nap(sample_us);
	}
	w.wall = wall_seconds() - from;
	w.cpu = usage_seconds(&use);
	w.rss = (double)use.ru_maxrss / 1024;
	if (!WIFEXITED(w.status) || WEXITSTATUS(w.status))
		fprintf(stderr, "bench: sluice %s ended with status %#x\n", args[0], w.status);
	return w;
}

/* The lines that it put out. */
static inline long
program_lines(const struct stage *st)
{
	char *path = xasprintf("%s/out", st->dir);
	FILE *f = fopen(path, "re");
	long n = 0;

	for (int c; f && (c = getc(f)) != EOF;)
		n += c == '\n';
	if (f)
		fclose(f);
	free(path);
	return n;
}

#endif
