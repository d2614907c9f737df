/* merge_compose.c - what a merged record is called and what is in it. Pure functions of records and definition.
 *
 * A record whose key is a string or a number belongs to the merged record of that text; one without stands alone, under
 * "~" and its own names. A key that begins with "~" itself gets one more, so the two never meet; texts longer than an id
 * may be keep their beginning and end in a hash of the whole.
 *
 * Each field comes from the first source whose value is neither absent nor null. `_sources` lists who gave anything. */
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include "store/merge.h"

#define OWN_FIELD "_sources"
#define HASH_BYTES 16u
#define TAIL (1u + 2 * HASH_BYTES)

static bool
key_text(struct slice value, struct buf *out)
{
	enum json_type type = json_type(value);

	buf_clear(out);
	if (type == JSON_NUMBER)
		buf_slice(out, value);
	else if (type != JSON_STRING || !json_unquote(value, out))
		return false;
	return out->len && !memchr(out->p, 0, out->len);
}

/* Cut at a character's border. */
static void
shorten(struct buf *id)
{
	unsigned char hash[HASH_BYTES];
	char hex[2 * HASH_BYTES + 1];
	size_t n = STORE_ID_MAX - TAIL;

	if (id->len <= STORE_ID_MAX)
		return;
	crypto_generichash(hash, sizeof(hash), (const unsigned char *)id->p, id->len, NULL, 0);
	sodium_bin2hex(hex, sizeof(hex), hash, sizeof(hash));
	while (n && ((unsigned char)id->p[n] & 0xc0) == 0x80)
		n--;
	id->len = n;
	buf_putc(id, '~');
	buf_puts(id, hex);
}

void
merge_id(const struct merge *m, size_t source, struct slice id, struct slice json, struct buf *out)
{
	struct buf text = {0};
	struct slice value;
	char **key = m->keys;

	buf_clear(out);
	while (*key && !(json_path(json, *key, &value) && key_text(value, &text)))
		key++;
	if (*key) {
		if (text.p[0] == '~')
			buf_putc(out, '~');
		buf_slice(out, buf_view(&text));
	} else {
		buf_printf(out, "~%s:", m->sources[source].name);
		buf_slice(out, id);
	}
	buf_free(&text);
	shorten(out);
}

/* ---- the record ---- */

static bool
gives(struct slice record, const char *name, struct slice *value)
{
	return record.p && json_member(record, name, value) && json_type(*value) != JSON_NULL;
}

/* The first source that gives it; m->n: none. */
static size_t
giver(const struct merge *m, const struct slice *json, const char *name, struct slice *value)
{
	size_t i = 0;

	while (i < m->n && !gives(json[i], name, value))
		i++;
	return i;
}

static void
field_put(const struct merge *m, const struct slice *json, const char *name, struct json_out *o, bool *gave)
{
	struct slice value;
	size_t from = giver(m, json, name, &value);

	if (from == m->n)
		return;
	json_kv_raw(o, name, value);
	gave[from] = true;
}

static bool
named_before(char **fields, char **field)
{
	while (fields < field && strcmp(*fields, *field) != 0)
		fields++;
	return fields < field;
}

/* All fields: each member where the first source that gives it has it. */
static void
members_put(const struct merge *m, const struct slice *json, size_t source, struct json_out *o, bool *gave)
{
	struct json_iter it = json_iter(json[source]);
	struct buf quoted = {0}, name = {0};
	struct slice value;

	while (json_next(&it)) {
		buf_clear(&quoted);
		buf_clear(&name);
		buf_putc(&quoted, '"');
		buf_slice(&quoted, it.key);
		buf_putc(&quoted, '"');
		if (!json_unquote(buf_view(&quoted), &name) || memchr(name.p ? name.p : "", 0, name.len))
			continue; /* a name that no path could reach */
		if (strcmp(buf_str(&name), OWN_FIELD) != 0 && giver(m, json, buf_str(&name), &value) == source)
			field_put(m, json, buf_str(&name), o, gave);
	}
	buf_free(&quoted);
	buf_free(&name);
}

void
merge_compose(const struct merge *m, const struct slice *json, struct buf *out)
{
	bool gave[64] = {0};
	struct json_out o;

	buf_clear(out);
	o = json_out(out);
	json_open(&o, '{');
	for (char **f = m->fields; f && *f; f++)
		if (strcmp(*f, OWN_FIELD) != 0 && !named_before(m->fields, f))
			field_put(m, json, *f, &o, gave);
	for (size_t i = 0; i < m->n && !m->fields; i++)
		if (json[i].p)
			members_put(m, json, i, &o, gave);
	json_key(&o, OWN_FIELD);
	json_open(&o, '[');
	for (size_t i = 0; i < m->n; i++)
		if (gave[i])
			json_put_str(&o, m->sources[i].name);
	json_close(&o, ']');
	json_close(&o, '}');
}
