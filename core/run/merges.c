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
	struct dataset_name sources[MERGE_SOURCES_MAX];
	const char *fields[LIST_MAX + 1], *keys[LIST_MAX + 1];
	char *sources_text, *fields_text, *keys_text;
};

/* "a, b" in parts; the text that they lie in is yours. false: they are too many. */
static bool
list_split(const char *text, char **copy, const char **out, struct err *err)
{
	char *rest = *copy = xstrdup(text);
	size_t n = 0;

	for (char *p = piece_next(&rest, ","); p; p = piece_next(&rest, ",")) {
		if (n == LIST_MAX) {
			err_set(err, ERR_USAGE, "more than %d names in one list", LIST_MAX);
			return false;
		}
		if (*p)
			out[n++] = p;
	}
	return true;
}

static int
wanted_fill(struct wanted *w, const struct merge_settings *m, struct err *err)
{
	w->sources_text = xstrdup(m->sources);
	w->merge = (struct store_merge){.name = m->name, .keys = w->keys, .sources = w->sources};
	w->merge.n = merge_sources(w->sources_text, w->sources, MERGE_SOURCES_MAX, err);
	if (m->fields)
		w->merge.fields = w->fields;
	if (w->merge.n && list_split(m->key, &w->keys_text, w->keys, err) &&
	    (!m->fields || list_split(m->fields, &w->fields_text, w->fields, err)))
		return 0;
	return err_prefix(err, "%s:%u: [merge %s]", m->at.file, m->at.line, m->name);
}

/* One chain of pieces at a time. A host that ends leaves the rest to the next one. */
static void
build_next(void *arg, const struct commit_result *result)
{
	struct host *h = arg;
	uint32_t dataset;

	h->merging = false;
	h->merge_failed = result && result->err.cls != ERR_NONE;
	if (h->merge_failed)
		log_warn("building a merge stopped, and goes on with the next start: %s", result->err.text);
	if (h->merge_failed || h->ending)
		return;
	dataset = store_merge_unbuilt(h->store);
	h->merging = dataset != 0;
	if (dataset)
		store_merge_build(h->store, dataset, build_next, h);
	else
		log_info("all merges are built");
}

/* A build that fails costs itself: what is stored can still be read and synced. */
static void
build_all(struct host *h, bool wait)
{
	if (h->merging || !store_merge_unbuilt(h->store))
		return;
	log_info("a merge is new or has changed: it is built from what is stored");
	build_next(h, NULL);
	while (wait && h->merging)
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
