/* contract_proxy.c - ANY /proxy/...: a request of an application to a provider, with a connection's credentials.
 *
 * Method, path, query and body go up as they came; of the headers those called Nango-Proxy-NAME, as NAME, and the body's
 * Content-Type. Status and body come down as the provider gave them, inflated, piece by piece and no faster than the client
 * takes them; of its headers those listed below. Credentials, their renewal, limits and the list of allowed hosts are
 * core/proxy's, and shared with the connection's syncs (run/relay.h).
 *
 * Guarantee: no header of the provider's that could hold a credential comes down, and Base-Url-Override leads nowhere that the
 * connection's own runs may not go. Retries are the caller's to ask for (Retries: N), as in the contract; who asks for them says
 * that his POST may be repeated. Awkward: a client that leaves has its request cancelled, wherever it is. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "api/contract.h"
#include "base/mem.h"
#include "proxy/headers.h"
#include "run/relay.h"

#define RETRIES_MOST 10
#define STATUSES_MOST 32
#define OWN_PREFIX "nango-proxy-"
#define ROUTE_PREFIX "/proxy"

/* Answer headers that come down. A name that ends with '-' is a beginning. */
static const char *const passed_down[] = {
	"mcp-session-id", "x-request-id", "x-correlation-id", "content-disposition", "content-language", "etag", "last-modified",
	"link", "location", "retry-after", "ratelimit-", "x-ratelimit-", "x-rate-limit-",
};

/* What a client library puts in by itself and what means nothing beyond this hop: left out, not refused. */
static const char *const left_out[] = {
	"accept-encoding", "connection", "content-length", "expect", "keep-alive", "te", "transfer-encoding", "upgrade",
};

struct passage { /* one call on its way */
	struct http_call *call;
	struct relay *relay;
	int status;
	char type[256];
	bool streaming, any; /* any: it has an answer */
};

static bool
name_in(const char *const *list, size_t n, struct slice name)
{
	for (size_t i = 0; i < n; i++) {
		size_t len = strlen(list[i]);
		bool beginning = list[i][len - 1] == '-';

		if ((beginning ? name.len > len : name.len == len) && !strncasecmp(name.p, list[i], len))
			return true;
	}
	return false;
}

/* ---- what goes up ---- */

static void
header_up(void *arg, const char *name, const char *value)
{
	const size_t prefix = sizeof OWN_PREFIX - 1;

	if (strncasecmp(name, OWN_PREFIX, prefix) || !name[prefix] || name_in(left_out, LENGTH(left_out), slice_str(name + prefix)))
		return;
	buf_printf(arg, "%s: %s\n", name + prefix, value);
}

static void
headers_up(const struct http_call *c, struct buf *out)
{
	const char *type = http_header(c, "Content-Type");

	if (http_body(c).len && type && *type && !http_header(c, "Nango-Proxy-Content-Type"))
		buf_printf(out, "content-type: %s\n", type);
	http_headers_each(c, header_up, out);
}

/* "500,503"; false: it is no such list. */
static bool
statuses_read(const char *text, uint16_t *list, size_t *n)
{
	char *end;

	for (*n = 0; text && *text; text = *end ? end + 1 : end) {
		long status = strtol(text, &end, 10);

		if (end == text || (*end && *end != ',') || status < 100 || status > 599 || *n == STATUSES_MOST)
			return false;
		list[(*n)++] = (uint16_t)status;
	}
	return true;
}

static void
endpoint_write(const struct http_call *c, struct buf *out)
{
	const char *base = http_param(c, "Base-Url-Override"), *path = http_target(c) + sizeof ROUTE_PREFIX - 1;
	size_t n = base ? strlen(base) : 0;

	while (!n && path[0] == '/' && path[1] == '/') /* alone it would name a host */
		path++;
	while (n && base[n - 1] == '/')
		n--;
	buf_put(out, base, n);
	buf_puts(out, *path ? path : "/");
}

/* ---- what comes down ---- */

static void
headers_down(struct http_call *c, struct slice lines)
{
	struct slice name, value;

	while (lines.len) {
		const char *newline = memchr(lines.p, '\n', lines.len);
		size_t n = newline ? (size_t)(newline - lines.p) : lines.len;

		if (header_split(slice_of(lines.p, n), &name, &value) && name_in(passed_down, LENGTH(passed_down), name)) {
			char *name_text = slice_dup(name), *value_text = slice_dup(value);
			http_answer_header(c, name_text, value_text);
			free(name_text);
			free(value_text);
		}
		n += newline ? 1 : 0;
		lines = slice_of(lines.p + n, lines.len - n);
	}
}

static void
came_head(void *arg, int status, struct slice headers)
{
	struct passage *p = arg;
	struct slice type = headers_find(headers, "content-type");

	p->any = true;
	p->status = status;
	snprintf(p->type, sizeof p->type, "%.*s", (int)type.len, type.len ? type.p : "");
	headers_down(p->call, headers);
}

static void
client_took(struct http_call *c, void *arg)
{
	(void)c;
	relay_pause(((struct passage *)arg)->relay, false);
}

static void
client_gone(struct http_call *c, void *arg)
{
	(void)c;
	relay_cancel(((struct passage *)arg)->relay);
}

static void
came_piece(void *arg, struct slice bytes)
{
	struct passage *p = arg;

	if (!p->streaming)
		http_stream(p->call, p->status, p->type, client_took, client_gone, p);
	p->streaming = true;
	if (!http_stream_write(p->call, bytes))
		relay_pause(p->relay, true);
}

