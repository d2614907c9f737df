/* message.h - the protocol between host and worker, as one table.
 *
 * A frame is a 12-byte little-endian header {length u32 of the fields, type u16, flags u16, serial u32} and then the fields
 * in the order of the table: u8 u16 u32 u64 i64 fixed, B = u32 length and that many bytes, R = all the rest of the frame.
 * The table says for each message its direction, fields, largest size and the phases in which it may come; packing, checking,
 * log names, permission check, fuzz dictionary and the documentation page all derive from it. What is not in the table does
 * not exist; a frame that breaks it ends that worker (host side) or that process (worker side), never the host.
 *
 * Flow: one HTTP request outstanding, plus one prefetch. Saves are not acknowledged one by one: the host stops reading the
 * socket while more than its window (max_batch) waits for the disk, and the worker then blocks in write(2). */
#ifndef SLUICE_WIRE_MESSAGE_H
#define SLUICE_WIRE_MESSAGE_H

#include <stdbool.h>
#include <stdint.h>
#include "base/buf.h"
#include "base/err.h"

#define FRAME_HEADER 12u
#define FRAME_MAX (1u << 20)          /* bytes of fields in one frame, at most; longer things travel in several, */
#define FRAME_RECORD_MAX ((8u << 20) + 4096u) /* but a record is never cut: SAVE and RECORDS may be this long, for a single large one */
#define WIRE_VERSION 2u

enum wire_phase {                     /* of a worker's life */
	PHASE_START = 1,                  /* spawned; sandbox being built and tested */
	PHASE_LOAD = 2,                   /* sandbox proven; plugin being loaded */
	PHASE_IDLE = 4,                   /* plugin loaded; no function running */
	PHASE_STEP = 8,                   /* inside a function of the plugin */
	PHASE_DONE = 16,                  /* step_end sent, or told to exit */
};

enum wire_direction { TO_WORKER = 1, TO_HOST = 2 };

enum message {
	MSG_NONE = 0,
	/* host to worker */
	MSG_HELLO,      /* first: limits and what the worker is for */
	MSG_STEP,       /* call one function of the plugin */
	MSG_POSITION_IS,/* before MSG_STEP, once per kept position: where paginations stand (only to a new worker) */
	MSG_ANSWER,     /* head of an HTTP answer, or its failure */
	MSG_BODY,       /* piece of an answer's body; flag LAST on the final one (also when empty) */
	MSG_RECORDS,    /* answer to get_records / list_records; flag MORE when further frames follow */
	MSG_STOP,       /* end at the next call of the host */
	MSG_EXIT,       /* no more work: exit 0 */
	/* worker to host */
	MSG_READY,      /* sandbox in force; what it consists of */
	MSG_LOADED,     /* plugin loaded and sandbox tightened; its manifest when asked for */
	MSG_REQUEST,    /* HTTP request to make */
	MSG_READ,       /* give me the next piece of a streamed body (sluice_read) */
	MSG_CLOSE,      /* forget the request with this serial, and its answer */
	MSG_SAVE,       /* records for one model; flag MORE when the same call goes on in the next frame */
	MSG_DEAD,       /* one bad record */
	MSG_POSITION,   /* a pagination moved on or finished: page boundary and commit group */
	MSG_METADATA,   /* set or merge */
	MSG_CHECKPOINT, /* set or clear */
	MSG_FULL_DONE,  /* the author vouches for a handmade loop */
	MSG_GET,        /* get_records by id, or list_records after a cursor */
	MSG_LOG,
	MSG_PROGRESS,
	MSG_REPLY,      /* output of an action or check */
	MSG_STEP_END,   /* the function returned */
	MESSAGES
};

enum frame_flag { FRAME_MORE = 1, FRAME_LAST = 2, FRAME_PAGE = 4 }; /* PAGE: as they stand on the page in hand */

enum hello_mode { HELLO_DESCRIBE = 1, HELLO_RUN = 2 };

