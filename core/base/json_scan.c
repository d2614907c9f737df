/* json_scan.c - the strict scanner: RFC 8259, UTF-8, duplicate keys, depth; and the canonical hash, in one pass.
 *
 * No tree, no recursion, no allocation for a value: open containers are frames on a bounded stack, strings without
 * escapes are hashed where they stand. For one value the loop is
 *
 *     value ──scalar──────────────> done ──level 0──> out
 *       │ ^                          │ ^ │
 *       │ └────── ',' (and key) ─────┘ │ └── '}' or ']': the container is a value that is done
 *       └── '{' or '[' ── empty ───────┘
 *
 * The hash: a scalar is XXH3-128 of its bytes under a seed for its type (a string's after unescaping, a number's as
 * written); an array is a chain over its elements, an object the sum over its members of hash(key, value), so that
 * order does not matter; both are hashed once more with type and count, so that no nesting looks like another one.
 * Duplicate keys are found by 64-bit hashes of the unescaped keys: two different keys are taken for one once in 2^64
 * pairs, and whoever makes such a pair on purpose loses nothing but the own record.
 * Awkward: an object with very many keys must not cost their square: over KEYS_LINEAR they are sorted at its end. */
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/json_lex.h"

#include <stdlib.h>

#define GOLDEN UINT64_C(0x9e3779b97f4a7c15)

/* A string as it was found. */
struct string {
	struct slice raw; /* between the quotes */
	bool escaped;
};

/* ---- begin, end, faults ---- */

void
scan_init(struct scan *s, struct slice text, unsigned depth, const struct json_seed *seed)
{
	s->begin = s->p = (const uchar *)text.p;
	s->end = text.len ? s->p + text.len : s->p;
	s->depth = depth ? depth : JSON_DEPTH_MAX;
	s->seed = seed;
	s->fault.what = NULL;
	s->keys = s->small;
	s->nkeys = 0;
	s->capkeys = KEYS_SMALL;
	s->scratch = (struct buf){0};
}

void
scan_finish(struct scan *s)
{
	buf_free(&s->scratch);
	if (s->keys != s->small)
		free(s->keys);
	s->keys = s->small;
}

void
scan_space(struct scan *s)
{
	s->p = skip_space(s->p, s->end);
}

__attribute__((noinline, cold)) void
scan_flaw(struct scan *s, const uchar *at, const char *what)
{
	if (s->fault.what)
		return;
	s->fault.what = what;
	s->fault.at = (size_t)(at - s->begin);
	s->fault.key[0] = '\0';
}

__attribute__((noinline, cold)) bool
scan_break(struct scan *s, const uchar *at, const char *what)
{
	s->fault.what = NULL;
	scan_flaw(s, at, what);
	return false;
}

__attribute__((noinline, cold)) bool
scan_cut(struct scan *s)
{
	return scan_break(s, s->end, "the text ends too early");
}

/* ---- hash ---- */

static inline struct json_hash
hash_scalar(const struct json_seed *seed, enum json_type type, const void *p, size_t n)
{
	XXH128_hash_t h = XXH3_128bits_withSeed(p, n, seed->low + type * GOLDEN);

	return (struct json_hash){h.low64, h.high64};
}

static inline struct json_hash
hash_pair(const struct json_seed *seed, enum json_type type, struct json_hash a, struct json_hash b)
{
	uint64_t words[4] = {a.low, a.high, b.low, b.high};
	XXH128_hash_t h = XXH3_128bits_withSeed(words, sizeof words, seed->high + type * GOLDEN);

	return (struct json_hash){h.low64, h.high64};
}

static inline void
hash_add(struct json_hash *sum, struct json_hash more)
{
	sum->low += more.low;
	sum->high += more.high + (sum->low < more.low);
}

/* ---- strings ---- */

/* s->p is at the quote, and afterwards behind the closing one. */
static inline bool
string_scan(struct scan *s, struct string *str)
{
	const uchar *first = s->p + 1, *p = first;

	str->escaped = false;
	for (;;) {
		p = plain_end(p, s->end);
		if (p == s->end)
			return scan_cut(s);
		if (*p == '"')
			break;
		if (*p != '\\') {
			p = odd_scan(s, p);
			continue;
		}
		str->escaped = true;
		p = escape_scan(s, p);
		if (!p)
			return false;
	}
	str->raw = (struct slice){(const char *)first, (size_t)(p - first)};
	s->p = p + 1;
	return true;
}

