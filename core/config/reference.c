/* reference.c - the page of every key, written from the table (keys.c): what conf/reference.ini holds, and what the manual shows.
 *
 * Guarantee: what stands there is what the parser does, for both read the same rows. A test compares the file with it. */
#include <string.h>
#include "base/clock.h"
#include "config/keys.h"
#include "config/settings.h"

static const char *const type_words[KEY_TYPES] = {
	[KEY_TEXT] = "text",
	[KEY_PATH] = "a path",
	[KEY_PLUGIN] = "a plugin's name",
	[KEY_URL] = "an http or https URL",
	[KEY_WORD] = "one of",
	[KEY_CHOICE] = "one of",
	[KEY_BOOL] = "yes or no",
	[KEY_DURATION] = "a duration",
	[KEY_SECONDS] = "a number of seconds",
	[KEY_SIZE] = "a size",
	[KEY_COUNT] = "a number",
	[KEY_SHARE] = "a share from 0% to 100%",
	[KEY_FACTOR] = "a factor like 3x, or off",
	[KEY_RATE] = "a rate, N/s, N/min, N/h or N/day",
	[KEY_HOSTS] = "a list of host or host:port",
	[KEY_LIST] = "a list",
	[KEY_SECRET] = "a secret, best as env:NAME or file:PATH",
	[KEY_MASTER] = "file:PATH, env:NAME (64 hex digits or base64 of 32 bytes) or none",
};

static void
bound_put(const struct key *k, uint64_t v, struct buf *out)
{
	char text[TIME_TEXT_MAX];

	if (k->type == KEY_DURATION)
		buf_puts(out, duration_format((int64_t)v, text));
	else if (k->type == KEY_SIZE)
		buf_puts(out, size_format(v, text));
	else
		buf_printf(out, "%llu", (unsigned long long)(k->type == KEY_SECONDS ? v / 1000 : v));
}

void
key_range(const struct key *k, struct buf *out)
{
	buf_puts(out, type_words[k->type]);
	for (const char *const *w = k->words; w && *w; w++)
		buf_printf(out, "%s%s", w == k->words ? " " : ", ", *w);
	if (k->min || k->max) {
		buf_puts(out, " from ");
		bound_put(k, k->min, out);
		buf_puts(out, " to ");
		bound_put(k, k->max, out);
	}
}

/* ---- the reference file ---- */

static void
comment_put(struct buf *out, const char *text)
{
	for (const char *p = text, *nl; p; p = nl ? nl + 1 : NULL) {
		nl = strchr(p, '\n');
		buf_puts(out, "# ");
		buf_put(out, p, nl ? (size_t)(nl - p) : strlen(p));
		buf_putc(out, '\n');
	}
}

static void
key_document(const struct key *k, struct buf *out)
{
	const char *initial = k->initial ? k->initial : k->unset;

	buf_printf(out, "# %s\n# (", k->help);
	key_range(k, out);
	if (initial)
		buf_printf(out, "; default: %s", initial);
	buf_printf(out, ")\n;%s = %s\n\n", k->name, k->initial ? k->initial : k->sample);
}

void
settings_document(struct buf *out)
{
	comment_put(out, "Every key that Sluice knows, with what it may be and what holds without it.\n"
	                 "Everything here is commented out: copy what you need and take the ';' away.\n"
	                 "A value may be env:NAME (taken from that environment variable) or file:PATH (what that file holds);\n"
	                 "write \"env:NAME\", in quotes, for the text itself. A ';' after white space begins a comment, except\n"
	                 "in quotes or brackets. A list is a JSON array, also over several indented lines, or a, b, c.");
	for (enum section_kind s = 0; s < SECTION_KINDS; s++) {
		buf_puts(out, "\n# ");
		buf_puts(out, sections[s].form);
		buf_putc(out, '\n');
		comment_put(out, sections[s].help);
		buf_printf(out, "%s%s\n\n", s == SECTION_HOST ? "" : ";", sections[s].sample);
		for (const struct key *k = keys; k < keys + keys_count; k++)
			if (k->section == s)
				key_document(k, out);
	}
}
