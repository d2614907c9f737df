/* serve_local.c - sluice.sock: the same question asked over it and in the process that holds the store. */
#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/mem.h"
#include "serve/local.h"
#include "../tap.h"

struct rows { struct buf text; size_t n; };

static void
row_take(void *arg, struct slice json)
{
	struct rows *r = arg;

	buf_slice(&r->text, json);
	buf_putc(&r->text, '\n');
	r->n++;
}

struct asking {
	const char *dir, *question;
	struct rows rows;
	struct buf end;
	struct err err;
	int rc;
	uv_async_t done;
	bool over;
};

static void *
ask(void *arg)
{
	struct asking *a = arg;
	const struct query_sink sink = {row_take, &a->rows};

	a->rc = local_ask(a->dir, slice_str(a->question), &sink, &a->end, &a->err);
	uv_async_send(&a->done);
	return NULL;
}

static void
asked(uv_async_t *done)
{
	((struct asking *)done->data)->over = true;
	uv_close((uv_handle_t *)done, NULL);
}

/* A store in a directory whose path no socket address can hold. */
struct kit { char *top; struct settings settings; uv_loop_t loop; struct host *host; struct local *local; };

static bool
kit_open(struct kit *k)
{
	const struct host_options o = {.loop = &k->loop, .settings = &k->settings};
	char long_name[121];
	struct err err;

	k->top = xstrdup("/tmp/sluice-local-XXXXXX");
	if (!mkdtemp(k->top))
		return false;
	memset(long_name, 'd', 120);
	long_name[120] = '\0';
	k->settings.host.data_dir = xasprintf("%s/%s", k->top, long_name);
	uv_loop_init(&k->loop);
	k->host = host_new(&o, &err);
	k->local = k->host ? local_open(&k->loop, k->host, &err) : NULL;
	if (!k->local)
		printf("# %s\n", err.text);
	return k->local != NULL;
}

static void
kit_close(struct kit *k)
{
	char *command = xasprintf("rm -rf %s", k->top);

	local_close(k->local);
	host_free(k->host);
	uv_loop_close(&k->loop);
	if (system(command) != 0)
		printf("# %s stays\n", k->top);
	free(command);
	free(k->settings.host.data_dir);
	free(k->top);
}

static void
kit_ask(struct kit *k, struct asking *a, const char *question)
{
	pthread_t thread;

	a->dir = k->settings.host.data_dir;
	a->question = question;
	a->done.data = a;
	uv_async_init(&k->loop, &a->done, asked);
	pthread_create(&thread, NULL, ask, a);
	while (!a->over)
		uv_run(&k->loop, UV_RUN_ONCE);
	pthread_join(thread, NULL);
	uv_run(&k->loop, UV_RUN_NOWAIT);
}

static void
asking_free(struct asking *a)
{
	buf_free(&a->rows.text);
	buf_free(&a->end);
}

TEST("a question over the socket is answered as in the process itself, however deep the directory")
{
	struct kit k = {0};
	struct asking set = {0}, get = {0};
	struct rows here = {{0}, 0};
	const struct query_sink sink = {row_take, &here};
	struct buf end = {0};
	struct err err;

	REQUIRE(kit_open(&k));
	kit_ask(&k, &set, "{\"query\":\"metadata\",\"op\":\"set\",\"connection\":\"a\",\"integration\":\"b\",\"value\":{\"n\":18446744073709551615}}");
	CHECK_INT(set.rc, 0);
	kit_ask(&k, &get, "{\"query\":\"metadata\",\"connection\":\"a\",\"integration\":\"b\"}");
	CHECK_INT(get.rc, 0);
	CHECK_STR(buf_str(&get.rows.text), "{\"n\":18446744073709551615}\n");
	CHECK_INT(query_answer(k.host, SLICE("{\"query\":\"metadata\",\"connection\":\"a\",\"integration\":\"b\"}"), &sink, &end, &err), 0);
	CHECK_STR(buf_str(&here.text), buf_str(&get.rows.text));
	asking_free(&set);
	asking_free(&get);
	buf_free(&here.text);
	buf_free(&end);
	kit_close(&k);
}

TEST("the socket is for its owner only, and gone when it is closed")
{
	struct kit k = {0};
	struct stat st;
	char *path;

	REQUIRE(kit_open(&k));
	path = xasprintf("%s/sluice.sock", k.settings.host.data_dir);
	REQUIRE(stat(path, &st) == 0);
	CHECK_INT(st.st_mode & 0777, 0600);
	local_close(k.local);
	k.local = NULL;
	CHECK(stat(path, &st) != 0);
	free(path);
	kit_close(&k);
}

TEST("nonsense is answered with an error, and the next question is served")
{
	static const char *const nonsense[] = {"", "[]", "{\"query\":\"drop\"}", "{\"query\":5}", "{\"query\":\"records\"}", "{\"a\":1,\"a\":2}"};
	struct kit k = {0};
	struct asking good = {0};

	REQUIRE(kit_open(&k));
	for (size_t i = 0; i < LENGTH(nonsense); i++) {
		struct asking bad = {0};
		kit_ask(&k, &bad, nonsense[i]);
		CHECK_INT(bad.rc, -1);
		CHECK_INT(bad.err.cls, ERR_USAGE);
		asking_free(&bad);
	}
	kit_ask(&k, &good, "{\"query\":\"datasets\"}");
	CHECK_INT(good.rc, 0);
	asking_free(&good);
	kit_close(&k);
}

TEST("a question that the host does not know is told as another version's, with the remedy")
{
	struct kit k = {0};
	struct asking newer = {0};

	REQUIRE(kit_open(&k));
	kit_ask(&k, &newer, "{\"query\":\"tomorrow\"}");
	CHECK_INT(newer.rc, -1);
	CHECK_HAS(newer.err.text, "'tomorrow' is no question that this host answers"); /* word for word what older hosts say */
	CHECK_HAS(newer.err.text, "the running host is older than this program");
	CHECK_HAS(newer.err.text, "restart the host");
	asking_free(&newer);
	kit_close(&k);
}

TEST("where nobody listens the asker is told that the store is busy, not more")
{
	struct rows rows = {{0}, 0};
	const struct query_sink sink = {row_take, &rows};
	struct buf end = {0};
	struct err err;

	CHECK_INT(local_ask("/tmp", SLICE("{\"query\":\"datasets\"}"), &sink, &end, &err), -1);
	CHECK_INT(err.cls, ERR_BUSY);
	buf_free(&end);
}
