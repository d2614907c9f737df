/* page.c - the dashboard: its files stand in the program, so that there is nothing to install beside it and nothing to lack.
 *
 *   /              index.html
 *   /page/NAME     what it loads: scripts, style, icon
 *
 * Open to everybody, for there is nothing of anybody in them: the key is asked for by the page and shown to the API alone.
 * Guarantee: a browser runs nothing but these files. The policy allows no inline script, no other host and no frame, and says
 * so with each of them.
 *
 * Awkward: the files come in by .incbin, of which the compiler knows nothing; the Makefile names them for this object. */
#include <inttypes.h>
#include <string.h>
#define XXH_INLINE_ALL
#include <xxhash.h>
#include "api/page.h"

/* name in C, file, type */
#define SCRIPT(X, name, file) X(name, file, "text/javascript; charset=utf-8")
#define PAGE_FILES(X) \
	X(index, "index.html", "text/html; charset=utf-8") \
	X(style, "style.css", "text/css; charset=utf-8") \
	X(icon, "icon.svg", "image/svg+xml") \
	SCRIPT(X, alerts, "alerts.js") \
	SCRIPT(X, api, "api.js") \
	SCRIPT(X, app, "app.js") \
	SCRIPT(X, badge, "badge.js") \
	SCRIPT(X, connections, "connections.js") \
	SCRIPT(X, control, "control.js") \
	SCRIPT(X, deliveries, "deliveries.js") \
	SCRIPT(X, dialog, "dialog.js") \
	SCRIPT(X, dom, "dom.js") \
	SCRIPT(X, filter, "filter.js") \
	SCRIPT(X, format, "format.js") \
	SCRIPT(X, held, "held.js") \
	SCRIPT(X, history, "history.js") \
	SCRIPT(X, json, "json.js") \
	SCRIPT(X, key, "key.js") \
	SCRIPT(X, letters, "letters.js") \
	SCRIPT(X, limits, "limits.js") \
	SCRIPT(X, login, "login.js") \
	SCRIPT(X, progress, "progress.js") \
	SCRIPT(X, records, "records.js") \
	SCRIPT(X, route, "route.js") \
	SCRIPT(X, run, "run.js") \
	SCRIPT(X, runs, "runs.js") \
	SCRIPT(X, settings, "settings.js") \
	SCRIPT(X, stream, "stream.js") \
	SCRIPT(X, sync_row, "sync-row.js") \
	SCRIPT(X, sync, "sync.js") \
	SCRIPT(X, syncs, "syncs.js") \
	SCRIPT(X, table, "table.js") \
	SCRIPT(X, theme, "theme.js") \
	SCRIPT(X, waits, "waits.js")

#define EMBED(name, file, type) \
	__asm__(".pushsection .rodata\n" \
	        "page_" #name "_begin:\n" \
	        ".incbin \"core/api/page/" file "\"\n" \
	        "page_" #name "_end:\n" \
	        ".popsection\n"); \
	extern const char page_##name##_begin[], page_##name##_end[];
PAGE_FILES(EMBED)

#define ROW(name, file, type) {file, type, page_##name##_begin, page_##name##_end},
static const struct page_file {
	const char *name, *type;
	const char *begin, *end;
} page_files[] = {PAGE_FILES(ROW)};

#define POLICY \
	"default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; base-uri 'none'; " \
	"form-action 'none'; frame-ancestors 'none'"

static const struct page_file *
file_find(const char *name)
{
	for (size_t i = 0; i < sizeof page_files / sizeof *page_files; i++)
		if (strcmp(page_files[i].name, name) == 0)
			return &page_files[i];
	return NULL;
}

/* A browser that has these very bytes is told to keep them: a new program is a new page at once, and nothing is sent twice. */
static void
file_answer(struct http_call *c, const struct page_file *f)
{
	struct slice bytes = slice_of(f->begin, (size_t)(f->end - f->begin));
	const char *have = http_header(c, "If-None-Match");
	char tag[24];

	snprintf(tag, sizeof tag, "\"%016" PRIx64 "\"", (uint64_t)XXH3_64bits(bytes.p, bytes.len));
	http_answer_header(c, "ETag", tag);
	http_answer_header(c, "Cache-Control", "no-cache");
	http_answer_header(c, "Content-Security-Policy", POLICY);
	http_answer_header(c, "Referrer-Policy", "no-referrer");
	if (have && strstr(have, tag))
		http_reply_bytes(c, 304, f->type, (struct slice){0});
	else
		http_reply_bytes(c, 200, f->type, bytes);
}

static void
index_get(struct http_call *c, void *arg)
{
	(void)arg;
	file_answer(c, file_find("index.html"));
}

static void
file_get(struct http_call *c, void *arg)
{
	const char *name = http_param(c, "file");
	const struct page_file *f = name ? file_find(name) : NULL;

	(void)arg;
	if (f)
		file_answer(c, f);
	else
		http_fail(c, 404, "not_found", "the dashboard has no such file");
}

/* ---- whose key it is ---- */

static const struct {
	unsigned right;
	const char *name;
} rights[] = {{RIGHT_READ, "read"}, {RIGHT_TRIGGER, "trigger"}, {RIGHT_WRITE, "write"}, {RIGHT_ADMIN, "admin"}};

static void
key_get(struct http_call *c, void *arg)
{
	struct buf json = {0};
	struct json_out o = json_out(&json);

	(void)arg;
	json_open(&o, '{');
	json_kv_str(&o, "name", http_key_name(c));
	json_key(&o, "rights");
	json_open(&o, '[');
	for (size_t i = 0; i < sizeof rights / sizeof *rights; i++)
		if (http_rights(c) & rights[i].right)
			json_put_str(&o, rights[i].name);
	json_close(&o, ']');
	json_kv_str(&o, "version", SLUICE_VERSION);
	json_close(&o, '}');
	http_reply(c, 200, buf_view(&json));
	buf_free(&json);
}

static const struct http_param file_params[] = {
	{.name = "file", .place = IN_PATH, .type = HTTP_NAME, .required = true, .help = "of the dashboard"}, {0}};
static const struct http_field key_fields[] = {
	{.name = "name", .type = HTTP_TEXT, .required = true, .nullable = true, .help = "as the configuration calls it"},
	{.name = "rights", .type = HTTP_ARRAY, .required = true, .texts = true, .help = "of read, trigger, write, admin"},
	{.name = "version", .type = HTTP_TEXT, .required = true, .help = "of the host"},
	{0},
};
static const struct http_schema key_schema = {.name = "Key", .fields = key_fields};
static const struct http_answer key_answers[] = {{.status = 200, .schema = &key_schema}, {0}};

const struct http_route page_routes[] = {
	{.method = "GET", .path = "/", .name = "dashboard", .hidden = true, .loose = true, .handle = index_get},
	{.method = "GET", .path = "/page/{file}", .name = "dashboardFile", .hidden = true, .loose = true, .params = file_params,
	 .handle = file_get},
	{.method = "GET", .path = "/api/v1/key", .name = "getKey", .tag = "Host",
	 .rights = RIGHT_READ | RIGHT_TRIGGER | RIGHT_WRITE | RIGHT_ADMIN,
	 .summary = "Whose key this is, and what it may do", .answers = key_answers, .handle = key_get},
	{0},
};
