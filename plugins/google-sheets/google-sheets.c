/* google-sheets.c - mirrors the rows of a Google spreadsheet, and what sheets it has.
 *
 * A range's first row names the columns, each further one becomes a record {id, range, row, values: {column: cell}}.
 * Rows are known by a column that the operator names, or by their number. Sheets knows no paging: a long range is asked
 * for in blocks of rows, each a pagination of its own, so that a run that was cut goes on at its block.
 *
 * Awkward: the answer leaves out empty cells at the end of a row, empty rows at the end of a range, and of an empty
 * range all of it. An empty cell is null here, wherever it stands. Columns without a name, and cells beyond the last
 * name, go by their letters; a name that comes twice gets a number. `values:batchGet` is asked, because its list is
 * there also where a range is empty. */
#include <sluice_json.h>
#include "area.h"

struct reading {
	const char *key;            /* column by which rows are known; NULL: by number */
	int header;                 /* the first row of a range names its columns */
	long block;                 /* rows in a request */
	cJSON *names;               /* of the columns of the range in hand; NULL: not read yet */
	uint64_t *ids;              /* hashes of ids that were saved: open addressing, 0 is free */
	size_t n_ids, room;         /* room: a power of two, or 0 */
};

/* ---- rows ---- */

/* The text of a cell; NULL: it is empty. */
static const char *
cell_text(struct sluice_run *run, const cJSON *cell)
{
	if (cJSON_IsString(cell))
		return *cell->valuestring ? cell->valuestring : NULL;
	return cell && !cJSON_IsNull(cell) ? sluice_json_print(run, cell) : NULL;
}

/* Names of the columns, each one once. `first`: number of the first column. */
static cJSON *
names_read(struct sluice_run *run, const cJSON *header, long first)
{
	cJSON *names = cJSON_CreateArray(), *taken = cJSON_CreateObject();
	const cJSON *cell;
	long column = first;

	cJSON_ArrayForEach(cell, header) {
		const char *given = cell_text(run, cell), *name = given ? given : area_letters(run, column);
		for (int n = 2; sluice_json_get(taken, name); n++)
			name = sluice_format(run, "%s (%d)", given ? given : area_letters(run, column), n);
		cJSON_AddNullToObject(taken, name);
		cJSON_AddItemToArray(names, cJSON_CreateString(name));
		column++;
	}
	cJSON_Delete(taken);
	return names;
}

/* A column beyond the last name goes by its letters, unless another one is called that. */
static const char *
free_letters(struct sluice_run *run, const cJSON *values, long column)
{
	const char *letters = area_letters(run, column), *name = letters;

	for (int n = 2; sluice_json_get(values, name); n++)
		name = sluice_format(run, "%s (%d)", letters, n);
	return name;
}

/* One row's cells by name, null where it is empty; NULL: it is empty as a whole. Yours. The cells are taken out of
 * `row`. */
static cJSON *
values_read(struct sluice_run *run, const struct reading *r, cJSON *row, long first)
{
	const cJSON *name = r->names ? r->names->child : NULL;
	cJSON *values = cJSON_CreateObject();
	int any = 0;

	for (long column = first; name || row->child; column++) {
		cJSON *cell = row->child ? cJSON_DetachItemViaPointer(row, row->child) : NULL;
		const char *to = name ? name->valuestring : free_letters(run, values, column);
		const int there = cell && !cJSON_IsNull(cell) && !(cJSON_IsString(cell) && !*cell->valuestring);
		if (there)
			any = 1;
		else
			cJSON_Delete(cell);
		cJSON_AddItemToObject(values, to, there ? cell : cJSON_CreateNull());
		name = name ? name->next : NULL;
	}
	if (!any) {
		cJSON_Delete(values);
		return NULL;
	}
	return values;
}

