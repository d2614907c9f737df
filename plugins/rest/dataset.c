/* dataset.c - from a [dataset] section to what is asked for and what is made of it.
 *
 * Each fault is told with the dataset's name, the line of the section as it stands, and one that would be right:
 * whoever writes a section has no other teacher than these sentences.
 *
 * Awkward: the host takes a dotted `id` for something that we put under "id" (its model's key is then called so), and a
 * plain one for the member's own name. */
#include "rest.h"
#include <stdio.h>
#include <stdlib.h>

/* ---- words ---- */

/* The next word behind blanks, copied; NULL: none. Moves *text behind it. */
static const char *
word_next(struct sluice_run *run, const char **text)
{
	const char *from = *text + strspn(*text, " \t");
	size_t n = strcspn(from, " \t");

	*text = from + n;
	return n ? sluice_format(run, "%.*s", (int)n, from) : NULL;
}

/* The text up to a separator, trimmed, copied; moves *text behind the separator, or to NULL at the end. */
static const char *
part_next(struct sluice_run *run, const char **text, char separator)
{
	const char *from = *text + strspn(*text, " \t\n"), *end = strchr(from, separator),
	           *to = end ? end : from + strlen(from);

	*text = end ? end + 1 : NULL;
	while (to > from && strchr(" \t\n", to[-1]))
		to--;
	return sluice_format(run, "%.*s", (int)(to - from), from);
}

/* ---- paginate ---- */

static const struct paging_kind {
	const char *word;
	int kind;
	int has_path, has_param, has_size; /* 1: may follow, 2: must */
	const char *param, *size;          /* when they do not */
	const char *example;
} paging_kinds[] = {
        {"none", 0, 0, 0, 0, NULL, NULL, "none"},
        {"cursor", SLUICE_CURSOR, 2, 2, 1, NULL, NULL, "cursor meta.next after"},
        {"last", SLUICE_LAST_ITEM, 2, 2, 1, NULL, NULL, "last id starting_after limit"},
        {"link", SLUICE_LINK, 1, 0, 0, NULL, NULL, "link, or link meta.next_url"},
        {"offset", SLUICE_OFFSET, 0, 1, 1, "offset", NULL, "offset skip limit"},
        {"page", SLUICE_PAGE, 0, 1, 1, "page", NULL, "page page per_page"},
};

int
paging_read(struct sluice_run *run, struct paging *p, const char *dataset, const char *text)
{
	const char *rest = text, *word = word_next(run, &rest);
	const struct paging_kind *k = NULL;

	for (size_t i = 0; word && i < sizeof(paging_kinds) / sizeof(*paging_kinds); i++)
		if (!strcmp(word, paging_kinds[i].word))
			k = &paging_kinds[i];
	if (!k)
		return sluice_fail(run, SLUICE_EFAILED,
		                   "dataset %s: paginate = %s: the first word is none of cursor, last, link, offset, "
		                   "page, none; say for "
		                   "example paginate = cursor meta.next after, or leave the line out and let the first "
		                   "answer tell",
		                   dataset, text);
	*p = (struct paging){.kind = k->kind,
	                     .param = k->param,
	                     .has_more = p->has_more,
	                     .size_param = p->size_param,
	                     .words = text};
	if (k->has_path)
		p->path = word_next(run, &rest);
	if (k->has_param && (word = word_next(run, &rest)) != NULL)
		p->param = word;
	if (k->has_size && (word = word_next(run, &rest)) != NULL)
		p->size_param = word;
	if ((k->has_path == 2 && !p->path) || (k->has_param == 2 && !p->param) || word_next(run, &rest))
		return sluice_fail(
		        run, SLUICE_EFAILED,
		        "dataset %s: paginate = %s: '%s' is followed by other words; say for example paginate = %s",
		        dataset, text, k->word, k->example);
	return 0;
}

/* ---- query and headers ---- */

static int
hex_digit(char c)
{
	const char *digits = "0123456789abcdef", *at = c ? strchr(digits, c | 0x20) : NULL;

	return at ? (int)(at - digits) : -1;
}

/* As it would stand in a URL: %XX and + are decoded, for the host encodes what it gets. */
static const char *
url_decode(struct sluice_run *run, const char *text)
{
	char *out = strdup(text), *to = out;
	const char *kept;

	for (const char *p = text; out && *p; p++) {
		if (*p == '%' && hex_digit(p[1]) >= 0 && hex_digit(p[2]) >= 0) {
			*to++ = (char)(hex_digit(p[1]) * 16 + hex_digit(p[2]));
			p += 2;
		} else {
			*to++ = *p == '+' ? ' ' : *p;
		}
	}
	if (out)
		*to = '\0';
	kept = sluice_format(run, "%s", out ? out : text);
	free(out);
	return kept;
}

