/* fault.c - see fault.h. Texts come from the client: json_out makes valid JSON of any bytes, and each is cut. */
#include "http/fault.h"

#include <stdarg.h>
#include <stdio.h>
#include "base/json.h"

#define NAME_SHOWN 100 /* bytes of a name that the client chose */

static struct slice
shown(struct slice name)
{
	return slice_of(name.p, name.len < NAME_SHOWN ? name.len : NAME_SHOWN);
}

static void
path_put(struct json_out *o, const struct http_path *at)
{
	if (!at)
		return;
	path_put(o, at->up);
	if (at->name.p)
		json_put_slice(o, shown(at->name));
	else
		json_put_uint(o, at->index);
}

static void
path_say(struct buf *out, const struct http_path *at)
{
	struct slice name;

	if (!at)
		return;
	path_say(out, at->up);
	name = shown(at->name);
	if (at->name.p)
		buf_printf(out, "%s%.*s", out->len ? "." : "", (int)name.len, name.p);
	else
		buf_printf(out, "[%zu]", at->index);
}

void
http_fault(struct http_faults *f, const char *code, const struct http_path *at, const char *fmt, ...)
{
	struct json_out o = json_out(&f->rows);
	char text[400];
	va_list ap;

	if (f->n++ >= FAULTS_MAX)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	if (f->n == 1) {
		path_say(&f->first, at);
		buf_printf(&f->first, "%s%s", f->first.len ? ": " : "", text);
	} else {
		buf_putc(&f->rows, ',');
	}
	json_open(&o, '{');
	json_kv_str(&o, "code", code);
	json_kv_str(&o, "message", text);
	json_key(&o, "path");
	json_open(&o, '[');
	path_put(&o, at);
	json_close(&o, ']');
	json_close(&o, '}');
}

void
http_fault_error(struct http_faults *f, const char *code, struct buf *out)
{
	struct json_out o = json_out(out);

	json_open(&o, '{');
	json_kv_str(&o, "code", code);
	json_kv_slice(&o, "message", buf_view(&f->first));
	json_key(&o, "errors");
	json_open(&o, '[');
	json_put_raw(&o, buf_view(&f->rows));
	json_close(&o, ']');
	json_close(&o, '}');
}

void
http_fault_finish(struct http_faults *f)
{
	buf_free(&f->rows);
	buf_free(&f->first);
}
