/* close.c - mirrors a Close CRM account: leads, contacts, opportunities, activities, users, custom fields.
 *
 * Lists are positional (`_skip`, `_limit`, `has_more`); the host reads each page from one item before, to see that the
 * list did not shift under it. Leads, contacts, opportunities and activities are incremental by `date_updated`, in whole
 * days (which is what the API takes), so a run reads the day of the last success again; unchanged records cost nothing.
 *
 * Close refuses a `_skip` beyond a bound that differs from list to list. A list that is long is read in windows of time
 * (https://developer.close.com/topics/pagination): windows.c.
 *
 * Awkward: leads are asked for by a search `query`, the others by `date_updated__gte`; activities come at most 100 a
 * page, the rest 200; custom fields are a list for each kind of object, and say only here which. */
#include "close.h"

/* A page of definitions of custom fields: each says which object it belongs to. */
static void
fields_save(struct sluice_run *run, const struct list *list, const struct sluice_page *page)
{
	cJSON *fields = sluice_json_page(run, page), *field;

	cJSON_ArrayForEach(field, fields)
		if (!sluice_json_get(field, "object_type"))
			cJSON_AddStringToObject(field, "object_type", list->object);
	sluice_json_save(run, list->model, fields);
	cJSON_Delete(fields);
}

long
window_read(struct sluice_run *run, const struct list *list, const struct window *w)
{
	struct sluice_pair query[WINDOW_PAIRS];
	const struct sluice_page_request request = {
		.endpoint = list->path, .query = window_query(run, list, w, query), .items = "data", .limit = list->limit,
		.limit_param = "_limit", .kind = SLUICE_OFFSET, .cursor_param = "_skip", .has_more = "has_more",
	};
	struct sluice_page page;
	long items = 0;

	while (sluice_paginate(run, &request, &page) > 0) {
		items += (long)page.count;
		if (list->object)
			fields_save(run, list, &page);
		else
			sluice_batch_save(run, list->model, page.body, page.len);
	}
	return items;
}

static int
fetch_list(struct sluice_run *run)
{
	const struct list *list = (const struct list *)sluice_data(run);

	list_read(run, list, sluice_last_success(run));
	return sluice_status(run);
}

static int
fetch_custom_fields(struct sluice_run *run)
{
	static const struct list kinds[] = {
		{"/v1/custom_field/lead/", "CloseCustomField", 200, NOT_BY_DATE, "lead"},
		{"/v1/custom_field/contact/", "CloseCustomField", 200, NOT_BY_DATE, "contact"},
		{"/v1/custom_field/opportunity/", "CloseCustomField", 200, NOT_BY_DATE, "opportunity"},
		{"/v1/custom_field/activity/", "CloseCustomField", 200, NOT_BY_DATE, "activity"},
		{"/v1/custom_field/custom_object_type/", "CloseCustomField", 200, NOT_BY_DATE, "custom_object"},
		{"/v1/custom_field/shared/", "CloseCustomField", 200, NOT_BY_DATE, "shared"},
	};
	const struct window all = {.field = "date_created"};

	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
		window_read(run, &kinds[i], &all);
	return sluice_status(run);
}

/* Tells whose key it is. */
static int
check(struct sluice_run *run)
{
	struct sluice_response answer;

	if (sluice_proxy_get(run, "/v1/me/", NULL, &answer) == 0) {
		cJSON *me = sluice_json_answer(run, &answer), *facts = cJSON_CreateObject();
		const char *email = sluice_json_text(me, "email");
		cJSON_AddStringToObject(facts, "account", email ? email : "unknown");
		sluice_reply(run, sluice_json_print(run, facts));
		cJSON_Delete(facts);
		cJSON_Delete(me);
	}
	return sluice_status(run);
}

#define ID {.name = "id", .type = SLUICE_STRING, .flags = SLUICE_KEY, .description = "Close's id of the object"}
#define OPTIONAL(name_, type_, text_) {.name = name_, .type = type_, .flags = SLUICE_OPTIONAL, .description = text_}
#define PERSONAL(name_, type_, text_) \
	{.name = name_, .type = type_, .flags = SLUICE_OPTIONAL | SLUICE_SENSITIVE, .description = text_}
#define UPDATED OPTIONAL("date_updated", SLUICE_TIME, "last change at Close")

