/* stored.c - MSG_GET and the MSG_RECORDS that answer it, as one JSON array in the step's memory. A page of a listing takes the
 * place of the one before, so that a connector can go over millions.
 *
 * Awkward: answers to prefetched pages may come in between; they are put where they belong. */
#include "worker/stored.h"

#include <string.h>
#include "worker/step.h"

#define LIST_PAGE 100
#define IDS_MAX 1000 /* in one question */

/* Waits for the answer to GET number `serial` and appends its records to out. Returns how many; -1: the step
 * failed meanwhile. */
static long
records_wait(struct step *s, uint32_t serial, struct buf *out, uint64_t *cursor)
{
	long n = 0;

	for (bool more = true; more && !s->status;) {
		struct frame f;
		struct reader r;
		channel_next(s->w->ch, &f);
		if (f.type != MSG_RECORDS) {
			step_take(s, &f);
			continue;
		}
		r = reader_of(f.body);
		if (reader_u32(&r) != serial)
			continue;
		*cursor = reader_u64(&r);
		for (uint32_t left = reader_u32(&r); left && !r.bad; left--, n++) {
			reader_bytes(&r, FRAME_MAX);
			buf_puts(out, out->len > 1 ? "," : "");
			buf_slice(out, reader_bytes(&r, FRAME_RECORD_MAX));
		}
		if (!reader_end(&r))
			worker_end(EXIT_PROTOCOL, "the host sent records that do not fit their frame");
		more = f.flags & FRAME_MORE;
	}
	return s->status ? -1 : n;
}

static uint32_t
get_send(struct step *s, uint16_t model, bool list, uint64_t cursor, const char *const *ids, uint32_t n)
{
	uint32_t serial = channel_serial(s->w->ch);
	size_t at = frame_begin(&s->out, MSG_GET, 0, serial);

	buf_u16(&s->out, model);
	buf_u8(&s->out, list);
	buf_u64(&s->out, cursor);
	buf_u32(&s->out, LIST_PAGE);
	buf_u32(&s->out, n);
	for (uint32_t i = 0; i < n; i++)
		buf_bytes(&s->out, slice_str(ids[i]));
	frame_end(&s->out, at);
	step_send(s);
	return serial;
}

static long
records_give(struct step *s, struct buf *array, long n, const char **json)
{
	buf_putc(array, ']');
	*json = arena_dup(&s->arena, buf_view(array));
	buf_free(array);
	return n < 0 ? s->status : n;
}

long
run_get_records(struct sluice_run *run, const char *model, const char *const *ids, const char **json)
{
	struct step *s = step_of(run);
	struct buf array = {0};
	uint64_t cursor;
	uint16_t index;
	long n = 0, got = 0;

	if (json)
		*json = "[]";
	if (step_status(s))
		return step_status(s);
	if (!ids || !json)
		return step_fail(s, SLUICE_EARGUMENT, "sluice_get_records: the %s NULL",
		                 ids ? "place for the result is" : "ids are");
	if (model_find(s, "sluice_get_records", model, &index))
		return s->status;
	buf_putc(&array, '[');
	while (*ids && got >= 0) {
		uint32_t part = 0;
		while (part < IDS_MAX && ids[part] && strlen(ids[part]) <= RECORD_ID_MAX && *ids[part])
			part++;
		if (part)
			got = records_wait(s, get_send(s, index, false, 0, ids, part), &array, &cursor);
		n += got > 0 ? got : 0;
		ids += part ? part : 1; /* what cannot be an id is not there */
	}
	return records_give(s, &array, got < 0 ? got : n, json);
}

long
run_list_records(struct sluice_run *run, const char *model, int again, const char **json)
{
	struct step *s = step_of(run);
	uint16_t index;
	long n;

	if (json)
		*json = "[]";
	if (step_status(s))
		return step_status(s);
	if (!json)
		return step_fail(s, SLUICE_EARGUMENT, "sluice_list_records: the place for the result is NULL");
	if (model_find(s, "sluice_list_records", model, &index))
		return s->status;
	if (!again)
		s->list_cursor = 0;
	buf_clear(&s->listed);
	buf_putc(&s->listed, '[');
	n = records_wait(s, get_send(s, index, true, s->list_cursor, NULL, 0), &s->listed, &s->list_cursor);
	buf_putc(&s->listed, ']');
	*json = buf_str(&s->listed);
	return n < 0 ? s->status : n;
}
