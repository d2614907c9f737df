/* wire_frame.c - frames: every message of the table made, taken, cut and broken. */
#include "wire/message.h"

#include "base/mem.h"
#define TAP_NO_MAIN
#include "../tap.h"

/* ---- the shortest correct use ---- */

TEST("a frame that was made is taken again, fields and all")
{
	struct buf b = {0};
	struct frame f;
	struct reader r;
	size_t used, at = frame_begin(&b, MSG_LOG, 0, 7);

	buf_u8(&b, 2);
	buf_puts(&b, "hello");
	frame_end(&b, at);
	CHECK_INT(frame_take(buf_view(&b), TO_HOST, PHASE_STEP, &f, &used, NULL), 1);
	CHECK_INT(used, b.len);
	CHECK_INT(f.type, MSG_LOG);
	CHECK_INT(f.serial, 7);
	r = reader_of(f.body);
	CHECK_INT(reader_u8(&r), 2);
	CHECK(slice_is(reader_rest(&r), "hello"));
	CHECK(reader_end(&r));
	buf_free(&b);
}

/* ---- bodies made from the table, by a reading of it that is not frame.c's ---- */

static uint64_t seed = 1;

static uint32_t
chance(uint32_t n)
{
	seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)(seed >> 33) % n;
}

static void
bytes_put(struct buf *b, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		buf_u8(b, (uint8_t)chance(256));
}

/* Appends the fields of `text` up to its end; `count` is that of the record list. */
static void
body_put(struct buf *b, const char *text, uint32_t count)
{
	char part[256], *brace;
	const char *end;

	for (; *text; text = *end ? end + 2 : end) {
		int depth = 0;
		for (end = text; *end && (*end != ',' || depth); end++)
			depth += (*end == '{') - (*end == '}');
		snprintf(part, sizeof part, "%.*s", (int)(end - text), text);
		brace = strchr(part, '{');
		if (!strcmp(part, "u32 count"))
			buf_u32(b, count);
		else if (part[0] == 'u' || part[0] == 'i')
			bytes_put(b, (uint32_t)atoi(part + 1) / 8);
		else if (part[0] == 'B') {
			uint32_t n = chance(40);
			buf_u32(b, n);
			bytes_put(b, n);
		} else if (brace) {
			brace[strlen(brace) - 1] = '\0';
			for (uint32_t i = 0; i < count; i++)
				body_put(b, brace + 1, 0);
		} else {
			bytes_put(b, chance(40));
		}
	}
}

static bool
has_rest(const struct message_spec *spec)
{
	return strstr(spec->fields, "R ") && !strchr(spec->fields, '{');
}

static unsigned
any_phase(const struct message_spec *spec)
{
	return spec->phases & (0u - spec->phases);
}

TEST("every message of the table goes there and back, and any cut or added byte is refused")
{
	for (unsigned type = MSG_NONE + 1; type < MESSAGES; type++) {
		const struct message_spec *spec = &messages[type];

		REQUIRE(spec->name && spec->fields && spec->phases && spec->direction);
		CHECK(spec->max <= FRAME_RECORD_MAX);
		for (uint32_t count = 0; count < 4; count++) {
			struct buf b = {0};
			struct frame f;
			struct err err;
			size_t used, at = frame_begin(&b, type, spec->flags, 9), body = b.len;

			body_put(&b, spec->fields, count);
			frame_end(&b, at);
			CHECK(frame_take(buf_view(&b), spec->direction, any_phase(spec), &f, &used, &err) == 1 &&
			      used == b.len);
			CHECK(f.type == type && f.flags == spec->flags && f.serial == 9 && f.body.len == b.len - body);
			for (size_t n = 0; n < b.len; n++) /* not there yet: more is waited for */
				CHECK_INT(
				        frame_take(slice_of(b.p, n), spec->direction, any_phase(spec), &f, &used, &err),
				        0);
			if (!has_rest(spec)) {
				struct slice whole = slice_of(b.p + body, b.len - body);

				for (size_t n = 0; n < whole.len; n++) /* a header that lies about less */
					CHECK(!frame_fits(type, slice_of(whole.p, n)));
				buf_u8(&b, 0);
				CHECK(!frame_fits(type, slice_of(b.p + body, b.len - body)));
			}
			buf_free(&b);
		}
	}
}

