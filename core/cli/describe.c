/* describe.c - `sluice describe`: what a connector declares, as its sandboxed worker tells it. */
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "cli/cli.h"
#include "sluice.h"

static const char *const auth_names[] = {
	[SLUICE_NONE] = "none",
	[SLUICE_BEARER] = "bearer token",
	[SLUICE_BASIC] = "basic (username and password, or api_key)",
	[SLUICE_HEADER_KEY] = "api_key in a header",
	[SLUICE_QUERY_KEY] = "api_key in the query",
	[SLUICE_OAUTH2] = "OAuth 2",
	[SLUICE_ANY_AUTH] = "what the connection gives: token, api_key, or username and password; its option auth says how",
};

static void
head_text(const struct manifest *m)
{
	char time[TIME_TEXT_MAX];

	printf("%s %s%s%s\n", m->name, m->version ? m->version : "", m->description ? ": " : "",
	       m->description ? m->description : "");
	printf("base URL        %s\n", m->base_url ? m->base_url : "(from the configuration)");
	printf("authentication  %s%s%s\n", (size_t)m->auth < LENGTH(auth_names) ? auth_names[m->auth] : "?",
	       m->auth_name ? " " : "", m->auth_name ? m->auth_name : "");
	if (m->oauth.token_url)
		printf("tokens from     %s\n", m->oauth.token_url);
	if (m->rate.requests)
		printf("rate limit      %llu requests in %s\n", (unsigned long long)m->rate.requests,
		       duration_format(m->rate.per_ms, time));
	for (size_t i = 0; i < m->rate.n_groups; i++)
		printf("rate limit      %llu requests in %s of %s\n", (unsigned long long)m->rate.groups[i].requests,
		       duration_format(m->rate.groups[i].per_ms, time), m->rate.groups[i].match);
	for (size_t i = 0; m->scopes && m->scopes[i]; i++)
		printf("%s%s%s", i ? ", " : "scopes          ", m->scopes[i], m->scopes[i + 1] ? "" : "\n");
	printf("ABI             %u.%u\n", m->abi_major, m->abi_minor);
}

static void
options_text(const char *title, const struct manifest_option *list, size_t n)
{
	struct table t = {.columns = 4};

	if (!n)
		return;
	table_cell(&t, title);
	table_cell(&t, "TYPE");
	table_cell(&t, "DEFAULT");
	table_cell(&t, "HELP");
	for (size_t i = 0; i < n; i++) {
		const struct manifest_option *o = &list[i];
		char *form = o->form ? xasprintf("%s%s%s", o->form, o->help ? ": " : "", o->help ? o->help : "") : NULL;
		table_cell(&t, o->name);
		table_cell(&t, manifest_type_name(o->type));
		table_cell(&t, o->flags & SLUICE_REQUIRED ? "(required)" : o->fallback);
		table_cell(&t, form ? form : o->help);
		free(form);
	}
	putchar('\n');
	table_print(&t, stdout);
}

/* What a connector without datasets of its own does with those that the operator names. */
static void
dataset_text(const struct manifest *m)
{
	char time[TIME_TEXT_MAX];

	printf("\nEach section [dataset CONNECTION : INTEGRATION : NAME] is a model and a sync called NAME: %s, every %s, unless it\n"
	       "says otherwise.\n",
	       m->dataset.kind == SLUICE_FULL ? "full" : "incremental", duration_format(m->dataset.every_ms, time));
	options_text("IN [dataset]", m->dataset_options, m->n_dataset_options);
}

static void
syncs_text(const struct manifest *m)
{
	struct table t = {.columns = 5};
	char time[TIME_TEXT_MAX];

	table_cell(&t, "SYNC");
	table_cell(&t, "MODELS");
	table_cell(&t, "KIND");
	table_cell(&t, "EVERY");
	table_cell(&t, "ENDPOINT");
	for (size_t i = 0; i < m->n_syncs; i++) {
		const struct manifest_sync *s = &m->syncs[i];
		struct buf models = {0}, kind = {0};
		for (size_t k = 0; k < s->n_models; k++)
			buf_printf(&models, "%s%s", k ? ", " : "", m->models[s->models[k]].name);
		buf_printf(&kind, "%s%s%s", s->kind == SLUICE_FULL ? "full" : "incremental",
		           s->flags & SLUICE_TRACK_DELETES ? ", deletes" : "",
		           s->flags & SLUICE_MANUAL ? ", manual" : "");
		table_cell(&t, s->name);
		table_cell(&t, buf_str(&models));
		table_cell(&t, buf_str(&kind));
		table_cell(&t, duration_format(s->every_ms, time));
		table_cell(&t, s->endpoint);
		buf_free(&models);
		buf_free(&kind);
	}
	putchar('\n');
	table_print(&t, stdout);
}

static void
fields_line(struct buf *out, const struct manifest_field *fields, size_t n)
{
	buf_clear(out);
	for (size_t i = 0; i < n; i++)
		buf_printf(out, "%s%s %s%s", i ? ", " : "", fields[i].name, manifest_type_name(fields[i].type),
		           fields[i].flags & SLUICE_OPTIONAL ? "?" : "");
}

