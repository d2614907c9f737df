/* webhook_kill.c - kill -9 of the host about every second while a sync writes thousands of changes and a receiver is told of
 * them; then what the receiver has seen is held against the feed.
 *
 * The sync's listing takes seconds (the provider is slow on purpose), five changes make an event, and between the kills the
 * provider changes, drops and adds records. In order of first arrival the events must be one chain: each begins at the
 * sequence where the one before it ended, from 0 to the dataset's last; so none is missing and none came before its time. A
 * repeat has the id and the bytes of its first arrival. All signatures are the endpoint's. Now and then the receiver refuses an
 * event, and has not got it.
 *
 * WEBHOOK_KILLS (10) and WEBHOOK_SEED repeat one. That it can fail was seen: a host that receipts an event when it sends it
 * breaks the chain. */
#include <sys/stat.h>
#include <time.h>
#include "../bench/stage.h"
#include "../tap.h"
#include "../receiver.h"
#include "base/json.h"
#include "deliver/signature.h"
#include "run/member.h"

#define RECORDS 5000
#define SETTLE_S 90 /* at most, for the last host to bring everything out */
#define SECRET "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

struct play {
	struct stage st;
	struct receiver *receiver;
	unsigned seed, kills, done;
};

static void
ini_write(const struct play *p)
{
	char *path = xasprintf("%s/sluice.ini", p->st.dir);
	FILE *f = fopen(path, "we");

	if (!f)
		die("cannot write %s", path);
	fchmod(fileno(f), 0600);
	fprintf(f,
	        "[host]\ndata_dir = %s/store\nplugin_dir = %s/tests/plugins\nlog_level = error\nmin_free = 0\nfirst_spread = 0s\n"
	        "fail_pause = 200ms\nlisten = 127.0.0.1:0\n"
	        "[integration bench]\nbase_url = http://127.0.0.1:%d\n"
	        "[connection c0 : bench]\ntoken = xoxb-1234567890-000000-abcdefghijklmnop\n"
	        "[sync c0 : bench : pass]\nevery = 1s\nmax_delete_share = 90%%\n[sync c0 : bench : tree]\nauto_sync = no\n"
	        "[webhook app]\nurl = http://127.0.0.1:%u/hook\nsecret = " SECRET "\nbatch = 5\n"
	        "events = records.created, records.updated, records.deleted\n",
	        p->st.dir, p->st.build, p->st.port, p->receiver->port);
	fclose(f);
	free(path);
}

static void
provider_slow(const struct play *p)
{
	char *command = xasprintf("%s/sluice-provider --control http://127.0.0.1:%d faults "
	                          "'{\"match\":\"GET /plain\",\"do\":\"delay\",\"ms\":40}' >/dev/null", p->st.build, p->st.port);

	REQUIRE(system(command) == 0);
	free(command);
}

/* One member of the only row (or the row whose `of` is `is`) that the program prints. */
static int64_t
program_tells(const struct play *p, const char *command, const char *of, const char *is, const char *member)
{
	char *line = NULL, *text = xasprintf("%s/sluice --conf %s/sluice.ini %s --format jsonl 2>/dev/null", p->st.build, p->st.dir,
	                                     command);
	FILE *f = popen(text, "r");
	int64_t value = -1;
	size_t size = 0;

	while (f && getline(&line, &size, f) > 0) {
		struct slice row = json_trim(slice_str(line));
		char *name = json_check(row, 0, NULL) ? member_text(row, of) : NULL;

		if (name && strcmp(name, is) == 0)
			value = member_int(row, member, -1);
		free(name);
	}
	if (f)
		pclose(f);
	free(line);
	free(text);
	return value;
}

/* ---- judging ---- */

static int64_t
in_data(const struct received *e, const char *name)
{
	return member_int(member_raw(json_trim(slice_of(e->body, e->len)), "data"), name, -1);
}

static const struct received *
first_of(const struct play *p, const char *id, int before)
{
	for (int i = before - 1; i >= 0; i--)
		if (strcmp(receiver_at(p->receiver, i)->id, id) == 0)
			return receiver_at(p->receiver, i);
	return NULL;
}

