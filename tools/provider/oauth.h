/* oauth.h - the provider's OAuth 2 server: what it remembers. */
#ifndef PROVIDER_OAUTH_H
#define PROVIDER_OAUTH_H

#include <stdint.h>

#define OAUTH_FAMILIES 256

struct oauth_family { /* all tokens that derive from one permission */
	char name[64];
	uint64_t issued;    /* the number of its newest tokens; 0: only the first refresh token, which somebody configured */
	uint64_t confirmed; /* the number of those that were used last */
	uint64_t dead;      /* up to here all others are void */
};

struct oauth_server {
	struct oauth_family families[OAUTH_FAMILIES];
	uint64_t count;
	uint64_t grants[4], refused, api, api_refused; /* requests; grants by their row in oauth.c */
	uint64_t codes;
	char challenge[128], verifier[160], redirect[256]; /* of the last code */
};

#endif
