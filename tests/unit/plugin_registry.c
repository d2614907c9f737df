/* plugin_registry.c - plugins found, judged by their ELF header, and described by real workers, whatever minor version
 * they have. */
#include "plugin/registry.h"

#include <fcntl.h>
#include <sluice.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/mem.h"
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
        {"abi_major", "was built for plugin ABI 2.3, and this host speaks 1.0"},
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