/* 1: this id was not there before, in what this step reads. */
static int
id_is_new(struct reading *r, const char *id)
{
	uint64_t h = UINT64_C(14695981039346656037), *old = r->ids; /* FNV-1a */
	const size_t had = r->room;

	for (; *id; id++)
		h = (h ^ (unsigned char)*id) * UINT64_C(1099511628211);
	h += h == 0;
	if (r->n_ids * 2 >= r->room) {
		r->room = had ? had * 2 : 1024;
		r->ids = calloc(r->room, sizeof(*r->ids));
		if (!r->ids)
			abort(); /* the host tells that the worker ran out of memory */
		for (size_t i = 0; i < had; i++)
			for (size_t at = old[i]; old[i]; at++)
				if (!r->ids[at & (r->room - 1)]) {
					r->ids[at & (r->room - 1)] = old[i];
					break;
				}
		free(old);
	}
	for (size_t at = h;; at++) {
		uint64_t *slot = &r->ids[at & (r->room - 1)];
		if (*slot == h)
			return 0;
		if (!*slot) {
			*slot = h;
			r->n_ids++;
			return 1;
		}
	}
}

static void
add_row(struct sluice_run *run, struct reading *r, const struct area *a, cJSON *records, cJSON *values, long number)
{
	const char *key = r->key ? cell_text(run, sluice_json_get(values, r->key)) : sluice_format(run, "%ld", number);
	const char *id = key ? sluice_format(run, "%s/%s", a->text, key) : NULL;
	cJSON *record = cJSON_CreateObject();

	if (id)
		cJSON_AddStringToObject(record, "id", id);
	cJSON_AddStringToObject(record, "range", a->text);
	if (!r->key) /* else each row would change when one is put in above it */
		cJSON_AddNumberToObject(record, "row", (double)number);
	cJSON_AddItemToObject(record, "values", values);
	if (id && id_is_new(r, id)) {
		cJSON_AddItemToArray(records, record);
		return;
	}
	if (id)
		sluice_reject(run, "SheetRow", sluice_json_print(run, record), 0,
		              "%s '%s' of row %ld is another row's too", r->key, key, number);
	else
		sluice_reject(run, "SheetRow", sluice_json_print(run, record), 0, "row %ld has no %s", number, r->key);
	cJSON_Delete(record);
}

/* Takes the header out of the first row, and sees that the key is among its names. */
static int
names_take(struct sluice_run *run, struct reading *r, const struct area *a, const cJSON *header, long first)
{
	const cJSON *name;

	r->names = names_read(run, header, first);
	if (!r->key)
		return 0;
	cJSON_ArrayForEach(name, r->names)
		if (strcmp(name->valuestring, r->key) == 0)
			return 0;
	return sluice_fail(run, SLUICE_EARGUMENT, "%s has no column '%s', which key_column names; it has %s", a->text,
	                   r->key, sluice_json_print(run, r->names));
}

/* Without its range nobody knows which rows these are, and a block that is not there would count as an empty one. */
static int
block_check(struct sluice_run *run, const struct area *a, const cJSON *block)
{
	const cJSON *values = sluice_json_get(block, "values"), *row;

	if (!sluice_json_text(block, "range") || (values && !cJSON_IsArray(values)))
		return sluice_fail(run, SLUICE_EDATA, "%s: Google's answer holds no range with a list of rows",
		                   a->text);
	cJSON_ArrayForEach(row, values)
		if (!cJSON_IsArray(row))
			return sluice_fail(run, SLUICE_EDATA, "%s: Google's answer holds a row that is no list",
			                   a->text);
	return 0;
}

/* One element of valueRanges: {"range": "'Class Data'!A1:V101", "values": [[...]]}. */
static void
save_block(struct sluice_run *run, struct reading *r, const struct area *a, const cJSON *block)
{
	const char *where = sluice_json_text(block, "range"), *mark = where ? strrchr(where, '!') : NULL, *letters;
	cJSON *records, *row;
	long number = 1, first;

	if (block_check(run, a, block))
		return;
	area_corner(run, mark ? mark + 1 : where, &letters, &number);
	first = *letters ? area_column(letters) : 1;
	records = cJSON_CreateArray();
	number += number == 0;
	cJSON_ArrayForEach(row, sluice_json_get(block, "values")) {
		cJSON *values;
		if (!r->names && r->header) {
			if (names_take(run, r, a, row, first))
				break;
		} else if ((values = values_read(run, r, row, first))) {
			add_row(run, r, a, records, values, number);
		}
		number++;
	}
	sluice_json_save(run, "SheetRow", records);
	cJSON_Delete(records);
}

