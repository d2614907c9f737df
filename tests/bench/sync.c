/* sync.c - whole syncs of 1 KB records over loopback, measured from outside: the built program, a real provider, a real worker.
 *
 * Per row: median of RUNS runs of records per CPU second (host and worker together, user and system, as wait4 reports them),
 * wall time, and the largest anonymous memory of the host while it ran. The provider's own time is not in it.
 *   sync [RECORDS [BIG]]        100000, 1000000 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "base/mem.h"

enum { RUNS = 5 };

struct bench { const char *build; char dir[64]; int port; pid_t provider; };
struct figure { double cpu, wall, anon_mib, worker_mib; };

static const char *const no_env[] = {"LC_ALL=C", NULL};
#define SPAWN_ARGS(v) ((char *const *)(uintptr_t)(v))

static double
seconds_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void
control(const struct bench *b, const char *path)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)b->port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	char piece[4096];
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (connect(fd, (struct sockaddr *)&at, sizeof(at)))
		die("bench: the provider is not there");
	dprintf(fd, "POST %s HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", path);
	while (read(fd, piece, sizeof(piece)) > 0)
		;
	close(fd);
}

static void
provider_start(struct bench *b)
{
	char program[256], file[128];
	const char *argv[] = {program, "--port-file", file, "--exit-with-parent", "--quiet", NULL};
	posix_spawn_file_actions_t to;
	struct timespec nap = {0, 10000000};

	snprintf(program, sizeof(program), "%s/sluice-provider", b->build);
	snprintf(file, sizeof(file), "%s/port", b->dir);
	posix_spawn_file_actions_init(&to);
	posix_spawn_file_actions_addopen(&to, 1, "/dev/null", O_WRONLY, 0);
	if (posix_spawn(&b->provider, program, &to, NULL, SPAWN_ARGS(argv), SPAWN_ARGS(no_env)))
		die("bench: cannot start %s", program);
	posix_spawn_file_actions_destroy(&to);
	for (int i = 0; i < 500 && !b->port; i++) {
		FILE *f = fopen(file, "r");
		if (f && fscanf(f, "%d", &b->port) != 1)
			b->port = 0;
		if (f)
			fclose(f);
		nanosleep(&nap, NULL);
	}
}

static void
ini_write(const struct bench *b)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/sluice.ini", b->dir);
	FILE *f = fopen(path, "w");
	if (!f)
		die("bench: cannot write %s", path);
	fprintf(f, "[host]\ndata_dir = %s/store\nplugin_dir = %s/tests/plugins\nlog_level = error\n"
	        "[integration bench]\nbase_url = http://127.0.0.1:%d\n[connection b : bench]\n", b->dir, b->build, b->port);
	fclose(f);
}

static double
status_mib(pid_t pid, const char *key)
{
	char path[64], line[256];
	double kib = 0;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	FILE *f = fopen(path, "r");
	while (f && fgets(line, sizeof(line), f))
		if (strncmp(line, key, strlen(key)) == 0)
			kib = atof(line + strlen(key) + 1);
	if (f)
		fclose(f);
	return kib / 1024;
}

static pid_t
child_of(pid_t pid)
{
	char path[64];
	int child = 0;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", pid, pid);
	FILE *f = fopen(path, "r");
	if (f && fscanf(f, "%d", &child) != 1)
		child = 0;
	if (f)
		fclose(f);
	return child;
}

static struct figure
host_run(const struct bench *b, const char *sync)
{
	char program[256], ini[128];
	const char *argv[] = {program, "--conf", ini, "run", "--sync", sync, NULL};
	struct figure got = {0};
	struct rusage use;
	struct timespec nap = {0, 5000000};
	int status;
	pid_t pid;

	snprintf(program, sizeof(program), "%s/sluice", b->build);
	snprintf(ini, sizeof(ini), "%s/sluice.ini", b->dir);
	posix_spawn_file_actions_t to;
	posix_spawn_file_actions_init(&to);
	posix_spawn_file_actions_addopen(&to, 1, "/dev/null", O_WRONLY, 0);
	double from = seconds_now();
	if (posix_spawn(&pid, program, &to, NULL, SPAWN_ARGS(argv), SPAWN_ARGS(no_env)))
		die("bench: cannot start %s", program);
	posix_spawn_file_actions_destroy(&to);
	while (wait4(pid, &status, WNOHANG, &use) == 0) {
		double anon = status_mib(pid, "RssAnon:");
		pid_t worker = child_of(pid);
		double private = worker ? status_mib(worker, "RssAnon:") : 0;
		got.anon_mib = anon > got.anon_mib ? anon : got.anon_mib;
		got.worker_mib = private > got.worker_mib ? private : got.worker_mib;
		nanosleep(&nap, NULL);
	}
	got.wall = seconds_now() - from;
	got.cpu = (double)(use.ru_utime.tv_sec + use.ru_stime.tv_sec) + (double)(use.ru_utime.tv_usec + use.ru_stime.tv_usec) / 1e6;
	if (!WIFEXITED(status) || WEXITSTATUS(status))
		fprintf(stderr, "bench: the run of %s ended with status %#x\n", sync, status);
	return got;
}

static void
store_empty(const struct bench *b)
{
	char command[256];

	snprintf(command, sizeof(command), "rm -rf %s/store %s/store.key", b->dir, b->dir);
	if (system(command))
		die("bench: cannot empty %s", b->dir);
}

static int
by_cpu(const void *a, const void *b)
{
	const struct figure *x = a, *y = b;
	return (x->cpu > y->cpu) - (x->cpu < y->cpu);
}

/* The median by CPU of several runs; empty: from an empty store each time; mutate: a control path before each, or NULL. */
static struct figure
row(const struct bench *b, const char *name, const char *sync, long records, int runs, bool empty, const char *mutate)
{
	struct figure f[RUNS];

	for (int i = 0; i < runs; i++) {
		if (empty)
			store_empty(b);
		if (mutate)
			control(b, mutate);
		f[i] = host_run(b, sync);
	}
	qsort(f, (size_t)runs, sizeof(*f), by_cpu);
	struct figure m = f[runs / 2];
	printf("%-52s %10.0f records/CPU s  %6.2f us  %6.2f s wall  host %5.1f MiB  worker %4.1f MiB\n", name, (double)records / m.cpu,
	       m.cpu * 1e6 / (double)records, m.wall, m.anon_mib, m.worker_mib);
	fflush(stdout);
	return m;
}

