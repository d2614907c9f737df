/* io_fault.c - every call of the store that changes a file fails once, and from then on, with EIO, with ENOSPC and half done:
 * nobody crashes, whoever asked is told, and the writer goes on to the same end.
 *
 * A scenario is run once to count its calls, then once for each of them and each kind of fault:
 *
 *   made       a store where there is none, its key, and the first pages
 *   gone on    a store that is there is opened, and gets further pages
 *
 * In each the writer tries again what failed, as a run does: a failed open, and a failed page under a new epoch. After
 * a single fault it must get to the end; after a lasting one it gives up, and must get there once the fault is over.
 * What failed on data.mdb must have been reported (the writer gets no silent success), and what lies there is always
 * the state after whole pages, none acknowledged and missing. */
#include "io_fault.h"
#include "base/log.h"
#include "store_held.h"

#define PAGES 4    /* that a scenario saves */
#define TRIES 3    /* of an open or a page */

static const struct fault_kind {
	const char *name;
	int error;
	bool on, half;
} kinds[] = {
	{"EIO", .error = EIO},
	{"ENOSPC", .error = ENOSPC},
	{"half a write, else EIO", .error = EIO, .half = true},
	{"EIO from then on", .error = EIO, .on = true},
	{"ENOSPC from then on", .error = ENOSPC, .on = true},
};

struct play {
	struct kit k;
	char top[128];      /* all that is its own is in here */
	unsigned before;    /* pages in the store when it begins */
	unsigned acked, reported;
	unsigned runs, bad;
};

static void
report(struct play *p, const char *of)
{
	p->reported++;
	if (!p->k.err.cls || !p->k.err.text[0]) {
		printf("# %s failed without a reason\n", of);
		p->bad++;
	}
}

static bool
play_open(struct play *p)
{
	for (int i = 0; i < TRIES; i++) {
		p->k.err = (struct err){0};
		if ((p->k.s = store_open(&p->k.o, &p->k.err)))
			return true;
		report(p, "opening the store");
	}
	return false;
}

/* The names, the rules and an epoch: each a commit of its own. */
static bool
run_begin(struct play *p, uint32_t *d, struct fence *f)
{
	struct kit *k = &p->k;

	for (int i = 0; i < TRIES; i++) {
		k->err = (struct err){0};
		if ((*d = store_dataset(k->s, &(struct dataset_name){.connection = "acme", .integration = "crm", .model = "M"}, &k->err)) &&
		    (f->scope = kit_scope(k, "sync")) && writer_rules(k) && (f->epoch = store_epoch_next(k->s, f->scope, &k->err)))
			return true;
		report(p, "beginning a run");
	}
	return false;
}

static bool
page_save(struct play *p, uint32_t d, struct fence *f, unsigned page)
{
	for (int i = 0; i < TRIES; i++) {
		p->k.err = (struct err){0};
		if (store_commit_wait(p->k.s, page_commit(&p->k, *f, d, page), NULL, &p->k.err) == 0)
			return true;
		report(p, "saving a page");
		if (!run_begin(p, &d, f))
			return false;
		if (checkpoint(p->k.s, f->scope) > page)
			return true; /* it was durable, and the failure behind it */
	}
	return false;
}

/* Saves pages up to the end, from wherever the store is. False: it gave up. */
static bool
play_run(struct play *p)
{
	struct fence f = {0};
	uint32_t d;
	bool done = false;

	if (!play_open(p))
		return false;
	if (run_begin(p, &d, &f)) {
		done = true;
		for (unsigned page = checkpoint(p->k.s, f.scope); page < p->before + PAGES && done; page++)
			if ((done = page_save(p, d, &f, page)))
				p->acked = page + 1;
	}
	kit_close(&p->k);
	return done;
}

/* ---- scenarios ---- */

static void
file_copy(const char *from, const char *to)
{
	static char bytes[1 << 16];
	int in = open(from, O_RDONLY | O_CLOEXEC), out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	ssize_t n;

	while ((n = read(in, bytes, sizeof(bytes))) > 0)
		if (write(out, bytes, (size_t)n) != n)
			die("cannot write %s", to);
	if (in < 0 || out < 0 || n < 0)
		die("cannot copy %s", from);
	close(in);
	close(out);
}

static void
play_finish(struct play *p)
{
	nftw(p->top, kit_unlink, 16, FTW_DEPTH | FTW_PHYS);
}

/* An empty place, or one with a copy of the store that `base` has made. */
static void
play_begin(struct play *p, const struct play *base)
{
	char path[200];

	held_init(&p->k);
	snprintf(p->top, sizeof(p->top), "%.*s", (int)(strlen(p->k.dir) - strlen("/store")), p->k.dir);
	p->acked = p->before = p->reported = 0;
	if (!base)
		return;
	p->before = p->acked = base->acked;
	if (mkdir(p->k.dir, 0700) < 0)
		die("cannot make %s", p->k.dir);
	snprintf(path, sizeof(path), "%s/data.mdb", base->k.dir);
	char *to = xasprintf("%s/data.mdb", p->k.dir);
	file_copy(path, to);
	file_copy(base->k.key_file, p->k.key_file);
	free(to);
}

/* One run with one fault, then without it. How many calls it made. */
static unsigned
fault_try(struct play *p, const struct play *base, const struct fault_kind *kind, unsigned at)
{
	struct io_fault f = {.at = at, .on = kind->on, .half = kind->half, .error = kind->error};
	const char *what = NULL;
	bool done;

	play_begin(p, base);
	io_fault_set(&f, p->top);
	done = play_run(p);
	io_fault_set(NULL, NULL);
	if (f.hit_data && !p->reported)
		what = "nobody was told";
	else if (!done && !kind->on)
		what = "the writer did not get to the end";
	else if (done || p->acked) /* else there may be no store yet */
		what = store_fault(&p->k, p->acked, false);
	if (!what && !done && !play_run(p))
		what = "the writer does not go on when the fault is over";
	if (!what)
		what = store_fault(&p->k, p->before + PAGES, true);
	p->runs++;
	if (what && p->bad++ < 5)
		printf("# call %u, %s, %s: %s\n", at, kind->name, f.call, what);
	play_finish(p);
	return f.n;
}

static void
fault_each_call(const struct play *base)
{
	struct play p = {0};
	unsigned calls = fault_try(&p, base, &kinds[0], 0);
	int null = open("/dev/null", O_WRONLY | O_CLOEXEC);

	REQUIRE(!p.bad && calls > 20);
	log_setup(null, LOG_ERROR, LOG_TEXT); /* the store says each fault that lasts */
	for (size_t i = 0; i < LENGTH(kinds); i++)
		for (unsigned at = 1; at <= calls; at++)
			fault_try(&p, base, &kinds[i], at);
	printf("# faults: %u calls, %u runs, %u bad\n", calls, p.runs, p.bad);
	CHECK_INT(p.bad, 0);
	log_setup(STDERR_FILENO, LOG_ERROR, LOG_TEXT);
	close(null);
}

TEST("a fault of any kind in any call while a store is made is told, harms nothing, and is got over")
{
	fault_each_call(NULL);
}

TEST("a fault of any kind in any call of a store that is written is told, harms nothing, and is got over")
{
	struct play base = {0};

	play_begin(&base, NULL);
	base.before = 2 * QUEUE - PAGES; /* events are taken, pages of the file used again */
	CHECK(play_run(&base));
	fault_each_call(&base);
	play_finish(&base);
}
