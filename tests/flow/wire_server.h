/* wire_server.h - a provider for tests that speaks raw bytes: each path has a script of replies, each request is
 * written down.
 *
 * A thread accepts, a thread per connection answers; the n-th request for a path gets the n-th step of its script,
 * the last step again and again (of "/storm" the first one again). Requests, with the time they came, are in `seen`.
 * Only loopback, only port 0. */
#ifndef SLUICE_TESTS_WIRE_SERVER_H
#define SLUICE_TESTS_WIRE_SERVER_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum after { KEEP, CLOSE, RESET, HANG, DRIP, ENDLESS }; /* what follows the bytes of a step */

struct step {
	const char *bytes;
	size_t len; /* 0: strlen(bytes) */
	enum after after;
};

struct script {
	const char *path; /* of the request, without its query */
	struct step steps[8];
};

struct seen {
	char method[16], path[256], text[4096]; /* text: the whole head */
	char body[256];
	int64_t at_ms;
	int connection;
};

struct server {
	int fd;
	uint16_t port;
	pthread_t thread;
	pthread_mutex_t lock;
	const struct script *scripts;
	unsigned hits[64]; /* per script */
	struct seen seen[512];
	unsigned n_seen;
	int connections, open;
	int fds[256];
	bool stop;
};

struct server_link {
	struct server *s;
	int fd, number;
};

static inline int64_t
server_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static inline void
server_write(int fd, const char *p, size_t len)
{
	while (len) {
		ssize_t n = send(fd, p, len, MSG_NOSIGNAL);
		if (n <= 0)
			return;
		p += n;
		len -= (size_t)n;
	}
}

static inline const struct step *
server_step(struct server *s, const char *path)
{
	for (unsigned i = 0; s->scripts[i].path; i++) {
		const struct script *script = &s->scripts[i];
		unsigned n = s->hits[i];

		if (strcmp(script->path, path))
			continue;
		if (!strcmp(path, "/storm")) {
			unsigned steps = 1;

			while (steps < 8 && script->steps[steps].bytes)
				steps++;
			n = s->hits[i]++ % steps;
			return &script->steps[n];
		}
		while (n && !script->steps[n].bytes)
			n--;
		if (s->hits[i] < 7)
			s->hits[i]++;
		return &script->steps[n];
	}
	return NULL;
}

/* Like recv. When the bytes came is by the kernel's word, since a thread may be let run long after that; without it, now. */
static inline ssize_t
server_recv(int fd, char *to, size_t room, int64_t *at_ms)
{
	union { struct cmsghdr align; char room[256]; } more;
	struct iovec io = {to, room};
	struct msghdr m = {.msg_iov = &io, .msg_iovlen = 1, .msg_control = &more, .msg_controllen = sizeof more};
	ssize_t n = recvmsg(fd, &m, 0);
	struct timespec came, now;

	*at_ms = server_ms();
	clock_gettime(CLOCK_REALTIME, &now);
	for (struct cmsghdr *c = n > 0 ? CMSG_FIRSTHDR(&m) : NULL; c; c = CMSG_NXTHDR(&m, c))
		if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_TIMESTAMPNS) {
			memcpy(&came, CMSG_DATA(c), sizeof came);
			*at_ms -= ((int64_t)(now.tv_sec - came.tv_sec) * 1000000000 + now.tv_nsec - came.tv_nsec) / 1000000;
		}
	return n;
}

/* Reads one request; false: the connection has ended. */
static inline bool
server_read(int fd, struct seen *q)
{
	size_t len = 0, body = 0;
	char *end, *p;

	memset(q, 0, sizeof *q);
	while (!(end = strstr(q->text, "\r\n\r\n"))) {
		ssize_t n = len + 1 < sizeof q->text ? server_recv(fd, q->text + len, sizeof q->text - 1 - len, &q->at_ms) : 0;
		if (n <= 0)
			return false;
		len += (size_t)n;
		q->text[len] = '\0';
	}
	if ((p = strcasestr(q->text, "\r\ncontent-length:")))
		body = (size_t)atol(p + 17);
	len -= (size_t)(end + 4 - q->text);
	memcpy(q->body, end + 4, len < sizeof q->body ? len : sizeof q->body - 1);
	while (len < body) {
		char more[4096];
		ssize_t n = recv(fd, more, sizeof more, 0);
		if (n <= 0)
			return false;
		for (ssize_t i = 0; i < n && len + (size_t)i < sizeof q->body - 1; i++)
			q->body[len + (size_t)i] = more[i];
		len += (size_t)n;
	}
	end[2] = '\0';
	if (sscanf(q->text, "%15s %255s", q->method, q->path) != 2)
		return false;
	return true;
}