/* ---- requests ---- */

static const char *
endpoint(struct sluice_run *run, const char *rest)
{
	return sluice_format(run, "/v4/spreadsheets/%s%s", sluice_get_option(run, "spreadsheet_id"), rest);
}

static const char *
render(struct sluice_run *run)
{
	return strcmp(sluice_get_option(run, "values"), "raw") == 0 ? "UNFORMATTED_VALUE" : "FORMATTED_VALUE";
}

/* An answer as a tree; one that is cut though its framing is right is asked for again. NULL: the run has failed. Yours.
 */
static cJSON *
ask(struct sluice_run *run, const char *rest, const struct sluice_pair *query)
{
	struct sluice_response answer;

	for (int tries = 0; tries < 2; tries++) {
		cJSON *root = NULL;
		if (sluice_proxy_get(run, endpoint(run, rest), query, &answer))
			return NULL;
		if ((root = sluice_json_parse(answer.body, answer.len)))
			return root;
	}
	sluice_fail(run, SLUICE_EDATA, "Google answers what is no JSON: %.60s", answer.body);
	return NULL;
}

/* The names, where the block that holds them was read in an earlier step. */
static void
names_ask(struct sluice_run *run, struct reading *r, const struct area *a)
{
	const struct sluice_pair query[] = {
		{"ranges", area_rows(run, a, a->top, a->top)}, {"valueRenderOption", render(run)}, {NULL, NULL},
	};
	cJSON *root = ask(run, "/values:batchGet", query);

	save_block(run, r, a, cJSON_GetArrayItem(sluice_json_get(root, "valueRanges"), 0));
	if (!r->names) /* that row is empty: all columns go by their letters */
		r->names = cJSON_CreateArray();
	cJSON_Delete(root);
}

static void
save_piece(struct sluice_run *run, struct reading *r, const struct area *a, const char *piece, int begins)
{
	const struct sluice_pair query[] = {{"ranges", piece}, {"valueRenderOption", render(run)}, {NULL, NULL}};
	const struct sluice_page_request list = {
		.endpoint = endpoint(run, "/values:batchGet"), .query = query, .items = "valueRanges",
	};
	struct sluice_page page;

	while (sluice_paginate(run, &list, &page) > 0) {
		cJSON *blocks = sluice_json_page(run, &page);
		if (!r->names && r->header && !begins)
			names_ask(run, r, a);
		save_block(run, r, a, cJSON_GetArrayItem(blocks, 0));
		cJSON_Delete(blocks);
	}
}

static void
save_area(struct sluice_run *run, struct reading *r, const struct area *a)
{
	cJSON_Delete(r->names);
	r->names = NULL;
	if (!a->title || a->bottom - a->top < r->block) {
		save_piece(run, r, a, a->ask, 1);
		return;
	}
	for (long from = a->top; from <= a->bottom && sluice_status(run) == 0; from += r->block) {
		const long to = from + r->block - 1 < a->bottom ? from + r->block - 1 : a->bottom;
		save_piece(run, r, a, area_rows(run, a, from, to), from == a->top);
	}
}

static const struct sluice_pair sheets_query[] = {
	{"fields", "spreadsheetId,properties.title,sheets.properties"}, {NULL, NULL},
};

