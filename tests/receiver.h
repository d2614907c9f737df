/* receiver.h - an application's endpoint: takes webhooks on the loopback, remembers what came, and misbehaves as it is told.
 *
 *   struct receiver *r = receiver_new(); char *url = receiver_url(r); ... receiver_mode(r, RECEIVE_STATUS, 503, "Retry-After: 7");
 *   receiver_count(r); receiver_at(r, 0)->id; ... receiver_free(r);
 *
 * A thread of its own per receiver; any number of connections, kept alive. What is remembered never moves and is freed with it. */
#ifndef SLUICE_TEST_RECEIVER_H
#define SLUICE_TEST_RECEIVER_H

#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define RECEIVER_CONNECTIONS 160
#define RECEIVER_EVENTS 200000

enum receive {
	RECEIVE_OK,           /* 204 */
	RECEIVE_STATUS,       /* that status, with a header line */
	RECEIVE_TARPIT,       /* takes all, never answers */
	RECEIVE_DRIP,         /* a byte of the head now and then, and never enough of it */
	RECEIVE_ENDLESS,      /* that status, and a body without end, as fast as it is taken */
	RECEIVE_DRIP_BODY,    /* that status, and a body in drips, for ever */
	RECEIVE_RESET,        /* reads, then RST */
	RECEIVE_GARBAGE,      /* no HTTP */
	RECEIVE_HEADERS,      /* headers without end */
};

struct received {
	char id[64], seconds[24], signature[256], hmac[80], hash[80], type[80], agent[80], content[80];
	char *body;
	size_t len;
	long long ms;         /* when, monotonic */
	int connection;       /* how many had been opened by then */
};

struct receiver_connection { int fd, phase; char *in; size_t len, need, head; };

struct receiver {
	int listener;
	unsigned port;
	pthread_t thread;
	atomic_int mode, status, ending;
	char header[128];
	atomic_int count, opened, open;
	atomic_int refuse;    /* so many requests are answered 503, and not kept: the application has not got them */
	struct received *events[RECEIVER_EVENTS];
	struct receiver_connection connections[RECEIVER_CONNECTIONS];
};

static inline long long
receiver_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (long long)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static inline void
receiver_header(const char *head, const char *name, char *out, size_t size)
{
	size_t n = strlen(name);

	*out = '\0';
	for (const char *p = strstr(head, "\r\n"); p; p = strstr(p, "\r\n")) {
		p += 2;
		if (strncasecmp(p, name, n) == 0 && p[n] == ':') {
			p += n + 1;
			while (*p == ' ')
				p++;
			snprintf(out, size, "%.*s", (int)strcspn(p, "\r\n"), p);
			return;
		}
	}
}

static inline void
receiver_close(struct receiver *r, struct receiver_connection *c, int hard)
{
	struct linger now = {.l_onoff = 1, .l_linger = 0};

	if (hard)
		setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
	close(c->fd);
	free(c->in);
	memset(c, 0, sizeof *c);
	c->fd = -1;
	atomic_fetch_sub(&r->open, 1);
}

static inline int
receiver_send(struct receiver_connection *c, const char *text)
{
	return send(c->fd, text, strlen(text), MSG_NOSIGNAL | MSG_DONTWAIT) >= 0;
}

static inline void
receiver_keep(struct receiver *r, struct receiver_connection *c)
{
	struct received *e = calloc(1, sizeof *e);
	int n = atomic_load(&r->count);
	char *head = c->in;

	c->in[c->head - 1] = '\0'; /* of the empty line's end; the body stands behind */
	receiver_header(head, "webhook-id", e->id, sizeof e->id);
	receiver_header(head, "webhook-timestamp", e->seconds, sizeof e->seconds);
	receiver_header(head, "webhook-signature", e->signature, sizeof e->signature);
	receiver_header(head, "x-nango-hmac-sha256", e->hmac, sizeof e->hmac);
	receiver_header(head, "x-nango-signature", e->hash, sizeof e->hash);
	receiver_header(head, "user-agent", e->agent, sizeof e->agent);
	receiver_header(head, "content-type", e->content, sizeof e->content);
	e->len = c->need - c->head;
	e->body = malloc(e->len + 1);
	memcpy(e->body, c->in + c->head, e->len);
	e->body[e->len] = '\0';
	if (strstr(e->body, "\"type\":\""))
		snprintf(e->type, sizeof e->type, "%.*s", (int)strcspn(strstr(e->body, "\"type\":\"") + 8, "\""),
		         strstr(e->body, "\"type\":\"") + 8);
	e->ms = receiver_ms();
	e->connection = atomic_load(&r->opened);
	if (n < RECEIVER_EVENTS) {
		r->events[n] = e;
		atomic_store(&r->count, n + 1);
	} else {
		free(e->body);
		free(e);
	}
}

/* A whole request is there. */
static inline void
receiver_answer(struct receiver *r, struct receiver_connection *c)
{
	int mode = atomic_load(&r->mode), status = atomic_load(&r->status);
	char text[256];

	if (atomic_load(&r->refuse) > 0) {
		atomic_fetch_sub(&r->refuse, 1);
		mode = RECEIVE_STATUS;
		status = 503;
	} else {
		receiver_keep(r, c);
	}
	memmove(c->in, c->in + c->need, c->len - c->need);
	c->len -= c->need;
	c->need = c->head = 0;
	c->phase = 0;
	switch (mode) {
	case RECEIVE_OK:
		receiver_send(c, "HTTP/1.1 204 No Content\r\n\r\n");
		break;
	case RECEIVE_STATUS:
		snprintf(text, sizeof text, "HTTP/1.1 %d X\r\nContent-Length: 2\r\n%s%s\r\nno", status, r->header,
		         *r->header ? "\r\n" : "");
		receiver_send(c, text);
		break;
	case RECEIVE_RESET:
		receiver_close(r, c, 1);
		break;
	case RECEIVE_GARBAGE:
		receiver_send(c, "I am no HTTP server\r\n\r\n");
		receiver_close(r, c, 0);
		break;
	case RECEIVE_ENDLESS:
	case RECEIVE_DRIP_BODY:
		snprintf(text, sizeof text, "HTTP/1.1 %d X\r\nContent-Type: text/plain\r\n\r\n", status);
		receiver_send(c, text);
		c->phase = mode;
		break;
	case RECEIVE_HEADERS:
		receiver_send(c, "HTTP/1.1 200 X\r\n");
		c->phase = mode;
		break;
	default:
		c->phase = mode;
	}
}

