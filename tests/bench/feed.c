/* feed.c - the feed over HTTP: pages of 100 records of 1 KB a second, and what four readers cost a sync that writes meanwhile.
 *
 * Readers run in this process and are no part of the host: their CPU is not in its figures. But they take part of the machine, and
 * where cores are few the wall time of a sync tells of their parsing too. So it is measured twice: with readers that stand back
 * (SCHED_IDLE), as if they were elsewhere, which is the figure with a bar; and with readers as equals. What each had been told by the
 * end of the sync is shown, so that a host which is quick because it lets them starve cannot hide it. Alone and beside take
 * turns, and the figure is the median of the rounds' own ratios, since neighbours come and go.
 *   feed [RECORDS [ROUNDS]]        100000, 3 */
#include <dirent.h>
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

/* Nothing that was started may outlive the table. */
static void
synced(struct served *s)
{
	if (served_sync(s))
		return;
	served_finish(s);
	die("bench: the sync failed");
}

static void
pages_rows(void)
{
	struct served s;

	served_init(&s, records / 5);
	synced(&s);
	pages_row(&s, "feed over HTTP, pages of 100, one client", DATASET "/changes?limit=100", "changes", 500);
	pages_row(&s, "records over HTTP, pages of 100, one client", DATASET "/records?limit=100", "records", 500);
	served_finish(&s);
}

/* ---- a sync beside readers ---- */

enum beside { ALONE, BESIDE, EQUALS, BESIDES };

struct cost {
	double wall, cpu, own; /* own: of the threads that do not stand back, loop and writer above all */
	long changes;          /* that all readers were told by the sync's end */
};

struct costs {
	double wall[16], cpu[16], own[16], changes[16];
};

/* CPU seconds of one thread; 0: it stands back behind `nice`. */
static double
thread_seconds(pid_t pid, const char *thread, long nice)
{
	char path[300], line[1024], *p;
	long user = 0, system = 0, its = 0;
	FILE *f;

	snprintf(path, sizeof path, "/proc/%d/task/%s/stat", pid, thread);
	f = fopen(path, "re");
	p = f && fgets(line, sizeof line, f) ? strrchr(line, ')') : NULL;
	if (p)
		sscanf(p + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %ld %ld %*d %*d %*d %ld", &user, &system, &its);
	if (f)
		fclose(f);
	return its > nice ? 0 : (double)(user + system) / (double)sysconf(_SC_CLK_TCK);
}

static double
own_seconds(pid_t pid)
{
	long nice = getpriority(PRIO_PROCESS, (id_t)pid);
	struct dirent *e;
	double sum = 0;
	char path[64];
	DIR *d;

	snprintf(path, sizeof path, "/proc/%d/task", pid);
	d = opendir(path);
	while (d && (e = readdir(d)))
		sum += *e->d_name == '.' ? 0 : thread_seconds(pid, e->d_name, nice);
	if (d)
		closedir(d);
	return sum;
}

static struct cost
sync_cost(enum beside how)
{
	static const enum reader_way ways[READERS] = {BY_WAITING, BY_WAITING, BY_PAGES, BY_STREAM};
	struct reader_client readers[READERS];
	atomic_bool stop = false;
	struct cost cost = {0};
	struct served s;

	served_init(&s, 100);
	s.stand_back = how == BESIDE;
	synced(&s);
	stage_records(&s.st, records);
	for (int i = 0; how != ALONE && i < READERS; i++)
		reader_start(&readers[i], &s, ways[i], &stop);
	nap(200000);
	cost = (struct cost){.wall = wall_seconds(), .cpu = process_seconds(s.pid), .own = own_seconds(s.pid)};
	synced(&s);
	cost.wall = wall_seconds() - cost.wall;
	cost.cpu = process_seconds(s.pid) - cost.cpu;
	cost.own = own_seconds(s.pid) - cost.own;
	for (int i = 0; how != ALONE && i < READERS; i++)
		cost.changes += readers[i].changes;
	atomic_store(&stop, true);
	for (int i = 0; how != ALONE && i < READERS; i++) {
		pthread_join(readers[i].thread, NULL);
		if (readers[i].trouble)
			die("bench: reader %d: %s", i, readers[i].trouble);
		belief_free(&readers[i].belief);
	}
	served_finish(&s);
	return cost;
}

static double
more_percent(const double *with, const double *alone, size_t n)
{
	double ratios[16];

	for (size_t i = 0; i < n; i++)
		ratios[i] = with[i] / alone[i];
	return (median(ratios, n) - 1) * 100;
}

static void
costs_print(struct costs all[BESIDES], size_t n)
{
	struct costs *alone = &all[ALONE], *with = &all[BESIDE], *equals = &all[EQUALS];
	const double wall = more_percent(with->wall, alone->wall, n), equal = more_percent(equals->wall, alone->wall, n),
	             own = more_percent(with->own, alone->own, n), cpu = more_percent(with->cpu, alone->cpu, n);

	row_print(&(struct row){"a sync beside four readers, wall time", wall, "% longer", '<', 15, median(with->cpu, n)},
	          "%.2f s, alone %.2f s; by its end each had read %.0f changes of %ld", median(with->wall, n), median(alone->wall, n),
	          median(with->changes, n) / READERS, records);
	row_print(&(struct row){"  with readers as equals on the same cores", equal, "% longer", 0, 0, median(equals->cpu, n)},
	          "%.2f s; by its end each had read %.0f", median(equals->wall, n), median(equals->changes, n) / READERS);
	row_print(&(struct row){"  CPU of the host's loop and writer", own, "% more", 0, 0, 0}, "%.2f s, alone %.2f s", median(with->own, n),
	          median(alone->own, n));
	row_print(&(struct row){"  CPU of host and worker, readers' pages included", cpu, "% more", 0, 0, median(with->cpu, n)},
	          "%.2f s, alone %.2f s", median(with->cpu, n), median(alone->cpu, n));
}

static void
beside_rows(void)
{
	struct costs all[BESIDES];
	size_t n = (size_t)rounds < LENGTH(all[0].wall) ? (size_t)rounds : LENGTH(all[0].wall);

	for (size_t i = 0; i < n; i++)
		for (enum beside how = ALONE; how < BESIDES; how++) {
			struct cost cost = sync_cost(how);

			all[how].wall[i] = cost.wall;
			all[how].cpu[i] = cost.cpu;
			all[how].own[i] = cost.own;
			all[how].changes[i] = (double)cost.changes;
		}
	costs_print(all, n);
}

int
main(int argc, char **argv)
{
	curl_global_init(CURL_GLOBAL_DEFAULT);
	records = argc > 1 ? atol(argv[1]) : records;
	rounds = argc > 2 ? atoi(argv[2]) : rounds;
	table_head("the feed over HTTP");
	pages_rows();
	if (rounds > 0)
		beside_rows();
	return 0;
}
