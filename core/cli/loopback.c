/* loopback.c - see loopback.h: libmicrohttpd without threads, bound to 127.0.0.1, for one answer.
 *
 * Guarantee: only GET of the one path with the state that we sent counts, once; anything else is told no and changes
 * nothing, so no other page and no other program here can end the wait. The page has no script, and nothing of the request
 * is in it.
 * Awkward: browsers open connections that they never use, and ask for a favicon: both are served beside it. */
#include "cli/loopback.h"

#include <arpa/inet.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/clock.h"
#include "base/mem.h"

#define PATH "/callback"
#define TURN_MS 200
#define LAST_PAGE_MS 1000
#define PAGE(title, text) \
	"<!doctype html><meta charset=utf-8><title>Sluice</title>" \
	"<body style='font:1.1em system-ui,sans-serif;max-width:30em;margin:4em auto'><h1>" title "</h1><p>" text "</p>"

struct loopback {
	struct MHD_Daemon *daemon;
	char uri[64];
	bool (*expected)(const void *arg, const char *state);
	const void *arg;
	struct loopback_answer answer;
	bool came;
};

static const char permitted[] = PAGE("Access permitted", "You may close this page. Sluice goes on in the terminal.");
static const char refused[] = PAGE("Access was not permitted", "You may close this page. The terminal says why.");
static const char strange[] = PAGE("This is not the answer that was asked for", "Open the address that the terminal shows.");

static enum MHD_Result
page_send(struct MHD_Connection *c, unsigned status, const char *text)
{
	struct MHD_Response *r = MHD_create_response_from_buffer(strlen(text), (void *)(uintptr_t)text, MHD_RESPMEM_PERSISTENT);
	enum MHD_Result sent;

	MHD_add_response_header(r, "Content-Type", "text/html; charset=utf-8");
	MHD_add_response_header(r, "Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'");
	MHD_add_response_header(r, "Referrer-Policy", "no-referrer");
	MHD_add_response_header(r, "Cache-Control", "no-store");
	MHD_add_response_header(r, "Connection", "close");
	sent = MHD_queue_response(c, status, r);
	MHD_destroy_response(r);
	return sent;
}

static bool
value_take(struct MHD_Connection *c, const char *name, char *out, size_t room)
{
	const char *value = MHD_lookup_connection_value(c, MHD_GET_ARGUMENT_KIND, name);

	out[0] = '\0';
	if (!value || strlen(value) >= room)
		return false;
	memcpy(out, value, strlen(value) + 1);
	return *out != '\0';
}

static enum MHD_Result
asked(void *arg, struct MHD_Connection *c, const char *url, const char *method, const char *version, const char *upload,
      size_t *upload_size, void **state)
{
	struct loopback *l = arg;
	struct loopback_answer a;
	bool code, error;

	(void)version;
	(void)upload;
	(void)upload_size;
	(void)state;
	if (strcmp(url, PATH) != 0)
		return page_send(c, MHD_HTTP_NOT_FOUND, strange);
	if (strcmp(method, "GET") != 0)
		return page_send(c, MHD_HTTP_METHOD_NOT_ALLOWED, strange);
	code = value_take(c, "code", a.code, sizeof a.code);
	error = value_take(c, "error", a.error, sizeof a.error);
	value_take(c, "error_description", a.why, sizeof a.why);
	if (l->came || code == error || !l->expected(l->arg, MHD_lookup_connection_value(c, MHD_GET_ARGUMENT_KIND, "state")))
		return page_send(c, MHD_HTTP_BAD_REQUEST, strange);
	l->answer = a;
	l->came = true;
	return page_send(c, MHD_HTTP_OK, code ? permitted : refused);
}

struct loopback *
loopback_new(bool (*expected)(const void *arg, const char *state), const void *arg, struct err *err)
{
	const struct sockaddr_in here = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct loopback *l = XNEW(struct loopback);
	const union MHD_DaemonInfo *info;

	l->expected = expected;
	l->arg = arg;
	l->daemon = MHD_start_daemon(MHD_USE_EPOLL, 0, NULL, NULL, asked, l, MHD_OPTION_SOCK_ADDR, &here,
	                             MHD_OPTION_CONNECTION_LIMIT, 32u, MHD_OPTION_CONNECTION_TIMEOUT, 10u,
	                             MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)16384, MHD_OPTION_END);
	info = l->daemon ? MHD_get_daemon_info(l->daemon, MHD_DAEMON_INFO_BIND_PORT) : NULL;
	if (!info || !info->port) {
		err_set(err, ERR_HOST, "no port of 127.0.0.1 can be opened for the browser to come back to");
		loopback_free(l);
		return NULL;
	}
	snprintf(l->uri, sizeof l->uri, "http://127.0.0.1:%u" PATH, (unsigned)info->port);
	return l;
}

const char *
loopback_uri(const struct loopback *l)
{
	return l->uri;
}

int
loopback_wait(struct loopback *l, int64_t wait_ms, struct loopback_answer *answer, struct err *err)
{
	int64_t end = clock_mono_ms(&clock_system) + wait_ms;
	char text[TIME_TEXT_MAX];

	while (!l->came) {
		if (clock_mono_ms(&clock_system) >= end)
			return err_set(err, ERR_PROVIDER, "nobody came back from the provider within %s; say --timeout for longer",
			               duration_format(wait_ms, text));
		MHD_run_wait(l->daemon, TURN_MS);
	}
	*answer = l->answer;
	return 0;
}

static bool
anybody(const struct loopback *l)
{
	const union MHD_DaemonInfo *info = MHD_get_daemon_info(l->daemon, MHD_DAEMON_INFO_CURRENT_CONNECTIONS);

	return info && info->num_connections;
}

void
loopback_free(struct loopback *l)
{
	int64_t end = clock_mono_ms(&clock_system) + LAST_PAGE_MS;

	if (!l)
		return;
	while (l->daemon && l->came && anybody(l) && clock_mono_ms(&clock_system) < end)
		MHD_run_wait(l->daemon, 20);
	if (l->daemon)
		MHD_stop_daemon(l->daemon);
	explicit_bzero(l, sizeof *l);
	free(l);
}
