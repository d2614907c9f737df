/* dead_letters.c - `sluice dead-letters`: records that could not be saved are listed, shown, resolved, purged or tried
 * again.
 *
 * A retry is judged here by the model of the connector that is installed now, and then by whoever has the store, who
 * saves it or counts an attempt. Awkward: raw data may be anything; as text it is shown only when it is an object (its
 * sensitive fields masked) or its model has no sensitive fields. */
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "cli/refetch.h"
#include "cli/verbs.h"
#include "sluice.h"

#define PAGE 1000 /* letters in one answer */

static const struct cli_flag flags[] = {
        {"--connection-id", "C", "only of this connection"},
        {"--integration", "I", "only of this integration"},
        {"--sync", "S", "only of this sync"},
        {"--model", "M", "only records of this model"},
        {"--unresolved", NULL, "list: only those that nobody has resolved"},
        {"--resolved", NULL, "list, purge: only those that somebody has resolved"},
        {"--older-than", "D", "purge: only those last seen so long ago: 30d, 12h"},
        {"--all", NULL, "purge: whether resolved or not, of any age"},
        {"--refetch", NULL, "retry: have their syncs list everything anew, and wait for that"},
        {"--limit", "N", "list: at most N; 0: all; usually 100"},
        {"--cursor", "N", "list: only those after this number"},
        {NULL, NULL, NULL},
};

struct letters {
	struct cli *cli;
	struct access access;
	struct table table;
	uint64_t shown;
	struct buf row; /* the one that was asked for */
	bool refused;   /* a retry was */
};

static void
row_keep(void *arg, struct slice row)
{
	struct letters *l = arg;

	buf_clear(&l->row);
	buf_slice(&l->row, row);
}

static struct json_out
question_begin(const struct cli *c, struct buf *out, const char *query)
{
	static const struct {
		const char *flag, *member;
	} filters[] = {{"--connection-id", "connection"},
	               {"--integration", "integration"},
	               {"--sync", "sync"},
	               {"--model", "model"}};
	struct json_out o;

	buf_clear(out);
	o = json_out(out);
	json_open(&o, '{');
	json_kv_str(&o, "query", query);
	for (size_t i = 0; i < LENGTH(filters); i++)
		if (cli_value(c, filters[i].flag))
			json_kv_str(&o, filters[i].member, cli_value(c, filters[i].flag));
	if (cli_has(c, "--unresolved"))
		json_kv_bool(&o, "unresolved", true);
	if (cli_has(c, "--resolved"))
		json_kv_bool(&o, "resolved", true);
	return o;
}

/* ---- list ---- */

static void
letter_text(struct letters *l, struct slice row)
{
	static const char *const texts[] = {"connection", "integration", "sync", "model", "id", "reason"};
	static const char *const times[] = {"first_at", "last_at"};
	char n[24], time[TIME_TEXT_MAX], *text, *by = member_text(row, "resolved_by");

	snprintf(n, sizeof n, "%lld", (long long)member_int(row, "number", 0));
	table_cell(&l->table, n);
	snprintf(n, sizeof n, "%lld", (long long)member_int(row, "attempts", 0));
	table_cell(&l->table, n);
	for (size_t i = 0; i < LENGTH(times); i++) {
		text = member_text(row, times[i]);
		table_cell(&l->table, time_short(text, time));
		free(text);
	}
	table_cell(&l->table, by);
	free(by);
	for (size_t i = 0; i < LENGTH(texts); i++) {
		table_cell(&l->table, text = member_text(row, texts[i]));
		free(text);
	}
}

static void
list_row(void *arg, struct slice row)
{
	struct letters *l = arg;

	l->shown++;
	if (l->cli->format == FORMAT_TEXT)
		letter_text(l, row);
	else
		print_row(l->cli, row);
}

