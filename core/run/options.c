/* options.c - a connection's options: what the operator wrote, judged by what the connector declares.
 *
 * INI knows only text, connectors know types: a string option takes the text as it is (or unquotes it when it is a JSON
 * string), every other type wants JSON of that type, and a boolean also takes yes and no. What nobody declared is an
 * error with the nearest name, so that a mistyped option is not silently the default; and so is a text that is not written
 * as its connector says (plugin/form.h), with the word that was likely meant. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "base/json.h"
#include "base/mem.h"
#include "plugin/form.h"
#include "run/options.h"
#include "sluice.h"

static const struct {
	const char *word;
	const char *json;
} booleans[] = {
	{"yes", "true"}, {"true", "true"},   {"on", "true"},   {"1", "true"},
	{"no", "false"}, {"false", "false"}, {"off", "false"}, {"0", "false"},
};

static bool
boolean_value(const char *text, struct buf *out)
{
	for (size_t i = 0; i < LENGTH(booleans); i++)
		if (strcasecmp(text, booleans[i].word) == 0) {
			buf_puts(out, booleans[i].json);
			return true;
		}
	return false;
}

static bool
text_value(const struct manifest_option *o, const char *text, struct buf *out)
{
	struct slice raw = slice_str(text);

	if (raw.len && raw.p[0] == '"' && json_check(raw, JSON_DEPTH_MAX, NULL) && json_type(raw) == JSON_STRING) {
		buf_slice(out, json_trim(raw));
		return true;
	}
	if (o->type == SLUICE_TIME && json_check(raw, 1, NULL) && json_type(raw) == JSON_NUMBER) {
		buf_slice(out, json_trim(raw));
		return true;
	}
	json_quote(out, raw);
	return true;
}

bool
option_value(const struct manifest_option *o, const char *text, struct buf *out)
{
	struct slice raw = slice_str(text);
	size_t start = out->len;

	if (o->type == SLUICE_BOOLEAN)
		return boolean_value(text, out);
	if (o->type == SLUICE_STRING || o->type == SLUICE_TIME)
		text_value(o, text, out);
	else if (json_check(raw, JSON_DEPTH_MAX, NULL))
		buf_slice(out, json_trim(raw));
	else if (o->type == SLUICE_ANY)
		json_quote(out, raw);
	else
		return false;
	if (type_matches(o->type, 0, slice_of(out->p + start, out->len - start)))
		return true;
	out->len = start;
	return false;
}

/* Options as given, against those that are declared. */
struct given {
	const char *connector;               /* who declares them */
	const struct manifest_option *list;
	size_t n_list;
	const struct pair *pairs;
	size_t n_pairs;
	const char *section;                 /* "connection acme : slack" */
	struct origin at;
};

static const struct pair *
option_given(const struct given *g, const char *name)
{
	for (size_t i = 0; i < g->n_pairs; i++)
		if (strcmp(g->pairs[i].name, name) == 0)
			return &g->pairs[i];
	return NULL;
}

static bool
option_declared(const struct given *g, const char *name)
{
	for (size_t i = 0; i < g->n_list; i++)
		if (strcmp(g->list[i].name, name) == 0)
			return true;
	return false;
}

static int
option_unknown(const struct given *g, const struct pair *pair, struct err *err)
{
	const char **names = xcalloc(g->n_list + 1, sizeof *names);
	const char *near;
	char at[ORIGIN_MAX];

	for (size_t i = 0; i < g->n_list; i++)
		names[i] = g->list[i].name;
	near = nearest(pair->name, names);
	free(names);
	return err_set(err, ERR_USAGE, "%s: %s: connector '%s' has no option of this name%s%s%s",
	               origin_text(pair->at, at), pair->name, g->connector, near ? "; did you mean '" : "", near ? near : "",
	               near ? "'?" : "");
}

static const char *
word_meant(const struct form_miss *miss, char **words)
{
	const char *names[FORM_WORDS + 1] = {NULL};
	char *wrong = slice_dup(miss->word);
	const char *near;

	for (size_t i = 0; i < miss->n_words; i++)
		names[i] = words[i] = slice_dup(miss->words[i]);
	near = miss->word.len ? nearest(wrong, names) : NULL;
	free(wrong);
	return near;
}

