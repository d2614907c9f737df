/* value.h - one value against its type: shared by parameters (params.c) and members of bodies (fields.c). */
#ifndef SLUICE_HTTP_VALUE_H
#define SLUICE_HTTP_VALUE_H

#include "http/fault.h"
#include "http/route.h"

struct value_rule {
	enum http_type type;
	int64_t min, max; /* both 0: the type's own */
	int64_t longest;  /* of texts, where max is 0 */
	const char *const *words;
};
struct value_found {
	int64_t number;
	const char *word; /* as the rule writes it */
};
/* False, and a fault: it does not fit. */
bool value_check(const struct value_rule *rule, const char *text, const struct http_path *at, struct value_found *found,
                 struct http_faults *f);
bool value_range(const struct value_rule *rule, int64_t n, const char *unit, const struct http_path *at, struct http_faults *f);

#endif
