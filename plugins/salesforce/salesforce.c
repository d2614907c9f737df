/* salesforce.c - mirrors the objects of a Salesforce org that the connection's metadata names, and tells what fields
 * there are.
 *
 * {"configurations": [{"model": "Account", "fields": ["Name", "Owner.Name"]}, ...]}: each is one SOQL query, whose
 * pages go into the store as they come. Later runs ask for what SystemModstamp says has changed, a day at a time, and
 * ask queryAll for what was deleted. An object that is configured later, or with other fields, is read whole: the
 * checkpoint keeps a hash of each one's fields.
 *
 * Awkward: the next page is a cursor that Salesforce forgets after some idle minutes: a run that goes on later finds it
 * gone (INVALID_QUERY_LOCATOR), and the query is begun anew under another key; how often is kept in the checkpoint, for
 * the old key counts as read. */
#include <time.h>
#include "salesforce.h"

#define SECOND INT64_C(1000000)
#define WINDOW (86400 * SECOND)
/* A transaction's records appear when it is committed, with the time at which they were written. */
#define LATE (300 * SECOND)
enum { RESTARTS = 3 }; /* of one query in one step */
enum { BATCH_LEAST = 200, BATCH_MOST = 2000 }; /* records in a page */

/* ---- queries ---- */

struct reading {
	int64_t last;        /* last success; 0: everything is read */
	const char *batch;   /* value of Sforce-Query-Options; NULL: Salesforce's own choice */
	const cJSON *known;  /* hashes of the fields of the objects whose past is here; NULL: none */
	cJSON *again;        /* how often an object's queries were begun anew */
	cJSON *now;          /* hashes of the objects of this run */
};

static const char *
endpoint(struct sluice_run *run, const char *rest)
{
	return sluice_format(run, "/services/data/%s/%s", sluice_get_option(run, "api_version"), rest);
}

static const char *
time_text(struct sluice_run *run, int64_t us)
{
	const time_t seconds = (time_t)(us / SECOND);
	struct tm utc;
	char text[32];

	gmtime_r(&seconds, &utc);
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &utc);
	return sluice_format(run, "%s", text);
}

static void
remember(struct sluice_run *run, const cJSON *objects, const cJSON *again)
{
	cJSON *root = cJSON_CreateObject();

	cJSON_AddItemToObject(root, "objects", objects ? cJSON_Duplicate(objects, 1) : cJSON_CreateObject());
	if (again)
		cJSON_AddItemToObject(root, "again", cJSON_Duplicate(again, 1));
	sluice_save_checkpoint(run, sluice_json_print(run, root));
	cJSON_Delete(root);
}

/* The cursor of this object is gone: what it led to is read under another key. */
static int64_t
begin_anew(struct sluice_run *run, const struct reading *r, const struct object *o)
{
	const int64_t again = sluice_json_int(r->again, o->name, 0) + 1;

	sluice_log(run, SLUICE_WARN, "%s: Salesforce has forgotten its cursor; the query begins anew", o->name);
	cJSON_DeleteItemFromObjectCaseSensitive(r->again, o->name);
	cJSON_AddNumberToObject(r->again, o->name, (double)again);
	remember(run, r->known, r->again);
	return again;
}

/* The sync's page_size, as Salesforce's header Query Options has it. For a number that it does not like Salesforce takes
 * another one without a word: so that is said here. */
static const char *
batch_option(struct sluice_run *run)
{
	const char *size = sluice_get_option(run, "page_size");
	const long n = size ? strtol(size, NULL, 10) : BATCH_MOST;

	if (n < BATCH_LEAST || n > BATCH_MOST)
		sluice_fail(run, SLUICE_EARGUMENT, "page_size = %s: Salesforce takes from %d to %d records a page", size,
		            BATCH_LEAST, BATCH_MOST);
	return size ? sluice_format(run, "batchSize=%ld", n) : NULL;
}

