/* v1_repair.c - /api/v1 about what needs a person: dead letters and deletes that were held back.
 *
 * A letter that is tried again is judged first by the model of the connector that is in use now, then by the rules that hold
 * for every record (serve/query_letters.c). */
#include <stdlib.h>
#include <string.h>
#include "api/v1.h"
#include "run/member.h"
#include "serve/query.h"

#define ASK(name, ...) &(const struct v1_question){.query = (name), __VA_ARGS__}

static const struct http_param letter_filters[] = {
	V1_FILTERS,
	V1_SYNC_FILTER("only of this sync"),
	V1_TEXT("model", "only records of this model"),
	V1_BOOL("unresolved", "only those that nobody has resolved"),
	V1_BOOL("resolved", "only those that somebody has resolved"),
	V1_LIMIT,
	{.name = "cursor", .place = IN_QUERY, .type = HTTP_TEXT, .max = 20, .help = "of the page before"},
	{0},
};
static const struct http_param of_letter[] = {
	{.name = "number", .place = IN_PATH, .type = HTTP_INT, .required = true, .min = 1, .max = INT64_MAX,
	 .help = "the letter's number"},
	{0},
};
static const struct http_field letter_fields[] = {
	{.name = "number", .type = HTTP_INT, .required = true},
	{.name = "connection", .type = HTTP_TEXT, .required = true},
	{.name = "integration", .type = HTTP_TEXT, .required = true},
	{.name = "sync", .type = HTTP_TEXT, .required = true},
	{.name = "model", .type = HTTP_TEXT, .required = true},
	{.name = "id", .type = HTTP_TEXT, .required = true, .help = "empty: it has none that can be read"},
	{.name = "reason", .type = HTTP_TEXT, .required = true},
	{.name = "attempts", .type = HTTP_INT, .required = true},
	{.name = "run", .type = HTTP_INT, .required = true},
	{.name = "first_at", .type = HTTP_TEXT, .nullable = true},
	{.name = "last_at", .type = HTTP_TEXT, .nullable = true},
	{.name = "resolved_at", .type = HTTP_TEXT, .nullable = true},
	{.name = "resolved_by", .type = HTTP_TEXT, .nullable = true},
	{.name = "raw_bytes", .type = HTTP_INT, .required = true},
	{.name = "raw", .type = HTTP_TEXT, .help = "what the connector handed on, as text: it may be anything"},
	{0},
};
static const struct http_schema letter_schema = {.name = "DeadLetter", .fields = letter_fields};
static const struct http_field letters_fields[] = {
	{.name = "data", .type = HTTP_ARRAY, .required = true, .of = &letter_schema},
	{.name = "cursor", .type = HTTP_INT},
	{.name = "more", .type = HTTP_BOOL},
	{0},
};
static const struct http_schema letters_schema = {.name = "DeadLetters", .fields = letters_fields};
static const struct http_answer letters_answers[] = {{.status = 200, .schema = &letters_schema}, {0}};
static const struct http_field one_fields[] = {
	{.name = "data", .type = HTTP_OBJECT, .required = true, .of = &letter_schema}, {0}};
static const struct http_schema one_schema = {.name = "DeadLetterAnswer", .fields = one_fields};
static const struct http_answer one_answers[] = {{.status = 200, .schema = &one_schema}, {0}};

static const struct http_field numbers_fields[] = {
	{.name = "numbers", .type = HTTP_ARRAY, .required = true, .min = 1, .max = 10000, .help = "of the letters; all or none"}, {0}};
static const struct http_field purge_fields[] = {
	{.name = "connection", .type = HTTP_TEXT},
	{.name = "integration", .type = HTTP_TEXT},
	{.name = "sync", .type = HTTP_TEXT},
	{.name = "model", .type = HTTP_TEXT},
	{.name = "resolved", .type = HTTP_BOOL, .help = "only those that somebody has resolved"},
	{.name = "before", .type = HTTP_TIME, .help = "only those last seen before"},
	{.name = "all", .type = HTTP_BOOL, .help = "whether resolved or not, of any age"},
	{0},
};
static const struct http_field purged_fields[] = {{.name = "purged", .type = HTTP_INT, .required = true}, {0}};
static const struct http_schema purged_schema = {.name = "Purged", .fields = purged_fields, .loose = true};
static const struct http_answer purged_answers[] = {{.status = 200, .schema = &purged_schema}, {0}};

static const struct http_param held_filters[] = {
	V1_FILTERS, V1_SYNC_FILTER("only of this sync"), V1_TEXT("model", "only of this model"), {0}};
#define OF_HELD V1_CONNECTION, V1_INTEGRATION, V1_SYNC, V1_PATH("model", "the model's name")
static const struct http_param of_held[] = {OF_HELD, {0}};
static const struct http_param held_page[] = {
	OF_HELD, V1_LIMIT,
	{.name = "after", .place = IN_QUERY, .type = HTTP_TEXT, .max = 255, .help = "behind the record of this id"}, {0}};
