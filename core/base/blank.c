/* blank.c - finding secrets in text, in whatever spelling they come.
 *
 * Every spelling of every secret is a pattern in one hash table, and so are the first four bytes of each, with the
 * lengths of the patterns that begin so. A place in a text costs one look-up; where four bytes fit, one pass over the
 * longest of those lengths. Thousands of tokens that all begin with "xoxb-" cost no more than one, neither in a line
 * of the log nor when they are added. At one place the longest pattern wins, so that a secret that begins with
 * another one leaves no tail.
 * Awkward: in the base64 of "user:secret" the secret's bytes start at any of three alignments. For each, the characters
 * that depend on the secret alone are a pattern; up to six bits at either end of it stay visible. */
#include "base/blank.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "base/json.h"
#include "base/mem.h"

#define FRAGMENT_LEAST 8 /* characters of a base64 fragment; below that it says nothing and hits by chance */
#define STARS "***"

#define BITS_FIRST 10

struct blank_entry {
	struct blank_entry *next;
	uint64_t hash;
	size_t *lengths; /* of the patterns that begin with these four bytes, ascending; NULL: it begins none */
	size_t n_lengths;
	bool secret; /* a pattern itself, not only the beginning of some */
	size_t len;
	char bytes[];
};

static_assert(BLANK_LEAST == 4, "a pattern begins with what head_hash reads");

/* ---- the table ---- */

static uint64_t
head_hash(const char *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof v);
	return v * UINT64_C(0x9e3779b97f4a7c15);
}

/* The hash of `from` bytes at p, continued to that of `to`. */
static uint64_t
hash_extend(uint64_t hash, const char *p, size_t from, size_t to)
{
	for (; from < to; from++)
		hash = (hash ^ (hash >> 29) ^ (unsigned char)p[from]) * UINT64_C(0xbf58476d1ce4e5b9);
	return hash;
}

static struct blank_entry **
bucket_of(const struct blank_set *set, uint64_t hash)
{
	return &set->bucket[hash >> (64 - set->bits)];
}

static struct blank_entry *
entry_find(const struct blank_set *set, uint64_t hash, struct slice text)
{
	struct blank_entry *e = *bucket_of(set, hash);

	while (e && !(e->hash == hash && slice_eq(slice_of(e->bytes, e->len), text)))
		e = e->next;
	return e;
}

/* Doubled before chains get long. The table holds no secret byte, so the old one needs no wiping. */
static void
table_grow(struct blank_set *set)
{
	struct blank_set wider = {.bits = set->bits ? set->bits + 1 : BITS_FIRST, .entries = set->entries};

	if (set->bits && set->entries < (size_t)1 << set->bits)
		return;
	wider.bucket = xcalloc((size_t)1 << wider.bits, sizeof(struct blank_entry *));
	for (size_t i = 0; set->bits && i < (size_t)1 << set->bits; i++) {
		for (struct blank_entry *e = set->bucket[i], *next; e; e = next) {
			struct blank_entry **at = bucket_of(&wider, e->hash);

			next = e->next;
			e->next = *at;
			*at = e;
		}
	}
	free(set->bucket);
	*set = wider;
}

static struct blank_entry *
entry_have(struct blank_set *set, uint64_t hash, struct slice text)
{
	struct blank_entry *e, **at;

	table_grow(set);
	e = entry_find(set, hash, text);
	if (e)
		return e;
	at = bucket_of(set, hash);
	e = xcalloc(1, sizeof *e + text.len);
	e->hash = hash;
	e->len = text.len;
	memcpy(e->bytes, text.p, text.len);
	e->next = *at;
	*at = e;
	set->entries++;
	return e;
}

static void
length_note(struct blank_entry *head, size_t len)
{
	size_t at = 0;

	while (at < head->n_lengths && head->lengths[at] < len)
		at++;
	if (at < head->n_lengths && head->lengths[at] == len)
		return;
	head->lengths = xrealloc(head->lengths, (head->n_lengths + 1) * sizeof *head->lengths);
	memmove(head->lengths + at + 1, head->lengths + at, (head->n_lengths - at) * sizeof *head->lengths);
	head->lengths[at] = len;
	head->n_lengths++;
}

/* false: it was there already, or is too short. */
static bool
pattern_add(struct blank_set *set, struct slice text)
{
	struct blank_entry *e;
	uint64_t head;

	if (text.len < BLANK_LEAST)
		return false;
	head = head_hash(text.p);
	e = entry_have(set, hash_extend(head, text.p, BLANK_LEAST, text.len), text);
	if (e->secret)
		return false;
	e->secret = true;
	length_note(entry_have(set, head, slice_of(text.p, BLANK_LEAST)), text.len);
	return true;
}

/* ---- spellings: each writes into an empty buffer ---- */

static void
spell_hex(struct buf *out, struct slice s, const char *digits)
{
	for (size_t i = 0; i < s.len; i++) {
		buf_putc(out, digits[(unsigned char)s.p[i] >> 4]);
		buf_putc(out, digits[(unsigned char)s.p[i] & 15]);
	}
}

