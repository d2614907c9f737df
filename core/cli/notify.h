/* notify.h - what a service tells systemd (sd_notify(3)): one datagram to $NOTIFY_SOCKET; without it nothing happens. */
#ifndef SLUICE_CLI_NOTIFY_H
#define SLUICE_CLI_NOTIFY_H

#include <stdint.h>

void notify_send(const char *fmt, ...) __attribute__((format(printf, 1, 2))); /* "READY=1\nSTATUS=..." */
int64_t notify_watchdog_ms(void); /* how often WATCHDOG=1 is to be sent; 0: never */

#endif
