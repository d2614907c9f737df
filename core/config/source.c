/* source.c - where configuration comes from: files and folders, the environment, the command line, defaults.
 *
 * settings_load calls these in the order of precedence, lowest first. Only [host] can be set from the environment and the
 * command line; a literal encryption key is refused there, since a command line is public.
 *
 * Awkward: a folder named ./conf that holds nothing of ours is no configuration, but the same folder named by the
 * operator is an error. */
#include "config/draft.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "base/mem.h"
#include "config/place.h"

/* ---- where files lie ---- */

static bool
is_there(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 || errno != ENOENT;
}

static int
by_bytes(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool
is_ini(const char *name)
{
	size_t n = strlen(name);

	return n > 4 && name[0] != '.' && !strcmp(name + n - 4, ".ini");
}

/* Reads DIR/ *.ini in the order of their names' bytes; how many there were. A folder that is not there has none. */
static size_t
draft_folder(struct draft *d, const char *dir)
{
	DIR *list = opendir(dir);
	char **names = NULL;
	size_t n = 0;

	if (!list && errno != ENOENT)
		fault_add(&d->faults, (struct origin){"configuration", 0}, NULL, NULL, "cannot read %s: %s", dir, strerror(errno));
	for (struct dirent *e; list && (e = readdir(list));)
		if (is_ini(e->d_name)) {
			names = xrealloc(names, (n + 1) * sizeof(*names));
			names[n++] = xasprintf("%s/%s", dir, e->d_name);
		}
	if (list)
		closedir(list);
	if (n)
		qsort(names, n, sizeof(*names), by_bytes);
	for (size_t i = 0; i < n; i++) {
		draft_file(d, names[i]);
		free(names[i]);
	}
	free(names);
	return n;
}

/* A configuration folder; false: there is nothing in it. */
static bool
draft_directory(struct draft *d, const char *dir)
{
	char *main = xasprintf("%s/sluice.ini", dir), *more = xasprintf("%s/conf.d", dir);
	bool any = is_there(main);

	if (any)
		draft_file(d, main);
	any |= draft_folder(d, more) > 0;
	free(main);
	free(more);
	return any;
}

void
draft_path(struct draft *d, const char *conf)
{
	struct stat st;

	if (stat(conf, &st) < 0 || !S_ISDIR(st.st_mode)) {
		draft_file(d, conf);
		return;
	}
	unsigned before = d->faults.count;
	if (!draft_directory(d, conf) && d->faults.count == before)
		fault_add(&d->faults, (struct origin){"configuration", 0}, NULL, NULL,
		          "%s holds neither sluice.ini nor conf.d/*.ini", conf);
}

static void
draft_installed(struct draft *d)
{
	char *dir = place_find("../etc/sluice");

	draft_directory(d, dir ? dir : SLUICE_PREFIX "/etc/sluice");
	free(dir);
}

void
draft_search(struct draft *d)
{
	const char *named = getenv("SLUICE_CONF");

	if (named && *named)
		draft_path(d, named);
	else if (is_there("sluice.ini"))
		draft_file(d, "sluice.ini");
	else if (!draft_directory(d, "conf"))
		draft_installed(d);
}

/* ---- [host] from elsewhere ---- */

static void
host_set(struct draft *d, const struct key *k, const char *value, const char *from)
{
	draft_set(d, d->sections[0], &(struct draft_given){k, k->name, value, {from, 0}});
}

void
draft_environment(struct draft *d)
{
	d->round++;
	for (const struct key *k = keys; k < keys + keys_count; k++) {
		char name[80] = "SLUICE_";
		size_t n = strlen(name);

		if (k->section != SECTION_HOST)
			continue;
		for (const char *p = k->name; *p && n < sizeof(name) - 1; p++)
			name[n++] = (char)toupper((unsigned char)*p);
		const char *value = getenv(name);
		if (value && *value)
			host_set(d, k, value, draft_keep(d, name));
	}
}

void
draft_command_line(struct draft *d, const char *const *set)
{
	struct origin at = {"command line", 0};

	for (; set && *set; set++) {
		size_t len = strcspn(*set, "=");
		char *name = xstrndup(*set, len);
		const struct key *k = key_find(SECTION_HOST, name);

		d->round++; /* so that the last of two wins, as everywhere on command lines */
		if (!(*set)[len])
			fault_add(&d->faults, at, "host", NULL, "'%s' is no key=value", name);
		else if (!k)
			draft_unknown(d, d->sections[0], name, at);
		else if (k->type == KEY_MASTER && strncmp(*set + len + 1, "file:", 5) && strncmp(*set + len + 1, "env:", 4) &&
		         strcmp(*set + len + 1, "none"))
			fault_add(&d->faults, at, "host", name, "everybody here can read a command line; use file:PATH or env:NAME");
		else
			host_set(d, k, *set + len + 1, at.file);
		free(name);
	}
}

/* ---- defaults ---- */

static bool
is_given(const struct draft_section *s, const struct key *k)
{
	return draft_entry(s, k) != NULL;
}

void
draft_defaults(struct draft *d)
{
	for (size_t i = 0; i < d->n_sections; i++)
		for (const struct key *k = keys; k < keys + keys_count; k++)
			if (k->section == d->sections[i]->kind && k->initial && !is_given(d->sections[i], k))
				draft_set(d, d->sections[i], &(struct draft_given){k, k->name, k->initial, {"default", 0}});
}

void
draft_host_default(struct draft *d, const char *key, const char *value)
{
	const struct key *k = key_find(SECTION_HOST, key);

	if (!is_given(d->sections[0], k))
		host_set(d, k, value, "default");
}
