/* registry.c - see registry.h: each plugin is asked once what it declares, in a sandboxed worker of its own.
 *
 * An answer is kept under the file's identity (device, inode, size, time of change), so a replaced file is asked again
 * and a manifest that somebody holds stays valid. A connector's own fault is kept too; the host's (no memory, no kernel
 * support) is not, for it may pass. What is described is the very file that is opened, judged and later run: one
 * descriptor goes through all. Awkward: describing takes a loop, and the caller may well be inside a callback of his
 * own, where libuv must not be run again. So each description that is waited for has a small loop to itself; nothing
 * else moves meanwhile, for a few milliseconds or at worst start_ms. A service does not wait: watch.c. */
#include "plugin/registry.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/mem.h"
#include "config/settings.h"
#include "plugin/shelf.h"

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
	registry_unwatch(r);
	while (r->slots) {
		struct slot *s = r->slots;

		r->slots = s->next;
		plugin_file_drop(s->good);
		manifest_free(s->learnt);
		free(s->name);
		free(s);
	}
	while (r->kept) {
		struct kept *k = r->kept;

		r->kept = k->next;
		plugin_file_drop(k->file);
		free(k);
	}
	free(r->dir);
	free(r->worker);
	free(r);
}

/* ---- files ---- */

struct plugin_file *
file_new(const char *path, int fd, struct manifest *m)
{
	struct plugin_file *f = XNEW(struct plugin_file);

	f->path = xstrdup(path);
	f->fd = fd;
	f->manifest = m;
	f->holders = 1;
	return f;
}

struct plugin_file *
plugin_file_hold(struct plugin_file *f)
{
	f->holders++;
	return f;
}

void
plugin_file_drop(struct plugin_file *f)
{
	if (!f || --f->holders)
		return;
	manifest_free(f->manifest);
	close(f->fd);
	free(f->path);
	free(f);
}

bool
identity_same(const struct identity *a, const struct identity *b)
{
	return a->device == b->device && a->inode == b->inode && a->size == b->size &&
	       a->changed.tv_sec == b->changed.tv_sec && a->changed.tv_nsec == b->changed.tv_nsec;
}

int
file_open(const char *path, struct identity *id, struct err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;

	*id = (struct identity){0};
	if (fd < 0)
		return err_set(err, ERR_USAGE, "%s: %s", path, strerror(errno));
	if (fstat(fd, &st) == 0)
		*id = (struct identity){st.st_dev, st.st_ino, st.st_size, st.st_mtim};
	if (elf_check(path, fd, err) == 0)
		return fd;
	close(fd);
	return -1;
}

int
file_named(const char *path, const char *plugin, const struct manifest *m, struct err *err)
{
	if (strcmp(m->name, plugin) == 0)
		return 0;
	return err_set(err, ERR_USAGE, "%s: the connector in it calls itself '%s': name the file %s.so", path, m->name,
	               m->name);
}

/* ---- slots ---- */

struct slot *
slot_find(const struct registry *r, const char *name)
{
	struct slot *s = r->slots;

	while (s && strcmp(s->name, name) != 0)
		s = s->next;
	return s;
}

struct slot *
slot_make(struct registry *r, const char *name)
{
	struct slot *s = slot_find(r, name);

	if (s)
		return s;
	s = XNEW(struct slot);
	s->name = xstrdup(name);
	s->next = r->slots;
	r->slots = s;
	return s;
}

/* ---- asking, and waiting for it ---- */

struct ask_options
ask_options_of(const struct registry *r, const char *path, int fd)
{
	return (struct ask_options){.worker = r->worker,
	                            .path = path,
	                            .fd = fd,
	                            .memory = r->memory,
	                            .start_ms = r->start_ms,
	                            .seccomp_only = r->seccomp_only};
}

struct waiting {
	struct manifest *manifest;
	struct err *err;
	bool done;
};

static void
answered(void *arg, struct manifest *m, const struct err *why)
{
	struct waiting *w = arg;

	w->manifest = m;
	w->done = true;
	if (!m)
		err_set(w->err, why->cls, "%s", why->text);
}

static struct manifest *
ask_and_wait(const struct registry *r, const char *path, int fd, struct err *err)
{
	struct ask_options o = ask_options_of(r, path, fd);
	struct waiting w = {.err = err};
	struct ask *ask;
	uv_loop_t loop;

	if (uv_loop_init(&loop)) {
		err_set(err, ERR_HOST, "no event loop for describing a plugin: %s", strerror(errno));
		return NULL;
	}
	o.loop = &loop;
	o.done = answered;
	o.arg = &w;
	ask = ask_start(&o, err);
	while (ask && !w.done)
		uv_run(&loop, UV_RUN_ONCE);
	ask_free(ask);
	uv_run(&loop, UV_RUN_DEFAULT); /* until it is reaped */
	uv_loop_close(&loop);
	return w.manifest;
}

