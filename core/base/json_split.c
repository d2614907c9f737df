/* json_split.c - a page is cut into its records in the same pass that checks it.
 *
 * Walks down the path, piece by piece, and scans everything beside it as whole values; at the path's end each element
 * is a whole value too, with its own flaws and depth. A flaw outside of the elements is a fault of the page.
 * Guarantee: true means that the document is complete and right to its last byte (or that each() stopped the walk); a
 * prefix of a page is never a shorter page.
 * Awkward: that a path is absent is known only at the document's end, so a broken document says that it is broken,
 * and not that something is missing. */
#include "base/json_lex.h"

struct split {
	struct scan s;
	const struct json_split *how;
	bool found;        /* the path's end was reached */
	bool stopped;      /* each() wants no more */
	const char *wrong; /* what to say when all is well but for the path; NULL: the path is well too */
	size_t wrong_at;   /* offset of what is there instead of an array */
};

static bool path_walk(struct split *w, struct path at);

/* A value that is none of ours. */
static bool
other_value(struct split *w)
{
	w->s.depth = DEPTH_HARD;
	return scan_value(&w->s, NULL) && !w->s.fault.what;
}

/* One element, with its flaw if it has one, which is then forgotten. */
static bool
element(struct split *w)
{
	const uchar *from = w->s.p;
	struct json_item item = {0};
	struct json_fault flaw;

	w->s.depth = w->how->depth ? w->how->depth : JSON_DEPTH_MAX;
	if (!scan_value(&w->s, NULL))
		return false;
	item.text = slice_of(from, (size_t)(w->s.p - from));
	if (w->s.fault.what) {
		flaw = w->s.fault;
		item.fault = &flaw;
		w->s.fault.what = NULL;
	}
	w->stopped = !w->how->each(w->how->arg, &item);
	return true;
}

/* The array itself: its elements. */
static bool
elements(struct split *w)
{
	struct frame f;
	bool empty, more = true;

	if (!scan_open(&w->s, &f, &empty))
		return false;
	while (!empty && more)
		if (!element(w) || w->stopped || !scan_next(&w->s, &f, &more))
			return w->stopped;
	return true;
}

/* The path's end. */
static bool
target(struct split *w)
{
	uchar c = *w->s.p;

	w->found = true;
	w->wrong = NULL;
	if (c == '[')
		return elements(w);
	if (c != 'n' || !w->how->null_is_empty) {
		w->wrong = "no array at this path";
		w->wrong_at = (size_t)(w->s.p - w->s.begin);
	}
	return other_value(w);
}

/* An object or array that the path leads through. Its own keys may not be there twice either. */
static bool
through(struct split *w, struct path at)
{
	struct frame f;
	struct slice key;
	uint64_t index = 0;
	bool empty, more = true, here, numbered = path_index(at, &index);

	if (!scan_open(&w->s, &f, &empty))
		return false;
	while (!empty && more) {
		/* A flawed key is the page's fault; left standing it would be taken for an element's. */
		if (f.object && (!scan_key(&w->s, &f, &key) || w->s.fault.what))
			return false;
		here = !w->found && (f.object ? path_names(at, key) : numbered && f.count == index);
		if (!(here ? path_walk(w, path_after(at)) : other_value(w)) || w->stopped)
			return w->stopped;
		if (!scan_next(&w->s, &f, &more))
			return false;
	}
	return !w->s.fault.what;
}

static bool
path_walk(struct split *w, struct path at)
{
	if (w->s.p == w->s.end)
		return scan_cut(&w->s);
	if (!at.p)
		return target(w);
	if (*w->s.p == '{' || *w->s.p == '[')
		return through(w, at);
	return other_value(w);
}

bool
json_split(struct slice text, const char *path, const struct json_split *how, struct json_fault *fault)
{
	struct split w;
	bool good;

	scan_init(&w.s, text, DEPTH_HARD, NULL);
	w.how = how;
	w.found = w.stopped = false;
	w.wrong = "nothing at this path";
	w.wrong_at = 0;
	scan_space(&w.s);
	if (text.len >= 3 && !memcmp(text.p, "\xef\xbb\xbf", 3))
		good = scan_break(&w.s, w.s.begin, "a byte order mark");
	else
		good = path_walk(&w, path_first(path)) && (w.stopped || scan_end(&w.s));
	if (good && !w.stopped && w.wrong) {
		good = false;
		scan_flaw(&w.s, w.s.begin + w.wrong_at, w.wrong);
	}
	if (fault && good)
		*fault = (struct json_fault){0};
	else if (fault)
		*fault = w.s.fault;
	scan_finish(&w.s);
	return good;
}