static inline void
server_after(struct server *s, int fd, enum after after)
{
	struct linger now = {.l_onoff = 1};
	static const char noise[65536];

	if (after == RESET)
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
	while ((after == HANG || after == DRIP || after == ENDLESS) && !s->stop) {
		ssize_t n = after == DRIP      ? send(fd, " ", 1, MSG_NOSIGNAL)
		            : after == ENDLESS ? send(fd, noise, sizeof noise, MSG_NOSIGNAL)
		                               : 0;
		char c;
		if (n < 0 || (after == HANG && recv(fd, &c, 1, MSG_DONTWAIT) == 0))
			return;
		if (after != ENDLESS)
			usleep(5000);
	}
}

static inline void *
server_serve(void *arg)
{
	struct server_link link = *(struct server_link *)arg;
	struct server *s = link.s;
	struct seen *q = malloc(sizeof *q);
	const struct step *step = NULL;

	free(arg);
	while (server_read(link.fd, q)) {
		char path[256];

		snprintf(path, sizeof path, "%.*s", (int)strcspn(q->path, "?"), q->path);
		q->connection = link.number;
		pthread_mutex_lock(&s->lock);
		step = server_step(s, path);
		if (s->n_seen < 512)
			s->seen[s->n_seen++] = *q;
		pthread_mutex_unlock(&s->lock);
		if (!step) {
			static const char none[] = "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n";
			server_write(link.fd, none, sizeof none - 1);
			continue;
		}
		server_write(link.fd, step->bytes, step->len ? step->len : strlen(step->bytes));
		server_after(s, link.fd, step->after);
		if (step->after != KEEP)
			break;
	}
	pthread_mutex_lock(&s->lock);
	s->fds[link.number] = -1;
	close(link.fd);
	s->open--;
	pthread_mutex_unlock(&s->lock);
	free(q);
	return NULL;
}

static inline void *
server_accept(void *arg)
{
	struct server *s = arg;
	int fd;

	while ((fd = accept(s->fd, NULL, NULL)) >= 0 && !s->stop) {
		struct server_link *link = malloc(sizeof *link);
		pthread_t thread;
		int one = 1;

		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
		pthread_mutex_lock(&s->lock);
		*link = (struct server_link){s, fd, s->connections % 256};
		s->fds[s->connections++ % 256] = fd;
		s->open++;
		pthread_mutex_unlock(&s->lock);
		pthread_create(&thread, NULL, server_serve, link);
		pthread_detach(thread);
	}
	if (fd >= 0)
		close(fd);
	return NULL;
}

/* scripts end with a NULL path. */
static inline struct server *
server_start(const struct script *scripts)
{
	struct server *s = calloc(1, sizeof *s);
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof a;

	s->scripts = scripts;
	pthread_mutex_init(&s->lock, NULL);
	memset(s->fds, -1, sizeof s->fds);
	s->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	setsockopt(s->fd, SOL_SOCKET, SO_TIMESTAMPNS, &(int){1}, sizeof(int)); /* connections inherit it */
	if (bind(s->fd, (struct sockaddr *)&a, sizeof a) || listen(s->fd, 128) ||
	    getsockname(s->fd, (struct sockaddr *)&a, &len))
		abort();
	s->port = ntohs(a.sin_port);
	pthread_create(&s->thread, NULL, server_accept, s);
	return s;
}

static inline unsigned
server_count(struct server *s)
{
	pthread_mutex_lock(&s->lock);
	unsigned n = s->n_seen;
	pthread_mutex_unlock(&s->lock);
	return n;
}

static inline void
server_end(struct server *s)
{
	bool busy = true;

	s->stop = true;
	shutdown(s->fd, SHUT_RDWR);
	pthread_join(s->thread, NULL);
	close(s->fd);
	for (int i = 0; i < 20000 && busy; i++) {
		pthread_mutex_lock(&s->lock);
		for (int k = 0; k < 256; k++)
			if (s->fds[k] >= 0)
				shutdown(s->fds[k], SHUT_RDWR);
		busy = s->open > 0;
		pthread_mutex_unlock(&s->lock);
		if (busy)
			usleep(1000);
	}
	if (!busy)
		free(s);
}

#endif
