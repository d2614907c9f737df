/* http_storm.c - thousands of mixed requests at a syncing service, from clients that read, write, stream, ask for nonsense and leave
 * in the middle; then it must stand as before: descriptors, threads, memory. And kill -9 in the middle of exports and streams
 * costs the store nothing.
 *
 * The same program is how races are looked for, with a host under ThreadSanitizer and the usual worker, whose sandbox leaves no
 * room for one. Reports come on stderr:
 *   make EXTRA_CFLAGS=-fsanitize=thread EXTRA_LDFLAGS=-fsanitize=thread BUILD=build-tsan build-tsan/sluice
 *   cp -r build/sluice-worker build/sluice-provider build/tests build-tsan; BUILD=build-tsan build/tests/flow/http_storm
 * STORM_REQUESTS says how many requests each client makes. */
#define TAP_NO_MAIN
#include "../tap.h"
#include "readers.h"

#include <dirent.h>
#include <netinet/in.h>
#include <sys/socket.h>

#define CLIENTS 8
#define KEPT 4 /* connections to the provider that a pool keeps open */
#define REQUESTS (SLUICE_SANITIZED ? 100 : 250)
#define GROWTH_MIB 24 /* what allocators keep after the first storm is no leak; a leak of 2 KiB in each request is more */

static const struct ask {
	const char *method, *path, *body;
	long leave_ms; /* 0: stays */
} asks[] = {
	{"GET", "/records?model=Pass&limit=100", NULL, 0},
	{"GET", DATASET "/records?limit=500", NULL, 0},
	{"GET", DATASET "/changes?limit=1000", NULL, 0},
	{"GET", DATASET "/changes?from=now&wait=10s", NULL, 20},
	{"GET", DATASET "/changes/stream", NULL, 30},
	{"GET", "/api/v1/live", NULL, 30},
	{"HEAD", "/api/v1/live", NULL, 200},
	{"HEAD", DATASET "/export?to=csv", NULL, 0},
	{"GET", DATASET "/export?to=csv", NULL, 15},
	{"GET", DATASET "/export?to=jsonl", NULL, 0},
	{"GET", DATASET "/snapshot", NULL, 10},
	{"GET", "/api/v1/syncs", NULL, 0},
	{"GET", "/api/v1/runs?limit=20", NULL, 0},
	{"GET", "/metrics", NULL, 0},
	{"GET", "/openapi.json", NULL, 0},
	{"GET", "/page/app.js", NULL, 0},
	{"POST", "/api/v1/syncs/c0/bench/pass/trigger", "{}", 0},
	{"POST", "/sync/trigger", "{\"syncs\":[\"pass\"],\"provider_config_key\":\"bench\",\"connection_id\":\"c0\"}", 0},
	{"PATCH", "/connections/metadata", "{\"connection_id\":\"c0\",\"provider_config_key\":\"bench\",\"metadata\":{\"a\":1}}", 0},
	{"PATCH", "/connections/metadata", "{\"connection_id\":\"c0\",\"provider_config_key\":\"bench\",\"metadata\":{\"a\":2}}", 1},
	{"PUT", "/connections/metadata", "{}", 0},
	{"POST", "/action/trigger", "{\"action_name\":\"nothing\",\"input\":{}}", 0},
	{"GET", "/proxy/records?n=5", NULL, 0},
	{"GET", "/proxy/records?n=5", NULL, 3},
	{"POST", "/webhook/bench/c0", "{\"id\":1}", 0},
	{"GET", "/records?model=Pass&cursor=AAAA", NULL, 0},
	{"GET", DATASET "/changes?cursor=%00%ff", NULL, 0},
	{"GET", "/connections/..%2f..%2fetc%2fpasswd?provider_config_key=bench", NULL, 0},
	{"POST", "/sync/trigger", "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[", 0},
};

struct storm {
	const struct served *s;
	pthread_t thread;
	unsigned seed;
	long n;
	long broken; /* 5xx but 503, or no answer from one who stayed */
};

static long
one_ask(CURL *c, const struct served *s, const struct ask *a, struct buf *out)
{
	struct curl_slist *head = curl_slist_append(NULL, "Content-Type: application/json");
	char *url = xasprintf("%s%s", s->base, a->path);
	long status = 0;
	CURLcode rc;

	head = curl_slist_append(head, "Provider-Config-Key: bench");
	head = curl_slist_append(head, "Connection-Id: c0");
	buf_clear(out);
	curl_easy_reset(c);
	curl_easy_setopt(c, CURLOPT_URL, url);
	curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(c, CURLOPT_PROXY, "");
	curl_easy_setopt(c, CURLOPT_PATH_AS_IS, 1L);
	curl_easy_setopt(c, CURLOPT_XOAUTH2_BEARER, KEY);
	curl_easy_setopt(c, CURLOPT_HTTPAUTH, (long)CURLAUTH_BEARER);
	curl_easy_setopt(c, CURLOPT_HTTPHEADER, head);
	curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, bytes_take);
	curl_easy_setopt(c, CURLOPT_WRITEDATA, out);
	curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, a->leave_ms ? a->leave_ms : 60000L);
	if (a->body)
		curl_easy_setopt(c, CURLOPT_POSTFIELDS, a->body);
	curl_easy_setopt(c, CURLOPT_CUSTOMREQUEST, a->method);
	curl_easy_setopt(c, CURLOPT_NOBODY, strcmp(a->method, "HEAD") ? 0L : 1L);
	rc = curl_easy_perform(c);
	if (rc == CURLE_OK || a->leave_ms)
		curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, &status);
	else
		buf_puts(out, curl_easy_strerror(rc));
	curl_slist_free_all(head);
	free(url);
	return status;
}

