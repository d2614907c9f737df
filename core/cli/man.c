/* man.c - the manual pages, written from the same tables as --help and the configuration's reference: `make` has them
 * made by `sluice man` (sluice.1) and `sluice man ini` (sluice.ini.5).
 *
 * Plain man(7) macros. Awkward: a line that begins with a dot or an apostrophe is a request, and a backslash begins an
 * escape; all text goes through one function that guards against both. */
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "cli/cli.h"
#include "config/keys.h"

static void
text_put(struct buf *out, const char *text)
{
	for (const char *p = text; *p; p++) {
		bool begins = out->len == 0 || out->p[out->len - 1] == '\n';
		if (begins && (*p == '.' || *p == '\''))
			buf_puts(out, "\\&");
		if (*p == '\\')
			buf_puts(out, "\\e");
		else if (*p == '-')
			buf_puts(out, "\\-");
		else
			buf_putc(out, *p);
	}
}

static void
line_put(struct buf *out, const char *text)
{
	text_put(out, text);
	buf_putc(out, '\n');
}

/* A line of blanks ends a paragraph; lines that are indented stay as they are. */
static void
prose_put(struct buf *out, const char *text)
{
	while (*text) {
		size_t n = strcspn(text, "\n");
		char *line = xstrndup(text, n);
		if (!*line)
			buf_puts(out, ".PP\n");
		else if (*line == ' ')
			buf_puts(out, ".br\n");
		if (*line)
			line_put(out, line);
		free(line);
		text += n + (text[n] == '\n');
	}
}

static void
head_put(struct buf *out, const char *name, int section, const char *what)
{
	buf_printf(out, ".TH %s %d \"\" \"Sluice " SLUICE_VERSION "\" \"\"\n.SH NAME\n", name, section);
	text_put(out, name);
	buf_puts(out, " \\- ");
	line_put(out, what);
}

static void
flags_put(struct buf *out, const struct cli_flag *list)
{
	for (; list && list->name; list++) {
		buf_puts(out, ".TP\n.B ");
		text_put(out, list->name);
		if (list->value) {
			buf_putc(out, ' ');
			text_put(out, list->value);
		}
		buf_putc(out, '\n');
		line_put(out, list->help);
	}
}

static void
command_put(struct buf *out, const struct command *c)
{
	buf_puts(out, ".SS ");
	text_put(out, c->name);
	buf_puts(out, "\n.B sluice ");
	text_put(out, c->name);
	buf_putc(out, '\n');
	if (*c->usage)
		line_put(out, c->usage);
	buf_puts(out, ".PP\n");
	text_put(out, c->summary);
	buf_puts(out, ".\n");
	if (c->help) {
		buf_puts(out, ".PP\n");
		prose_put(out, c->help);
	}
	flags_put(out, c->flags);
}

static void
page_program(struct buf *out)
{
	head_put(out, "sluice", 1, "plugin host for connectors: records of remote APIs, synced into an embedded store");
	buf_puts(out, ".SH SYNOPSIS\n.B sluice\nCOMMAND [FLAGS]\n.SH COMMANDS\n");
	for (size_t i = 0; commands[i]; i++)
		if (!commands[i]->hidden)
			command_put(out, commands[i]);
	buf_puts(out, ".SH FLAGS OF EVERY COMMAND\n");
	flags_put(out, cli_globals());
	buf_puts(out, ".SH EXIT STATUS\n");
	for (const struct exit_word *e = exit_words; e->text; e++) {
		buf_printf(out, ".TP\n.B %s\n", e->code);
		line_put(out, e->text);
	}
	buf_puts(out, ".SH SEE ALSO\n.BR sluice.ini (5)\n");
}

static void
key_put(struct buf *out, const struct key *k)
{
	const char *initial = k->initial ? k->initial : k->unset;
	struct buf range = {0};

	buf_puts(out, ".TP\n.B ");
	line_put(out, k->name);
	line_put(out, k->help);
	buf_puts(out, ".br\n");
	key_range(k, &range);
	text_put(out, buf_str(&range));
	if (initial) {
		buf_puts(out, "; default: ");
		text_put(out, initial);
	}
	buf_putc(out, '\n');
	buf_free(&range);
}

static void
page_ini(struct buf *out)
{
	head_put(out, "sluice.ini", 5, "configuration of sluice");
	buf_puts(out, ".SH DESCRIPTION\n");
	prose_put(out, "A file, or a folder with sluice.ini and conf.d/*.ini; later files win key by key. A value may be env:NAME\n"
	               "(taken from that environment variable) or file:PATH (what that file holds). A ';' after white space\n"
	               "begins a comment, except in quotes or brackets; a '#' only at the beginning of a line.");
	for (enum section_kind s = 0; s < SECTION_KINDS; s++) {
		buf_puts(out, ".SH ");
		line_put(out, sections[s].form);
		prose_put(out, sections[s].help);
		for (const struct key *k = keys; k < keys + keys_count; k++)
			if (k->section == s)
				key_put(out, k);
	}
	buf_puts(out, ".SH SEE ALSO\n.BR sluice (1)\n");
}

static int
command_man_run(struct cli *c)
{
	struct buf out = {0};

	if (c->n_args && strcmp(c->args[0], "ini") == 0)
		page_ini(&out);
	else
		page_program(&out);
	fwrite(out.p, 1, out.len, stdout);
	buf_free(&out);
	return 0;
}

const struct command command_man = {
	.name = "man",
	.usage = "[ini]",
	.summary = "Writes the manual page of the program, or of its configuration",
	.args_max = 1,
	.bare = true,
	.hidden = true,
	.run = command_man_run,
};
