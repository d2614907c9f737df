/* http_rights.c - the table of rights, walked: every route of the program, hidden ones too, asked by nobody, by what is no key, by
 * a wrong key and by one of each scope.
 *
 * What a key may do is written here a second time, as an operator expects it: a row of the tables that says something else
 * fails, and so does a new row until somebody has thought of it here. Who is let in asks for things that are not there; who is
 * refused asks for things that are, and nothing of them may be changed afterwards. */
#define TAP_NO_MAIN
#include "../tap.h"
#include "api/routes.h"
#include "readers.h"

/* ---- what is expected ---- */

static const char *const open_to_all[] = {"dashboard", "dashboardFile", "health", "ready", "getDocument", "receiveEvent", "receiveAccountEvent"};
static const char *const for_cron[] = {"listConnectors", "syncConnectors", "listConnectorHistory", "testConnector", "getKey"};
static const char *const admins[] = {"addConnection", "removeConnection", "dropDelivery", "dropEvents", "reload", "verify", "backup",
                                     "prune", "purgeDeadLetters"};
/* Asks, and changes nothing that is the host's, but shows or does what a reader shall not: an action's result, a provider's page. */
static const char *const writes_by_get[] = {"getAsyncActionResult", "proxy", "proxyRoot"};

#define IN(list, name) name_in(list, sizeof(list) / sizeof *(list), name)

static bool
name_in(const char *const *list, size_t n, const char *name)
{
	for (size_t i = 0; i < n && list[i]; i++)
		if (strcmp(list[i], name) == 0)
			return true;
	return false;
}

/* Which keys open it: as bits of enum http_right, where a key of scope write reads and triggers too. */
static unsigned
expected(const struct http_route *r)
{
	bool asks = !strcmp(r->method, "GET");
	unsigned cron = IN(for_cron, r->name) ? RIGHT_TRIGGER : 0;

	if (IN(open_to_all, r->name))
		return 0;
	if (IN(admins, r->name))
		return RIGHT_ADMIN;
	return (asks && !IN(writes_by_get, r->name) ? RIGHT_READ : RIGHT_WRITE) | cron;
}

/* ---- who asks ---- */

static const struct asker {
	const char *who, *header; /* NULL: none */
	int status;               /* of a route that needs a key; 0: by its rights */
	const char *code;
	unsigned rights;
} askers[] = {
	{"nobody", NULL, 401, "missing_auth_header", 0},
	{"an empty header", "Authorization;", 401, "malformed_auth_header", 0},
	{"another scheme", "Authorization: Basic YTpi", 401, "malformed_auth_header", 0},
	{"a wrong key", "Authorization: Bearer reader-key-00000000000000000000000002", 401, "unknown_account", 0},
	{"a reader", "Authorization: Bearer reader-key-00000000000000000000000001", 0, "forbidden", RIGHT_READ},
	{"a cron job", "Authorization: Bearer cron-key-0000000000000000000000000001", 0, "forbidden", RIGHT_TRIGGER},
	{"an application", "Authorization: Bearer write-key-000000000000000000000000001", 0, "forbidden",
	 RIGHT_READ | RIGHT_TRIGGER | RIGHT_WRITE},
	{"an operator", "Authorization: Bearer " KEY, 0, "forbidden", RIGHT_READ | RIGHT_TRIGGER | RIGHT_WRITE | RIGHT_ADMIN},
};

static void
keys_write(struct served *s)
{
	char *path = xasprintf("%s/sluice.ini", s->st.dir);
	FILE *f = fopen(path, "ae");

	fputs("[key reader]\nvalue = reader-key-00000000000000000000000001\nscope = read\n"
	      "[key cron]\nvalue = cron-key-0000000000000000000000000001\nscope = trigger\n"
	      "[webhook hook]\nurl = http://127.0.0.1:9/\nsecret = hook-secret-000000000000\n"
	      "[key app]\nvalue = write-key-000000000000000000000000001\nscope = write\n", f);
	fclose(f);
	free(path);
	served_end(s, SIGTERM);
	served_start(s);
}

/* ---- what is asked ---- */

static const struct { const char *name, *there; } things[] = {
	{"connection", "c0"}, {"integration", "bench"}, {"sync", "pass"}, {"name", "pass"}, {"model", "Pass"}, {"id", "c0"},
	{"run", "1"}, {"number", "1"}, {"key", "bench"}, {"provider", "bench"}, {"endpoint", "hook"}, {"file", "index.html"},
	{"path", "plain"}, {"variant", "base"}, {"event", "1"}, {"rest", "x"},
};

/* The row's path with its holes filled: with what is there, or with what nobody has. */
static void
path_fill(const char *row, bool there, struct buf *out)
{
	buf_clear(out);
	while (*row) {
		size_t plain = strcspn(row, "{"), name;

		buf_put(out, row, plain);
		row += plain;
		if (!*row)
			return;
		name = strcspn(++row, "*}");
		for (size_t i = 0; there && i < sizeof things / sizeof *things; i++)
			if (strlen(things[i].name) == name && !strncmp(row, things[i].name, name))
				buf_puts(out, things[i].there);
		if (!out->len || out->p[out->len - 1] == '/')
			buf_puts(out, there ? "1" : "999999");
		row = strchr(row, '}') + 1;
	}
}