static double
disk_bytes(const struct bench *b)
{
	struct stat st;
	char path[128];

	snprintf(path, sizeof(path), "%s/store/data.mdb", b->dir);
	return stat(path, &st) ? 0 : (double)st.st_blocks * 512;
}

int
main(int argc, char **argv)
{
	struct bench b = {.build = getenv("BUILD") ? getenv("BUILD") : "build", .dir = "/tmp/sluice-bench-XXXXXX"};
	long n = argc > 1 ? atol(argv[1]) : 100000, big = argc > 2 ? atol(argv[2]) : 1000000;
	char set[128], command[128];

	if (!mkdtemp(b.dir))
		die("bench: no temporary directory");
	provider_start(&b);
	ini_write(&b);
	snprintf(set, sizeof(set), "/_control/set?plain.records=%ld&plain.size=1024", n);
	control(&b, set);
	row(&b, "bytes passed through, new", "pass", n, RUNS, true, NULL);
	printf("%-52s %10.2f\n", "bytes on disk per stored byte", disk_bytes(&b) / ((double)n * 1024));
	row(&b, "bytes passed through, unchanged", "pass", n, RUNS, false, NULL);
	row(&b, "bytes passed through, 1 % changed, 1 % gone", "pass", n, 3, false, "/_control/mutate?api=plain&change=1%25&drop=1%25&add=1%25");
	row(&b, "through a cJSON tree, new", "tree", n, RUNS, true, NULL);
	row(&b, "through a cJSON tree, unchanged", "tree", n, RUNS, false, NULL);
	snprintf(set, sizeof(set), "/_control/set?plain.records=%ld&plain.size=1024", n / 10);
	control(&b, set);
	store_empty(&b);
	host_run(&b, "pass");
	struct figure small = row(&b, "unchanged, a tenth of the records stored", "pass", n / 10, RUNS, false, NULL);
	snprintf(set, sizeof(set), "/_control/set?plain.records=%ld&plain.size=1024", big);
	control(&b, set);
	store_empty(&b);
	host_run(&b, "pass");
	struct figure large = row(&b, "unchanged, the large store", "pass", big, 3, false, NULL);
	printf("%-52s %10.2f\n", "rate of the large store against the small", (small.cpu / (double)(n / 10)) / (large.cpu / (double)big));
	kill(b.provider, SIGTERM);
	waitpid(b.provider, NULL, 0);
	snprintf(command, sizeof(command), "rm -rf %s", b.dir);
	return system(command) != 0;
}
