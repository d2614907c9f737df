/* local_ask.c - the asking side of sluice.sock: blocking, for the command line.
 *
 * Awkward: the holder may end between our look at the lock and our question. That is ERR_BUSY, and the caller looks
 * again. An answer that breaks off in its middle is too, but only when no row of it was shown yet; later it is an
 * error. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>
#include "base/mem.h"
#include "run/member.h"
#include "serve/local.h"
#include "serve/local_path.h"

#define LINE_MAX_BYTES (64u << 20)

int
local_path_open(struct local_path *p, const char *data_dir, struct err *err)
{
	int n = snprintf(p->text, sizeof p->text, "%s/sluice.sock", data_dir);

	if (n > 0 && (size_t)n < sizeof p->text)
		return 0;
	p->dir = open(data_dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (p->dir < 0) {
		p->dir = 0;
		return err_set(err, ERR_BUSY, "%s: %s", data_dir, strerror(errno));
	}
	snprintf(p->text, sizeof p->text, "/proc/self/fd/%d/sluice.sock", p->dir);
	return 0;
}

void
local_path_close(struct local_path *p)
{
	if (p->dir)
		close(p->dir);
	p->dir = 0;
}

static int
local_connect(const char *data_dir, struct err *err)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	const struct timeval patience = {.tv_sec = 30};
	struct local_path path = {0};
	int fd;

	if (local_path_open(&path, data_dir, err) != 0)
		return -1;
	memcpy(address.sun_path, path.text, sizeof address.sun_path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) != 0) {
		err_set(err, ERR_BUSY, "%s/sluice.sock: %s", data_dir, strerror(errno));
		if (fd >= 0)
			close(fd);
		fd = -1;
	} else {
		setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
		setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
	}
	local_path_close(&path);
	return fd;
}

static int
question_write(int fd, struct slice question)
{
	struct buf line = {0};
	size_t at = 0;
	ssize_t n = 1;

	buf_slice(&line, question);
	buf_putc(&line, '\n');
	while (at < line.len && n > 0) {
		n = send(fd, line.p + at, line.len - at, MSG_NOSIGNAL);
		at += n > 0 ? (size_t)n : 0;
	}
	buf_free(&line);
	return n > 0 ? 0 : -1;
}

static int
error_take(struct slice error, struct err *err)
{
	char *code = member_text(error, "code"), *message = member_text(error, "message");

	err_set(err, code ? err_class_find(code) : ERR_HOST, "%s", message ? message : "?");
	if (message && strstr(message, QUERY_UNKNOWN))
		err_set(err, ERR_USAGE, "the running host is older than this program (%s), or of another version: %s; restart the host",
		        SLUICE_VERSION, message);
	free(code);
	free(message);
	return -1;
}

/* 1: that was the last line. 0: a row. -1: it was an error. */
static int
line_take(struct slice line, const struct query_sink *sink, struct buf *end, struct err *err)
{
	struct slice last, error;

	if (!json_check(line, JSON_DEPTH_MAX, NULL))
		return err_set(err, ERR_HOST, "sluice.sock gave an answer that is no JSON");
	if (json_count(line) == 1 && json_member(line, "end", &last)) {
		buf_slice(end, last);
		return 1;
	}
	if (json_count(line) == 1 && json_member(line, "error", &error))
		return error_take(error, err);
	sink->row(sink->arg, line);
	return 0;
}

static int
answer_read(int fd, const struct query_sink *sink, struct buf *end, struct err *err)
{
	struct buf in = {0};
	size_t from = 0;
	bool shown = false;
	ssize_t n;
	int rc = 0;

	while (rc == 0) {
		const char *nl = in.len > from ? memchr(in.p + from, '\n', in.len - from) : NULL;
		if (nl) {
			rc = line_take(slice_of(in.p + from, (size_t)(nl - in.p) - from), sink, end, err);
			from = (size_t)(nl - in.p) + 1;
			shown = true;
			continue;
		}
		if (from)
			memmove(in.p, in.p + from, in.len - from);
		in.len -= from;
		from = 0;
		buf_reserve(&in, 65536);
		n = in.len > LINE_MAX_BYTES ? 0 : recv(fd, in.p + in.len, 65536, 0);
		if (n > 0)
			in.len += (size_t)n;
		else
			rc = err_set(err, shown ? ERR_HOST : ERR_BUSY, "the holder of the store broke off its answer");
	}
	buf_free(&in);
	return rc > 0 ? 0 : -1;
}

int
local_ask(const char *data_dir, struct slice question, const struct query_sink *sink, struct buf *end, struct err *err)
{
	int fd = local_connect(data_dir, err), rc = -1;

	if (fd < 0)
		return -1;
	if (question_write(fd, question) != 0)
		err_set(err, ERR_BUSY, "%s/sluice.sock: %s", data_dir, strerror(errno));
	else
		rc = answer_read(fd, sink, end, err);
	close(fd);
	return rc;
}
