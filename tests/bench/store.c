/* store.c - what a record costs in the store alone: CPU microseconds (user and system, both threads), pages of 100
 * records of 1 KB, sealed, group commit at its defaults. Arguments: records a measurement (100000), stored rows
 * (1000000). */
#include <ftw.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>
#include "base/mem.h"
#include "store/store.h"

#define TEXT 1024
#define PAGE 100
#define ON_THE_WAY 60 /* pages */

struct bench {
	struct store *s;
	uint32_t dataset;
	unsigned long way; /* pages submitted and not yet called back */
	struct commit_counts sum;
	char text[TEXT];
	char dir[128];
};

static double
cpu_us(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1e6 +
	       (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
}

static double
wall_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static void
page_done(void *arg, const struct commit_result *r)
{
	struct bench *b = arg;

	if (r->err.cls) {
		fprintf(stderr, "%s\n", r->err.text);
		exit(1);
	}
	b->way--;
	for (size_t i = 0; i < r->n_counts; i++) {
		b->sum.added += r->counts[i].added;
		b->sum.updated += r->counts[i].updated;
		b->sum.unchanged += r->counts[i].unchanged;
		b->sum.deleted += r->counts[i].deleted;
	}
}

/* Ids as APIs give them: no order in them. */
static struct slice
id_of(unsigned long i, char out[32])
{
	return slice_of(out, (size_t)snprintf(out, 32, "rec_%016lx", (i + 1) * 0x9e3779b97f4a7c15ul));
}

/* The hash is made from number and version: scanning the JSON is not what is measured here. */
static void
page_add(struct bench *b, struct commit *c, unsigned long i, unsigned long version)
{
	char id[32];
	struct slice name = id_of(i, id);
	struct json_hash h = {i * 0x2545f4914f6cdd1dul, version};
	int n = snprintf(b->text, sizeof(b->text), "{\"id\":\"%.*s\",\"version\":%lu,\"text\":\"", (int)name.len,
	                 name.p, version);

	memset(b->text + n, 'x', sizeof(b->text) - (size_t)n);
	memcpy(b->text + sizeof(b->text) - 2, "\"}", 2);
	commit_save(c, b->dataset, name, slice_of(b->text, sizeof(b->text)), &h);
}

static void
save(struct bench *b, unsigned long from, unsigned long n, unsigned long changed_each, unsigned long version)
{
	for (unsigned long i = 0; i < n; i += PAGE) {
		struct commit *c = commit_new(b->s, (struct fence){0});
		for (unsigned long j = i; j < i + PAGE && j < n; j++)
			page_add(b, c, from + j, changed_each && j % changed_each == 0 ? version : 1);
		b->way++;
		store_commit(b->s, c, false, page_done, b);
		store_poll(b->s);
		while (b->way > ON_THE_WAY) {
			usleep(500);
			store_poll(b->s);
		}
	}
	store_drain(b->s);
}

static void
measure(struct bench *b, const char *what, unsigned long from, unsigned long n, unsigned long each,
	unsigned long version)
{
	double cpu = cpu_us(), wall = wall_us();

	b->sum = (struct commit_counts){0};
	save(b, from, n, each, version);
	cpu = cpu_us() - cpu;
	wall = wall_us() - wall;
	printf("%-44s %8.2f us CPU %8.2f us wall   (%lu added, %lu updated, %lu unchanged)\n", what, cpu / (double)n,
	       wall / (double)n, b->sum.added, b->sum.updated, b->sum.unchanged);
}

struct reading {
	unsigned long n, bytes;
};

static bool
read_one(void *arg, const struct record *r)
{
	struct reading *sum = arg;

	sum->n++;
	sum->bytes += r->json.len;
	return true;
}

static void
measure_feed(struct bench *b, const char *what)
{
	struct feed_query q = {.dataset = b->dataset, .limit = 1000};
	struct reading sum = {0};
	struct err err;
	bool more = true;
	double cpu = cpu_us(), wall = wall_us();

	while (more && sum.n < 300000)
		if (store_feed(b->s, &q, read_one, &sum, &q.after, &more, &err) < 0) {
			fprintf(stderr, "%s\n", err.text);
			exit(1);
		}
	cpu = cpu_us() - cpu;
	wall = wall_us() - wall;
	printf("%-44s %8.2f us CPU %8.0f records a second\n", what, cpu / (double)sum.n, (double)sum.n / wall * 1e6);
}

static int
remove_one(const char *path, const struct stat *st, int flag, struct FTW *at)
{
	(void)st;
	(void)flag;
	(void)at;
	return remove(path);
}

static void
measure_disk(struct bench *b, unsigned long rows)
{
	struct store_stats st;

	store_stats(b->s, &st);
	printf("%-44s %8.2f in use, %.2f in the file\n", "bytes on disk per stored byte",
	       (double)st.used_bytes / ((double)rows * TEXT), (double)st.file_bytes / ((double)rows * TEXT));
}

static void
bench_open(struct bench *b, bool plain)
{
	const char *tmp = getenv("TMPDIR");
	struct err err;
	char key[160];

	*b = (struct bench){0};
	snprintf(b->dir, sizeof(b->dir), "%s/sluice-bench-XXXXXX", tmp ? tmp : "/tmp");
	if (!mkdtemp(b->dir))
		abort();
	snprintf(key, sizeof(key), "%s/key", b->dir);
	b->s = store_open(&(struct store_options){.dir = b->dir, .key_file = plain ? NULL : key, .plain = plain}, &err);
	b->dataset = b->s ? store_dataset(b->s, &(struct dataset_name){"c", "i", "m", NULL}, &err) : 0;
	if (!b->dataset) {
		fprintf(stderr, "%s\n", err.text);
		exit(1);
	}
}

static void
bench_close(struct bench *b)
{
	store_close(b->s);
	nftw(b->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void
begin(struct bench *b)
{
	struct commit *c = commit_new(b->s, (struct fence){0});

	commit_seen_begin(c, b->dataset);
	store_commit_wait(b->s, c, NULL, NULL);
}

static long
own_memory_mib(void)
{
	FILE *f = fopen("/proc/self/status", "r");
	char line[256];
	long kib = 0;

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "RssAnon: %ld", &kib) == 1)
			break;
	if (f)
		fclose(f);
	return kib / 1024;
}

static void
measure_sweep(struct bench *b, unsigned long rows)
{
	struct commit *c = commit_new(b->s, (struct fence){0});
	double cpu, wall;
	long most = 0;

	begin(b);
	commit_sweep(c, &(struct sweep){.dataset = b->dataset, .force = true});
	b->sum = (struct commit_counts){0};
	b->way = 1;
	cpu = cpu_us();
	wall = wall_us();
	store_commit(b->s, c, true, page_done, b);
	while (b->way) {
		long now = own_memory_mib();
		most = now > most ? now : most;
		usleep(10000);
		store_poll(b->s);
	}
	printf("%-44s %8.2f us CPU %8.2f s in all       (%lu of %lu deleted; %ld MiB of own memory at most)\n",
	       "sweep of everything, a record", (cpu_us() - cpu) / (double)rows, (wall_us() - wall) / 1e6,
	       b->sum.deleted, rows, most);
}

int
main(int argc, char **argv)
{
	unsigned long n = argc > 1 ? strtoul(argv[1], NULL, 10) : 100000;
	unsigned long rows = argc > 2 ? strtoul(argv[2], NULL, 10) : 1000000;
	struct bench b;

	bench_open(&b, false);
	measure(&b, "new, into an empty store", 0, n, 0, 1);
	measure_disk(&b, n);
	measure(&b, "unchanged, no generation", 0, n, 0, 1);
	begin(&b);
	measure(&b, "unchanged, marked as seen", 0, n, 0, 1);
	measure(&b, "1 % changed", 0, n, 100, 2);
	measure_feed(&b, "feed, one reader");
	bench_close(&b);

	bench_open(&b, false);
	save(&b, 0, 10000, 0, 1);
	begin(&b);
	for (int i = 0; i < 9; i++)
		save(&b, 0, 10000, 0, 1);
	measure(&b, "unchanged, 10 000 rows stored", 0, 10000, 0, 1);
	bench_close(&b);

	bench_open(&b, false);
	save(&b, 0, rows, 0, 1);
	begin(&b);
	measure(&b, "unchanged, all rows stored, all of them", 0, rows, 0, 1);
	measure(&b, "new, behind all rows", rows, n, 0, 1);
	measure_feed(&b, "feed, one reader, all rows stored");
	measure_disk(&b, rows + n);
	measure_sweep(&b, rows + n);
	bench_close(&b);

	bench_open(&b, true);
	measure(&b, "plain store: new", 0, n, 0, 1);
	measure_feed(&b, "plain store: feed, one reader");
	bench_close(&b);
	return 0;
}
