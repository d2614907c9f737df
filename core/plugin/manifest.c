/* manifest.c - a manifest's end, and what is looked for in it. Shared with the worker. How it is made: manifest_read.c. */
#include "plugin/manifest.h"

#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "plugin/rules.h"

/* ---- freeing ---- */

void
texts_free(char **list)
{
	for (size_t i = 0; list && list[i]; i++)
		free(list[i]);
	free(list);
}

static void
fields_free(struct manifest_field *fields, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(fields[i].name);
		free(fields[i].description);
	}
	free(fields);
}

static void
sync_free(struct manifest_sync *s)
{
	free(s->name);
	if (s->base) { /* all else is that sync's */
		free(s->base);
		free(s->variant);
		return;
	}
	free(s->endpoint);
	free(s->description);
	free(s->models);
	fields_free(s->input, s->n_input);
}

static void
action_free(struct manifest_action *a)
{
	free(a->name);
	free(a->endpoint);
	free(a->description);
	fields_free(a->input, a->n_input);
	fields_free(a->output, a->n_output);
}

static void
webhook_free(struct manifest_webhook *w)
{
	for (const struct manifest_text *t = manifest_webhook_texts; t->name; t++)
		free(*(char **)(void *)((char *)w + t->at));
	sync_free(&w->as_sync);
	texts_free(w->types);
}

static void
options_free(struct manifest_option *list, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(list[i].name);
		free(list[i].help);
		free(list[i].fallback);
		free(list[i].form);
	}
	free(list);
}

void
manifest_free(struct manifest *m)
{
	if (!m)
		return;
	options_free(m->options, m->n_options);
	options_free(m->dataset_options, m->n_dataset_options);
	sync_free(&m->dataset);
	for (size_t i = 0; i < m->n_models; i++) {
		free(m->models[i].name);
		free(m->models[i].description);
		fields_free(m->models[i].fields, m->models[i].n_fields);
	}
	for (size_t i = 0; i < m->n_syncs; i++)
		sync_free(&m->syncs[i]);
	for (size_t i = 0; i < m->n_actions; i++)
		action_free(&m->actions[i]);
	for (size_t i = 0; i < m->n_webhooks; i++)
		webhook_free(&m->webhooks[i]);
	for (size_t i = 0; i < m->rate.n_groups; i++)
		free(m->rate.groups[i].match);
	free(m->rate.groups);
	char *texts[] = {m->name,        m->version,        m->description, m->base_url,         m->auth_name,
	                 m->auth_prefix, m->rate.remaining, m->rate.reset,  m->rate.retry_after, m->rate.retry_body,
	                 m->oauth.token_url, m->oauth.authorize_url, m->oauth.authorize_params, m->oauth.token_params};
	for (size_t i = 0; i < LENGTH(texts); i++)
		free(texts[i]);
	texts_free(m->hosts);
	texts_free(m->headers);
	texts_free(m->scopes);
	texts_free(m->oauth.scopes);
	free(m->models);
	free(m->syncs);
	free(m->actions);
	free(m->webhooks);
	free(m);
}

/* ---- finding ---- */

#define FIND(m, list, wanted)                                                                                          \
	for (size_t i = 0; i < (m)->n_##list; i++)                                                                     \
		if ((m)->list[i].name && !strcmp((m)->list[i].name, wanted))                                           \
			return &(m)->list[i];                                                                          \
	return NULL

const struct manifest_sync *
manifest_sync(const struct manifest *m, const char *name)
{
	FIND(m, syncs, name);
}

const struct manifest_webhook *
manifest_webhook(const struct manifest *m, const char *name)
{
	FIND(m, webhooks, name);
}

const struct manifest_action *
manifest_action(const struct manifest *m, const char *name)
{
	FIND(m, actions, name);
}

const struct manifest_option *
manifest_option(const struct manifest *m, const char *name)
{
	FIND(m, options, name);
}

const struct manifest_model *
manifest_model(const struct manifest *m, const char *name, uint16_t *index)
{
	for (size_t i = 0; i < m->n_models; i++) {
		if (!m->models[i].name || strcmp(m->models[i].name, name))
			continue;
		if (index)
			*index = (uint16_t)i;
		return &m->models[i];
	}
	return NULL;
}

const struct manifest_option *
manifest_dataset_option(const struct manifest *m, const char *name)
{
	FIND(m, dataset_options, name);
}
