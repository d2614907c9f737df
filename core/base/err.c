/* err.c - the one place where a reason is put into words, and where a class becomes an exit code.
 *
 * Guarantee: the text is one line, always terminated, cut at a character's boundary when too long.
 * Awkward: err_prefix must put words before a text that lives in the same array, so it goes through a copy. Line
 * breaks and control bytes are turned into blanks, because the sentence often quotes what came from outside. */
#include "base/err.h"

#include <stdio.h>
#include <string.h>

static const struct {
	const char *name;
	int exit_code;
} classes[ERR_CLASSES] = {
	[ERR_NONE] = {"none", 0},
	[ERR_USAGE] = {"usage", 2},
	[ERR_CREDENTIALS] = {"credentials", 3},
	[ERR_BUSY] = {"busy", 4},
	[ERR_RATE] = {"rate", 75},
	[ERR_PROVIDER] = {"provider", 75},
	[ERR_DATA] = {"data", 1},
	[ERR_CONNECTOR] = {"connector", 1},
	[ERR_HOST] = {"host", 75},
	[ERR_STOPPED] = {"stopped", 130}, /* 143 when the signal was SIGTERM: who caught it knows */
};

/* One line, and no half of a UTF-8 character at the end. */
static void
text_tidy(char *text, size_t size)
{
	size_t len = strlen(text), last = len;
	unsigned char lead;

	for (size_t i = 0; i < len; i++)
		if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
			text[i] = ' ';
	if (len + 1 < size)
		return;
	while (last > 0 && ((unsigned char)text[last - 1] & 0xc0) == 0x80)
		last--;
	lead = last > 0 ? (unsigned char)text[last - 1] : 0;
	if (lead >= 0xc0 && len - last + 1 < (lead < 0xe0 ? 2u : lead < 0xf0 ? 3u : 4u))
		text[last - 1] = '\0';
}

/* Appends what fits. */
static void
text_add(char *text, size_t size, const char *more)
{
	size_t len = strlen(text), n = strnlen(more, size - len - 1);

	memcpy(text + len, more, n);
	text[len + n] = '\0';
}

int
err_setv(struct err *e, enum err_class cls, const char *fmt, va_list ap)
{
	char text[sizeof e->text];

	if (!e)
		return -1;
	/* By way of a copy: an argument may be the old text. */
	vsnprintf(text, sizeof text, fmt, ap);
	text_tidy(text, sizeof text);
	e->cls = cls;
	memcpy(e->text, text, sizeof text);
	return -1;
}

int
err_set(struct err *e, enum err_class cls, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	err_setv(e, cls, fmt, ap);
	va_end(ap);
	return -1;
}

int
err_prefix(struct err *e, const char *fmt, ...)
{
	char text[sizeof e->text];
	va_list ap;

	if (!e)
		return -1;
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	text_add(text, sizeof text, ": ");
	text_add(text, sizeof text, e->text);
	text_tidy(text, sizeof text);
	memcpy(e->text, text, sizeof text);
	return -1;
}

const char *
err_class_name(enum err_class cls)
{
	return (unsigned)cls < ERR_CLASSES ? classes[cls].name : "unknown";
}

enum err_class
err_class_find(const char *name)
{
	for (unsigned i = 0; name && i < ERR_CLASSES; i++)
		if (!strcmp(classes[i].name, name))
			return (enum err_class)i;
	return ERR_NONE;
}

int
err_exit_code(enum err_class cls)
{
	return (unsigned)cls < ERR_CLASSES ? classes[cls].exit_code : 70;
}
