/* frame.c - frames made, found and checked against the message table. Shared by host and worker.
 *
 * Guarantee: a frame that frame_take hands out is of a known type, in the right direction, permitted now, within its
 * maximum, and its fields (record lists included) fill it exactly; whoever reads it may trust the layout, though not
 * one value in it. Too long is said as soon as the header is there, so nobody ever buffers more than a row's maximum.
 * Awkward: the field list is read as text, for every frame (not for every record of it). That is 30 to 200 bytes of
 * walking, cheaper than the system call that brought the frame, and it keeps a second description of the protocol from
 * existing. */
#include "wire/message.h"

#include <endian.h>
#include <string.h>
#include "base/mem.h"

#define LIST_FIELDS 4 /* most fields of a list's element */

/* ---- fields ---- */

struct field {
	size_t fixed;      /* bytes of u8 ... i64; 0: one of the others */
	char kind;         /* 'B' or 'R' when not fixed */
	bool counts;       /* it is the count of the list that follows */
	const char *group; /* of an R: the fields of one element; NULL: plain bytes */
};

static const struct {
	const char *name;
	size_t bytes;
} fixed_types[] = {{"u8 ", 1}, {"u16 ", 2}, {"u32 ", 4}, {"u64 ", 8}, {"i64 ", 8}};

/* Reads the field description at p: "u16 model", "R records {B id, B json}". Returns what is behind it and its comma;
 * NULL at the end of the list, which is the end of the text or a closing brace. */
static const char *
field_next(const char *p, struct field *f)
{
	size_t name;

	*f = (struct field){0};
	if (*p == '\0' || *p == '}')
		return NULL;
	for (size_t i = 0; i < LENGTH(fixed_types); i++)
		if (!strncmp(p, fixed_types[i].name, strlen(fixed_types[i].name)))
			f->fixed = fixed_types[i].bytes;
	f->kind = f->fixed ? 0 : *p;
	p = strchr(p, ' ') + 1;
	name = strcspn(p, ",{}");
	f->counts = name == 5 && !memcmp(p, "count", 5);
	p += name;
	if (*p == '{') {
		f->group = p + 1;
		p += strcspn(p, "}") + 1;
	}
	return p + strspn(p, ", ");
}

static uint64_t
fixed_take(struct reader *r, size_t bytes)
{
	uint64_t v = 0;

	for (size_t i = 0; i < bytes; i++)
		v |= (uint64_t)reader_u8(r) << (8 * i);
	return v;
}

/* One field without its list. Returns its value when it is a number. */
static uint64_t
field_take(const struct field *f, struct reader *r)
{
	if (f->fixed)
		return fixed_take(r, f->fixed);
	if (f->kind == 'B')
		reader_bytes(r, FRAME_RECORD_MAX);
	else if (!f->group)
		reader_rest(r);
	return 0;
}

/* `count` times the fields of one element, or until the bytes end (r->bad). An element takes bytes, so that is soon. */
static void
list_take(const char *group, uint64_t count, struct reader *r)
{
	struct field fields[LIST_FIELDS];
	size_t n = 0;

	for (const char *next; n < LIST_FIELDS && (next = field_next(group, &fields[n])); group = next)
		n++;
	for (uint64_t i = 0; i < count && !r->bad; i++)
		for (size_t k = 0; k < n; k++)
			field_take(&fields[k], r);
}

static void
fields_take(const char *fields, struct reader *r)
{
	const char *next;
	uint64_t count = 0;
	struct field f;

	for (; !r->bad && (next = field_next(fields, &f)); fields = next) {
		uint64_t v = field_take(&f, r);

		count = f.counts ? v : count;
		if (f.group)
			list_take(f.group, count, r);
	}
}

bool
frame_fits(enum message type, struct slice body)
{
	struct reader r = reader_of(body);

	if (type <= MSG_NONE || type >= MESSAGES || body.len > messages[type].max)
		return false;
	fields_take(messages[type].fields, &r);
	return reader_end(&r);
}

/* ---- making ---- */

size_t
frame_begin(struct buf *b, enum message type, uint16_t flags, uint32_t serial)
{
	size_t at = b->len;

	buf_u32(b, 0);
	buf_u16(b, (uint16_t)type);
	buf_u16(b, flags);
	buf_u32(b, serial);
	return at;
}

void
frame_end(struct buf *b, size_t at)
{
	struct reader r = reader_of(slice_of(b->p + at, b->len - at));
	struct slice body = {b->p + at + FRAME_HEADER, b->len - at - FRAME_HEADER};
	enum message type = (reader_u32(&r), reader_u16(&r));
	uint32_t length = htole32((uint32_t)body.len);

	if (!frame_fits(type, body))
		die("a message '%s' of %zu bytes does not fit its own table",
		    type > MSG_NONE && type < MESSAGES ? messages[type].name : "?", body.len);
	memcpy(b->p + at, &length, sizeof length);
}

/* ---- taking ---- */

static const char *
phase_name(unsigned phase)
{
	return phase == PHASE_START  ? "while the worker starts"
	       : phase == PHASE_LOAD ? "while the plugin is loaded"
	       : phase == PHASE_IDLE ? "while no function runs"
	       : phase == PHASE_STEP ? "while a function runs"
	                             : "after the end";
}

/* What can be said by the header alone. */
static int
header_check(const struct frame *f, uint32_t length, enum wire_direction from, unsigned phase, struct err *err)
{
	enum err_class cls = from == TO_HOST ? ERR_CONNECTOR : ERR_HOST;
	const struct message_spec *spec;

	if (f->type == MSG_NONE || f->type >= MESSAGES)
		return err_set(err, cls, "a message of the unknown type %u", f->type);
	spec = &messages[f->type];
	if (spec->direction != from)
		return err_set(err, cls, "the message '%s', which only the other side may send", spec->name);
	if (!(spec->phases & phase))
		return err_set(err, cls, "the message '%s', which may not come %s", spec->name, phase_name(phase));
	if (length > spec->max)
		return err_set(err, cls, "a message '%s' of %u bytes; %u are allowed", spec->name, length, spec->max);
	if (f->flags & ~spec->flags)
		return err_set(err, cls, "a message '%s' with the unknown flags 0x%x", spec->name, f->flags);
	return 0;
}

int
frame_take(struct slice in, enum wire_direction from, unsigned phase, struct frame *f, size_t *used, struct err *err)
{
	struct reader r = reader_of(in);
	uint32_t length;

	*used = 0;
	if (in.len < FRAME_HEADER)
		return 0;
	length = reader_u32(&r);
	*f = (struct frame){.type = reader_u16(&r)};
	f->flags = reader_u16(&r);
	f->serial = reader_u32(&r);
	if (header_check(f, length, from, phase, err))
		return -1;
	if (in.len - FRAME_HEADER < length)
		return 0;
	f->body = reader_raw(&r, length);
	if (!frame_fits(f->type, f->body))
		return err_set(err, from == TO_HOST ? ERR_CONNECTOR : ERR_HOST,
		               "a message '%s' of %u bytes whose fields do not fit", messages[f->type].name, length);
	*used = FRAME_HEADER + (size_t)length;
	return 1;
}
