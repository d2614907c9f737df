/* template.c - ${name} in base URLs and headers, filled from a connection's options.
 *
 * Guarantee: a value cannot add a host, a path segment or a parameter: all but unreserved characters are escaped, and
 * libcurl's parser refuses a host that holds an escaped '/', '@', ':' or '#'.
 * Awkward: some providers give each customer a base URL of their own (an instance URL). So at the very beginning of a
 * template, and only there, a value that is an http or https URL is taken as it is. */
#include <stdlib.h>
#include <string.h>
#include "base/json.h"
#include "proxy/proxy.h"
#include "proxy/url.h"

static bool
value_is_url(struct slice value)
{
	if (!slice_starts(value, "https://") && !slice_starts(value, "http://"))
		return false;
	for (size_t i = 0; i < value.len; i++)
		if ((unsigned char)value.p[i] <= 0x20 || strchr("\"<>\\^`{|}?#@\x7f", value.p[i]))
			return false;
	return true;
}

/* Appends the option called name; first: nothing stands before it. */
static int
option_put(struct buf *out, struct slice options, struct slice name, bool first, struct err *err)
{
	char *key = slice_dup(name);
	struct slice value = {0}, text;
	struct buf plain = {0};
	int rc = -1;

	if (!json_member(options, key, &value) || json_type(value) == JSON_NULL) {
		err_set(err, ERR_USAGE, "the option '%.100s' is needed and not set; add it to the connection", key);
		goto out;
	}
	switch (json_type(value)) {
	case JSON_STRING:
		json_unquote(value, &plain);
		text = buf_view(&plain);
		break;
	case JSON_NUMBER:
	case JSON_TRUE:
	case JSON_FALSE:
		text = value;
		break;
	default:
		err_set(err, ERR_USAGE, "the option '%.100s' is a list or an object; a text or number is needed here",
		        key);
		goto out;
	}
	if (!text.len) {
		err_set(err, ERR_USAGE, "the option '%.100s' is empty; give it a value", key);
		goto out;
	}
	if (first && value_is_url(text))
		buf_slice(out, text);
	else
		buf_url(out, text);
	rc = 0;
out:
	buf_free(&plain);
	free(key);
	return rc;
}

int
template_fill(struct buf *out, const char *text, struct slice options, struct err *err)
{
	const char *p = text, *open;

	while ((open = strstr(p, "${"))) {
		const char *close = strchr(open, '}');

		if (!close)
			return err_set(err, ERR_USAGE, "'%.200s': a ${ without its }", text);
		buf_put(out, p, (size_t)(open - p));
		if (option_put(out, options, slice_of(open + 2, (size_t)(close - open) - 2), open == text, err))
			return -1;
		p = close + 1;
	}
	buf_puts(out, p);
	return 0;
}
