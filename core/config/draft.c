/* draft.c - where configuration comes from, and which of two values wins.
 *
 * Every source is a round of its own: within one round a key given twice is an error that names both places, a later
 * round replaces it. The order of the calls in settings_load is the precedence: files, then environment, then command
 * line; defaults fill what is left. `every` and `seconds` share a member, so they are one key here.
 *
 * Awkward: after a faulty or unknown header the entries below it are skipped, since judging them by the section above
 * would report each of them wrongly. */
#include "config/draft.h"

#include <ctype.h>
#include <search.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/log.h"
#include "base/mem.h"
#include "config/ini.h"
#include "config/value.h"

#define CONFIG_FILE_MAX (16u << 20) /* bytes of one INI file */
#define NAME_MAX_BYTES 100          /* of a connection, integration, ... */

/* ---- faults ---- */

void
fault_add(struct faults *f, struct origin at, const char *section, const char *key, const char *fmt, ...)
{
	struct err e = {0};
	struct buf place = {0};
	va_list ap;

	va_start(ap, fmt);
	err_setv(&e, ERR_USAGE, fmt, ap);
	va_end(ap);
	buf_puts(&place, at.file);
	if (at.line)
		buf_printf(&place, ":%u", at.line);
	if (section)
		buf_printf(&place, ": [%s]", section);
	if (key)
		buf_printf(&place, ": %s", key);
	err_prefix(&e, "%s", buf_str(&place));
	buf_free(&place);
	if (f->count++ == 0 && f->err)
		*f->err = e;
	if (f->count <= FAULTS_SHOWN)
		log_error("%s", e.text);
	else if (f->count == FAULTS_SHOWN + 1)
		log_error("more errors follow and are not shown; correct these first");
}

static void
fault_text(struct faults *f, struct origin at, const char *what)
{
	fault_add(f, at, NULL, NULL, "%s", what);
}

/* ---- sections and entries ---- */

static int
by_title(const void *a, const void *b)
{
	return strcmp(((const struct draft_section *)a)->title, ((const struct draft_section *)b)->title);
}

/* The section of that title, made if there is none yet; *made says which. */
static struct draft_section *
section_get(struct draft *d, const char *title, bool *made)
{
	struct draft_section probe = {.title = xstrdup(title)};
	void *found = tfind(&probe, &d->by_title, by_title);

	*made = !found;
	if (found) {
		free(probe.title);
		return *(struct draft_section **)found;
	}
	struct draft_section *s = XNEW(struct draft_section);
	s->title = probe.title;
	if (!tsearch(s, &d->by_title, by_title))
		die("out of memory");
	d->sections = xrealloc(d->sections, (d->n_sections + 1) * sizeof(*d->sections));
	d->sections[d->n_sections++] = s;
	return s;
}

/* The same member of the settings: the same key, whatever it is called. */
static bool
entry_is(const struct draft_entry *e, const struct key *k, const char *name)
{
	return k ? e->key && e->key->offset == k->offset : !e->key && !strcmp(e->name, name);
}

static void
text_wipe(char *s)
{
	if (s)
		explicit_bzero(s, strlen(s));
	free(s);
}

void
draft_set(struct draft *d, struct draft_section *s, const struct draft_given *new)
{
	struct draft_entry *e = s->entries, *end = s->entries + s->n_entries;

	while (e < end && !entry_is(e, new->key, new->name))
		e++;
	if (e < end && e->round == d->round) {
		fault_add(&d->faults, new->at, s->title, new->name, "already given as '%s' in line %u; take one of the two away",
		          e->name, e->at.line);
		return;
	}
	if (e == end) {
		s->entries = xrealloc(s->entries, (s->n_entries + 1) * sizeof(*s->entries));
		e = &s->entries[s->n_entries++];
	} else {
		free(e->name);
		text_wipe(e->value);
	}
	*e = (struct draft_entry){new->key, xstrdup(new->name), xstrdup(new->value), new->at, d->round};
}

const struct draft_entry *
draft_entry(const struct draft_section *s, const struct key *k)
{
	for (const struct draft_entry *e = s->entries; e < s->entries + s->n_entries; e++)
		if (entry_is(e, k, k->name))
			return e;
	return NULL;
}

