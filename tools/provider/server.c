/* server.c - one thread, one epoll, any number of connections.
 *
 *      READING --whole request--> handler --> WAITING (delay) --> WRITING --sent--> READING, or closed
 *                                                   ^                |
 *                                                   +----- drip -----+       SILENT: nothing, until the client goes
 *
 * A connection works on one request at a time; what a client pipelines waits in its buffer. A whole exchange costs
 * three system calls. The plan of a reply is obeyed to the byte: where it says "cut after 100", the 101st byte is never
 * sent. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>
#include "base/mem.h"
#include "server.h"

enum conn_state { CONN_READING, CONN_WAITING, CONN_WRITING, CONN_SILENT };

struct conn {
	struct conn *next, *prev;
	int fd;
	enum conn_state state;
	uint32_t interest; /* what epoll was told */
	bool expected;     /* "100 Continue" was sent for this request */
	bool keep_alive;
	int64_t wake_ms;   /* WAITING: when to go on */
	int64_t came_ms;   /* when the last bytes of `in` came */
	struct buf in;     /* received, not yet worked on */
	size_t in_at;      /* of these so many are done with */
	struct buf chunks; /* decoded body */
	struct buf head;   /* of the answer */
	struct reply reply;
	uint64_t sent;  /* bytes of head, body and repeats that are out */
	uint64_t total; /* bytes to send in all */
};

struct server {
	struct server_setup setup;
	int listener, epoll, port;
	struct conn *conns;
	size_t waiting; /* connections with a wake_ms */
};

/* ---- opening ---- */

static socklen_t
address_parse(const char *text, int port, struct sockaddr_storage *out)
{
	struct sockaddr_in *in = (struct sockaddr_in *)out;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)out;

	memset(out, 0, sizeof(*out));
	if (inet_pton(AF_INET, text, &in->sin_addr) == 1 && (ntohl(in->sin_addr.s_addr) >> 24) == 127) {
		in->sin_family = AF_INET;
		in->sin_port = htons((uint16_t)port);
		return sizeof(*in);
	}
	if (inet_pton(AF_INET6, text, &in6->sin6_addr) == 1 && IN6_IS_ADDR_LOOPBACK(&in6->sin6_addr)) {
		in6->sin6_family = AF_INET6;
		in6->sin6_port = htons((uint16_t)port);
		return sizeof(*in6);
	}
	return 0;
}

