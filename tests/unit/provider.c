/* provider.c - the scripted provider keeps its word: what the other tests conclude from it is only as good as this.
 *
 * Each case starts the real program on a free port and speaks to it through a plain socket, so that framing is seen as
 * it is on the wire. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zlib.h>
#include "../tap.h"
#include "base/buf.h"
#include "base/json.h"
#include "base/mem.h"

extern char **environ;

/* ---- the program ---- */

struct provider {
	pid_t pid;
	int port;
	FILE *out;
};

static char *
provider_path(void)
{
	char self[4096];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	self[n > 0 ? n : 0] = 0;
	for (int i = 0; i < 3; i++) /* build/tests/unit/provider */
		*strrchr(self, '/') = 0;
	return xasprintf("%s/sluice-provider", self);
}

/* Arguments in one text, separated by blanks. */
static struct provider
provider_start(const char *arguments)
{
	struct provider v = {0};
	char *path = provider_path(), *copy = xstrdup(arguments), *argv[24] = {path}, line[128] = "";
	int pipe_fd[2], n = 1;
	posix_spawn_file_actions_t actions;

	argv[n++] = xstrdup("--exit-with-parent");
	argv[n++] = xstrdup("--lifetime=2m");
	for (char *p = strtok(copy, " "); p && n < 23; p = strtok(NULL, " "))
		argv[n++] = p;
	REQUIRE(pipe2(pipe_fd, O_CLOEXEC) == 0);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, pipe_fd[1], 1);
	REQUIRE(posix_spawn(&v.pid, path, &actions, NULL, argv, environ) == 0);
	posix_spawn_file_actions_destroy(&actions);
	close(pipe_fd[1]);
	v.out = fdopen(pipe_fd[0], "r");
	if (fgets(line, sizeof(line), v.out))
		v.port = atoi(strrchr(line, ':') + 1);
	free(argv[1]);
	free(argv[2]);
	free(copy);
	free(path);
	return v;
}

static int
provider_stop(struct provider *v)
{
	int status = -1;

	kill(v->pid, SIGTERM);
	waitpid(v->pid, &status, 0);
	fclose(v->out);
	return status;
}

/* ---- a client ---- */

struct answer {
	struct buf bytes; /* all that came, NUL-terminated */
	size_t body;      /* where the body begins */
	int status;
	bool reset; /* the connection was reset, not ended */
	int reads;  /* in so many pieces */
};

static int
client_open(int port)
{
	struct sockaddr_in addr = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &(struct timeval){10, 0}, sizeof(struct timeval));
	REQUIRE(connect(fd, (struct sockaddr *)&addr, sizeof(addr)) == 0);
	return fd;
}

static struct answer
client_read(int fd)
{
	struct answer a = {0};
	ssize_t n;

	for (;; a.reads++) {
		buf_reserve(&a.bytes, 65536);
		n = recv(fd, a.bytes.p + a.bytes.len, 65536, 0);
		if (n <= 0)
			break;
		a.bytes.len += (size_t)n;
	}
	a.reset = n < 0 && errno == ECONNRESET;
	close(fd);
	const char *text = buf_str(&a.bytes), *end = strstr(text, "\r\n\r\n");
	a.body = end ? (size_t)(end - text) + 4 : 0;
	a.status = end ? atoi(text + 9) : 0;
	return a;
}

static struct answer
ask(const struct provider *v, const char *method, const char *target, const char *headers, const char *body)
{
	int fd = client_open(v->port);
	char *text = xasprintf(
	        "%s %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nConnection: close\r\n%sContent-Length: %zu\r\n\r\n%s", method,
	        target, v->port, headers, strlen(body), body);

	REQUIRE(send(fd, text, strlen(text), MSG_NOSIGNAL) == (ssize_t)strlen(text));
	free(text);
	return client_read(fd);
}

#define KEY "Authorization: Bearer sk_test_1\r\n"
#define BOT "Authorization: Bearer xoxb-1\r\n"
#define BASIC "Authorization: Basic YXBpX3Rlc3Q6\r\n" /* api_test: */