static void *
storm_run(void *arg)
{
	struct storm *w = arg;
	struct buf out = {0};
	CURL *c = curl_easy_init();

	for (long i = 0; i < w->n; i++) {
		const struct ask *a = &asks[(unsigned)rand_r(&w->seed) % (sizeof asks / sizeof *asks)];
		long status = one_ask(c, w->s, a, &out);

		if ((status || a->leave_ms) && (status < 500 || status == 503 || status == 502))
			continue;
		printf("# %s %s: %ld %.200s\n", a->method, a->path, status, buf_str(&out));
		w->broken++;
	}
	curl_easy_cleanup(c);
	buf_free(&out);
	return NULL;
}

static long
requests_of_each(void)
{
	const char *text = getenv("STORM_REQUESTS");

	return text ? atol(text) : REQUESTS;
}

static void
storm(const struct served *s, long n)
{
	struct storm w[CLIENTS];
	long broken = 0;

	for (unsigned i = 0; i < CLIENTS; i++) {
		w[i] = (struct storm){.s = s, .seed = i + 1, .n = n};
		pthread_create(&w[i].thread, NULL, storm_run, &w[i]);
	}
	for (size_t i = 0; i < CLIENTS; i++) {
		pthread_join(w[i].thread, NULL);
		broken += w[i].broken;
	}
	CHECK_INT(broken, 0);
}

/* ---- how it stands ---- */

static int
entries(pid_t pid, const char *of)
{
	char path[64];
	struct dirent *e;
	int n = 0;
	DIR *d;

	snprintf(path, sizeof path, "/proc/%d/%s", pid, of);
	d = opendir(path);
	while (d && (e = readdir(d)))
		n += *e->d_name != '.';
	if (d)
		closedir(d);
	return n;
}

struct stand {
	int files, threads;
	double mib;
};

/* Nothing runs, clients' ends have been noticed, and it stands so for a second; at most half a minute. */
static struct stand
stand(const struct served *s)
{
	int still = 0, files = -1;

	for (int i = 0; i < 600 && still < 20; i++) {
		int now = entries(s->pid, "fd");

		still = now == files && !child_of(s->pid) ? still + 1 : 0;
		files = now;
		nap(50000);
	}
	return (struct stand){files, entries(s->pid, "task"), status_mib(s->pid, "VmRSS")};
}

TEST("after a storm of requests the service holds no more descriptors, threads and memory than before")
{
	struct stand before, after;
	struct served s = {0};
	int status = -1;

	served_init(&s, 2000);
	CHECK(served_sync(&s));
	storm(&s, requests_of_each()); /* what is made once is made: buffers, connections that are kept */
	before = stand(&s);
	storm(&s, requests_of_each());
	after = stand(&s);
	printf("# %d descriptors, %d threads, %.1f MiB; before: %d, %d, %.1f\n", after.files, after.threads, after.mib, before.files,
	       before.threads, before.mib);
	CHECK(after.files <= before.files + KEPT);
	CHECK(after.threads <= before.threads);
	CHECK(SLUICE_SANITIZED || after.mib - before.mib < GROWTH_MIB);
	CHECK(served_sync(&s));
	kill(s.pid, SIGTERM);
	waitpid(s.pid, &status, 0);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	stage_finish(&s.st);
}

/* ---- killed ---- */

static void *
storm_quietly(void *arg)
{
	struct storm *w = arg;
	struct buf out = {0};
	CURL *c = curl_easy_init();

	for (long i = 0; i < w->n; i++)
		one_ask(c, w->s, &asks[(unsigned)rand_r(&w->seed) % (sizeof asks / sizeof *asks)], &out);
	curl_easy_cleanup(c);
	buf_free(&out);
	return NULL;
}

TEST("killed in the middle of exports, streams and writes, the store is whole")
{
	struct served s = {0};
	struct storm w[CLIENTS];

	served_init(&s, 2000);
	CHECK(served_sync(&s));
	for (int round = 0; round < 3; round++) {
		struct watched verify;

		for (unsigned i = 0; i < CLIENTS; i++) {
			w[i] = (struct storm){.s = &s, .seed = i + 100u * (unsigned)round, .n = 60};
			pthread_create(&w[i].thread, NULL, storm_quietly, &w[i]);
		}
		nap(400000 + 100000 * round);
		served_end(&s, SIGKILL);
		for (size_t i = 0; i < CLIENTS; i++)
			pthread_join(w[i].thread, NULL);
		verify = program_run(&s.st, (const char *[]){"verify", NULL}, 0);
		CHECK_INT(verify.status, 0);
		served_start(&s);
	}
	CHECK(served_sync(&s));
	served_finish(&s);
}

int
main(int argc, char **argv)
{
	curl_global_init(CURL_GLOBAL_DEFAULT);
	return tap_main(argc, argv);
}
