/* nonsense.c - the connector that breaks the protocol: past the host's table it writes to the channel itself, crashes, hangs, leaves.
 *
 * The test writes the behaviour's name into the copy of the file that it uses; see drive_patch. */
#define _GNU_SOURCE
#include <sluice.h>
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static volatile struct {
	char magic[16];
	char behaviour[32];
	int constructor;
} site = {"SLUICE-NONSENSE"};

/* Sends all of it, as a frame when type is given. */
static void
put(const void *p, size_t n)
{
	const char *at = p;
	ssize_t sent;

	for (; n > 0; at += sent, n -= (size_t)sent)
		if ((sent = send(3, at, n, MSG_NOSIGNAL)) < 0)
			_exit(50);
}

static void
frame(unsigned type, unsigned flags, const void *body, uint32_t length)
{
	uint8_t header[12] = {length & 255, length >> 8 & 255, length >> 16 & 255, length >> 24, type & 255, type >> 8, flags & 255, flags >> 8, 1, 0, 0, 0};

	put(header, sizeof header);
	put(body, length);
}

enum { HELLO = 1, READY = 9, LOADED, REQUEST, SAVE = 14, PROGRESS = 22, STEP_END = 24 };
static const char zeros[64];
static const uint8_t one_record[] = {0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 'a', 2, 0, 0, 0, '{', '}'};
static const uint8_t end[] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0};

static void unknown_type(void) { frame(99, 0, "", 0); }
static void type_zero(void) { frame(0, 0, "", 0); }
static void host_only(void) { frame(HELLO, 0, zeros, 34); }
static void wrong_phase(void) { frame(READY, 0, zeros, 10); }
static void loaded_again(void) { frame(LOADED, 0, zeros, 4); }
static void too_long(void) { uint8_t header[12] = {255, 255, 255, 255, SAVE}; put(header, sizeof header); }
static void just_too_long(void) { uint8_t header[12] = {1, 0, 16, 0, REQUEST}; put(header, sizeof header); }
static void too_few_records(void) { uint8_t b[sizeof one_record]; memcpy(b, one_record, sizeof b); b[3] = 5; frame(SAVE, 0, b, sizeof b); }
static void too_many_records(void) { uint8_t b[2 * sizeof one_record - 7]; memcpy(b, one_record, sizeof one_record); memcpy(b + sizeof one_record, one_record + 7, sizeof one_record - 7); frame(SAVE, 0, b, sizeof b); }
static void huge_count(void) { uint8_t b[sizeof one_record]; memcpy(b, one_record, sizeof b); memset(b + 3, 255, 4); frame(SAVE, 0, b, sizeof b); }
static void left_over(void) { frame(PROGRESS, 0, zeros, 17); }
static void too_short(void) { frame(PROGRESS, 0, zeros, 15); }
static void strange_flags(void) { frame(SAVE, 0x8000, one_record, sizeof one_record); }
static void http(void) { put("GET / HTTP/1.1\r\nHost: x\r\n\r\n", 27); }
static void ended_twice(void) { frame(STEP_END, 0, end, sizeof end); frame(STEP_END, 0, end, sizeof end); }
static void save_after_end(void) { frame(STEP_END, 0, end, sizeof end); frame(SAVE, 0, one_record, sizeof one_record); }
static void half_frame_exit(void) { put("\x40\0\0\0\x0e\0", 6); _exit(0); }
static void half_body_exit(void) { uint8_t header[12] = {64, 0, 0, 0, SAVE}; put(header, sizeof header); put(one_record, sizeof one_record); _exit(0); }
static void half_frame_hang(void) { put("\x40\0\0\0\x0e\0", 6); for (;;) sleep(1); }
static void byte_by_byte(void) { uint8_t h[12] = {16, 0, 0, 0, PROGRESS}; for (int i = 0; i < 12; i++) put(h + i, 1); for (int i = 0; i < 16; i++) put(zeros, 1); _exit(3); }
static void flood(void) { for (;;) frame(PROGRESS, 0, zeros, 16); }
static void flood_large(void) { static char b[1 << 20]; b[0] = 0; for (;;) frame(15, 0, b, sizeof b); }
static void leave_zero(void) { exit(0); }
static void leave_seven(void) { _exit(7); }
static void close_and_live(void) { close(3); for (;;) sleep(1); }
static void close_and_leave(void) { close(3); _exit(5); }
static void crash(void) { *(volatile int *)8 = 1; }
static void divide(void) { volatile int zero = 0; volatile int x = 7 / zero; (void)x; }
static void illegal(void) { __builtin_trap(); }
static void assertion(void) { abort(); }
static void double_free(void) { void *volatile p = malloc(2000); void *volatile q = malloc(100); free(p); free(p); free(q); abort(); }
static int recurse(volatile char *p, int n) { volatile char b[4096]; b[0] = p[0] + 1; return n < 0 ? 0 : recurse(b, n + 1) + b[0]; }
static void overflow_stack(void) { volatile char c = 0; recurse(&c, 0); }
static void spin(void) { for (volatile unsigned i = 0;; i++); }
static void spin_masked(void) { sigset_t all; sigfillset(&all); sigprocmask(SIG_BLOCK, &all, NULL); spin(); }
static void sleep_on(void) { for (;;) sleep(1000); }
static void say_much(void) { for (int i = 0; i < 20000; i++) fprintf(stderr, "\033[2J\a bad \x80\xff words %d\r", i); _exit(9); }
static void *volatile kept; /* so that no compiler thinks the memory away */
static void hog(void) { size_t n = 0; void *p; while ((p = malloc(1 << 20))) { kept = memset(p, 1, 1 << 20); n++; } fprintf(stderr, "%zu MiB\n", n); _exit(n < 200 ? 11 : 12); }
static void forge_loaded(void) { frame(LOADED, 0, "\1\0\0\0{}", 6); for (;;) sleep(1); }
static void forge_ready(void) { frame(READY, 0, zeros, 10); }

