/* complete.c - what may stand where the cursor is, for the shell: COMP_LINE and COMP_POINT as bash sets them, one
 * candidate a line.
 *
 * Made of the same tables as --help; names of connections, integrations, syncs and models come from the configuration and
 * the connectors, so they are right without a host and without a store. Whatever fails is silence: a shell that waits
 * for the next key is no place for an error. */
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "cli/cli.h"

struct completing {
	struct cli *cli;
	char *text;          /* the line up to the cursor, cut into words */
	char *words[256];
	size_t n;
	const char *current; /* the word that is being written; "" */
	const struct command *command;
	struct host *host;   /* made when a connector is asked */
};

static void
offer(const struct completing *c, const char *word)
{
	if (strncmp(word, c->current, strlen(c->current)) == 0)
		puts(word);
}

static bool
settings_have(struct completing *c)
{
	const struct settings_source from = {.conf = c->cli->conf, .set = (const char *const *)c->cli->set};
	struct err err;

	if (!c->cli->settings)
		c->cli->settings = settings_load(&from, &err);
	return c->cli->settings != NULL;
}

static void
connections_offer(struct completing *c)
{
	for (size_t i = 0; i < c->cli->settings->n_connections; i++)
		offer(c, c->cli->settings->connections[i]->name);
}

static void
integrations_offer(struct completing *c)
{
	for (size_t i = 0; i < c->cli->settings->n_integrations; i++)
		offer(c, c->cli->settings->integrations[i]->name);
}

/* Of each integration that a connection uses. */
static void
manifests_each(struct completing *c, void (*fn)(struct completing *c, const struct manifest *m))
{
	const struct host_options o = {.loop = &c->cli->loop, .settings = c->cli->settings, .read_only = true, .no_store = true};
	struct err err;

	if (!c->host)
		c->host = host_new(&o, &err);
	for (size_t i = 0; c->host && i < c->cli->settings->n_integrations; i++) {
		const struct manifest *m = host_manifest(c->host, c->cli->settings->integrations[i]->plugin, &err);
		if (m)
			fn(c, m);
	}
}

static void
manifest_syncs(struct completing *c, const struct manifest *m)
{
	for (size_t i = 0; i < m->n_syncs; i++)
		offer(c, m->syncs[i].name);
}

static void
manifest_models(struct completing *c, const struct manifest *m)
{
	for (size_t i = 0; i < m->n_models; i++)
		offer(c, m->models[i].name);
}

static void
syncs_offer(struct completing *c)
{
	manifests_each(c, manifest_syncs);
}

static void
models_offer(struct completing *c)
{
	manifests_each(c, manifest_models);
}

/* What stands behind a flag, or in place of a word of a command's usage. */
static const struct {
	const char *flag, *word;
	void (*offer)(struct completing *c); /* with the configuration; NULL: */
	const char *values;                  /* separated by '|' */
} values[] = {
	{"--connection-id", "CONNECTION", connections_offer, NULL},
	{"--integration", NULL, integrations_offer, NULL},
	{"--sync", NULL, syncs_offer, NULL},
	{"--model", "MODEL", models_offer, NULL},
	{"--format", NULL, NULL, "text|json|jsonl"},
	{"--log-level", NULL, NULL, "debug|info|warn|error"},
	{"--log-format", NULL, NULL, "text|json"},
	{"--level", NULL, NULL, "debug|info|warn|error"},
	{"--to", NULL, NULL, "jsonl|csv"},
};

static void
alternatives_offer(const struct completing *c, const char *text, size_t len)
{
	while (len) {
		size_t n = 0;
		char *word;
		while (n < len && text[n] != '|')
			n++;
		word = xstrndup(text, n);
		offer(c, word);
		free(word);
		n += n < len;
		text += n;
		len -= n;
	}
}

static bool
flag_value_offer(struct completing *c, const char *flag)
{
	for (size_t i = 0; i < LENGTH(values); i++) {
		if (strcmp(flag, values[i].flag) != 0)
			continue;
		if (values[i].values)
			alternatives_offer(c, values[i].values, strlen(values[i].values));
		else if (settings_have(c))
			values[i].offer(c);
		return true;
	}
	return false;
}

