/* json.h - JSON as bytes: strict scanning, reading in place, canonical comparison, merging, writing.
 *
 * No tree is built. json_check and json_scan are strict (RFC 8259 and UTF-8 by RFC 3629: one document, no byte order
 * mark, no raw control bytes, no lone surrogates in escapes, bounded depth, duplicate keys are a fault). Everything
 * else here ("on checked text") works on text that passed one of them and is undefined on other text.
 * Numbers keep their text; no value ever goes through a double.
 *
 * Awkward: "same" (for the hash) means the JSON value: strings compare after unescaping, numbers by their text (1.0 is not
 * 1), members in any order, arrays in order. The hash of an object is therefore a commutative sum over its members. */
#ifndef SLUICE_BASE_JSON_H
#define SLUICE_BASE_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/buf.h"

#define JSON_DEPTH_MAX 128

enum json_type { JSON_INVALID, JSON_NULL, JSON_FALSE, JSON_TRUE, JSON_NUMBER, JSON_STRING, JSON_ARRAY, JSON_OBJECT };

struct json_fault {
	size_t at;        /* byte offset in the text */
	const char *what; /* static: "a control byte in a string", "duplicate key", "text after the end", ... */
	char key[64];     /* of a duplicate key: the key, cut and made printable; else empty */
};

/* The whole text is one value, white space around it allowed. false: fault says why and where (fault may be NULL).
 * depth: containers in one another, at most 1000; 0 means JSON_DEPTH_MAX. */
bool json_check(struct slice text, unsigned depth, struct json_fault *fault);

struct json_hash { uint64_t low, high; };
struct json_seed { uint64_t low, high; }; /* secret of the store; hashes under different seeds do not compare */

/* json_check and the canonical 128-bit hash (XXH3) of the value in one pass over the bytes. */
bool json_scan(struct slice text, unsigned depth, const struct json_seed *seed, struct json_hash *hash,
               struct json_fault *fault);

/* Walks a container of *unchecked* text while checking it strictly: for cutting a page into records without a second pass.
 * json_split finds the array at `path` ("" = the root is the array; "data.items"; a dot inside a name is written \.), calls
 * each(item) for every element in order, and checks the whole document, also what is not in the array. An element that is itself
 * faulty only in ways that do not hide its end (duplicate key, bad UTF-8, lone surrogate, control byte, depth over `depth` but under 1000) is handed to each()
 * with its fault, and the walk goes on; a fault of structure ends it: false. Returns false also when the path is absent or leads to
 * something that is no array: fault.what says which ("no array at this path", "nothing at this path"). null at the path counts as an empty array only with
 * `null_is_empty`. each returns false to stop early (then json_split returns true without having checked the rest). */
struct json_item {
	struct slice text;              /* of the element, no white space around it */
	const struct json_fault *fault; /* NULL: the element is good */
};
struct json_split {
	unsigned depth;     /* limit inside each element, JSON_DEPTH_MAX usually */
	bool null_is_empty;
	bool (*each)(void *arg, const struct json_item *item);
	void *arg;
};
bool json_split(struct slice text, const char *path, const struct json_split *how, struct json_fault *fault);

/* ---- on checked text ---- */

enum json_type json_type(struct slice value);
struct slice json_trim(struct slice text); /* without the white space around it */

/* Iterates over an object's members or an array's elements, in order; no allocation:
 *   struct json_iter it = json_iter(value); while (json_next(&it)) use(it.key, it.value);
 * key: the bytes between the quotes, still escaped (empty in arrays). On something else than a container: no rounds. */
struct json_iter {
	struct slice key, value;
	const char *p, *end;
	bool object;
};
struct json_iter json_iter(struct slice container);
bool json_next(struct json_iter *it);
size_t json_count(struct slice container);

bool json_member(struct slice object, const char *name, struct slice *value); /* exact, case-sensitive, escapes resolved */
/* "a.b.0.c": members by name, array elements by number, \. for a dot in a name; "" is the value itself. */
bool json_path(struct slice value, const char *path, struct slice *found);
bool json_string_is(struct slice string, const char *s);   /* a JSON string equal to s after unescaping */
bool json_unquote(struct slice string, struct buf *out);   /* appends the unescaped bytes; false: not a string. May hold NUL */
char *json_text(struct slice value); /* yours: a string unescaped (cut at NUL), a number or literal as written, containers as JSON */
bool json_int(struct slice number, int64_t *v);            /* exact integers in range only (no 1e3, no 1.0) */
bool json_bool(struct slice value, bool *v);
void json_hash_value(struct slice value, const struct json_seed *seed, struct json_hash *hash);
bool json_equal(struct slice a, struct slice b);           /* the same JSON value, as above */
/* Deep merge: members of patch replace or are merged into base's objects; arrays and scalars are replaced; null is a value. */
void json_merge(struct buf *out, struct slice base, struct slice patch);
void json_merge_top(struct buf *out, struct slice base, struct slice patch); /* the top level only: metadata */
void json_compact(struct buf *out, struct slice value);                      /* without white space */
void json_pretty(struct buf *out, struct slice value);                       /* two blanks a level, for people */

/* ---- writing: commas and quoting are the writer's job ---- */

struct json_out {
	struct buf *b;
	bool comma; /* the next value needs one before it */
};
struct json_out json_out(struct buf *b);
void json_open(struct json_out *o, char bracket);   /* '{' or '[' */
void json_close(struct json_out *o, char bracket);  /* '}' or ']' */
void json_key(struct json_out *o, const char *key);
void json_put_str(struct json_out *o, const char *s); /* NULL writes null; invalid UTF-8 becomes U+FFFD */
void json_put_slice(struct json_out *o, struct slice s);
void json_put_int(struct json_out *o, int64_t v);
void json_put_uint(struct json_out *o, uint64_t v);
void json_put_bool(struct json_out *o, bool v);
void json_put_null(struct json_out *o);
void json_put_raw(struct json_out *o, struct slice json); /* JSON text as it is */
/* key and value in one: */
void json_kv_str(struct json_out *o, const char *key, const char *s);
void json_kv_slice(struct json_out *o, const char *key, struct slice s);
void json_kv_int(struct json_out *o, const char *key, int64_t v);
void json_kv_bool(struct json_out *o, const char *key, bool v);
void json_kv_raw(struct json_out *o, const char *key, struct slice json);
void json_quote(struct buf *b, struct slice s);

bool utf8_valid(struct slice s); /* RFC 3629: no overlong forms, no surrogates, nothing over U+10FFFF */

#endif
