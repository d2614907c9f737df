/* registry.c - see registry.h: each plugin is asked once what it declares, in a sandboxed worker of its own.
 *
 * An answer is kept under the file's identity (device, inode, size, time of change), so a replaced file is asked again
 * and a manifest that somebody holds stays valid. A connector's own fault is kept too; the host's (no memory, no kernel
 * support) is not, for it may pass. Awkward: describing takes a loop, and the caller may well be inside a callback of
 * its own, where libuv must not be run again. So each description has a small loop to itself; nothing else moves
 * meanwhile, for a few milliseconds or at worst start_ms. */
#include "plugin/registry.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "base/mem.h"
#include "wire/worker_process.h"

struct identity {
	dev_t device;
	ino_t inode;
	off_t size;
	struct timespec changed;
};

struct entry {
	struct entry *next;
	struct identity id;
	struct manifest *manifest; /* NULL: err says why */
	struct err err;
};

struct registry {
	char *dir, *worker;
	uint64_t memory;
	int64_t start_ms;
	bool seccomp_only;
	struct entry *entries;
};

struct registry *
registry_new(const struct registry_options *o)
{
	struct registry *r = XNEW(struct registry);

	r->dir = xstrdup(o->dir ? o->dir : ".");
	r->worker = xstrdup(o->worker);
	r->memory = o->memory;
	r->start_ms = o->start_ms;
	r->seccomp_only = o->seccomp_only;
	return r;
}

void
registry_free(struct registry *r)
{
	if (!r)
		return;
	while (r->entries) {
		struct entry *e = r->entries;

		r->entries = e->next;
		manifest_free(e->manifest);
		free(e);
	}
	free(r->dir);
	free(r->worker);
	free(r);
}

/* ---- asking a plugin ---- */

struct asking {
	struct worker_process *worker;
	struct manifest *manifest;
	struct err *err;
	bool done;
};

static void
on_frame(void *arg, const struct frame *f)
{
	struct asking *a = arg;
	struct reader r = reader_of(f->body);

	if (f->type != MSG_LOADED || a->done)
		return;
	reader_u16(&r);
	reader_u16(&r);
	a->manifest = manifest_parse(reader_rest(&r), a->err);
	a->done = true;
}

static void
on_end(void *arg, const struct err *why)
{
	struct asking *a = arg;

	if (!a->done)
		err_set(a->err, why->cls ? why->cls : ERR_CONNECTOR, "%s", why->text);
	a->done = true;
}

static void
hello_send(struct worker_process *w, bool seccomp_only)
{
	struct buf b = {0};
	size_t begin = frame_begin(&b, MSG_HELLO, 0, 0);

	buf_u16(&b, WIRE_VERSION);
	buf_u8(&b, HELLO_DESCRIBE);
	buf_u8(&b, seccomp_only);
	buf_u64(&b, 0);
	buf_u64(&b, 0);
	buf_u64(&b, 0);
	buf_bytes(&b, SLICE(""));
	frame_end(&b, begin);
	worker_process_send(w, &b);
}

static struct manifest *
ask(const struct registry *r, const char *path, struct err *err)
{
	struct asking a = {.err = err};
	struct worker_process_options options = {.executable = r->worker,
	                                         .plugin_path = path,
	                                         .memory = r->memory,
	                                         .start_ms = r->start_ms,
	                                         .seccomp_only = r->seccomp_only,
	                                         .on_frame = on_frame,
	                                         .on_end = on_end,
	                                         .arg = &a};
	uv_loop_t loop;

	if (uv_loop_init(&loop)) {
		err_set(err, ERR_HOST, "no event loop for describing a plugin: %s", strerror(errno));
		return NULL;
	}
	options.loop = &loop;
	a.worker = worker_process_start(&options, err);
	if (a.worker) {
		hello_send(a.worker, r->seccomp_only);
		while (!a.done)
			uv_run(&loop, UV_RUN_ONCE);
		worker_process_free(a.worker);
		uv_run(&loop, UV_RUN_DEFAULT); /* until it is reaped */
	}
	uv_loop_close(&loop);
	return a.manifest;
}

/* ---- entries ---- */

static bool
same(const struct identity *a, const struct identity *b)
{
	return a->device == b->device && a->inode == b->inode && a->size == b->size &&
	       a->changed.tv_sec == b->changed.tv_sec && a->changed.tv_nsec == b->changed.tv_nsec;
}

static struct entry *
entry_make(struct registry *r, const char *path, const struct identity *id)
{
	struct entry *e = XNEW(struct entry);

	e->id = *id;
	if (!elf_check(path, &e->err)) {
		e->manifest = ask(r, path, &e->err);
		if (!e->manifest)
			err_prefix(&e->err, "%s", path);
	}
	e->next = r->entries;
	r->entries = e;
	return e;
}

/* What may pass by itself is not remembered. */
static void
entry_forget(struct registry *r, struct entry *e)
{
	if (r->entries == e)
		r->entries = e->next;
	free(e);
}

const struct manifest *
registry_manifest_file(struct registry *r, const char *path, struct err *err)
{
	struct identity id;
	struct stat st;
	struct entry *e;

	if (stat(path, &st)) {
		err_set(err, ERR_USAGE, "%s: %s", path, strerror(errno));
		return NULL;
	}
	id = (struct identity){st.st_dev, st.st_ino, st.st_size, st.st_mtim};
	for (e = r->entries; e && !same(&e->id, &id); e = e->next)
		;
	if (!e)
		e = entry_make(r, path, &id);
	if (e->manifest)
		return e->manifest;
	/* What cannot be described is a matter of the installation, not of a run: nothing heals but another file. */
	err_set(err, e->err.cls == ERR_CONNECTOR ? ERR_USAGE : e->err.cls, "%s", e->err.text);
	if (e->err.cls != ERR_CONNECTOR)
		entry_forget(r, e);
	return NULL;
}

const struct manifest *
registry_manifest(struct registry *r, const char *plugin, struct err *err)
{
	char *path = registry_path(r, plugin);
	const struct manifest *m = NULL;
	struct stat st;

	if (!*plugin || strchr(plugin, '/') || *plugin == '.')
		err_set(err, ERR_USAGE, "'%s' is no name of a plugin", plugin);
	else if (stat(path, &st) && errno == ENOENT)
		err_set(err, ERR_USAGE, "there is no plugin '%s' in %s (%s.so is looked for)", plugin, r->dir, plugin);
	else
		m = registry_manifest_file(r, path, err);
	if (m && strcmp(m->name, plugin)) {
		err_set(err, ERR_USAGE, "%s: the connector in it calls itself '%s': name the file %s.so", path,
		        m->name, m->name);
		m = NULL;
	}
	free(path);
	return m;
}

char *
registry_path(const struct registry *r, const char *plugin)
{
	return xasprintf("%s/%s.so", r->dir, plugin);
}

/* ---- listing ---- */

static int
is_plugin(const struct dirent *d)
{
	size_t n = strlen(d->d_name);

	return n > 3 && d->d_name[0] != '.' && !strcmp(d->d_name + n - 3, ".so");
}

char **
registry_list(const struct registry *r)
{
	struct dirent **found = NULL;
	int n = scandir(r->dir, &found, is_plugin, alphasort);
	char **names = xcalloc(n > 0 ? (size_t)n + 1 : 1, sizeof *names);

	for (int i = 0; i < n; i++) {
		names[i] = xstrndup(found[i]->d_name, strlen(found[i]->d_name) - 3);
		free(found[i]);
	}
	free(found);
	return names;
}
