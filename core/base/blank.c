/* blank.c - finding secrets in text, in whatever spelling they come.
 *
 * Every spelling of every secret is a pattern in a hash table keyed by its first four bytes: one look-up per byte of
 * text, however many secrets there are. At one place the longest pattern wins, so that a secret that begins with
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

struct blank_pattern {
	struct blank_pattern *next;
	size_t len;
	char bytes[];
};

static size_t
bucket_of(const char *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof v);
	return (v * UINT32_C(2654435761)) >> 22;
}

static_assert(BLANK_BUCKETS == 1 << 10, "bucket_of yields ten bits");

/* false: it was there already, or is too short. */
static bool
pattern_add(struct blank_set *set, struct slice text)
{
	struct blank_pattern **at, *fresh;

	if (text.len < BLANK_LEAST)
		return false;
	at = &set->bucket[bucket_of(text.p)];
	for (; *at && (*at)->len >= text.len; at = &(*at)->next)
		if (slice_eq(slice_of((*at)->bytes, (*at)->len), text))
			return false;
	fresh = xmalloc(sizeof *fresh + text.len);
	fresh->len = text.len;
	memcpy(fresh->bytes, text.p, text.len);
	fresh->next = *at;
	*at = fresh;
	set->count++;
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

/* How many bytes at p are a secret; 0: none. */
static size_t
secret_at(const struct blank_set *set, const char *p, size_t left)
{
	if (left < BLANK_LEAST)
		return 0;
	for (const struct blank_pattern *t = set->bucket[bucket_of(p)]; t; t = t->next)
		if (t->len <= left && !memcmp(t->bytes, p, t->len))
			return t->len;
	return 0;
}

bool
blank_text(const struct blank_set *set, struct buf *text)
{
	struct buf out = {0};
	size_t done = 0, n;

	if (set->count == 0)
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
	for (size_t i = 0; i < BLANK_BUCKETS; i++) {
		for (struct blank_pattern *t = set->bucket[i], *next; t; t = next) {
			next = t->next;
			explicit_bzero(t, sizeof *t + t->len);
			free(t);
		}
		set->bucket[i] = NULL;
	}
	set->count = 0;
}
