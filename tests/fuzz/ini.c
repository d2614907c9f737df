/* ini.c - any bytes as a configuration file: the reader ends, reads nothing that is not there, and what it hands out is
 * what it promises (names by the grammar, values without control characters, lines that only grow).
 *
 * The text is read through an in-memory file, as a real one is, into a block of its exact size. */
#include "config/ini.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/json.h"
#include "base/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct seen {
	unsigned line; /* of the last event */
	unsigned faults;
};

static void
advance(struct seen *seen, unsigned line)
{
	if (!line || line < seen->line)
		die("line %u after line %u", line, seen->line);
	seen->line = line;
}

static void
text_good(const char *s)
{
	if (!utf8_valid(slice_str(s)))
		die("text that is not UTF-8");
	for (; *s; s++)
		if (((unsigned char)*s < 0x20 && *s != '\t') || *s == 0x7f)
			die("a control character got through");
}

static void
saw_section(void *arg, const char *name, unsigned line)
{
	advance(arg, line);
	if (!name)
		return;
	text_good(name);
	if (!*name || strchr(name, ']') || strchr(" \t", name[0]) || strchr(" \t", name[strlen(name) - 1]))
		die("[%s] is no section's name", name);
}

static void
saw_entry(void *arg, const char *name, const char *value, unsigned line)
{
	size_t n = strlen(value);

	advance(arg, line);
	text_good(value);
	if (!*name || strlen(name) > INI_NAME_MAX ||
	    name[strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")])
		die("'%s' is no name", name);
	if (n && (strchr(" \t", value[0]) || strchr(" \t", value[n - 1])))
		die("white space around a value");
}

static void
saw_fault(void *arg, unsigned line, const char *what)
{
	struct seen *seen = arg;

	(void)line; /* a value that never closes is told where it began: behind the lines that it swallowed */
	if (!*what)
		die("a fault without a sentence");
	seen->faults++;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = xmalloc(size ? size : 1);
	FILE *f = size ? fmemopen((void *)(uintptr_t)data, size, "r") : NULL;
	size_t n = f ? fread(text, 1, size, f) : 0;
	struct seen seen = {0};

	ini_read(slice_of(text, n), &(struct ini_sink){saw_section, saw_entry, saw_fault, &seen});
	if (f)
		fclose(f);
	free(text);
	return 0;
}
