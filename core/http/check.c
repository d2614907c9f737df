/* check.c - what a request must be before a route's code sees it: one table of checks, in the order in which they refuse.
 *
 * Guarantee: a stranger learns nothing but what the document at /openapi.json tells, and his body is not kept.
 * Awkward: the checks of framing (two lengths, a length and chunks) come first and close the connection: a proxy before us may
 * have understood where the request ends differently. GET comes with "Content-Type: application/json" and no body from one widely used
 * client; headers without a value count as not given. */
#include <string.h>
#include <strings.h>
#include "base/mem.h"
#include "http/fields.h"
#include "http/inner.h"

#include <sodium.h>
#include <stdlib.h>

#define BODY_USUAL (1 << 20)
#define NO_BODY_MOST (64 << 10) /* of a route that takes none: "{}" is let through */

struct head {
	size_t n_length, n_coding, n_authorization, n_host;
	bool odd_coding, odd_length, odd_text;
	char odd_name[64];
};

static void
head_look(void *arg, const char *name, const char *value)
{
	struct head *head = arg;

	if (strcasecmp(name, "Content-Length") == 0) {
		head->n_length++;
		head->odd_length |= !*value || value[strspn(value, "0123456789")];
	} else if (strcasecmp(name, "Transfer-Encoding") == 0) {
		head->n_coding++;
		head->odd_coding |= strcasecmp(value, "chunked") != 0;
	}
	head->n_authorization += strcasecmp(name, "Authorization") == 0;
	head->n_host += strcasecmp(name, "Host") == 0;
	for (const char *p = value; *p; p++)
		head->odd_text |= ((unsigned char)*p < 0x20 && *p != '\t') || *p == 0x7f;
	head->odd_text |= !utf8_valid(slice_str(value));
	if (head->odd_text && !*head->odd_name)
		strncpy(head->odd_name, name, sizeof head->odd_name - 1);
}

static bool
id_valid(const char *text)
{
	size_t len = strlen(text);

	return len && len <= 64 && strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-") == len;
}

static bool
check_id(struct http_call *c, const struct head *head)
{
	const char *given = http_header(c, "X-Request-Id");
	unsigned char random[12];

	(void)head;
	if (given && id_valid(given)) {
		strcpy(c->id, given);
		return true;
	}
	randombytes_buf(random, sizeof random);
	sodium_bin2hex(c->id, sizeof c->id, random, sizeof random);
	return true;
}

static bool
check_framing(struct http_call *c, const struct head *head)
{
	if (head->n_length <= 1 && head->n_coding <= 1 && head->n_length + head->n_coding <= 1 && !head->odd_length &&
	    !head->odd_coding && head->n_host <= 1)
		return true;
	answer_fail(c, 400, "invalid_headers", "Where this request ends is not clear: one Content-Length, or Transfer-Encoding: chunked, and one Host");
	c->answer.close = true;
	return false;
}

static bool
check_size(struct http_call *c, const struct head *head)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(c->connection, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);

	(void)head;
	if (!info || info->header_size <= c->http->limits.max_header)
		return true;
	answer_fail(c, 431, "headers_too_large", "Request line and headers are longer than %zu bytes", c->http->limits.max_header);
	c->answer.close = true;
	return false;
}

static bool
check_text(struct http_call *c, const struct head *head)
{
	if (head->odd_text) {
		answer_fail(c, 400, "invalid_headers", "Header %s is no UTF-8 text without control bytes", head->odd_name);
		return false;
	}
	if (*c->target == '/' && http_text_clean(slice_str(c->target)) && http_text_clean(slice_str(c->query)))
		return true;
	answer_fail(c, 400, "invalid_uri_params", "The path is no UTF-8 text without control bytes that begins with a slash");
	return false;
}

static bool
check_calm(struct http_call *c, const struct head *head)
{
	bool calm;

	(void)head;
	pthread_mutex_lock(&c->http->lock);
	calm = c->http->calm;
	pthread_mutex_unlock(&c->http->lock);
	if (!calm)
		return true;
	answer_fail(c, 503, "stopped", "The host ends");
	c->answer.close = true;
	return false;
}

static bool
check_preflight(struct http_call *c, const struct head *head)
{
	(void)head;
	return strcmp(c->method, "OPTIONS") != 0 || !origin_preflight(c);
}

static bool
check_route(struct http_call *c, const struct head *head)
{
	struct slice path = slice_str(c->target);
	struct buf allow = {0};

	(void)head;
	http_match(c->http->routes, c->method, path, &c->match);
	c->route = c->match.route;
	if (c->route)
		return true;
	if (!c->match.known) {
		answer_fail(c, 404, "not_found", "There is no such route: %s", c->target);
		return false;
	}
	http_match_allow(c->http->routes, path, &allow);
	if (strcmp(c->method, "OPTIONS") == 0)
		answer_set(c, 204, NULL, (struct slice){0});
	else
		answer_fail(c, 405, "method_not_allowed", "This route answers %s", buf_str(&allow));
	answer_line(c, "Allow", buf_str(&allow));
	buf_free(&allow);
	return false;
}

/* ---- the key ---- */

static const struct sockaddr *
call_address(const struct http_call *c)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(c->connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);

	return info ? info->client_addr : NULL;
}