static int
list_run(void *arg, struct err *err)
{
	struct letters *l = arg;
	static const char *const head[] = {"NUMBER",      "ATTEMPTS",   "FIRST SEEN",  "LAST SEEN",
	                                   "RESOLVED BY", "CONNECTION", "INTEGRATION", "SYNC",
	                                   "MODEL",       "ID",         "REASON"};
	struct buf question = {0}, end = {0};
	char *cursor = cli_value(l->cli, "--cursor") ? xstrdup(cli_value(l->cli, "--cursor")) : NULL;
	uint64_t limit;
	bool more = true;
	int rc = cli_number(l->cli, "--limit", 100, &limit, err);

	l->table.columns = LENGTH(head);
	for (size_t i = 0; i < LENGTH(head); i++)
		table_cell(&l->table, head[i]);
	limit = limit ? limit : UINT64_MAX;
	while (rc == 0 && more && l->shown < limit) {
		struct json_out o = question_begin(l->cli, &question, "dead_letters");
		json_kv_int(&o, "limit", limit - l->shown < PAGE ? (int64_t)(limit - l->shown) : PAGE);
		if (cursor)
			json_kv_str(&o, "cursor", cursor);
		json_close(&o, '}');
		rc = access_ask(&l->access, buf_view(&question), list_row, l, &end, err);
		free(cursor);
		cursor = rc == 0 ? member_text(buf_view(&end), "cursor") : NULL;
		more = rc == 0 && member_bool(buf_view(&end), "more", false);
	}
	table_print(&l->table, stdout);
	free(cursor);
	buf_free(&question);
	buf_free(&end);
	return rc;
}

/* ---- show ---- */

/* NULL: the connection is not configured any more, its plugin not there, or the model gone. */
static const struct manifest_model *
model_find(struct letters *l, struct err *err)
{
	struct slice row = buf_view(&l->row);
	char *connection = member_text(row, "connection"), *integration = member_text(row, "integration"),
	     *name = member_text(row, "model");
	const struct connection_settings *k = settings_connection(l->cli->settings, connection, integration);
	const struct manifest *m = k ? host_manifest_of(l->access.host, k, err) : NULL;
	const struct manifest_model *model = NULL;
	uint16_t index;

	if (m)
		model = manifest_model(m, name, &index);
	if (!k)
		err_set(err, ERR_USAGE, "connection %s : %s is not configured any more", connection, integration);
	else if (m && !model)
		err_set(err, ERR_USAGE, "connector '%s' has no model %s any more", m->name, name);
	free(connection);
	free(integration);
	free(name);
	return model;
}

static bool
has_secrets(const struct manifest_model *model)
{
	for (size_t i = 0; model && i < model->n_fields; i++)
		if (model->fields[i].flags & SLUICE_SENSITIVE)
			return true;
	return !model;
}

static void
raw_print(struct letters *l, const char *raw)
{
	const struct manifest_model *model = model_find(l, NULL);
	struct slice json = json_trim(slice_str(raw));
	struct buf text = {0};

	if (json_check(slice_str(raw), JSON_DEPTH_MAX, NULL) && json_type(json) == JSON_OBJECT)
		mask_record(model, json, &text);
	else if (has_secrets(model))
		buf_puts(&text, "(no JSON object, and its model has sensitive fields: --format json shows it)");
	else
		buf_puts(&text, raw);
	printf("\n%s\n", buf_str(&text));
	buf_free(&text);
}

static int
letter_ask(struct letters *l, int64_t number, struct err *err)
{
	struct buf question = {0}, end = {0};
	struct json_out o = json_out(&question);
	int rc;

	json_open(&o, '{');
	json_kv_str(&o, "query", "dead_letter");
	json_kv_int(&o, "number", number);
	json_close(&o, '}');
	rc = access_ask(&l->access, buf_view(&question), row_keep, l, &end, err);
	buf_free(&question);
	buf_free(&end);
	return rc;
}