/* Reads one query to its end. */
static void
query_read(struct sluice_run *run, const struct reading *r, const struct object *o, const char *soql, int deleted)
{
	const struct sluice_pair query[] = {{"q", soql}, {NULL, NULL}};
	const struct sluice_pair headers[] = {{"Sforce-Query-Options", r->batch}, {NULL, NULL}};
	int64_t again = sluice_json_int(r->again, o->name, 0);
	int restarts = 0, gone;

	do {
		const struct sluice_page_request list = {
		        .endpoint = endpoint(run, deleted ? "queryAll" : "query"),
		        .query = query,
		        .headers = headers,
		        .items = "records",
		        .kind = SLUICE_LINK,
		        .cursor = "nextRecordsUrl",
		        .accept = refusals,
		        .judge = deleted ? refusal_judge_deleted : refusal_judge,
		        .key = again ? sluice_format(run, "%lld %s", (long long)again, soql) : NULL,
		};
		struct sluice_page page;
		gone = 0;
		while (sluice_paginate(run, &list, &page) > 0) {
			if (refusal_of_cursor(&page))
				gone = 1, again = begin_anew(run, r, o);
			else if (deleted)
				sluice_batch_delete(run, o->model, page.body, page.len);
			else
				sluice_batch_save(run, o->model, page.body, page.len);
		}
	} while (gone && ++restarts < RESTARTS);
	if (gone)
		sluice_fail(run, SLUICE_EDATA, "%s: Salesforce forgets its cursors again and again", o->name);
}

static void
save_changed(struct sluice_run *run, const struct reading *r, const struct object *o, const char *where)
{
	query_read(run, r, o, sluice_format(run, "SELECT %s FROM %s%s", o->fields, o->name, where), 0);
}

static void
save_object(struct sluice_run *run, const struct reading *r, const struct object *o)
{
	const char *hash = r->last ? sluice_json_text(r->known, o->name) : NULL;
	const int64_t now = sluice_now(run);
	int64_t from = r->last - LATE;

	if (hash && o->incremental)
		query_read(run, r, o,
		           sluice_format(run, "SELECT Id FROM %s WHERE IsDeleted = true AND SystemModstamp >= %s",
		                         o->name, time_text(run, from)),
		           1);
	if (!hash || strcmp(hash, o->hash) || !o->incremental) {
		save_changed(run, r, o, "");
		return;
	}
	for (; from + WINDOW < now; from += WINDOW)
		save_changed(run, r, o, sluice_format(run, " WHERE SystemModstamp >= %s AND SystemModstamp < %s",
		                                      time_text(run, from), time_text(run, from + WINDOW)));
	/* No end to the last one: what is asked stays the same, however late a run that was cut goes on. */
	save_changed(run, r, o, sluice_format(run, " WHERE SystemModstamp >= %s", time_text(run, from)));
}

static int
fetch_records(struct sluice_run *run)
{
	const char *kept = sluice_get_checkpoint(run);
	cJSON *metadata = cJSON_Parse(sluice_get_metadata(run)), *checkpoint = kept ? cJSON_Parse(kept) : NULL, *given;
	cJSON *again = cJSON_DetachItemFromObjectCaseSensitive(checkpoint, "again");
	struct reading r = {
		.last = sluice_last_success(run), .known = sluice_json_get(checkpoint, "objects"), .batch = batch_option(run),
		.again = again ? again : cJSON_CreateObject(), .now = cJSON_CreateObject(),
	};

	cJSON_ArrayForEach(given, sluice_json_get(metadata, "configurations")) {
		struct object o;
		if (object_read(run, given, &o))
			break;
		if (sluice_json_get(r.now, o.name)) {
			sluice_fail(run, SLUICE_EARGUMENT, "%s is configured twice", o.name);
			break;
		}
		cJSON_AddStringToObject(r.now, o.name, o.hash);
		save_object(run, &r, &o);
	}
	if (sluice_status(run) == 0)
		remember(run, r.now, NULL);
	cJSON_Delete(metadata);
	cJSON_Delete(checkpoint);
	cJSON_Delete(r.again);
	cJSON_Delete(r.now);
	return sluice_status(run);
}

/* ---- what fields there are ---- */

