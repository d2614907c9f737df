/* api_readers.c - four readers of a dataset over HTTP while a real sync writes it: what each was told, a snapshot and the changes
 * behind it, is in the end what a new snapshot says. The slow-down of the sync is measured by tests/bench/feed.c. */
#define TAP_NO_MAIN
#include "../tap.h"
#include "readers.h"

#define RECORDS (SLUICE_SANITIZED ? 2000 : 10000)
#define READERS 4

static const enum reader_way ways[READERS] = {BY_WAITING, BY_PAGES, BY_STREAM, BY_STREAM};

static void
reader_check(struct reader_client *r, const struct served *s)
{
	struct belief now = {0};
	CURL *c = client_new();
	char cursor[128];
	size_t wrong = 0;

	CHECK_STR(r->trouble ? r->trouble : "", "");
	CHECK(snapshot_take(c, s, &now, cursor, &r->belief, &wrong));
	CHECK_INT(wrong, 0);
	CHECK_INT(r->belief.live, now.live);
	CHECK(now.live > 0);
	curl_easy_cleanup(c);
	belief_free(&now);
}

static void
readers_run(struct served *s, void (*play)(struct served *s))
{
	struct reader_client readers[READERS];
	atomic_bool stop = false;

	for (int i = 0; i < READERS; i++) {
		reader_start(&readers[i], s, ways[i], &stop);
		nap(30000); /* each begins at another place */
	}
	play(s);
	atomic_store(&stop, true);
	for (int i = 0; i < READERS; i++) {
		pthread_join(readers[i].thread, NULL);
		printf("# reader %d: %ld changes in %ld pages, %ld streams\n", i, readers[i].changes, readers[i].pages, readers[i].streams);
		reader_check(&readers[i], s);
		belief_free(&readers[i].belief);
	}
}

static void
many_changes(struct served *s)
{
	for (int i = 0; i < 3; i++) {
		free(stage_control(&s->st, "/_control/mutate?api=plain&change=20%25&drop=5%25&add=200"));
		CHECK(served_sync(s));
	}
}

TEST("snapshot and changes are the new snapshot, for four readers beside syncs that add, change and delete")
{
	struct served s = {0};

	served_init(&s, RECORDS);
	REQUIRE(served_sync(&s));
	readers_run(&s, many_changes);
	served_finish(&s);
}

static void
grow(struct served *s)
{
	stage_records(&s->st, RECORDS);
	CHECK(served_sync(s));
}

TEST("the same while the first large sync fills the dataset")
{
	struct served s = {0};

	served_init(&s, 100);
	REQUIRE(served_sync(&s));
	readers_run(&s, grow);
	served_finish(&s);
}

TEST("readers that take nothing hold up neither the sync nor each other, cost a bounded share of memory, and miss nothing")
{
	enum { SLOW = 8 };
	struct reader_client readers[SLOW];
	struct served s = {0};
	atomic_bool stop = false;
	double before, behind;

	served_init(&s, 100);
	REQUIRE(served_sync(&s));
	for (int i = 0; i < SLOW; i++) {
		readers[i] = (struct reader_client){.served = &s, .way = BY_STREAM, .stop = &stop, .slow = true};
		pthread_create(&readers[i].thread, NULL, reader_main, &readers[i]);
	}
	nap(500000);
	before = status_mib(s.pid, "RssAnon:");
	stage_records(&s.st, RECORDS * 2);
	CHECK(served_sync(&s));
	nap(500000);
	behind = status_mib(s.pid, "RssAnon:");
	printf("# %d readers behind: %.1f MiB before, %.1f MiB with them\n", SLOW, before, behind);
	if (!SLUICE_SANITIZED)
		CHECK(behind - before < 40); /* all that they have not taken would be 160 */
	atomic_store(&stop, true);
	for (int i = 0; i < SLOW; i++) {
		pthread_join(readers[i].thread, NULL);
		CHECK_INT(readers[i].streams, 1);
		reader_check(&readers[i], &s);
		belief_free(&readers[i].belief);
	}
	served_finish(&s);
}

static void
killed(struct served *s)
{
	free(stage_control(&s->st, "/_control/mutate?api=plain&change=20%25&drop=5%25&add=200"));
	CHECK(served_sync(s));
}

TEST("a cursor goes on behind a kill of the host")
{
	struct served s = {0};
	struct reader_client r = {0};
	atomic_bool stop = true;

	served_init(&s, 1000);
	REQUIRE(served_sync(&s));
	reader_start(&r, &s, BY_PAGES, &stop);
	pthread_join(r.thread, NULL);
	served_end(&s, SIGKILL);
	served_start(&s);
	killed(&s);
	{
		CURL *c = client_new();

		pages_follow(&r, c);
		curl_easy_cleanup(c);
	}
	reader_check(&r, &s);
	CHECK(r.changes > 100);
	belief_free(&r.belief);
	served_finish(&s);
}

int
main(int argc, char **argv)
{
	curl_global_init(CURL_GLOBAL_DEFAULT);
	return tap_main(argc, argv);
}
