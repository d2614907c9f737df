/* form.c - see form.h. The form is walked beside the text, again for each alternative; no tree is made of it.
 *
 * Awkward: which mistake somebody made is a guess. It is told at the place which the alternative that came furthest did
 * not get over, with the words that any alternative would have liked there: in "cursr next after" the first word, for a
 * dataset of 'page page 100 200' the last. */
#include "plugin/form.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"

#define LIST_END " ..."

struct matching {
	struct slice form;       /* all alternatives */
	bool stops[256];         /* what no placeholder holds */
	const char *text;        /* the entry's begin */
	const char *furthest;    /* in it */
	struct form_miss *miss;
};

static bool
blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static bool
of_word(char c)
{
	return isalnum((unsigned char)c) || c == '_' || c == '-';
}

/* Cuts off the front up to a separator, or all; false: nothing was left. */
static bool
part_cut(struct slice *rest, const char *separator, struct slice *part)
{
	const char *at;

	if (!rest->p)
		return false;
	*part = *rest;
	at = memmem(rest->p, rest->len, separator, strlen(separator));
	if (at) {
		part->len = (size_t)(at - rest->p);
		*rest = slice_of(at + strlen(separator), rest->len - part->len - strlen(separator));
	} else {
		*rest = (struct slice){NULL, 0};
	}
	return true;
}

/* "FORM, ...": the sign between the elements, and the form of one. 0: it is no list. */
static char
list_sign(struct slice *form)
{
	const size_t dots = strlen(LIST_END);
	char sign;

	if (form->len < dots + 2 || memcmp(form->p + form->len - dots, LIST_END, dots) != 0)
		return 0;
	sign = form->p[form->len - dots - 1];
	form->len -= dots + 1;
	return sign;
}

/* What stands between < and >, and f behind it; false: it has no end. */
static bool
placeholder_cut(const char **f, const char *end, struct slice *name)
{
	const char *close = memchr(*f, '>', (size_t)(end - *f));

	if (!close)
		return false;
	*name = slice_of(*f + 1, (size_t)(close - *f) - 1);
	*f = close + 1;
	return true;
}

static bool
takes_all(struct slice name)
{
	return name.len > 3 && memcmp(name.p + name.len - 3, "...", 3) == 0;
}

static bool
is_range(struct slice name)
{
	return name.len && (isdigit((unsigned char)name.p[0]) || name.p[0] == '-');
}

/* "1..100" or "0..". */
static bool
range_read(struct slice name, long long *least, long long *most)
{
	char text[64] = "", *end;

	if (name.len >= sizeof text)
		return false;
	memcpy(text, name.p, name.len);
	errno = 0;
	*least = strtoll(text, &end, 10);
	*most = INT64_MAX;
	if (strncmp(end, "..", 2) != 0)
		return false;
	if (end[2])
		*most = strtoll(end + 2, &end, 10);
	else
		end += 2;
	return !*end && !errno && *least <= *most;
}

/* ---- the form itself ---- */

static const char *
placeholder_fault(struct slice name, const char *f, const char *end)
{
	long long least, most;

	if (!name.len || memchr(name.p, '<', name.len))
		return "a placeholder is a name in < >";
	if (is_range(name) && !range_read(name, &least, &most))
		return "a range is <1..100> or <0..>";
	while (f < end && *f == '[')
		f++;
	if (f < end && *f != ']' && (takes_all(name) || *f == '<' || of_word(*f)))
		return "a sign or a blank stands behind a placeholder, and nothing behind one that takes all";
	return NULL;
}

static const char *
alternative_fault(struct slice form)
{
	const char *f = form.p, *end = f + form.len, *fault;
	struct slice name;
	size_t open = 0, closed = 0;

	if (!slice_trim(form).len)
		return "an alternative is empty";
	while (f < end) {
		if (closed && *f != ']')
			return "[ ] encloses the end of an alternative";
		if (*f == '<') {
			if (f > form.p && of_word(f[-1]))
				return "a sign or a blank stands between a word and a placeholder";
			if (!placeholder_cut(&f, end, &name))
				return "a placeholder is a name in < >";
			fault = placeholder_fault(name, f, end);
			if (fault)
				return fault;
			continue;
		}
		if (*f == '|' && (f == form.p || !of_word(f[-1]) || f + 1 == end || !of_word(f[1])))
			return "| without blanks stands between two words";
		open += *f == '[';
		closed += *f == ']';
		f++;
	}
	return open == closed ? NULL : "[ and ] are not in pairs";
}

const char *
form_fault(const char *form)
{
	struct slice rest = slice_str(form), alternative;
	const char *fault = NULL;

	list_sign(&rest);
	while (!fault && part_cut(&rest, " | ", &alternative))
		fault = alternative_fault(alternative);
	return fault;
}

/* ---- a text beside it ---- */

