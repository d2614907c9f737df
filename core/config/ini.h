/* ini.h - INI text as sections and entries, each with its line.
 *
 * The grammar, so that nobody has to guess:
 *   [section]       its name is what stands between the brackets, without the white space around it
 *   name = value    also indented; name is made of letters, digits and . _ - ; white space around the value is dropped
 *   ; or #          first thing on a line: a comment line. Further right, `;` begins a comment only after white space and
 *                   outside quotes and brackets; `#` never does
 *   a value that begins with [ { or " and is not closed in its line goes on in the indented lines below (a line that
 *   begins with ] or } counts as indented); each line break with its indentation becomes one blank.
 * Lines may be of any length, end in LF or CRLF, and the last one need not end at all. One byte order mark is skipped. */
#ifndef SLUICE_CONFIG_INI_H
#define SLUICE_CONFIG_INI_H

#include "base/buf.h"

#define INI_NAME_MAX 100 /* bytes of a key's name */

/* Called in the order of the text; all strings are borrowed until the call returns. */
struct ini_sink {
	/* Every header, also of empty and repeated sections. name NULL: a faulty one, whose entries belong nowhere. */
	void (*section)(void *arg, const char *name, unsigned line);
	void (*entry)(void *arg, const char *name, const char *value, unsigned line);
	void (*fault)(void *arg, unsigned line, const char *what); /* a sentence without the place; never a value */
	void *arg;
};

/* Reads it all. After a fault it goes on with the next line, but NUL and bytes that are not UTF-8 end it at once: that
 * is no text file, and every further message would be noise. */
void ini_read(struct slice text, const struct ini_sink *to);

#endif
