/* listen.c - the sockets that are listened on, opened here and not by libmicrohttpd, so that a message names address and reason.
 *
 * A unix socket is 0660 and so the group's of its directory; one that was left behind is replaced, but only when nobody
 * answers on it. Awkward: an address is numeric ("localhost" is 127.0.0.1): where one listens is not asked of a name server. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include "base/mem.h"
#include "http/inner.h"

#define BACKLOG 512

static int
refuse(struct err *err, const char *text, const char *remedy)
{
	return err_set(err, ERR_USAGE, "listen %s: %s; %s", text, strerror(errno), remedy);
}

static bool
somebody_listens(const struct sockaddr_un *at)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	bool yes = fd >= 0 && (connect(fd, (const struct sockaddr *)at, sizeof *at) == 0 || errno == EAGAIN);

	if (fd >= 0)
		close(fd);
	return yes;
}

static int
unix_open(struct listener *l, const char *path, struct err *err)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	struct stat st;
	mode_t before;
	int rc;

	if (strlen(path) >= sizeof at.sun_path)
		return err_set(err, ERR_USAGE, "listen %s: the path is longer than %zu bytes", l->text, sizeof at.sun_path - 1);
	memcpy(at.sun_path, path, strlen(path));
	if (lstat(path, &st) == 0) {
		if (!S_ISSOCK(st.st_mode))
			return err_set(err, ERR_USAGE, "listen %s: there is something else than a socket; give another path", l->text);
		if (somebody_listens(&at))
			return err_set(err, ERR_USAGE, "listen %s: another process listens there", l->text);
		unlink(path);
	}
	l->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	before = umask(0117);
	rc = l->fd < 0 ? -1 : bind(l->fd, (const struct sockaddr *)&at, sizeof at);
	umask(before);
	if (rc != 0)
		return refuse(err, l->text, "is the directory there, and writable?");
	l->path = xstrdup(path);
	return listen(l->fd, BACKLOG) == 0 ? 0 : refuse(err, l->text, "give another path");
}

/* "127.0.0.1:3003", "[::1]:3003", "localhost:3003", "*:3003" is 0.0.0.0. */
static int
address_read(const char *text, struct sockaddr_storage *at, struct err *err)
{
	const char *colon = strrchr(text, ':');
	char host[64];
	size_t len = colon ? (size_t)(colon - text) : 0;
	int port = colon ? atoi(colon + 1) : 0;

	if (!colon || len == 0 || len >= sizeof host)
		return err_set(err, ERR_USAGE, "listen %s: say ADDRESS:PORT or unix:PATH", text);
	memcpy(host, text, len);
	host[len] = '\0';
	if (*host == '[' && host[len - 1] == ']') {
		host[len - 1] = '\0';
		if (uv_ip6_addr(host + 1, port, (struct sockaddr_in6 *)at) == 0)
			return 0;
	}
	if (uv_ip4_addr(strcmp(host, "localhost") == 0 ? "127.0.0.1" : strcmp(host, "*") == 0 ? "0.0.0.0" : host, port,
	                (struct sockaddr_in *)at) == 0)
		return 0;
	return err_set(err, ERR_USAGE, "listen %s: '%s' is no numeric address, like 127.0.0.1 or [::1]", text, host);
}

static int
inet_open(struct listener *l, struct err *err)
{
	struct sockaddr_storage at = {0};
	socklen_t len;
	int on = 1;

	if (address_read(l->text, &at, err) != 0)
		return -1;
	len = at.ss_family == AF_INET6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
	l->fd = socket(at.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (l->fd < 0)
		return refuse(err, l->text, "does this machine know such addresses?");
	setsockopt(l->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	if (at.ss_family == AF_INET6)
		setsockopt(l->fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
	if (bind(l->fd, (const struct sockaddr *)&at, len) != 0 || listen(l->fd, BACKLOG) != 0)
		return refuse(err, l->text, "give another address or port to [host] listen, or none");
	if (getsockname(l->fd, (struct sockaddr *)&at, &len) != 0)
		return refuse(err, l->text, "give another address");
	l->port = ntohs(at.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&at)->sin6_port : ((struct sockaddr_in *)&at)->sin_port);
	return 0;
}

int
listener_open(struct listener *l, const char *text, struct err *err)
{
	int rc;

	*l = (struct listener){.text = xstrdup(text), .fd = -1};
	rc = strncmp(text, "unix:", 5) == 0 ? unix_open(l, text + 5, err) : inet_open(l, err);
	if (rc != 0)
		listener_close(l);
	return rc;
}

void
listener_close(struct listener *l)
{
	if (l->fd >= 0)
		close(l->fd);
	if (l->path)
		unlink(l->path);
	free(l->path);
	free(l->text);
	*l = (struct listener){.fd = -1};
}
