/* rules.c - the rules that a connector's declarations must keep, each with the sentence that says how to keep it.
 * Shared with the worker.
 *
 * manifest.c has read the JSON; here the whole is judged: names, uniqueness, one key a model, who may write a tracked
 * model, complete authentication, nothing that could break a line of HTTP. A name that passed is safe as a file name,
 * in an INI section and in a URL path, which is why so little is allowed in it. */
#include "plugin/rules.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sluice.h>
#include "base/json.h"
#include "base/mem.h"
#include "plugin/form.h"

#define NAME_MAX_BYTES 64

/* Keys of an INI [connection] section that are not options. */
static const char *const reserved_options[] = {"token",         "api_key",       "username", "password", "client_id",
                                               "client_secret", "refresh_token", "base_url", "active",   "metadata",
                                               "private_key",   "max_runs",      "oauth_issuer", "oauth_subject", "oauth_audience",
                                               "webhook_secret", "webhook_secret_before", "webhook_unsigned"};

int
parse_fail(struct parse *p, const char *fmt, ...)
{
	va_list ap;

	if (p->failed)
		return -1;
	p->failed = true;
	va_start(ap, fmt);
	err_setv(p->err, ERR_CONNECTOR, fmt, ap);
	va_end(ap);
	if (p->place[0])
		err_prefix(p->err, "%s", p->place);
	return err_prefix(p->err, "connector '%s'", p->m->name ? p->m->name : "?");
}

void
parse_at(struct parse *p, const char *what, const char *name)
{
	p->place[0] = '\0';
	if (what && name)
		snprintf(p->place, sizeof p->place, "%s '%.80s'", what, name);
	else if (what)
		snprintf(p->place, sizeof p->place, "%s", what);
}

/* ---- the nearest name ---- */

/* How many letters differ, case aside, allowing for one that is missing or too many in the middle; good enough for a
 * hint. */
static size_t
distance(const char *a, const char *b)
{
	size_t front = 0, la = strlen(a), lb = strlen(b), shorter = la < lb ? la : lb, back = 0;

	while (front < shorter && tolower((unsigned char)a[front]) == tolower((unsigned char)b[front]))
		front++;
	while (back < shorter - front &&
	       tolower((unsigned char)a[la - 1 - back]) == tolower((unsigned char)b[lb - 1 - back]))
		back++;
	return (la > lb ? la : lb) - front - back;
}

void
rule_unknown_model(struct parse *p, const char *name)
{
	const char *near = NULL;
	size_t best = strlen(name) / 3 + 2;

	for (size_t i = 0; i < p->m->n_models; i++) {
		const char *other = p->m->models[i].name;
		if (other && distance(name, other) < best) {
			best = distance(name, other);
			near = other;
		}
	}
	parse_fail(p, near ? "model '%s' is not declared; did you mean '%s'?" : "model '%s' is not declared%s", name,
	           near ? near : "; declare it in .models");
}

/* ---- names ---- */

static bool
name_ok(const char *name, const char *besides, bool letter_first)
{
	if (!name || !*name || strlen(name) > NAME_MAX_BYTES || (letter_first && !isalpha((unsigned char)*name)))
		return false;
	for (; *name; name++)
		if ((unsigned char)*name > 127 || !(isalnum((unsigned char)*name) || strchr(besides, *name)))
			return false;
	return true;
}

static void
name_rule(struct parse *p, const char *name, const char *besides, bool letter_first)
{
	if (!name || !*name)
		parse_fail(p, "has no name");
	else if (!name_ok(name, besides, letter_first))
		parse_fail(p, "the name '%.80s' is not made of letters, digits%s%s only, at most %d%s", name,
		           besides[0] ? " and " : "", besides, NAME_MAX_BYTES, letter_first ? ", a letter first" : "");
}

/* Names at a fixed offset in an array of structs: no two the same. */
static void
unique_rule(struct parse *p, const void *list, size_t n, size_t size, const char *what)
{
	for (size_t i = 0; i < n; i++) {
		const char *a = *(const char *const *)(const void *)((const char *)list + i * size);
		for (size_t j = 0; j < i && a; j++) {
			const char *b = *(const char *const *)(const void *)((const char *)list + j * size);
			if (b && !strcmp(a, b))
				parse_fail(p, "two %s are called '%.80s'", what, a);
		}
	}
}