static inline void
receiver_read(struct receiver *r, struct receiver_connection *c)
{
	char piece[65536], length[24], *end;
	ssize_t n = recv(c->fd, piece, sizeof piece, MSG_DONTWAIT);

	if (n <= 0) {
		receiver_close(r, c, 0);
		return;
	}
	c->in = realloc(c->in, c->len + (size_t)n + 1);
	memcpy(c->in + c->len, piece, (size_t)n);
	c->len += (size_t)n;
	c->in[c->len] = '\0';
	if (!c->need && (end = strstr(c->in, "\r\n\r\n"))) {
		c->head = (size_t)(end - c->in) + 4;
		receiver_header(c->in, "content-length", length, sizeof length);
		c->need = c->head + strtoul(length, NULL, 10);
	}
	if (c->need && c->len >= c->need)
		receiver_answer(r, c);
}

/* Whoever never ends goes on. */
static inline void
receiver_drip(struct receiver *r, struct receiver_connection *c)
{
	static const char many[4097] = {[0 ... 4095] = 'x'}, head[] = "HTTP/1.1 2";
	int rounds = c->phase == RECEIVE_ENDLESS ? 64 : 1, alive = 1;

	for (int i = 0; i < rounds && alive; i++)
		alive = c->phase == RECEIVE_DRIP      ? c->head >= sizeof head - 1 || send(c->fd, head + c->head++, 1, MSG_NOSIGNAL) == 1
		        : c->phase == RECEIVE_HEADERS ? receiver_send(c, "X-More: and more and more and more and more and more\r\n")
		        : c->phase == RECEIVE_ENDLESS ? receiver_send(c, many)
		                                      : receiver_send(c, "x");
	(void)r;
}

static inline void
receiver_accept(struct receiver *r)
{
	int fd = accept(r->listener, NULL, NULL);

	for (int i = 0; fd >= 0 && i < RECEIVER_CONNECTIONS; i++)
		if (r->connections[i].fd < 0) {
			r->connections[i].fd = fd;
			atomic_fetch_add(&r->opened, 1);
			atomic_fetch_add(&r->open, 1);
			return;
		}
	if (fd >= 0)
		close(fd);
}

static inline void *
receiver_thread(void *arg)
{
	struct receiver *r = arg;

	while (!atomic_load(&r->ending)) {
		struct pollfd p[RECEIVER_CONNECTIONS + 1];
		int busy = 0;

		p[0] = (struct pollfd){.fd = r->listener, .events = POLLIN};
		for (int i = 0; i < RECEIVER_CONNECTIONS; i++) {
			p[i + 1] = (struct pollfd){.fd = r->connections[i].fd, .events = POLLIN};
			busy |= r->connections[i].fd >= 0 && r->connections[i].phase;
		}
		poll(p, RECEIVER_CONNECTIONS + 1, busy ? 5 : 20);
		for (int i = 0; i < RECEIVER_CONNECTIONS; i++) {
			struct receiver_connection *c = &r->connections[i];
			if (c->fd >= 0 && (p[i + 1].revents & (POLLIN | POLLHUP | POLLERR)))
				receiver_read(r, c);
			if (c->fd >= 0 && c->phase && c->phase != RECEIVE_TARPIT)
				receiver_drip(r, c);
		}
		if (p[0].revents & POLLIN)
			receiver_accept(r);
	}
	return NULL;
}

static inline struct receiver *
receiver_new(void)
{
	struct receiver *r = calloc(1, sizeof *r);
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof at;

	for (int i = 0; i < RECEIVER_CONNECTIONS; i++)
		r->connections[i].fd = -1;
	r->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (bind(r->listener, (struct sockaddr *)&at, sizeof at) || listen(r->listener, 200) ||
	    getsockname(r->listener, (struct sockaddr *)&at, &len))
		abort();
	r->port = ntohs(at.sin_port);
	pthread_create(&r->thread, NULL, receiver_thread, r);
	return r;
}

static inline void
receiver_mode(struct receiver *r, enum receive mode, int status, const char *header)
{
	snprintf(r->header, sizeof r->header, "%s", header ? header : "");
	atomic_store(&r->status, status);
	atomic_store(&r->mode, mode);
}

static inline int
receiver_count(const struct receiver *r)
{
	return atomic_load(&r->count);
}

static inline const struct received *
receiver_at(const struct receiver *r, int i)
{
	return r->events[i];
}

static inline void
receiver_free(struct receiver *r)
{
	atomic_store(&r->ending, 1);
	pthread_join(r->thread, NULL);
	for (int i = 0; i < RECEIVER_CONNECTIONS; i++)
		if (r->connections[i].fd >= 0)
			receiver_close(r, &r->connections[i], 0);
	for (int i = 0; i < receiver_count(r); i++) {
		free(r->events[i]->body);
		free(r->events[i]);
	}
	close(r->listener);
	free(r);
}

#endif
