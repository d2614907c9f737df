/* start.c - what it costs to begin: a worker up to its first request, and the host with many connections configured.
 *
 * A worker is timed from before posix_spawn to the frame that asks for the first page: executable, sandbox and its
 * tests, dlopen, tightening, one step. It is then killed, for nobody would answer. The host is timed from outside, as a
 * whole process that reads the INI, opens the store and answers; its idle memory is that of one that waits for changes.
 *   start [WORKERS [CONNECTIONS]]        101, 1000 */
#include "stage.h"
#include "wire/worker_process.h"

#define HOSTS 15
#define SETTLE_US 500000

/* ---- workers ---- */

struct trial {
	struct worker_process *worker;
	double first; /* when the first request was there; 0: never */
	struct err why;
};

static void
hello_send(struct trial *t)
{
	struct buf b = {0};
	size_t at = frame_begin(&b, MSG_HELLO, 0, 0);

	buf_u16(&b, WIRE_VERSION);
	buf_u8(&b, HELLO_RUN);
	buf_u8(&b, 0);
	buf_u64(&b, 32 << 20);
	buf_u64(&b, 1 << 20);
	buf_u64(&b, 8 << 20);
	buf_bytes(&b, SLICE("bench"));
	buf_bytes(&b, SLICE(""));
	frame_end(&b, at);
	worker_process_send(t->worker, &b);
}

static void
step_send(struct trial *t)
{
	struct buf b = {0};
	size_t at = frame_begin(&b, MSG_STEP, 0, 1);

	buf_u8(&b, STEP_SYNC);
	buf_bytes(&b, SLICE("pass"));
	buf_u8(&b, 1);
	buf_u64(&b, 0);
	buf_u64(&b, 0);
	for (int i = 0; i < 3; i++)
		buf_u32(&b, 0);
	buf_u8(&b, 0);
	buf_bytes(&b, SLICE("{\"connection\":\"c0\",\"integration\":\"bench\",\"options\":{}}"));
	buf_bytes(&b, SLICE("{}"));
	buf_bytes(&b, SLICE(""));
	buf_bytes(&b, SLICE(""));
	frame_end(&b, at);
	worker_process_send(t->worker, &b);
}

static void
on_frame(void *arg, const struct frame *f)
{
	struct trial *t = arg;

	if (f->type == MSG_LOADED)
		step_send(t);
	if (f->type != MSG_REQUEST || t->first > 0)
		return;
	t->first = wall_seconds();
	worker_process_kill(t->worker, ERR_NONE, "measured");
}

static void
on_end(void *arg, const struct err *why)
{
	struct trial *t = arg;

	t->why = *why;
	worker_process_free(t->worker);
}

/* Milliseconds from nothing to the first request. */
static double
worker_time(const char *executable, const char *plugin)
{
	struct trial t = {0};
	uv_loop_t loop;
	struct worker_process_options o = {.loop = &loop,
	                                   .executable = executable,
	                                   .plugin_path = plugin,
	                                   .memory = 512 << 20,
	                                   .start_ms = 10000,
	                                   .on_frame = on_frame,
	                                   .on_end = on_end,
	                                   .arg = &t};
	double from = wall_seconds();

	uv_loop_init(&loop);
	t.worker = worker_process_start(&o, &t.why);
	if (t.worker) {
		hello_send(&t);
		uv_run(&loop, UV_RUN_DEFAULT);
	}
	uv_loop_close(&loop);
	if (t.first <= 0)
		die("bench: a worker did not get to its first request: %s", t.why.text);
	return (t.first - from) * 1e3;
}

static void
worker_rows(const struct stage *st, size_t n)
{
	char *executable = xasprintf("%s/sluice-worker", st->build);
	char *plugin = xasprintf("%s/tests/plugins/bench.so", st->build);
	double *ms = xcalloc(n, sizeof *ms), middle;
	struct rusage before, after;

	getrusage(RUSAGE_CHILDREN, &before);
	for (size_t i = 0; i < n; i++)
		ms[i] = worker_time(executable, plugin);
	getrusage(RUSAGE_CHILDREN, &after);
	middle = median(ms, n);
	row_print(&(struct row){"worker, start to first request", middle, "ms", '<', 3,
	                        (usage_seconds(&after) - usage_seconds(&before)) / (double)n},
	          "median of %zu; fastest %.2f ms, slowest %.2f ms", n, ms[0], ms[n - 1]);
	free(ms);
	free(executable);
	free(plugin);
}

/* ---- the host ---- */

static void
host_row(const struct stage *st, const char *what, const char *const args[], double bar)
{
	double wall[HOSTS], cpu[HOSTS], rss = 0;
	struct watched w;

	for (int i = 0; i < HOSTS; i++) {
		w = program_run(st, args, 0);
		wall[i] = w.wall * 1e3;
		cpu[i] = w.cpu;
		rss = w.rss > rss ? w.rss : rss;
	}
	row_print(&(struct row){what, median(wall, HOSTS), "ms", '<', bar, median(cpu, HOSTS)},
	          "median of %d, whole process; resident at most %.1f MiB, libraries and all", HOSTS, rss);
}

static void
idle_row(const struct stage *st, int connections)
{
	pid_t pid = program_start(
	        st, (const char *[]){"changes", "Pass", "--connection-id", "c0", "--cursor", "100", "--follow", NULL},
	        "out");
	double anon, rss;

	nap(SETTLE_US);
	anon = status_mib(pid, "RssAnon:");
	rss = status_mib(pid, "VmRSS:");
	kill(pid, SIGTERM); /* SIGINT is ignored in what a shell starts with & */
	waitpid(pid, NULL, 0);
	row_print(&(struct row){"host, anonymous memory when idle", anon, "MiB", '<', 16, 0},
	          "%d connections, store open, `changes --follow` waiting; resident %.1f MiB", connections, rss);
}

int
main(int argc, char **argv)
{
	size_t workers = argc > 1 ? strtoul(argv[1], NULL, 10) : 101;
	int connections = argc > 2 ? atoi(argv[2]) : 1000;
	struct stage st;
	char *what;

	stage_init(&st, connections);
	stage_records(&st, 100);
	table_head("starting");
	worker_rows(&st, workers);
	program_run(&st, (const char *[]){"run", "--sync", "pass", "--connection-id", "c0", NULL}, 0);
	what = xasprintf("`sluice status`, %d connections", connections);
	host_row(&st, what, (const char *[]){"status", NULL}, 200);
	free(what);
	what = xasprintf("`sluice config --check`, %d connections", connections);
	host_row(&st, what, (const char *[]){"config", "--check", NULL}, 200);
	free(what);
	idle_row(&st, connections);
	stage_finish(&st);
	return 0;
}
