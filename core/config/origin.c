/* origin.c - where a value stands, as a message says it: a file with its line, or a place that has no lines. */
#include <stdio.h>
#include "config/settings.h"

const char *
origin_text(struct origin at, char text[ORIGIN_MAX])
{
	if (at.line)
		snprintf(text, ORIGIN_MAX, "%s:%u", at.file, at.line);
	else
		snprintf(text, ORIGIN_MAX, "%s", at.file ? at.file : "default");
	return text;
}