void
draft_init(struct draft *d, struct err *err)
{
	bool made;

	*d = (struct draft){.faults.err = err};
	section_get(d, "host", &made)->at = (struct origin){"default", 0};
	struct draft_section *alert = section_get(d, "alert", &made);
	alert->kind = SECTION_ALERT;
	alert->at = (struct origin){"default", 0};
}

static void
section_free(struct draft_section *s)
{
	for (struct draft_entry *e = s->entries; e < s->entries + s->n_entries; e++) {
		free(e->name);
		text_wipe(e->value);
	}
	free(s->entries);
	free(s->title);
	for (int i = 0; i < SECTION_PARTS; i++)
		free(s->part[i]);
	free(s);
}

static void
node_free(void *section)
{
	(void)section; /* freed with the array */
}

void
draft_finish(struct draft *d)
{
	tdestroy(d->by_title, node_free);
	for (size_t i = 0; i < d->n_sections; i++)
		section_free(d->sections[i]);
	free(d->sections);
	for (size_t i = 0; i < d->n_files; i++)
		free(d->files[i]);
	free(d->files);
	*d = (struct draft){0};
}

/* ---- one file ---- */

struct reading {
	struct draft *draft;
	const char *file;
	struct draft_section *section;
	enum { NOT_YET, INSIDE, SKIPPING } state;
};

bool
draft_name_good(struct slice s)
{
	if (!s.len || s.len > NAME_MAX_BYTES || s.p[0] == '.')
		return false;
	for (size_t i = 0; i < s.len; i++)
		if (!isalnum((unsigned char)s.p[i]) && (unsigned char)s.p[i] < 0x80 && !strchr("._-@+", s.p[i]))
			return false;
	return true;
}

/* Cuts "acme : slack" at its colons; returns how many parts there are, also when more than fit. */
static unsigned
parts_split(struct slice s, struct slice part[SECTION_PARTS])
{
	unsigned n = 0;

	for (;;) {
		const char *colon = memchr(s.p, ':', s.len);
		size_t len = colon ? (size_t)(colon - s.p) : s.len;
		size_t begin = 0;
		while (begin < len && isspace((unsigned char)s.p[begin]))
			begin++;
		while (len > begin && isspace((unsigned char)s.p[len - 1]))
			len--;
		if (n < SECTION_PARTS)
			part[n] = slice_of(s.p + begin, len - begin);
		n++;
		if (!colon)
			return n;
		s = slice_of(colon + 1, (size_t)(s.p + s.len - colon - 1));
	}
}

static const struct section *
section_kind(const char *header, size_t len)
{
	for (int i = 0; i < SECTION_KINDS; i++)
		if (strlen(sections[i].name) == len && !memcmp(sections[i].name, header, len))
			return &sections[i];
	return NULL;
}

static void
section_unknown(struct faults *f, struct origin at, const char *header, size_t word)
{
	char *name = xstrndup(header, word < NAME_MAX_BYTES ? word : NAME_MAX_BYTES);
	const char *near = section_nearest(name);
	const struct section *s = near ? section_kind(near, strlen(near)) : NULL;

	if (s)
		fault_add(f, at, NULL, NULL, "unknown section [%.120s]; did you mean %s?", header, s->form);
	else
		fault_add(f, at, NULL, NULL, "unknown section [%.120s]; there are host, key, integration, limit, connection, sync, merge and alert", header);
	free(name);
}

/* The header's kind and names, checked; NULL: it is wrong, which has been told. */
static const struct section *
header_check(const char *header, struct slice part[SECTION_PARTS], struct faults *f, struct origin at)
{
	size_t word = strcspn(header, " \t:");
	const struct section *kind = section_kind(header, word);
	struct slice rest = slice_str(header + word + strspn(header + word, " \t"));
	unsigned n = rest.len ? parts_split(rest, part) : 0;

	if (!kind) {
		section_unknown(f, at, header, word);
		return NULL;
	}
	if (n != kind->parts) {
		fault_add(f, at, NULL, NULL, "[%.120s] names %u of %u; write %s, like %s", header, n, kind->parts, kind->form,
		          kind->sample);
		return NULL;
	}
	for (unsigned i = 0; i < n; i++)
		if (!draft_name_good(part[i])) {
			fault_add(f, at, NULL, NULL,
			          "[%.120s]: '%.*s' is no name: letters, digits and . _ - @ +, at most 100, no dot in front", header,
			          (int)(part[i].len < 60 ? part[i].len : 60), part[i].p);
			return NULL;
		}
	return kind;
}

