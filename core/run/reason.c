/* reason.c - a refused answer in the provider's own words.
 *
 * The worker tells which request was answered with which status and a glimpse of the body; the host still has that
 * body. Where it is JSON and holds a sentence at one of the places that APIs put it, the sentence takes the glimpse's
 * place: it is what a person needs ("Expired API Key provided", the name of a missing permission). */
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "run/inside.h"

/* Every end of a run carries one of seven words, besides success: whom it concerns, and what the schedule does about it.
 * The connector's own word for it is turned into a class in session.c (`statuses`), an HTTP status in refusal_class. */
static const enum err_class carried[ERR_CLASSES] = {
	[ERR_NONE] = ERR_NONE,
	[ERR_CREDENTIALS] = ERR_CREDENTIALS, /* refused by the provider: a person must act */
	[ERR_RATE] = ERR_RATE,               /* its limit or quota, longer than a run may wait */
	[ERR_PROVIDER] = ERR_PROVIDER,       /* it failed, or cannot be reached: passes */
	[ERR_DATA] = ERR_DATA,               /* answers or records are not what was promised */
	[ERR_CONNECTOR] = ERR_CONNECTOR,     /* the plugin crashed, hung, broke a promise, or said that it failed */
	[ERR_HOST] = ERR_HOST,               /* disk, memory, store */
	[ERR_BUSY] = ERR_HOST,               /* superseded: somebody else has the sync */
	[ERR_USAGE] = ERR_USAGE,             /* never once it runs, but for an address that the operator did not allow */
	[ERR_STOPPED] = ERR_STOPPED,         /* by a person, the host's end, or a limit */
};

const char *
reason_class(enum err_class cls)
{
	return err_class_name(cls < ERR_CLASSES ? carried[cls] : ERR_HOST);
}

#define SENTENCE_MAX 400u /* bytes of it that are kept */

static const char *const places[] = {
	"error.message",
	"error_description",
	"error.errors.0.message",
	"errors.0.message",
	"errors.0.detail",
	"errors.0",
	"0.message",
	"message",
	"detail",
	"error.description",
	"error",
};

static bool
sentence_find(struct slice body, struct slice *sentence)
{
	if (!json_check(body, JSON_DEPTH_MAX, NULL))
		return false;
	for (size_t i = 0; i < LENGTH(places); i++)
		if (json_path(body, places[i], sentence) && json_type(*sentence) == JSON_STRING && sentence->len > 4)
			return true;
	return false;
}

/* Cut between characters, not inside one. */
static size_t
cut_at(const struct buf *text, size_t max)
{
	size_t n = text->len < max ? text->len : max;

	while (n > 0 && n < text->len && ((unsigned char)text->p[n] & 0xc0) == 0x80)
		n--;
	return n;
}

void
reason_write(const struct run *r, struct slice reason, struct buf *out)
{
	static const char mark[] = " answered status ";
	struct buf words = {0};
	struct slice sentence;
	const char *at;

	buf_slice(out, reason);
	at = memmem(out->p, out->len, mark, sizeof mark - 1);
	if (!at || !sentence_find(buf_view(&r->answer), &sentence) || !json_unquote(sentence, &words))
		goto out;
	out->len = (size_t)(at - out->p) + sizeof mark - 1 + 3; /* "... answered status 403" */
	if (out->len > reason.len)
		out->len = reason.len;
	buf_puts(out, ": ");
	for (size_t i = 0; i < words.len; i++)
		if ((unsigned char)words.p[i] < 0x20)
			words.p[i] = ' ';
	buf_put(out, words.p, cut_at(&words, SENTENCE_MAX));
out:
	buf_free(&words);
}
