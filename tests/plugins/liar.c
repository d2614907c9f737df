/* liar.c - a connector that goes past the host's table and says untrue things about records over the channel itself. One sync a lie. */
#include <sluice.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

enum { SAVE = 14, DEAD, POSITION, METADATA, CHECKPOINT, FULL_DONE, GET, LOG, PROGRESS, REPLY };
enum { MORE = 1 };

struct lie { uint8_t type, flags; const char *body; size_t len; };

static int
tell(struct sluice_run *run)
{
	const struct lie *lie = sluice_data(run);
	uint8_t header[12] = {lie->len & 255, (uint8_t)(lie->len >> 8), 0, 0, lie->type, 0, lie->flags, 0, 77, 0, 0, 0};

	sluice_batch_save(run, "Thing", "[{\"id\":\"beside-a-lie\"}]", 23);
	send(3, header, sizeof header, 0);
	send(3, lie->body, lie->len, 0);
	return sluice_status(run);
}

static int
honest(struct sluice_run *run)
{
	sluice_batch_save(run, "Thing", "[{\"id\":\"honest\"}]", 17);
	return sluice_status(run);
}

#define LIE(type, flags, text) &(const struct lie){type, flags, text, sizeof(text) - 1}
#define ONE "\0\0" "\0" "\1\0\0\0"           /* model 0, save, one record */
#define A "\1\0\0\0a"                        /* with the id a */
static const struct sluice_field thing[] = {{.name = "id", .type = SLUICE_STRING, .flags = SLUICE_KEY}, {0}};
static const struct sluice_model models[] = {{.name = "Thing", .fields = thing}, {.name = "Other", .fields = thing}, {0}};
#define SYNC(name_, lie) {.name = name_, .model = "Thing", .flags = SLUICE_MANUAL, .fetch = tell, .data = lie}
static const struct sluice_sync syncs[] = {
	SYNC("other-id", LIE(SAVE, 0, ONE A "\x1a\0\0\0{\"id\":\"b\",\"x\":\"liecanary\"}")),
	SYNC("extra-bytes", LIE(SAVE, 0, ONE A "\x1b\0\0\0{\"id\":\"a\",\"x\":\"liecanary\"}x")),
	SYNC("two-documents", LIE(SAVE, 0, ONE A "\x1c\0\0\0{\"id\":\"a\",\"x\":\"liecanary\"}{}")),
	SYNC("invalid-byte", LIE(SAVE, 0, ONE A "\x1b\0\0\0{\"id\":\"a\",\"x\":\"liecanary\xff\"}")),
	SYNC("control-byte", LIE(SAVE, 0, ONE A "\x1b\0\0\0{\"id\":\"a\",\"x\":\"liecanary\1\"}")),
	SYNC("duplicate-key", LIE(SAVE, 0, ONE A "\x1b\0\0\0{\"id\":\"a\",\"id\":\"liecanary\"}")),
	SYNC("no-object", LIE(SAVE, 0, ONE A "\x0d\0\0\0[\"liecanary\"]")),
	SYNC("no-id", LIE(SAVE, 0, ONE A "\x11\0\0\0{\"x\":\"liecanary\"}")),
	SYNC("no-json", LIE(SAVE, 0, ONE A "\0\0\0\0")),
	SYNC("empty-id", LIE(SAVE, 0, ONE "\0\0\0\0" "\x09\0\0\0{\"id\":\"\"}")),
	SYNC("float-id", LIE(SAVE, 0, ONE "\3\0\0\0" "1.5" "\x0a\0\0\0{\"id\":1.5}")),
	SYNC("too-many", LIE(SAVE, 0, "\0\0" "\0" "\2\0\0\0" A "\x0a\0\0\0{\"id\":\"a\"}")),
	SYNC("too-few", LIE(SAVE, 0, "\0\0" "\0" "\0\0\0\0" A "\x0a\0\0\0{\"id\":\"a\"}")),
	SYNC("endless", LIE(SAVE, MORE, ONE A "\x0a\0\0\0{\"id\":\"a\"}")),
	SYNC("other-model", LIE(SAVE, 0, "\1\0" "\0" "\1\0\0\0" A "\x0a\0\0\0{\"id\":\"a\"}")),
	SYNC("no-model", LIE(SAVE, 0, "\x09\0" "\0" "\1\0\0\0" A "\x0a\0\0\0{\"id\":\"a\"}")),
	SYNC("no-operation", LIE(SAVE, 0, "\0\0" "\7" "\1\0\0\0" A "\x0a\0\0\0{\"id\":\"a\"}")),
	SYNC("full-delete", LIE(SAVE, 0, "\0\0" "\2" "\1\0\0\0" A "\x0a\0\0\0{\"id\":\"a\"}")),
	SYNC("bad-patch", LIE(SAVE, 0, "\0\0" "\1" "\1\0\0\0" A "\x0a\0\0\0{\"id\":\"b\"}")),
	SYNC("other-letter", LIE(DEAD, 0, "\1\0" A "\1\0\0\0r" "liecanary")),
	SYNC("bad-letter", LIE(DEAD, 0, "\0\0" "\1\0\0\0\xff" "\1\0\0\0r" "liecanary")),
	SYNC("bad-position", LIE(POSITION, 0, "\2\0\0\0\0k" "\1" "\1\0\0\0" "\2\0\0\0{}" "\0" "\x09")),
	SYNC("bad-state", LIE(POSITION, 0, "\2\0\0\0\0k" "\1" "\1\0\0\0" "\2\0\0\0{x" "\0" "\1")),
	SYNC("bad-metadata", LIE(METADATA, 0, "\0" "[\"liecanary\"]")),
	SYNC("bad-checkpoint", LIE(CHECKPOINT, 0, "\0" "{\"liecanary\":}")),
	SYNC("other-full-done", LIE(FULL_DONE, 0, "\1\0")),
	SYNC("no-get", LIE(GET, 0, "\x09\0" "\1" "\0\0\0\0\0\0\0\0" "\1\0\0\0" "\0\0\0\0")),
	SYNC("bad-log", LIE(LOG, 0, "\x09" "liecanary")),
	SYNC("bad-reply", LIE(REPLY, 0, "{\"liecanary\"")),
	{.name = "honest", .model = "Thing", .flags = SLUICE_MANUAL, .fetch = honest},
	{0}
};

SLUICE_EXPORT const struct sluice_connector sluice_connector = {SLUICE_ABI,
	.name = "liar", .version = "1.0.0", .base_url = "https://liar.example", .models = models, .syncs = syncs};