/* What `sluice action` and POST /action/trigger take and give. */
static void
actions_text(const struct manifest *m)
{
	struct table t = {.columns = 5};
	struct buf line = {0};
	char time[TIME_TEXT_MAX];

	if (!m->n_actions)
		return;
	table_cell(&t, "ACTION");
	table_cell(&t, "INPUT");
	table_cell(&t, "ANSWER");
	table_cell(&t, "AT MOST");
	table_cell(&t, "WHAT IT DOES");
	for (size_t i = 0; i < m->n_actions; i++) {
		const struct manifest_action *a = &m->actions[i];
		table_cell(&t, a->name);
		fields_line(&line, a->input, a->n_input);
		table_cell(&t, line.len ? buf_str(&line) : "anything");
		fields_line(&line, a->output, a->n_output);
		table_cell(&t, line.len ? buf_str(&line) : "anything");
		table_cell(&t, a->timeout_ms ? duration_format(a->timeout_ms, time) : "-");
		buf_clear(&line);
		buf_printf(&line, "%s%s", a->description ? a->description : "-",
		           a->flags & SLUICE_REPEATABLE ? " (repeatable)" : "");
		table_cell(&t, buf_str(&line));
	}
	putchar('\n');
	table_print(&t, stdout);
	buf_free(&line);
}

/* What a provider may send, and how it is known to be the provider's. */
static void
webhooks_text(const struct manifest *m)
{
	for (size_t i = 0; i < m->n_webhooks; i++) {
		const struct manifest_webhook *w = &m->webhooks[i];
		printf("\nwebhook %s: POST /webhook/INTEGRATION%s\n", w->name,
		       w->account ? "/CONNECTION, or /webhook/INTEGRATION for all accounts" : "/CONNECTION");
		if (w->signature)
			printf("  signed in %s, with webhook_secret of the connection or the integration\n", w->signature);
		else
			printf("  not signed: wants webhook_unsigned = yes\n");
		if (w->account)
			printf("  whose it is: option or metadata %s, as %s in the payload says\n", w->account_name, w->account);
		for (size_t k = 0; w->types && w->types[k]; k++)
			printf("%s%s%s", k ? ", " : "  handles ", w->types[k], w->types[k + 1] ? "" : "\n");
		if (!w->types || !w->types[0])
			puts("  handles every type");
	}
}

static void
models_text(const struct manifest *m)
{
	for (size_t i = 0; i < m->n_models; i++) {
		const struct manifest_model *model = &m->models[i];
		printf("\nmodel %s%s%s\n", model->name, model->description ? ": " : "",
		       model->description ? model->description : "");
		for (size_t k = 0; k < model->n_fields; k++) {
			const struct manifest_field *f = &model->fields[k];
			printf("  %-24s %-8s%s%s%s%s%s\n", f->name, manifest_type_name(f->type),
			       f->flags & SLUICE_KEY ? " key" : "", f->flags & SLUICE_OPTIONAL ? " optional" : "",
			       f->flags & SLUICE_SENSITIVE ? " sensitive" : "", f->description ? "  " : "",
			       f->description ? f->description : "");
		}
	}
}

static void
describe_show(struct cli *c, const struct manifest *m)
{
	struct buf json = {0};

	if (c->format == FORMAT_TEXT) {
		head_text(m);
		options_text("OPTION", m->options, m->n_options);
		if (m->shaped)
			dataset_text(m);
		if (m->n_syncs)
			syncs_text(m);
		actions_text(m);
		webhooks_text(m);
		models_text(m);
		return;
	}
	manifest_write(&json, m);
	print_object(c, buf_view(&json));
	buf_free(&json);
}

/* Without a name: all that lie in the plugin directory, a line each. */
static int
describe_all(struct cli *c, struct host *h)
{
	char **names = host_plugins(h);
	struct err err;
	int code = 0;

	if (!names[0])
		cli_note(c, "there is no connector in %s: drop .so files in there, or set plugin_dir", c->settings->host.plugin_dir);
	for (size_t i = 0; names[i]; i++) {
		const struct manifest *m = host_manifest(h, names[i], &err);
		struct buf json = {0};
		if (!m) {
			code = exit_worst(code, cli_fail(c, &err));
		} else if (c->format == FORMAT_TEXT) {
			printf("%-16s %-10s %s\n", m->name, m->version ? m->version : "-",
			       m->description ? m->description : "");
		} else {
			manifest_write(&json, m);
			print_row(c, buf_view(&json));
		}
		buf_free(&json);
		free(names[i]);
	}
	free(names);
	if (c->format != FORMAT_TEXT)
		print_end(c);
	return code;
}

static bool
is_path(const char *name)
{
	return strchr(name, '/') || strstr(name, ".so");
}

/* An author looks at what he has just built, whatever is configured where he stands. */
static bool
describe_alone(const struct cli *c)
{
	return c->n_args && is_path(c->args[0]);
}

static int
command_describe_run(struct cli *c)
{
	const struct host_options o = {.loop = &c->loop, .settings = c->settings, .no_store = true};
	const char *name = c->n_args ? c->args[0] : NULL;
	const struct manifest *m;
	struct err err;
	struct host *h = host_new(&o, &err);
	int code = 0;

	if (!h)
		return cli_fail(c, &err);
	if (!name) {
		code = describe_all(c, h);
	} else {
		m = is_path(name) ? host_manifest_file(h, name, &err) : host_manifest(h, name, &err);
		if (m)
			describe_show(c, m);
		else
			code = cli_fail(c, &err);
	}
	host_free(h);
	return code;
}

const struct command command_describe = {
	.name = "describe",
	.usage = "[NAME | PATH.so]",
	.summary =
                "Shows what a connector declares: options, syncs, actions, webhooks, models; without a name, which connectors there are",
	.help = "A path needs no configuration: only --conf, when it is given, is read.",
	.args_max = 1,
	.alone = describe_alone,
	.run = command_describe_run,
};
