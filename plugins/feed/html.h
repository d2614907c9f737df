/* html.h - the entities of HTML 4, which feeds use without declaring them. */
#ifndef FEED_HTML_H
#define FEED_HTML_H

/* The code point of "nbsp"; 0: there is no such entity. */
unsigned html_entity(const char *name);

#endif