TEST("a message from the wrong side, in the wrong phase, or with unknown flags is refused by name")
{
	for (unsigned type = MSG_NONE + 1; type < MESSAGES; type++) {
		const struct message_spec *spec = &messages[type];
		enum wire_direction other = spec->direction == TO_HOST ? TO_WORKER : TO_HOST;
		struct buf b = {0};
		struct frame f;
		struct err err;
		size_t used, at = frame_begin(&b, type, 0, 1);

		body_put(&b, spec->fields, 1);
		frame_end(&b, at);
		CHECK_INT(frame_take(buf_view(&b), other, any_phase(spec), &f, &used, &err), -1);
		CHECK_HAS(err.text, spec->name);
		CHECK_HAS(err.text, "only the other side");
		for (unsigned phase = PHASE_START; phase <= PHASE_DONE; phase <<= 1) {
			int got = frame_take(buf_view(&b), spec->direction, phase, &f, &used, &err);

			CHECK_INT(got, spec->phases & phase ? 1 : -1);
			if (got < 0)
				CHECK_HAS(err.text, "may not come");
		}
		b.p[7] = 0x40; /* a flag that nobody has */
		CHECK_INT(frame_take(buf_view(&b), spec->direction, any_phase(spec), &f, &used, &err), -1);
		CHECK_HAS(err.text, "flags");
		buf_free(&b);
	}
}

static int
header_take(uint32_t length, uint16_t type, struct err *err)
{
	struct buf b = {0};
	struct frame f;
	size_t used;
	int got;

	buf_u32(&b, length);
	buf_u16(&b, type);
	buf_u16(&b, 0);
	buf_u32(&b, 1);
	got = frame_take(buf_view(&b), TO_HOST, PHASE_STEP, &f, &used, err);
	buf_free(&b);
	return got;
}

TEST("unknown types and lengths up to 2^32-1 are refused by the header alone")
{
	struct err err;

	CHECK_INT(header_take(0, MSG_NONE, &err), -1);
	CHECK_HAS(err.text, "unknown type 0");
	CHECK_INT(header_take(4, MESSAGES, &err), -1);
	CHECK_INT(header_take(4, 0xffff, &err), -1);
	CHECK_HAS(err.text, "unknown type 65535");
	CHECK_INT(header_take(UINT32_MAX, MSG_SAVE, &err), -1);
	CHECK_HAS(err.text, "'save' of 4294967295 bytes");
	CHECK_INT(err.cls, ERR_CONNECTOR);
	CHECK_INT(header_take(messages[MSG_SAVE].max + 1, MSG_SAVE, &err), -1);
	CHECK_INT(header_take(messages[MSG_SAVE].max, MSG_SAVE, &err), 0);
}

static bool
save_fits(uint32_t count, uint32_t id, uint32_t json, uint32_t extra)
{
	struct buf b = {0};
	bool fits;

	buf_u16(&b, 0);
	buf_u8(&b, SAVE_RECORD);
	buf_u32(&b, count);
	buf_u32(&b, id);
	buf_puts(&b, "ab");
	buf_u32(&b, json);
	buf_puts(&b, "{}");
	for (uint32_t i = 0; i < extra; i++)
		buf_u8(&b, 0);
	fits = frame_fits(MSG_SAVE, buf_view(&b));
	buf_free(&b);
	return fits;
}

TEST("a record list holds exactly as many records as it says, and nothing after them")
{
	CHECK(save_fits(1, 2, 2, 0));
	CHECK(!save_fits(0, 2, 2, 0));
	CHECK(!save_fits(2, 2, 2, 0));
	CHECK(!save_fits(UINT32_MAX, 2, 2, 0));
	CHECK(!save_fits(1, 2, 2, 1));
	CHECK(!save_fits(1, 3, 2, 0));
	CHECK(!save_fits(1, 2, 3, 0));
	CHECK(!save_fits(1, UINT32_MAX, 2, 0));
	CHECK(!save_fits(1, 2, UINT32_MAX, 0));
	CHECK(save_fits(2, 2, 2, 8)); /* an empty second one */
}

TEST("200 000 mutated frames never make the taker read outside or accept what does not fit")
{
	const char *given = getenv("SEED");

	seed = given ? strtoull(given, NULL, 0) : 20261123;
	printf("# seed %llu\n", (unsigned long long)seed);
	for (int round = 0; round < 200000; round++) {
		unsigned type = 1 + chance(MESSAGES - 1), phase = 1u << chance(5);
		struct buf b = {0};
		struct frame f;
		struct err err = {0};
		size_t used, at = frame_begin(&b, type, 0, 1);
		char *exact;
		int got;

		body_put(&b, messages[type].fields, chance(5));
		frame_end(&b, at);
		for (uint32_t n = chance(4); n > 0; n--)
			b.p[chance((uint32_t)b.len)] = (char)chance(256);
		b.len -= chance(3) ? 0 : chance((uint32_t)b.len);
		exact = xmemdup(b.p, b.len); /* so that a sanitizer sees one byte too far */
		got = frame_take(slice_of(exact, b.len), chance(2) ? TO_HOST : TO_WORKER, phase, &f, &used, &err);
		CHECK(got != 1 || (used <= b.len && frame_fits(f.type, f.body)));
		CHECK(got != 1 || (messages[f.type].phases & phase));
		CHECK(got >= 0 || err.text[0]);
		free(exact);
		buf_free(&b);
	}
}

