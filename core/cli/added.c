/* added.c - see added.h.
 *
 * Guarantee: no secret stands on a command line, where everybody on the machine can read it. What env:NAME or file:PATH
 * gives is taken now and sealed in the store: the variable and the file may be gone afterwards, and a change of them is no
 * change of the connection. Awkward: stdin can be read once only, so one secret at most comes from there. */
#include "cli/added.h"

#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "config/value.h"

static const struct {
	const char *flag, *key;
} credentials[] = {
	{"--token", "token"},
	{"--api-key", "api_key"},
	{"--username", "username"},
	{"--password", "password"},
	{"--client-id", "client_id"},
	{"--client-secret", "client_secret"},
	{"--refresh-token", "refresh_token"},
	{"--private-key", "private_key"},
	{"--webhook-secret", "webhook_secret"},
};

static int
stdin_read(struct buf *out, struct err *err)
{
	char block[4096];
	size_t n;

	while (out->len <= VALUE_FILE_MAX && (n = fread(block, 1, sizeof block, stdin)) > 0)
		buf_put(out, block, n);
	explicit_bzero(block, sizeof block);
	if (out->len > VALUE_FILE_MAX)
		return err_set(err, ERR_USAGE, "stdin holds more than 64 KiB");
	if (out->len && out->p[out->len - 1] == '\n')
		out->len -= out->len > 1 && out->p[out->len - 2] == '\r' ? 2 : 1;
	if (!out->len)
		return err_set(err, ERR_USAGE, "stdin is empty; write the value into it");
	if (memchr(out->p, 0, out->len) || !utf8_valid(buf_view(out)))
		return err_set(err, ERR_USAGE, "stdin holds no text");
	return 0;
}

static int
secret_read(const char *whence, bool *stdin_taken, struct value *v, struct err *err)
{
	*v = (struct value){0};
	if (strncmp(whence, "env:", 4) == 0 || strncmp(whence, "file:", 5) == 0)
		return value_resolve(v, slice_str(whence), err);
	if (strcmp(whence, "-") != 0)
		return err_set(err, ERR_USAGE, "everybody here can read a command line; say env:NAME, file:PATH, or - for stdin");
	if (*stdin_taken)
		return err_set(err, ERR_USAGE, "stdin is taken by another secret; say env:NAME or file:PATH");
	*stdin_taken = true;
	return stdin_read(&v->text, err);
}

static int
credentials_write(const struct cli *c, struct json_out *o, struct err *err)
{
	bool stdin_taken = false;

	for (size_t i = 0; i < LENGTH(credentials); i++) {
		const char *whence = cli_value(c, credentials[i].flag);
		struct value v;
		int rc = whence ? secret_read(whence, &stdin_taken, &v, err) : 0;

		if (whence && rc == 0)
			json_kv_slice(o, credentials[i].key, buf_view(&v.text));
		if (whence)
			value_finish(&v);
		if (rc != 0)
			return err_prefix(err, "%s", credentials[i].flag);
	}
	return 0;
}

/* Options in the order in which they were given; a later one of the same name is refused with the JSON ("duplicate key"). */
static int
options_write(const struct cli *c, struct json_out *o, struct json_out *hidden, struct err *err)
{
	for (size_t i = 0; i < c->n_given; i++) {
		const char *text = c->given[i].value, *eq;
		struct value v;
		char *name;

		if (strcmp(c->given[i].flag->name, "--option") != 0)
			continue;
		eq = strchr(text, '=');
		if (!eq || eq == text)
			return err_set(err, ERR_USAGE, "--option %s: say NAME=VALUE", text);
		if (value_resolve(&v, slice_str(eq + 1), err) != 0)
			return err_prefix(err, "--option %.*s", (int)(eq - text), text);
		name = xstrndup(text, (size_t)(eq - text));
		json_kv_slice(o, name, buf_view(&v.text));
		if (v.resolved)
			json_put_str(hidden, name);
		free(name);
		value_finish(&v);
	}
	return 0;
}

static int
metadata_write(const struct cli *c, struct json_out *o, struct err *err)
{
	const char *text = cli_value(c, "--metadata");
	struct json_fault fault = {0};

	if (!text)
		return 0;
	if (!json_check(slice_str(text), JSON_DEPTH_MAX, &fault))
		return err_set(err, ERR_USAGE, "--metadata is no JSON: %s at byte %zu", fault.what, fault.at);
	if (json_type(json_trim(slice_str(text))) != JSON_OBJECT)
		return err_set(err, ERR_USAGE, "--metadata is no JSON object; say for example --metadata '{\"region\":\"eu\"}'");
	json_kv_raw(o, "metadata", json_trim(slice_str(text)));
	return 0;
}

int
added_write(const struct cli *c, struct buf *json, struct err *err)
{
	struct json_out o = json_out(json);
	struct buf names = {0};
	struct json_out hidden = json_out(&names);
	struct json_fault fault = {0};
	char time[TIME_TEXT_MAX], who[64];
	int rc;

	json_open(&o, '{');
	json_key(&o, "credentials");
	json_open(&o, '{');
	rc = credentials_write(c, &o, err);
	json_close(&o, '}');
	json_key(&o, "options");
	json_open(&o, '{');
	json_open(&hidden, '[');
	rc = rc == 0 ? options_write(c, &o, &hidden, err) : rc;
	json_close(&o, '}');
	json_close(&hidden, ']');
	json_kv_raw(&o, "hidden", buf_view(&names));
	rc = rc == 0 ? metadata_write(c, &o, err) : rc;
	person_name(who);
	json_kv_str(&o, "added_at", time_format(clock_wall_us(&clock_system), time));
	json_kv_str(&o, "added_by", who);
	json_close(&o, '}');
	buf_free(&names);
	if (rc == 0 && !json_check(buf_view(json), JSON_DEPTH_MAX, &fault))
		rc = err_set(err, ERR_USAGE, "--option: %s: %s", fault.what, fault.key);
	return rc;
}