static int
fetch_rows(struct sluice_run *run)
{
	const char *option = sluice_get_option(run, "ranges"), *size = sluice_get_option(run, "page_size");
	struct reading r = {
	        .key = sluice_get_option(run, "key_column"),
	        .header = strcmp(sluice_get_option(run, "header"), "false") != 0,
	        .block = strtol(size ? size : sluice_get_option(run, "rows_per_request"), NULL, 10),
	};
	cJSON *root = ask(run, "", sheets_query), *ranges = option ? cJSON_Parse(option) : cJSON_CreateArray();
	const cJSON *sheets, *each;

	if (r.block < 2)
		sluice_fail(run, SLUICE_EARGUMENT, "%s is less than 2", size ? "page_size" : "rows_per_request");
	sheets = sluice_json_get(root, "sheets");
	if (!option)
		cJSON_ArrayForEach(each, sheets) {
			const cJSON *sheet = sluice_json_get(each, "properties");
			if (sluice_json_get(sheet, "gridProperties") && sluice_json_text(sheet, "title"))
				cJSON_AddItemToArray(ranges, cJSON_CreateString(sluice_json_text(sheet, "title")));
		}
	cJSON_ArrayForEach(each, ranges) {
		struct area a;
		if (!cJSON_IsString(each))
			sluice_fail(run, SLUICE_EARGUMENT,
			            "ranges holds something that is no text: write [\"Sheet1\", \"Prices!A1:D\"]");
		else if (area_read(run, sheets, each->valuestring, &a) == 0)
			save_area(run, &r, &a);
	}
	cJSON_Delete(r.names);
	cJSON_Delete(ranges);
	cJSON_Delete(root);
	free(r.ids);
	return sluice_status(run);
}

/* ---- sheets ---- */

static int
fetch_sheets(struct sluice_run *run)
{
	cJSON *spreadsheet = cJSON_CreateString(sluice_get_option(run, "spreadsheet_id"));
	const struct sluice_map map[] = {
		{.to = "id", .from = "properties.sheetId"},
		{.to = "spreadsheet_id", .from = sluice_json_print(run, spreadsheet), .convert = SLUICE_CONSTANT},
		{.to = "title", .from = "properties.title"},
		{.to = "index", .from = "properties.index"},
		{.to = "type", .from = "properties.sheetType"},
		{.to = "hidden", .from = "properties.hidden"},
		{.to = "rows", .from = "properties.gridProperties.rowCount"},
		{.to = "columns", .from = "properties.gridProperties.columnCount"},
		{.to = "frozen_rows", .from = "properties.gridProperties.frozenRowCount"},
		{0},
	};
	const struct sluice_page_request list = {
	        .endpoint = endpoint(run, ""), .query = sheets_query, .items = "sheets"};
	struct sluice_page page;

	cJSON_Delete(spreadsheet);
	while (sluice_paginate(run, &list, &page) > 0)
		sluice_save_mapped(run, "SheetMetadata", &page, map);
	return sluice_status(run);
}

/* Tells what the spreadsheet is called. */
static int
check(struct sluice_run *run)
{
	cJSON *root = ask(run, "", sheets_query), *facts = cJSON_CreateObject();

	cJSON_AddItemToObject(facts, "account",
	                      cJSON_DetachItemFromObjectCaseSensitive(sluice_json_get(root, "properties"), "title"));
	if (root)
		sluice_reply(run, sluice_json_print(run, facts));
	cJSON_Delete(facts);
	cJSON_Delete(root);
	return sluice_status(run);
}

/* ---- what is declared ---- */

#define OPTIONAL(name_, type_, text_) {.name = name_, .type = type_, .flags = SLUICE_OPTIONAL, .description = text_}