static struct answer
get(const struct provider *v, const char *target)
{
	return ask(v, "GET", target, strstr(target, "/slack/") ? BOT : strstr(target, "/close/") ? BASIC : KEY, "");
}

static void
answer_free(struct answer *a)
{
	buf_free(&a->bytes);
}

static struct slice
body_of(const struct answer *a)
{
	return slice_of(a->bytes.p + a->body, a->bytes.len - a->body);
}

static void
control(const struct provider *v, const char *verb, const char *body)
{
	char *target = xasprintf("/_control/%s", verb);
	struct answer a = ask(v, "POST", target, "", body);

	CHECK_INT(a.status, 200);
	answer_free(&a);
	free(target);
}

static int64_t
counted(const struct provider *v, const char *what)
{
	struct answer a = ask(v, "GET", "/_control/requests", "", "");
	struct slice found;
	int64_t n = -1;

	if (json_member(body_of(&a), what, &found))
		json_int(found, &n);
	answer_free(&a);
	return n;
}

static char *
text_at(const struct answer *a, const char *path)
{
	struct slice found;

	return json_check(body_of(a), 1000, NULL) && json_path(body_of(a), path, &found) ? json_text(found)
	                                                                                 : xstrdup("(none)");
}

#define CHECK_AT(a, path, want)                                                                                        \
	do {                                                                                                           \
		char *tap_text = text_at(a, path);                                                                     \
		CHECK_STR(tap_text, want);                                                                             \
		free(tap_text);                                                                                        \
	} while (0)

/* Appends "id=record\n" of every item of the page. */
static size_t
page_note(const struct answer *a, const char *path, struct buf *out)
{
	struct slice list = {0}, id;
	size_t n = 0;

	REQUIRE(json_check(body_of(a), 100, NULL) && json_path(body_of(a), path, &list));
	for (struct json_iter it = json_iter(list); json_next(&it); n++) {
		json_member(it.value, "id", &id);
		buf_slice(out, id);
		buf_putc(out, '=');
		buf_slice(out, it.value);
		buf_putc(out, '\n');
	}
	return n;
}

/* ---- pages ---- */

/* How to walk each list: the first target, what leads on, and where the next cursor stands. */
static const struct {
	const char *first, *items, *next, *then; /* then: printf format for the next target */
} walks[] = {
        {"/plain/cursor?limit=40", "items", "meta.next", "/plain/cursor?limit=40&after=%s"},
        {"/plain/last?limit=40", "items", "items.39.id", "/plain/last?limit=40&starting_after=%s"},
        {"/plain/linkbody?limit=40", "items", "next", NULL},
        {"/stripe/v1/charges?limit=40", "data", "data.39.id", "/stripe/v1/charges?limit=40&starting_after=%s"},
        {"/slack/api/users.list?limit=40", "members", "response_metadata.next_cursor",
         "/slack/users.list?limit=40&cursor=%s"},
};

static char *
walk_next(size_t k, const struct answer *a)
{
	char *cursor = text_at(a, walks[k].next), *target = NULL;

	if (strcmp(cursor, "null") && strcmp(cursor, "(none)") && *cursor) {
		struct buf b = {0};
		const char *mark = walks[k].then ? strstr(walks[k].then, "%s") : NULL;
		if (mark)
			buf_put(&b, walks[k].then, (size_t)(mark - walks[k].then));
		buf_puts(&b, mark ? cursor : strstr(cursor, "/plain"));
		target = buf_take(&b);
	}
	free(cursor);
	return target;
}

