/* sections.c - see sections.h.
 *
 * Guarantee: every finding names file and line, and the nearest name where one is near. Awkward: metadata are not declared
 * by name as options are; what no sync's input mentions may still be read by a connector, so it is a doubt, and none at
 * all where a connector declares no input. */
#include "run/sections.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include "base/json.h"
#include "base/mem.h"
#include "plugin/form.h"
#include "run/merges.h"
#include "run/options.h"
#include "run/shaped.h"


struct judging {
	struct host *host;
	const struct settings *s;
	const struct section_judge *judge;
};

static void
say(const struct judging *j, bool fault, struct origin at, const char *section, struct err *why)
{
	char text[ORIGIN_MAX];

	err_prefix(why, "%s: [%s]", origin_text(at, text), section);
	(fault ? j->judge->fault : j->judge->doubt)(j->judge->arg, why);
}

/* ---- [limit] ---- */

/* "GET /v1/search*": a method in capitals and a blank, or neither; then a path. */
static bool
match_good(const char *match)
{
	while (isupper((unsigned char)*match))
		match++;
	match += strspn(match, " ");
	if (*match != '/')
		return false;
	for (; *match; match++)
		if (isspace((unsigned char)*match) || iscntrl((unsigned char)*match) || *match == '?' || *match == '#')
			return false;
	return true;
}

static bool
integration_used(const struct settings *s, const struct integration_settings *i)
{
	for (size_t n = 0; n < s->n_connections; n++)
		if (strcmp(s->connections[n]->integration->name, i->name) == 0)
			return true;
	return false;
}

static void
limit_judge(const struct judging *j, const struct limit_settings *l)
{
	char *section = xasprintf("limit %s : %s", l->integration->name, l->name);
	struct err err;

	if (!match_good(l->match)) {
		err_set(&err, ERR_USAGE, "match: '%s' is no method and path without a query; say for example GET /v1/search*",
		        l->match);
		say(j, true, l->at, section, &err);
	}
	if (!integration_used(j->s, l->integration)) {
		err_set(&err, ERR_USAGE, "no connection is one of integration '%s'", l->integration->name);
		say(j, false, l->at, section, &err);
	}
	free(section);
}

/* ---- [merge] ---- */

static const char *
nearest_of(const struct judging *j, const struct manifest *m, const char *wrong)
{
	size_t n = m ? m->n_models : j->s->n_connections;
	const char **names = xcalloc(n + 1, sizeof *names), *near;

	for (size_t i = 0; i < n; i++)
		names[i] = m ? m->models[i].name : j->s->connections[i]->name;
	near = nearest(wrong, names);
	free(names);
	return near;
}

