/* buf.h - slices of bytes that somebody else owns, a buffer that grows, and a reader that cannot run over.
 *
 * Fixed-width integers are little-endian, as on the wire; the be variants make keys that sort.
 * A reader that is asked for more than is there turns bad, and from then on yields zeros and empty slices: check
 * reader_end() once at the end, which also refuses bytes left over. */
#ifndef SLUICE_BASE_BUF_H
#define SLUICE_BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct slice {
	const char *p; /* borrowed; not NUL-terminated; may be NULL when len is 0 */
	size_t len;    /* bytes */
};

#define SLICE(literal) ((struct slice){(literal), sizeof(literal) - 1})
struct slice slice_str(const char *s); /* NULL is empty */
struct slice slice_of(const void *p, size_t len);
bool slice_eq(struct slice a, struct slice b);
bool slice_is(struct slice a, const char *s);
bool slice_starts(struct slice a, const char *prefix);
struct slice slice_trim(struct slice a); /* without blanks and control bytes at both ends */
char *slice_dup(struct slice a); /* yours; NUL-terminated */

struct buf {
	char *p;    /* len bytes; NUL-terminated only after buf_str */
	size_t len; /* bytes in use */
	size_t cap; /* bytes allocated */
};

void buf_free(struct buf *b);             /* and zeroes the struct */
void buf_wipe(struct buf *b);             /* overwrites the bytes, then frees: for secrets */
void buf_clear(struct buf *b);            /* len = 0, memory kept */
void buf_reserve(struct buf *b, size_t more);
void *buf_grow(struct buf *b, size_t n);  /* appends n uninitialised bytes, returns where they are */
void buf_put(struct buf *b, const void *p, size_t n);
void buf_putc(struct buf *b, char c);
void buf_puts(struct buf *b, const char *s);
void buf_slice(struct buf *b, struct slice s);
void buf_url(struct buf *b, struct slice s); /* for a URL: all but A-Z a-z 0-9 - . _ ~ as %XX */
void buf_printf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
const char *buf_str(struct buf *b);       /* NUL-terminates (not counted in len); borrowed until the next change */
char *buf_take(struct buf *b);            /* yours, NUL-terminated; the buffer is empty afterwards */
struct slice buf_view(const struct buf *b);

void buf_u8(struct buf *b, uint8_t v);
void buf_u16(struct buf *b, uint16_t v);
void buf_u32(struct buf *b, uint32_t v);
void buf_u64(struct buf *b, uint64_t v);
void buf_be32(struct buf *b, uint32_t v);
void buf_be64(struct buf *b, uint64_t v);
void buf_bytes(struct buf *b, struct slice s); /* u32 length, then the bytes */

struct reader {
	const uint8_t *p, *end;
	bool bad; /* something was asked for that is not there */
};

struct reader reader_of(struct slice s);
uint8_t reader_u8(struct reader *r);
uint16_t reader_u16(struct reader *r);
uint32_t reader_u32(struct reader *r);
uint64_t reader_u64(struct reader *r);
uint32_t reader_be32(struct reader *r);
uint64_t reader_be64(struct reader *r);
struct slice reader_bytes(struct reader *r, size_t max); /* u32 length, then bytes; a length over max is bad */
struct slice reader_raw(struct reader *r, size_t n);     /* n bytes as they are */
struct slice reader_rest(struct reader *r);              /* all that is left */
bool reader_end(const struct reader *r);                 /* true: all was there and nothing is left over */

#endif