/* Another file is in its place: who borrowed the old one's manifest may have it still. */
static void
slot_put(struct registry *r, struct slot *s, struct plugin_file *f)
{
	if (s->good) {
		struct kept *k = XNEW(struct kept);

		*k = (struct kept){.next = r->kept, .file = s->good};
		r->kept = k;
	}
	s->good = f;
}

/* Has a file that was not looked at yet described. */
static void
slot_fill(struct registry *r, struct slot *s, const char *path)
{
	struct err err = {0};
	struct manifest *m = NULL;
	int fd = file_open(path, &s->seen, &err);

	if (fd >= 0) {
		m = ask_and_wait(r, path, fd, &err);
		if (!m)
			err_prefix(&err, "%s", path);
	}
	s->err = err;
	if (m)
		slot_put(r, s, file_new(path, fd, m));
	else if (fd >= 0)
		close(fd);
}

static struct plugin_file *
slot_look(struct registry *r, const char *name, const char *path, struct err *err)
{
	struct slot *s = slot_make(r, name);
	struct identity id;
	struct stat st;

	if (stat(path, &st)) {
		err_set(err, ERR_USAGE, "%s: %s", path, strerror(errno));
		return NULL;
	}
	id = (struct identity){st.st_dev, st.st_ino, st.st_size, st.st_mtim};
	if (!identity_same(&s->seen, &id))
		slot_fill(r, s, path);
	if (s->err.cls == ERR_NONE)
		return s->good;
	/* What cannot be described is a matter of the installation, not of a run: nothing heals but another file. */
	err_set(err, s->err.cls == ERR_CONNECTOR ? ERR_USAGE : s->err.cls, "%s", s->err.text);
	if (s->err.cls != ERR_CONNECTOR)
		s->seen = (struct identity){0}; /* what may pass by itself is not remembered */
	return NULL;
}

const struct manifest *
registry_manifest_file(struct registry *r, const char *path, struct err *err)
{
	char *name = strchr(path, '/') ? xstrdup(path) : xasprintf("./%s", path); /* no plugin is called so */
	struct plugin_file *f = slot_look(r, name, path, err);

	free(name);
	return f ? f->manifest : NULL;
}

static void
plugin_missing(const struct registry *r, const char *plugin, struct err *err)
{
	char **names = registry_list(r);
	const char *near = nearest(plugin, (const char *const *)names);

	if (near)
		err_set(err, ERR_USAGE, "there is no plugin '%s' in %s; did you mean '%s'?", plugin, r->dir, near);
	else
		err_set(err, ERR_USAGE, "there is no plugin '%s' in %s: put %s.so there, or set [host] plugin_dir", plugin, r->dir, plugin);
	for (char **n = names; *n; n++)
		free(*n);
	free(names);
}

static struct plugin_file *
plugin_look(struct registry *r, const char *plugin, struct err *err)
{
	char *path = registry_path(r, plugin);
	struct plugin_file *f = NULL;
	struct slot *s = r->watching ? slot_find(r, plugin) : NULL;
	struct stat st;

	if (!*plugin || strchr(plugin, '/') || *plugin == '.')
		err_set(err, ERR_USAGE, "'%s' is no name of a plugin", plugin);
	else if (s && s->good)
		f = s->good;
	else if (stat(path, &st) && errno == ENOENT)
		plugin_missing(r, plugin, err);
	else
		f = slot_look(r, plugin, path, err);
	if (f && file_named(path, plugin, f->manifest, err))
		f = NULL;
	free(path);
	return f;
}

struct plugin_file *
registry_plugin(struct registry *r, const char *plugin, struct err *err)
{
	struct plugin_file *f = plugin_look(r, plugin, err);

	return f ? plugin_file_hold(f) : NULL;
}

const struct manifest *
registry_manifest(struct registry *r, const char *plugin, struct err *err)
{
	struct plugin_file *f = plugin_look(r, plugin, err);
	const struct slot *s = slot_find(r, plugin);

	return f ? f->manifest : s ? s->learnt : NULL;
}

void
registry_learn(struct registry *r, const char *plugin, struct manifest *m)
{
	struct slot *s = slot_make(r, plugin);

	manifest_free(s->learnt);
	s->learnt = m;
}

struct plugin_file *
registry_look(const struct registry *r, const char *plugin)
{
	const struct slot *s = slot_find(r, plugin);

	return s ? s->good : NULL;
}

bool
registry_watched(const struct registry *r)
{
	return r->watching != NULL;
}

const char *
registry_trouble(const struct registry *r, const char *plugin, uint64_t *inode)
{
	const struct slot *s = slot_find(r, plugin);

	if (s && inode)
		*inode = s->seen.inode;
	return s && s->err.cls ? s->err.text : NULL;
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
