/* cursor.c - see cursor.h. 39 bytes as 52 characters of URL-safe base64: form, what, dataset, sequence, mark, time, stamp. */
#include <sodium.h>
#include <string.h>
#include "api/cursor.h"

#define FORM 1
#define PLAIN (2 + 1 + 4 + 3 * 8)
#define WHOLE (PLAIN + 8)

_Static_assert(WHOLE % 3 == 0, "every character of the text counts in full");

const char *
cursor_write(const struct store *s, const struct cursor *c, char text[CURSOR_TEXT_MAX])
{
	struct buf b = {0};

	buf_u16(&b, FORM);
	buf_u8(&b, (uint8_t)c->of);
	buf_u32(&b, c->dataset);
	buf_u64(&b, c->after);
	buf_u64(&b, c->began);
	buf_u64(&b, (uint64_t)c->at_us);
	buf_u64(&b, store_stamp(s, buf_view(&b)));
	sodium_bin2base64(text, CURSOR_TEXT_MAX, (const uint8_t *)b.p, b.len, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
	buf_free(&b);
	return text;
}

static int
cursor_none(const char *text, const char *why, struct err *err)
{
	return err_set(err, ERR_USAGE, "'%.60s' %s: take it from an earlier answer, or leave it out to begin", text, why);
}

/* The stamp is compared first: what stands before it is believed only then. */
int
cursor_read(const struct store *s, const char *text, struct cursor *c, struct err *err)
{
	uint8_t bytes[WHOLE];
	struct reader r;
	size_t len = 0;

	if (strlen(text) != WHOLE / 3 * 4 ||
	    sodium_base642bin(bytes, sizeof bytes, text, strlen(text), NULL, &len, NULL,
	                      sodium_base64_VARIANT_URLSAFE_NO_PADDING) != 0 ||
	    len != WHOLE)
		return cursor_none(text, "is no cursor", err);
	r = reader_of(slice_of(bytes + PLAIN, WHOLE - PLAIN));
	if (reader_u64(&r) != store_stamp(s, slice_of(bytes, PLAIN)))
		return cursor_none(text, "is no cursor that this store gave", err);
	r = reader_of(slice_of(bytes, PLAIN));
	if (reader_u16(&r) != FORM || reader_u8(&r) != c->of)
		return cursor_none(text, c->of == CURSOR_CHANGES ? "is no cursor of changes" : "is no cursor of records", err);
	if (reader_u32(&r) != c->dataset)
		return cursor_none(text, "is a cursor of another dataset", err);
	c->after = reader_u64(&r);
	c->began = reader_u64(&r);
	c->at_us = (int64_t)reader_u64(&r);
	return 0;
}