/* ---- text that becomes part of HTTP ---- */

static bool
has_control(const char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s < 0x20 || *s == 0x7f)
			return true;
	return false;
}

static void
header_rule(struct parse *p, const char *header)
{
	const char *colon = strchr(header, ':');

	if (has_control(header) || !colon || colon == header)
		parse_fail(p, "the header '%.80s' is not of the form 'Name: value'", header);
}

static void
oauth_rules(struct parse *p)
{
	const struct manifest_oauth *a = &p->m->oauth;
	const char *const urls[] = {a->token_url, a->authorize_url}, *const names[] = {"token_url", "authorize_url"},
	                  *const params[] = {a->authorize_params, a->token_params};

	for (size_t i = 0; i < LENGTH(urls); i++)
		if (urls[i] && (has_control(urls[i]) || (strncmp(urls[i], "https://", 8) && strncmp(urls[i], "${", 2))))
			parse_fail(p, "oauth: %s '%.80s' begins neither with https:// nor with an ${option}", names[i], urls[i]);
	for (size_t i = 0; i < LENGTH(params); i++)
		if (params[i] && (has_control(params[i]) || strpbrk(params[i], " #?")))
			parse_fail(p, "oauth: parameters '%.80s' are not of the form a=1&b=2, encoded", params[i]);
}

static void
http_rules(struct parse *p)
{
	const struct manifest *m = p->m;
	const char *url = m->base_url;

	if (url &&
	    (has_control(url) || (strncmp(url, "https://", 8) && strncmp(url, "http://", 7) && strncmp(url, "${", 2))))
		parse_fail(p, "base_url '%.80s' begins neither with https:// nor with http:// nor with an ${option}",
		           url);
	for (size_t i = 0; m->headers[i]; i++)
		header_rule(p, m->headers[i]);
	for (size_t i = 0; m->hosts[i]; i++)
		if (has_control(m->hosts[i]) || strpbrk(m->hosts[i], "/ @") || !m->hosts[i][0])
			parse_fail(p, "hosts: '%.80s' is no host name (no scheme, no path)", m->hosts[i]);
	if ((m->auth == SLUICE_HEADER_KEY || m->auth == SLUICE_QUERY_KEY) && !name_ok(m->auth_name, "-_.", false))
		parse_fail(p, "its authentication needs .auth_name, the name of the %s that carries the key",
		           m->auth == SLUICE_HEADER_KEY ? "header" : "query parameter");
	oauth_rules(p);
	if (m->auth_prefix && has_control(m->auth_prefix))
		parse_fail(p, ".auth_prefix holds a control character");
}

static void
group_rules(struct parse *p, const struct manifest_rate_group *g)
{
	const char *path = g->match ? strchr(g->match, '/') : NULL;

	parse_at(p, "rate group", g->match);
	if (!path || has_control(g->match) || (path > g->match && path[-1] != ' '))
		parse_fail(p, ".match is a path, or a method and a path: \"GET /v1/search*\"");
	if (!g->requests)
		parse_fail(p, "has no .requests; say how many of them are allowed in .per_ms");
}

/* ---- the parts ---- */

static void
fields_rule(struct parse *p, const struct manifest_field *fields, size_t n, bool record)
{
	for (size_t i = 0; i < n; i++) {
		if (!fields[i].name || !fields[i].name[0])
			parse_fail(p, "field %zu has no name", i + 1);
		else if (!record && (fields[i].flags & SLUICE_KEY))
			parse_fail(p, "field '%.80s': only a model's field may be SLUICE_KEY", fields[i].name);
		else if (record && strchr(fields[i].name, '.'))
			parse_fail(p,
			           "field '%.80s': fields are members at the top of a record; declare the one before the "
			           "dot, as SLUICE_OBJECT",
			           fields[i].name);
	}
	unique_rule(p, fields, n, sizeof *fields, "fields");
}

