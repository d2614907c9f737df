/* checker.c - one record against its model: one walk over its members.
 *
 * Guarantee: what passes has its key as a string of 1 to 255 bytes or as an integer, every field that is not optional,
 * and the declared types. The id is the string unescaped, or the integer's own text: 9007199254740993 stays what it
 * is.
 * Awkward: this runs for every record, so a member finds its field by a small hash of its name, and types are told by
 * their first byte; only times are looked at closely. */
#include "worker/records.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/json.h"
#include "base/mem.h"

static size_t
name_hash(struct slice name)
{
	return name.len ? name.len * 31 + (size_t)(unsigned char)name.p[0] * 7 + (unsigned char)name.p[name.len - 1] +
	                          (size_t)(unsigned char)name.p[name.len / 2] * 3
	                : 0;
}

void
checker_make(struct checker *c, const struct manifest_model *model)
{
	size_t cap = 16;

	while (cap < 4 * model->n_fields)
		cap *= 2;
	*c = (struct checker){.model = model, .mask = cap - 1};
	c->slots = xcalloc(cap, sizeof *c->slots);
	c->seen = xcalloc(model->n_fields + 1, sizeof *c->seen);
	for (size_t i = 0; i < model->n_fields; i++) {
		size_t at = name_hash(slice_str(model->fields[i].name)) & c->mask;
		while (c->slots[at])
			at = (at + 1) & c->mask;
		c->slots[at] = (uint16_t)(i + 1);
		c->n_required += !(model->fields[i].flags & SLUICE_OPTIONAL);
	}
}

/* The index of the field that a raw key names; -1: none. */
static long
field_find(const struct checker *c, struct slice key)
{
	struct buf plain = {0};
	long found = -1;

	if (key.len && memchr(key.p, '\\', key.len)) {
		json_unquote(slice_of(key.p - 1, key.len + 2), &plain);
		key = buf_view(&plain);
	}
	for (size_t at = name_hash(key) & c->mask; c->slots[at] && found < 0; at = (at + 1) & c->mask)
		if (slice_is(key, c->model->fields[c->slots[at] - 1].name))
			found = c->slots[at] - 1;
	buf_free(&plain);
	return found;
}

static const char *
found_name(struct slice value)
{
	static const char *const names[] = {
	        [JSON_INVALID] = "nothing", [JSON_NULL] = "null",       [JSON_FALSE] = "a boolean",
	        [JSON_TRUE] = "a boolean",  [JSON_NUMBER] = "a number", [JSON_STRING] = "a string",
	        [JSON_ARRAY] = "an array",  [JSON_OBJECT] = "an object"};

	return names[json_type(value)];
}

static bool
is_integer(struct slice number)
{
	return json_type(number) == JSON_NUMBER && !memchr(number.p, '.', number.len) &&
	       !memchr(number.p, 'e', number.len) && !memchr(number.p, 'E', number.len);
}

static bool
type_fits(const struct manifest_field *f, struct slice value)
{
	static const uint8_t fits[] = {/* by declared type: bits of enum json_type */
	                               [SLUICE_ANY] = 0xff,
	                               [SLUICE_STRING] = 1 << JSON_STRING,
	                               [SLUICE_NUMBER] = 1 << JSON_NUMBER,
	                               [SLUICE_BOOLEAN] = 1 << JSON_TRUE | 1 << JSON_FALSE,
	                               [SLUICE_OBJECT] = 1 << JSON_OBJECT,
	                               [SLUICE_ARRAY] = 1 << JSON_ARRAY};

	if (f->type == SLUICE_INTEGER)
		return is_integer(value);
	if (f->type == SLUICE_TIME)
		return type_matches(f->type, 0, value);
	return fits[f->type] >> json_type(value) & 1;
}

static bool
wrong(char reason[REASON_MAX], const char *name, const char *what, const char *more)
{
	snprintf(reason, REASON_MAX, "%.100s%s%s", name, what, more);
	return false;
}

static bool
field_check(const struct manifest_field *f, struct slice value, char reason[REASON_MAX])
{
	if (json_type(value) == JSON_NULL) {
		if (f->flags & SLUICE_OPTIONAL || (f->type == SLUICE_ANY && !(f->flags & SLUICE_KEY)))
			return true;
		return wrong(reason, f->name, " is null", "");
	}
	if (type_fits(f, value))
		return true;
	snprintf(reason, REASON_MAX, "%.100s: should be %s, is %s", f->name, manifest_type_name(f->type),
	         f->type == SLUICE_TIME && json_type(value) == JSON_STRING      ? "some other text"
	         : f->type == SLUICE_INTEGER && json_type(value) == JSON_NUMBER ? "a fraction"
	                                                                        : found_name(value));
	return false;
}

/* Appends the id that a value is. */
static bool
id_take(const char *name, struct slice value, struct buf *id, char reason[REASON_MAX])
{
	size_t before = id->len;

	if (json_type(value) == JSON_STRING)
		json_unquote(value, id);
	else if (is_integer(value))
		buf_slice(id, value);
	else if (json_type(value) == JSON_NUMBER)
		return wrong(reason, name, ": a fraction cannot be an id; a string or an integer can", "");
	else
		return wrong(reason, name, ": should be a string or an integer, is ", found_name(value));
	if (id->len - before >= 1 && id->len - before <= RECORD_ID_MAX)
		return true;
	wrong(reason, name, id->len == before ? ": an id cannot be empty" : ": an id has at most 255 bytes", "");
	id->len = before;
	return false;
}

static bool
required_check(const struct checker *c, char reason[REASON_MAX])
{
	for (size_t i = 0; i < c->model->n_fields; i++)
		if (c->seen[i] != c->round && !(c->model->fields[i].flags & SLUICE_OPTIONAL))
			return wrong(reason, c->model->fields[i].name, " is missing", "");
	return true;
}

bool
record_check(struct checker *c, enum save_op op, struct slice json, struct buf *id, char reason[REASON_MAX])
{
	const struct manifest_model *m = c->model;
	const char *key = m->fields[m->key].name;
	struct json_iter it;
	size_t required = 0;
	bool good = true, found = false, bad_id = false;

	if (op == SAVE_DELETE && json_type(json) != JSON_OBJECT)
		return id_take(key, json, id, reason);
	if (json_type(json) != JSON_OBJECT)
		return wrong(reason, "a record should be an object, this is ", found_name(json), "");
	c->round++;
	/* The walk goes on after a fault: the dead letter wants the id. */
	for (it = json_iter(json); json_next(&it);) {
		long i = field_find(c, it.key);
		if (i < 0)
			continue;
		required += c->seen[i] != c->round && !(m->fields[i].flags & SLUICE_OPTIONAL);
		c->seen[i] = c->round;
		if (op != SAVE_DELETE && good && !bad_id)
			good = field_check(&m->fields[i], it.value, reason);
		if ((size_t)i == m->key) {
			char why[REASON_MAX];
			found = id_take(key, it.value, id, why);
			if (!found && good)
				memcpy(reason, why, REASON_MAX);
			bad_id = !found;
		}
	}
	if (!good || bad_id)
		return false;
	if (!found)
		return wrong(reason, key, " is missing: a record without its id cannot be kept", "");
	return op != SAVE_RECORD || required == c->n_required || required_check(c, reason);
}
