/* webhooks_serve.c - webhooks out of the built program: `sluice serve`, a provider, receivers that are good and malicious.
 *
 * What an application gets is verified as it would do it, by openssl over the bytes that came. A hundred receivers that hang,
 * drip, flood and reset must change nothing for the syncs beside them, and each of them is tried by its pace only. */
#include <sys/stat.h>
#include "../bench/stage.h"
#include "../tap.h"
#include "../receiver.h"

#define PATIENCE_S 40
#define KEY "3f4ff4ee-1d4c-4ef4-9f6b-2b4f1c2d3e4f"
#define HOSTILE 100

static void
ini_write(const struct stage *st, const char *sections)
{
	char *path = xasprintf("%s/sluice.ini", st->dir);
	FILE *f = fopen(path, "we");

	if (!f)
		die("cannot write %s", path);
	fchmod(fileno(f), 0600);
	fprintf(f,
	        "[host]\ndata_dir = %s/store\nplugin_dir = %s/tests/plugins\nlog_level = error\nmin_free = 0\nfirst_spread = 0s\n"
	        "listen = 127.0.0.1:0\n[key app]\nvalue = " KEY "\nscope = write\n"
	        "[integration bench]\nbase_url = http://127.0.0.1:%d\n"
	        "[connection c0 : bench]\ntoken = xoxb-1234567890-000000-abcdefghijklmnop\n"
	        "[sync c0 : bench : pass]\nevery = 1s\n[sync c0 : bench : tree]\nauto_sync = no\n%s",
	        st->dir, st->build, st->port, sections);
	fclose(f);
	free(path);
}

static pid_t
host_start(const struct stage *st)
{
	static const char *const serve[] = {"serve", NULL};

	return program_start(st, serve, "out");
}

