/* notify.c - see notify.h. The socket is a path, or with @ in front an abstract name. A datagram that cannot be sent is
 * dropped: systemd then does what it does with a service that says nothing, which is its operator's choice. */
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include "cli/notify.h"

void
notify_send(const char *fmt, ...)
{
	const char *name = getenv("NOTIFY_SOCKET");
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	char text[512];
	size_t len = name ? strlen(name) : 0;
	va_list ap;
	int fd, n;

	if (len < 2 || len >= sizeof to.sun_path || (*name != '/' && *name != '@'))
		return;
	va_start(ap, fmt);
	n = vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	memcpy(to.sun_path, name, len);
	if (*name == '@')
		to.sun_path[0] = 0;
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || n < 0)
		return;
	if ((size_t)n >= sizeof text)
		n = sizeof text - 1;
	sendto(fd, text, (size_t)n, MSG_NOSIGNAL | MSG_DONTWAIT, (struct sockaddr *)&to,
	       (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len));
	close(fd);
}

int64_t
notify_watchdog_ms(void)
{
	const char *usec = getenv("WATCHDOG_USEC"), *pid = getenv("WATCHDOG_PID");
	long long us = usec ? atoll(usec) : 0;

	if (us <= 0 || (pid && atoll(pid) != (long long)getpid()))
		return 0;
	return us / 2000 > 0 ? us / 2000 : 1;
}
