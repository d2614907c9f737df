/* schema.h - the rows of objects as JSON schemas, for the OpenAPI document. */
#ifndef SLUICE_HTTP_SCHEMA_H
#define SLUICE_HTTP_SCHEMA_H

#include "base/json.h"
#include "http/route.h"

#define SCHEMAS_MAX 256 /* in one document */

struct schemas { /* zero: none yet */
	const struct http_schema *list[SCHEMAS_MAX];
	size_t n;
};
void schemas_add(struct schemas *all, const struct http_schema *s); /* and what it names; once each */
void schemas_add_fields(struct schemas *all, const struct http_field *fields); /* what those name; NULL is fine */
void schemas_put(struct json_out *o, const struct schemas *all);    /* an object, by name */

/* One value each. */
void schema_put_ref(struct json_out *o, const struct http_schema *s);
void schema_put_list(struct json_out *o, const struct http_schema *items);
void schema_put_type(struct json_out *o, enum http_type type); /* HTTP_ANY: {} */
void schema_put_object(struct json_out *o, const struct http_field *fields, bool loose);
/* Type, words and range, as members of an object that is open. */
void schema_put_plain(struct json_out *o, const struct http_field *f);

#endif
