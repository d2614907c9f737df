/* Room and company: a map that grows, a disk that is full, files that may not grow, readers beside the writer. */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include "store/apply.h"
#include "store_kit.h"

static char *
big_text(size_t n)
{
	char *text = xmalloc(n + 1);

	memset(text, 'x', n);
	text[0] = text[n - 1] = '"';
	text[n] = 0;
	return text;
}

TEST("a tiny map grows under a group, unseen by its callers")
{
	struct kit k;
	uint32_t d;
	char *text = big_text(3000), id[16];
	struct store_stats st;

	kit_init(&k);
	k.o.map_bytes = 256 << 10;
	REQUIRE(kit_open(&k));
	d = kit_dataset(&k, "M");
	for (int page = 0; page < 20; page++) {
		struct commit *c = kit_commit(&k);
		for (int i = 0; i < 50; i++) {
			snprintf(id, sizeof(id), "%d", page * 50 + i);
			kit_put(&k, c, d, id, text);
		}
		CHECK_INT(kit_wait(&k, c).added, 50); /* counted once, however often it was replayed */
	}
	store_stats(k.s, &st);
	CHECK(st.map_bytes >= st.file_bytes && st.file_bytes > 3000000);
	REQUIRE(kit_reopen(&k));
	CHECK_INT(kit_info(&k, d).live, 1000);
	CHECK_INT(kit_info(&k, d).sequence, 1000);
	CHECK(kit_verify(&k));
	free(text);
	kit_finish(&k);
}

/* ---- readers beside the writer ---- */

struct reading {
	struct kit *k;
	uint32_t dataset;
	atomic_bool stop;
	atomic_uint bad, rounds;
};

static bool
read_in_order(void *arg, const struct record *r)
{
	uint64_t *last = arg;

	if (r->sequence <= *last)
		*last = UINT64_MAX;
	else
		*last = r->sequence;
	return true;
}

static void *
reader(void *arg)
{
	struct reading *reading = arg;

	while (!atomic_load(&reading->stop)) {
		struct feed_query q = {.dataset = reading->dataset, .limit = 200};
		bool more = true;
		while (more) {
			uint64_t last = q.after;
			struct err err = {0};
			if (store_feed(reading->k->s, &q, read_in_order, &last, &q.after, &more, &err) < 0 ||
			    last == UINT64_MAX) {
				atomic_fetch_add(&reading->bad, 1);
				printf("# reader: %s\n", err.text);
				break;
			}
		}
		atomic_fetch_add(&reading->rounds, 1);
	}
	return NULL;
}

TEST("readers in several threads see whole commits while the map grows under them")
{
	struct kit k;
	struct reading r = {.k = &k};
	pthread_t threads[4];
	char *text = big_text(2500), id[16];

	kit_init(&k);
	k.o.map_bytes = 256 << 10;
	REQUIRE(kit_open(&k));
	r.dataset = kit_dataset(&k, "M");
	for (int i = 0; i < 4; i++)
		if (pthread_create(&threads[i], NULL, reader, &r))
			abort();
	for (int page = 0; page < 40 || atomic_load(&r.rounds) < 20; page++) {
		struct commit *c = kit_commit(&k);
		for (int i = 0; i < 25; i++) {
			snprintf(id, sizeof(id), "%d", (page * 13 + i) % 700);
			text[5] = (char)('a' + page % 26);
			kit_put(&k, c, r.dataset, id, text);
		}
		kit_wait(&k, c);
	}
	atomic_store(&r.stop, true);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	CHECK_INT(atomic_load(&r.bad), 0);
	CHECK(kit_verify(&k));
	free(text);
	kit_finish(&k);
}

struct nested {
	struct kit *k;
	uint32_t dataset;
	unsigned n, found;
};

static void
nested_found(void *arg, const struct record *r)
{
	(void)r;
	((struct nested *)arg)->found++;
}

/* Reads on inside a callback, while the writer is waiting to grow the map. */
static bool
nested_each(void *arg, const struct record *r)
{
	struct nested *n = arg;
	struct commit *c;
	char *text;

	if (n->n++ == 0) {
		text = big_text(900000);
		c = kit_commit(n->k);
		kit_put(n->k, c, n->dataset, "big", text);
		free(text);
		store_commit(n->k->s, c, true, NULL, NULL);
		usleep(50000); /* long enough for it to reach the gate; if not, nothing is tested, and nothing fails */
	}
	store_record(n->k->s, n->dataset, r->id, nested_found, n);
	return true;
}

