/* merges.c - see merges.h.
 *
 * A new or changed merge over data that is there is built in small commits: before anything else in a one-shot command,
 * beside everything else in a service. Awkward: nothing of it is kept here; which merge is still to be built, and how
 * far it is, stands in the store. */
#include <stdlib.h>
#include <string.h>
#include "base/log.h"
#include "base/mem.h"
#include "run/host.h"
#include "run/merges.h"

#define SOURCES_MAX 32
#define LIST_MAX 256

/* The next piece of a list, without the white space around it; NULL: there is none left. */
static char *
piece_next(char **rest, const char *separator)
{
	char *p = strsep(rest, separator), *end;

	if (!p)
		return NULL;
	p += strspn(p, " \t\r\n");
	end = p + strlen(p);
	while (end > p && strchr(" \t\r\n", end[-1]))
		*--end = 0;
	return p;
}

size_t
merge_sources(char *text, struct dataset_name *out, size_t max, struct err *err)
{
	char *rest = text, *source;
	size_t n = 0;

	while ((source = piece_next(&rest, ","))) {
		char *given = xstrdup(source), *parts = source;
		struct dataset_name name = {.connection = piece_next(&parts, ":")};
		name.integration = piece_next(&parts, ":");
		name.model = piece_next(&parts, ":");
		if (!name.model || !*name.connection || !*name.integration || !*name.model || parts || n == max) {
			if (n == max)
				err_set(err, ERR_USAGE, "sources: more than %zu", max);
			else
				err_set(err, ERR_USAGE,
				        "sources: '%s' is no CONNECTION:INTEGRATION:MODEL; say for example acme:close:Contact",
				        given);
			free(given);
			return 0;
		}
		free(given);
		out[n++] = name;
	}
	return n;
}

struct wanted {
	struct store_merge merge;
	struct dataset_name sources[SOURCES_MAX];
	const char *fields[LIST_MAX + 1], *keys[LIST_MAX + 1];
	char *sources_text, *fields_text, *keys_text;
};

/* "a, b" in parts; the text that they lie in is yours. */
static char *
list_split(const char *text, const char **out)
{
	char *copy = xstrdup(text), *rest = copy;
	size_t n = 0;

	for (char *p = piece_next(&rest, ","); p && n < LIST_MAX; p = piece_next(&rest, ","))
		if (*p)
			out[n++] = p;
	return copy;
}

static int
wanted_fill(struct wanted *w, const struct merge_settings *m, struct err *err)
{
	w->sources_text = xstrdup(m->sources);
	w->merge = (struct store_merge){.name = m->name, .keys = w->keys, .sources = w->sources};
	w->keys_text = list_split(m->key, w->keys);
	w->merge.n = merge_sources(w->sources_text, w->sources, SOURCES_MAX, err);
	if (!w->merge.n)
		return err_prefix(err, "%s:%u: [merge %s]", m->at.file, m->at.line, m->name);
	if (m->fields) {
		w->fields_text = list_split(m->fields, w->fields);
		w->merge.fields = w->fields;
	}
	return 0;
}

static void
build_next(void *arg, const struct commit_result *result)
{
	struct host *h = arg;
	uint32_t dataset = result && result->err.cls != ERR_NONE ? 0 : store_merge_unbuilt(h->store);

	if (dataset)
		store_merge_build(h->store, dataset, build_next, h);
	else if (result && result->err.cls != ERR_NONE)
		log_warn("building a merge stopped, and goes on with the next start: %s", result->err.text);
	else
		log_info("all merges are built");
}

static void
build_all(struct host *h, bool wait)
{
	if (!store_merge_unbuilt(h->store))
		return;
	log_info("a merge is new or has changed: it is built from what is stored");
	build_next(h, NULL);
	while (wait && store_merge_unbuilt(h->store))
		store_drain(h->store);
}

int
merges_set(struct host *h, const struct settings *settings, bool wait, struct err *err)
{
	struct wanted *wanted = xcalloc(settings->n_merges + 1, sizeof(*wanted));
	struct store_merge *list = xcalloc(settings->n_merges + 1, sizeof(*list));
	int rc = 0;

	for (size_t i = 0; i < settings->n_merges && !rc; i++) {
		rc = wanted_fill(&wanted[i], settings->merges[i], err);
		list[i] = wanted[i].merge;
	}
	if (!rc)
		rc = store_merges(h->store, list, settings->n_merges, err);
	if (!rc)
		build_all(h, wait);
	for (size_t i = 0; i < settings->n_merges; i++) {
		free(wanted[i].sources_text);
		free(wanted[i].fields_text);
		free(wanted[i].keys_text);
	}
	free(wanted);
	free(list);
	return rc;
}
