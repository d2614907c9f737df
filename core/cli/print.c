/* print.c - data on stdout in the format that was asked for, errors on stderr. */
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include "base/mem.h"
#include "cli/cli.h"

#define WIDTH_USUAL 160u /* characters of a line of text where there is no terminal */

int
cli_fail(struct cli *c, const struct err *err)
{
	struct buf line = {0};
	struct json_out o = json_out(&line);

	if (c->format == FORMAT_TEXT) {
		buf_printf(&line, "sluice: %s\n", err->text);
	} else {
		json_open(&o, '{');
		json_key(&o, "error");
		json_open(&o, '{');
		json_kv_str(&o, "code", err_class_name(err->cls));
		json_kv_str(&o, "message", err->text);
		json_close(&o, '}');
		json_close(&o, '}');
		buf_putc(&line, '\n');
	}
	log_blank(&line);
	fflush(stdout);
	fwrite(line.p, 1, line.len, stderr);
	buf_free(&line);
	return err_exit_code(err->cls);
}

void
cli_note(struct cli *c, const char *fmt, ...)
{
	struct err text;
	struct buf line = {0};
	struct json_out o = json_out(&line);
	va_list ap;

	va_start(ap, fmt);
	err_setv(&text, ERR_NONE, fmt, ap);
	va_end(ap);
	if (c->format == FORMAT_TEXT) {
		buf_printf(&line, "sluice: %s", text.text);
	} else {
		json_open(&o, '{');
		json_key(&o, "note");
		json_open(&o, '{');
		json_kv_str(&o, "message", text.text);
		json_close(&o, '}');
		json_close(&o, '}');
	}
	buf_putc(&line, '\n');
	fflush(stdout);
	fwrite(line.p, 1, line.len, stderr);
	buf_free(&line);
}

void
print_row(struct cli *c, struct slice json)
{
	if (c->format == FORMAT_JSON)
		fputs(c->array_used ? ",\n" : "[\n", stdout);
	c->array_used = true;
	fwrite(json.p, 1, json.len, stdout);
	if (c->format != FORMAT_JSON)
		putchar('\n');
}

void
print_end(struct cli *c)
{
	if (c->format == FORMAT_JSON)
		puts(c->array_used ? "\n]" : "[]");
	c->array_used = false;
	fflush(stdout);
}

void
print_object(struct cli *c, struct slice json)
{
	struct buf pretty = {0};

	if (c->format == FORMAT_JSONL)
		json_compact(&pretty, json);
	else
		json_pretty(&pretty, json);
	puts(buf_str(&pretty));
	buf_free(&pretty);
}

const char *
time_short(const char *rfc3339, char out[TIME_TEXT_MAX])
{
	if (!rfc3339 || strlen(rfc3339) < 19)
		return "-";
	snprintf(out, TIME_TEXT_MAX, "%.10s %.8s", rfc3339, rfc3339 + 11);
	return out;
}

void
table_cell(struct table *t, const char *text)
{
	struct buf cell = {0};

	if ((t->n & (t->n - 1)) == 0)
		t->cells = xrealloc(t->cells, (t->n ? t->n * 2 : 1) * sizeof *t->cells);
	text_cut(&cell, text ? text : "-", SIZE_MAX);
	t->cells[t->n++] = buf_take(&cell);
}

static bool
char_begins(char c)
{
	return ((unsigned char)c & 0xc0) != 0x80;
}

/* Characters, not bytes. */
static size_t
width(const char *text)
{
	size_t n = 0;

	for (; *text; text++)
		n += char_begins(*text);
	return n;
}

/* What would steer a terminal: control characters, also those above ASCII (U+0080 to U+009F). */
static bool
steers(const char *p)
{
	unsigned char c = (unsigned char)p[0], next = (unsigned char)p[1];

	return c < 0x20 || c == 0x7f || (c == 0xc2 && next >= 0x80 && next <= 0x9f);
}

void
text_cut(struct buf *out, const char *text, size_t chars)
{
	bool whole = width(text) <= chars;

	for (size_t left = whole ? chars : chars - 1; *text && (left || !char_begins(*text)); text++) {
		left -= char_begins(*text);
		if (!steers(text)) {
			buf_putc(out, *text);
			continue;
		}
		buf_putc(out, '?');
		text += (unsigned char)*text == 0xc2;
	}
	if (!whole)
		buf_puts(out, "\u2026");
}

size_t
line_width(int fd)
{
	struct winsize size = {0};

	return ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col >= 20 ? size.ws_col : WIDTH_USUAL;
}

void
print_line(const char *text)
{
	struct buf line = {0};

	text_cut(&line, text, line_width(STDOUT_FILENO));
	puts(buf_str(&line));
	buf_free(&line);
}

static bool
cell_empty(const char *cell)
{
	return strcmp(cell, "-") == 0;
}

char *
table_fold(struct table *t)
{
	size_t last = t->columns - 1, kept = 0;
	char *same = NULL;

	for (size_t i = t->columns + last; i < t->n; i += t->columns) {
		if (cell_empty(t->cells[i]))
			continue;
		if (same && strcmp(same, t->cells[i]) != 0) {
			free(same);
			return NULL;
		}
		same = same ? same : xstrdup(t->cells[i]);
	}
	for (size_t i = 0; i < t->n; i++) {
		if (i % t->columns == last)
			free(t->cells[i]);
		else
			t->cells[kept++] = t->cells[i];
	}
	t->n = kept;
	t->columns--;
	return same ? same : xstrdup("");
}

void
table_print(struct table *t, FILE *to)
{
	size_t *widths = xcalloc(t->columns, sizeof *widths);

	for (size_t i = 0; i < t->n; i++)
		if (width(t->cells[i]) > widths[i % t->columns])
			widths[i % t->columns] = width(t->cells[i]);
	for (size_t i = 0; i < t->n && t->n > t->columns; i++) {
		bool last = i % t->columns == t->columns - 1;
		fputs(t->cells[i], to);
		for (size_t pad = width(t->cells[i]); !last && pad < widths[i % t->columns] + 2; pad++)
			fputc(' ', to);
		if (last)
			fputc('\n', to);
	}
	for (size_t i = 0; i < t->n; i++)
		free(t->cells[i]);
	free(t->cells);
	free(widths);
	*t = (struct table){0};
}
