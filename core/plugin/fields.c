/* fields.c - does a JSON value have the declared type, and an object the declared fields? Shared with the worker.
 *
 * Works on text that json_check or json_split has passed. Nothing inside an object or array field is looked at: the SDK
 * says that what is nested is unchecked. Awkward: an integer is judged by its text, so that 64-bit ids and longer ones
 * pass and 1.0 and 1e3 do not; a time is RFC 3339 text or any plain number. */
#include "plugin/manifest.h"

#include <string.h>
#include <sluice.h>
#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"

static const char *const type_names[] = {
        [SLUICE_ANY] = "any",       [SLUICE_STRING] = "string",   [SLUICE_INTEGER] = "integer",
        [SLUICE_NUMBER] = "number", [SLUICE_BOOLEAN] = "boolean", [SLUICE_TIME] = "time",
        [SLUICE_OBJECT] = "object", [SLUICE_ARRAY] = "array",
};

const char *
manifest_type_name(int type)
{
	return type >= 0 && (size_t)type < LENGTH(type_names) ? type_names[type] : NULL;
}

static bool
is_integer(struct slice number)
{
	return !memchr(number.p, '.', number.len) && !memchr(number.p, 'e', number.len) &&
	       !memchr(number.p, 'E', number.len);
}

/* RFC 3339 text without escapes in it. */
static bool
is_time_text(struct slice string)
{
	int64_t us;

	return string.len > 2 && time_parse(slice_of(string.p + 1, string.len - 2), &us);
}

bool
type_matches(int type, int flags, struct slice value)
{
	enum json_type t = json_type(value);

	if (t == JSON_INVALID)
		return false;
	if (t == JSON_NULL && (flags & SLUICE_OPTIONAL))
		return true;
	switch (type) {
	case SLUICE_STRING:
		return t == JSON_STRING;
	case SLUICE_INTEGER:
		return t == JSON_NUMBER && is_integer(value);
	case SLUICE_NUMBER:
		return t == JSON_NUMBER;
	case SLUICE_BOOLEAN:
		return t == JSON_TRUE || t == JSON_FALSE;
	case SLUICE_TIME:
		return t == JSON_NUMBER || (t == JSON_STRING && is_time_text(value));
	case SLUICE_OBJECT:
		return t == JSON_OBJECT;
	case SLUICE_ARRAY:
		return t == JSON_ARRAY;
	default:
		return type == SLUICE_ANY;
	}
}

static const char *
json_type_name(enum json_type t)
{
	static const char *const names[] = {
	        [JSON_INVALID] = "nothing", [JSON_NULL] = "null",        [JSON_FALSE] = "a boolean",
	        [JSON_TRUE] = "a boolean",  [JSON_NUMBER] = "a number",  [JSON_STRING] = "a string",
	        [JSON_ARRAY] = "an array",  [JSON_OBJECT] = "an object",
	};

	return names[t];
}

bool
fields_match(const struct manifest_field *fields, size_t n, struct slice object, struct err *err)
{
	struct slice value;

	object = json_trim(object);
	if (json_type(object) != JSON_OBJECT) {
		err_set(err, ERR_DATA, "%s where an object is wanted", json_type_name(json_type(object)));
		return false;
	}
	for (size_t i = 0; i < n; i++) {
		const struct manifest_field *f = &fields[i];

		if (!json_member(object, f->name, &value)) {
			if (f->flags & SLUICE_OPTIONAL)
				continue;
			err_set(err, ERR_DATA, "'%s' is missing (%s)", f->name, manifest_type_name(f->type));
			return false;
		}
		if (!type_matches(f->type, f->flags, value)) {
			err_set(err, ERR_DATA, "'%s' is %s (%.*s), not of type %s", f->name,
			        json_type_name(json_type(value)), (int)(value.len < 40 ? value.len : 40), value.p,
			        manifest_type_name(f->type));
			return false;
		}
	}
	return true;
}
