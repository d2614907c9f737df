/* store.c - what a record costs in the store alone: CPU microseconds (user and system, both threads), pages of 100
 * records of 1 KB, sealed, group commit at its defaults. Arguments: records a measurement (100000), stored rows
 * (1000000). */
#include <ftw.h>
#include <unistd.h>
#include "base/mem.h"
#include "store/events_out.h"
#include "store/store.h"
#include "table.h"

#define TEXT 1024
#define PAGE 100
#define ON_THE_WAY 76 /* pages: 8 MiB of operations, as much as a run may have on the way (max_batch) */

struct bench {
	struct store *s;
	uint32_t dataset;
	unsigned long way; /* pages submitted and not yet called back */
	struct commit_counts sum;
	char text[TEXT];
	char dir[128];
};

static void
page_done(void *arg, const struct commit_result *r)
{
	struct bench *b = arg;

	if (r->err.cls)
		die("bench: %s", r->err.text);
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

/* How a dataset is saved and what that should cost at most; microseconds of CPU a record, 0: no bar. */
struct way {
	const char *what;
	unsigned long from, n, changed_each, version;
	double bar;
};

static void
measure(struct bench *b, const struct way *w)
{
	double cpu = cpu_seconds(), wall = wall_seconds();

	b->sum = (struct commit_counts){0};
	save(b, w->from, w->n, w->changed_each, w->version);
	cpu = cpu_seconds() - cpu;
	wall = wall_seconds() - wall;
	row_print(&(struct row){w->what, cpu * 1e6 / (double)w->n, "us CPU each", w->bar > 0 ? '<' : 0, w->bar, cpu},
	          "%.2f s wall; %lu added, %lu updated, %lu unchanged", wall, b->sum.added, b->sum.updated,
	          b->sum.unchanged);
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

/* The median of three readings: a rate by the wall is the first thing to suffer from neighbours. */
static void
measure_feed(struct bench *b, const char *what)
{
	double rate[3], cpu = cpu_seconds();
	struct reading sum;
	struct err err;

	for (size_t i = 0; i < LENGTH(rate); i++) {
		struct feed_query q = {.dataset = b->dataset, .limit = 1000};
		double wall = wall_seconds();
		bool more = true;

		sum = (struct reading){0};
		while (more && sum.n < 300000)
			if (store_feed(b->s, &q, read_one, &sum, &q.after, &more, &err) < 0)
				die("bench: %s", err.text);
		rate[i] = (double)sum.n / (wall_seconds() - wall);
	}
	cpu = (cpu_seconds() - cpu) / LENGTH(rate);
	row_print(&(struct row){what, median(rate, LENGTH(rate)), "records/s", '>', 200000, cpu},
	          "%.2f us CPU each, %lu records", cpu * 1e6 / (double)sum.n, sum.n);
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
	row_print(&(struct row){"bytes in use per stored byte", (double)st.used_bytes / ((double)rows * TEXT), "", '<',
	                        1.7, 0},
	          "%.2f in the file, which keeps freed pages", (double)st.file_bytes / ((double)rows * TEXT));
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
	if (!b->dataset)
		die("bench: %s", err.text);
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
	cpu = cpu_seconds();
	wall = wall_seconds();
	store_commit(b->s, c, true, page_done, b);
	while (b->way) {
		long now = own_memory_mib();
		most = now > most ? now : most;
		usleep(10000);
		store_poll(b->s);
	}
	cpu = cpu_seconds() - cpu;
	row_print(&(struct row){"sweep of everything", cpu * 1e6 / (double)rows, "us CPU each", 0, 0, cpu},
	          "%.2f s wall, one transaction; %lu of %lu deleted; %ld MiB of own memory at most",
	          wall_seconds() - wall, b->sum.deleted, rows, most);
}

/* The same with an application's endpoint that is told of every change: what its events cost. */
static void
measure_told(unsigned long n, bool pointer, const char *made, const char *changed)
{
	const struct outbox_rule rule = {.name = "crm", .wants = 7, .pointer = pointer, .max_pending = 10000000};
	struct bench b;

	bench_open(&b, false);
	if (store_outbox_rules(b.s, &rule, 1, NULL) < 0)
		die("bench: the endpoint is not taken");
	measure(&b, &(struct way){made, 0, n, 0, 1, 0});
	measure(&b, &(struct way){changed, 0, n, 100, 2, 0});
	bench_close(&b);
}

int
main(int argc, char **argv)
{
	unsigned long n = argc > 1 ? strtoul(argv[1], NULL, 10) : 100000;
	unsigned long rows = argc > 2 ? strtoul(argv[2], NULL, 10) : 1000000;
	struct bench b;

	table_head("the store alone, sealed");
	bench_open(&b, false);
	measure(&b, &(struct way){"new, into an empty store", 0, n, 0, 1, 0});
	measure_disk(&b, n);
	measure(&b, &(struct way){"unchanged, no generation", 0, n, 0, 1, 0});
	begin(&b);
	measure(&b, &(struct way){"unchanged, marked as seen", 0, n, 0, 1, 0});
	measure(&b, &(struct way){"1 % changed", 0, n, 100, 2, 0});
	measure_feed(&b, "change feed, one reader");
	bench_close(&b);

	measure_told(n, false, "new, one endpoint told of all of it", "1 % changed, the same");
	measure_told(n, true, "new, one endpoint told by pointers", "1 % changed, the same");

	bench_open(&b, false);
	save(&b, 0, rows, 0, 1);
	begin(&b);
	measure(&b, &(struct way){"unchanged, all of the rows stored", 0, rows, 0, 1, 0});
	measure(&b, &(struct way){"new, behind all of these rows", rows, n, 0, 1, 12});
	measure_feed(&b, "change feed, one reader, the large store");
	measure_disk(&b, rows + n);
	measure_sweep(&b, rows + n);
	bench_close(&b);

	table_head("the store alone, plain");
	bench_open(&b, true);
	measure(&b, &(struct way){"new, into an empty store", 0, n, 0, 1, 0});
	measure_feed(&b, "change feed, one reader");
	bench_close(&b);
	return 0;
}