static const struct sluice_field row[] = {
	{.name = "id", .type = SLUICE_STRING, .flags = SLUICE_KEY,
	 .description = "RANGE/KEY, or RANGE/NUMBER of the row"},
	{.name = "range", .type = SLUICE_STRING, .description = "as configured, or the sheet's title"},
	OPTIONAL("row", SLUICE_INTEGER, "its number in the sheet, from 1; only where no column is the key"),
	{.name = "values", .type = SLUICE_OBJECT, .flags = SLUICE_SENSITIVE,
	 .description = "cells by the names of their columns"},
	{0},
};
static const struct sluice_field sheet[] = {
	{.name = "id", .type = SLUICE_INTEGER, .flags = SLUICE_KEY,
	 .description = "Google's id of the sheet; the first one's is 0"},
	{.name = "spreadsheet_id", .type = SLUICE_STRING, .description = "what it is a sheet of"},
	{.name = "title", .type = SLUICE_STRING, .description = "as people see it"},
	OPTIONAL("index", SLUICE_INTEGER, "its place, from 0"),
	OPTIONAL("type", SLUICE_STRING, "GRID, OBJECT (a chart), DATA_SOURCE"),
	OPTIONAL("hidden", SLUICE_BOOLEAN, "people do not see it"),
	OPTIONAL("rows", SLUICE_INTEGER, "how many it has, empty ones too"),
	OPTIONAL("columns", SLUICE_INTEGER, "how many it has, empty ones too"),
	OPTIONAL("frozen_rows", SLUICE_INTEGER, "rows at the top that stay"),
	{0},
};
static const struct sluice_model models[] = {
	{.name = "SheetRow", .fields = row, .description = "a row that is not empty"},
	{.name = "SheetMetadata", .fields = sheet, .description = "a sheet of the spreadsheet"},
	{0},
};

static const struct sluice_option options[] = {
	{.name = "spreadsheet_id", .type = SLUICE_STRING, .flags = SLUICE_REQUIRED,
	 .help = "from its address: https://docs.google.com/spreadsheets/d/ID/edit"},
	{.name = "ranges", .type = SLUICE_ARRAY,
	 .help = "what is read, [\"Sheet1\", \"Prices!A1:D\"]: sheets, parts, named ranges; not given: each sheet"},
	{.name = "key_column", .type = SLUICE_STRING,
	 .help = "name of the column by which a row is known wherever it stands; not given: its number"},
	{.name = "header", .type = SLUICE_BOOLEAN, .fallback = "true",
	 .help = "the first row of a range names its columns; no: A, B, C"},
	{.name = "values", .type = SLUICE_STRING, .fallback = "formatted",
	 .help = "formatted: as people see them, \"$20.50\"; raw: numbers as numbers, dates as days since 1899-12-30"},
	{.name = "rows_per_request", .type = SLUICE_INTEGER, .fallback = "5000",
	 .help = "longer ranges are asked for in blocks; page_size of the sync goes before it"},
	{0},
};

static const struct sluice_sync syncs[] = {
	{.name = "sheet-rows", .model = "SheetRow", .kind = SLUICE_FULL, .flags = SLUICE_TRACK_DELETES,
	 .every = "every 5 minutes",
	 .endpoint = "GET /v4/spreadsheets/*/values:batchGet",
	 .description = "rows of the chosen ranges", .fetch = fetch_rows},
	{.name = "sheet-metadata", .model = "SheetMetadata", .kind = SLUICE_FULL, .flags = SLUICE_TRACK_DELETES,
	 .every = "every hour",
	 .endpoint = "GET /v4/spreadsheets/*", .description = "what sheets there are", .fetch = fetch_sheets},
	{0},
};

static const char *const scopes[] = {"https://www.googleapis.com/auth/spreadsheets.readonly", NULL};
static const struct sluice_oauth oauth = {
	.token_url = "https://oauth2.googleapis.com/token",
	.authorize_url = "https://accounts.google.com/o/oauth2/v2/auth",
	.authorize_params = "access_type=offline&prompt=consent",
	.scopes = scopes,
};
/* Reads of one user in a project; Google's 429 does not say how long to wait. */
static const struct sluice_rate limits = {.requests = 60, .per_ms = 60000};

SLUICE_EXPORT const struct sluice_connector sluice_connector = {
	SLUICE_ABI,
	.name = "google-sheets",
	.version = "1.0.0",
	.description = "Rows and sheets of a spreadsheet",
	.base_url = "https://sheets.googleapis.com",
	.auth = SLUICE_OAUTH2,
	.oauth = &oauth,
	.scopes = scopes,
	.rate = &limits,
	.options = options,
	.models = models,
	.syncs = syncs,
	.check = check,
};
