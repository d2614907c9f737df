/* query.c - from a [dataset] section to a GraphQL request and its paging.
 *
 * How pages are asked for stands in the query itself: a variable called $after or $cursor takes the cursor, $offset or
 * $skip the offset, $first or $limit the size. Where the list is stands in the answer, unless the section says it: a
 * connection (pageInfo beside edges or nodes), or the only list that there is.
 *
 * Awkward: a query is text of another language, and is not parsed here: its definitions are told apart by their braces,
 * so that nothing but one query is ever sent, and the variables that its first parentheses declare are looked for. */
#include "graphql.h"
#include <stdlib.h>
#include "../common/headers.h"

/* ---- the text of a query: definitions, https://spec.graphql.org/October2021/#sec-Document ---- */

/* Behind the comment or string that begins at p; p where none does. */
static const char *
opaque_end(const char *p)
{
	const char *end;

	if (*p == '#')
		return p + strcspn(p, "\n");
	if (!strncmp(p, "\"\"\"", 3))
		return (end = strstr(p + 3, "\"\"\"")) != NULL ? end + 3 : p + strlen(p);
	if (*p != '"')
		return p;
	for (p++; *p && *p != '"'; p++)
		p += *p == '\\' && p[1];
	return p + (*p == '"');
}

/* The next definition from p on; at its first letter or brace. */
static const char *
definition_begin(const char *p)
{
	for (p += strspn(p, " \t\r\n,"); *p == '#'; p += strspn(p, " \t\r\n,"))
		p = opaque_end(p);
	return p;
}

/* Behind the braces of the definition that p is in. Others stand in its parentheses: values of variables. */
static const char *
definition_end(const char *p)
{
	for (int depth = 0; *p;) {
		const char *behind = opaque_end(p);
		if (behind == p && strchr("{[(", *p))
			depth++;
		else if (behind == p && strchr("}])", *p) && --depth == 0 && *p == '}')
			return p + 1;
		p = behind > p ? behind : p + 1;
	}
	return p;
}

static int
begins_with(const char *text, const char *word)
{
	const size_t n = strlen(word);

	return !strncmp(text, word, n) && (!text[n] || strchr(" \t\r\n,({@#\"", text[n]));
}

/* What is asked for: the first definition that is no fragment; "" none. */
static const char *
operation_of(const char *text)
{
	const char *p = definition_begin(text);

	while (begins_with(p, "fragment"))
		p = definition_begin(definition_end(p));
	return p;
}

/* Does the query declare $name? */
static int
declares(const char *text, const char *name)
{
	const size_t n = strlen(name);
	const char *p = operation_of(text), *end;

	while (*p && *p != '{' && *p != '(')
		p += *p == '#' ? strcspn(p, "\n") : 1;
	if (*p != '(')
		return 0;
	for (end = strchr(p, ')'); end && (p = strchr(p, '$')) != NULL && p < end; p++)
		if (!strncmp(p + 1, name, n) && strchr(" \t\n\r:,", p[1 + n]))
			return 1;
	return 0;
}

/* The first of these that is declared, as a path in the body; NULL: none. */
static const char *
declared(struct sluice_run *run, const char *text, const char *const *names)
{
	for (; *names; names++)
		if (declares(text, *names))
			return sluice_format(run, "variables.%s", *names);
	return NULL;
}

static const struct {
	int kind;
	const char *names[5];
} pagings[] = {
        {SLUICE_CURSOR, {"after", "cursor", "afterCursor", "nextCursor", NULL}},
        {SLUICE_OFFSET, {"offset", "skip", NULL}},
        {SLUICE_PAGE, {"page", "pageNumber", NULL}},
};
static const char *const sizes[] = {"first", "limit", "pageSize", "perPage", "take", NULL};

static void
paging_find(struct sluice_run *run, struct query *q)
{
	for (size_t i = 0; i < sizeof(pagings) / sizeof(*pagings) && !q->cursor_variable; i++) {
		q->cursor_variable = declared(run, q->text, pagings[i].names);
		q->kind = q->cursor_variable ? pagings[i].kind : 0;
	}
	q->size_variable = declared(run, q->text, sizes);
}

/* ---- where the list is ---- */

static const char *
last_word(const char *path)
{
	const char *dot = strrchr(path, '.');

	return dot ? dot + 1 : path;
}

int
query_ends_in_list(const char *data)
{
	return !strcmp(last_word(data), "edges") || !strcmp(last_word(data), "nodes");
}

