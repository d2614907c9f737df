/* member.c - see member.h. Nothing here is for text that came from outside unchecked. */
#include "run/member.h"

#include <stdlib.h>
#include "base/clock.h"

int64_t
member_int(struct slice object, const char *name, int64_t otherwise)
{
	struct slice value;
	int64_t v;

	return json_member(object, name, &value) && json_int(value, &v) ? v : otherwise;
}

bool
member_bool(struct slice object, const char *name, bool otherwise)
{
	struct slice value;
	bool v;

	return json_member(object, name, &value) && json_bool(value, &v) ? v : otherwise;
}

char *
member_text(struct slice object, const char *name)
{
	struct slice value;

	if (!json_member(object, name, &value) || json_type(value) == JSON_NULL)
		return NULL;
	return json_text(value);
}

struct slice
member_raw(struct slice object, const char *name)
{
	struct slice value;

	return json_member(object, name, &value) ? value : (struct slice){NULL, 0};
}

int64_t
member_time(struct slice object, const char *name)
{
	char *text = member_text(object, name);
	int64_t us = 0;

	if (text && !time_parse(slice_str(text), &us))
		us = 0;
	free(text);
	return us;
}