/* The first word of each alternative of the usage ("list | show NUMBER"), or what its first word stands for. */
static void
usage_offer(struct completing *c)
{
	const char *usage = c->command->usage + strspn(c->command->usage, "["), *p = usage;
	size_t n = strcspn(usage, " ]");

	for (size_t i = 0; i < LENGTH(values); i++)
		if (values[i].word && strlen(values[i].word) == n && memcmp(values[i].word, usage, n) == 0 && settings_have(c))
			values[i].offer(c);
	while (p && *p >= 'a' && *p <= 'z' && strchr(usage, '|')) {
		alternatives_offer(c, p, strcspn(p, " ]|"));
		p = strstr(p, "| ");
		p = p ? p + 2 : NULL;
	}
}

static void
flags_offer(const struct completing *c, const struct cli_flag *list)
{
	for (; list && list->name; list++)
		offer(c, list->name);
}

static const struct cli_flag *
flag_of(const struct completing *c, const char *word)
{
	const struct cli_flag *lists[] = {cli_globals(), c->command ? c->command->flags : NULL};

	for (size_t i = 0; i < LENGTH(lists); i++)
		for (const struct cli_flag *f = lists[i]; f && f->name; f++)
			if (strcmp(f->name, word) == 0)
				return f;
	return NULL;
}

static void
line_cut(struct completing *c, const char *line, size_t len)
{
	char *save = NULL;

	c->text = xstrndup(line, len);
	c->current = "";
	for (char *w = strtok_r(c->text, " \t", &save); w && c->n < LENGTH(c->words); w = strtok_r(NULL, " \t", &save))
		c->words[c->n++] = w;
	if (c->n && len && line[len - 1] != ' ' && line[len - 1] != '\t')
		c->current = c->words[--c->n];
}

/* The command, and how many of its own words stand already; --conf of the line counts here too. */
static size_t
words_read(struct completing *c)
{
	size_t own = 0;

	for (size_t i = 1; i < c->n; i++) {
		const struct cli_flag *f = flag_of(c, c->words[i]);
		if (f && f->value && i + 1 < c->n) {
			if (strcmp(f->name, "--conf") == 0)
				c->cli->conf = c->words[i + 1];
			i++;
		} else if (!c->command && c->words[i][0] != '-') {
			for (size_t k = 0; commands[k]; k++)
				if (strcmp(commands[k]->name, c->words[i]) == 0)
					c->command = commands[k];
		} else if (c->words[i][0] != '-') {
			own++;
		}
	}
	return own;
}

static void
candidates(struct completing *c)
{
	size_t own = words_read(c);
	const char *before = c->n > 1 ? c->words[c->n - 1] : "";
	const struct cli_flag *f = flag_of(c, before);

	if (f && f->value && flag_value_offer(c, before))
		return;
	if (f && f->value)
		return; /* a file, or anything */
	if (!c->command)
		for (size_t i = 0; commands[i]; i++)
			if (!commands[i]->hidden)
				offer(c, commands[i]->name);
	if (c->command && own == 0 && c->current[0] != '-')
		usage_offer(c);
	if (c->current[0] == '-' || !c->command) {
		flags_offer(c, c->command ? c->command->flags : NULL);
		flags_offer(c, cli_globals());
	}
}

static int
command_complete_run(struct cli *cli)
{
	const char *line = getenv("COMP_LINE"), *point = getenv("COMP_POINT");
	struct completing c = {.cli = cli};
	size_t len = line ? strlen(line) : 0, at = point ? strtoul(point, NULL, 10) : len;

	log_setup(2, LOG_ERROR + 1, LOG_TEXT);
	line_cut(&c, line ? line : "", at < len ? at : len);
	candidates(&c);
	host_free(c.host);
	free(c.text);
	return 0;
}

const struct command command_complete = {
	.name = "complete",
	.usage = "",
	.summary = "Offers what may stand at the cursor of COMP_LINE, for a shell's completion",
	.bare = true,
	.hidden = true,
	.run = command_complete_run,
};