/* "companies.edges" -> "companies"; NULL: it does not end in a list of a connection. */
static const char *
connection_of(struct sluice_run *run, const char *data)
{
	const char *last = last_word(data);

	return query_ends_in_list(data) ? sluice_format(run, "%.*s", last > data ? (int)(last - data) - 1 : 0, data)
	                                : NULL;
}

int
query_place(struct sluice_run *run, struct query *q)
{
	const char *connection = connection_of(run, q->data);

	if (q->kind != SLUICE_CURSOR)
		return 0;
	if (!connection && !q->cursor)
		return sluice_fail(run, SLUICE_EDATA,
		                   "dataset %s: the list at data = %s is none of a connection (edges or nodes beside "
		                   "pageInfo), so it is "
		                   "not known where the next cursor is: say cursor = PATH, and has_next = PATH",
		                   q->name, q->data);
	connection =
	        sluice_format(run, "data.%s%s", connection ? connection : "", connection && *connection ? "." : "");
	if (!q->cursor && !q->has_next)
		q->has_next = sluice_format(run, "%spageInfo.hasNextPage", connection);
	if (!q->cursor)
		q->cursor = sluice_format(run, "%spageInfo.endCursor", connection);
	return 0;
}

struct found {
	const char *path[8]; /* of lists, below "data" */
	size_t n;
	const char *connection; /* of the first connection's list */
};

static void
lists_find(struct sluice_run *run, struct skim v, const char *path, int depth, struct found *f)
{
	struct skim_walk w = skim_walk(v);
	const int connects = skim_member(v, "pageInfo").p != NULL;

	while (w.object && depth < 5 && skim_next(&w)) {
		const char *at = sluice_format(run, "%s%s%.*s", path, *path ? "." : "", (int)w.key.len, w.key.p);
		if (skim_kind(w.value) == '{')
			lists_find(run, w.value, at, depth + 1, f);
		if (skim_kind(w.value) != '[')
			continue;
		if (f->n < 8)
			f->path[f->n++] = at;
		if (!f->connection && connects && (skim_is(w.key, "edges") || skim_is(w.key, "nodes")))
			f->connection = at;
	}
}

int
query_see(struct sluice_run *run, struct query *q, struct skim answer)
{
	const struct skim data = skim_get(answer, "data"), at = q->data && *q->data ? skim_get(data, q->data) : data;
	const char *prefix = q->data ? q->data : "";
	struct found f = {.n = 0};

	if (skim_kind(at) == '[')
		return 0;
	if (!at.p || skim_kind(at) != '{')
		return sluice_fail(run, SLUICE_EDATA, "dataset %s: in the answer's data, data = %s", q->name,
		                   skim_missing(run, data, prefix));
	lists_find(run, at, prefix, 0, &f);
	if (!f.connection && f.n != 1)
		return sluice_fail(run, SLUICE_EDATA,
		                   "dataset %s: in the answer's data %s; say which is the list of records, for example "
		                   "data = %s",
		                   q->name, f.n ? "stand several lists" : skim_missing(run, data, prefix),
		                   f.n ? f.path[0] : "companies.nodes");
	q->data = f.connection ? f.connection : f.path[0];
	return 0;
}

/* ---- the section ---- */

static const char *
option(struct sluice_run *run, struct skim options, const char *name)
{
	return skim_text(run, skim_get(options, name));
}

static void
variables_read(struct query *q, struct skim options)
{
	const struct skim v = skim_get(options, "variables");

	q->variables = v.p ? sluice_json_parse(v.p, v.len) : NULL;
	q->variables = q->variables ? q->variables : cJSON_CreateObject();
}

static int
since_read(struct sluice_run *run, struct query *q, const char *text)
{
	const char *blank = text ? strchr(text, ' ') : NULL;

	if (!text)
		return 0;
	q->since = blank ? sluice_format(run, "%.*s", (int)(blank - text), text) : text;
	q->since_path = blank ? blank + strspn(blank, " ") : NULL;
	if (*q->since == '$')
		q->since++;
	if (declares(q->text, q->since))
		return 0;
	return sluice_fail(
	        run, SLUICE_EFAILED,
	        "dataset %s: since = %s: the query declares no variable $%s; declare it, as in query($%s: DateTime, "
	        "$after: String) { ... }",
	        q->name, text, q->since, q->since);
}

/* Paths in an answer begin with data, which nobody writes. */
static const char *
answer_path(struct sluice_run *run, struct skim options, const char *name)
{
	const char *path = option(run, options, name);

	return path ? sluice_format(run, "%s%s", strncmp(path, "data.", 5) ? "data." : "", path) : NULL;
}