/* The raw data stands below the facts, since it may be long. */
static int
show_run(void *arg, struct err *err)
{
	struct letters *l = arg;
	static const char *const texts[] = {"connection",  "integration", "sync",     "model",    "id",
	                                    "reason",      "attempts",    "run",      "first_at", "last_at",
	                                    "resolved_at", "resolved_by", "raw_bytes"};
	int64_t number;
	char *text;

	if (l->cli->n_args != 2)
		return err_set(err, ERR_USAGE, "show wants one number: sluice dead-letters show NUMBER");
	if (verb_number(l->cli, 1, &number, err) != 0 || letter_ask(l, number, err) != 0)
		return -1;
	if (l->cli->format != FORMAT_TEXT) {
		print_object(l->cli, buf_view(&l->row));
		return 0;
	}
	for (size_t i = 0; i < LENGTH(texts); i++) {
		text = member_text(buf_view(&l->row), texts[i]);
		printf("%-12s %s\n", texts[i], text ? text : "-");
		free(text);
	}
	text = member_text(buf_view(&l->row), "raw");
	raw_print(l, text ? text : "");
	free(text);
	return 0;
}

/* ---- resolve, purge ---- */

static void
said_print(struct letters *l, const char *what, int64_t n)
{
	if (l->cli->format == FORMAT_TEXT)
		printf("%lld dead letter%s %s\n", (long long)n, n == 1 ? "" : "s", what);
	else
		printf("{\"%s\":%lld}\n", what, (long long)n);
}

static int
resolve_run(void *arg, struct err *err)
{
	struct letters *l = arg;
	struct buf question = {0}, end = {0};
	struct json_out o = json_out(&question);
	char by[64];
	int rc;

	if (l->cli->n_args < 2)
		return err_set(err, ERR_USAGE, "resolve wants numbers: `sluice dead-letters list` shows them");
	person_name(by);
	json_open(&o, '{');
	json_kv_str(&o, "query", "resolve_letters");
	json_kv_str(&o, "by", by);
	rc = verb_numbers_put(l->cli, &o, err);
	json_close(&o, '}');
	if (rc == 0)
		rc = access_ask(&l->access, buf_view(&question), row_keep, l, &end, err);
	if (rc == 0)
		said_print(l, "resolved", (int64_t)l->cli->n_args - 1);
	buf_free(&question);
	buf_free(&end);
	return rc;
}

static int
purge_run(void *arg, struct err *err)
{
	struct letters *l = arg;
	const char *older = cli_value(l->cli, "--older-than");
	struct buf question = {0}, end = {0};
	struct json_out o;
	int64_t age_ms = 0;
	int rc;

	if (l->cli->n_args != 1 || (!older && !cli_has(l->cli, "--resolved") && !cli_has(l->cli, "--all")))
		return err_set(
		        err, ERR_USAGE,
		        "say which: dead-letters purge --resolved, --older-than D (both: both must hold), or --all");
	if (older && (!duration_parse(slice_str(older), &age_ms) || age_ms < 0))
		return err_set(err, ERR_USAGE, "--older-than %s: that is no duration; say for example 30d", older);
	o = question_begin(l->cli, &question, "purge_letters");
	if (older)
		json_kv_int(&o, "before_us", clock_wall_us(&clock_system) - age_ms * 1000);
	json_close(&o, '}');
	rc = access_ask(&l->access, buf_view(&question), row_keep, l, &end, err);
	if (rc == 0)
		said_print(l, "purged", member_int(buf_view(&end), "purged", 0));
	buf_free(&question);
	buf_free(&end);
	return rc;
}

/* ---- retry ---- */

/* 0: the model would take it; 1: it would not, and err says why. */
static int
record_judge(const struct manifest_model *model, const char *raw, struct err *err)
{
	struct json_fault fault;
	struct slice json = slice_str(raw);

	if (!json_check(json, JSON_DEPTH_MAX, &fault)) {
		err_set(err, ERR_DATA, "no valid JSON: %s at byte %zu", fault.what, fault.at);
		return 1;
	}
	return fields_match(model->fields, model->n_fields, json, err) ? 0 : 1;
}

static void
retry_print(struct letters *l)
{
	struct slice row = buf_view(&l->row);
	char *id = member_text(row, "id"), *reason = member_text(row, "reason");
	bool saved = member_bool(row, "saved", false);

	l->refused |= !saved;
	if (l->cli->format != FORMAT_TEXT)
		print_row(l->cli, row);
	else if (saved)
		printf("dead letter %lld: saved as '%s'\n", (long long)member_int(row, "number", 0), id ? id : "");
	else
		printf("dead letter %lld: refused again (attempt %lld): %s\n", (long long)member_int(row, "number", 0),
		       (long long)member_int(row, "attempts", 0), reason ? reason : "");
	free(id);
	free(reason);
}

