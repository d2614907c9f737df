/* dataset.c - from a [dataset] section to what is asked for and what is made of it.
 *
 * How the options are written stands in their forms (rest.c), by which the host has judged them before any run; here they
 * are only taken apart. What no form can say is told with the dataset's name, the line as it stands, and one that would be
 * right: whoever writes a section has no other teacher than these sentences.
 *
 * Awkward: the host takes a dotted `id` for something that we put under "id" (its model's key is then called so), and a
 * plain one for the member's own name. */
#include "rest.h"
#include <stdio.h>
#include <stdlib.h>
#include "../common/headers.h"

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
	const char *param;                 /* when it does not */
} paging_kinds[] = {
        {"none", 0, 0, 0, 0, NULL},
        {"cursor", SLUICE_CURSOR, 2, 2, 1, NULL},
        {"last", SLUICE_LAST_ITEM, 2, 2, 1, NULL},
        {"link", SLUICE_LINK, 1, 0, 0, NULL},
        {"offset", SLUICE_OFFSET, 0, 1, 1, "offset"},
        {"page", SLUICE_PAGE, 0, 1, 1, "page"},
};

static int
form_fault(struct sluice_run *run, const char *dataset, const char *option, const char *text)
{
	return sluice_fail(run, SLUICE_EFAILED, "dataset %s: %s = %s is not of its form (`sluice describe rest`)", dataset,
	                   option, text);
}

int
paging_read(struct sluice_run *run, struct paging *p, const char *dataset, const char *text)
{
	const char *rest = text, *word = word_next(run, &rest);
	const struct paging_kind *k = NULL;

	for (size_t i = 0; word && i < sizeof(paging_kinds) / sizeof(*paging_kinds); i++)
		if (!strcmp(word, paging_kinds[i].word))
			k = &paging_kinds[i];
	if (!k)
		return form_fault(run, dataset, "paginate", text);
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
		return form_fault(run, dataset, "paginate", text);
	return 0;
}

/* ---- query ---- */

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
		if (!rest || !*name)
			return form_fault(run, d->name, "query", pair);
		if (n == DATASET_PAIRS)
			return sluice_fail(run, SLUICE_EFAILED, "dataset %s: query: more than %d parameters", d->name,
			                   DATASET_PAIRS);
		d->query[n++] = (struct sluice_pair){url_decode(run, name), url_decode(run, rest)};
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

/* "name:profile.name:string"; "*" keeps what is not named; the path "." is the item itself. */
static int
map_entry(struct sluice_run *run, struct dataset *d, const char *entry)
{
	const char *rest = entry, *to = part_next(run, &rest, ':'), *from = rest ? part_next(run, &rest, ':') : to,
	           *word = rest ? part_next(run, &rest, ':') : "";

	if (!strcmp(entry, "*"))
		to = from = "";
	else if (!*to || !*from || rest)
		return form_fault(run, d->name, "map", entry);
	if (d->n_map == DATASET_MAP)
		return sluice_fail(run, SLUICE_EFAILED, "dataset %s: map: '%s' is one too many (%d at most)", d->name, entry,
		                   DATASET_MAP);
	for (size_t i = 0; i < sizeof(conversions) / sizeof(*conversions); i++)
		if (!strcmp(word, conversions[i].word)) {
			d->map[d->n_map++] =
			        (struct sluice_map){to, strcmp(from, ".") ? from : "", conversions[i].convert};
			return 0;
		}
	return form_fault(run, d->name, "map", entry);
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
	const char *entry;

	while (text && *text) {
		entry = part_next(run, &text, ',');
		if (*entry && map_entry(run, d, entry))
			return sluice_status(run);
	}
	if (!d->n_map && (d->parent || strchr(d->id, '.')))
		d->map[d->n_map++] = (struct sluice_map){.to = "", .from = ""};
	if (d->n_map && !map_names(d, d->key) && (strchr(d->id, '.') || !map_names(d, "")))
		d->map[d->n_map++] = (struct sluice_map){.to = d->key, .from = d->id};
	return 0;
}

/* ---- since ---- */

static void
since_read(struct sluice_run *run, struct dataset *d, const char *text)
{
	const char *rest = text ? text : "";

	d->since_param = word_next(run, &rest);
	d->since_path = word_next(run, &rest);
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
	d->page_size = (int)option_number(run, options, "page_size", PAGE_SIZE);
	d->single = skim_is(skim_get(options, "single"), "true");
	d->skip_404 = skim_is(skim_get(options, "skip_404"), "true");
	items = OPTION("items");
	d->items = items && strcmp(items, ".") ? items : "";
	paginate = OPTION("paginate");
	d->knows_items = items || d->single;
	d->knows_paging = paginate || d->single;
	if (d->body && !strcmp(d->method, "GET"))
		return sluice_fail(run, SLUICE_EFAILED, "dataset %s: body is of a POST: say method = POST, or leave it out",
		                   name);
	if ((paginate && paging_read(run, &d->paging, name, paginate)) || query_read(run, d, OPTION("query")) ||
	    headers_read(run, name, skim_get(options, "headers"), d->headers, DATASET_PAIRS) ||
	    map_read(run, d, OPTION("map")))
		return sluice_status(run);
	since_read(run, d, OPTION("since"));
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
