/* json_lex.h - what the JSON files share; not for others. Bytes eight at a time, and the strict scanner's insides.
 *
 * Two kinds of faults: a *flaw* leaves the end of the value in sight (duplicate key, bad UTF-8, lone surrogate, control
 * byte, too deep), is noted once and walked over; a *break* ends the scan. For json_check both are a plain no. */
#ifndef SLUICE_BASE_JSON_LEX_H
#define SLUICE_BASE_JSON_LEX_H

#include <endian.h>
#include <string.h>
#include "base/json.h"

typedef unsigned char uchar;

/* ---- bytes ---- */

#define EACH_ONE UINT64_C(0x0101010101010101)
#define EACH_HIGH UINT64_C(0x8080808080808080)

/* Eight bytes, the first one lowest. */
static inline uint64_t
load8(const void *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof v);
	return le64toh(v);
}

/* Marks (high bit) the bytes that are a quote, a backslash, a control byte or over 0x7f. The lowest mark is right;
 * those above it may be false, because a borrow runs upwards. A byte over 0x7f keeps its high bit in at least one of
 * the three differences, so it needs no term of its own. */
static inline uint64_t
special8(uint64_t v)
{
	uint64_t quote = v ^ (EACH_ONE * '"'), slash = v ^ (EACH_ONE * '\\');

	return ((quote - EACH_ONE) | (slash - EACH_ONE) | (v - EACH_ONE * 0x20)) & EACH_HIGH;
}

/* The first byte at or after p that is special, or end. */
static inline const uchar *
plain_end(const uchar *p, const uchar *end)
{
	for (; end - p >= 8; p += 8) {
		uint64_t marks = special8(load8(p));
		if (marks)
			return p + (__builtin_ctzll(marks) >> 3);
	}
	while (p < end && *p >= 0x20 && *p < 0x80 && *p != '"' && *p != '\\')
		p++;
	return p;
}

static inline bool
is_space(uchar c)
{
	return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

static inline const uchar *
skip_space(const uchar *p, const uchar *end)
{
	while (p < end && *p <= ' ' && is_space(*p))
		p++;
	return p;
}

/* How many bytes the character at p takes, 1 to 4; 0: it is not UTF-8, or cut. p < end. (utf8.c) */
size_t utf8_length(const uchar *p, const uchar *end);

/* ---- strings, between the quotes (json_string.c) ---- */

/* The next character, unescaped, as 1 to 4 bytes of UTF-8; moves *p on. *p < end. */
size_t unit_next(const uchar **p, const uchar *end, char out[4]);
size_t unit_all(struct slice raw, char *out); /* all of them into out, which has room for raw.len bytes; the length */
bool raw_is(struct slice raw, struct slice plain); /* equal after unescaping raw */
bool raw_eq(struct slice a, struct slice b);       /* equal after unescaping both */

/* ---- paths: "a.b.0", \. for a dot in a name (json_path.c) ---- */

struct path {
	const char *p; /* the component; NULL: the path is at its end */
	size_t len;    /* bytes, still escaped */
};
struct path path_first(const char *text);
struct path path_after(struct path at);
bool path_names(struct path at, struct slice raw_key);
bool path_index(struct path at, uint64_t *index); /* false: not a number */

/* ---- the scanner (json_scan.c) ---- */

#define DEPTH_HARD 1000 /* nesting over this is a break, whatever the limit */
#define KEYS_SMALL 64   /* keys of open objects that fit without the heap */
#define KEYS_LINEAR 32  /* keys of one object that are compared one by one; above it they are sorted once, at its end */

struct key_mark {
	uint64_t hash;
	size_t at; /* of the key's first byte in the text */
};

/* An open container. */
struct frame {
	struct json_hash sum; /* array: chained over its elements; object: added up over its members */
	struct json_hash key; /* of the member under way */
	uint64_t count;       /* elements or members so far */
	uint64_t seen;        /* one bit for each key: no bit, no duplicate */
	size_t first;         /* where its keys start among those of all open objects */
	bool object;
};

struct scan {
	const uchar *begin, *p, *end;
	unsigned depth;               /* nesting over this is a flaw */
	const struct json_seed *seed; /* NULL: only check */
	struct json_fault fault;      /* the break, else the first flaw; what is NULL while there is none */
	struct key_mark *keys;        /* of all open objects, outer ones first */
	size_t nkeys, capkeys;
	struct buf scratch; /* unescaped text */
	struct key_mark small[KEYS_SMALL];
	struct frame frames[DEPTH_HARD];
};

void scan_init(struct scan *s, struct slice text, unsigned depth, const struct json_seed *seed);
void scan_finish(struct scan *s);
void scan_space(struct scan *s);
void scan_flaw(struct scan *s, const uchar *at, const char *what);  /* the first one counts */
bool scan_break(struct scan *s, const uchar *at, const char *what); /* false, always; counts more than a flaw */
bool scan_cut(struct scan *s);                                      /* a break: there should be more text */
bool scan_value(struct scan *s, struct json_hash *hash);            /* one value at s->p; false: a break */
/* The same piecewise, for a walk that wants to see the members: open, then key, value, next until it says no more. */
bool scan_open(struct scan *s, struct frame *f, bool *empty);
bool scan_key(struct scan *s, struct frame *f, struct slice *raw);
bool scan_next(struct scan *s, struct frame *f, bool *more);
bool scan_end(struct scan *s); /* white space, then nothing */

/* Tokens (json_token.c). */
const uchar *escape_scan(struct scan *s, const uchar *p); /* behind the escape at p; NULL: a break */
const uchar *odd_scan(struct scan *s, const uchar *p);    /* behind the control byte or characters over 0x7f at p */
bool number_scan(struct scan *s);
enum json_type literal_scan(struct scan *s); /* null, true, false; JSON_INVALID: a break */

/* Keys (json_keys.c). */
void duplicate_flaw(struct scan *s, size_t at);          /* names the key at this offset */
void marks_sort(struct scan *s, const struct frame *f);  /* at the end of an object with many keys */
void marks_grow(struct scan *s);

#endif
