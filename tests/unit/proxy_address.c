/* proxy_address.c - which addresses are public, by every spelling that the resolver takes; and hosts named by the
 * operator.
 *
 * The same spellings through URLs and real sockets: tests/flow/proxy_guard.c. */
#include <arpa/inet.h>
#include <netdb.h>
#include "../tap.h"
#include "base/mem.h"
#include "proxy/address.h"

/* As libcurl gets it: through getaddrinfo, numbers only. */
static int
is_public(const char *text)
{
	struct addrinfo hints = {.ai_flags = AI_NUMERICHOST, .ai_socktype = SOCK_STREAM}, *found;
	int result;

	if (getaddrinfo(text, "80", &hints, &found))
		return -1;
	result = address_public(found->ai_addr);
	freeaddrinfo(found);
	return result;
}

TEST("addresses of insides and of special ranges are not public, however they are spelled")
{
	static const char *const closed[] = {
	        "127.0.0.1",
	        "2130706433",
	        "0x7f.1",
	        "0x7f000001",
	        "0177.0.0.1",
	        "017700000001",
	        "127.1",
	        "127.0.1",
	        "127.255.255.255",
	        "0",
	        "0.0.0.0",
	        "0.1.2.3",
	        "0.255.255.255",
	        "10.0.0.0",
	        "10.255.255.255",
	        "100.64.0.0",
	        "100.127.255.255",
	        "169.254.0.0",
	        "169.254.169.254",
	        "0xa9fea9fe",
	        "172.16.0.0",
	        "172.31.255.255",
	        "192.0.0.0",
	        "192.0.0.255",
	        "192.0.2.1",
	        "192.88.99.1",
	        "192.168.0.0",
	        "192.168.255.255",
	        "198.18.0.0",
	        "198.19.255.255",
	        "198.51.100.1",
	        "203.0.113.1",
	        "224.0.0.0",
	        "239.255.255.255",
	        "240.0.0.0",
	        "255.255.255.255",
	        "::",
	        "::1",
	        "0:0:0:0:0:0:0:1",
	        "::127.0.0.1",
	        "::ffff:127.0.0.1",
	        "::ffff:7f00:1",
	        "::ffff:8.8.8.8",
	        "::ffff:0:127.0.0.1",
	        "fc00::",
	        "fdff:ffff::1",
	        "fe80::1",
	        "fe80::1%lo",
	        "febf::1",
	        "fec0::1",
	        "ff02::1",
	        "ff0e::1",
	        "64:ff9b::7f00:1",
	        "64:ff9b::808:808",
	        "64:ff9b:1::1",
	        "100::1",
	        "2001::1",
	        "2001:0:ffff::1",
	        "2001:1ff:ffff::1",
	        "2001:db8::1",
	        "2002:7f00:1::",
	        "2002:808:808::1",
	        "3fff::1",
	        "4000::1",
	        "5f00::1",
	};

	for (size_t i = 0; i < LENGTH(closed); i++) {
		CHECK_INT(is_public(closed[i]), 0);
		if (tap_bad)
			printf("# %s\n", closed[i]);
	}
}

TEST("the addresses right beside the special ranges, and well known ones, are public")
{
	static const char *const open[] = {
	        "1.0.0.0",        "8.8.8.8",         "9.255.255.255",   "11.0.0.0",        "100.63.255.255",
	        "100.128.0.0",    "126.255.255.255", "128.0.0.0",       "169.253.255.255", "169.255.0.0",
	        "172.15.255.255", "172.32.0.0",      "192.0.1.0",       "192.167.255.255", "192.169.0.0",
	        "198.17.255.255", "198.20.0.0",      "223.255.255.255", "2606:4700::1111", "2001:4860:4860::8888",
	        "2001:200::1",    "2003::1",         "2a00:1450::1",    "3ffe::1",
	};

	for (size_t i = 0; i < LENGTH(open); i++) {
		CHECK_INT(is_public(open[i]), 1);
		if (tap_bad)
			printf("# %s\n", open[i]);
		CHECK(address_public_text(open[i]));
	}
	CHECK(!address_public_text("127.0.0.1") && !address_public_text("::1") &&
	      !address_public_text("fe80::1%eth0") && !address_public_text("") && !address_public_text("name"));
	CHECK(!address_public(&(struct sockaddr){.sa_family = AF_UNIX}));
}

TEST("a host is named by an entry with or without its port")
{
	CHECK(address_named("api.example", "api.example", 8443, 443, false));
	CHECK(address_named("API.Example.", "api.example", 443, 443, true));
	CHECK(address_named("api.example", "api.example.", 443, 443, true));
	CHECK(!address_named("api.example", "api.example", 8443, 443, true));
	CHECK(address_named("api.example:8443", "api.example", 8443, 443, true));
	CHECK(!address_named("api.example:8443", "api.example", 443, 443, false));
	CHECK(!address_named("api.example", "evil-api.example", 443, 443, false));
	CHECK(!address_named("api.example", "api.example.evil", 443, 443, false));
	CHECK(!address_named("example", "api.example", 443, 443, false));
	CHECK(address_named("[::1]:80", "::1", 80, 80, true) && address_named("::1", "::1", 80, 80, true) &&
	      address_named("[::1]", "::1", 81, 80, false));
	CHECK(!address_named("", "", 80, 80, false) && !address_named("a:", "a", 80, 80, false) &&
	      !address_named("a:80x", "a", 80, 80, false));
}