static void
model_rules(struct parse *p, const struct manifest_model *m)
{
	const struct manifest_field *key = NULL;
	size_t keys = 0;

	name_rule(p, m->name, "_", true);
	parse_at(p, "model", m->name);
	fields_rule(p, m->fields, m->n_fields, true);
	for (size_t i = 0; i < m->n_fields; i++)
		if (m->fields[i].flags & SLUICE_KEY) {
			key = &m->fields[i];
			keys++;
		}
	if (keys != 1)
		parse_fail(p, "has %zu fields with SLUICE_KEY; exactly one tells a record's id", keys);
	else if (key->type != SLUICE_STRING && key->type != SLUICE_INTEGER && key->type != SLUICE_ANY)
		parse_fail(p, "field '%.80s': a key is SLUICE_STRING, SLUICE_INTEGER, or SLUICE_ANY for both, not %s", key->name,
		           manifest_type_name(key->type));
	else if (key->flags & SLUICE_OPTIONAL)
		parse_fail(p, "field '%.80s': a key cannot be SLUICE_OPTIONAL", key->name);
}

/* The host judges by it what people write, so it must mean something, and the connector's own default must fit. */
static void
form_rules(struct parse *p, const struct manifest_option *o)
{
	const char *fault = o->form ? form_fault(o->form) : NULL;
	char *text = o->form && o->fallback ? json_text(slice_str(o->fallback)) : NULL;

	if (o->form && o->type != SLUICE_STRING && o->type != SLUICE_INTEGER)
		parse_fail(p, "only a SLUICE_STRING or SLUICE_INTEGER is written in a .form");
	else if (fault)
		parse_fail(p, "its form '%.200s': %s", o->form, fault);
	else if (text && !form_fits(o->form, slice_str(text), NULL))
		parse_fail(p, "the default '%.80s' is not of the form '%.200s'", text, o->form);
	free(text);
}

static void
option_rules(struct parse *p, const struct manifest_option *o)
{
	name_rule(p, o->name, "_-", true);
	parse_at(p, "option", o->name);
	form_rules(p, o);
	if (o->form && !strcmp(o->form, FORM_DATASET))
		parse_fail(p, "the form " FORM_DATASET " is for .dataset_options: a connection's options name no dataset");
	for (size_t i = 0; i < LENGTH(reserved_options) && o->name; i++)
		if (!strcmp(o->name, reserved_options[i]))
			parse_fail(p, "this name belongs to the host; choose another");
}

/* Who writes which model. What a tracked sync does not show is deleted; records of another sync would be. Each model
 * remembers its first and its last writer, so a manifest full of syncs costs one walk, whatever it claims. */
static void
writers_rule(struct parse *p)
{
	const struct manifest *m = p->m;
	size_t *first = xcalloc(2 * m->n_models + 1, sizeof *first),
	       *last = first + m->n_models; /* 1 + a sync's index */

	for (size_t i = 0; i < m->n_syncs; i++) {
		const struct manifest_sync *s = &m->syncs[i], *other;

		parse_at(p, "sync", s->name);
		for (size_t k = 0; k < s->n_models && !p->failed; k++) {
			uint16_t model = s->models[k];

			if (last[model] == i + 1)
				parse_fail(p, "names model '%.80s' twice", m->models[model].name);
			last[model] = i + 1;
			if (!first[model]) {
				first[model] = i + 1;
				continue;
			}
			other = &m->syncs[first[model] - 1];
			if (!((s->flags | other->flags) & SLUICE_TRACK_DELETES))
				continue;
			if (!(s->flags & SLUICE_TRACK_DELETES)) {
				parse_at(p, "sync", other->name);
				other = s;
			}
			parse_fail(p,
			           "tracks deletes of model '%s', which sync '%s' writes too; give that one a model "
			           "of its own",
			           m->models[model].name, other->name);
		}
	}
	free(first);
}

static void
sync_rules(struct parse *p, const struct manifest_sync *s)
{
	name_rule(p, s->name, "-_", false);
	parse_at(p, "sync", s->name);
	if (s->n_models == 0)
		parse_fail(p, "names no model; say which it writes in .model or .models");
	fields_rule(p, s->input, s->n_input, false);
}

static void
action_rules(struct parse *p, const struct manifest_action *a)
{
	name_rule(p, a->name, "-_", false);
	parse_at(p, "action", a->name);
	fields_rule(p, a->input, a->n_input, false);
	fields_rule(p, a->output, a->n_output, false);
}