/* Nothing is sent that does not only read. Which one of several operations is meant would have to be said besides. */
static int
text_fault(struct sluice_run *run, const struct query *q, const char *option, const char *text)
{
	const char *p = operation_of(text), *first = p;

	if (!strchr(p, '{'))
		return sluice_fail(
		        run, SLUICE_EFAILED,
		        "dataset %s: %s: '%.60s' is no GraphQL: no brace in it; a file's text is taken by %s = "
		        "file:/path/to/it",
		        q->name, option, text + strspn(text, " \t\r\n"), option);
	for (; *p; p = operation_of(definition_end(p))) {
		if (begins_with(p, "mutation") || begins_with(p, "subscription"))
			return sluice_fail(run, SLUICE_EFAILED, "dataset %s: %s: a sync only reads, and this is a %s",
			                   q->name, option, *p == 'm' ? "mutation" : "subscription");
		if (p != first)
			return sluice_fail(run, SLUICE_EFAILED,
			                   "dataset %s: %s: two operations, and one is asked for: leave the one at "
			                   "'%.40s' out",
			                   q->name, option, p);
	}
	return 0;
}

static int
query_fault(struct sluice_run *run, const struct query *q)
{
	if (text_fault(run, q, "query", q->text) ||
	    (q->nested_query && text_fault(run, q, "nested_query", q->nested_query)))
		return sluice_status(run);
	if ((q->cursor != NULL || q->has_next != NULL) && q->kind != SLUICE_CURSOR)
		return sluice_fail(
		        run, SLUICE_EFAILED,
		        "dataset %s: cursor and has_next are set, but the query declares no variable that takes a "
		        "cursor: declare $after, as in query($first: Int, $after: String) { ... }",
		        q->name);
	if (q->nested && (!q->nested_query || !q->nested_data))
		return sluice_fail(
		        run, SLUICE_EFAILED,
		        "dataset %s: nested = %s: say how its next pages are asked for too: nested_query, with $id "
		        "and $after, and nested_data, where its answer has the connection",
		        q->name, q->nested);
	return 0;
}

int
query_load(struct sluice_run *run, struct query *q, const char *name, struct skim options)
{
	const char *data = option(run, options, "data"), *size = option(run, options, "page_size"),
	           *partial = option(run, options, "partial");

	*q = (struct query){.name = name,
	                    .path = option(run, options, "path"),
	                    .text = option(run, options, "query"),
	                    .id = option(run, options, "id"),
	                    .data = data && !strncmp(data, "data.", 5) ? data + 5 : data,
	                    .has_next = answer_path(run, options, "has_next"),
	                    .cursor = answer_path(run, options, "cursor"),
	                    .total = answer_path(run, options, "total"),
	                    .nested = option(run, options, "nested"),
	                    .nested_query = option(run, options, "nested_query"),
	                    .nested_data = option(run, options, "nested_data"),
	                    .page_size = size ? atoi(size) : 100};
	q->key = strchr(q->id, '.') ? "id" : q->id;
	variables_read(q, options);
	paging_find(run, q);
	if (partial && strcmp(partial, "keep") && strcmp(partial, "fail"))
		return sluice_fail(run, SLUICE_EFAILED, "dataset %s: partial = %s: say keep or fail", name, partial);
	q->strict = partial && !strcmp(partial, "fail");
	if (q->page_size < 1)
		return sluice_fail(run, SLUICE_EFAILED, "dataset %s: page_size is a number of records from 1 on", name);
	if (headers_read(run, name, skim_get(options, "headers"), q->headers, sizeof(q->headers) / sizeof(*q->headers) - 1) ||
	    query_fault(run, q) || since_read(run, q, option(run, options, "since")))
		return sluice_status(run);
	return 0;
}

void
query_finish(struct query *q)
{
	cJSON_Delete(q->variables);
	q->variables = NULL;
}

const char *
query_body(struct sluice_run *run, const char *text, const cJSON *variables, const struct sluice_pair *more)
{
	cJSON *body = cJSON_CreateObject(), *own = variables ? cJSON_Duplicate(variables, 1) : cJSON_CreateObject();
	const char *out;

	cJSON_AddStringToObject(body, "query", text);
	for (; more && more->name; more++)
		if (more->value) { /* JSON text */
			cJSON_DeleteItemFromObjectCaseSensitive(own, more->name);
			cJSON_AddRawToObject(own, more->name, more->value);
		}
	cJSON_AddItemToObject(body, "variables", own);
	out = sluice_json_print(run, body);
	cJSON_Delete(body);
	return out;
}