static const struct {
	const char *name;
	void (*run)(void);
} behaviours[] = {
#define B(f) {#f, f}
	B(unknown_type), B(type_zero), B(host_only), B(wrong_phase), B(loaded_again), B(too_long), B(just_too_long), B(too_few_records),
	B(too_many_records), B(huge_count), B(left_over), B(too_short), B(strange_flags), B(http), B(ended_twice), B(save_after_end),
	B(half_frame_exit), B(half_body_exit), B(half_frame_hang), B(byte_by_byte), B(flood), B(flood_large), B(leave_zero),
	B(leave_seven), B(close_and_live), B(close_and_leave), B(crash), B(divide), B(illegal), B(assertion), B(double_free),
	B(overflow_stack), B(spin), B(spin_masked), B(sleep_on), B(say_much), B(hog), B(forge_loaded), B(forge_ready),
};

static void
behave(int constructor)
{
	for (size_t i = 0; i < sizeof behaviours / sizeof behaviours[0]; i++)
		if (site.constructor == constructor && !strcmp((const char *)site.behaviour, behaviours[i].name)) {
			behaviours[i].run();
			for (;;)
				sleep(1); /* whoever is still here waits for the host's answer to it */
		}
}

__attribute__((constructor)) static void
loaded(void)
{
	behave(1);
}

static int
fetch(struct sluice_run *run)
{
	behave(0);
	return sluice_status(run);
}

static const struct sluice_field fields[] = {{.name = "id", .type = SLUICE_STRING, .flags = SLUICE_KEY}, {0}};
static const struct sluice_model models[] = {{.name = "Thing", .fields = fields}, {0}};
static const struct sluice_sync syncs[] = {{.name = "things", .model = "Thing", .fetch = fetch}, {0}};
SLUICE_EXPORT const struct sluice_connector sluice_connector = {SLUICE_ABI, .name = "nonsense", .models = models, .syncs = syncs};