/* An answer that may be a refusal with a code; NULL: the run has failed. Yours. */
static cJSON *
ask(struct sluice_run *run, const char *path)
{
	static const int quota[] = {403, 0};
	const struct sluice_request request = {.endpoint = endpoint(run, path), .accept = quota};
	struct sluice_response answer;
	cJSON *root;

	if (sluice_fetch(run, &request, &answer))
		return NULL;
	root = sluice_json_answer(run, &answer);
	if (root && answer.status == 403) {
		refusal_fail(run, root, answer.status);
		cJSON_Delete(root);
		return NULL;
	}
	return root;
}

static int
list_fields(struct sluice_run *run)
{
	static const char *const members[] = {"name",     "label",  "type",       "length",
	                                      "nillable", "custom", "updateable", "referenceTo"};
	cJSON *input = cJSON_Parse(sluice_input(run)), *root = NULL, *reply = cJSON_CreateObject(), *fields, *field;
	const char *model = sluice_json_text(input, "model");

	if (!object_name_good(model, "_"))
		sluice_fail(run, SLUICE_EARGUMENT, "model is no name of an object");
	else
		root = ask(run, sluice_format(run, "sobjects/%s/describe", model));
	cJSON_AddItemToObject(reply, "model", cJSON_DetachItemFromObjectCaseSensitive(root, "name"));
	cJSON_AddItemToObject(reply, "label", cJSON_DetachItemFromObjectCaseSensitive(root, "label"));
	fields = cJSON_AddArrayToObject(reply, "fields");
	cJSON_ArrayForEach(field, sluice_json_get(root, "fields")) {
		cJSON *one = cJSON_CreateObject();
		for (size_t i = 0; i < sizeof(members) / sizeof(*members); i++)
			cJSON_AddItemToObject(one, members[i],
			                      cJSON_DetachItemFromObjectCaseSensitive(field, members[i]));
		cJSON_AddItemToArray(fields, one);
	}
	if (root)
		sluice_reply(run, sluice_json_print(run, reply));
	cJSON_Delete(input);
	cJSON_Delete(root);
	cJSON_Delete(reply);
	return sluice_status(run);
}

/* Tells how much of the day's quota is left. */
static int
check(struct sluice_run *run)
{
	cJSON *root = ask(run, "limits"), *facts = cJSON_CreateObject();
	const cJSON *daily = sluice_json_get(root, "DailyApiRequests");

	if (daily) {
		cJSON_AddNumberToObject(facts, "requests_left", (double)sluice_json_int(daily, "Remaining", 0));
		cJSON_AddNumberToObject(facts, "requests_a_day", (double)sluice_json_int(daily, "Max", 0));
	}
	if (root)
		sluice_reply(run, sluice_json_print(run, facts));
	cJSON_Delete(root);
	cJSON_Delete(facts);
	return sluice_status(run);
}

/* ---- what is declared ---- */

#define OPTIONAL(name_, type_, text_) {.name = name_, .type = type_, .flags = SLUICE_OPTIONAL, .description = text_}
/* Unchecked: the org may have made of them what it likes. */
#define PERSONAL(name_) \
	{.name = name_, .type = SLUICE_ANY, .flags = SLUICE_OPTIONAL | SLUICE_SENSITIVE, .description = "personal"}