/* The value, as JSON, is of its option's type; is it written as the connector says? */
static int
form_judge(const struct manifest_option *o, const struct pair *given, struct slice value, struct err *err)
{
	char *text = json_text(value), *words[FORM_WORDS] = {NULL};
	struct form_miss miss;
	const char *near;
	char at[ORIGIN_MAX];
	int rc = 0;

	if (!form_fits(o->form, slice_str(text), &miss)) {
		near = given->resolved ? NULL : word_meant(&miss, words);
		rc = err_set(err, ERR_USAGE, "%s: %s: '%.*s' is not of the form %.*s%s%s%s", origin_text(given->at, at), o->name,
		             given->resolved ? 3 : (int)miss.entry.len, given->resolved ? "***" : miss.entry.p,
		             (int)miss.form.len, miss.form.p, near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
	}
	for (size_t i = 0; i < LENGTH(words); i++)
		free(words[i]);
	free(text);
	return rc;
}

static int
option_write(const struct given *g, const struct manifest_option *o, struct json_out *out, struct err *err)
{
	const struct pair *given = option_given(g, o->name);
	const char *text = given ? given->value : o->fallback;
	struct buf value = {0};
	char at[ORIGIN_MAX];

	if ((!text || (o->form && !*text)) && (o->flags & SLUICE_REQUIRED))
		return err_set(err, ERR_USAGE, "%s: %s: %s is missing: connector '%s' requires it%s%s", origin_text(g->at, at),
		               g->section, o->name, g->connector, o->help ? ": " : "", o->help ? o->help : "");
	if (!text)
		return 0;
	if (!given) {
		json_kv_raw(out, o->name, slice_str(text));
		return 0;
	}
	if (!option_value(o, text, &value)) {
		buf_free(&value);
		return err_set(err, ERR_USAGE, "%s: %s: '%s' is no %s", origin_text(given->at, at), o->name,
		               given->resolved ? "***" : text, manifest_type_name(o->type));
	}
	if (o->form && form_judge(o, given, buf_view(&value), err) != 0) {
		buf_free(&value);
		return -1;
	}
	json_kv_raw(out, o->name, buf_view(&value));
	buf_free(&value);
	return 0;
}

static int
given_build(const struct given *g, struct buf *out, struct err *err)
{
	struct json_out o = json_out(out);

	for (size_t i = 0; i < g->n_pairs; i++)
		if (!option_declared(g, g->pairs[i].name))
			return option_unknown(g, &g->pairs[i], err);
	json_open(&o, '{');
	for (size_t i = 0; i < g->n_list; i++)
		if (option_write(g, &g->list[i], &o, err) != 0)
			return -1;
	json_close(&o, '}');
	return 0;
}

int
options_build(const struct manifest *m, const struct connection_settings *c, struct buf *out, struct err *err)
{
	char *section = xasprintf("connection %s : %s", c->name, c->integration->name);
	const struct given g = {m->name, m->options, m->n_options, c->options, c->n_options, section, c->at};
	int rc = given_build(&g, out, err);

	free(section);
	return rc;
}

int
dataset_options_build(const struct manifest *m, const struct dataset_settings *d, struct buf *out, struct err *err)
{
	char *section = xasprintf("dataset %s : %s : %s", d->connection->name, d->connection->integration->name, d->name);
	const struct given g = {m->name, m->dataset_options, m->n_dataset_options, d->options, d->n_options, section, d->at};
	int rc = given_build(&g, out, err);

	free(section);
	return rc;
}

void
connection_write(const struct connection_settings *c, const char *variant, struct slice options, struct slice datasets,
                 struct buf *out)
{
	struct json_out o = json_out(out);

	json_open(&o, '{');
	json_kv_str(&o, "connection", c->name);
	json_kv_str(&o, "integration", c->integration->name);
	json_kv_raw(&o, "options", options);
	if (datasets.len)
		json_kv_raw(&o, "datasets", datasets);
	if (variant)
		json_kv_str(&o, "variant", variant);
	json_close(&o, '}');
}
