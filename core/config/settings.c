/* settings.c - from the draft to typed settings: sections in the order of what they refer to, values by the table,
 * then what must hold between them.
 *
 * Nothing stops at the first error: a value that does not parse leaves its member at zero, and the object is thrown away
 * at the end when anything was reported. So nobody ever holds settings that are half right; but for a connection whose
 * env: or file: cannot be had: it says so (`broken`), and nothing of it runs.
 *
 * Awkward: two defaults hang on the executable's place, one on data_dir: they join the draft here and in make.c, not in the
 * table. */
#include "config/settings.h"

#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "config/loaded.h"
#include "config/make.h"
#include "config/place.h"
#include "config/stored.h"
#include "config/value.h"

/* ---- for `sluice config` ---- */

static bool
entry_secret(const struct draft_entry *e)
{
	return e->key && (e->key->type == KEY_SECRET || (e->key->type == KEY_MASTER && strcmp(e->value, "none")));
}

/* The value as it may be shown; yours. */
static char *
entry_show(const struct draft_entry *e)
{
	struct slice given = slice_str(e->value);
	struct value v = {0};
	char *text;

	if (entry_refers(e) || entry_secret(e))
		return xstrdup("***");
	if (!e->key || value_resolve_plain(&v, given, NULL) < 0)
		return xstrdup(e->value);
	text = e->key->type == KEY_PATH ? path_absolute(buf_view(&v.text)) : xstrdup(buf_str(&v.text));
	value_finish(&v);
	return text;
}

static void
show_add(struct building *b, const struct draft_section *from, const struct draft_entry *e)
{
	struct settings *s = b->s;

	s->shown = xrealloc(s->shown, (s->n_shown + 1) * sizeof(*s->shown));
	s->shown[s->n_shown++] = (struct setting_shown){
		.section = xstrdup(from->title),
		.key = e->key ? e->key->name : draft_keep(b->draft, e->name),
		.value = entry_show(e),
		.at = e->at,
		.literal = entry_secret(e) && !entry_refers(e),
		.help = e->key                 ? e->key->help
		        : entry_is_metadata(e) ? "first value of this metadata"
		                               : "option of the connector",
	};
}

static void
section_show(struct building *b, const struct draft_section *s)
{
	for (const struct key *k = keys; k < keys + keys_count; k++) {
		const struct draft_entry *e = k->section == s->kind ? draft_entry(s, k) : NULL;
		if (e && e->key == k)
			show_add(b, s, e);
	}
	for (const struct draft_entry *e = s->entries; e < s->entries + s->n_entries; e++)
		if (!e->key)
			show_add(b, s, e);
}

/* ---- loading ---- */

static void
default_place(struct draft *d, const char *key, const char *const *places, const char *last)
{
	char *path = NULL;

	for (; *places && !path; places++)
		path = place_find(*places);
	draft_host_default(d, key, path ? path : last);
	free(path);
}

static void
draft_collect(struct draft *d, const struct settings_source *from)
{
	if (from->conf)
		draft_path(d, from->conf);
	else if (!from->no_search)
		draft_search(d);
	draft_environment(d);
	draft_command_line(d, from->set);
	draft_defaults(d);
	default_place(d, "plugin_dir", (const char *const[]){"plugins", "../lib/sluice/plugins", NULL},
	              SLUICE_PREFIX "/lib/sluice/plugins");
	default_place(d, "worker", (const char *const[]){"sluice-worker", "../libexec/sluice/sluice-worker", NULL},
	              SLUICE_PREFIX "/libexec/sluice/sluice-worker");
}

struct settings *
settings_load(const struct settings_source *from, struct err *err)
{
	struct loaded *all = XNEW(struct loaded);
	struct draft d;
	struct building b = {.draft = &d, .s = &all->s};
	unsigned faults;

	draft_init(&d, err);
	draft_collect(&d, from);
	for (enum section_kind kind = 0; kind < SECTION_KINDS; kind++)
		for (size_t i = 0; i < d.n_sections; i++)
			if (d.sections[i]->kind == kind)
				section_make(&b, d.sections[i]);
	for (size_t i = 0; i < d.n_sections; i++)
		section_show(&b, d.sections[i]);
	faults = d.faults.count;
	all->files = d.files;
	all->n_files = d.n_files;
	d.files = NULL;
	d.n_files = 0;
	draft_finish(&d);
	if (!faults)
		return &all->s;
	settings_free(&all->s);
	return NULL;
}
