/* date.h - the times of feeds, in all the ways they are written, as RFC 3339 in UTC. */
#ifndef FEED_DATE_H
#define FEED_DATE_H

#include <stdbool.h>

#define DATE_MAX 40 /* bytes, with the NUL */

/* RFC 3339 and its shorter forms ("2003-12"), RFC 822 with two or four digits of the year. false: it is neither, and to
 * is "". A time without a zone is UTC. */
bool date_read(const char *text, char to[DATE_MAX]);
/* Of two results of date_read: is a after b? "" is before all. */
bool date_after(const char *a, const char *b);

#endif
