/* registry.h - which plugins there are, and what they declare.
 *
 * A plugin is NAME.so in the plugin directory. Before any of its code runs the host reads its ELF header: DT_NEEDED may
 * name libc, libm and libcjson only (and the sanitizers' runtimes in a sanitized build). Then a sandboxed worker
 * describes it, once per (device, inode, size, mtime). */
#ifndef SLUICE_PLUGIN_REGISTRY_H
#define SLUICE_PLUGIN_REGISTRY_H

#include <stdbool.h>
#include <stdint.h>
#include "plugin/manifest.h"

struct registry;
struct registry_options {
	const char *dir, *worker;
	uint64_t memory;
	int64_t start_ms;
	bool seccomp_only;
};
struct registry *registry_new(const struct registry_options *o);
void registry_free(struct registry *r);
/* Waits (in a loop of its own; no other is run meanwhile) until the plugin is described, a few milliseconds the first
 * time. Borrowed; valid until registry_free (a changed file gets a new manifest beside it). */
const struct manifest *registry_manifest(struct registry *r, const char *plugin, struct err *err);
const struct manifest *registry_manifest_file(struct registry *r, const char *path,
                                              struct err *err);    /* `describe x.so` */
char *registry_path(const struct registry *r, const char *plugin); /* yours */
char **registry_list(const struct registry *r); /* names of all *.so, sorted, NULL-terminated; yours, each too */
/* ELF: 0, or -1 with the library that is not allowed by name, not an ELF shared object, wrong machine, unreadable for
 * the worker's uid, sluice_connector missing. */
int elf_check(const char *path, struct err *err);

#endif