/* Field lists, in order (see message.c for the table itself; names there):
 * HELLO       u16 wire_version, u8 mode, u8 seccomp_only, u64 max_answer, u64 max_record, u64 max_batch, B plugin_name, B shaped (manifest with the datasets that the operator named; empty: none)
 * STEP        u8 what (0 sync, 1 check, 2 action, 3 event), B name, u8 full, i64 now_us, i64 last_success_us (0 none), u32 calls (budget; 0 none), u32 time_ms (0 none),
 *             u32 page_size (0 as declared), u8 resumed, B connection (JSON {"connection","integration","options":{...}}), B metadata (JSON object), B checkpoint (JSON or empty), B input (JSON or empty)
 * POSITION_IS B name (depth byte + key), B state (JSON)
 * ANSWER      u32 of (serial of its request), u16 status (0: failed), u8 err_class, B error, B headers ("name: value\n" lines, lower-case names, no secrets), u64 length (decoded body bytes, all of it is there; UINT64_MAX: streamed),
 *             u32 waited_ms
 * BODY        u32 of, R bytes
 * RECORDS     u32 of (serial of MSG_GET), u64 cursor (for the next list), u32 count, R count x {B id, B json}; flag MORE when further frames follow; deleted records are left out
 * STOP        u8 reason (1 budget, 2 deadline, 3 cancelled, 4 host ends), B text
 * EXIT
 * READY       u16 wire_version, u16 landlock_abi, u8 seccomp (2 = filter), u8 no_new_privs, u32 self_tests (number passed)
 * LOADED      u16 abi_major, u16 abi_minor, R manifest (JSON; empty in RUN mode)
 * REQUEST     u8 method, u8 flags (1 streamed, 2 safe to repeat, 4 page), u8 retries+1 (0 as configured), u32 timeout_ms (0 as configured), B endpoint (path or absolute URL), B query (already encoded, without ?), B headers ("name: value\n"), B accept
 *             (u16 LE statuses that count as success), B retry_on (u16 LE statuses), B body, u8 link (endpoint came from an answer: a next link), u16 endpoint_group reserved 0
 * READ        u32 of, u32 at_most
 * CLOSE       u32 of
 * SAVE        u16 model (index in the manifest), u8 op (0 save, 1 update, 2 delete), u32 count, R count x {B id, B json (empty for delete)}
 * DEAD        u16 model, B id, B reason, R raw
 * POSITION    B name (depth byte + key), u8 finished, u32 items (in the page just done), B state (JSON), u8 drop (1: forget deeper ones), u8 shape (PROOF_*)
 * METADATA    u8 op (0 set, 1 merge), R json
 * CHECKPOINT  u8 op (0 set, 1 clear), R json
 * FULL_DONE   u16 model
 * GET         u16 model, u8 what (0 by ids, 1 list), u64 cursor, u32 limit, u32 count, R count x {B id}
 * LOG         u8 level (enum sluice_level, or LOG_PARTIAL), R text
 * PROGRESS    u64 done, u64 total (0 unknown)
 * REPLY       R json
 * STEP_END    i32-as-u32 status (enum sluice_status), u8 yielded (call again), u8 incomplete (a loop was left early, or an answer was not a success), B reason
 */
enum { LOG_PARTIAL = 4 }; /* a warning, and from now on the run is not all that it should be */
enum request_flag { REQUEST_STREAM = 1, REQUEST_SAFE = 2, REQUEST_PAGE = 4, REQUEST_CONDITIONAL = 8 };
enum request_method { METHOD_GET, METHOD_POST, METHOD_PUT, METHOD_PATCH, METHOD_DELETE, METHOD_HEAD, METHODS };
enum save_op { SAVE_RECORD, SAVE_UPDATE, SAVE_DELETE, SAVE_OPS };
enum step_what { STEP_SYNC, STEP_CHECK, STEP_ACTION, STEP_EVENT };
/* How far a pagination proves that what it did not show is absent. */
enum proof { PROOF_WHOLE = 1, /* cursor or link to the end, or offsets whose overlap matched */
             PROOF_WEAK,      /* positions that could have shifted (page numbers): needs two runs */
             PROOF_NONE };    /* the list was seen to shift while it was read */

struct message_spec {
	const char *name;         /* "save" */
	uint8_t direction;        /* enum wire_direction */
	uint8_t phases;           /* in which it may come: enum wire_phase, or-ed */
	uint16_t flags;           /* enum frame_flag that it may bear */
	uint32_t max;             /* bytes of fields */
	const char *fields;       /* "u16 model, u8 op, u32 count, R records {B id, B json}": the one truth for checking and documentation;
	                           * what stands in braces is repeated as often as the field `count` says, and nothing may follow */
};
extern const struct message_spec messages[MESSAGES];

struct frame {
	uint16_t type;            /* enum message */
	uint16_t flags;
	uint32_t serial;
	struct slice body;        /* borrowed */
};

/* Begins a frame at the end of b; returns where it begins, for frame_end. Fields are then appended with buf_u8, buf_bytes, ... */
size_t frame_begin(struct buf *b, enum message type, uint16_t flags, uint32_t serial);
void frame_end(struct buf *b, size_t at); /* fills in the length; dies when the message is over its maximum or its fields do not fit the table */

/* Takes the first whole frame off `in`. 1: got one, *used bytes of in are consumed; 0: not all there yet; -1: err says what
 * is wrong (unknown type, wrong direction, not in this phase, too long, fields that do not fit, bytes left over): the
 * sender is to be ended. from: the direction that is legal here. */
int frame_take(struct slice in, enum wire_direction from, unsigned phase, struct frame *f, size_t *used, struct err *err);
bool frame_fits(enum message type, struct slice body); /* the fields of the table and nothing else */

#endif
