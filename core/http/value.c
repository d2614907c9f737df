/* value.c - see value.h: one table, a row for each type that is written as text. */
#include "http/value.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "base/clock.h"
#include "base/mem.h"

bool
value_range(const struct value_rule *rule, int64_t n, const char *unit, const struct http_path *at, struct http_faults *f)
{
	if (!rule->min && !rule->max)
		return true;
	if (n < rule->min) {
		http_fault(f, "too_small", at, "must be at least %" PRId64 "%s", rule->min, unit);
		return false;
	}
	if (rule->max && n > rule->max) {
		http_fault(f, "too_big", at, "must be at most %" PRId64 "%s", rule->max, unit);
		return false;
	}
	return true;
}

static bool
text_check(const struct value_rule *rule, const char *text, const struct http_path *at, struct value_found *found, struct http_faults *f)
{
	struct value_rule size = *rule;

	(void)found;
	if (!size.max)
		size.max = rule->longest;
	return value_range(&size, (int64_t)strlen(text), " bytes long", at, f);
}

static bool
name_check(const struct value_rule *rule, const char *text, const struct http_path *at, struct value_found *found, struct http_faults *f)
{
	const struct value_rule size = {.min = rule->min ? rule->min : 1, .max = rule->max ? rule->max : 255};

	(void)found;
	return value_range(&size, (int64_t)strlen(text), " bytes long", at, f);
}

static bool
int_check(const struct value_rule *rule, const char *text, const struct http_path *at, struct value_found *found, struct http_faults *f)
{
	char *end;

	errno = 0;
	found->number = strtoll(text, &end, 10);
	if (errno || end == text || *end || strchr(" \t\n\v\f\r+", *text)) {
		http_fault(f, "invalid_type", at, "must be a whole number");
		return false;
	}
	return value_range(rule, found->number, "", at, f);
}

static bool
bool_check(const struct value_rule *rule, const char *text, const struct http_path *at, struct value_found *found, struct http_faults *f)
{
	(void)rule;
	found->number = strcmp(text, "true") == 0;
	if (found->number || strcmp(text, "false") == 0)
		return true;
	http_fault(f, "invalid_type", at, "must be true or false");
	return false;
}

static bool
word_check(const struct value_rule *rule, const char *text, const struct http_path *at, struct value_found *found, struct http_faults *f)
{
	struct buf known = {0};

	for (const char *const *word = rule->words; word && *word; word++) {
		if (strcasecmp(*word, text) == 0) {
			found->word = *word;
			buf_free(&known);
			return true;
		}
		buf_printf(&known, "%s%s", known.len ? ", " : "", *word);
	}
	http_fault(f, "invalid_enum_value", at, "must be one of: %s", buf_str(&known));
	buf_free(&known);
	return false;
}

static bool
time_check(const struct value_rule *rule, const char *text, const struct http_path *at, struct value_found *found, struct http_faults *f)
{
	(void)rule;
	if (time_parse(slice_str(text), &found->number))
		return true;
	http_fault(f, "invalid_string", at, "must be a time like 2026-01-31T12:00:00Z");
	return false;
}

static bool
duration_check(const struct value_rule *rule, const char *text, const struct http_path *at, struct value_found *found, struct http_faults *f)
{
	if (duration_parse(slice_str(text), &found->number))
		return value_range(rule, found->number, " ms", at, f);
	http_fault(f, "invalid_string", at, "must be a duration like 30s, or seconds");
	return false;
}

static bool (*const checks[])(const struct value_rule *, const char *, const struct http_path *, struct value_found *, struct http_faults *) = {
	[HTTP_TEXT] = text_check, [HTTP_NAME] = name_check, [HTTP_INT] = int_check,           [HTTP_BOOL] = bool_check,
	[HTTP_WORD] = word_check, [HTTP_TIME] = time_check, [HTTP_DURATION] = duration_check,
};

bool
value_check(const struct value_rule *rule, const char *text, const struct http_path *at, struct value_found *found, struct http_faults *f)
{
	*found = (struct value_found){0};
	if ((unsigned)rule->type >= LENGTH(checks))
		return true; /* objects, arrays and the like have no form as text */
	return checks[rule->type](rule, text, at, found, f);
}
