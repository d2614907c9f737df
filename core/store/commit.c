/* commit.c - building a commit: operations are encoded one after the other; nothing is looked up or judged here.
 *
 * A record's body is laid out as it will be sealed: length of id (1 byte), id, JSON; so the writer seals straight from
 * here into LMDB's page. */
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "store/commit.h"
#include "store/layout.h"

#define RECORD_WEIGHT 1024u /* bytes */

struct commit *
commit_new(struct store *s, struct fence fence)
{
	struct commit *c = XNEW(struct commit);

	c->s = s;
	c->fence = fence;
	return c;
}

void
commit_free(struct commit *c)
{
	if (!c)
		return;
	buf_free(&c->early);
	buf_free(&c->ops);
	free(c->counts);
	free(c);
}

size_t
commit_bytes(const struct commit *c)
{
	return c->ops.len + c->early.len + c->air;
}

bool
commit_empty(const struct commit *c)
{
	return c->ops.len == 0 && c->early.len == 0;
}

void
commit_reset(struct commit *c)
{
	c->n_counts = 0;
	c->dead = c->known = 0;
	c->number = 0;
}

struct commit_counts *
commit_counts_of(struct commit *c, uint32_t dataset)
{
	for (size_t i = c->n_counts; i-- > 0;)
		if (c->counts[i].dataset == dataset)
			return &c->counts[i];
	if (c->n_counts == c->cap_counts) {
		c->cap_counts = c->cap_counts ? c->cap_counts * 2 : 4;
		c->counts = xrealloc(c->counts, c->cap_counts * sizeof(*c->counts));
	}
	c->counts[c->n_counts] = (struct commit_counts){.dataset = dataset};
	return &c->counts[c->n_counts++];
}

static void
check_id(struct slice id)
{
	if (!id.len || id.len > STORE_ID_MAX)
		die("store: an id of %zu bytes was not refused earlier", id.len);
}

static void
put_op(struct commit *c, enum op op, uint32_t number)
{
	buf_u8(&c->ops, (uint8_t)op);
	buf_u32(&c->ops, number);
}

static void
put_body(struct commit *c, struct slice id, struct slice json)
{
	check_id(id);
	buf_u32(&c->ops, (uint32_t)(1 + id.len + json.len));
	buf_u8(&c->ops, (uint8_t)id.len);
	buf_slice(&c->ops, id);
	buf_slice(&c->ops, json);
}

static void
put_record(struct commit *c, enum op op, uint32_t dataset)
{
	put_op(c, (enum op)(op + (c->staged ? OP_STAGE_SAVE - OP_SAVE : 0)), dataset);
}

/* A record dirties a page of the index wherever its id falls, however small it is; those pages are held in memory until
 * the group is written. So none counts as less than RECORD_WEIGHT, or a group of tiny records would need many times
 * its bytes. */
static void
weigh(struct commit *c, size_t before)
{
	size_t len = c->ops.len - before;

	c->air += len < RECORD_WEIGHT ? RECORD_WEIGHT - len : 0;
}

void
commit_save(struct commit *c, uint32_t dataset, struct slice id, struct slice json, const struct json_hash *hash)
{
	size_t before = c->ops.len;

	put_record(c, OP_SAVE, dataset);
	buf_u64(&c->ops, hash->low);
	buf_u64(&c->ops, hash->high);
	put_body(c, id, json);
	weigh(c, before);
}

void
commit_update(struct commit *c, uint32_t dataset, struct slice id, struct slice patch)
{
	size_t before = c->ops.len;

	put_record(c, OP_UPDATE, dataset);
	put_body(c, id, patch);
	weigh(c, before);
}

void
commit_delete(struct commit *c, uint32_t dataset, struct slice id)
{
	size_t before = c->ops.len;

	check_id(id);
	put_record(c, OP_DELETE, dataset);
	buf_bytes(&c->ops, id);
	weigh(c, before);
}

void
commit_seen(struct commit *c, uint32_t dataset, struct slice id)
{
	check_id(id);
	put_op(c, OP_SEEN, dataset);
	buf_bytes(&c->ops, id);
}

void
commit_staged(struct commit *c, bool on)
{
	c->staged = on;
}

void
commit_voice(struct commit *c, const struct voice *v)
{
	const struct voice *now = &c->voice;

	if (now->whose == v->whose && now->at_us == v->at_us && now->until_us == v->until_us && now->keep_us == v->keep_us)
		return;
	c->voice = *v;
	buf_u8(&c->ops, OP_VOICE);
	buf_put(&c->ops, v, sizeof(*v));
}

void
commit_publish(struct commit *c, uint32_t dataset)
{
	put_op(c, OP_PUBLISH, dataset);
}

void
commit_seen_begin(struct commit *c, uint32_t dataset)
{
	put_op(c, OP_SEEN_BEGIN, dataset);
}

void
commit_sweep(struct commit *c, const struct sweep *sweep)
{
	put_op(c, OP_SWEEP, sweep->dataset);
	buf_put(&c->ops, sweep, sizeof(*sweep));
}

