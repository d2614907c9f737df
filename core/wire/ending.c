/* ending.c - why a worker ended, in words.
 *
 * Guarantee: the reason names the signal or the status, the phase, and for a crash what that signal usually means, so
 * that an operator need not look it up; what the worker wrote is shown cut and printable, for a plugin wrote it.
 * Awkward: what it wrote may be no sentence. Only the first line with a letter in it is shown. */
#include "wire/ending.h"

#include <ctype.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "base/mem.h"

#define WORDS_MAX 4096
#define WORDS_SHOWN 300

static const char *
signal_name(int signal)
{
	const char *name = sigabbrev_np(signal);

	return name ? name : "?";
}

static const char *
signal_hint(int signal)
{
	return signal == SIGSYS    ? ": it made a system call that the sandbox forbids"
	       : signal == SIGSEGV ? ": it used memory that is not its own"
	       : signal == SIGXCPU ? ": it used up its CPU time"
	                           : "";
}

/* The first line with a letter in it of what it wrote on stderr, printable: " (it wrote: ...)". */
static char *
words_read(int from)
{
	char text[WORDS_MAX + 1], *line = text;
	ssize_t n = read(from, text, WORDS_MAX);
	size_t len = 0, letters = 0;

	text[n > 0 ? n : 0] = '\0';
	for (; *line && !letters; line += letters ? 0 : len + (line[len] != '\0')) {
		len = strcspn(line, "\n");
		for (size_t i = 0; i < len; i++)
			letters += isalpha((unsigned char)line[i]) != 0;
	}
	for (size_t i = 0; i < len && letters; i++)
		if ((unsigned char)line[i] < 0x20 || (unsigned char)line[i] > 0x7e)
			line[i] = '?';
	return letters ? xasprintf(" (it wrote: %.*s)", (int)(len < WORDS_SHOWN ? len : WORDS_SHOWN), line)
	               : xstrdup("");
}

const char *
ending_phase(enum wire_phase phase)
{
	switch (phase) {
	case PHASE_START:
		return "before its sandbox stood";
	case PHASE_LOAD:
		return "while the plugin was loaded";
	case PHASE_STEP:
		return "in the middle of a function";
	default:
		return "without being told to";
	}
}

/* What a status usually means; one of ours comes with words. */
static const char *
status_hint(const struct ending *e, const char *words)
{
	if (strstr(words, "out of memory"))
		return "; the most it may have is worker_memory in [host]";
	return e->phase == PHASE_STEP && !*words ? "; a connector's function returns, it calls no exit()" : "";
}

void
ending_explain(const struct ending *e, struct err *why)
{
	char *words = words_read(e->words);

	if (e->code != CLD_EXITED)
		err_set(why, ERR_CONNECTOR, "the worker was killed by SIG%s %s%s%s", signal_name(e->status),
		        ending_phase(e->phase), signal_hint(e->status), words);
	else if (e->half)
		err_set(why, ERR_CONNECTOR, "the worker ended with status %d and half a message%s", e->status, words);
	else if (e->status != 0 || !e->told)
		err_set(why, e->phase == PHASE_START ? ERR_HOST : ERR_CONNECTOR, "the worker ended with status %d %s%s%s",
		        e->status, ending_phase(e->phase), words, status_hint(e, words));
	free(words);
}