static int
host_end(pid_t host)
{
	int status;

	kill(host, SIGTERM);
	waitpid(host, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* What a command prints, cut. */
static void
told(char *out, size_t size, const char *command)
{
	FILE *f = popen(command, "r");
	size_t n = f ? fread(out, 1, size - 1, f) : 0;

	out[n] = '\0';
	while (n && (out[n - 1] == '\n' || out[n - 1] == '\r'))
		out[--n] = '\0';
	if (f)
		pclose(f);
}

static void
sluice_tells(const struct stage *st, char *out, size_t size, const char *arguments)
{
	char *command = xasprintf("%s/sluice --conf %s/sluice.ini %s 2>&1", st->build, st->dir, arguments);

	told(out, size, command);
	free(command);
}

static bool
until_count(const struct receiver *r, int n)
{
	for (double from = wall_seconds(); receiver_count(r) < n && wall_seconds() - from < PATIENCE_S;)
		nap(20000);
	return receiver_count(r) >= n;
}

static bool
until_told(const struct stage *st, const char *arguments, const char *word)
{
	char text[65536] = "";

	for (double from = wall_seconds(); wall_seconds() - from < PATIENCE_S; nap(200000)) {
		sluice_tells(st, text, sizeof text, arguments);
		if (strstr(text, word))
			return true;
	}
	printf("# %s never says %s, but: %.300s\n", arguments, word, text);
	return false;
}

static int
count_of(const struct receiver *r, const char *type)
{
	int n = 0;

	for (int i = 0; i < receiver_count(r); i++)
		n += strcmp(receiver_at(r, i)->type, type) == 0;
	return n;
}

static bool
until_type(const struct receiver *r, const char *type)
{
	for (double from = wall_seconds(); count_of(r, type) == 0 && wall_seconds() - from < PATIENCE_S;)
		nap(20000);
	return count_of(r, type) > 0;
}

/* By openssl, over the body as it came. */
static void
openssl_judges(const struct stage *st, const struct received *e)
{
	char *path = xasprintf("%s/body", st->dir), *command, got[256];
	FILE *f = fopen(path, "we");

	fwrite(e->body, 1, e->len, f);
	fclose(f);
	command = xasprintf("openssl dgst -sha256 -hmac " KEY " -r <%s | cut -d' ' -f1", path);
	told(got, sizeof got, command);
	CHECK_STR(e->hmac, got);
	free(command);
	command = xasprintf("{ printf %%s " KEY "; cat %s; } | openssl dgst -sha256 -r | cut -d' ' -f1", path);
	told(got, sizeof got, command);
	CHECK_STR(e->hash, got);
	free(command);
	/* the bytes 0 to 23 in base64 are the endpoint's secret */
	command = xasprintf("printf v1,; { printf %%s %s.%s.; cat %s; } | openssl dgst -sha256 -mac HMAC -macopt "
	                    "hexkey:000102030405060708090a0b0c0d0e0f1011121314151617 -binary | base64", e->id, e->seconds, path);
	told(got, sizeof got, command);
	CHECK_STR(e->signature, got);
	free(command);
	free(path);
}

TEST("a sync's changes and its end reach an application, signed; a reload moves it, and people see and steer it")
{
	struct receiver *one = receiver_new(), *two = receiver_new();
	char *before = xasprintf("[webhook app]\nurl = http://127.0.0.1:%u/hook\nsecret = whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX\n"
	                         "events = records.created, records.updated, records.deleted, sync.success, sync\n", one->port);
	char *after = xasprintf("[webhook app]\nurl = http://127.0.0.1:%u/hook\nsecret = whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX\n"
	                        "events = records.updated\n", two->port);
	char text[65536];
	struct stage st;
	pid_t host;

	stage_init(&st, 0);
	stage_records(&st, 250);
	ini_write(&st, before);
	host = host_start(&st);
	CHECK(until_count(one, 5)); /* 100, 100 and 50 created; sync.success; sync */
	CHECK_INT(count_of(one, "records.created"), 3);
	for (int i = 0; i < receiver_count(one) && i < 5; i++)
		openssl_judges(&st, receiver_at(one, i));
	CHECK(until_told(&st, "deliveries endpoints", "idle"));
	sluice_tells(&st, text, sizeof text, "deliveries list --delivered --format jsonl");
	CHECK_HAS(text, receiver_at(one, 0)->id);
	CHECK_HAS(text, "\"status\":204");

	receiver_mode(one, RECEIVE_STATUS, 410, NULL);
	free(stage_control(&st, "/_control/mutate?api=plain&change=7"));
	CHECK(until_told(&st, "deliveries endpoints", "gone"));
	CHECK(until_told(&st, "status", "its receiver wants no more (410)"));
	CHECK(until_told(&st, "doctor", "it answered 410"));
	CHECK(until_told(&st, "deliveries list", "records.updated"));
	ini_write(&st, after);
	kill(host, SIGHUP);
	CHECK(until_type(two, "records.updated"));
	for (int i = 0; i < receiver_count(two) && strcmp(receiver_at(two, i)->type, "records.updated") == 0; i++)
		openssl_judges(&st, receiver_at(two, i));
	CHECK(count_of(two, "records.updated") > 0);

	receiver_mode(two, RECEIVE_STATUS, 500, NULL);
	free(stage_control(&st, "/_control/mutate?api=plain&change=7"));
	CHECK(until_told(&st, "deliveries endpoints", "waiting"));
	sluice_tells(&st, text, sizeof text, "deliveries drop --pending");
	CHECK_HAS(text, "dropped");
	sluice_tells(&st, text, sizeof text, "deliveries list --format json");
	CHECK_STR(text, "[]");
	CHECK_INT(host_end(host), 0);
	sluice_tells(&st, text, sizeof text, "deliveries endpoints"); /* without a service too */
	CHECK_HAS(text, "app");
	receiver_free(one);
	receiver_free(two);
	stage_finish(&st);
	free(before);
	free(after);
}

TEST("an alert is an event when it begins, and when it is over")
{
	struct receiver *r = receiver_new();
	char *ini = xasprintf("[webhook app]\nurl = http://127.0.0.1:%u/\nsecret = sssssssss\nevents = alert\n", r->port), *command;
	struct stage st;
	pid_t host;

	stage_init(&st, 0);
	stage_records(&st, 10);
	ini_write(&st, ini);
	command = xasprintf("%s/sluice-provider --control http://127.0.0.1:%d faults "
	                    "'{\"match\":\"GET /plain\",\"do\":\"401\",\"times\":1}' >/dev/null", st.build, st.port);
	REQUIRE(system(command) == 0);
	host = host_start(&st);
	CHECK(until_count(r, 1));
	REQUIRE(receiver_count(r) > 0);
	CHECK_STR(receiver_at(r, 0)->type, "alert");
	CHECK_HAS(receiver_at(r, 0)->body, "\"state\":\"begun\",\"alert\":{\"kind\":\"attention\",\"connection\":\"c0\"");
	free(command);
	command = xasprintf("%s/sluice --conf %s/sluice.ini trigger --connection-id c0 >/dev/null", st.build, st.dir);
	REQUIRE(system(command) == 0);
	CHECK(until_count(r, 2));
	REQUIRE(receiver_count(r) > 1);
	CHECK_HAS(receiver_at(r, 1)->body, "\"state\":\"over\"");
	CHECK_INT(host_end(host), 0);
	receiver_free(r);
	stage_finish(&st);
	free(command);
	free(ini);
}

static long
runs_of(const struct stage *st)
{
	char text[64];
	char *command = xasprintf("%s/sluice --conf %s/sluice.ini history --status success --limit 0 --format jsonl 2>/dev/null | wc -l", st->build,
	                          st->dir);

	told(text, sizeof text, command);
	free(command);
	return atol(text);
}

TEST("a hundred receivers that hang, drip, flood and reset change nothing for the syncs, and are tried by their pace")
{
	static const struct {
		enum receive mode;
		int status;
		const char *header;
	} ways[] = {{RECEIVE_TARPIT, 0, NULL},  {RECEIVE_DRIP, 0, NULL},       {RECEIVE_ENDLESS, 500, NULL},
	            {RECEIVE_RESET, 0, NULL},   {RECEIVE_DRIP_BODY, 503, NULL}, {RECEIVE_STATUS, 302, "Location: http://169.254.169.254/"},
	            {RECEIVE_GARBAGE, 0, NULL}, {RECEIVE_STATUS, 500, NULL},   {RECEIVE_HEADERS, 0, NULL},
	            {RECEIVE_STATUS, 503, "Retry-After: 1"}};
	struct receiver *bad[LENGTH(ways)], *good = receiver_new();
	struct buf ini = {0};
	long before, runs;
	double from, began;
	struct stage st;
	pid_t host;

	stage_init(&st, 0);
	stage_records(&st, 100);
	buf_printf(&ini, "[webhook good]\nurl = http://127.0.0.1:%u/\nsecret = sssssssss\nevents = sync.success\n", good->port);
	for (size_t i = 0; i < LENGTH(ways); i++) {
		bad[i] = receiver_new();
		receiver_mode(bad[i], ways[i].mode, ways[i].status, ways[i].header);
		for (int k = 0; k < HOSTILE / (int)LENGTH(ways); k++)
			buf_printf(&ini, "[webhook bad%zu-%d]\nurl = http://127.0.0.1:%u/\nsecret = sssssssss\nevents = sync.success\n", i, k,
			           bad[i]->port);
	}
	ini_write(&st, buf_str(&ini));
	began = wall_seconds();
	host = host_start(&st);
	CHECK(until_count(good, 1));
	before = runs_of(&st);
	from = wall_seconds();
	while (wall_seconds() - from < 8)
		nap(50000);
	runs = runs_of(&st) - before;
	printf("# %ld runs in 8 s beside %d hostile receivers; the good one got %d events\n", runs, HOSTILE, receiver_count(good));
	CHECK(runs >= 4); /* due each second; a loaded machine takes its time */
	CHECK(until_count(good, (int)(before + runs)));
	for (size_t i = 0; i < LENGTH(ways); i++) { /* at 0 s, 4 to 6 s later, then 20 s and more behind that */
		double seconds = wall_seconds() - began;
		printf("# way %zu: %d attempts in %.0f s\n", i, receiver_count(bad[i]), seconds);
		CHECK(receiver_count(bad[i]) >= HOSTILE / (int)LENGTH(ways));
		CHECK(ways[i].mode == RECEIVE_HEADERS || seconds > 22 || receiver_count(bad[i]) <= 2 * HOSTILE / (int)LENGTH(ways));
	}
	CHECK_INT(host_end(host), 0);
	for (size_t i = 0; i < LENGTH(ways); i++)
		receiver_free(bad[i]);
	receiver_free(good);
	stage_finish(&st);
	buf_free(&ini);
}