/* ---- the page ---- */

#define PAGE "core/wire/PROTOCOL.md"
#define MARK "wire_frame --write -->\n"

static void
bits_put(struct buf *b, unsigned bits, const char *const names[])
{
	const char *between = "";

	for (unsigned i = 0; names[i]; i++)
		if (bits & 1u << i) {
			buf_printf(b, "%s%s", between, names[i]);
			between = ", ";
		}
}

/* "u32 count, R records {B id}" as the page shows it: "`u32` count, `R` records x {`B` id}". */
static void
fields_put(struct buf *b, const char *text)
{
	bool type = true;

	for (; *text; text++) {
		if (type && *text != ' ') {
			size_t n = strcspn(text, " ");
			buf_printf(b, "`%.*s`", (int)n, text);
			text += n;
			type = false;
		}
		type |= *text == ',' || *text == '{';
		buf_puts(b, *text == '{' ? "x {" : (char[]){*text, '\0'});
		if (*text == ',' && text[1] == ' ')
			buf_putc(b, *++text);
	}
}

static void
direction_put(struct buf *b, const char *title, enum wire_direction direction)
{
	static const char *const phases[] = {"start", "load", "idle", "step", "done", NULL};
	static const char *const flags[] = {"MORE", "LAST", NULL};

	buf_printf(b, "\n## %s\n\n| type | message | in | flags | at most | fields |\n|---|---|---|---|---|---|\n", title);
	for (unsigned type = MSG_NONE + 1; type < MESSAGES; type++) {
		const struct message_spec *m = &messages[type];

		if (m->direction != direction)
			continue;
		buf_printf(b, "| %u | **%s** | ", type, m->name);
		bits_put(b, m->phases, phases);
		buf_puts(b, " | ");
		bits_put(b, m->flags, flags);
		buf_printf(b, " | %u | ", m->max);
		fields_put(b, m->fields);
		buf_puts(b, " |\n");
	}
}

static void
page_put(struct buf *b)
{
	buf_printf(b, "\nWire version %u; header %u bytes; a frame has at most %u bytes of fields, one that carries records %u.\n",
	           WIRE_VERSION, FRAME_HEADER, FRAME_MAX, FRAME_RECORD_MAX);
	direction_put(b, "Host to worker", TO_WORKER);
	direction_put(b, "Worker to host", TO_HOST);
}

/* The page as it is, up to the mark and from there. false: there is no such page. */
static bool
page_read(struct buf *prose, struct buf *tables)
{
	char text[32768];
	FILE *f = fopen(PAGE, "re");
	size_t n = f ? fread(text, 1, sizeof text - 1, f) : 0;
	char *mark;

	text[n] = '\0';
	if (f)
		fclose(f);
	mark = strstr(text, MARK);
	if (!mark)
		return false;
	mark += strlen(MARK);
	buf_put(prose, text, (size_t)(mark - text));
	buf_puts(tables, mark);
	return true;
}

TEST("the page of the protocol is what the table says (build/tests/unit/wire_frame --write makes it anew)")
{
	struct buf prose = {0}, has = {0}, want = {0};

	page_put(&want);
	CHECK(page_read(&prose, &has));
	CHECK(slice_eq(buf_view(&has), buf_view(&want)));
	buf_free(&prose);
	buf_free(&has);
	buf_free(&want);
}

static int
page_write(void)
{
	struct buf page = {0}, old = {0};
	FILE *f;

	if (!page_read(&page, &old))
		return 1;
	page_put(&page);
	f = fopen(PAGE, "we");
	if (!f || fwrite(page.p, 1, page.len, f) != page.len || fclose(f))
		return 1;
	buf_free(&page);
	buf_free(&old);
	return 0;
}

int
main(int argc, char **argv)
{
	return argc == 2 && !strcmp(argv[1], "--write") ? page_write() : tap_main(argc, argv);
}