TEST("every way of paging shows each object once, the last page short")
{
	struct provider v = provider_start("--records 230");
	static const size_t sizes[] = {230, 230, 230, 115, 115};

	for (size_t k = 0; k < LENGTH(walks); k++) {
		struct buf seen = {0};
		size_t n = 0, pages = 0;
		for (char *target = xstrdup(walks[k].first), *next; target; target = next) {
			struct answer a = get(&v, target);
			n += page_note(&a, walks[k].items, &seen);
			next = ++pages < 20 ? walk_next(k, &a) : NULL;
			answer_free(&a);
			free(target);
		}
		CHECK_INT(n, sizes[k]);
		CHECK_INT(pages, (sizes[k] + 39) / 40);
		size_t distinct = 0; /* no line stands twice */
		for (char *save = NULL, *copy = buf_take(&seen), *l = copy; l; distinct++) {
			l = strtok_r(distinct ? NULL : copy, "\n", &save);
			if (l && save && *save)
				CHECK(!strstr(save, l));
			if (!l)
				free(copy);
		}
	}
	struct answer a = get(&v, "/plain/link?limit=100&page=3");
	CHECK(!strstr(a.bytes.p, "\r\nLink:"));
	answer_free(&a);
	a = get(&v, "/plain/link?limit=100&page=2");
	CHECK_HAS(a.bytes.p, "page=3>; rel=\"next\"");
	answer_free(&a);
	a = get(&v, "/plain/offset?limit=100&offset=200");
	CHECK_AT(&a, "total", "230");
	CHECK_AT(&a, "items.29.number", "229");
	answer_free(&a);
	a = ask(&v, "POST", "/plain/post", "", "{\"limit\":200,\"cursor\":\"p200\"}");
	CHECK_AT(&a, "cursor", "null");
	answer_free(&a);
	a = get(&v, "/plain/a/a1/b/a1-b0/c");
	CHECK_AT(&a, "items.4.id", "a1-b0-c4");
	CHECK_AT(&a, "items.5", "(none)");
	answer_free(&a);
	provider_stop(&v);
}

TEST("the same seed gives the same data, another seed other data")
{
	struct provider one = provider_start("--seed 7"), two = provider_start("--seed 7"),
	                other = provider_start("--seed 8");
	struct answer a = get(&one, "/stripe/v1/invoices?limit=100"), b = get(&two, "/stripe/v1/invoices?limit=100"),
	              c = get(&other, "/stripe/v1/invoices?limit=100");

	CHECK(a.bytes.len > 100000);
	CHECK(slice_eq(body_of(&a), body_of(&b)));
	CHECK(!slice_eq(body_of(&a), body_of(&c)));
	answer_free(&a);
	answer_free(&b);
	answer_free(&c);
	provider_stop(&one);
	provider_stop(&two);
	provider_stop(&other);
}

static bool
list_has(const struct answer *m, const char *list, struct slice id)
{
	struct slice found = {0};
	char *path = xasprintf("plain.records.%s", list);

	json_path(body_of(m), path, &found);
	free(path);
	for (struct json_iter it = json_iter(found); json_next(&it);)
		if (slice_eq(it.value, id))
			return true;
	return false;
}