static int
retry_one(struct letters *l, int64_t number, struct err *err)
{
	const struct manifest_model *model;
	struct buf question = {0}, end = {0};
	struct json_out o = json_out(&question);
	struct err why;
	char *raw;
	int rc;

	if (letter_ask(l, number, err) != 0)
		return -1;
	model = model_find(l, err);
	if (!model)
		return err_prefix(err, "dead letter %lld", (long long)number);
	raw = member_text(buf_view(&l->row), "raw");
	json_open(&o, '{');
	json_kv_str(&o, "query", "retry_letter");
	json_kv_int(&o, "number", number);
	json_kv_int(&o, "attempts", member_int(buf_view(&l->row), "attempts", 0));
	json_kv_str(&o, "key", model->fields[model->key].name);
	if (record_judge(model, raw ? raw : "", &why) != 0)
		json_kv_str(&o, "fault", why.text);
	json_close(&o, '}');
	rc = access_ask(&l->access, buf_view(&question), row_keep, l, &end, err);
	if (rc == 0)
		retry_print(l);
	free(raw);
	buf_free(&question);
	buf_free(&end);
	return rc;
}

static int
retry_run(void *arg, struct err *err)
{
	struct letters *l = arg;
	int64_t number;
	int rc = 0;

	if (l->cli->n_args < 2)
		return err_set(err, ERR_USAGE, "retry wants numbers: `sluice dead-letters list` shows them");
	for (size_t i = 1; i < l->cli->n_args && rc == 0; i++)
		rc = verb_number(l->cli, i, &number, err) == 0 ? retry_one(l, number, err) : -1;
	return rc;
}

static const struct cli_verb verbs[] = {
	{"list", .rows = true, .run = list_run},
	{"show", .run = show_run},
	{"resolve", .run = resolve_run},
	{"purge", .run = purge_run},
	{"retry", .rows = true, .run = retry_run},
	{0},
};

/* It opens the store by itself, to run in it or to ask whoever has it. */
static int
refetch_run(struct cli *c)
{
	struct err err = {0};
	int code;

	if (c->n_args < 2)
		code = err_set(&err, ERR_USAGE, "retry wants numbers: `sluice dead-letters list` shows them");
	else
		code = letters_refetch(c, &err);
	if (c->format != FORMAT_TEXT && (code >= 0 || c->array_used))
		print_end(c);
	return code < 0 ? cli_fail(c, &err) : code;
}

static int
command_dead_letters_run(struct cli *c)
{
	struct letters l = {.cli = c};
	struct err err = {0};
	bool retry = strcmp(c->args[0], "retry") == 0;
	int rc;

	if (cli_has(c, "--refetch") && retry)
		return refetch_run(c);
	if (cli_has(c, "--refetch"))
		rc = err_set(&err, ERR_USAGE, "--refetch goes with retry");
	else
		rc = verb_run(c, verbs, &l.access, &l, &err);
	buf_free(&l.row);
	return rc != 0 ? cli_fail(c, &err) : l.refused ? 1 : 0;
}

const struct command command_dead_letters = {
        .name = "dead-letters",
        .usage = "list | show NUMBER | resolve NUMBER... | retry NUMBER... [--refetch] | purge --resolved | --older-than D | --all",
        .summary = "Lists records that could not be saved, shows them, and has them tried again or put aside",
        .help = "A later good record of the same id resolves its letter. resolve keeps it, with who and when, until it "
                "is purged;\n"
                "should the record be refused again, that is a new letter. retry judges the raw data by the connector "
                "that is\n"
                "installed now, and saves it, or counts an attempt and exits 1. With --refetch the sync of each lists "
                "everything anew:\n"
                "what the provider has mended since comes as it now is, and resolves its letter.",
        .flags = flags,
        .args_min = 1,
        .args_max = 1000,
        .run = command_dead_letters_run,
};
