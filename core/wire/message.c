/* message.c - the protocol itself: one row a message.
 *
 * Adding a message is adding a row here and a number in message.h; checking, packing, log names and the documentation
 * follow. Awkward: a row's phases are those of the *worker's* life as its receiver knows them. A late answer to a
 * request that was closed can reach a worker between two functions, so ANSWER, BODY and RECORDS may come while it
 * idles. A STEP_END in phase LOAD says why the plugin could not be loaded. */
#include "wire/message.h"

#define SMALL 1024u
#define STATE (64u << 10) /* metadata and checkpoints */

/* clang-format off */
const struct message_spec messages[MESSAGES] = {
	[MSG_HELLO] = {"hello", TO_WORKER, PHASE_START, 0, FRAME_MAX,
		"u16 wire_version, u8 mode, u8 seccomp_only, u64 max_answer, u64 max_record, u64 max_batch, B plugin_name, B shaped"},
	[MSG_STEP] = {"step", TO_WORKER, PHASE_IDLE, 0, FRAME_MAX,
		"u8 what, B name, u8 full, i64 now_us, i64 last_success_us, u32 calls, u32 time_ms, u32 page_size, u8 resumed, "
		"B connection, B metadata, B checkpoint, B input"},
	[MSG_POSITION_IS] = {"position_is", TO_WORKER, PHASE_IDLE, 0, FRAME_MAX, "B name, B state"},
	[MSG_ANSWER] = {"answer", TO_WORKER, PHASE_IDLE | PHASE_STEP, 0, FRAME_MAX,
		"u32 of, u16 status, u8 err_class, B error, B headers, u64 length, u32 waited_ms"},
	[MSG_BODY] = {"body", TO_WORKER, PHASE_IDLE | PHASE_STEP, FRAME_LAST, FRAME_MAX, "u32 of, R bytes"},
	[MSG_RECORDS] = {"records", TO_WORKER, PHASE_IDLE | PHASE_STEP, FRAME_MORE, FRAME_RECORD_MAX,
		"u32 of, u64 cursor, u32 count, R records {B id, B json}"},
	[MSG_STOP] = {"stop", TO_WORKER, PHASE_IDLE | PHASE_STEP, 0, SMALL, "u8 reason, B text"},
	[MSG_EXIT] = {"exit", TO_WORKER, PHASE_IDLE | PHASE_STEP, 0, 0, ""},

	[MSG_READY] = {"ready", TO_HOST, PHASE_START, 0, SMALL,
		"u16 wire_version, u16 landlock_abi, u8 seccomp, u8 no_new_privs, u32 self_tests"},
	[MSG_LOADED] = {"loaded", TO_HOST, PHASE_LOAD, 0, FRAME_MAX, "u16 abi_major, u16 abi_minor, R manifest"},
	[MSG_REQUEST] = {"request", TO_HOST, PHASE_STEP, 0, FRAME_MAX,
		"u8 method, u8 flags, u8 retries, u32 timeout_ms, B endpoint, B query, B headers, B accept, B retry_on, B body, "
		"u8 link, u16 reserved"},
	[MSG_READ] = {"read", TO_HOST, PHASE_STEP, 0, SMALL, "u32 of, u32 at_most"},
	[MSG_CLOSE] = {"close", TO_HOST, PHASE_STEP, 0, SMALL, "u32 of"},
	[MSG_SAVE] = {"save", TO_HOST, PHASE_STEP, FRAME_MORE | FRAME_PAGE, FRAME_RECORD_MAX,
		"u16 model, u8 op, u32 count, R records {B id, B json}"},
	[MSG_DEAD] = {"dead", TO_HOST, PHASE_STEP, 0, FRAME_MAX, "u16 model, B id, B reason, R raw"},
	[MSG_POSITION] = {"position", TO_HOST, PHASE_STEP, 0, FRAME_MAX,
		"B name, u8 finished, u32 items, B state, u8 drop, u8 shape, u32 of"},
	[MSG_METADATA] = {"metadata", TO_HOST, PHASE_STEP, 0, STATE + 16, "u8 op, R json"},
	[MSG_CHECKPOINT] = {"checkpoint", TO_HOST, PHASE_STEP, 0, STATE + 16, "u8 op, R json"},
	[MSG_FULL_DONE] = {"full_done", TO_HOST, PHASE_STEP, 0, SMALL, "u16 model"},
	[MSG_GET] = {"get", TO_HOST, PHASE_STEP, 0, FRAME_MAX,
		"u16 model, u8 what, u64 cursor, u32 limit, u32 count, R ids {B id}"},
	[MSG_LOG] = {"log", TO_HOST, PHASE_STEP, 0, STATE, "u8 level, R text"},
	[MSG_PROGRESS] = {"progress", TO_HOST, PHASE_STEP, 0, SMALL, "u64 done, u64 total"},
	[MSG_REPLY] = {"reply", TO_HOST, PHASE_STEP, 0, FRAME_MAX, "R json"},
	[MSG_STEP_END] = {"step_end", TO_HOST, PHASE_LOAD | PHASE_STEP, 0, STATE, "u32 status, u8 yielded, u8 incomplete, B reason"},
};