static void
source_judge(const struct judging *j, const struct merge_settings *merge, const char *section,
             const struct dataset_name *source)
{
	const struct connection_settings *k = settings_connection(j->s, source->connection, source->integration);
	const struct manifest *m = k ? host_manifest_in(j->host, j->s, k, NULL) : NULL;
	bool fault = k || host_store(j->host) != NULL;
	const char *near;
	struct err err;

	if (strcmp(source->connection, MERGE_NAME) == 0 && strcmp(source->integration, MERGE_NAME) == 0) {
		err_set(&err, ERR_USAGE, "sources: '%s' is itself merged; name the sources that it is made of", source->model);
		fault = true;
	} else if (!k) {
		near = nearest_of(j, NULL, source->connection);
		err_set(&err, ERR_USAGE, "sources: there is no connection %s : %s%s%s%s", source->connection, source->integration,
		        near && strcmp(near, source->connection) ? "; did you mean '" : "",
		        near && strcmp(near, source->connection) ? near : "",
		        near && strcmp(near, source->connection) ? "'?" : "");
	} else if (m && !manifest_model(m, source->model, NULL)) {
		near = nearest_of(j, m, source->model);
		err_set(&err, ERR_USAGE, "sources: connector '%s' has no model '%s'%s%s%s", m->name, source->model,
		        near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
	} else {
		return;
	}
	say(j, fault, merge->at, section, &err);
}

static void
merge_judge(const struct judging *j, const struct merge_settings *merge)
{
	struct dataset_name sources[MERGE_SOURCES_MAX];
	char *section = xasprintf("merge %s", merge->name), *text = xstrdup(merge->sources);
	struct err err;
	size_t n = merge_sources(text, sources, LENGTH(sources), &err);

	if (!n)
		say(j, true, merge->at, section, &err);
	for (size_t i = 0; i < n; i++)
		source_judge(j, merge, section, &sources[i]);
	free(text);
	free(section);
}

/* ---- [dataset] ---- */

static const struct pair *
given_of(const struct dataset_settings *d, const char *option)
{
	for (size_t i = 0; i < d->n_options; i++)
		if (strcmp(d->options[i].name, option) == 0)
			return &d->options[i];
	return NULL;
}

/* Where an option leads to the next dataset, and that one's to the next: back to d? */
static bool
leads_back(const struct judging *j, const struct dataset_settings *d, const char *option)
{
	const struct dataset_settings *at = d;

	for (size_t steps = 0; at && steps <= j->s->n_datasets; steps++) {
		const struct pair *to = given_of(at, option);
		at = to ? settings_dataset(j->s, d->connection, to->value) : NULL;
		if (at == d)
			return true;
	}
	return false;
}

/* An option that names another dataset of the connection (FORM_DATASET). */
static void
reference_judge(const struct judging *j, const struct dataset_settings *d, const struct pair *to)
{
	char *section = xasprintf("dataset %s : %s : %s", d->connection->name, d->connection->integration->name, d->name);
	const char **names = xcalloc(j->s->n_datasets + 1, sizeof *names), *near;
	struct err err = {0};
	size_t n = 0;

	for (size_t i = 0; i < j->s->n_datasets; i++)
		if (j->s->datasets[i]->connection == d->connection && j->s->datasets[i] != d)
			names[n++] = j->s->datasets[i]->name;
	near = nearest(to->value, names);
	if (!settings_dataset(j->s, d->connection, to->value))
		err_set(&err, ERR_USAGE, "%s: the connection has no dataset '%s'%s%s%s", to->name,
		        to->resolved ? "***" : to->value, near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
	else if (leads_back(j, d, to->name))
		err_set(&err, ERR_USAGE, "%s: '%s' leads back to '%s': name one that does not", to->name,
		        to->resolved ? "***" : to->value, d->name);
	if (err.cls != ERR_NONE)
		say(j, true, to->at, section, &err);
	free(names);
	free(section);
}

/* One that its connector cannot have, or whose options are not what it wants. */
static void
dataset_judge(const struct judging *j, const struct dataset_settings *d)
{
	const struct manifest *m = host_manifest(j->host, d->connection->integration->plugin, NULL);
	struct buf options = {0};
	struct err err;

	if (m && m->shaped && dataset_options_build(m, d, &options, &err) != 0)
		j->judge->fault(j->judge->arg, &err);
	for (size_t i = 0; m && i < m->n_dataset_options; i++) {
		const struct manifest_option *o = &m->dataset_options[i];
		const struct pair *to = o->form && strcmp(o->form, FORM_DATASET) == 0 ? given_of(d, o->name) : NULL;

		if (to && to->value[0])
			reference_judge(j, d, to);
	}
	buf_free(&options);
}

/* A connection whose datasets do not make a manifest is told with the connection; one that names none syncs nothing. */
static void
datasets_judge(const struct judging *j, const struct connection_settings *c)
{
	const struct manifest *m = host_manifest(j->host, c->integration->plugin, NULL);
	char *section = xasprintf("connection %s : %s", c->name, c->integration->name);
	struct err err;

	if (m && m->shaped && !m->n_syncs && !shaped_has(j->s, c)) {
		err_set(&err, ERR_USAGE, "it has no [dataset %s : %s : NAME], so it syncs nothing", c->name, c->integration->name);
		say(j, false, c->at, section, &err);
	}
	free(section);
}

/* ---- metadata ---- */

/* Which names syncs declare; NULL-terminated, yours; the names are the manifest's. */
static const char **
inputs_of(const struct manifest *m)
{
	const char **names = xcalloc(1, sizeof *names);
	size_t n = 0;

	for (size_t i = 0; i < m->n_syncs; i++)
		for (size_t k = 0; k < m->syncs[i].n_input; k++) {
			names = xrealloc(names, (n + 2) * sizeof *names);
			names[n++] = m->syncs[i].input[k].name;
			names[n] = NULL;
		}
	return names;
}

static void
metadata_judge(const struct judging *j, const struct connection_settings *c)
{
	const struct manifest *m = c->n_metadata ? host_manifest_in(j->host, j->s, c, NULL) : NULL;
	const char **names = m ? inputs_of(m) : NULL;
	char *section = xasprintf("connection %s : %s", c->name, c->integration->name);
	struct err err;

	for (size_t i = 0; names && *names && i < c->n_metadata; i++) {
		const char *near = nearest(c->metadata[i].name, names);
		size_t k = 0;

		while (names[k] && strcmp(names[k], c->metadata[i].name) != 0)
			k++;
		if (names[k])
			continue;
		err_set(&err, ERR_USAGE, "metadata.%s: no sync of connector '%s' asks for it%s%s%s", c->metadata[i].name, m->name,
		        near ? "; did you mean 'metadata." : "", near ? near : "", near ? "'?" : "");
		say(j, false, c->metadata[i].at, section, &err);
	}
	free(section);
	free(names);
}

void
sections_judge(struct host *h, const struct settings *s, const struct section_judge *judge)
{
	const struct judging j = {h, s, judge};

	for (size_t i = 0; i < s->n_limits; i++)
		limit_judge(&j, s->limits[i]);
	for (size_t i = 0; i < s->n_merges; i++)
		merge_judge(&j, s->merges[i]);
	for (size_t i = 0; i < s->n_datasets; i++)
		dataset_judge(&j, s->datasets[i]);
	for (size_t i = 0; i < s->n_connections; i++) {
		datasets_judge(&j, s->connections[i]);
		metadata_judge(&j, s->connections[i]);
	}
}
