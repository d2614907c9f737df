/* ask.c - one request to a running provider, so that shell scripts need no HTTP client.
 *
 *   AT requests [log=1] | data | reset | set plain.records=500 | mutate change=1% drop=1% | faults [JSON ...]
 *   AT get /any/path              what the provider serves there
 *
 * Words like name=value become the query, words that begin with { or [ the body (several: an array of them). Whether it
 * is a GET or a POST, the verb says; faults is a GET when there is no body. Waits at most half a minute. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>
#include "ask.h"
#include "base/buf.h"
#include "base/mem.h"

static int
port_connect(const char *at, struct err *err)
{
	const char *digits = strrchr(at, ':');
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	const struct timeval patience = {.tv_sec = 30};
	long port = strtol(digits ? digits + 1 : at, NULL, 10);

	if (port <= 0 || port > 65535)
		return err_set(err, ERR_USAGE, "--control %s: say http://127.0.0.1:PORT, or the port", at);
	to.sin_port = htons((uint16_t)port);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0) {
		err_set(err, ERR_USAGE, "no provider answers at port %ld: %s", port, strerror(errno));
		if (fd >= 0)
			close(fd);
		return -1;
	}
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	return fd;
}

static void
escape_put(struct buf *b, const char *text)
{
	for (; *text; text++)
		if (strchr("%&+ #\"<>", *text))
			buf_printf(b, "%%%02X", (unsigned char)*text);
		else
			buf_putc(b, *text);
}

static void
request_write(struct buf *out, char *const *words)
{
	static const char *const reads[] = {"requests", "data", "oauth", "faults", NULL};
	bool plain = strcmp(words[1], "get") == 0, get = plain;
	struct buf target = {0}, body = {0};
	size_t parts = 0;
	char mark = '?';

	for (size_t i = 0; reads[i]; i++)
		get |= !strcmp(words[1], reads[i]);
	if (!plain)
		buf_printf(&target, "/_control/%s", words[1]);
	for (char *const *w = words + 2; *w; w++) {
		if (**w == '{' || **w == '[') {
			buf_printf(&body, "%s%s", parts++ ? "," : "", *w);
			get = false;
		} else if (plain) {
			buf_puts(&target, *w);
		} else {
			buf_putc(&target, mark);
			escape_put(&target, *w);
			mark = '&';
		}
	}
	bool several = parts > 1;
	buf_printf(out, "%s %s HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nContent-Length: %zu\r\n\r\n%s%s%s",
	           get ? "GET" : "POST", buf_str(&target), body.len + (several ? 2u : 0u), several ? "[" : "",
	           buf_str(&body), several ? "]" : "");
	buf_free(&target);
	buf_free(&body);
}

int
ask(char *const *words, struct err *err)
{
	struct buf out = {0}, in = {0};
	int rc = -1;

	if (!words[0] || !words[1])
		return err_set(err, ERR_USAGE, "--control wants AT VERB; the verbs stand in tools/provider/README.md");
	int fd = port_connect(words[0], err);
	if (fd < 0)
		return -1;
	request_write(&out, words);
	for (size_t sent = 0; sent < out.len;) {
		ssize_t n = send(fd, out.p + sent, out.len - sent, MSG_NOSIGNAL);
		if (n <= 0)
			goto cut;
		sent += (size_t)n;
	}
	for (ssize_t n = 1; n > 0;) {
		buf_reserve(&in, 65536);
		if ((n = recv(fd, in.p + in.len, 65536, 0)) < 0)
			goto cut;
		in.len += (size_t)n;
	}
	const char *text = buf_str(&in), *body = strstr(text, "\r\n\r\n");
	if (!body || strncmp(text, "HTTP/1.1 200", 12) != 0) {
		err_set(err, ERR_DATA, "the provider answers %s", body ? body + 4 : "nothing");
	} else {
		body += 4;
		fwrite(body, 1, in.len - (size_t)(body - text), stdout);
		putchar('\n');
		rc = 0;
	}
	goto out;
cut:
	err_set(err, ERR_PROVIDER, "the provider did not answer: %s", strerror(errno));
out:
	close(fd);
	buf_free(&out);
	buf_free(&in);
	return rc;
}