static atomic_int inside;

static void *
read_once(void *arg)
{
	struct kit *k = arg;
	struct env_read r;
	struct err err = {0};

	if (env_read_begin(&k->s->env, &r, &err) == 0) {
		atomic_store(&inside, 1);
		env_read_end(&k->s->env, &r);
	}
	return NULL;
}

TEST("while the gate is shut no read begins; those that wait go on when it opens")
{
	struct kit k;
	struct env *e;
	pthread_t reader;

	kit_init(&k);
	REQUIRE(kit_open(&k));
	e = &k.s->env;
	pthread_mutex_lock(&e->gate);
	e->shut = true;
	pthread_mutex_unlock(&e->gate);
	REQUIRE(pthread_create(&reader, NULL, read_once, &k) == 0);
	for (int i = 0; i < 50 && !atomic_load(&inside); i++)
		usleep(1000);
	CHECK_INT(atomic_load(&inside), 0);
	pthread_mutex_lock(&e->gate);
	e->shut = false;
	pthread_cond_broadcast(&e->moved);
	pthread_mutex_unlock(&e->gate);
	pthread_join(reader, NULL);
	CHECK_INT(atomic_load(&inside), 1);
	kit_finish(&k);
}

TEST("a read inside a read's callback does not wait for a writer that waits for it")
{
	struct kit k;
	struct nested n = {.k = &k};
	struct feed_query q;

	kit_init(&k);
	k.o.map_bytes = 256 << 10;
	REQUIRE(kit_open(&k));
	n.dataset = kit_dataset(&k, "M");
	q = (struct feed_query){.dataset = n.dataset};
	kit_save(&k, n.dataset, "a", "1");
	kit_save(&k, n.dataset, "b", "1");
	alarm(20);
	CHECK(store_feed(k.s, &q, nested_each, &n, NULL, NULL, &k.err) == 0);
	store_drain(k.s);
	alarm(0);
	CHECK_INT(n.found, 2);
	CHECK(kit_record(&k, n.dataset, "big").found);
	kit_finish(&k);
}

/* ---- no room on the disk ---- */

static void
fill_until_full(struct kit *k, uint32_t d, unsigned *pages)
{
	char *text = big_text(20000), id[16];

	for (*pages = 0; *pages < 2000; ++*pages) {
		struct commit *c = kit_commit(k);
		for (int i = 0; i < 5; i++) {
			snprintf(id, sizeof(id), "%u", *pages * 5 + (unsigned)i);
			kit_put(k, c, d, id, text);
		}
		if (store_commit_wait(k->s, c, NULL, &k->err) < 0)
			break;
	}
	free(text);
}

static void
check_full(struct kit *k, uint32_t d, unsigned pages)
{
	struct commit *c;
	char *text = big_text(200000);

	CHECK_INT(k->err.cls, ERR_HOST);
	CHECK_INT(kit_info(k, d).live, pages * 5);
	CHECK(kit_record(k, d, "0").found); /* reading goes on */
	c = kit_commit(k);
	commit_run(c, 1, slice_of(text, 200000)); /* and fails again, as cleanly */
	CHECK(store_commit_wait(k->s, c, NULL, &k->err) < 0);
	CHECK(kit_verify(k));
	free(text);
}

