/* v1_snapshot.c - all live records of a dataset as lines, and the cursor of the changes that lead on from there.
 *
 * The dataset is read in pages of one short snapshot each, while others write. What makes it whole all the same: its end is
 * the sequence of the moment at which it began. A record that changes before its page is read moves behind that end and is left
 * out here, and its change stands behind the cursor; so does the delete of one that was shown. A record that was born behind
 * the end is not shown here: the feed never tells of the delete of one that it takes its reader not to know.
 *
 * Awkward: what goes wrong in the middle can no longer be told by a status: the last line is then {"error":...}. */
#include <stdlib.h>
#include "api/snapshot.h"
#include "base/mem.h"

#define PIECE (256u << 10) /* bytes of JSON read in one snapshot */

static void
moment_take(void *arg, const struct dataset_info *d)
{
	struct snapshot_lines *s = arg;

	s->end = s->cursor.after = d->sequence;
	s->cursor.began = d->pruned;
	if (d->modified_us > s->cursor.at_us)
		s->cursor.at_us = d->modified_us;
}

static void
line_put(void *arg, const struct record *r, const struct cursor *behind)
{
	struct snapshot_lines *s = arg;
	struct json_out o = json_out(s->out);

	(void)behind;
	s->over |= r->sequence > s->end;
	if (s->over)
		return;
	feed_put_record(&o, r);
	buf_putc(s->out, '\n');
}

static void
cursor_put(const struct snapshot_lines *s)
{
	struct json_out o = json_out(s->out);
	char text[CURSOR_TEXT_MAX];

	json_open(&o, '{');
	json_kv_str(&o, "cursor", cursor_write(s->feed.store, &s->cursor, text));
	json_close(&o, '}');
	buf_putc(s->out, '\n');
}

static void
error_put(const struct snapshot_lines *s, const struct err *err)
{
	struct json_out o = json_out(s->out);

	json_open(&o, '{');
	json_key(&o, "error");
	json_open(&o, '{');
	json_kv_str(&o, "code", feed_fault(err));
	json_kv_str(&o, "message", err->text);
	json_close(&o, '}');
	json_close(&o, '}');
	buf_putc(s->out, '\n');
}

/* In the HTTP thread. A stretch of the feed may hold nothing that lives: then the next one is read at once. */
bool
snapshot_lines_pull(void *arg, struct buf *out)
{
	struct snapshot_lines *s = arg;
	size_t before = out->len;
	struct err err = {0};
	bool more = true;

	s->out = out;
	while (more && !s->over && s->feed.at.after < s->end && out->len == before)
		if (feed_read(&s->feed, line_put, s, &more, &err) != 0) {
			error_put(s, &err);
			return false;
		}
	if (more && !s->over && s->feed.at.after < s->end)
		return true;
	cursor_put(s);
	return false;
}

void
snapshot_lines_begin(struct snapshot_lines *s, const struct feed *from)
{
	*s = (struct snapshot_lines){
		.feed = *from,
		.cursor = {.of = CURSOR_CHANGES, .dataset = from->at.dataset, .at_us = clock_wall_us(from->clock)},
	};
	store_dataset_info(from->store, from->at.dataset, moment_take, s);
}

void
feed_snapshot(struct http_call *c, void *arg)
{
	struct snapshot_lines *s;
	struct feed feed;

	if (feed_find(arg, c, CURSOR_RECORDS, NULL, &feed) != 0)
		return;
	feed.limit = 1000;
	feed.bytes = PIECE;
	s = XNEW(struct snapshot_lines);
	snapshot_lines_begin(s, &feed);
	http_pull(c, 200, "application/x-ndjson", snapshot_lines_pull, s, free);
}