static const struct sluice_field lead[] = {
	ID,
	OPTIONAL("display_name", SLUICE_STRING, "the company or person"),
	OPTIONAL("status_id", SLUICE_STRING, "id of its status"),
	PERSONAL("contacts", SLUICE_ARRAY, "people at the lead"),
	PERSONAL("addresses", SLUICE_ARRAY, "where it is"),
	OPTIONAL("custom", SLUICE_OBJECT, "custom fields by name"),
	UPDATED,
	{0},
};
static const struct sluice_field contact[] = {
	ID,
	OPTIONAL("lead_id", SLUICE_STRING, "id of the lead it belongs to"),
	PERSONAL("name", SLUICE_STRING, "full name"),
	PERSONAL("emails", SLUICE_ARRAY, "addresses with their type"),
	PERSONAL("phones", SLUICE_ARRAY, "numbers with their type"),
	UPDATED,
	{0},
};
static const struct sluice_field opportunity[] = {
	ID,
	OPTIONAL("lead_id", SLUICE_STRING, "id of the lead"),
	OPTIONAL("value", SLUICE_INTEGER, "in cents"),
	OPTIONAL("value_period", SLUICE_STRING, "one_time, monthly or annual"),
	OPTIONAL("status_type", SLUICE_STRING, "active, won or lost"),
	OPTIONAL("confidence", SLUICE_INTEGER, "per cent"),
	PERSONAL("note", SLUICE_STRING, "what was written about it"),
	UPDATED,
	{0},
};
static const struct sluice_field activity[] = {
	ID,
	{.name = "_type", .type = SLUICE_STRING, .description = "Note, Call, Email, ...: the other members differ by it"},
	OPTIONAL("lead_id", SLUICE_STRING, "id of the lead"),
	OPTIONAL("date_created", SLUICE_TIME, "when it was recorded"),
	/* Unchecked: what they are is the type's affair. */
	PERSONAL("note", SLUICE_ANY, "of notes and calls"),
	PERSONAL("phone", SLUICE_ANY, "of calls: the other side's number"),
	PERSONAL("subject", SLUICE_ANY, "of mails, and so the next three"),
	PERSONAL("body_text", SLUICE_ANY, "what it says"),
	PERSONAL("body_html", SLUICE_ANY, "what it says, in HTML"),
	PERSONAL("to", SLUICE_ANY, "addresses that it went to"),
	UPDATED,
	{0},
};
static const struct sluice_field user[] = {
	ID,
	PERSONAL("email", SLUICE_STRING, "sign-in address"),
	PERSONAL("first_name", SLUICE_STRING, "given name"),
	PERSONAL("last_name", SLUICE_STRING, "family name"),
	{0},
};
static const struct sluice_field custom_field[] = {
	ID,
	{.name = "name", .type = SLUICE_STRING, .description = "as people see it"},
	{.name = "object_type", .type = SLUICE_STRING,
	 .description = "lead, contact, opportunity, activity, custom_object, or shared by several"},
	OPTIONAL("type", SLUICE_STRING, "text, number, choices, ..."),
	OPTIONAL("accepts_multiple_values", SLUICE_BOOLEAN, "whether an object may have several of it"),
	OPTIONAL("associations", SLUICE_ARRAY, "of a shared one: the objects that have it"),
	OPTIONAL("choices", SLUICE_ARRAY, "values it may take"),
	{0},
};

static const struct sluice_model models[] = {
	{.name = "CloseLead", .fields = lead, .description = "a company or person that may buy"},
	{.name = "CloseContact", .fields = contact, .description = "a person at a lead"},
	{.name = "CloseOpportunity", .fields = opportunity, .description = "a possible sale"},
	{.name = "CloseActivity", .fields = activity, .description = "notes, calls, mails and whatever else happened"},
	{.name = "CloseUser", .fields = user, .description = "a member of the organization"},
	{.name = "CloseCustomField", .fields = custom_field, .description = "definition of a custom field"},
	{0},
};

static const struct list leads = {"/v1/lead/", "CloseLead", 200, BY_SEARCH, NULL};
static const struct list contacts = {"/v1/contact/", "CloseContact", 200, BY_PARAMETER, NULL};
static const struct list opportunities = {"/v1/opportunity/", "CloseOpportunity", 200, BY_PARAMETER, NULL};
static const struct list activities = {"/v1/activity/", "CloseActivity", 100, BY_PARAMETER, NULL};
static const struct list users = {"/v1/user/", "CloseUser", 200, NOT_BY_DATE, NULL};

#define SYNC(name_, model_, kind_, every_, endpoint_, fetch_, data_, text_) \
	{.name = name_, .model = model_, .kind = SLUICE_##kind_, .flags = SLUICE_TRACK_DELETES, .every = "every " every_, \
	 .endpoint = "GET /v1/" endpoint_, .description = text_, .fetch = fetch_, .data = data_}

static const struct sluice_sync syncs[] = {
	SYNC("leads", "CloseLead", INCREMENTAL, "30 minutes", "lead/", fetch_list, &leads, "leads with their custom fields"),
	SYNC("contacts", "CloseContact", INCREMENTAL, "30 minutes", "contact/", fetch_list, &contacts, "people at leads"),
	SYNC("opportunities", "CloseOpportunity", INCREMENTAL, "30 minutes", "opportunity/", fetch_list, &opportunities,
	     "possible sales"),
	SYNC("activities", "CloseActivity", INCREMENTAL, "30 minutes", "activity/", fetch_list, &activities,
	     "what happened, of every type"),
	SYNC("users", "CloseUser", FULL, "day", "user/", fetch_list, &users, "members of the organization"),
	SYNC("custom_fields", "CloseCustomField", FULL, "day", "custom_field/*", fetch_custom_fields, NULL,
	     "definitions of custom fields"),
	{0},
};

static const char *const scopes[] = {"an API key of a user who may see what is synced", NULL};
static const struct sluice_rate rate = {
	.requests = 40, .per_ms = 1000, .reset = "ratelimit-reset", .retry_body = "error.rate_reset",
};

SLUICE_EXPORT const struct sluice_connector sluice_connector = {
	SLUICE_ABI,
	.name = "close",
	.version = "1.1.0",
	.description = "CRM: leads, contacts, opportunities, activities, users, custom fields",
	.base_url = "https://api.close.com/api",
	.auth = SLUICE_BASIC,
	.scopes = scopes,
	.rate = &rate,
	.models = models,
	.syncs = syncs,
	.check = check,
};