static bool
signed_well(const struct received *e)
{
	struct secret *secret = secret_new(SLICE(SECRET));
	const struct signing by = {.secret = secret};
	struct signatures s;
	struct err err;
	bool good = signatures_make(&s, &by, slice_str(e->id), atoll(e->seconds), slice_of(e->body, e->len), &err) == 0;

	good = good && strcmp(buf_str(&s.standard), e->signature) == 0;
	buf_free(&s.standard);
	secret_free(secret);
	return good;
}

/* Sequence where the chain ends; -1: it is broken. */
static int64_t
chain_follow(const struct play *p, int *events, int *repeats)
{
	int64_t at = 0, told = 0;

	for (int i = 0; i < receiver_count(p->receiver); i++) {
		const struct received *e = receiver_at(p->receiver, i), *first = first_of(p, e->id, i);

		if (!json_check(slice_of(e->body, e->len), 0, NULL) || !signed_well(e)) {
			printf("# event %d (%s) is no JSON, or not signed by us\n", i, e->id);
			return -1;
		}
		if (first) {
			++*repeats;
			if (first->len == e->len && memcmp(first->body, e->body, e->len) == 0)
				continue;
			printf("# a repeat of %s has other bytes\n", e->id);
			return -1;
		}
		++*events;
		told += in_data(e, "count");
		if (in_data(e, "after") != at || in_data(e, "to") <= at) {
			printf("# event %d (%s) begins behind %lld, not behind %lld\n", i, e->id, (long long)in_data(e, "after"), (long long)at);
			return -1;
		}
		at = in_data(e, "to");
	}
	if (told != at)
		printf("# %lld changes told, %lld in the feed\n", (long long)told, (long long)at);
	return told == at ? at : -1;
}

/* ---- the play ---- */

static pid_t
host_start(const struct play *p)
{
	static const char *const serve[] = {"serve", NULL};

	return program_start(&p->st, serve, "out");
}

/* Before the last kill but two the provider has changed for the last time. */
static void
kill_again(struct play *p, pid_t *host)
{
	int status;

	nap(700000 + (long)(rand_r(&p->seed) % 700) * 1000);
	kill(*host, SIGKILL);
	waitpid(*host, &status, 0);
	p->done++;
	if (p->done % 2 == 0 && p->done + 2 < p->kills)
		free(stage_control(&p->st, "/_control/mutate?api=plain&change=10%25&drop=2%25&add=100"));
	if (p->done % 6 == 3) /* what it refuses it has not got, however often its host dies meanwhile */
		atomic_store(&p->receiver->refuse, 1);
	*host = host_start(p);
}

static bool
all_out(const struct play *p, int64_t *sequence)
{
	double from = wall_seconds();
	int64_t before = -1;

	while (wall_seconds() - from < SETTLE_S) {
		int64_t pending = program_tells(p, "deliveries endpoints", "endpoint", "app", "pending");

		*sequence = program_tells(p, "datasets", "model", "Pass", "sequence");
		if (pending == 0 && *sequence >= RECORDS && *sequence == before)
			return true;
		before = *sequence;
		nap(4000000); /* longer than a listing takes: it is quiet when nothing came meanwhile */
	}
	return false;
}

TEST("a host killed every second loses no event, repeats with the same id, and keeps their order")
{
	const char *kills = getenv("WEBHOOK_KILLS"), *seed = getenv("WEBHOOK_SEED");
	struct play p = {.kills = kills ? (unsigned)atoi(kills) : 10, .seed = seed ? (unsigned)atoi(seed) : 20261123};
	int events = 0, repeats = 0, status;
	int64_t sequence = 0, end;
	pid_t host;

	printf("# seed %u\n", p.seed);
	stage_init(&p.st, 0);
	stage_records(&p.st, RECORDS);
	p.receiver = receiver_new();
	ini_write(&p);
	provider_slow(&p);
	host = host_start(&p);
	while (p.done < p.kills)
		kill_again(&p, &host);
	CHECK(all_out(&p, &sequence));
	end = chain_follow(&p, &events, &repeats);
	printf("# %u kills, %lld changes, %d events, %d of them again\n", p.done, (long long)sequence, events, repeats);
	CHECK_INT(end, sequence);
	kill(host, SIGTERM);
	waitpid(host, &status, 0);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	receiver_free(p.receiver);
	stage_finish(&p.st);
}