/* Finds or adds the section; -1: the header is wrong, which has been told. */
static int
section_enter(struct reading *r, const char *header, struct origin at)
{
	struct slice part[SECTION_PARTS] = {{0}};
	const struct section *kind = header_check(header, part, &r->draft->faults, at);
	struct buf title = {0};
	bool made;

	if (!kind)
		return -1;
	buf_puts(&title, kind->name);
	for (unsigned i = 0; i < kind->parts; i++) {
		buf_puts(&title, i ? " : " : " ");
		buf_slice(&title, part[i]);
	}
	r->section = section_get(r->draft, buf_str(&title), &made);
	buf_free(&title);
	if (made) {
		r->section->kind = (enum section_kind)(kind - sections);
		r->section->at = at;
		for (unsigned i = 0; i < kind->parts; i++)
			r->section->part[i] = slice_dup(part[i]);
	}
	return 0;
}

static void
reading_section(void *arg, const char *name, unsigned line)
{
	struct reading *r = arg;
	struct origin at = {r->file, line};

	r->state = name && section_enter(r, name, at) == 0 ? INSIDE : SKIPPING;
}

/* Where else a key of that name is at home, for the message; NULL: nowhere. */
static const char *
key_home(const char *name)
{
	for (int i = 0; i < SECTION_KINDS; i++)
		if (key_find((enum section_kind)i, name))
			return sections[i].form;
	return NULL;
}

void
draft_unknown(struct draft *d, const struct draft_section *s, const char *name, struct origin at)
{
	const char *near = key_nearest(s->kind, name), *home = key_home(name);

	if (home)
		fault_add(&d->faults, at, s->title, NULL, "unknown key '%s'; it belongs into %s", name, home);
	else if (near)
		fault_add(&d->faults, at, s->title, NULL, "unknown key '%s'; did you mean '%s'?", name, near);
	else
		fault_add(&d->faults, at, s->title, NULL, "unknown key '%s'; reference.ini lists all keys", name);
}

static void
reading_entry(void *arg, const char *name, const char *value, unsigned line)
{
	struct reading *r = arg;
	struct draft *d = r->draft;
	struct origin at = {r->file, line};

	if (r->state == NOT_YET)
		fault_add(&d->faults, at, NULL, NULL, "'%s' stands before the first section; put [host] above it", name);
	if (r->state != INSIDE)
		return;
	struct draft_section *s = r->section;
	const struct key *k = key_find(s->kind, name);
	if (!k && s->kind != SECTION_CONNECTION && s->kind != SECTION_DATASET)
		draft_unknown(d, s, name, at);
	else
		draft_set(d, s, &(struct draft_given){k, name, value, at});
}

static void
reading_fault(void *arg, unsigned line, const char *what)
{
	struct reading *r = arg;

	fault_text(&r->draft->faults, (struct origin){r->file, line}, what);
}

/* A name that outlives the draft, for origins. */
const char *
draft_keep(struct draft *d, const char *name)
{
	d->files = xrealloc(d->files, (d->n_files + 1) * sizeof(*d->files));
	return d->files[d->n_files++] = xstrdup(name);
}

void
draft_file(struct draft *d, const char *path)
{
	struct buf text = {0};
	struct err why = {0};
	struct reading r = {.draft = d, .file = draft_keep(d, path)};

	d->round++;
	if (file_read(path, CONFIG_FILE_MAX, &text, &why) < 0)
		fault_text(&d->faults, (struct origin){"configuration", 0}, why.text);
	else
		ini_read(buf_view(&text),
		         &(struct ini_sink){reading_section, reading_entry, reading_fault, &r});
	buf_wipe(&text);
}