static const struct http_field decide_fields[] = {
	{.name = "run", .type = HTTP_INT, .min = 1, .max = INT64_MAX,
	 .help = "that held them, as the list says: refused when another one has since"},
	{0},
};
static const struct http_field held_fields[] = {
	{.name = "connection", .type = HTTP_TEXT, .required = true},
	{.name = "integration", .type = HTTP_TEXT, .required = true},
	{.name = "sync", .type = HTTP_TEXT, .required = true},
	{.name = "model", .type = HTTP_TEXT, .required = true},
	{.name = "held", .type = HTTP_INT, .required = true, .help = "deletes"},
	{.name = "records", .type = HTTP_INT, .required = true, .help = "live ones now"},
	{.name = "run", .type = HTTP_INT, .required = true},
	{.name = "at", .type = HTTP_TEXT, .nullable = true},
	{.name = "state", .type = HTTP_TEXT, .required = true, .words = (const char *const[]){"waiting", "running", "void", NULL}},
	{0},
};
static const struct http_schema held_schema = {.name = "HeldDeletes", .fields = held_fields};
static const struct http_field helds_fields[] = {
	{.name = "data", .type = HTTP_ARRAY, .required = true, .of = &held_schema}, {0}};
static const struct http_schema helds_schema = {.name = "HeldDeletesList", .fields = helds_fields};
static const struct http_answer held_answers[] = {{.status = 200, .schema = &helds_schema}, {0}};

/* ---- resolve and retry one ---- */

static void
letter_resolve(struct http_call *c, void *arg)
{
	struct api *a = arg;
	struct buf question = {0};
	struct json_out o = json_out(&question);

	json_open(&o, '{');
	json_kv_str(&o, "query", "resolve_letters");
	v1_members(a, c, &o);
	json_key(&o, "numbers");
	json_open(&o, '[');
	json_put_int(&o, http_param_int(c, "number", 0));
	json_close(&o, ']');
	json_close(&o, '}');
	v1_answer(a, c, buf_view(&question), http_route_of(c)->data);
	buf_free(&question);
}

static const struct http_field retry_fields[] = {
	{.name = "refetch", .type = HTTP_BOOL,
	 .help = "instead have its sync list everything anew: answered when that is asked for, and the letter is gone when its record came well"},
	{0},
};

struct letter {
	struct buf row;
	char *connection, *integration, *sync, *model, *raw;
	const struct manifest_model *shape; /* NULL: nothing describes it any more */
};

static void
letter_keep(void *arg, struct slice row)
{
	struct letter *l = arg;

	buf_slice(&l->row, row);
}

static int
letter_read(struct api *a, int64_t number, struct letter *l, struct err *err)
{
	const struct query_sink sink = {letter_keep, l};
	const struct connection_settings *k;
	const struct manifest *of;
	struct buf question = {0}, end = {0};
	uint16_t index;
	int rc;

	buf_printf(&question, "{\"query\":\"dead_letter\",\"number\":%lld}", (long long)number);
	rc = query_answer(api_host(a), buf_view(&question), &sink, &end, err);
	buf_free(&question);
	buf_free(&end);
	if (rc != 0)
		return -1;
	l->connection = member_text(buf_view(&l->row), "connection");
	l->integration = member_text(buf_view(&l->row), "integration");
	l->sync = member_text(buf_view(&l->row), "sync");
	l->model = member_text(buf_view(&l->row), "model");
	l->raw = member_text(buf_view(&l->row), "raw");
	k = settings_connection(host_settings(api_host(a)), l->connection, l->integration);
	of = k ? host_manifest_of(api_host(a), k, NULL) : NULL;
	l->shape = of ? manifest_model(of, l->model, &index) : NULL;
	return 0;
}

static void
letter_finish(struct letter *l)
{
	buf_free(&l->row);
	free(l->connection);
	free(l->integration);
	free(l->sync);
	free(l->model);
	free(l->raw);
}

/* false: the model would not take it, and err says why. */
static bool
letter_judge(const struct letter *l, struct err *err)
{
	struct slice json = slice_str(l->raw);
	struct json_fault fault;

	if (!json_check(json, JSON_DEPTH_MAX, &fault))
		return err_set(err, ERR_DATA, "no valid JSON: %s at byte %zu", fault.what, fault.at) == 0;
	return fields_match(l->shape->fields, l->shape->n_fields, json, err);
}

static void
refetch_write(struct http_call *c, const struct letter *l, struct json_out *o)
{
	char who[128];

	snprintf(who, sizeof who, "key %s", http_key_name(c) ? http_key_name(c) : "(none)");
	json_kv_str(o, "query", "trigger");
	json_kv_str(o, "connection", l->connection);
	json_kv_str(o, "integration", l->integration);
	json_kv_str(o, "sync", l->sync);
	json_kv_bool(o, "full_refresh", true);
	json_kv_str(o, "who", who);
}

