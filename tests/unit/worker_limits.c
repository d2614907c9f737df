/* worker_limits.c - the limits of an answer, a record and a call: what is exactly as large as allowed passes, and what is
 * larger is named. (Ids and nesting: worker_records.c; checkpoint and metadata: worker_calls.c.) */
#include "worker_host.h"

#define MIB (1 << 20)

static const char *text; /* what the next run saves, or NULL: it reads pages; inherited by the child */

static int
fetch(struct sluice_run *run)
{
	static const struct sluice_page_request list = {
		.endpoint = "/p", .items = "data", .kind = SLUICE_CURSOR, .cursor = "next", .cursor_param = "at"};
	struct sluice_page page;

	if (text)
		sluice_batch_save(run, "T", text, 0);
	while (!text && sluice_paginate(run, &list, &page) > 0)
		sluice_log(run, SLUICE_INFO, "a page of %zu", page.count);
	return sluice_status(run);
}

static const struct sluice_field fields[] = {{.name = "id", .type = SLUICE_STRING, .flags = SLUICE_KEY}, {0}};
static const struct sluice_model models[] = {{.name = "T", .fields = fields}, {0}};
static const struct sluice_sync syncs[] = {{.name = "s", .model = "T", .fetch = fetch}, {0}};
static const struct sluice_connector connector = {
	SLUICE_ABI, .name = "test", .version = "1.0.0", .base_url = "https://t.example", .models = models, .syncs = syncs};

/* Three pages, each exactly as large as max_answer, of the smallest items that there are. */
static void
serve_dense(struct fake *f, const struct fake_request *r, struct fake_answer *a)
{
	static const char head[] = "{\"data\":[";
	long at = query_long(r, "at", 1);
	char tail[40];
	size_t n;
	char *p;

	(void)f;
	snprintf(tail, sizeof tail, at < 3 ? "1],\"next\":%ld}" : "1],\"next\":null}", at + 1);
	buf_puts(&a->body, head);
	n = 32 * MIB - strlen(head) - strlen(tail);
	p = buf_grow(&a->body, n);
	for (size_t i = 0; i + 1 < n; i += 2) {
		p[i] = '1';
		p[i + 1] = ',';
	}
	if (n % 2)
		p[n - 1] = ' ';
	buf_puts(&a->body, tail);
}

TEST("answers of max_answer (32 MiB), all of the smallest items, fit in a worker's 512 MiB one after the other")
{
	struct fake f = {.connector = &connector, .serve = serve_dense, .memory = 512 * MIB, .count_only = true};
	struct fake small = {.connector = &connector, .serve = serve_dense, .memory = 128 * MIB, .count_only = true};

	text = NULL;
	fake_run(&f);
	CHECK_INT(f.status, 0);
	CHECK(f.ended && !f.died);
	CHECK_INT(f.n_requests, 3);
	CHECK(list_has(&f.logs, "a page of 1677"));
	if (f.status)
		printf("# %s\n", f.reason);
	fake_finish(&f);
	if (SLUICE_SANITIZED)
		return;
	fake_run(&small); /* the limit is in force */
	CHECK(small.died);
	fake_finish(&small);
}

static void
record_put(struct buf *b, const char *id, size_t len)
{
	size_t begin = b->len, n;

	buf_printf(b, "{\"id\":\"%s\",\"x\":\"", id);
	n = len - (b->len - begin) - 2;
	memset(buf_grow(b, n), 'x', n);
	buf_puts(b, "\"}");
}

TEST("a record of exactly max_record is saved, one byte more is a dead letter that names it: 1 MiB, and 8, the most")
{
	static const uint64_t limits[] = {1 * MIB, 8 * MIB};

	for (size_t i = 0; i < LENGTH(limits); i++) {
		struct fake f = {.connector = &connector, .max_record = limits[i], .count_only = true};
		struct buf b = {0};

		buf_putc(&b, '[');
		record_put(&b, "whole", limits[i]);
		buf_putc(&b, ',');
		record_put(&b, "over", limits[i] + 1);
		buf_putc(&b, ']');
		text = buf_str(&b);
		fake_run(&f);
		CHECK_INT(f.status, 0);
		CHECK_INT(f.n_saved, 1);
		CHECK_INT(f.dead.n, 1);
		CHECK_HAS(f.dead.n ? f.dead.v[0] : "", "[over] the record has");
		CHECK_HAS(f.dead.n ? f.dead.v[0] : "", "(max_record)");
		fake_finish(&f);
		buf_free(&b);
	}
}

TEST("a call of 1 000 small records is one frame, of 1 001 two; 8 MiB go in frames of a MiB: one group either way")
{
	static const struct {
		int n;
		size_t len;
		uint64_t frames;
	} calls[] = {{1000, 40, 1}, {1001, 40, 2}, {8, MIB - 64 - FRAME_HEADER - 16, 8}, {16, MIB / 2 - 64, 8}};

	for (size_t i = 0; i < LENGTH(calls); i++) {
		struct fake f = {.connector = &connector, .count_only = true};
		struct buf b = {0};
		char id[12];

		for (int k = 0; k < calls[i].n; k++) {
			buf_putc(&b, k ? ',' : '[');
			snprintf(id, sizeof id, "%d", k);
			record_put(&b, id, calls[i].len);
		}
		buf_putc(&b, ']');
		text = buf_str(&b);
		fake_run(&f);
		CHECK_INT(f.status, 0);
		CHECK_INT(f.n_saved, calls[i].n);
		CHECK_INT(f.n_save_frames, calls[i].frames);
		CHECK_INT(f.n_more, calls[i].frames - 1);
		fake_finish(&f);
		buf_free(&b);
	}
}