static void
stops_find(struct matching *m)
{
	const char *f = m->form.p, *end = f + m->form.len;

	while (f < end && (f = memchr(f, '>', (size_t)(end - f))) != NULL) {
		for (f++; f < end && *f == '['; f++)
			;
		if (f < end && *f != ']' && !(end - f >= 3 && memcmp(f, " | ", 3) == 0))
			m->stops[(unsigned char)*f] = true;
	}
	m->stops['\t'] = m->stops['\n'] = m->stops[' '];
}

static struct slice
run_at(const struct matching *m, const char *t, const char *end)
{
	const char *from = t;

	while (t < end && !blank(*t) && !m->stops[(unsigned char)*t])
		t++;
	return slice_of(from, (size_t)(t - from));
}

/* This alternative comes to t and no further; words is "a|b" where one of them was wanted. */
static bool
missed(struct matching *m, struct slice alternative, const char *t, const char *end, struct slice words)
{
	struct form_miss *miss = m->miss;
	struct slice word;

	while (t < end && blank(*t))
		t++;
	if (!miss || (m->furthest && t < m->furthest))
		return false;
	if (!m->furthest || t > m->furthest) {
		*miss = (struct form_miss){.entry = slice_of(m->text, (size_t)(end - m->text)), .form = alternative};
		miss->word = run_at(m, t, end);
		m->furthest = t;
	} else if (miss->form.p != alternative.p) {
		miss->form = m->form;
	}
	while (words.len && miss->n_words < FORM_WORDS && part_cut(&words, "|", &word))
		miss->words[miss->n_words++] = word;
	return false;
}

static bool
one_of(struct slice words, struct slice text)
{
	struct slice word;

	while (part_cut(&words, "|", &word))
		if (slice_eq(word, text))
			return true;
	return false;
}

/* The text that a placeholder holds: none when it may not be there. */
static struct slice
held(const struct matching *m, struct slice name, const char *t, const char *end)
{
	const char *from = t;
	long long least, most, value;
	char number[32] = "", *last;
	struct slice text;

	while (t < end && (takes_all(name) || !m->stops[(unsigned char)*t]))
		t++;
	text = slice_of(from, (size_t)(t - from));
	if (slice_is(name, "character") && (slice_trim(text).len != 1 || *from & 0x80))
		return slice_of(from, 0);
	if (is_range(name)) {
		struct slice digits = slice_trim(text);
		if (digits.len >= sizeof number || !range_read(name, &least, &most))
			return slice_of(from, 0);
		memcpy(number, digits.p, digits.len);
		errno = 0;
		value = strtoll(number, &last, 10);
		if (*last || errno || !digits.len || value < least || value > most)
			return slice_of(from, 0);
	}
	return slice_trim(text).len ? text : slice_of(from, 0);
}

static bool
alternative_fits(struct matching *m, struct slice form, struct slice text)
{
	const char *f = form.p, *fend = f + form.len, *t = text.p, *end = t + text.len;
	struct slice name, words, got;

	while (f < fend) {
		if (*f == '[' && t == end)
			return true;
		if (*f == ' ' && t < end && !blank(*t) && t > text.p && !blank(t[-1]))
			return missed(m, form, t, end, SLICE(""));
		while (t < end && blank(*t))
			t++;
		if (*f == ' ' || *f == '[' || *f == ']') {
			f++;
		} else if (*f == '<') {
			placeholder_cut(&f, fend, &name);
			got = held(m, name, t, end);
			if (!got.len)
				return missed(m, form, t, end, SLICE(""));
			t += got.len;
		} else if (of_word(*f)) {
			for (words = slice_of(f, 0); f < fend && (of_word(*f) || *f == '|'); f++)
				words.len++;
			for (got = slice_of(t, 0); t + got.len < end && of_word(t[got.len]); got.len++)
				;
			if (!one_of(words, got))
				return missed(m, form, t, end, words);
			t += got.len;
		} else if (t < end && *t == *f) {
			f++;
			t++;
		} else {
			return missed(m, form, t, end, SLICE(""));
		}
	}
	return t == end || missed(m, form, t, end, SLICE(""));
}

static bool
entry_fits(struct matching *m, struct slice entry)
{
	struct slice rest = m->form, alternative;

	m->text = entry.p;
	m->furthest = NULL;
	while (part_cut(&rest, " | ", &alternative))
		if (alternative_fits(m, alternative, entry))
			return true;
	return false;
}

bool
form_fits(const char *form, struct slice text, struct form_miss *miss)
{
	struct matching m = {.form = slice_str(form), .miss = miss};
	const char sign[2] = {list_sign(&m.form), '\0'};
	struct slice entry;

	stops_find(&m);
	text = slice_trim(text);
	if (!sign[0])
		return !text.len || entry_fits(&m, text);
	while (part_cut(&text, sign, &entry)) {
		entry = slice_trim(entry);
		if (entry.len && !entry_fits(&m, entry))
			return false;
	}
	return true;
}