static void
spell_url(struct buf *out, struct slice s, const char *digits, bool plus)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";

	for (size_t i = 0; i < s.len; i++) {
		if (s.p[i] && strchr(plain, s.p[i])) {
			buf_putc(out, s.p[i]);
		} else if (plus && s.p[i] == ' ') {
			buf_putc(out, '+');
		} else {
			buf_putc(out, '%');
			spell_hex(out, slice_of(s.p + i, 1), digits);
		}
	}
}

static void
spell_json(struct buf *out, struct slice s)
{
	struct buf quoted = {0};

	json_quote(&quoted, s);
	buf_put(out, quoted.p + 1, quoted.len - 2);
	buf_wipe(&quoted);
}

/* The base64 characters of s when it starts `shift` bytes into a group of three. The bits of neighbours are unknown:
 * without `whole` the characters that hold such bits are left out, with it those behind are zero, as at an end. */
static void
spell_base64(struct buf *out, struct slice s, unsigned shift, const char *alphabet, bool whole)
{
	size_t from = shift * 8, to = from + s.len * 8;

	for (size_t bit = (from + 5) / 6 * 6; bit < to; bit += 6) {
		unsigned six = 0;
		if (bit + 6 > to && !whole)
			break;
		for (size_t i = bit; i < bit + 6; i++) {
			size_t at = i - from;
			six = six << 1 | (i < to ? (unsigned)((unsigned char)s.p[at / 8] >> (7 - at % 8)) & 1 : 0);
		}
		buf_putc(out, alphabet[six]);
	}
}

static void
base64_add(struct blank_set *set, struct slice secret, const char *alphabet)
{
	struct buf b = {0};

	for (unsigned shift = 0; shift < 3; shift++) {
		buf_clear(&b);
		spell_base64(&b, secret, shift, alphabet, true);
		if (shift == 0 || b.len > FRAGMENT_LEAST) {
			pattern_add(set, buf_view(&b));
			buf_put(&b, "==", (3 - (shift + secret.len) % 3) % 3);
			pattern_add(set, buf_view(&b));
		}
		buf_clear(&b);
		spell_base64(&b, secret, shift, alphabet, false);
		if (b.len >= FRAGMENT_LEAST)
			pattern_add(set, buf_view(&b));
	}
	buf_wipe(&b);
}

void
blank_add(struct blank_set *set, struct slice secret)
{
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	static const char alphabet_url[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	static const char *const digits[] = {"0123456789ABCDEF", "0123456789abcdef"};
	struct buf b = {0};

	if (!pattern_add(set, secret))
		return;
	for (size_t i = 0; i < LENGTH(digits); i++) {
		buf_clear(&b);
		spell_hex(&b, secret, digits[i]);
		pattern_add(set, buf_view(&b));
		for (int plus = 0; plus < 2; plus++) {
			buf_clear(&b);
			spell_url(&b, secret, digits[i], plus);
			pattern_add(set, buf_view(&b));
		}
	}
	buf_clear(&b);
	spell_json(&b, secret);
	pattern_add(set, buf_view(&b));
	base64_add(set, secret, alphabet);
	base64_add(set, secret, alphabet_url);
	buf_wipe(&b);
}

/* ---- blanking ---- */

/* How many bytes at p are a secret; 0: none. */
static size_t
secret_at(const struct blank_set *set, const char *p, size_t left)
{
	uint64_t hash = head_hash(p);
	const struct blank_entry *head = entry_find(set, hash, slice_of(p, BLANK_LEAST)), *e;
	size_t longest = 0, hashed = BLANK_LEAST;

	for (size_t i = 0; head && i < head->n_lengths && head->lengths[i] <= left; i++) {
		hash = hash_extend(hash, p, hashed, head->lengths[i]);
		hashed = head->lengths[i];
		e = entry_find(set, hash, slice_of(p, hashed));
		if (e && e->secret)
			longest = hashed;
	}
	return longest;
}

bool
blank_text(const struct blank_set *set, struct buf *text)
{
	struct buf out = {0};
	size_t done = 0, n;

	if (set->entries == 0)
		return false;
	for (size_t i = 0; i + BLANK_LEAST <= text->len;) {
		n = secret_at(set, text->p + i, text->len - i);
		if (n == 0) {
			i++;
			continue;
		}
		buf_put(&out, text->p + done, i - done);
		buf_puts(&out, STARS);
		i += n;
		done = i;
	}
	if (done == 0)
		return false;
	buf_put(&out, text->p + done, text->len - done);
	buf_wipe(text);
	*text = out;
	return true;
}

void
blank_forget(struct blank_set *set)
{
	for (size_t i = 0; set->bits && i < (size_t)1 << set->bits; i++) {
		for (struct blank_entry *e = set->bucket[i], *next; e; e = next) {
			next = e->next;
			free(e->lengths);
			explicit_bzero(e, sizeof *e + e->len);
			free(e);
		}
	}
	free(set->bucket);
	*set = (struct blank_set){0};
}