static int
listener_open(struct server *s, struct err *err)
{
	struct sockaddr_storage addr;
	socklen_t len = address_parse(s->setup.bind, s->setup.port, &addr);
	int one = 1;

	if (len == 0)
		return err_set(err, ERR_USAGE, "--bind %s: not an address of the loopback; say for example 127.0.0.1",
		               s->setup.bind);
	s->listener = socket(addr.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (s->listener < 0)
		return err_set(err, ERR_HOST, "socket: %s", strerror(errno));
	setsockopt(s->listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	setsockopt(s->listener, SOL_SOCKET, SO_TIMESTAMPNS, &one, sizeof(one)); /* connections inherit it */
	if (bind(s->listener, (struct sockaddr *)&addr, len) < 0 || listen(s->listener, 4096) < 0 ||
	    getsockname(s->listener, (struct sockaddr *)&addr, &len) < 0)
		return err_set(err, ERR_HOST, "port %d of %s: %s", s->setup.port, s->setup.bind, strerror(errno));
	s->port = ntohs(addr.ss_family == AF_INET ? ((struct sockaddr_in *)&addr)->sin_port
	                                          : ((struct sockaddr_in6 *)&addr)->sin6_port);
	return 0;
}

struct server *
server_new(const struct server_setup *setup, struct err *err)
{
	struct server *s = XNEW(struct server);
	struct epoll_event ev = {.events = EPOLLIN, .data.ptr = NULL};

	s->setup = *setup;
	s->epoll = s->listener = -1;
	if (listener_open(s, err) < 0)
		goto fail;
	s->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (s->epoll < 0 || epoll_ctl(s->epoll, EPOLL_CTL_ADD, s->listener, &ev) < 0) {
		err_set(err, ERR_HOST, "epoll: %s", strerror(errno));
		goto fail;
	}
	return s;
fail:
	server_free(s);
	return NULL;
}

int
server_port(const struct server *s)
{
	return s->port;
}

/* ---- connections ---- */

static void
conn_interest(struct server *s, struct conn *c, uint32_t events)
{
	struct epoll_event ev = {.events = events | EPOLLRDHUP, .data.ptr = c};

	if (c->interest == events)
		return;
	c->interest = events;
	epoll_ctl(s->epoll, EPOLL_CTL_MOD, c->fd, &ev);
}

static void
conn_enter(struct server *s, struct conn *c, enum conn_state state)
{
	s->waiting -= c->state == CONN_WAITING;
	s->waiting += state == CONN_WAITING;
	c->state = state;
	conn_interest(s, c, state == CONN_READING ? EPOLLIN : state == CONN_WRITING ? EPOLLOUT : 0);
}

static void
conn_free(struct server *s, struct conn *c)
{
	s->waiting -= c->state == CONN_WAITING;
	if (c->prev)
		c->prev->next = c->next;
	else
		s->conns = c->next;
	if (c->next)
		c->next->prev = c->prev;
	close(c->fd);
	buf_free(&c->in);
	buf_free(&c->chunks);
	buf_free(&c->head);
	reply_free(&c->reply);
	free(c);
}

static void
conn_end(struct server *s, struct conn *c, bool reset)
{
	struct linger linger = {.l_onoff = 1, .l_linger = 0};

	if (reset)
		setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
	else
		shutdown(c->fd, SHUT_WR);
	conn_free(s, c);
}

static void
server_accept(struct server *s)
{
	for (;;) {
		int one = 1, fd = accept4(s->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd < 0)
			return; /* none left; or no descriptors: the next round tries again */
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
		struct conn *c = XNEW(struct conn);
		struct epoll_event ev = {.events = EPOLLIN | EPOLLRDHUP, .data.ptr = c};
		c->fd = fd;
		c->interest = EPOLLIN;
		c->next = s->conns;
		if (c->next)
			c->next->prev = c;
		s->conns = c;
		epoll_ctl(s->epoll, EPOLL_CTL_ADD, fd, &ev);
	}
}

/* ---- sending ---- */

/* The next bytes that are due: from the head, else from the body, which may be repeated. */
static int
conn_gather(struct conn *c, struct iovec iov[2], uint64_t most)
{
	int n = 0;
	uint64_t at = c->sent;

	if (at < c->head.len) {
		uint64_t len = c->head.len - at < most ? c->head.len - at : most;
		iov[n++] = (struct iovec){c->head.p + at, len};
		at += len;
		most -= len;
	}
	if (most && at >= c->head.len && c->reply.body.len) {
		uint64_t in_body = (at - c->head.len) % c->reply.body.len, len = c->reply.body.len - in_body;
		iov[n++] = (struct iovec){c->reply.body.p + in_body, len < most ? len : most};
	}
	return n;
}

/* How many bytes may go now: all, or one drip. */
static uint64_t
conn_allowance(const struct conn *c)
{
	const struct plan *plan = &c->reply.plan;
	uint64_t left = c->total - c->sent;

	if (!plan->drip_bytes)
		return left;
	if (!plan->drip_head && c->sent < c->head.len)
		return c->head.len - c->sent < left ? c->head.len - c->sent : left;
	return left < plan->drip_bytes ? left : plan->drip_bytes;
}

/* The answer is out, or as much of it as the plan wants. Returns false when the connection is gone. */
static bool
conn_sent(struct server *s, struct conn *c)
{
	const struct plan *plan = &c->reply.plan;

	if (plan->cut || plan->close || plan->framing == FRAMING_CLOSE || plan->framing == FRAMING_RAW ||
	    !c->keep_alive) {
		conn_end(s, c, plan->reset);
		return false;
	}
	reply_reset(&c->reply);
	conn_enter(s, c, CONN_READING);
	return true;
}

static bool
conn_drip(struct server *s, struct conn *c)
{
	c->wake_ms = clock_mono_ms(s->setup.clock) + c->reply.plan.drip_ms;
	conn_enter(s, c, CONN_WAITING);
	return true;
}

/* Returns false when the connection is gone. */
static bool
conn_write(struct server *s, struct conn *c)
{
	while (c->sent < c->total) {
		struct iovec iov[2];
		struct msghdr msg = {.msg_iov = iov};
		msg.msg_iovlen = (size_t)conn_gather(c, iov, conn_allowance(c));
		ssize_t n = sendmsg(c->fd, &msg, MSG_NOSIGNAL);
		if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
			conn_interest(s, c, EPOLLOUT);
			return true;
		}
		if (n < 0) {
			conn_free(s, c);
			return false;
		}
		c->sent += (uint64_t)n;
		bool drips = c->reply.plan.drip_bytes && (c->reply.plan.drip_head || c->sent >= c->head.len);
		if (drips && c->sent < c->total)
			return conn_drip(s, c);
	}
	return conn_sent(s, c);
}

/* Sends the answer, or as much as may go now. Returns true when all is out and the next request may be looked at. */
static bool
conn_start(struct server *s, struct conn *c)
{
	const struct plan *plan = &c->reply.plan;

	reply_serialize(&c->reply, &c->head, c->keep_alive && !plan->close);
	uint64_t body = c->reply.status == 204 || c->reply.status == 304 ? 0 : c->reply.body.len * (plan->repeat + 1);
	uint64_t whole = c->head.len + body;
	uint64_t cut = plan->cut_head ? plan->cut_after : c->head.len + plan->cut_after;
	c->sent = 0;
	c->total = plan->cut && cut < whole ? cut : whole;
	if (plan->silence) {
		conn_enter(s, c, CONN_SILENT);
		return false;
	}
	if (plan->delay_ms > 0) {
		c->wake_ms = clock_mono_ms(s->setup.clock) + plan->delay_ms;
		conn_enter(s, c, CONN_WAITING);
		return false;
	}
	c->state = CONN_WRITING; /* epoll is told only when the socket is full */
	return conn_write(s, c) && c->state == CONN_READING;
}

/* ---- receiving ---- */

static void
conn_compact(struct conn *c)
{
	if (c->in_at == c->in.len)
		buf_clear(&c->in);
	else if (c->in_at)
		memmove(c->in.p, c->in.p + c->in_at, c->in.len -= c->in_at);
	c->in_at = 0;
}

/* Answers the next whole request in the buffer. Returns true when there may be another one. */
static bool
conn_step(struct server *s, struct conn *c)
{
	struct request r;
	struct slice bytes = slice_of(c->in.p + c->in_at, c->in.len - c->in_at);
	size_t used = 0;
	enum request_state state = bytes.len ? request_parse(&r, bytes, &c->chunks, &used) : REQUEST_PARTIAL;

	if (state == REQUEST_EXPECTS && !c->expected)
		c->expected = send(c->fd, "HTTP/1.1 100 Continue\r\n\r\n", 25, MSG_NOSIGNAL) == 25;
	if (state == REQUEST_EXPECTS || state == REQUEST_PARTIAL) {
		conn_compact(c);
		return false;
	}
	c->expected = false;
	c->keep_alive = state == REQUEST_WHOLE && r.keep_alive;
	r.came_ms = c->came_ms;
	if (state == REQUEST_WHOLE)
		s->setup.handle(s->setup.arg, &r, &c->reply);
	else
		reply_error(&c->reply, 400, "this is no HTTP/1.1 request");
	c->in_at += used;
	return conn_start(s, c);
}

static void
conn_serve(struct server *s, struct conn *c)
{
	while (conn_step(s, c))
		;
}

/* How long ago the bytes of a message came, by the kernel: on a busy machine that is long before they are read. */
static int64_t
message_age_ms(struct server *s, struct msghdr *m)
{
	struct timespec came;
	int64_t us = 0;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c))
		if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_TIMESTAMPNS) {
			memcpy(&came, CMSG_DATA(c), sizeof(came));
			us = clock_wall_us(s->setup.clock) - came.tv_sec * INT64_C(1000000) - came.tv_nsec / 1000;
		}
	return us > 0 && us < 60000000 ? us / 1000 : 0; /* not when the clock was set meanwhile */
}