static const struct {
	int status;
	const char *code;
} failures[ERR_CLASSES] = { /* of no answer at all */
	[ERR_USAGE] = {400, "invalid_request"},
	[ERR_CREDENTIALS] = {424, "invalid_credentials"},
	[ERR_RATE] = {429, "rate_limited"},
	[ERR_PROVIDER] = {502, "provider_error"},
	[ERR_DATA] = {502, "provider_error"},
};

static void
passage_fail(struct http_call *c, const struct err *err)
{
	if (failures[err->cls].code)
		http_fail(c, failures[err->cls].status, failures[err->cls].code, "%s", err->text);
	else
		http_fail_err(c, err);
}

static void
came_all(void *arg, const struct err *err, int64_t retry_ms)
{
	struct passage *p = arg;

	if (!p->streaming)
		contract_retry_after(p->call, retry_ms);
	if (p->streaming)
		http_stream_end(p->call, err->cls == ERR_NONE);
	else if (err->cls != ERR_NONE)
		passage_fail(p->call, err);
	else
		http_reply_bytes(p->call, p->status, *p->type ? p->type : NULL, (struct slice){0});
	free(p);
}

/* ---- the route ---- */

static void
passage_begin(struct api *a, struct http_call *c, const struct connection_settings *to, const struct proxy_request *q)
{
	struct passage *p = XNEW(struct passage);
	const struct relay_hooks hooks = {.head = came_head, .piece = came_piece, .done = came_all, .arg = p};
	struct err err = {0};

	p->call = c;
	p->relay = relay_begin(api_host(a), to, q, &hooks, &err);
	if (p->relay) {
		http_on_gone(c, client_gone, p);
		return;
	}
	passage_fail(c, &err);
	free(p);
}

static void
proxy_handle(struct http_call *c, void *arg)
{
	struct api *a = arg;
	const char *name = http_param(c, "Connection-Id"), *key = http_param(c, "Provider-Config-Key");
	const struct connection_settings *to = contract_connection(a, name, key);
	int64_t retries = http_param_int(c, "Retries", 0);
	uint16_t statuses[STATUSES_MOST];
	struct buf endpoint = {0}, headers = {0};
	struct proxy_request q = {
		.method = http_method(c),
		.query = slice_str(http_query(c)),
		.body = http_body(c),
		.retry_on = statuses,
		.retries = retries <= 0 ? -1 : (int)(retries > RETRIES_MOST ? RETRIES_MOST : retries),
		.safe = retries > 0,
	};

	if (!contract_integration(a, key)) {
		http_fail(c, 404, "unknown_provider_config", "there is no integration '%s'", key);
	} else if (!to) {
		http_fail(c, 400, "server_error", "there is no connection %s : %s", name, key);
	} else if (!statuses_read(http_param(c, "Retry-On"), statuses, &q.n_retry_on)) {
		http_fail(c, 400, "invalid_headers", "Retry-On is a list of statuses, like 500,503; at most %d", STATUSES_MOST);
	} else {
		endpoint_write(c, &endpoint);
		headers_up(c, &headers);
		q.endpoint = buf_view(&endpoint);
		q.headers = buf_view(&headers);
		passage_begin(a, c, to, &q);
	}
	buf_free(&endpoint);
	buf_free(&headers);
}

/* Of the base URL itself: the same, without the path. */
#define HEADERS (params + 1)

static const struct http_param params[] = {
	{.name = "path", .place = IN_PATH, .type = HTTP_TEXT, .max = 8192, .help = "below the provider's base URL"},
	{.name = "Provider-Config-Key", .place = IN_HEADER, .type = HTTP_NAME, .required = true, .help = "the integration"},
	{.name = "Connection-Id", .place = IN_HEADER, .type = HTTP_NAME, .required = true, .help = "the connection"},
	{.name = "Retries", .place = IN_HEADER, .type = HTTP_INT, .max = 1000,
	 .help = "how often a failure that may pass is tried again, POST too; without it 0, at most 10 are made"},
	{.name = "Retry-On", .place = IN_HEADER, .type = HTTP_TEXT, .help = "statuses that are tried again besides 429 and 5xx: 408,409"},
	{.name = "Base-Url-Override", .place = IN_HEADER, .type = HTTP_TEXT,
	 .help = "another base URL; only of a host that the connection may reach"},
	{.name = "Decompress", .place = IN_HEADER, .type = HTTP_TEXT, .help = "accepted: answers are always inflated"},
	{.name = "Forward-Headers-On-Redirect", .place = IN_HEADER, .type = HTTP_TEXT,
	 .help = "accepted: a redirect to another host never gets a credential"},
	{0}};

static const struct http_answer answers[] = {
	{.status = 200, .type = "*/*", .help = "what the provider answered, with its own status, whatever it is"},
	{.status = 424, .help = "no access token is to be had"},
	{.status = 429, .help = "the provider's limit or the quota leaves no room, or the provider's own answer"},
	{.status = 502, .help = "the provider gave no answer"},
	{0}};

const struct http_route contract_proxy_routes[] = {
	{.method = "*", .path = "/proxy/{path*}", .name = "proxy", .tag = "Proxy",
	 .summary = "A request to the provider with a connection's credentials",
	 .help = "Headers called Nango-Proxy-NAME are sent as NAME. Status and body come back as the provider gave them.",
	 .rights = RIGHT_WRITE | RIGHT_ADMIN, .params = params, .raw = true, .loose = true, .max_body = (size_t)1 << 30,
	 .answers = answers, .handle = proxy_handle},
	{.method = "*", .path = "/proxy/", .name = "proxyRoot", .rights = RIGHT_WRITE | RIGHT_ADMIN, .params = HEADERS, .raw = true,
	 .loose = true, .hidden = true, .max_body = (size_t)1 << 30, .handle = proxy_handle},
	{0}};
