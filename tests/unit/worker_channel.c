/* worker_channel.c - the worker's end of the channel: frames in pieces, pending ones, and what ends the process. */
#include "worker/channel.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include "../tap.h"

static int pair[2];

static void
begin(struct channel *ch, enum wire_phase phase)
{
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair))
		printf("# no socketpair\n");
	channel_init(ch, pair[0]);
	ch->phase = phase;
}

static void
finish(struct channel *ch)
{
	close(pair[0]);
	close(pair[1]);
	buf_free(&ch->in);
}

static struct buf
stop_frame(const char *text)
{
	struct buf b = {0};
	size_t at = frame_begin(&b, MSG_STOP, 0, 0);

	buf_u8(&b, 1);
	buf_bytes(&b, slice_str(text));
	frame_end(&b, at);
	return b;
}

static void
host_puts(struct slice s)
{
	if (write(pair[1], s.p, s.len) != (ssize_t)s.len)
		printf("# short write\n");
}

TEST("frames are taken in order, however the bytes are cut, and polling never waits")
{
	struct channel ch;
	struct buf a = stop_frame("one"), b = stop_frame("two");
	struct frame f;

	begin(&ch, PHASE_STEP);
	CHECK(!channel_poll(&ch));
	host_puts(slice_of(a.p, 5));
	CHECK(!channel_poll(&ch));
	host_puts(slice_of(a.p + 5, a.len - 5));
	host_puts(slice_of(b.p, b.len - 1));
	CHECK(channel_poll(&ch));
	channel_next(&ch, &f);
	CHECK(f.type == MSG_STOP && slice_eq(f.body, slice_of(a.p + FRAME_HEADER, a.len - FRAME_HEADER)));
	CHECK(!channel_poll(&ch));
	host_puts(slice_of(b.p + b.len - 1, 1));
	channel_next(&ch, &f);
	CHECK(slice_eq(f.body, slice_of(b.p + FRAME_HEADER, b.len - FRAME_HEADER)));
	buf_free(&a);
	buf_free(&b);
	finish(&ch);
}

TEST("serials count from one and never are zero")
{
	struct channel ch = {.serial = UINT32_MAX - 1};

	CHECK_INT(channel_serial(&ch), UINT32_MAX);
	CHECK_INT(channel_serial(&ch), 1);
	CHECK_INT(channel_serial(&ch), 2);
}

TEST("four frames of a megabyte go through a small socket whole, while the other side is slow")
{
	struct channel ch;
	struct buf out = {0}, back = {0};
	size_t at, n = 0;
	pid_t pid;

	begin(&ch, PHASE_STEP);
	for (int i = 0; i < 4; i++) {
		at = frame_begin(&out, MSG_REPLY, 0, 0);
		memset(buf_grow(&out, FRAME_MAX), 'a' + i, FRAME_MAX);
		frame_end(&out, at);
	}
	n = out.len;
	pid = fork();
	if (pid == 0) {
		close(pair[1]);
		fcntl(pair[0], F_SETFL, O_NONBLOCK); /* as a plugin might have done */
		channel_send(&ch, &out);
		_exit(out.len ? 1 : 0);
	}
	while (back.len < n) {
		ssize_t got = read(pair[1], buf_grow(&back, 10000), 10000);

		back.len -= 10000 - (size_t)(got > 0 ? got : 0);
		if (got <= 0)
			break;
	}
	CHECK(slice_eq(buf_view(&back), buf_view(&out)));
	waitpid(pid, NULL, 0);
	buf_free(&out);
	buf_free(&back);
	finish(&ch);
}

/* The exit status of a process that waits for the next frame when the host has sent this and closed. Its words go to
 * `said`. */
static int
end_of(struct slice sent, enum wire_phase phase, char said[256])
{
	struct channel ch;
	struct frame f;
	int words[2], status;
	ssize_t n;
	pid_t pid;

	begin(&ch, phase);
	if (pipe(words))
		return -1;
	host_puts(sent);
	shutdown(pair[1], SHUT_WR);
	pid = fork();
	if (pid == 0) {
		dup2(words[1], 2);
		channel_next(&ch, &f);
		_exit(99);
	}
	close(words[1]);
	n = read(words[0], said, 255);
	said[n > 0 ? n : 0] = '\0';
	close(words[0]);
	waitpid(pid, &status, 0);
	finish(&ch);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

TEST("a host that is gone, talks nonsense, or says exit ends the process with the status for it, and one line")
{
	struct buf stop = stop_frame("x"), leave = {0};
	char said[256];

	frame_end(&leave, frame_begin(&leave, MSG_EXIT, 0, 0));
	CHECK_INT(end_of(SLICE(""), PHASE_STEP, said), EXIT_LOST);
	CHECK_STR(said, "the host closed the channel\n");
	CHECK_INT(end_of(slice_of(stop.p, stop.len - 1), PHASE_STEP, said), EXIT_LOST);
	CHECK_INT(end_of(buf_view(&stop), PHASE_START, said), EXIT_PROTOCOL);
	CHECK_STR(said, "the host sent the message 'stop', which may not come while the worker starts\n");
	CHECK_INT(end_of(SLICE("nonsense nonsense"), PHASE_STEP, said), EXIT_PROTOCOL);
	CHECK_HAS(said, "unknown type");
	CHECK_INT(end_of(buf_view(&leave), PHASE_STEP, said), EXIT_DONE);
	CHECK_STR(said, "");
	CHECK_INT(end_of(buf_view(&leave), PHASE_IDLE, said), EXIT_DONE);
	CHECK_INT(end_of(buf_view(&stop), PHASE_STEP, said), 99);
	buf_free(&stop);
	buf_free(&leave);
}
