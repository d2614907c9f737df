/* sync.c - whole syncs of 1 KB records over loopback, measured from outside: the built program, a real provider, a real
 * worker. Pages have 100 records, so 100 KB.
 *
 * Per row the median, by CPU, of several runs: records per CPU second of host and worker together. What a run costs
 * apart from its records (start, worker, describing, opening) is in every figure but the one that compares a large
 * store with a small one: there a sync of one page is taken off both, or the small one would be mostly that.
 *   sync [RECORDS [BIG]]        100000, 1000000 */
#include <cjson/cJSON.h>
#include <sys/stat.h>
#include "stage.h"

#define RUNS 5
#define PROBE_US 5000

static int
by_cpu(const void *a, const void *b)
{
	const struct watched *x = a, *y = b;

	return (x->cpu > y->cpu) - (x->cpu < y->cpu);
}

static struct watched
sync_once(const struct stage *st, const char *sync)
{
	return program_run(st, (const char *[]){"run", "--sync", sync, NULL}, PROBE_US);
}

/* The median by CPU of several runs; empty: from an empty store each time. Peaks are those of all runs. */
static struct watched
sync_median(const struct stage *st, const char *sync, int runs, bool empty)
{
	struct watched w[RUNS], m;

	for (int i = 0; i < runs; i++) {
		if (empty)
			stage_remove(st, "/store");
		w[i] = sync_once(st, sync);
	}
	qsort(w, (size_t)runs, sizeof *w, by_cpu);
	m = w[runs / 2];
	for (int i = 0; i < runs; i++) {
		m.anon = w[i].anon > m.anon ? w[i].anon : m.anon;
		m.worker = w[i].worker > m.worker ? w[i].worker : m.worker;
	}
	return m;
}

static void
rate_print(const char *what, double bar, long records, const struct watched *m)
{
	row_print(&(struct row){what, (double)records / m->cpu, "records/CPU s", bar > 0 ? '>' : 0, bar, m->cpu},
	          "%.2f us each, %.2f s wall, host %.1f MiB, worker %.1f MiB", m->cpu * 1e6 / (double)records, m->wall,
	          m->anon, m->worker);
}

/* Largest of both, over all rows. */
static void
peaks_note(struct watched *most, const struct watched *m)
{
	most->anon = m->anon > most->anon ? m->anon : most->anon;
	most->worker = m->worker > most->worker ? m->worker : most->worker;
}

static void
pass_rows(const struct stage *st, long n, struct watched *most)
{
	static const struct {
		const char *what, *sync;
		bool empty;
		double bar;
	} rows[] = {
	        {"passed through, new", "pass", true, 60000},
	        {"passed through, unchanged", "pass", false, 100000},
	        {"through a cJSON tree, new", "tree", true, 25000},
	        {"through a cJSON tree, unchanged", "tree", false, 35000},
	};

	for (size_t i = 0; i < LENGTH(rows); i++) {
		struct watched m = sync_median(st, rows[i].sync, RUNS, rows[i].empty);

		rate_print(rows[i].what, rows[i].bar, n, &m);
		peaks_note(most, &m);
	}
}

/* ---- exactly the changed and the gone ---- */

/* How many ids the answer of a mutation names, changed and dropped. */
static long
mutation_count(const char *answer)
{
	const char *body = strstr(answer, "\r\n\r\n");
	cJSON *root = cJSON_Parse(body ? body + 4 : ""), *records;
	long n;

	records = cJSON_GetObjectItem(cJSON_GetObjectItem(root, "plain"), "records");
	n = cJSON_GetArraySize(cJSON_GetObjectItem(records, "changed")) +
	    cJSON_GetArraySize(cJSON_GetObjectItem(records, "dropped"));
	cJSON_Delete(root);
	return n;
}

/* Entries of the change feed after a cursor. */
static long
feed_count(const struct stage *st, long cursor)
{
	char number[32];

	snprintf(number, sizeof number, "%ld", cursor);
	program_run(st, (const char *[]){"changes", "Pass", "--cursor", number, "--format", "jsonl", NULL}, 0);
	return program_lines(st);
}

static void
change_rows(const struct stage *st, long n, struct watched *most)
{
	double cpu[3];
	long cursor = n, expected = 0, written = 0;
	struct watched m = {0};

	stage_remove(st, "/store");
	sync_once(st, "pass");
	for (size_t i = 0; i < LENGTH(cpu); i++) {
		char *answer = stage_control(st, "/_control/mutate?api=plain&change=1%25&drop=1%25");
		long round = mutation_count(answer);

		free(answer);
		m = sync_once(st, "pass");
		cpu[i] = m.cpu;
		written += feed_count(st, cursor);
		cursor += round;
		expected += round;
		peaks_note(most, &m);
	}
	m.cpu = median(cpu, LENGTH(cpu));
	rate_print("passed through, 1 % changed, 1 % gone", 0, n, &m);
	row_print(&(struct row){"  feed entries written by three such syncs", (double)written, "entries", '=',
	                        (double)expected, 0},
	          "the bar is what the provider says that it changed and dropped");
}

/* ---- a large store against a small one ---- */

static double
unchanged_cpu(const struct stage *st, const char *what, long n, int runs, struct watched *most)
{
	struct watched m;

	stage_records(st, n);
	stage_remove(st, "/store");
	m = sync_once(st, "pass");
	peaks_note(most, &m);
	m = sync_median(st, "pass", runs, false);
	rate_print(what, 0, n, &m);
	peaks_note(most, &m);
	return m.cpu;
}

static void
scale_rows(const struct stage *st, long small, long big, struct watched *most)
{
	double page = unchanged_cpu(st, "a sync of one page", 100, RUNS, most);
	double few = unchanged_cpu(st, "unchanged, the small store", small, RUNS, most) - page;
	double many = unchanged_cpu(st, "unchanged, the large store", big, 3, most) - page;

	row_print(&(struct row){"  rate of the large store against the small",
	                        few / (double)small / (many / (double)big), "times", '>', 0.8, 0},
	          "%ld records against %ld, start-up taken off both", big, small);
}

static double
disk_bytes(const struct stage *st)
{
	char *path = xasprintf("%s/store/data.mdb", st->dir);
	struct stat s;
	double bytes = stat(path, &s) ? 0 : (double)s.st_blocks * 512;

	free(path);
	return bytes;
}

int
main(int argc, char **argv)
{
	long n = argc > 1 ? atol(argv[1]) : 100000, big = argc > 2 ? atol(argv[2]) : 1000000;
	struct watched most = {0};
	struct stage st;

	stage_init(&st, 1);
	table_head("whole syncs, 1 KB records over loopback");
	stage_records(&st, n);
	pass_rows(&st, n, &most);
	change_rows(&st, n, &most);
	scale_rows(&st, n / 10, big, &most);
	row_print(
	        &(struct row){"bytes on disk per stored byte", disk_bytes(&st) / ((double)big * 1024), "", '<', 1.7, 0},
	        "of the large store, as the file system counts");
	row_print(&(struct row){"host, anonymous memory, at most", most.anon, "MiB", '<', 64, 0}, "in all syncs above");
	row_print(&(struct row){"worker, anonymous memory, at most", most.worker, "MiB", '<', 8, 0},
	          "in all syncs above: pages of 100 KB");
	stage_finish(&st);
	return 0;
}