static void
conn_read(struct server *s, struct conn *c)
{
	enum { ONCE = 16384 };
	union { struct cmsghdr align; char room[256]; } extra;

	buf_reserve(&c->in, ONCE);
	struct iovec to = {c->in.p + c->in.len, ONCE};
	struct msghdr m = {.msg_iov = &to, .msg_iovlen = 1, .msg_control = &extra, .msg_controllen = sizeof(extra)};
	ssize_t n = recvmsg(c->fd, &m, 0);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		conn_free(s, c);
		return;
	}
	c->in.len += (size_t)n;
	c->came_ms = clock_mono_ms(s->setup.clock) - message_age_ms(s, &m);
	conn_serve(s, c);
}

static void
conn_event(struct server *s, struct conn *c, uint32_t events)
{
	if (c->state == CONN_READING)
		conn_read(s, c);
	else if (events & (EPOLLHUP | EPOLLERR | EPOLLRDHUP))
		conn_free(s, c);
	else if (c->state == CONN_WRITING && conn_write(s, c) && c->state == CONN_READING)
		conn_serve(s, c);
}

/* ---- the loop ---- */

static void
server_wake(struct server *s, int64_t now)
{
	struct conn *next;

	for (struct conn *c = s->conns; c && s->waiting; c = next) {
		next = c->next;
		if (c->state != CONN_WAITING || c->wake_ms > now)
			continue;
		conn_enter(s, c, CONN_WRITING);
		if (conn_write(s, c) && c->state == CONN_READING)
			conn_serve(s, c);
	}
}

static int
server_timeout(const struct server *s, int64_t now, int64_t end)
{
	int64_t due = end;

	if (s->waiting)
		for (const struct conn *c = s->conns; c; c = c->next)
			if (c->state == CONN_WAITING && c->wake_ms < due)
				due = c->wake_ms;
	return due <= now ? 0 : due - now > 60000 ? 60000 : (int)(due - now);
}

int
server_run(struct server *s, const volatile sig_atomic_t *stop)
{
	int64_t now = clock_mono_ms(s->setup.clock), end = now + s->setup.lifetime_ms;
	sigset_t unblocked;

	sigemptyset(&unblocked);
	while (!*stop && now < end) {
		struct epoll_event events[64];
		int n = epoll_pwait(s->epoll, events, (int)LENGTH(events), server_timeout(s, now, end), &unblocked);
		for (int i = 0; i < n; i++)
			if (events[i].data.ptr)
				conn_event(s, events[i].data.ptr, events[i].events);
			else
				server_accept(s);
		now = clock_mono_ms(s->setup.clock);
		if (s->waiting)
			server_wake(s, now);
	}
	return 0;
}

void
server_free(struct server *s)
{
	if (!s)
		return;
	while (s->conns)
		conn_free(s, s->conns);
	if (s->epoll >= 0)
		close(s->epoll);
	if (s->listener >= 0)
		close(s->listener);
	free(s);
}