/* A file system of 4 MiB where mounting is allowed; the case after this one does without. */
TEST("on a full disk a commit fails with the reason, reading goes on, and so does writing when there is room")
{
	struct kit k;
	uint32_t d;
	unsigned pages;
	bool mounted;
	char spare[200];

	kit_init(&k);
	if (mkdir(k.dir, 0700) < 0)
		abort();
	mounted = mount("tmpfs", k.dir, "tmpfs", 0, "size=4m,mode=0700") == 0;
	printf("# %s\n", mounted ? "a tmpfs of 4 MiB" : "no mount allowed: only the limit on file size is tried");
	if (mounted) {
		FILE *f;
		char block[65536] = {1};
		snprintf(spare, sizeof(spare), "%s/spare", k.dir);
		f = fopen(spare, "w");
		for (int i = 0; f && i < 16; i++)
			CHECK(fwrite(block, 1, sizeof(block), f) == sizeof(block));
		CHECK(f && fclose(f) == 0);
		REQUIRE(kit_open(&k));
		d = kit_dataset(&k, "M");
		fill_until_full(&k, d, &pages);
		CHECK(pages > 5 && pages < 2000);
		CHECK_HAS(k.err.text, "no space left on");
		CHECK_HAS(k.err.text, k.dir);
		check_full(&k, d, pages);
		CHECK(remove(spare) == 0);
		CHECK_INT(kit_save(&k, d, "room", "1").added, 1);
		REQUIRE(kit_reopen(&k));
		CHECK_INT(kit_info(&k, d).live, pages * 5 + 1);
		CHECK(kit_verify(&k));
		kit_close(&k);
		CHECK(umount2(k.dir, MNT_DETACH) == 0);
	}
	kit_finish(&k);
}

TEST("where a file may not grow, a commit fails, and nothing of it stays")
{
	struct kit k;
	uint32_t d;
	unsigned pages;
	struct rlimit old, low;

	kit_init(&k);
	REQUIRE(kit_open(&k));
	d = kit_dataset(&k, "M");
	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &old);
	low = (struct rlimit){2 << 20, old.rlim_max};
	CHECK(setrlimit(RLIMIT_FSIZE, &low) == 0);
	mdb_env_set_userctx(k.s->env.mdb, &k);
	fill_until_full(&k, d, &pages);
	CHECK(!mdb_env_get_userctx(k.s->env.mdb)); /* it was opened anew: after a failure the old one is not believed */
	CHECK(pages > 5 && pages < 2000);
	check_full(&k, d, pages);
	CHECK(setrlimit(RLIMIT_FSIZE, &old) == 0);
	CHECK_INT(kit_save(&k, d, "room", "1").added, 1);
	REQUIRE(kit_reopen(&k));
	CHECK_INT(kit_info(&k, d).live, pages * 5 + 1);
	CHECK(kit_verify(&k));
	kit_finish(&k);
}

TEST("after a commit failed, nothing of the same run becomes durable, until it begins again")
{
	struct kit k;
	uint32_t d, scope;
	struct rlimit old, low;
	struct fence fence;
	struct commit *c;
	char *text = big_text(600000);

	kit_init(&k);
	REQUIRE(kit_open(&k));
	d = kit_dataset(&k, "M");
	scope = kit_scope(&k, "a");
	fence = (struct fence){scope, store_epoch_next(k.s, scope, &k.err)};
	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &old);
	low = (struct rlimit){300 << 10, old.rlim_max};
	CHECK(setrlimit(RLIMIT_FSIZE, &low) == 0);
	kit_put(&k, c = commit_new(k.s, fence), d, "page 1", text);
	CHECK(store_commit_wait(k.s, c, NULL, &k.err) < 0);
	CHECK(setrlimit(RLIMIT_FSIZE, &old) == 0);
	c = commit_new(k.s, fence); /* was on its way when the other failed */
	commit_state_set(c, scope, STATE_CHECKPOINT, SLICE(""), SLICE("page 2"));
	CHECK(store_commit_wait(k.s, c, NULL, &k.err) < 0);
	CHECK_INT(k.err.cls, ERR_HOST);
	CHECK_HAS(k.err.text, "an earlier commit of this run failed");
	CHECK(!store_state_get(k.s, scope, STATE_CHECKPOINT, SLICE(""), &(struct buf){0}));
	fence_break(k.s, (struct fence){scope, fence.epoch - 1}); /* nor does an older run's failure heal that */
	c = commit_new(k.s, fence);
	commit_state_set(c, scope, STATE_CHECKPOINT, SLICE(""), SLICE("page 2"));
	CHECK(store_commit_wait(k.s, c, NULL, &k.err) < 0);
	fence.epoch = store_epoch_next(k.s, scope, &k.err);
	kit_put(&k, c = commit_new(k.s, fence), d, "page 1", text);
	CHECK_INT(kit_wait(&k, c).added, 1);
	free(text);
	kit_finish(&k);
}