/* What a state stands on (names, epochs) and states themselves: in the control build ahead of everything else. */
static struct buf *
ahead_of(struct commit *c)
{
	return LAYOUT_CONTROL ? &c->early : &c->ops;
}

static struct buf *
put_state(struct commit *c, enum op op, uint32_t scope, enum state_kind kind, struct slice name)
{
	struct buf *b = ahead_of(c);

	buf_u8(b, (uint8_t)op);
	buf_u32(b, scope);
	buf_u8(b, (uint8_t)kind);
	buf_bytes(b, name);
	return b;
}

void
commit_state_set(struct commit *c, uint32_t scope, enum state_kind kind, struct slice name, struct slice value)
{
	buf_bytes(put_state(c, OP_STATE_SET, scope, kind, name), value);
}

void
commit_state_merge(struct commit *c, uint32_t scope, enum state_kind kind, struct slice name, struct slice patch)
{
	buf_bytes(put_state(c, OP_STATE_MERGE, scope, kind, name), patch);
}

void
commit_state_clear(struct commit *c, uint32_t scope, enum state_kind kind, struct slice name)
{
	put_state(c, OP_STATE_CLEAR, scope, kind, name);
}

void
commit_state_clear_all(struct commit *c, uint32_t scope, enum state_kind kind)
{
	put_state(c, OP_STATE_CLEAR_ALL, scope, kind, (struct slice){0});
}

void
commit_positions_drop(struct commit *c, uint32_t scope, unsigned deeper_than)
{
	buf_u32(put_state(c, OP_POSITIONS_DROP, scope, STATE_POSITION, (struct slice){0}), deeper_than);
}

void
commit_dead(struct commit *c, const struct dead_letter *d)
{
	put_op(c, OP_DEAD, d->scope);
	buf_u32(&c->ops, d->dataset);
	buf_u64(&c->ops, d->run);
	buf_bytes(&c->ops, d->model);
	buf_bytes(&c->ops, d->id);
	buf_bytes(&c->ops, d->reason);
	buf_bytes(&c->ops, d->raw);
}

void
commit_dead_change(struct commit *c, uint64_t number, enum dead_change how, struct slice text)
{
	buf_u8(&c->ops, OP_DEAD_CHANGE);
	buf_u64(&c->ops, number);
	buf_u8(&c->ops, (uint8_t)how);
	buf_bytes(&c->ops, text);
}

void
commit_run(struct commit *c, uint64_t run, struct slice json)
{
	buf_u8(&c->ops, OP_RUN);
	buf_u64(&c->ops, run);
	buf_bytes(&c->ops, json);
}

void
commit_log(struct commit *c, uint64_t run, struct slice json)
{
	buf_u8(&c->ops, OP_LOG);
	buf_u64(&c->ops, run);
	buf_bytes(&c->ops, json);
}

void
commit_step(struct commit *c, uint64_t run, uint64_t step, struct slice json)
{
	buf_u8(&c->ops, OP_STEP);
	buf_u64(&c->ops, run);
	buf_u64(&c->ops, step);
	buf_bytes(&c->ops, json);
}

void
commit_name(struct commit *c, enum op op, struct slice names)
{
	struct buf *b = ahead_of(c);

	buf_u8(b, (uint8_t)op);
	buf_bytes(b, names);
}

void
commit_epoch(struct commit *c, uint32_t scope)
{
	struct buf *b = ahead_of(c);

	buf_u8(b, OP_EPOCH);
	buf_u32(b, scope);
}

void
commit_tombstone_drop(struct commit *c, uint32_t dataset, uint64_t sequence)
{
	put_op(c, OP_TOMBSTONE_DROP, dataset);
	buf_u64(&c->ops, sequence);
}

void
commit_record_prune(struct commit *c, uint32_t dataset, uint64_t sequence)
{
	put_op(c, OP_RECORD_PRUNE, dataset);
	buf_u64(&c->ops, sequence);
	c->air += RECORD_WEIGHT;
}

void
commit_run_drop(struct commit *c, uint64_t run)
{
	buf_u8(&c->ops, OP_RUN_DROP);
	buf_u64(&c->ops, run);
}

void
commit_log_drop(struct commit *c, uint64_t run, uint64_t first, uint64_t last)
{
	buf_u8(&c->ops, OP_LOG_DROP);
	buf_u64(&c->ops, run);
	buf_u64(&c->ops, first);
	buf_u64(&c->ops, last);
}

void
commit_room(struct commit *c)
{
	buf_u8(&c->ops, OP_ROOM);
}

void
commit_merge(struct commit *c, enum op op, uint32_t target, struct slice json)
{
	put_op(c, op, target);
	buf_bytes(&c->ops, json);
}

void
commit_rekey(struct commit *c, struct slice wrapped)
{
	buf_u8(&c->ops, OP_REKEY);
	buf_bytes(&c->ops, wrapped);
}
