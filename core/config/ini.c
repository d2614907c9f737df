/* ini.c - libinih, fed with lines that it cannot get wrong.
 *
 * Debian's libinih is built with a line buffer of 200 bytes and 50 bytes for a section's name; it cuts both in silence,
 * cuts values at " ;" even inside quotes, appends an indented `name = value` to the key above, and shows its handler
 * neither empty sections nor line numbers, all with return code 0. So the stream function here does not hand it the
 * file's lines. It reads whole lines, keeps the section headers itself, joins continued values, and gives inih one
 * short `name=value` at a time, or, when the value is long or holds a `;`, `name=` and a reference mark that the
 * handler resolves. The mark is a control byte, which no line of a file may hold, so no value can look like it.
 *
 * The awkward case is a bare value with an odd quote or bracket in it, as passwords have: there nothing is open, since
 * a value is continued only when it begins with the bracket or quote. */
#include "config/ini.h"

#include <ctype.h>
#include <ini.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/json.h"
#include "base/mem.h"

#define REFERENCE "\x01"

struct ini_file {
	const struct ini_sink *to;
	const char *p, *end;  /* what is not read yet */
	unsigned line;        /* of the last line read, from 1 */
	unsigned entry_line;  /* where the pending entry began */
	struct buf value;     /* of the pending entry, whole */
};

/* What is open where a line ends. */
struct nesting {
	unsigned depth; /* of [ and { */
	bool quoted;
};