static long
route_ask(CURL *c, const struct served *s, const struct http_route *r, const struct asker *a, struct buf *path, struct buf *out)
{
	char *url = xasprintf("%s%s", s->base, buf_str(path));
	struct curl_slist *head = curl_slist_append(NULL, "Content-Type: application/json");
	bool asks = !strcmp(r->method, "GET");
	long status = 0;

	head = a->header ? curl_slist_append(head, a->header) : head;
	head = curl_slist_append(head, "Provider-Config-Key: nothing");
	head = curl_slist_append(head, "Connection-Id: nobody");
	buf_clear(out);
	curl_easy_reset(c);
	curl_easy_setopt(c, CURLOPT_URL, url);
	curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(c, CURLOPT_PROXY, "");
	curl_easy_setopt(c, CURLOPT_HTTPHEADER, head);
	curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, bytes_take);
	curl_easy_setopt(c, CURLOPT_WRITEDATA, out);
	curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, strstr(r->path, "/stream") || strstr(r->path, "/live") ? 300L : 30000L);
	if (!asks) {
		curl_easy_setopt(c, CURLOPT_POSTFIELDS, "{}");
		curl_easy_setopt(c, CURLOPT_CUSTOMREQUEST, *r->method == '*' ? "PUT" : r->method);
	}
	curl_easy_perform(c);
	curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, &status);
	curl_slist_free_all(head);
	free(url);
	return status;
}

/* An error's code; "": there is none. */
static const char *
code_of(const struct buf *body, char code[64])
{
	struct slice value;
	char *text = json_check(buf_view(body), 0, NULL) && json_path(buf_view(body), "error.code", &value) ? json_text(value) : NULL;

	snprintf(code, 64, "%s", text ? text : "");
	free(text);
	return code;
}

static bool
refused_well(const struct asker *a, long status, const char *code)
{
	return a->status ? status == a->status && !strcmp(code, a->code) : status == 403 && !strcmp(code, "forbidden");
}

/* 5xx is an answer to nobody, but for 501 and 503 with words of their own. */
static bool
let_in_well(long status, const char *code)
{
	return status && status != 401 && status != 403 && (status < 500 || !strcmp(code, "not_supported") || !strcmp(code, "not_ready"));
}

static void
route_walk(CURL *c, const struct served *s, const struct http_route *r)
{
	unsigned right = expected(r);
	struct buf path = {0}, body = {0};
	char code[64];

	for (size_t i = 0; i < sizeof askers / sizeof *askers; i++) {
		const struct asker *a = &askers[i];
		bool open = !right || a->rights & right;
		long status;

		path_fill(r->path, !open, &path);
		status = route_ask(c, s, r, a, &path, &body);
		code_of(&body, code);
		if (open ? let_in_well(status, code) || !right : refused_well(a, status, code))
			continue;
		printf("# %s %s (%s) for %s: %ld %s\n", r->method, buf_str(&path), r->name, a->who, status, code);
		tap_bad++;
	}
	CHECK(!memmem(body.p ? body.p : "", body.len, KEY, strlen(KEY)));
	buf_free(&path);
	buf_free(&body);
}

/* All that a reader sees and that a request could have changed. */
static void
state_take(CURL *c, const struct served *s, struct buf *state)
{
	static const char *const pages[] = {
		"/api/v1/connections", "/api/v1/connections/c0/bench/metadata", "/api/v1/runs", "/api/v1/datasets", "/api/v1/dead-letters",
		"/api/v1/held", "/api/v1/alerts", "/api/v1/syncs/c0/bench/pass/checkpoint", "/connections",
	};
	struct buf page = {0};

	for (size_t i = 0; i < sizeof pages / sizeof *pages; i++) {
		CHECK_INT(client_ask(c, s, pages[i], NULL, &page), 200);
		buf_slice(state, buf_view(&page));
	}
	buf_free(&page);
}

TEST("every route asks for the right that an operator expects, and who lacks it changes nothing")
{
	struct buf before = {0}, after = {0};
	struct served s = {0};
	CURL *operator, *c;
	size_t n = 0;

	served_init(&s, 200);
	CHECK(served_sync(&s));
	keys_write(&s);
	operator = client_new();
	c = curl_easy_init();
	state_take(operator, &s, &before);
	for (const struct http_route *const *table = api_routes; *table; table++)
		for (const struct http_route *r = *table; r->method; r++, n++)
			route_walk(c, &s, r);
	CHECK(n > 100);
	state_take(operator, &s, &after);
	CHECK_STR(buf_str(&after), buf_str(&before));
	curl_easy_cleanup(c);
	curl_easy_cleanup(operator);
	served_finish(&s);
	buf_free(&before);
	buf_free(&after);
}

static const char *const secrets[] = {"xoxb-1234567890", KEY, "reader-key-000", "cron-key-000", "write-key-000", "hook-secret-0000"};

TEST("whatever is asked for that is there, no answer but an admin's holds a credential or a key")
{
	struct buf path = {0}, body = {0};
	struct served s = {0};
	int told = 0; /* answers of 200: things were there to be told */
	CURL *c;

	served_init(&s, 50);
	CHECK(served_sync(&s));
	keys_write(&s);
	c = curl_easy_init();
	for (const struct http_route *const *table = api_routes; *table; table++)
		for (const struct http_route *r = *table; r->method; r++)
			for (size_t i = 4; i < 7 && !strcmp(r->method, "GET"); i++) {
				path_fill(r->path, true, &path);
				if (strstr(r->path, "/connections/{id"))
					buf_puts(&path, "?provider_config_key=bench");
				told += route_ask(c, &s, r, &askers[i], &path, &body) == 200;
				for (size_t k = 0; k < sizeof secrets / sizeof *secrets; k++)
					if (body.len && memmem(body.p, body.len, secrets[k], strlen(secrets[k]))) {
						printf("# %s tells %s %s\n", buf_str(&path), askers[i].who, secrets[k]);
						tap_bad++;
					}
			}
	CHECK(told > 100);
	curl_easy_cleanup(c);
	served_finish(&s);
	buf_free(&path);
	buf_free(&body);
}

int
main(int argc, char **argv)
{
	curl_global_init(CURL_GLOBAL_DEFAULT);
	return tap_main(argc, argv);
}
