/* feed.c - the feed over HTTP: pages of 100 records of 1 KB a second, and what four readers cost a sync that writes meanwhile.
 *
 * Readers and clients run in this process, so their own CPU is not in the host's figures; but they take part of the machine, and
 * where cores are few the wall time of a sync tells of that too. So both are shown: wall, and CPU of host and worker.
 *   feed [RECORDS [ROUNDS]]        100000, 3 */
#include "../flow/readers.h"

#define READERS 4
#define PAGE_SECONDS 3.0

static long records = 100000;
static int rounds = 3;

/* CPU seconds of a process so far, with the children that it has waited for. */
static double
process_seconds(pid_t pid)
{
	char path[64], line[1024], *p;
	long t[4] = {0};
	FILE *f;

	snprintf(path, sizeof path, "/proc/%d/stat", pid);
	f = fopen(path, "re");
	p = f && fgets(line, sizeof line, f) ? strrchr(line, ')') : NULL;
	if (p)
		sscanf(p + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %ld %ld %ld %ld", &t[0], &t[1], &t[2], &t[3]);
	if (f)
		fclose(f);
	return (double)(t[0] + t[1] + t[2] + t[3]) / (double)sysconf(_SC_CLK_TCK);
}

/* ---- pages ---- */

static void
pages_row(const struct served *s, const char *what, const char *path, const char *list, double bar)
{
	CURL *c = client_new();
	struct buf out = {0};
	char cursor[128] = "";
	struct slice value;
	double from = wall_seconds(), cpu = process_seconds(s->pid), took;
	long pages = 0, rows = 0;

	while ((took = wall_seconds() - from) < PAGE_SECONDS) {
		char *ask = xasprintf("%s%s%s", path, *cursor ? "&cursor=" : "", cursor);

		if (client_ask(c, s, ask, NULL, &out) != 200)
			die("bench: a page was refused: %s", buf_str(&out));
		free(ask);
		rows += (long)json_count(member_raw(buf_view(&out), list));
		value = member_raw(buf_view(&out), "cursor");
		snprintf(cursor, sizeof cursor, "%.*s", (int)value.len - 2, value.p + 1);
		if (!member_bool(buf_view(&out), "more", false))
			*cursor = '\0'; /* from the beginning again */
		pages++;
	}
	cpu = process_seconds(s->pid) - cpu;
	row_print(&(struct row){what, (double)pages / took, "requests/s", bar > 0 ? '>' : 0, bar, cpu},
	          "%.0f records/s, %.0f us CPU of the host each", (double)rows / took, cpu * 1e6 / (double)pages);
	buf_free(&out);
	curl_easy_cleanup(c);
}

static void
pages_rows(void)
{
	struct served s;

	served_init(&s, records / 5);
	if (!served_sync(&s))
		die("bench: the sync failed");
	pages_row(&s, "feed over HTTP, pages of 100, one client", DATASET "/changes?limit=100", "changes", 500);
	pages_row(&s, "records over HTTP, pages of 100, one client", DATASET "/records?limit=100", "records", 500);
	served_finish(&s);
}

/* ---- a sync beside readers ---- */

struct cost {
	double wall, cpu;
	long changes;
};

static struct cost
sync_cost(bool beside)
{
	static const enum reader_way ways[READERS] = {BY_WAITING, BY_WAITING, BY_PAGES, BY_STREAM};
	struct reader_client readers[READERS];
	atomic_bool stop = false;
	struct cost cost = {0};
	struct served s;

	served_init(&s, 100);
	if (!served_sync(&s))
		die("bench: the sync failed");
	stage_records(&s.st, records);
	for (int i = 0; beside && i < READERS; i++)
		reader_start(&readers[i], &s, ways[i], &stop);
	nap(200000);
	cost.cpu = process_seconds(s.pid);
	cost.wall = wall_seconds();
	if (!served_sync(&s))
		die("bench: the sync failed");
	cost.wall = wall_seconds() - cost.wall;
	cost.cpu = process_seconds(s.pid) - cost.cpu;
	atomic_store(&stop, true);
	for (int i = 0; beside && i < READERS; i++) {
		pthread_join(readers[i].thread, NULL);
		if (readers[i].trouble)
			die("bench: reader %d: %s", i, readers[i].trouble);
		cost.changes += readers[i].changes;
		belief_free(&readers[i].belief);
	}
	served_finish(&s);
	return cost;
}

static void
beside_rows(void)
{
	double alone[16], with[16], cpu_alone[16], cpu_with[16], ratio;
	struct cost cost = {0};
	size_t n = (size_t)rounds < LENGTH(alone) ? (size_t)rounds : LENGTH(alone);

	for (size_t i = 0; i < n; i++) {
		cost = sync_cost(false);
		alone[i] = cost.wall;
		cpu_alone[i] = cost.cpu;
		cost = sync_cost(true);
		with[i] = cost.wall;
		cpu_with[i] = cost.cpu;
	}
	ratio = median(with, n) / median(alone, n);
	row_print(&(struct row){"a sync beside four readers, wall time", (ratio - 1) * 100, "% longer", '<', 15, median(cpu_with, n)},
	          "%.2f s, alone %.2f s; each read %ld changes meanwhile", median(with, n), median(alone, n), cost.changes / READERS);
	ratio = median(cpu_with, n) / median(cpu_alone, n);
	row_print(&(struct row){"  the same by CPU of host and worker, readers' pages included", (ratio - 1) * 100, "% more", 0, 0, median(cpu_with, n)},
	          "%.2f s, alone %.2f s", median(cpu_with, n), median(cpu_alone, n));
}

int
main(int argc, char **argv)
{
	curl_global_init(CURL_GLOBAL_DEFAULT);
	records = argc > 1 ? atol(argv[1]) : records;
	rounds = argc > 2 ? atoi(argv[2]) : rounds;
	table_head("the feed over HTTP");
	pages_rows();
	beside_rows();
	return 0;
}