static int
query_read(struct sluice_run *run, struct dataset *d, const char *text)
{
	size_t n = 0;

	while (text && *text) {
		const char *pair = part_next(run, &text, '&'), *rest = pair, *name = part_next(run, &rest, '=');
		if (!*pair)
			continue;
		if (n == DATASET_PAIRS || !rest || !*name)
			return sluice_fail(run, SLUICE_EFAILED,
			                   "dataset %s: query: '%s' is not of the form name=value (at most %d of them, "
			                   "as in a URL: "
			                   "state=all&order_by=updated_at)",
			                   d->name, pair, DATASET_PAIRS);
		d->query[n++] = (struct sluice_pair){url_decode(run, name), url_decode(run, rest)};
	}
	return 0;
}

static int
headers_read(struct sluice_run *run, struct dataset *d, struct skim headers)
{
	struct skim_walk w = skim_walk(headers);
	size_t n = 0;

	while (skim_next(&w)) {
		if (n == DATASET_PAIRS)
			return sluice_fail(run, SLUICE_EFAILED, "dataset %s: more than %d headers", d->name,
			                   DATASET_PAIRS);
		d->headers[n++] = (struct sluice_pair){sluice_format(run, "%.*s", (int)w.key.len, w.key.p),
		                                       skim_text(run, w.value)};
	}
	return 0;
}

/* ---- map ---- */

static const struct {
	const char *word;
	int convert;
} conversions[] = {
        {"", SLUICE_AS_IS},
        {"string", SLUICE_TO_STRING},
        {"integer", SLUICE_TO_INTEGER},
        {"time", SLUICE_TO_TIME},
};

static int
map_fault(struct sluice_run *run, const struct dataset *d, const char *entry, const char *what)
{
	return sluice_fail(
	        run, SLUICE_EFAILED,
	        "dataset %s: map: '%s' %s; an entry is NAME:PATH or NAME:PATH:string, :integer or :time, as in "
	        "map = name:profile.name, mail:emails.0.value, created:created_ts:time",
	        d->name, entry, what);
}

/* "name:profile.name:string"; "*" keeps what is not named; the path "." is the item itself. */
static int
map_entry(struct sluice_run *run, struct dataset *d, const char *entry)
{
	const char *rest = entry, *to = part_next(run, &rest, ':'), *from = rest ? part_next(run, &rest, ':') : to,
	           *word = rest ? part_next(run, &rest, ':') : "";

	if (!strcmp(entry, "*"))
		to = from = "";
	else if (!*to || !*from || rest)
		return map_fault(run, d, entry, "names no member, or has too many colons");
	if (d->n_map == DATASET_MAP)
		return map_fault(run, d, entry, "is one too many (60 at most)");
	for (size_t i = 0; i < sizeof(conversions) / sizeof(*conversions); i++)
		if (!strcmp(word, conversions[i].word)) {
			d->map[d->n_map++] =
			        (struct sluice_map){to, strcmp(from, ".") ? from : "", conversions[i].convert};
			return 0;
		}
	return map_fault(run, d, entry, "ends in no conversion");
}

static int
map_names(const struct dataset *d, const char *to)
{
	for (size_t i = 0; i < d->n_map; i++)
		if (!strcmp(d->map[i].to, to))
			return 1;
	return 0;
}

/* What the operator mapped, then the key where it has to be put; the parent's id is added when it is known. */
static int
map_read(struct sluice_run *run, struct dataset *d, const char *text)
{
	while (text && *text)
		if (map_entry(run, d, part_next(run, &text, ',')))
			return sluice_status(run);
	if (!d->n_map && (d->parent || strchr(d->id, '.')))
		d->map[d->n_map++] = (struct sluice_map){.to = "", .from = ""};
	if (d->n_map && !map_names(d, d->key) && (strchr(d->id, '.') || !map_names(d, "")))
		d->map[d->n_map++] = (struct sluice_map){.to = d->key, .from = d->id};
	return 0;
}

/* ---- since ---- */

static int
since_read(struct sluice_run *run, struct dataset *d, const char *text)
{
	static const char *const formats[] = {"rfc3339", "date", "unix", "unix_ms"};
	const char *rest = text ? text : "";

	d->since_param = word_next(run, &rest);
	d->since_path = word_next(run, &rest);
	if (word_next(run, &rest))
		return sluice_fail(
		        run, SLUICE_EFAILED,
		        "dataset %s: since = %s: two words at most: the parameter, and the record's member that it is "
		        "compared with, as in since = updated_after updated_at",
		        d->name, text);
	for (size_t i = 0; d->since_format && i < sizeof(formats) / sizeof(*formats); i++)
		if (!strcmp(d->since_format, formats[i]))
			return 0;
	return d->since_format ? sluice_fail(run, SLUICE_EFAILED,
	                                     "dataset %s: since_format = %s: say rfc3339, date, unix or unix_ms",
	                                     d->name, d->since_format)
	                       : 0;
}