static bool
nesting_open(const struct nesting *n)
{
	return n->depth > 0 || n->quoted;
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static struct slice
trim(struct slice s)
{
	for (; s.len && is_blank(s.p[0]); s.p++)
		s.len--;
	while (s.len && is_blank(s.p[s.len - 1]))
		s.len--;
	return s;
}

/* The next line, without its end; false at the end of the text. */
static bool
line_next(struct ini_file *f, struct slice *line)
{
	if (f->p == f->end)
		return false;
	const char *nl = memchr(f->p, '\n', (size_t)(f->end - f->p));
	const char *stop = nl ? nl : f->end;
	*line = slice_of(f->p, (size_t)(stop - f->p));
	if (line->len && line->p[line->len - 1] == '\r')
		line->len--;
	f->p = nl ? nl + 1 : f->end;
	f->line++;
	return true;
}

static bool
has_control(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if ((unsigned char)s.p[i] < 0x20 && s.p[i] != '\t')
			return true;
	return memchr(s.p, 0x7f, s.len) != NULL;
}

/* NUL and broken UTF-8 anywhere: the whole text is refused before a line of it is believed. */
static bool
text_check(const struct ini_file *f)
{
	struct ini_file probe = *f;
	struct slice line;

	while (line_next(&probe, &line)) {
		const char *what = memchr(line.p, 0, line.len) ? "a NUL byte: this is no text file"
		                   : !utf8_valid(line)         ? "not UTF-8: save the file in that encoding"
		                                               : NULL;
		if (what) {
			f->to->fault(f->to->arg, probe.line, what);
			return false;
		}
	}
	return true;
}

/* How many bytes of the line are value, before any comment. `open` is what the lines before left open, and is moved on. */
static size_t
value_extent(struct slice line, struct nesting *open)
{
	for (size_t i = 0; i < line.len; i++) {
		char c = line.p[i];

		if (open->quoted) {
			if (c == '\\')
				i++;
			else if (c == '"')
				open->quoted = false;
		} else if (c == '"') {
			open->quoted = true;
		} else if (c == '[' || c == '{') {
			open->depth++;
		} else if (c == ']' || c == '}') {
			open->depth -= open->depth > 0;
		} else if (c == ';' && open->depth == 0 && i && is_blank(line.p[i - 1])) {
			return i;
		}
	}
	return line.len;
}

/* The same for a bare value that has an odd quote or bracket: these are then plain characters. */
static size_t
bare_extent(struct slice line)
{
	for (size_t i = 1; i < line.len; i++)
		if (line.p[i] == ';' && is_blank(line.p[i - 1]))
			return i;
	return line.len;
}

static bool
continues(struct slice line, const struct nesting *open)
{
	return is_blank(line.p[0]) || (open->depth && !open->quoted && (line.p[0] == ']' || line.p[0] == '}'));
}

/* Appends the lines that a value left open; false: it is never closed, which has been told. */
static bool
value_continue(struct ini_file *f, struct nesting *open)
{
	while (nesting_open(open)) {
		struct ini_file before = *f;
		struct slice line;
		bool more = line_next(f, &line);

		if (more && (trim(line).len == 0 || line.p[0] == '#' || line.p[0] == ';'))
			continue;
		if (!more || !continues(line, open)) {
			f->p = before.p;
			f->line = before.line;
			f->to->fault(f->to->arg, f->entry_line,
			             open->quoted ? "the quote that opens here is not closed (a value goes on only in "
			                            "indented lines)"
			                          : "the bracket that opens here is not closed (a value goes on only in "
			                            "indented lines)");
			return false;
		}
		if (has_control(line)) {
			f->to->fault(f->to->arg, f->line, "a control character: only tabs are allowed");
			continue;
		}
		buf_putc(&f->value, ' ');
		buf_slice(&f->value, trim(slice_of(line.p, value_extent(line, open))));
	}
	return true;
}

/* Fills f->value with the whole value that begins in `line`, right after the '='. */
static bool
value_read(struct ini_file *f, struct slice line)
{
	struct nesting open = {0};
	size_t len = value_extent(line, &open);
	struct slice begin = trim(line);

	buf_clear(&f->value);
	if (nesting_open(&open) && !strchr("[{\"", begin.p[0])) {
		open = (struct nesting){0};
		len = bare_extent(line);
	}
	buf_slice(&f->value, trim(slice_of(line.p, len)));
	return value_continue(f, &open);
}

static bool
name_good(struct slice name)
{
	if (!name.len || name.len > INI_NAME_MAX || strchr(".-", name.p[0]))
		return false;
	for (size_t i = 0; i < name.len; i++)
		if (!isalnum((unsigned char)name.p[i]) && !strchr("._-", name.p[i]))
			return false;
	return true;
}

static void
section_read(struct ini_file *f, struct slice line)
{
	const char *close = memchr(line.p, ']', line.len);
	const char *what = NULL;
	struct slice name = {0}, rest = {0};

	if (close) {
		name = trim(slice_of(line.p + 1, (size_t)(close - line.p - 1)));
		rest = slice_of(close + 1, (size_t)(line.p + line.len - close - 1));
		rest = trim(slice_of(rest.p, bare_extent(rest)));
	}
	if (!close)
		what = "the section's ']' is missing";
	else if (!name.len)
		what = "the section has no name";
	else if (rest.len)
		what = "something stands after the section's ']' (a comment there begins with blank and ';')";
	if (what)
		f->to->fault(f->to->arg, f->line, what);
	char *text = what ? NULL : slice_dup(name);
	f->to->section(f->to->arg, text, f->line);
	free(text);
}

/* Writes the entry as a line for inih; false: it was faulty, and that has been told. */
static bool
entry_read(struct ini_file *f, struct slice line, char *out, size_t size)
{
	const char *eq = memchr(line.p, '=', line.len);
	struct slice name = trim(slice_of(line.p, eq ? (size_t)(eq - line.p) : 0));

	f->entry_line = f->line;
	if (!eq) {
		f->to->fault(f->to->arg, f->line,
		             memchr(line.p, ':', line.len) ? "no '=' in this line (a ':' does not separate name and value)"
		                                           : "no '=' in this line: neither [section] nor name = value");
		return false;
	}
	if (!name_good(name)) {
		f->to->fault(f->to->arg, f->line, "what stands before '=' is no name (letters, digits and . _ -, at most 100)");
		return false;
	}
	if (!value_read(f, slice_of(eq + 1, (size_t)(line.p + line.len - eq - 1))))
		return false;
	const char *value = buf_str(&f->value);
	bool refer = strchr(value, ';') || name.len + f->value.len + sizeof("=\n") > size;
	snprintf(out, size, "%.*s=%s\n", (int)name.len, name.p, refer ? REFERENCE : value);
	return true;
}

/* The reader that inih calls as it would fgets. */
static char *
stream_line(char *out, int size, void *stream)
{
	struct ini_file *f = stream;
	struct slice line;

	while (line_next(f, &line)) {
		struct slice seen = trim(line);

		if (!seen.len || seen.p[0] == ';' || seen.p[0] == '#')
			continue;
		if (has_control(seen))
			f->to->fault(f->to->arg, f->line, "a control character: only tabs are allowed");
		else if (seen.p[0] == '[')
			section_read(f, seen);
		else if (entry_read(f, seen, out, (size_t)size))
			return out;
	}
	return NULL;
}

static int
stream_entry(void *arg, const char *section, const char *name, const char *value)
{
	struct ini_file *f = arg;

	(void)section; /* ours is the header in force; inih never sees one */
	f->to->entry(f->to->arg, name, strcmp(value, REFERENCE) ? value : buf_str(&f->value), f->entry_line);
	return 1;
}

void
ini_read(struct slice text, const struct ini_sink *to)
{
	struct ini_file f = {.to = to, .p = text.p, .end = text.p + text.len};

	if (slice_starts(text, "\xef\xbb\xbf"))
		f.p += 3;
	if (text_check(&f) && ini_parse_stream(stream_line, &f, stream_entry, &f) != 0)
		die("config/ini: libinih refused a line that was made for it");
	buf_wipe(&f.value);
}
