/* contract_labels.c - see contract_labels.h.
 *
 * Names of tags are kept in lower case, as the contract has it, and looked for in lower case (contract_list.c): so a tag is found
 * however its name is written. Awkward: two names that differ in case alone are one tag, and which of the two texts was meant
 * nobody can say: 400. */
#include "api/contract_labels.h"

#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "run/connections.h"

#define TAGS_MOST 64
#define TAG_MOST 255 /* bytes of a name, and of a text */

static const char *const names[] = {"end_user", "tags", "webhook_url_override"};

void
contract_labels(struct api *a, const struct connection_settings *c, struct buf *labels)
{
	const struct scope_name name = {.connection = c->name, .integration = c->integration->name};
	uint32_t scope = store_scope_find(api_store(a), &name);

	if (!scope || !store_state_get(api_store(a), scope, STATE_CONNECTION, CONNECTION_LABELS, labels))
		buf_puts(labels, "{}");
}

static char *
lower_case(struct slice quoted)
{
	char *text = json_text(quoted);

	for (char *p = text; p && *p; p++)
		*p = *p >= 'A' && *p <= 'Z' ? (char)(*p - 'A' + 'a') : *p;
	return text;
}

/* NULL: it is added to out. */
static const char *
tag_add(struct json_out *o, const char *name, struct slice value)
{
	struct slice there;

	if (!*name || strlen(name) > TAG_MOST)
		return "a name has 1 to 255 bytes";
	if (json_type(value) != JSON_STRING || value.len > TAG_MOST + 2)
		return "must be a string of at most 255 bytes";
	buf_putc(o->b, '}'); /* for a look at what is there by now */
	if (json_member(buf_view(o->b), name, &there))
		return "stands twice: names differ in more than case";
	o->b->len--;
	json_kv_raw(o, name, value);
	return NULL;
}

static const char *
tags_add(struct buf *out, struct slice tags, char **name)
{
	struct json_out o = json_out(out);
	const char *fault = json_count(tags) > TAGS_MOST ? "at most 64 of them" : NULL;

	json_open(&o, '{');
	for (struct json_iter it = json_iter(tags); !fault && json_next(&it);) {
		free(*name);
		*name = lower_case(slice_of(it.key.p - 1, it.key.len + 2)); /* with its quotes */
		fault = tag_add(&o, *name, it.value);
	}
	if (!fault)
		json_close(&o, '}');
	return fault;
}

bool
contract_labels_read(const struct api *a, struct http_call *c, struct buf *labels)
{
	struct slice tags = http_field(c, "tags");
	struct json_out o = json_out(labels);
	struct buf lower = {0};
	char *name = NULL, now[TIME_TEXT_MAX];
	const char *fault = json_type(tags) == JSON_OBJECT ? tags_add(&lower, tags, &name) : NULL;

	if (fault) {
		http_fail(c, 400, "invalid_body", "tags%s%s: %s", name ? "." : "", name ? name : "", fault);
	} else {
		json_open(&o, '{');
		for (size_t i = 0; i < LENGTH(names); i++)
			if (http_field(c, names[i]).len)
				json_kv_raw(&o, names[i], lower.len && !strcmp(names[i], "tags") ? buf_view(&lower) : http_field(c, names[i]));
		json_kv_str(&o, "updated_at", time_format(api_now_us(a), now));
		json_close(&o, '}');
	}
	buf_free(&lower);
	free(name);
	return !fault;
}