/* The string's own bytes; good until the next call. */
static inline struct slice
string_plain(struct scan *s, const struct string *str)
{
	if (!str->escaped)
		return str->raw;
	buf_clear(&s->scratch);
	buf_reserve(&s->scratch, str->raw.len);
	return (struct slice){s->scratch.p, unit_all(str->raw, s->scratch.p)};
}

/* ---- scalars ---- */

static inline bool
scalar_scan(struct scan *s, bool hashing, struct json_hash *hash)
{
	const uchar *from = s->p;
	enum json_type type;
	struct slice plain;

	if (*from == '"') {
		struct string str;
		if (!string_scan(s, &str))
			return false;
		type = JSON_STRING;
		plain = hashing ? string_plain(s, &str) : str.raw;
	} else {
		if (*from == '-' || (*from >= '0' && *from <= '9'))
			type = number_scan(s) ? JSON_NUMBER : JSON_INVALID;
		else
			type = literal_scan(s);
		plain = (struct slice){(const char *)from, (size_t)(s->p - from)};
	}
	if (type == JSON_INVALID)
		return false;
	if (hashing)
		*hash = hash_scalar(s->seed, type, plain.p, plain.len);
	return true;
}

/* ---- duplicate keys ---- */

static inline void
mark_key(struct scan *s, struct frame *f, uint64_t hash, size_t at)
{
	uint64_t bit = UINT64_C(1) << (hash & 63);

	if ((f->seen & bit) && f->count < KEYS_LINEAR)
		for (size_t i = f->first; i < s->nkeys; i++)
			if (s->keys[i].hash == hash)
				duplicate_flaw(s, at);
	f->seen |= bit;
	if (s->nkeys == s->capkeys)
		marks_grow(s);
	s->keys[s->nkeys++] = (struct key_mark){hash, at};
}

/* ---- containers ---- */

static inline void
frame_open(struct scan *s, struct frame *f)
{
	f->object = *s->p == '{';
	f->sum = (struct json_hash){0};
	f->count = 0;
	f->seen = 0;
	f->first = s->nkeys;
	s->p = skip_space(s->p + 1, s->end);
}

static inline bool
frame_ends(const struct scan *s, const struct frame *f)
{
	return s->p < s->end && *s->p == (f->object ? '}' : ']');
}

static inline void
frame_close(struct scan *s, struct frame *f, bool hashing, struct json_hash *hash)
{
	s->p++;
	if (f->count > KEYS_LINEAR && f->object)
		marks_sort(s, f);
	s->nkeys = f->first;
	if (hashing)
		*hash = hash_pair(s->seed, f->object ? JSON_OBJECT : JSON_ARRAY, f->sum,
		                  (struct json_hash){f->count, 1});
}

/* A value of the container is complete. */
static inline void
frame_add(struct scan *s, struct frame *f, bool hashing, const struct json_hash *hash)
{
	f->count++;
	if (!hashing)
		return;
	if (f->object)
		hash_add(&f->sum, hash_pair(s->seed, JSON_STRING, f->key, *hash));
	else
		f->sum = hash_pair(s->seed, JSON_NUMBER, f->sum, *hash);
}

/* Key, colon and the white space around them. */
static inline bool
key_scan(struct scan *s, struct frame *f, bool hashing, struct slice *raw)
{
	struct string str;
	struct slice plain;

	if (s->p == s->end)
		return scan_cut(s);
	if (*s->p != '"')
		return scan_break(s, s->p, "a key should stand here");
	if (!string_scan(s, &str))
		return false;
	plain = string_plain(s, &str);
	*raw = str.raw;
	if (hashing)
		f->key = hash_scalar(s->seed, JSON_OBJECT, plain.p, plain.len);
	else
		f->key.low = XXH3_64bits(plain.p, plain.len);
	mark_key(s, f, f->key.low, (size_t)((const uchar *)str.raw.p - s->begin));
	s->p = skip_space(s->p, s->end);
	if (s->p == s->end)
		return scan_cut(s);
	if (*s->p != ':')
		return scan_break(s, s->p, "a colon should stand here");
	s->p = skip_space(s->p + 1, s->end);
	return true;
}