/* False: none of the keys. */
static bool
key_try(struct http_call *c, struct slice given)
{
	struct http *h = c->http;
	const struct key_row *key;

	pthread_mutex_lock(&h->lock);
	key = keyring_find(&h->keys, given);
	if (key) {
		c->key_name = xstrdup(key->name);
		c->rights = key->rights;
		memcpy(c->key_hash, key->hash, sizeof c->key_hash);
		keyring_right(&h->keys, call_address(c));
		if (c->socket)
			socket_known(c->socket);
	}
	pthread_mutex_unlock(&h->lock);
	return key != NULL;
}

static bool
key_wrong(struct http_call *c)
{
	struct http *h = c->http;
	int64_t delay;

	answer_fail(c, 401, "unknown_account", "The key in Authorization is none of this host's");
	pthread_mutex_lock(&h->lock);
	delay = keyring_wrong(&h->keys, call_address(c), http_now(h));
	if (delay && h->n_delayed < h->limits.waiting) {
		c->delay_ms = delay;
		h->n_delayed++;
	}
	pthread_mutex_unlock(&h->lock);
	return false;
}

static bool
key_refuse(struct http_call *c, const char *code, const char *why)
{
	answer_fail(c, 401, code, "%s", why);
	return false;
}

static bool
check_key(struct http_call *c, const struct head *head)
{
	const char *header = http_header(c, "Authorization");
	struct slice given;
	bool bearer = header && head->n_authorization == 1 && key_bearer(header, &given);

	if (!c->route->rights) {
		if (bearer)
			key_try(c, given);
		return true;
	}
	if (!header)
		return key_refuse(c, "missing_auth_header", "This route needs a key: Authorization: Bearer KEY");
	if (!bearer)
		return key_refuse(c, "malformed_auth_header", "Authorization is not of the form: Bearer KEY");
	if (!http_text_clean(given))
		return key_refuse(c, "invalid_secret_key_format", "The key in Authorization is no text");
	if (!key_try(c, given))
		return key_wrong(c);
	if (c->rights & c->route->rights)
		return true;
	answer_fail(c, 403, "forbidden", "The key '%s' does not permit this; see scope in [key %s]", c->key_name, c->key_name);
	return false;
}

/* ---- what it brings ---- */

static bool
check_length(struct http_call *c, const struct head *head)
{
	const struct http_limits *most = &c->http->limits;
	const char *length = http_header(c, "Content-Length"), *type = http_header(c, "Content-Type");
	unsigned long long announced = length ? strtoull(length, NULL, 10) : 0;
	const struct http_route *r = c->route;

	c->max_body = r->max_body ? r->max_body : r->body || r->raw ? BODY_USUAL : NO_BODY_MOST;
	if (c->max_body > most->max_body)
		c->max_body = most->max_body;
	if (announced > c->max_body) {
		answer_fail(c, 413, "payload_too_large", "The body is longer than %zu bytes", c->max_body);
		return false;
	}
	if (r->raw || (!announced && !head->n_coding) || !type || !*type || strncasecmp(type, "application/json", 16) == 0)
		return true;
	answer_fail(c, 415, "invalid_content_type", "Content-Type must be application/json");
	return false;
}

static bool
faults_answer(struct http_call *c, struct http_faults *f, int status, const char *code)
{
	struct buf error = {0};
	bool well = f->n == 0;

	if (!well) {
		http_fault_error(f, code, &error);
		answer_fail_json(c, status, buf_view(&error));
	}
	buf_free(&error);
	http_fault_finish(f);
	return well;
}

static const char *
header_get(const void *arg, const char *name)
{
	return http_header(arg, name);
}

static bool
check_params(struct http_call *c, const struct head *head)
{
	struct http_faults f = {0};

	(void)head;
	http_values_path(&c->values, &c->match, &f);
	if (!faults_answer(c, &f, 400, "invalid_uri_params"))
		return false;
	http_values_query(&c->values, c->route, c->query, &f);
	if (!faults_answer(c, &f, 400, "invalid_query_params"))
		return false;
	http_values_headers(&c->values, c->route, header_get, c, &f);
	return faults_answer(c, &f, 400, "invalid_headers");
}

static bool (*const checks[])(struct http_call *c, const struct head *head) = {
	check_id,    check_framing, check_size, check_text,   check_calm,   check_preflight,
	check_route, check_key,     check_length, check_params,
};

void
call_check_head(struct http_call *c)
{
	struct head head = {0};

	http_headers_each(c, head_look, &head);
	for (size_t i = 0; i < LENGTH(checks) && checks[i](c, &head); i++)
		;
}

/* ---- the body ---- */

static void
body_none(struct http_call *c)
{
	struct slice body = slice_trim(buf_view(&c->body));

	if (body.len && !slice_is(body, "{}") && !slice_is(body, "null"))
		answer_fail(c, 400, "invalid_body", "This route takes no body");
	buf_clear(&c->body);
}

void
call_check_body(struct http_call *c)
{
	struct http_faults f = {0};
	struct json_fault fault;

	if (c->route->raw)
		return;
	if (!c->route->body) {
		body_none(c);
		return;
	}
	if (!slice_trim(buf_view(&c->body)).len) {
		buf_clear(&c->body);
		buf_puts(&c->body, "{}");
	}
	if (!json_check(buf_view(&c->body), 0, &fault)) {
		answer_fail(c, 400, "invalid_json", "The body is no JSON: %s at byte %zu", fault.what, fault.at);
		return;
	}
	http_fields_check(c->route->body, c->route->loose, buf_view(&c->body), &f);
	faults_answer(c, &f, 400, "invalid_body");
}
