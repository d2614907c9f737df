/* csv.c - see csv.h. */
#include <stdlib.h>
#include <string.h>
#include "base/json.h"
#include "base/mem.h"
#include "run/member.h"
#include "serve/csv.h"
#include "sluice.h"

static const char *const meta[] = {"id", "sequence", "first_seen_at", "modified_at", "deleted_at"};

void
csv_init(struct csv *c, const struct manifest_model *model, bool mask)
{
	c->n = model->n_fields;
	c->fields = xcalloc(c->n + 1, sizeof *c->fields);
	c->hidden = xcalloc(c->n + 1, sizeof *c->hidden);
	for (size_t i = 0; i < c->n; i++) {
		c->fields[i] = xstrdup(model->fields[i].name);
		c->hidden[i] = mask && model->fields[i].flags & SLUICE_SENSITIVE;
	}
}

void
csv_finish(struct csv *c)
{
	for (size_t i = 0; i < c->n; i++)
		free(c->fields[i]);
	free(c->fields);
	free(c->hidden);
	*c = (struct csv){0};
}

static void
csv_text(struct buf *out, struct slice text)
{
	bool plain = text.len > 0;

	for (size_t i = 0; i < text.len && plain; i++)
		plain = !strchr("\",\r\n", text.p[i]) && text.p[i];
	if (plain) {
		buf_slice(out, text);
		return;
	}
	buf_putc(out, '"');
	for (size_t i = 0; i < text.len; i++) {
		if (text.p[i] == '"')
			buf_putc(out, '"');
		buf_putc(out, text.p[i]);
	}
	buf_putc(out, '"');
}

static bool
is_formula(struct slice text)
{
	return text.len && memchr("=+-@\t\r\n", text.p[0], 7);
}

static void
csv_value(const struct csv *c, struct buf *out, struct slice value)
{
	enum json_type type = json_type(value);
	struct buf text = {0}, plain = {0};

	if (!value.len || type == JSON_NULL)
		return;
	if (type == JSON_STRING)
		json_unquote(value, &text);
	else
		json_compact(&text, value);
	if (c->spreadsheet && type == JSON_STRING && is_formula(buf_view(&text))) {
		buf_putc(&plain, '\'');
		buf_slice(&plain, buf_view(&text));
	}
	csv_text(out, buf_view(plain.len ? &plain : &text));
	buf_free(&plain);
	buf_free(&text);
}

void
csv_head(const struct csv *c, struct buf *out)
{
	for (size_t i = 0; i < LENGTH(meta); i++)
		buf_printf(out, "%s_%s", i ? "," : "", meta[i]);
	for (size_t i = 0; i < c->n; i++) {
		buf_putc(out, ',');
		csv_text(out, slice_str(c->fields[i]));
	}
	buf_puts(out, ",_other\r\n");
}

/* key: between its quotes, still escaped. */
static bool
is_field(const struct csv *c, struct slice key)
{
	for (size_t i = 0; i < c->n; i++)
		if (json_string_is(slice_of(key.p - 1, key.len + 2), c->fields[i]))
			return true;
	return false;
}

static void
csv_other(const struct csv *c, struct slice record, struct buf *out)
{
	struct json_iter it = json_iter(record);
	struct buf other = {0};

	if (json_type(record) != JSON_OBJECT) {
		json_compact(&other, record);
	} else {
		while (json_next(&it)) {
			if (is_field(c, it.key))
				continue;
			buf_puts(&other, other.len ? ",\"" : "{\"");
			buf_slice(&other, it.key);
			buf_puts(&other, "\":");
			json_compact(&other, it.value);
		}
		if (other.len)
			buf_putc(&other, '}');
	}
	buf_putc(out, ',');
	if (other.len)
		csv_text(out, buf_view(&other));
	buf_free(&other);
}

void
csv_row(const struct csv *c, struct slice row, struct buf *out)
{
	struct slice record = member_raw(row, "record"), value;

	for (size_t i = 0; i < LENGTH(meta); i++) {
		if (i)
			buf_putc(out, ',');
		csv_value(c, out, member_raw(row, meta[i]));
	}
	for (size_t i = 0; i < c->n; i++) {
		buf_putc(out, ',');
		if (!json_member(record, c->fields[i], &value))
			continue;
		if (c->hidden[i])
			buf_puts(out, "***");
		else
			csv_value(c, out, value);
	}
	csv_other(c, record, out);
	buf_puts(out, "\r\n");
}