/* Behind a value in a container: a comma (more) or the container's end. */
static inline bool
comma_scan(struct scan *s, const struct frame *f, bool *more)
{
	s->p = skip_space(s->p, s->end);
	if (s->p == s->end)
		return scan_cut(s);
	*more = *s->p == ',';
	if (*more)
		s->p = skip_space(s->p + 1, s->end);
	else if (!frame_ends(s, f))
		return scan_break(s, s->p, "a comma or the end of the container should stand here");
	return true;
}

static __attribute__((noinline, cold)) bool
deep_scan(struct scan *s, unsigned level)
{
	if (level >= DEPTH_HARD)
		return scan_break(s, s->p, "nested far too deep");
	scan_flaw(s, s->p, "nested too deep");
	return true;
}

static inline __attribute__((always_inline)) bool
value_scan(struct scan *s, bool hashing, struct json_hash *hash)
{
	struct frame *f = s->frames;
	unsigned level = 0;
	struct slice raw;
	bool more;

	for (;;) {
		if (s->p == s->end)
			return scan_cut(s);
		if (*s->p == '{' || *s->p == '[') {
			if (level >= s->depth && !deep_scan(s, level))
				return false;
			f = &s->frames[level++];
			frame_open(s, f);
			if (!frame_ends(s, f)) {
				if (f->object && !key_scan(s, f, hashing, &raw))
					return false;
				continue;
			}
			frame_close(s, f, hashing, hash);
			level--;
		} else if (!scalar_scan(s, hashing, hash)) {
			return false;
		}
		for (more = false; level > 0 && !more;) {
			f = &s->frames[level - 1];
			frame_add(s, f, hashing, hash);
			if (!comma_scan(s, f, &more))
				return false;
			if (!more) {
				frame_close(s, f, hashing, hash);
				level--;
			}
		}
		if (!more)
			return true;
		if (f->object && !key_scan(s, f, hashing, &raw))
			return false;
	}
}

static __attribute__((noinline)) bool
value_check(struct scan *s)
{
	struct json_hash none;

	return value_scan(s, false, &none);
}

static __attribute__((noinline)) bool
value_hash(struct scan *s, struct json_hash *hash)
{
	return value_scan(s, true, hash);
}

bool
scan_value(struct scan *s, struct json_hash *hash)
{
	return s->seed ? value_hash(s, hash) : value_check(s);
}

/* ---- piecewise ---- */

bool
scan_open(struct scan *s, struct frame *f, bool *empty)
{
	frame_open(s, f);
	*empty = frame_ends(s, f);
	if (*empty)
		frame_close(s, f, false, NULL);
	return true;
}

bool
scan_key(struct scan *s, struct frame *f, struct slice *raw)
{
	return key_scan(s, f, false, raw);
}

bool
scan_next(struct scan *s, struct frame *f, bool *more)
{
	frame_add(s, f, false, NULL);
	if (!comma_scan(s, f, more))
		return false;
	if (!*more)
		frame_close(s, f, false, NULL);
	return true;
}

bool
scan_end(struct scan *s)
{
	scan_space(s);
	return s->p == s->end || scan_break(s, s->p, "text after the end");
}

/* ---- the whole ---- */

static bool
text_scan(struct slice text, unsigned depth, const struct json_seed *seed, struct json_hash *hash,
          struct json_fault *fault)
{
	struct scan s;
	bool good;

	scan_init(&s, text, depth, seed);
	scan_space(&s);
	if (text.len >= 3 && !memcmp(text.p, "\xef\xbb\xbf", 3))
		good = scan_break(&s, s.begin, "a byte order mark");
	else
		good = scan_value(&s, hash) && scan_end(&s) && !s.fault.what;
	if (fault && good)
		*fault = (struct json_fault){0};
	else if (fault)
		*fault = s.fault;
	scan_finish(&s);
	return good;
}

bool
json_check(struct slice text, unsigned depth, struct json_fault *fault)
{
	return text_scan(text, depth, NULL, NULL, fault);
}

bool
json_scan(struct slice text, unsigned depth, const struct json_seed *seed, struct json_hash *hash,
          struct json_fault *fault)
{
	return text_scan(text, depth, seed, hash, fault);
}

void
json_hash_value(struct slice value, const struct json_seed *seed, struct json_hash *hash)
{
	*hash = (struct json_hash){0};
	text_scan(value, DEPTH_HARD, seed, hash, NULL);
}
