/* registry.h - which plugins there are, and what they declare.
 *
 * A plugin is NAME.so in the plugin directory. Before any of its code runs the host reads its ELF header: DT_NEEDED may
 * name libc, libm and libcjson only (and the sanitizers' runtimes in a sanitized build). Then a sandboxed worker
 * describes it, once per (device, inode, size, mtime). What was described stays open: a run that began with a file ends
 * with it, whatever lies under its name by then.
 *
 * A one-shot command asks, and waits. A service watches: files that come, are replaced (by rename) or go are noticed and
 * described without anybody waiting, and a file that cannot be used leaves the last good one in use. */
#ifndef SLUICE_PLUGIN_REGISTRY_H
#define SLUICE_PLUGIN_REGISTRY_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>
#include "plugin/manifest.h"

struct registry;
struct registry_options {
	const char *dir, *worker;
	uint64_t memory;
	int64_t start_ms;
	bool seccomp_only;
};
struct registry *registry_new(const struct registry_options *o);
void registry_free(struct registry *r); /* what others hold of it stays */

struct plugin_file {                    /* one file as it was described; counted */
	char *path;                     /* where it lay */
	int fd;                         /* open for reading */
	struct manifest *manifest;
	unsigned holders;
};
struct plugin_file *plugin_file_hold(struct plugin_file *f);
void plugin_file_drop(struct plugin_file *f); /* NULL is fine */

/* Waits (in a loop of its own; no other is run meanwhile) until the plugin is described, a few milliseconds the first
 * time; while it is watched, what was described last is given at once. Held for you. */
struct plugin_file *registry_plugin(struct registry *r, const char *plugin, struct err *err);
/* The same, borrowed: valid until registry_free, or while it is watched until `changed` has returned. */
const struct manifest *registry_manifest(struct registry *r, const char *plugin, struct err *err);
/* A service beside us uses another file than the one that lies there, which cannot be used: registry_manifest gives its manifest
 * from then on where it would give none. m is the registry's then. */
void registry_learn(struct registry *r, const char *plugin, struct manifest *m);
const struct manifest *registry_manifest_file(struct registry *r, const char *path,
                                              struct err *err);    /* `describe x.so` */
struct plugin_file *registry_look(const struct registry *r, const char *plugin); /* in use now; borrowed; NULL: none, or never asked for */
char *registry_path(const struct registry *r, const char *plugin); /* yours */
char **registry_list(const struct registry *r); /* names of all *.so, sorted, NULL-terminated; yours, each too */
/* A file under watch that cannot be used, though another one of that name is or is not: why (borrowed), and which file that is (NULL: no
 * matter). NULL: all is well. */
const char *registry_trouble(const struct registry *r, const char *plugin, uint64_t *inode);

/* ---- watching ---- */

struct registry_watch {
	uv_loop_t *loop;
	/* before NULL: it came; now NULL: it went. Both stay valid during the call. */
	void (*changed)(void *arg, const char *plugin, const struct plugin_file *before, const struct plugin_file *now);
	/* Its file cannot be used; in_use NULL: no earlier one is in use either. Once per file and reason. */
	void (*broken)(void *arg, const char *plugin, const struct plugin_file *in_use, const struct err *why);
	void *arg;
};
/* Looks at once, then whenever the directory changes, and every 30 s besides. -1: the loop takes no more handles. */
int registry_watch(struct registry *r, const struct registry_watch *w, struct err *err);
bool registry_watched(const struct registry *r);
void registry_refresh(struct registry *r); /* look now, without waiting for what comes of it */
/* No callbacks any more; before registry_free, and the loop must be run until its handles are closed. */
void registry_unwatch(struct registry *r);

/* ELF of an open file: 0, or -1 with the library that is not allowed by name, not an ELF shared object, wrong machine,
 * unreadable for the worker's uid, sluice_connector missing. */
int elf_check(const char *path, int fd, struct err *err);

#endif
