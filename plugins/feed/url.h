/* url.h - references in feeds, resolved (RFC 3986, section 5.2). */
#ifndef FEED_URL_H
#define FEED_URL_H

/* What ref means at base. base may be a path alone, or NULL: what cannot be resolved stays as it is. White space at
 * both ends of ref is none of it. Yours. */
char *url_resolve(const char *base, const char *ref);
/* Path and query of an absolute URL, "/" where it has none; a path stays itself. Borrowed from url. */
const char *url_path(const char *url);

#endif
