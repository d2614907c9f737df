/* plugin_registry.c - plugins found, judged by their ELF header, and described by real workers, whatever minor version
 * they have. */
#include "plugin/shelf.h"

#include <fcntl.h>
#include <sluice.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/mem.h"
#include "plugin/differ.h"
#include "../tap.h"

static char dir[128], worker[256], plugins[256];

static struct registry *
begin(void)
{
	struct registry_options o = {.dir = dir, .worker = worker, .memory = 512 << 20, .start_ms = 10000};
	const char *build = getenv("BUILD") ? getenv("BUILD") : "build";

	snprintf(worker, sizeof worker, "%.200s/sluice-worker", build);
	snprintf(plugins, sizeof plugins, "%.200s/tests/plugins", build);
	snprintf(dir, sizeof dir, "%.60s/sluice-registry-XXXXXX", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
	if (!mkdtemp(dir))
		printf("# no directory\n");
	return registry_new(&o);
}

/* Installs a test plugin under its connector's name. */
static void
install(const char *source, const char *name)
{
	char *from = xasprintf("%s/%s.so", plugins, source), *to = xasprintf("%s/%s.so", dir, name);
	FILE *in = fopen(from, "rbe"), *out = fopen(to, "wbe");
	char chunk[4096];
	size_t n;

	if (!in || !out)
		printf("# cannot copy %s\n", from);
	while (in && out && (n = fread(chunk, 1, sizeof chunk, in)) > 0)
		fwrite(chunk, 1, n, out);
	if (in)
		fclose(in);
	if (out)
		fclose(out);
	chmod(to, 0755);
	free(from);
	free(to);
}

static void
finish(struct registry *r)
{
	char **names = registry_list(r);

	for (size_t i = 0; names[i]; i++) {
		char *path = registry_path(r, names[i]);
		unlink(path);
		free(path);
		free(names[i]);
	}
	free(names);
	rmdir(dir);
	registry_free(r);
}

static void
check_versions(const char *source, const char *name, unsigned minor)
{
	struct registry *r = begin();
	struct err err = {0};
	const struct manifest *m;

	install(source, name);
	m = registry_manifest(r, name, &err);
	if (!m)
		printf("# %s\n", err.text);
	REQUIRE(m);
	CHECK_STR(m->name, name);
	CHECK_INT(m->abi_minor, minor);
	REQUIRE(m->n_models == 2 && m->n_syncs == 2 && m->n_options == 2);
	CHECK_STR(m->models[1].name, "User");
	CHECK_INT(m->models[1].n_fields, 2);
	CHECK_INT(m->models[1].key, 1);
	CHECK_INT(m->models[1].fields[1].flags, SLUICE_KEY);
	CHECK_STR(m->syncs[1].name, "things");
	CHECK_INT(m->syncs[1].models[0], 1);
	CHECK_INT(m->syncs[1].every_ms, 7200000);
	CHECK_STR(m->options[1].name, "days");
	CHECK_INT(m->options[1].type, SLUICE_INTEGER);
	CHECK(!m->has_check);
	finish(r);
}

TEST("a connector of an older minor version, with shorter structs, is understood")
{
	check_versions("abi_older", "abi-older", 0);
}

TEST("a connector of a newer minor version, with longer structs and unknown flags, is understood")
{
	check_versions("abi_newer", "abi-newer", 7);
}

TEST("a connector that leaves out all it may is fine: NULL is the usual")
{
	struct registry *r = begin();
	struct err err = {0};
	const struct manifest *m;

	install("abi_null", "abi-null");
	m = registry_manifest(r, "abi-null", &err);
	REQUIRE(m);
	CHECK(m->n_syncs == 0 && m->n_actions == 0 && !m->base_url && !m->version && !m->has_check);
	CHECK_STR(m->options[0].name, "anything");
	CHECK(m->options[0].fallback == NULL);
	CHECK(registry_manifest(r, "abi-null", &err) == m); /* asked once */
	finish(r);
}

static const struct {
	const char *source, *says;
} refused[] = {
        {"abi_major", "was built for plugin ABI 2.3, and this host speaks 1."},
        {"abi_truncated", "its struct sluice_connector is truncated (36 bytes"},
        {"abi_zero", "begin sluice_connector with SLUICE_ABI"},
        {"abi_unnamed", "does not export sluice_connector"},
        {"abi_slot", "sync 'things': .fetch is NULL"},
        {"abi_endless", "the list has no end; close it with { 0 }"},
        {"abi_needs", "needs libz.so.1, but a plugin can only have libc, libm and libcjson"},
};

TEST("what cannot be understood is refused with its reason: other major, truncated, no ABI, no symbol, no function, no "
     "end, a library")
{
	struct registry *r = begin();

	for (size_t i = 0; i < LENGTH(refused); i++) {
		struct err err = {0};

		install(refused[i].source, "x");
		CHECK(registry_manifest(r, "x", &err) == NULL);
		CHECK_HAS(err.text, refused[i].says);
		CHECK_HAS(err.text, "/x.so: ");
	}
	finish(r);
}

TEST("a file that bears another name than its connector, or is not there, is refused")
{
	struct registry *r = begin();
	struct err err = {0};
	char *path;

	install("abi_null", "other");
	CHECK(!registry_manifest(r, "other", &err));
	CHECK_HAS(err.text, "calls itself 'abi-null': name the file abi-null.so");
	path = registry_path(r, "other");
	CHECK(registry_manifest_file(r, path, &err)); /* `describe x.so` does not mind */
	free(path);
	CHECK(!registry_manifest(r, "absent", &err));
	CHECK_HAS(err.text, "there is no plugin 'absent' in ");
	CHECK_INT(err.cls, ERR_USAGE);
	CHECK(!registry_manifest(r, "../../etc/passwd", &err));
	CHECK_HAS(err.text, "is no name of a plugin");
	finish(r);
}

TEST("a replaced file is described anew, and the old manifest stays valid")
{
	struct registry *r = begin();
	const struct manifest *old, *new;
	char *path;

	install("abi_older", "x");
	path = registry_path(r, "x");
	old = registry_manifest_file(r, path, NULL);
	unlink(path);
	install("abi_newer", "x");
	new = registry_manifest_file(r, path, NULL);
	REQUIRE(old && new);
	CHECK_STR(old->name, "abi-older");
	CHECK_STR(new->name, "abi-newer");
	free(path);
	finish(r);
}

TEST("plugins are listed by name, sorted, and nothing else is")
{
	struct registry *r = begin();
	char **names, *odd = xasprintf("%s/notes.txt", dir);

	install("abi_null", "b");
	install("abi_null", "a");
	close(open(odd, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
	names = registry_list(r);
	CHECK_STR(names[0], "a");
	CHECK_STR(names[1], "b");
	CHECK(names[2] == NULL);
	for (size_t i = 0; names[i]; i++)
		free(names[i]);
	free(names);
	unlink(odd);
	free(odd);
	finish(r);
}

static void
line_keep(void *arg, bool breaking, const char *text)
{
	buf_printf(arg, "%s%s\n", breaking ? "! " : "", text);
}

TEST("what differs between two versions is said a line each, and what breaks is marked")
{
	struct registry *r = begin();
	struct buf lines = {0};
	const struct manifest *m[3];

	for (int i = 0; i < 3; i++) {
		static const char *const sources[] = {"hot_one", "hot_two", "hot_three"};

		install(sources[i], sources[i]);
		{
			char *path = registry_path(r, sources[i]);

			m[i] = registry_manifest_file(r, path, NULL);
			free(path);
		}
		REQUIRE(m[i]);
	}
	CHECK_INT(manifest_differ(m[0], m[1], line_keep, &lines), 0);
	CHECK_STR(buf_str(&lines), "version: 1.0 -> 1.1\noption depth added\nmodel Item: field email added\n"
	                           "sync more added\n");
	buf_clear(&lines);
	CHECK_INT(manifest_differ(m[0], m[2], line_keep, &lines), 2);
	CHECK_STR(buf_str(&lines), "version: 1.0 -> 2.0\n! option region added, and it is required\n"
	                           "! sync items removed\nsync more added\n");
	buf_clear(&lines);
	CHECK_INT(manifest_differ(m[1], m[1], line_keep, &lines), 0);
	CHECK_INT(lines.len, 0);
	buf_free(&lines);
	finish(r);
}

/* ---- a directory under watch ---- */

struct seen {
	uv_loop_t loop;
	uv_timer_t limit;
	bool late;
	unsigned changes, troubles;
	char before[32], now[32], in_use[32], why[1024];
};

static void
note_changed(void *arg, const char *plugin, const struct plugin_file *before, const struct plugin_file *now)
{
	struct seen *s = arg;

	CHECK_STR(plugin, "hot");
	s->changes++;
	snprintf(s->before, sizeof s->before, "%s", before ? before->manifest->version : "none");
	snprintf(s->now, sizeof s->now, "%s", now ? now->manifest->version : "none");
}

static void
note_broken(void *arg, const char *plugin, const struct plugin_file *in_use, const struct err *why)
{
	struct seen *s = arg;

	(void)plugin;
	s->troubles++;
	uv_stop(&s->loop); /* told by a timer: the loop would wait for something else first */
	snprintf(s->in_use, sizeof s->in_use, "%s", in_use ? in_use->manifest->version : "none");
	snprintf(s->why, sizeof s->why, "%s", why->text);
}

static void
note_late(uv_timer_t *timer)
{
	((struct seen *)timer->data)->late = true;
}

/* Turns the loop until one more has been told. */
static bool
next_told(struct seen *s)
{
	unsigned had = s->changes + s->troubles;

	s->late = false;
	uv_timer_start(&s->limit, note_late, 20000, 0);
	while (s->changes + s->troubles == had && !s->late)
		uv_run(&s->loop, UV_RUN_ONCE);
	uv_timer_stop(&s->limit);
	return !s->late;
}

/* By rename, as one should. */
static void
replace(const char *source)
{
	char *from = xasprintf("%s/.fresh.so", dir), *to = xasprintf("%s/hot.so", dir);

	install(source, ".fresh");
	rename(from, to);
	free(from);
	free(to);
}

static struct registry *
watch_begin(struct seen *s)
{
	struct registry *r = begin();
	const struct registry_watch w = {&s->loop, note_changed, note_broken, s};

	uv_loop_init(&s->loop);
	uv_timer_init(&s->loop, &s->limit);
	s->limit.data = s;
	CHECK_INT(registry_watch(r, &w, NULL), 0);
	return r;
}

static void
watch_finish(struct registry *r, struct seen *s)
{
	registry_unwatch(r);
	uv_close((uv_handle_t *)&s->limit, NULL);
	uv_run(&s->loop, UV_RUN_DEFAULT);
	CHECK_INT(uv_loop_close(&s->loop), 0);
	finish(r);
}

TEST("under watch a file that comes, is replaced and goes is told, and whoever holds the old one keeps it")
{
	struct seen s = {0};
	struct registry *r = watch_begin(&s);
	struct plugin_file *held, *now;

	replace("hot_one");
	REQUIRE(next_told(&s));
	CHECK_STR(s.before, "none");
	CHECK_STR(s.now, "1.0");
	held = registry_plugin(r, "hot", NULL);
	REQUIRE(held);
	replace("hot_two");
	REQUIRE(next_told(&s));
	CHECK_STR(s.before, "1.0");
	CHECK_STR(s.now, "1.1");
	now = registry_look(r, "hot");
	REQUIRE(now && now != held);
	CHECK_STR(now->manifest->version, "1.1");
	CHECK_STR(held->manifest->version, "1.0");
	CHECK(fcntl(held->fd, F_GETFD) >= 0);
	CHECK_INT(held->holders, 1); /* ours alone: nothing piles up */
	plugin_file_drop(held);
	{
		char *path = registry_path(r, "hot");

		unlink(path);
		free(path);
	}
	REQUIRE(next_told(&s));
	CHECK_STR(s.now, "none");
	CHECK(!registry_look(r, "hot"));
	CHECK_INT(s.troubles, 0);
	watch_finish(r, &s);
}

static const struct {
	const char *source, *says;
} unusable[] = {
	{"abi_needs", "needs libz.so.1"},
	{"abi_major", "was built for plugin ABI 2.3"},
	{"abi_null", "calls itself 'abi-null'"},
};

TEST("under watch a broken file is told once and leaves the last good one in use; the next good one is taken")
{
	struct seen s = {0};
	struct registry *r = watch_begin(&s);

	replace("hot_one");
	REQUIRE(next_told(&s));
	for (size_t i = 0; i < LENGTH(unusable); i++) {
		replace(unusable[i].source);
		REQUIRE(next_told(&s));
		CHECK_INT(s.troubles, i + 1);
		CHECK_HAS(s.why, unusable[i].says);
		CHECK_STR(s.in_use, "1.0");
		REQUIRE(registry_look(r, "hot"));
		CHECK_STR(registry_look(r, "hot")->manifest->version, "1.0");
		CHECK_STR(registry_manifest(r, "hot", NULL)->version, "1.0");
		CHECK_HAS(registry_trouble(r, "hot", NULL), unusable[i].says);
	}
	registry_refresh(r);
	for (int i = 0; i < 5; i++)
		uv_run(&s.loop, UV_RUN_NOWAIT);
	CHECK_INT(s.troubles, LENGTH(unusable)); /* the same file is not told again */
	replace("hot_two");
	REQUIRE(next_told(&s));
	CHECK_STR(s.before, "1.0");
	CHECK_STR(s.now, "1.1");
	CHECK(!registry_trouble(r, "hot", NULL));
	watch_finish(r, &s);
}

TEST("what may pass is tried again at each look, but told once for a file and a reason, with the plugin's path")
{
	struct seen s = {0};
	struct registry *r = watch_begin(&s);
	char *path = registry_path(r, "hot");

	free(r->worker);
	r->worker = xstrdup("/nonexistent/sluice-worker");
	replace("hot_one");
	REQUIRE(next_told(&s));
	CHECK_HAS(s.why, path);
	CHECK_HAS(s.why, "/nonexistent/sluice-worker cannot be started");
	CHECK_STR(s.in_use, "none");
	for (int look = 0; look < 3; look++) {
		registry_refresh(r);
		for (int i = 0; i < 5; i++)
			uv_run(&s.loop, UV_RUN_NOWAIT);
	}
	CHECK_INT(s.troubles, 1);
	free(r->worker);
	r->worker = xstrdup("/nonexistent/other-worker");
	registry_refresh(r);
	REQUIRE(next_told(&s)); /* another reason */
	CHECK_INT(s.troubles, 2);
	replace("hot_two");
	REQUIRE(next_told(&s)); /* another file */
	CHECK_INT(s.troubles, 3);
	free(r->worker);
	r->worker = xstrdup(worker);
	registry_refresh(r);
	REQUIRE(next_told(&s));
	CHECK_STR(s.now, "1.1");
	free(path);
	watch_finish(r, &s);
}

/* ---- the ELF header ---- */

static int
elf_check_bytes(const char *path, struct slice bytes, mode_t mode, struct err *err)
{
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
	int result;

	if (fd < 0 || write(fd, bytes.p, bytes.len) != (ssize_t)bytes.len || fchmod(fd, mode))
		printf("# cannot write %s\n", path);
	result = elf_check(path, fd, err);
	close(fd);
	unlink(path);
	return result;
}

TEST("a file that is no plugin is refused before anything is started: text, cut, another machine, unreadable, every "
     "byte broken")
{
	struct registry *r = begin();
	struct buf b = {0};
	struct err err = {0};
	char *good = xasprintf("%s/abi_null.so", plugins), *path = xasprintf("%s/x.so", dir);
	FILE *f = fopen(good, "rbe");
	char chunk[4096];
	size_t n, refusals = 0;

	while (f && (n = fread(chunk, 1, sizeof chunk, f)) > 0)
		buf_put(&b, chunk, n);
	if (f)
		fclose(f);
	REQUIRE(b.len > 1000);
	CHECK_INT(elf_check_bytes(path, buf_view(&b), 0755, &err), 0);
	CHECK_INT(elf_check_bytes(path, SLICE("#!/bin/sh\n"), 0755, &err), -1);
	CHECK_HAS(err.text, "not a shared object");
	CHECK_INT(elf_check_bytes(path, SLICE(""), 0755, &err), -1);
	if (geteuid() == 0) {
		CHECK_INT(elf_check_bytes(path, buf_view(&b), 0700, &err), -1);
		CHECK_HAS(err.text, "chmod a+r");
	}
	for (n = 64; n < b.len; n += b.len / 40)
		elf_check_bytes(path, slice_of(b.p, n), 0755,
		                &err); /* no crash; a cut behind the tables is not ours to see */
	CHECK_INT(elf_check_bytes(path, slice_of(b.p, 200), 0755, &err), -1);
	b.p[18] = 8; /* MIPS */
	CHECK_INT(elf_check_bytes(path, buf_view(&b), 0755, &err), -1);
	CHECK_HAS(err.text, "another kind of machine");
	b.p[18] = 62;
	for (size_t i = 0; i < 1200 && i < b.len; i++) { /* headers and the first tables */
		char kept = b.p[i];

		b.p[i] = (char)(kept ^ 0xff);
		refusals += elf_check_bytes(path, buf_view(&b), 0755, &err) != 0;
		b.p[i] = kept;
	}
	CHECK(refusals > 50);
	free(good);
	free(path);
	buf_free(&b);
	finish(r);
}