static const struct sluice_field record[] = {
	{.name = "Id", .type = SLUICE_STRING, .flags = SLUICE_KEY, .description = "Salesforce's id, unique in the org"},
	OPTIONAL("attributes", SLUICE_OBJECT, "type: the object's name; url: where it stands"),
	OPTIONAL("SystemModstamp", SLUICE_STRING, "when it was changed, 2026-01-02T03:04:05.000+0000"),
	PERSONAL("Name"), PERSONAL("FirstName"), PERSONAL("LastName"), PERSONAL("Email"), PERSONAL("Phone"),
	PERSONAL("MobilePhone"), PERSONAL("HomePhone"), PERSONAL("Fax"), PERSONAL("Birthdate"), PERSONAL("Address"),
	PERSONAL("MailingAddress"), PERSONAL("OtherAddress"), PERSONAL("BillingAddress"), PERSONAL("ShippingAddress"),
	PERSONAL("Description"), PERSONAL("Subject"), PERSONAL("Username"),
	{0},
};
#define MODEL(name_, text_) {.name = name_, .fields = record, .description = text_}
static const struct sluice_model models[] = {
	MODEL("SalesforceAccount", "a company or household"),
	MODEL("SalesforceContact", "a person at an account"),
	MODEL("SalesforceLead", "someone who may become a customer"),
	MODEL("SalesforceOpportunity", "a possible sale"),
	MODEL("SalesforceCase", "a question or complaint"),
	MODEL("SalesforceCampaign", "a campaign"),
	MODEL("SalesforceTask", "something to do"),
	MODEL("SalesforceEvent", "an appointment"),
	MODEL("SalesforceUser", "someone who may sign in"),
	MODEL("SalesforceRecord", "a record of any other object, custom ones too: attributes.type says which"),
	{0},
};

static const struct sluice_option options[] = {
	{.name = "domain", .type = SLUICE_STRING,
	 .help = "My Domain of the org, acme of acme.my.salesforce.com (acme--test.sandbox for a sandbox); counts for "
	         "nothing where base_url is given"},
	{.name = "login_host", .type = SLUICE_STRING, .fallback = "login.salesforce.com",
	 .help = "where tokens are had; test.salesforce.com for a sandbox"},
	{.name = "api_version", .type = SLUICE_STRING, .fallback = "v59.0", .help = "of Salesforce's REST API"},
	{0},
};

static const struct sluice_field metadata[] = {
	{.name = "configurations", .type = SLUICE_ARRAY,
	 .description = "{model: an object's name, fields: [names], incremental: false without a SystemModstamp}"},
	{0},
};
static const char *const written[] = {
	"SalesforceAccount", "SalesforceContact", "SalesforceLead", "SalesforceOpportunity", "SalesforceCase",
	"SalesforceCampaign", "SalesforceTask", "SalesforceEvent", "SalesforceUser", "SalesforceRecord", NULL,
};
static const struct sluice_sync syncs[] = {
	{.name = "records", .models = written, .kind = SLUICE_INCREMENTAL, .flags = SLUICE_TRACK_DELETES,
	 .every = "every 15 minutes",
	 .endpoint = "GET /services/data/*/query",
	 .description = "the objects and fields that the metadata names", .input = metadata,
	 .fetch = fetch_records},
	{0},
};

static const struct sluice_field list_fields_input[] = {
	{.name = "model", .type = SLUICE_STRING, .description = "an object's name: Account, Invoice__c"},
	{0},
};
static const struct sluice_field list_fields_output[] = {
	{.name = "model", .type = SLUICE_STRING, .description = "the object's name"},
	OPTIONAL("label", SLUICE_STRING, "as people see it"),
	{.name = "fields", .type = SLUICE_ARRAY,
	 .description = "{name, label, type, length, nillable, custom, updateable, referenceTo} of each"},
	{0},
};
static const struct sluice_action actions[] = {
	{.name = "list-fields",
	 .description = "the fields that an object has", .input = list_fields_input, .output = list_fields_output,
	 .endpoint = "GET /services/data/*/sobjects/*/describe", .flags = SLUICE_REPEATABLE, .call = list_fields},
	{0},
};

static const char *const scopes[] = {"api", "refresh_token", NULL};
static const struct sluice_oauth oauth = {
	.token_url = "https://${login_host}/services/oauth2/token",
	.authorize_url = "https://${login_host}/services/oauth2/authorize",
	.scopes = scopes,
};

SLUICE_EXPORT const struct sluice_connector sluice_connector = {
	SLUICE_ABI,
	.name = "salesforce",
	.version = "1.0.0",
	.description = "CRM: any object and its fields, as the metadata says",
	.base_url = "https://${domain}.my.salesforce.com",
	.auth = SLUICE_OAUTH2,
	.oauth = &oauth,
	.scopes = scopes,
	.options = options,
	.models = models,
	.syncs = syncs,
	.actions = actions,
	.check = check,
};