/* ---- all of it ---- */

static long
option_number(struct sluice_run *run, struct skim options, const char *name, long fallback)
{
	const char *text = skim_text(run, skim_get(options, name));

	return text ? strtol(text, NULL, 10) : fallback;
}

int
dataset_load(struct sluice_run *run, struct dataset *d, const char *name, struct skim options)
{
	const char *paginate, *items;

#define OPTION(member) skim_text(run, skim_get(options, member))
	*d = (struct dataset){.name = name,
	                      .path = OPTION("path"),
	                      .method = OPTION("method"),
	                      .body = OPTION("body"),
	                      .id = OPTION("id"),
	                      .since_format = OPTION("since_format"),
	                      .parent = OPTION("parent"),
	                      .parent_field = OPTION("parent_field")};
	d->key = strchr(d->id, '.') ? "id" : d->id;
	d->paging.has_more = OPTION("has_more");
	d->paging.size_param = OPTION("page_size_param");
	d->page_size = (int)option_number(run, options, "page_size", 100);
	d->single = skim_is(skim_get(options, "single"), "true");
	d->skip_404 = skim_is(skim_get(options, "skip_404"), "true");
	items = OPTION("items");
	d->items = items && strcmp(items, ".") ? items : "";
	paginate = OPTION("paginate");
	d->knows_items = items || d->single;
	d->knows_paging = paginate || d->single;
	if (d->page_size < 1 || d->page_size > 100000)
		return sluice_fail(run, SLUICE_EFAILED, "dataset %s: page_size is a number of records from 1 to 100000",
		                   name);
	if (d->path[0] != '/' && strncmp(d->path, "http", 4))
		return sluice_fail(run, SLUICE_EFAILED,
		                   "dataset %s: path = %s: a path below base_url begins with a slash: path = /%s", name,
		                   d->path, d->path);
	if ((paginate && paging_read(run, &d->paging, name, paginate)) || query_read(run, d, OPTION("query")) ||
	    headers_read(run, d, skim_get(options, "headers")) || since_read(run, d, OPTION("since")) ||
	    map_read(run, d, OPTION("map")))
		return sluice_status(run);
	d->start =
	        option_number(run, options, "start", d->paging.kind == SLUICE_PAGE) - (d->paging.kind == SLUICE_PAGE);
#undef OPTION
	return 0;
}

/* ---- ${id} ---- */

static const char *
url_encode(struct sluice_run *run, const char *text)
{
	char *out = malloc(strlen(text) * 3 + 1), *to = out;
	const char *kept;

	if (!out)
		abort();
	for (; *text; text++) {
		const unsigned char c = (unsigned char)*text;
		if (strchr("-._~", c) || (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'))
			*to++ = (char)c;
		else
			to += sprintf(to, "%%%02X", c);
	}
	*to = '\0';
	kept = sluice_format(run, "%s", out);
	free(out);
	return kept;
}

/* "id" is the nearest parent's; "accounts.id" that of the parent of this name. */
static const char *
template_value(struct sluice_run *run, const char *path, const struct skim *records, const char *const *names, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		size_t len = strlen(names[i]);
		if (!strncmp(path, names[i], len) && path[len] == '.')
			return skim_text(run, skim_get(records[i], path + len + 1));
	}
	return n ? skim_text(run, skim_get(records[0], path)) : NULL;
}

const char *
template_apply(struct sluice_run *run, const char *dataset, const char *text, const struct skim *records,
               const char *const *names, size_t n, int encoded)
{
	const char *out = "", *at, *end, *path, *value;

	while (text && (at = strstr(text, "${")) && (end = strchr(at, '}'))) {
		path = sluice_format(run, "%.*s", (int)(end - at) - 2, at + 2);
		value = template_value(run, path, records, names, n);
		if (!value) {
			sluice_fail(run, SLUICE_EDATA,
			            n ? "dataset %s: ${%s}: the record of its parent %s has no such member; it has: %s"
			              : "dataset %s: ${%s} stands for a member of a parent's record: say parent = "
			                "NAME, of another "
			                "dataset of this connection%s%s",
			            dataset, path, n ? names[0] : "", n ? skim_members(run, records[0], 0) : "");
			return NULL;
		}
		out = sluice_format(run, "%s%.*s%s", out, (int)(at - text), text,
		                    encoded ? url_encode(run, value) : value);
		text = end + 1;
	}
	return text ? sluice_format(run, "%s%s", out, text) : NULL;
}
