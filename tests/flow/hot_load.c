/* hot_load.c - a connector replaced again and again under load: the feed is that of an undisturbed host.
 *
 * Two hosts sync the same slow provider, round after round, with changes in between. One has its connector's file
 * replaced by rename all the while, by another version, by a broken file, by nothing; both must end with the same feed,
 * every run good, and no file held that nobody uses. */
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "base/mem.h"
#include "plugin/registry.h"
#include "run/run.h"
#include "run/member.h"
#include "schedule/service.h"
#include "serve/query.h"
#include "sluice.h"
#include "wire/message.h"
#include "../tap.h"

#define ROUNDS 4 /* with HOT_SECONDS: as many as fit, and a replacement every second */
#define REPLACE_MS 250

static const char *build;
static char top[128], at[64];

struct side {
	uv_loop_t *loop;
	char *dir;
	struct settings *settings;
	struct host *host;
	bool over;
	unsigned bad, changed, broken;
	struct err err;
	struct buf feed;
};

static void
shell(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static void
shell(const char *fmt, ...)
{
	char line[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line, sizeof line, fmt, ap);
	va_end(ap);
	if (system(line) != 0)
		printf("# failed: %s\n", line);
}

static pid_t
provider_begin(void)
{
	char port[160], *const args[] = {xasprintf("%s/sluice-provider", build), xstrdup("--quiet"),
	                                 xstrdup("--exit-with-parent"),          xstrdup("--port-file"),
	                                 port,                                   NULL};
	char text[16] = "";
	pid_t pid;
	int fd;

	snprintf(port, sizeof port, "%s/port", top);
	pid = fork();
	if (pid == 0) {
		execv(args[0], args);
		_exit(127);
	}
	for (int i = 0; i < 600 && !*text; i++) {
		usleep(50000);
		fd = open(port, O_RDONLY | O_CLOEXEC);
		if (fd >= 0 && read(fd, text, sizeof text - 1) < 0)
			*text = '\0';
		if (fd >= 0)
			close(fd);
	}
	for (int i = 0; i < 4; i++)
		free(args[i]);
	snprintf(at, sizeof at, "http://127.0.0.1:%ld", strtol(text, NULL, 10));
	return pid;
}

/* The file comes by rename, from a name that no host looks at. */
static void
plugin_put(const struct side *s, const char *source)
{
	shell("cp %s/tests/plugins/%s.so %s/plugins/.next && mv %s/plugins/.next %s/plugins/hot.so", build, source, s->dir,
	      s->dir, s->dir);
}

static void
changed(void *arg, const char *plugin, const struct plugin_file *before, const struct plugin_file *now)
{
	(void)plugin;
	(void)before;
	(void)now;
	((struct side *)arg)->changed++;
}

static void
broken(void *arg, const char *plugin, const struct plugin_file *in_use, const struct err *why)
{
	(void)plugin;
	(void)why;
	((struct side *)arg)->broken++;
	CHECK(in_use != NULL);
}

static bool
side_open(struct side *s, uv_loop_t *loop, const char *name, bool watch)
{
	char *conf;
	struct settings_source from = {0};
	struct host_options o = {.loop = loop};
	const struct registry_watch w = {loop, changed, broken, s};

	s->loop = loop;
	s->dir = xasprintf("%s/%s", top, name);
	conf = xasprintf("%s/sluice.ini", s->dir);
	shell("mkdir -p %s/plugins", s->dir);
	plugin_put(s, "hot_one");
	shell("printf '[host]\\ndata_dir=%s/store\\nplugin_dir=%s/plugins\\nworker=%s/sluice-worker\\nmin_free=0\\n"
	      "[integration hot]\\nbase_url=%s\\n[connection acme : hot]\\n' >%s",
	      s->dir, s->dir, build, at, conf);
	from.conf = conf;
	s->settings = settings_load(&from, &s->err);
	o.settings = s->settings;
	s->host = s->settings ? host_new(&o, &s->err) : NULL;
	free(conf);
	return s->host && (!watch || host_plugins_watch(s->host, &w, &s->err) == 0);
}

static void
side_close(struct side *s)
{
	if (s->host)
		host_plugins_unwatch(s->host);
	host_free(s->host);
	settings_free(s->settings);
	buf_free(&s->feed);
	free(s->dir);
}

static void
run_over(void *arg, const struct run_result *r)
{
	struct side *s = arg;

	s->over = true;
	if (r->err.cls != ERR_NONE) {
		s->bad++;
		printf("# %s\n", r->err.text);
	}
}

struct replacing {
	struct side *side;
	uv_timer_t timer;
	unsigned n;
};

static void
replace_next(uv_timer_t *timer)
{
	static const char *const sources[] = {"hot_two", "hot_one", "abi_needs", "hot_two", "abi_null", "hot_one"};
	struct replacing *r = timer->data;

	plugin_put(r->side, sources[r->n++ % LENGTH(sources)]);
}

static void
side_sync(struct side *s)
{
	const struct run_request q = {.connection = settings_connection(s->settings, "acme", "hot"),
	                              .name = "items",
	                              .what = STEP_SYNC};
	struct err err = {0};

	s->over = false;
	if (!run_start(s->host, &q, run_over, s, &err)) {
		printf("# %s\n", err.text);
		s->over = true;
		s->bad++;
	}
	while (!s->over)
		uv_run(s->loop, UV_RUN_ONCE);
}

/* What a reader would see, without the times. */
static void
feed_row(void *arg, struct slice row)
{
	struct side *s = arg;
	char *id = member_text(row, "id"), *action = member_text(row, "action");
	struct slice record = member_raw(row, "record");

	buf_printf(&s->feed, "%lld %s %s %.*s\n", (long long)member_int(row, "sequence", 0), id, action, (int)record.len,
	           record.len ? record.p : "");
	free(id);
	free(action);
}

static void
feed_read(struct side *s)
{
	const struct query_sink sink = {feed_row, s};
	struct buf end = {0};

	CHECK_INT(query_answer(s->host, SLICE("{\"query\":\"changes\",\"model\":\"Item\",\"connection\":\"acme\","
	                                      "\"limit\":10000}"), &sink, &end, NULL), 0);
	CHECK(!member_bool(buf_view(&end), "more", false));
	buf_free(&end);
}

static unsigned
open_files(void)
{
	unsigned n = 0;

	for (int fd = 3; fd < 512; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

TEST("a connector replaced again and again under load: the feed equals that of an undisturbed host")
{
	struct side calm = {0}, hot = {0};
	struct replacing replacing = {.side = &hot};
	uint64_t seconds = getenv("HOT_SECONDS") ? strtoull(getenv("HOT_SECONDS"), NULL, 10) : 0, from;
	uv_loop_t loop;
	unsigned files;
	pid_t provider;

	build = getenv("BUILD") ? getenv("BUILD") : "build";
	snprintf(top, sizeof top, "%.60s/sluice-hot-XXXXXX", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
	REQUIRE(mkdtemp(top));
	provider = provider_begin();
	uv_loop_init(&loop);
	shell("%s/sluice-provider --control %s set plain.records=400 >/dev/null", build, at);
	shell("%s/sluice-provider --control %s faults '{\"do\":\"delay\",\"ms\":40,\"match\":\"GET /plain\"}' >/dev/null",
	      build, at);
	REQUIRE(side_open(&calm, &loop, "calm", false) && side_open(&hot, &loop, "hot", true));
	uv_timer_init(&loop, &replacing.timer);
	replacing.timer.data = &replacing;
	side_sync(&calm);
	side_sync(&hot);
	files = open_files();
	from = uv_now(&loop);
	uv_timer_start(&replacing.timer, replace_next, 1, seconds ? 1000 : REPLACE_MS);
	for (int i = 0; i < ROUNDS || uv_now(&loop) < from + seconds * 1000; i++) {
		shell("%s/sluice-provider --control %s mutate api=plain change=5%% drop=1%% add=3 >/dev/null", build, at);
		side_sync(&calm);
		side_sync(&hot);
	}
	uv_timer_stop(&replacing.timer);
	feed_read(&calm);
	feed_read(&hot);
	CHECK(calm.feed.len > 1000);
	CHECK_STR(buf_str(&hot.feed), buf_str(&calm.feed));
	CHECK_INT(calm.bad, 0);
	CHECK_INT(hot.bad, 0);
	CHECK(hot.changed >= 4 && hot.broken >= 2);
	printf("# %u replacements, %u taken, %u broken; %zu bytes of feed\n", replacing.n, hot.changed, hot.broken,
	       hot.feed.len);
	CHECK(open_files() <= files + 6); /* a description may be under way */
	uv_close((uv_handle_t *)&replacing.timer, NULL);
	side_close(&calm);
	side_close(&hot);
	uv_run(&loop, UV_RUN_DEFAULT);
	CHECK_INT(uv_loop_close(&loop), 0);
	kill(provider, SIGTERM);
	waitpid(provider, NULL, 0);
	shell("rm -rf %s", top);
}

/* ---- a service ---- */

static struct settings *
load_never(void *arg, struct err *err)
{
	(void)arg;
	err_set(err, ERR_USAGE, "not asked for here");
	return NULL;
}

static void
idle_note(void *arg)
{
	*(bool *)arg = true;
}

static void
late_note(uv_timer_t *timer)
{
	*(bool *)timer->data = true;
}

static bool
scheduled(const struct service *s, const char *sync)
{
	const struct schedule_name name = {"acme", "hot", sync};

	return schedule_find(service_schedule(s), &name) != NULL;
}

/* Turns the loop until the sync is in the schedule, or is not, for at most 20 s. */
static bool
comes_to_be(struct side *side, const struct service *s, const char *sync, bool there)
{
	bool late = false;
	uv_timer_t limit;

	uv_timer_init(side->loop, &limit);
	limit.data = &late;
	uv_timer_start(&limit, late_note, 20000, 0);
	while (scheduled(s, sync) != there && !late)
		uv_run(side->loop, UV_RUN_ONCE);
	uv_close((uv_handle_t *)&limit, NULL);
	uv_run(side->loop, UV_RUN_NOWAIT);
	return !late;
}

TEST("a service fits its schedule to the plugins: new syncs come, those of a removed file go, a broken one changes nothing")
{
	struct side side = {0};
	struct service_options o = {.load = load_never};
	struct service *s;
	uv_loop_t loop;
	pid_t provider;
	bool idle = false;

	build = getenv("BUILD") ? getenv("BUILD") : "build";
	snprintf(top, sizeof top, "%.60s/sluice-hot-XXXXXX", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
	REQUIRE(mkdtemp(top));
	provider = provider_begin();
	uv_loop_init(&loop);
	REQUIRE(side_open(&side, &loop, "one", false));
	o.loop = &loop;
	o.host = side.host;
	s = service_new(&o, &side.err);
	REQUIRE(s);
	service_begin(s);
	CHECK(scheduled(s, "items") && !scheduled(s, "more"));
	plugin_put(&side, "hot_two");
	CHECK(comes_to_be(&side, s, "more", true));
	CHECK(scheduled(s, "items"));
	plugin_put(&side, "hot_three");
	CHECK(comes_to_be(&side, s, "items", false)); /* it lacks an option: nothing of the connection is scheduled */
	plugin_put(&side, "hot_one");
	CHECK(comes_to_be(&side, s, "items", true));
	shell("rm %s/plugins/hot.so", side.dir);
	CHECK(comes_to_be(&side, s, "items", false));
	plugin_put(&side, "hot_two");
	CHECK(comes_to_be(&side, s, "items", true));
	service_stop(s, "the test is over", idle_note, &idle);
	for (int i = 0; i < 100000 && !idle; i++)
		uv_run(&loop, UV_RUN_ONCE);
	CHECK(idle);
	service_free(s);
	side_close(&side);
	uv_run(&loop, UV_RUN_DEFAULT);
	CHECK_INT(uv_loop_close(&loop), 0);
	kill(provider, SIGTERM);
	waitpid(provider, NULL, 0);
	shell("rm -rf %s", top);
}