/* Who cannot be told apart from a stranger is nobody's webhook: what is declared must be whole. */
static void
webhook_rules(struct parse *p, const struct manifest_webhook *w)
{
	name_rule(p, w->name, "-_", false);
	parse_at(p, "webhook", w->name);
	if (w->as_sync.n_models == 0)
		parse_fail(p, "names no model; say which it writes in .model or .models");
	if (!w->signature && (w->signature_key || w->signature_prefix || w->signed_text || w->timestamp))
		parse_fail(p, "says how it is signed and not where: name the header in .signature");
	if (w->signed_text && !strstr(w->signed_text, "${body}"))
		parse_fail(p, "signed_text '%.80s' leaves out ${body}: then any body would do", w->signed_text);
	if (w->signed_text && !strstr(w->signed_text, "${timestamp}") != !w->timestamp)
		parse_fail(p, "a timestamp that is not signed proves nothing: name its header in .timestamp and put "
		              "${timestamp} into .signed_text, or leave out both");
	if (!w->signed_text && w->timestamp)
		parse_fail(p, "a timestamp that is not signed proves nothing: put ${timestamp} into .signed_text");
	if (!w->type && (w->types[0] || w->challenge_type))
		parse_fail(p, "says which types, and not where the type stands: name its path in .type");
	if (!w->challenge != !w->challenge_type || !w->account != !w->account_name)
		parse_fail(p, ".challenge and .challenge_type, .account and .account_name are said both or not at all");
}

/* Names that a [dataset] section has of its own. */
static const char *const dataset_names[] = {"every", "kind", "id", "fields", "description", "track_deletes"};

static void
dataset_rules(struct parse *p)
{
	const struct manifest *m = p->m;

	if (m->dataset.name || m->dataset.n_models)
		parse_fail(p, "its .dataset has a name or models; those are the operator's: leave them NULL");
	for (size_t i = 0; i < m->n_dataset_options; i++, parse_at(p, "dataset_options", NULL)) {
		name_rule(p, m->dataset_options[i].name, "_-", true);
		parse_at(p, "dataset option", m->dataset_options[i].name);
		form_rules(p, &m->dataset_options[i]);
		for (size_t k = 0; k < LENGTH(dataset_names) && m->dataset_options[i].name; k++)
			if (!strcmp(m->dataset_options[i].name, dataset_names[k]))
				parse_fail(p, "this name belongs to the host; choose another");
	}
	unique_rule(p, m->dataset_options, m->n_dataset_options, sizeof *m->dataset_options, "dataset options");
}

void
rules_check(struct parse *p)
{
	const struct manifest *m = p->m;

	parse_at(p, NULL, NULL);
	name_rule(p, m->name, "-", false);
	http_rules(p);
	for (size_t i = 0; i < m->rate.n_groups; i++, parse_at(p, NULL, NULL))
		group_rules(p, &m->rate.groups[i]);
	unique_rule(p, m->rate.groups, m->rate.n_groups, sizeof *m->rate.groups, "rate groups");
	for (size_t i = 0; i < m->n_options; i++, parse_at(p, "options", NULL))
		option_rules(p, &m->options[i]);
	for (size_t i = 0; i < m->n_models; i++, parse_at(p, "models", NULL))
		model_rules(p, &m->models[i]);
	for (size_t i = 0; i < m->n_syncs; i++, parse_at(p, "syncs", NULL))
		sync_rules(p, &m->syncs[i]);
	writers_rule(p);
	for (size_t i = 0; i < m->n_actions; i++, parse_at(p, "actions", NULL))
		action_rules(p, &m->actions[i]);
	for (size_t i = 0; i < m->n_webhooks; i++, parse_at(p, "webhooks", NULL))
		webhook_rules(p, &m->webhooks[i]);
	parse_at(p, NULL, NULL);
	dataset_rules(p);
	parse_at(p, NULL, NULL);
	unique_rule(p, m->options, m->n_options, sizeof *m->options, "options");
	unique_rule(p, m->models, m->n_models, sizeof *m->models, "models");
	unique_rule(p, m->syncs, m->n_syncs, sizeof *m->syncs, "syncs");
	unique_rule(p, m->actions, m->n_actions, sizeof *m->actions, "actions");
	unique_rule(p, m->webhooks, m->n_webhooks, sizeof *m->webhooks, "webhooks");
}