static void
letter_retry(struct http_call *c, void *arg)
{
	struct api *a = arg;
	int64_t number = http_param_int(c, "number", 0);
	struct letter l = {0};
	struct buf question = {0};
	struct json_out o = json_out(&question);
	bool refetch = false;
	struct err err = {0};

	json_bool(http_field(c, "refetch"), &refetch);
	if (letter_read(a, number, &l, &err) != 0) {
		http_fail(c, 404, "not_found", "%s", err.text);
	} else if (refetch) {
		json_open(&o, '{');
		refetch_write(c, &l, &o);
		json_close(&o, '}');
		v1_answer(a, c, buf_view(&question), http_route_of(c)->data);
	} else if (!l.shape) {
		http_fail(c, 409, "unknown_model", "no connector in use describes %s of %s : %s any more", l.model, l.connection,
		          l.integration);
	} else {
		json_open(&o, '{');
		json_kv_str(&o, "query", "retry_letter");
		json_kv_int(&o, "number", number);
		json_kv_int(&o, "attempts", member_int(buf_view(&l.row), "attempts", 0));
		json_kv_str(&o, "key", l.shape->fields[l.shape->key].name);
		if (!letter_judge(&l, &err))
			json_kv_str(&o, "fault", err.text);
		json_close(&o, '}');
		v1_answer(a, c, buf_view(&question), http_route_of(c)->data);
	}
	letter_finish(&l);
	buf_free(&question);
}

/* Without a word about which, everything would go. */
static void
letters_purge(struct http_call *c, void *arg)
{
	if (!http_field(c, "resolved").len && !http_field(c, "before").len && !http_field(c, "all").len)
		http_fail(c, 400, "invalid_body", "say which: \"resolved\":true, \"before\":TIME (both: both must hold), or \"all\":true");
	else
		v1_ask(c, arg);
}

#define HELD "/api/v1/held/{connection}/{integration}/{sync}/{model}"

const struct http_route v1_repair_routes[] = {
	{.method = "GET", .path = "/api/v1/dead-letters", .name = "listDeadLetters", .tag = "Repair", .rights = RIGHT_READ,
	 .summary = "Records that could not be saved, and why", .params = letter_filters, .answers = letters_answers,
	 .data = ASK("dead_letters"), .handle = v1_ask},
	{.method = "GET", .path = "/api/v1/dead-letters/{number}", .name = "getDeadLetter", .tag = "Repair", .rights = RIGHT_READ,
	 .summary = "One of them, with what the connector handed on", .params = of_letter, .answers = one_answers,
	 .data = ASK("dead_letter", .shape = V1_ONE, .missing = true), .handle = v1_ask},
	{.method = "POST", .path = "/api/v1/dead-letters/{number}/retry", .name = "retryDeadLetter", .tag = "Repair",
	 .rights = RIGHT_WRITE, .summary = "Tries to save it now, by the model of the connector in use; or has it fetched again", .params = of_letter,
	 .body = retry_fields,
	 .answers = v1_done, .data = ASK("retry_letter", .shape = V1_ONE), .handle = letter_retry},
	{.method = "POST", .path = "/api/v1/dead-letters/{number}/resolve", .name = "resolveDeadLetter", .tag = "Repair",
	 .rights = RIGHT_WRITE, .summary = "Puts it aside as settled", .params = of_letter, .answers = v1_done,
	 .data = ASK("resolve_letters", .missing = true), .handle = letter_resolve},
	{.method = "POST", .path = "/api/v1/dead-letters/resolve", .name = "resolveDeadLetters", .tag = "Repair",
	 .rights = RIGHT_WRITE, .summary = "Puts several aside: all or none", .body = numbers_fields, .answers = v1_done,
	 .data = ASK("resolve_letters", .missing = true), .handle = v1_ask},
	{.method = "POST", .path = "/api/v1/dead-letters/purge", .name = "purgeDeadLetters", .tag = "Repair",
	 .rights = RIGHT_ADMIN, .summary = "Removes those that are meant for good", .body = purge_fields,
	 .answers = purged_answers, .data = ASK("purge_letters"), .handle = letters_purge},
	{.method = "GET", .path = "/api/v1/held", .name = "listHeldDeletes", .tag = "Repair", .rights = RIGHT_READ,
	 .summary = "Deletes that a run held back because there were too many", .params = held_filters, .answers = held_answers,
	 .data = ASK("held"), .handle = v1_ask},
	{.method = "GET", .path = HELD "/records", .name = "listHeldRecords", .tag = "Repair", .rights = RIGHT_READ,
	 .summary = "The records that would be deleted", .params = held_page, .answers = v1_done,
	 .data = ASK("held_records", .stranger = true), .handle = v1_ask},
	{.method = "POST", .path = HELD "/confirm", .name = "confirmHeldDeletes", .tag = "Repair", .rights = RIGHT_WRITE,
	 .summary = "They are really gone: deletes exactly what was held back", .params = of_held, .body = decide_fields,
	 .answers = v1_done, .data = ASK("confirm_held", .stranger = true), .handle = v1_ask},
	{.method = "POST", .path = HELD "/dismiss", .name = "dismissHeldDeletes", .tag = "Repair", .rights = RIGHT_WRITE,
	 .summary = "They are not gone: the records stay", .params = of_held, .body = decide_fields, .answers = v1_done,
	 .data = ASK("dismiss_held", .stranger = true), .handle = v1_ask},
	{0},
};