TEST("a mutation names exactly what it changed, dropped and added")
{
	struct provider v = provider_start("--records 900");
	struct answer before = get(&v, "/plain/offset?limit=1000");
	struct answer m = ask(&v, "POST", "/_control/mutate?api=plain&change=2%25&drop=9&add=3", "", "");
	struct answer after = get(&v, "/plain/offset?limit=1000");
	struct buf old = {0}, new = {0};
	size_t changed = 0, dropped = 0;

	CHECK_INT(page_note(&before, "items", &old), 900);
	CHECK_INT(page_note(&after, "items", &new), 894);
	buf_str(&new);
	for (char *save = NULL, *line = strtok_r(old.p, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		struct slice id = slice_of(line, (size_t)(strchr(line, '=') - line));
		char *key = slice_dup(id), *now = strstr(new.p, key);
		bool same = now && strncmp(now, line, strlen(line)) == 0;
		CHECK_INT(list_has(&m, "dropped", id), now == NULL);
		CHECK_INT(list_has(&m, "changed", id), now && !same);
		dropped += now == NULL;
		changed += now && !same;
		free(key);
	}
	CHECK_INT(changed, 18);
	CHECK_INT(dropped, 9);
	CHECK_AT(&m, "round", "1");
	CHECK_AT(&m, "plain.records.added.3", "(none)");
	answer_free(&before);
	answer_free(&after);
	answer_free(&m);
	buf_free(&old);
	buf_free(&new);
	provider_stop(&v);
}

/* ---- the three APIs ---- */

TEST("Stripe: refused credentials and cursors are told apart")
{
	struct provider v = provider_start("--records 50");
	static const struct {
		const char *key;
		int status;
		const char *part;
	} keys[] = {
	        {"", 401, "You did not provide an API key"},
	        {"Authorization: Bearer sk_expired1\r\n", 401, "api_key_expired"},
	        {"Authorization: Bearer what\r\n", 401, "Invalid API Key"},
	        {"Authorization: Bearer rk_noscope\r\n", 403, "rak_customer_read"},
	        {"Authorization: Basic c2tfdGVzdF8xOg==\r\n", 200, "\"has_more\":true"},
	};

	for (size_t i = 0; i < LENGTH(keys); i++) {
		struct answer a = ask(&v, "GET", "/stripe/v1/customers", keys[i].key, "");
		CHECK_INT(a.status, keys[i].status);
		CHECK_HAS(a.bytes.p, keys[i].part);
		answer_free(&a);
	}
	struct answer a = get(&v, "/stripe/v1/customers?starting_after=cus_nope");
	CHECK_INT(a.status, 400);
	CHECK_AT(&a, "error.code", "resource_missing");
	answer_free(&a);
	a = get(&v, "/stripe/v1/customers?limit=100&created%5Bgte%5D=1672531260");
	CHECK_AT(&a, "data.4.created", "1672531260");
	CHECK_AT(&a, "data.5", "(none)");
	answer_free(&a);
	provider_stop(&v);
}

TEST("Close: what was changed is found by date_updated, and totals stand where they should")
{
	struct provider v = provider_start("--records 300");
	struct answer a = get(&v, "/close/api/v1/lead/?_limit=200&_skip=200");

	CHECK_AT(&a, "has_more", "false");
	CHECK_AT(&a, "total_results", "300");
	CHECK_AT(&a, "data.100", "(none)");
	answer_free(&a);
	control(&v, "mutate?api=close&kind=lead&change=4&drop=2&at=2026-02-01T00:00:00Z", "");
	a = get(&v, "/close/v1/lead/?date_updated__gte=2026-02-01&_order_by=-date_updated");
	CHECK_AT(&a, "total_results", "4");
	CHECK_AT(&a, "data.3.date_updated", "2026-02-01T00:00:00.000000+00:00");
	answer_free(&a);
	a = get(&v, "/close/api/v1/activity/?_limit=101");
	CHECK_INT(a.status, 400);
	answer_free(&a);
	a = get(&v, "/close/api/v1/contact/");
	CHECK_AT(&a, "total_results", "(none)");
	answer_free(&a);
	a = ask(&v, "GET", "/close/api/v1/me/", "", "");
	CHECK_INT(a.status, 401);
	answer_free(&a);
	provider_stop(&v);
}

TEST("Slack: errors come with 200 and a reason; history goes backwards within its bounds")
{
	struct provider v = provider_start("--records 400");
	static const struct {
		const char *target, *token, *error;
	} wrong[] = {
	        {"/slack/api/users.list", "", "not_authed"},
	        {"/slack/api/users.list", "Authorization: Bearer x\r\n", "invalid_auth"},
	        {"/slack/api/users.list", "Authorization: Bearer xoxb-expired\r\n", "token_expired"},
	        {"/slack/api/users.list", "Authorization: Bearer xoxb-noscope\r\n", "missing_scope"},
	        {"/slack/api/users.list?cursor=bad", BOT, "invalid_cursor"},
	        {"/slack/api/conversations.history?channel=C1", BOT, "channel_not_found"},
	};

	for (size_t i = 0; i < LENGTH(wrong); i++) {
		struct answer a = ask(&v, "GET", wrong[i].target, wrong[i].token, "");
		CHECK_INT(a.status, 200);
		CHECK_AT(&a, "ok", "false");
		CHECK_AT(&a, "error", wrong[i].error);
		answer_free(&a);
	}
	struct answer list = get(&v, "/slack/api/conversations.list?types=public_channel,private_channel");
	char *general = text_at(&list, "channels.0.id"), *closed = text_at(&list, "channels.6.id");
	char *target = xasprintf("/slack/api/conversations.history?channel=%s", closed);
	struct answer a = get(&v, target);
	CHECK_AT(&list, "channels.6.is_member", "false");
	CHECK_AT(&a, "error", "not_in_channel");
	answer_free(&a);
	free(target);
	target = xasprintf("/slack/api/conversations.history?channel=%s&oldest=1672531724.000137", general);
	a = get(&v, target);
	CHECK_AT(&a, "messages.0.ts", "1672531732.000137"); /* the last of 400: the bound itself is not in it */
	CHECK_AT(&a, "messages.5.ts", "1672531724.001137");
	CHECK_AT(&a, "messages.6", "(none)");
	answer_free(&a);
	answer_free(&list);
	free(target);
	free(general);
	free(closed);
	provider_stop(&v);
}

/* ---- faults ---- */

TEST("framing faults are exact: what is cut is cut at that byte")
{
	struct provider v = provider_start("");
	struct answer whole = get(&v, "/plain/cursor?limit=5"), a;
	size_t length = whole.bytes.len - whole.body;

	control(&v, "faults",
	        "[{\"nth\":[1],\"do\":\"cut\",\"after\":1000},{\"nth\":[2],\"do\":\"cut-chunked\",\"after\":1000},"
	        "{\"nth\":[3],\"do\":\"truncated-json\",\"percent\":50},{\"nth\":[4],\"do\":\"close-no-length\"},"
	        "{\"nth\":[5],\"do\":\"cut\",\"after\":1000,\"reset\":true},{\"nth\":[6],\"do\":\"hang-up\"},"
	        "{\"nth\":[7],\"do\":\"chunked\"}]");
	a = get(&v, "/plain/cursor?limit=5");
	CHECK_INT(a.bytes.len - a.body, 1000);
	CHECK_HAS(a.bytes.p, "Content-Length: 5");
	answer_free(&a);
	a = get(&v, "/plain/cursor?limit=5");
	CHECK_INT(a.bytes.len - a.body, 1000);
	CHECK_HAS(a.bytes.p, "Transfer-Encoding: chunked");
	answer_free(&a);
	a = get(&v, "/plain/cursor?limit=5");
	CHECK_INT(a.bytes.len - a.body, length / 2);
	CHECK(!json_check(body_of(&a), 100, NULL));
	char *told = xasprintf("Content-Length: %zu\r\n", length / 2);
	CHECK_HAS(a.bytes.p, told);
	free(told);
	answer_free(&a);
	a = get(&v, "/plain/cursor?limit=5");
	CHECK(!strstr(a.bytes.p, "Content-Length") && slice_eq(body_of(&a), body_of(&whole)));
	answer_free(&a);
	a = get(&v, "/plain/cursor?limit=5");
	CHECK(a.reset);
	answer_free(&a);
	a = get(&v, "/plain/cursor?limit=5");
	CHECK_INT(a.bytes.len, 0);
	CHECK(!a.reset);
	answer_free(&a);
	a = get(&v, "/plain/cursor?limit=5");
	CHECK_STR(a.bytes.p + a.bytes.len - 7, "\r\n0\r\n\r\n");
	answer_free(&a);
	a = get(&v, "/plain/cursor?limit=5");
	CHECK(slice_eq(a.bytes.len ? body_of(&a) : (struct slice){0}, body_of(&whole)));
	answer_free(&a);
	answer_free(&whole);
	provider_stop(&v);
}

/* 1: a whole gzip; 0: cut before its end; -1: wrong. */
static int
inflates(struct slice s, size_t *size)
{
	z_stream z = {.next_in = (Bytef *)(uintptr_t)s.p, .avail_in = (uInt)s.len};
	static Bytef out[1 << 20];
	int rc;

	*size = 0;
	inflateInit2(&z, 31);
	do {
		z.next_out = out;
		z.avail_out = sizeof(out);
		rc = inflate(&z, Z_NO_FLUSH);
		*size += sizeof(out) - z.avail_out;
	} while (rc == Z_OK && (z.avail_in || !z.avail_out));
	inflateEnd(&z);
	return rc == Z_STREAM_END ? 1 : rc == Z_OK || rc == Z_BUF_ERROR ? 0 : -1;
}

TEST("gzip is good, cut, spoiled or a bomb, as asked")
{
	struct provider v = provider_start("");
	static const struct {
		const char *rule;
		int result;
		size_t size;
	} rules[] = {
	        {"{\"do\":\"gzip\"}", 1, 0},
	        {"{\"do\":\"gzip-cut\"}", 0, 0},
	        {"{\"do\":\"gzip-garbage\"}", -1, 0},
	        {"{\"do\":\"gzip-bomb\",\"bytes\":104857600}", 1, 104857600},
	};

	for (size_t i = 0; i < LENGTH(rules); i++) {
		size_t size;
		control(&v, "reset", "");
		control(&v, "faults", rules[i].rule);
		struct answer a = get(&v, "/plain/cursor");
		CHECK_HAS(a.bytes.p, "Content-Encoding: gzip");
		CHECK_INT(inflates(body_of(&a), &size), rules[i].result);
		CHECK(rules[i].size == 0 || (size == rules[i].size && a.bytes.len < 200000));
		answer_free(&a);
	}
	provider_stop(&v);
}

TEST("rules choose by method, path, ordinal, number of uses and last page")
{
	struct provider v = provider_start("--records 250");
	struct answer a;
	static const struct {
		const char *target;
		int status;
	} seen[] = {
	        {"/plain/cursor", 200},     {"/plain/cursor", 503},
	        {"/plain/cursor", 200},     {"/plain/cursor", 503},
	        {"/plain/cursor", 200},     {"/plain/cursor", 200}, /* used up */
	        {"/plain/offset", 200},     {"/plain/offset?offset=200", 500},
	        {"/stripe/v1/prices", 402}, {"/stripe/v1/events", 200},
	};

	control(&v, "faults",
	        "[{\"match\":\"POST /plain/\",\"do\":\"404\"},{\"match\":\"GET "
	        "/plain/cursor\",\"nth\":2,\"times\":2,\"do\":\"503\"},"
	        "{\"match\":\"/plain/offset\",\"last_page\":true,\"do\":\"500\"},{\"match\":\"GET "
	        "*/prices*\",\"do\":\"402\"}]");
	for (size_t i = 0; i < LENGTH(seen); i++) {
		a = get(&v, seen[i].target);
		CHECK_INT(a.status, seen[i].status);
		answer_free(&a);
	}
	a = ask(&v, "POST", "/_control/faults", "", "{\"do\":\"dance\"}");
	CHECK_INT(a.status, 400);
	CHECK_HAS(a.bytes.p, "'dance' is no kind of fault");
	answer_free(&a);
	a = ask(&v, "POST", "/_control/faults", "", "{\"do\":\"503\",\"retry-after\":3}");
	CHECK_HAS(a.bytes.p, "a fault has no");
	answer_free(&a);
	provider_stop(&v);
}

TEST("a request before its Retry-After has passed is counted as early")
{
	struct provider v = provider_start("");
	static const struct {
		const char *after;
		int early;
	} rules[] = {
	        {"30", 1}, {"0", 0}, {"\"date:30\"", 1}, {"\"date:-30\"", 0}, {"\"soon\"", 0},
	};

	for (size_t i = 0; i < LENGTH(rules); i++) {
		char *rule = xasprintf("{\"times\":1,\"do\":\"429\",\"retry_after\":%s}", rules[i].after);
		control(&v, "reset", "");
		control(&v, "faults", rule);
		struct answer a = get(&v, "/plain/cursor"), b = get(&v, "/plain/page"),
		              c = get(&v, "/plain/cursor?limit=1");
		CHECK_INT(a.status, 429);
		CHECK_HAS(a.bytes.p, "\r\nRetry-After: ");
		CHECK_INT(counted(&v, "early_requests"), rules[i].early);
		CHECK_INT(counted(&v, "total"), 3);
		answer_free(&a);
		answer_free(&b);
		answer_free(&c);
		free(rule);
	}
	provider_stop(&v);
}

TEST("cursors can be made endless, and lists empty")
{
	struct provider v = provider_start("--records 250");
	static const struct {
		const char *kind, *next[3], *first;
	} bent[] = {
	        {"cursor-same", {"same", "same", "same"}, "0"},
	        {"cursor-aba", {"A", "B", "A"}, "0"},
	        {"cursor-distinct", {"d0", "d1", "d2"}, "0"},
	        {"empty-list", {"null", "null", "null"}, "(none)"},
	        {"empty-more", {"empty0", "empty1", "empty2"}, "(none)"},
	};

	for (size_t i = 0; i < LENGTH(bent); i++) {
		char *rule = xasprintf("{\"do\":\"%s\"}", bent[i].kind);
		control(&v, "reset", "");
		control(&v, "faults", rule);
		for (size_t k = 0; k < 3; k++) {
			char *target = xasprintf("/plain/cursor?after=%s", k ? bent[i].next[k - 1] : "");
			struct answer a = get(&v, target);
			CHECK_AT(&a, "meta.next", bent[i].next[k]);
			if (k == 0)
				CHECK_AT(&a, "items.0.number", bent[i].first);
			answer_free(&a);
			free(target);
		}
		free(rule);
	}
	provider_stop(&v);
}

TEST("one record among good ones is spoiled, and the others are not")
{
	struct provider v = provider_start("");
	static const char *const with[] = {"invalid-utf8", "nul", "control", "lone-surrogate", "duplicate-key", "deep"};

	for (size_t i = 0; i < LENGTH(with); i++) {
		char *rule = xasprintf("{\"times\":1,\"do\":\"spoil\",\"with\":\"%s\",\"at\":1}", with[i]);
		struct json_fault fault = {0};
		control(&v, "faults", rule);
		struct answer a = get(&v, "/plain/cursor?limit=3"), b = get(&v, "/plain/cursor?limit=1");
		const char *end = memmem(a.bytes.p, a.bytes.len, "\"number\":1,", 11);
		CHECK(!json_check(body_of(&a), 128, &fault));
		CHECK(end && fault.at > b.bytes.len - b.body - 100 && fault.at < a.bytes.len - a.body);
		answer_free(&a);
		answer_free(&b);
		free(rule);
	}
	control(&v, "faults", "{\"times\":1,\"do\":\"spoil\",\"with\":\"huge\"}");
	struct answer a = get(&v, "/plain/cursor?limit=3");
	CHECK(a.bytes.len > 40u << 20);
	CHECK(json_check(body_of(&a), 128, NULL));
	answer_free(&a);
	for (int at = 0; at < 4; at++) {
		char *rule = xasprintf("{\"times\":1,\"do\":\"insert\",\"record\":{\"id\":null},\"at\":%d}", at),
		     *path = xasprintf("items.%d.id", at);
		control(&v, "faults", rule);
		a = get(&v, "/plain/cursor?limit=3");
		CHECK_AT(&a, path, "null");
		CHECK_AT(&a, "items.4", "(none)");
		answer_free(&a);
		free(rule);
		free(path);
	}
	provider_stop(&v);
}

TEST("bytes drip, and the answer is whole in the end")
{
	struct provider v = provider_start("");
	struct answer whole = get(&v, "/plain/a"), a;

	control(&v, "faults", "{\"do\":\"drip\",\"bytes\":20,\"interval_ms\":2}");
	a = get(&v, "/plain/a");
	CHECK(a.reads > 3);
	CHECK(slice_eq(body_of(&a), body_of(&whole)));
	answer_free(&a);
	answer_free(&whole);
	provider_stop(&v);
}

TEST("a scripted route serves its replies in order, the last one again and again")
{
	struct provider v = provider_start("");
	static const int want[] = {418, 200, 200};

	control(&v, "faults",
	        "{\"route\":\"GET /x\",\"replies\":[{\"status\":418,\"headers\":{\"X-Pot\":\"tea\"},\"body\":\"no\"},"
	        "{\"body\":{\"n\": 12345678901234567890}}]}");
	for (size_t i = 0; i < LENGTH(want); i++) {
		struct answer a = get(&v, "/x?any=1");
		CHECK_INT(a.status, want[i]);
		CHECK_HAS(a.bytes.p, i ? "{\"n\": 12345678901234567890}" : "X-Pot: tea\r\n");
		answer_free(&a);
	}
	provider_stop(&v);
}

TEST("the log tells method, target, status, fault and headers of each request")
{
	struct provider v = provider_start("");
	struct answer a;

	control(&v, "faults", "{\"nth\":[2],\"do\":\"502\"}");
	for (int i = 0; i < 2; i++) {
		a = ask(&v, "GET", "/plain/a?limit=1", "X-Mark: here\r\n", "");
		answer_free(&a);
	}
	a = ask(&v, "GET", "/_control/requests?log=1", "", "");
	CHECK_AT(&a, "requests.0.target", "/plain/a?limit=1");
	CHECK_AT(&a, "requests.0.headers.x-mark", "here");
	CHECK_AT(&a, "requests.0.fault", "null");
	CHECK_AT(&a, "requests.1.status", "502");
	CHECK_AT(&a, "requests.1.fault", "status");
	CHECK_AT(&a, "paths./plain/a", "2");
	answer_free(&a);
	provider_stop(&v);
}

TEST("pipelined requests on one connection are answered in order")
{
	struct provider v = provider_start("");
	int fd = client_open(v.port);
	static const char text[] =
	        "GET /plain/a?limit=1 HTTP/1.1\r\nHost: x\r\n\r\nPOST /plain/post HTTP/1.1\r\nHost: x\r\n"
	        "Transfer-Encoding: chunked\r\n\r\n5\r\n{\"lim\r\n6\r\nit\":2}\r\n0\r\n\r\nGET /nowhere "
	        "HTTP/1.0\r\n\r\n";

	REQUIRE(send(fd, text, sizeof(text) - 1, 0) > 0);
	struct answer a = client_read(fd);
	const char *one = strstr(a.bytes.p, "\"id\":\"a0\""), *two = one ? strstr(one, "\"cursor\":\"p2\"") : NULL;
	CHECK(two && strstr(two, "HTTP/1.1 404"));
	answer_free(&a);
	provider_stop(&v);
}

static bool
has_ipv6(void)
{
	struct sockaddr_in6 a = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
	int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool has = fd >= 0 && bind(fd, (const struct sockaddr *)&a, sizeof a) == 0;

	if (fd >= 0)
		close(fd);
	return has;
}

TEST("it ends on SIGTERM and with its lifetime, and binds to the loopback only")
{
	struct provider v = provider_start("");
	int status = provider_stop(&v);

	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	v = provider_start("--lifetime=50ms");
	CHECK(waitpid(v.pid, &status, 0) == v.pid && WIFEXITED(status) && WEXITSTATUS(status) == 0);
	fclose(v.out);
	v = provider_start("--bind 0.0.0.0");
	CHECK_INT(v.port, 0);
	CHECK(waitpid(v.pid, &status, 0) == v.pid && WIFEXITED(status) && WEXITSTATUS(status) == 2);
	fclose(v.out);
	if (!has_ipv6())
		return;
	v = provider_start("--bind ::1");
	CHECK(v.port > 0);
	provider_stop(&v);
}
