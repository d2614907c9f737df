/* frame.c - fuzz target: any bytes as what a worker sends, and any bytes as a manifest.
 *
 * The first byte picks direction and phase. The rest is taken as a stream, frame by frame, as worker_process.c does;
 * what is handed out must fit the table. The body of a `loaded` frame goes on into manifest_parse, and a manifest that
 * is accepted must be written and read again the same. With libFuzzer: make fuzz. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include "base/mem.h"
#include "plugin/manifest.h"
#include "wire/message.h"

#define require(cond) ((cond) ? (void)0 : (fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #cond), abort()))

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
manifest_try(struct slice json)
{
	struct buf first = {0}, second = {0};
	struct err err = {0};
	struct manifest *m = manifest_parse(json, &err), *again;

	require(m || err.text[0]);
	if (m) {
		manifest_write(&first, m);
		again = manifest_parse(buf_view(&first), &err);
		require(again);
		manifest_write(&second, again);
		require(slice_eq(buf_view(&first), buf_view(&second)));
		manifest_free(again);
	}
	manifest_free(m);
	buf_free(&first);
	buf_free(&second);
}

static void
stream_try(struct slice in, enum wire_direction from, unsigned phase)
{
	struct frame f;
	struct err err = {0};
	size_t used;

	while (frame_take(in, from, phase, &f, &used, &err) == 1) {
		require(used >= FRAME_HEADER && used <= in.len && frame_fits(f.type, f.body));
		require(messages[f.type].direction == from && (messages[f.type].phases & phase));
		if (f.type == MSG_LOADED)
			manifest_try(slice_of(f.body.p + 4, f.body.len - 4));
		in.p += used;
		in.len -= used;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *exact;

	if (size < 1)
		return 0;
	exact = xmemdup(data + 1, size - 1);
	if (data[0] & 0x80)
		manifest_try(slice_of(exact, size - 1));
	else
		stream_try(slice_of(exact, size - 1), data[0] & 1 ? TO_HOST : TO_WORKER, 1u << ((data[0] >> 1) % 5));
	free(exact);
	return 0;
}
