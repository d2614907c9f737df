/* area.c - A1 notation: https://developers.google.com/workspace/sheets/api/guides/concepts#cell
 *
 * Awkward: "Q1" is a cell, a sheet or a named range, as the spreadsheet has it. A sheet of that title goes first, and
 * is then asked for in quotes, for Google would take it for the cell. A range that does not say where it ends is held
 * to the rows that the sheet has, for what is asked beyond them is an error. */
#include "area.h"
#include <ctype.h>

long
area_column(const char *p)
{
	long n = 0;

	for (; isalpha((unsigned char)*p) && n < 100000; p++)
		n = n * 26 + toupper((unsigned char)*p) - 'A' + 1;
	return n;
}

const char *
area_letters(struct sluice_run *run, long n)
{
	char text[16], *p = text + sizeof(text) - 1;

	*p = '\0';
	for (; n > 0 && p > text; n = (n - 1) / 26)
		*--p = (char)('A' + (n - 1) % 26);
	return sluice_format(run, "%s", p);
}

const char *
area_corner(struct sluice_run *run, const char *p, const char **letters, long *row)
{
	const char *from = p;
	char *end;

	while (isalpha((unsigned char)*p))
		p++;
	*letters = sluice_format(run, "%.*s", (int)(p - from), from);
	*row = strtol(isdigit((unsigned char)*p) ? p : "0", &end, 10);
	while (isdigit((unsigned char)*p))
		p++;
	return p;
}

/* A1:D5, A:D, 2:7, B7. 0: that it is; -1: it is none. */
static int
cells_read(struct sluice_run *run, const char *p, struct area *a)
{
	const char *from = p;

	p = area_corner(run, p, &a->left, &a->top);
	if (p == from || strlen(a->left) > 3)
		return -1;
	if (*p == ':')
		p = area_corner(run, p + 1, &a->right, &a->bottom);
	else
		a->right = a->left, a->bottom = a->top;
	if (!from[strcspn(from, ":")] && (!*a->left || !a->top)) /* a word or a number is no cell */
		return -1;
	if (!a->top)
		a->top = 1;
	return *p == '\0' ? 0 : -1;
}

/* 'It''s' and plain: the name that people see. */
static const char *
title_read(struct sluice_run *run, const char *from, size_t len)
{
	const char *title = "";

	if (len < 2 || *from != '\'')
		return sluice_format(run, "%.*s", (int)len, from);
	for (size_t i = 1; i + 1 < len; i++) {
		title = sluice_format(run, "%s%c", title, from[i]);
		i += from[i] == '\''; /* two stand for one */
	}
	return title;
}

static const char *
title_quoted(struct sluice_run *run, const char *title)
{
	const char *quoted = "'";

	for (; *title; title++)
		quoted = sluice_format(run, *title == '\'' ? "%s'%c" : "%s%c", quoted, *title);
	return sluice_format(run, "%s'", quoted);
}

static const cJSON *
sheet_find(const cJSON *sheets, const char *title)
{
	const cJSON *sheet;

	cJSON_ArrayForEach(sheet, sheets) {
		const char *name = sluice_json_text(sluice_json_get(sheet, "properties"), "title");
		if (name && strcmp(name, title) == 0)
			return sluice_json_get(sheet, "properties");
	}
	return NULL;
}

int
area_read(struct sluice_run *run, const cJSON *sheets, const char *text, struct area *a)
{
	const char *mark = strrchr(text, '!'), *title;
	const cJSON *sheet;

	*a = (struct area){.text = text, .ask = text, .left = "", .right = "", .top = 1};
	if (sheet_find(sheets, text)) {
		title = text;
		a->ask = title_quoted(run, text);
	} else if (mark) {
		title = title_read(run, text, (size_t)(mark - text));
		if (cells_read(run, mark + 1, a))
			return sluice_fail(run, SLUICE_EARGUMENT,
			                   "ranges: '%s' is none: write Sheet, Sheet!A1:D or A1:D", text);
	} else if (cells_read(run, text, a) == 0) {
		title = sluice_json_text(sluice_json_get(cJSON_GetArrayItem(sheets, 0), "properties"), "title");
	} else {
		*a = (struct area){.text = text, .ask = text};
		return 0; /* a named range, or nothing: Google knows */
	}
	sheet = title ? sheet_find(sheets, title) : NULL;
	if (!sheet)
		return sluice_fail(run, SLUICE_EARGUMENT, "ranges: there is no sheet '%s'", title ? title : "");
	const long rows = (long)sluice_json_int(sluice_json_get(sheet, "gridProperties"), "rowCount", 0);
	a->title = title;
	if (!a->bottom || a->bottom > rows)
		a->bottom = rows;
	return 0;
}

const char *
area_rows(struct sluice_run *run, const struct area *a, long from, long to)
{
	return sluice_format(run, "%s!%s%ld:%s%ld", title_quoted(run, a->title), a->left, from, a->right, to);
}
