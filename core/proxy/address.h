/* address.h - may a request go there? Socket addresses that are on the public internet, and hosts as text.
 *
 * What counts is the address that is connected to, after names are resolved; spellings of a host in a URL are never
 * judged. */
#ifndef SLUICE_PROXY_ADDRESS_H
#define SLUICE_PROXY_ADDRESS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include "base/buf.h"

#define ADDRESS_TEXT_MAX 64

bool address_public(const struct sockaddr *sa); /* false also for families other than IPv4 and IPv6 */
bool address_public_text(const char *ip);       /* "192.0.2.1", "2001:db8::1%eth0"; false: not public or no address */
const char *address_text(const struct sockaddr *sa, char out[ADDRESS_TEXT_MAX]);

/* Is host:port named by an entry "host", "host:port", "[v6]" or "[v6]:port"? An entry without a port means any port,
 * or, with `strict`, the usual port only. Case and one trailing dot do not matter. */
bool address_named(const char *entry, const char *host, uint16_t port, uint16_t usual, bool strict);

#endif
