/* address.c - one table of ranges that are not the public internet.
 *
 * Guarantee: an IPv6 address that carries an IPv4 address (mapped, compatible, NAT64, 6to4) is judged as not public
 * whatever it carries: no honest provider is reached that way, and translators turn them into the inside of
 * somebody's network.
 * Awkward: new special ranges are assigned now and then (RFC 6890 registries); for IPv6 the table is turned round,
 * only what is global unicast, 2000::/3, and not listed as special inside it, is public. */
#include "proxy/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "base/mem.h"

struct range4 {
	uint32_t first;
	unsigned bits;
};

#define IP4(a, b, c, d) ((uint32_t)(a) << 24 | (b) << 16 | (c) << 8 | (d))
static const struct range4 closed4[] = {
        {IP4(0, 0, 0, 0), 8},       /* "this network"; 0.0.0.0 reaches the machine itself */
        {IP4(10, 0, 0, 0), 8},      /* private */
        {IP4(100, 64, 0, 0), 10},   /* carrier's own (RFC 6598) */
        {IP4(127, 0, 0, 0), 8},     /* loopback */
        {IP4(169, 254, 0, 0), 16},  /* link-local, with the clouds' metadata services */
        {IP4(172, 16, 0, 0), 12},   /* private */
        {IP4(192, 0, 0, 0), 24},    /* protocol assignments */
        {IP4(192, 0, 2, 0), 24},    /* documentation */
        {IP4(192, 88, 99, 0), 24},  /* 6to4 relays */
        {IP4(192, 168, 0, 0), 16},  /* private */
        {IP4(198, 18, 0, 0), 15},   /* benchmarks */
        {IP4(198, 51, 100, 0), 24}, /* documentation */
        {IP4(203, 0, 113, 0), 24},  /* documentation */
        {IP4(224, 0, 0, 0), 4},     /* multicast */
        {IP4(240, 0, 0, 0), 4},     /* reserved, and broadcast */
};

struct range6 {
	uint8_t first[4]; /* the leading bytes; none of the ranges needs more */
	unsigned bits;
};

static const struct range6 closed6[] = {
        /* inside 2000::/3 */
        {{0x20, 0x01, 0x00, 0x00}, 23}, /* protocol assignments: Teredo 2001::/32, ORCHID, benchmarks */
        {{0x20, 0x01, 0x0d, 0xb8}, 32}, /* documentation */
        {{0x20, 0x02, 0x00, 0x00}, 16}, /* 6to4: an IPv4 address inside */
        {{0x3f, 0xff, 0x00, 0x00}, 20}, /* documentation (RFC 9637) */
};

static bool
bits_equal(uint32_t a, uint32_t b, unsigned bits)
{
	return ((a ^ b) >> (32 - bits)) == 0;
}

static bool
public4(uint32_t ip)
{
	for (size_t i = 0; i < LENGTH(closed4); i++)
		if (bits_equal(ip, closed4[i].first, closed4[i].bits))
			return false;
	return true;
}

static uint32_t
leading32(const uint8_t *p)
{
	return IP4(p[0], p[1], p[2], p[3]);
}

static bool
public6(const uint8_t ip[16])
{
	if ((ip[0] & 0xe0) != 0x20)
		return false;
	for (size_t i = 0; i < LENGTH(closed6); i++)
		if (bits_equal(leading32(ip), leading32(closed6[i].first), closed6[i].bits))
			return false;
	return true;
}

bool
address_public(const struct sockaddr *sa)
{
	struct sockaddr_in in;
	struct sockaddr_in6 in6;

	switch (sa->sa_family) {
	case AF_INET:
		memcpy(&in, sa, sizeof in);
		return public4(ntohl(in.sin_addr.s_addr));
	case AF_INET6:
		memcpy(&in6, sa, sizeof in6);
		return in6.sin6_scope_id == 0 && public6(in6.sin6_addr.s6_addr);
	default:
		return false;
	}
}

bool
address_public_text(const char *ip)
{
	struct in_addr v4;
	struct in6_addr v6;

	if (inet_pton(AF_INET, ip, &v4) == 1)
		return public4(ntohl(v4.s_addr));
	return inet_pton(AF_INET6, ip, &v6) == 1 && public6(v6.s6_addr); /* a zone ("%eth0") is no address here */
}

const char *
address_text(const struct sockaddr *sa, char out[ADDRESS_TEXT_MAX])
{
	struct sockaddr_in in;
	struct sockaddr_in6 in6;

	snprintf(out, ADDRESS_TEXT_MAX, "an unknown kind of address");
	if (sa->sa_family == AF_INET) {
		memcpy(&in, sa, sizeof in);
		inet_ntop(AF_INET, &in.sin_addr, out, ADDRESS_TEXT_MAX);
	} else if (sa->sa_family == AF_INET6) {
		memcpy(&in6, sa, sizeof in6);
		inet_ntop(AF_INET6, &in6.sin6_addr, out, ADDRESS_TEXT_MAX);
	}
	return out;
}

/* The host of an entry, without brackets and a trailing dot; and what follows it, "" or ":port". */
static struct slice
entry_host(const char *entry, const char **rest)
{
	size_t len;

	if (*entry == '[' && strchr(entry, ']')) {
		*rest = strchr(entry, ']') + 1;
		return slice_of(entry + 1, (size_t)(*rest - entry) - 2);
	}
	len = strchr(entry, ':') == strrchr(entry, ':') ? strcspn(entry, ":") : strlen(entry); /* bare IPv6: no port */
	*rest = entry + len;
	if (len && entry[len - 1] == '.')
		len--;
	return slice_of(entry, len);
}

bool
address_named(const char *entry, const char *host, uint16_t port, uint16_t usual, bool strict)
{
	const char *rest;
	struct slice name = entry_host(entry, &rest);
	size_t len = strlen(host);

	if (len && host[len - 1] == '.')
		len--;
	if (!len || name.len != len || strncasecmp(name.p, host, len))
		return false;
	if (*rest == ':') {
		char *end;
		unsigned long n = strtoul(rest + 1, &end, 10);

		return end != rest + 1 && !*end && n == port;
	}
	return !*rest && (!strict || port == usual);
}
