/* object.c - one of the metadata's configurations: an object's name, the model that it becomes, and the fields to ask for.
 *
 * Guarantee: nothing but names comes into a query. Awkward: upper and lower case are the same in Salesforce's names, and
 * who asks for a field twice is refused; so fields are compared without regard to it. */
#include <ctype.h>
#include <strings.h>
#include "salesforce.h"

static const struct {
	const char *object, *model;
} kinds[] = {
	{"Account", "SalesforceAccount"}, {"Contact", "SalesforceContact"}, {"Lead", "SalesforceLead"},
	{"Opportunity", "SalesforceOpportunity"}, {"Case", "SalesforceCase"}, {"Campaign", "SalesforceCampaign"},
	{"Task", "SalesforceTask"}, {"Event", "SalesforceEvent"}, {"User", "SalesforceUser"},
};

static const char *
model_of(const char *object)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		if (strcmp(kinds[i].object, object) == 0)
			return kinds[i].model;
	return "SalesforceRecord";
}

int
object_name_good(const char *text, const char *besides)
{
	if (!text || !isalpha((unsigned char)*text))
		return 0;
	while (isalnum((unsigned char)*text) || (*text && strchr(besides, *text)))
		text++;
	return *text == '\0';
}

static int
holds(const cJSON *fields, const cJSON *end, const char *name)
{
	const cJSON *each;

	cJSON_ArrayForEach(each, fields) {
		if (each == end)
			return 0;
		if (cJSON_IsString(each) && strcasecmp(each->valuestring, name) == 0)
			return 1;
	}
	return 0;
}

static const char *
hash_of(struct sluice_run *run, const char *text)
{
	uint64_t h = UINT64_C(14695981039346656037); /* FNV-1a */

	for (; *text; text++)
		h = (h ^ (unsigned char)*text) * UINT64_C(1099511628211);
	return sluice_format(run, "%016llx", (unsigned long long)h);
}

int
object_read(struct sluice_run *run, const cJSON *given, struct object *o)
{
	const cJSON *fields = sluice_json_get(given, "fields"), *field;
	const char *list;

	o->name = sluice_json_text(given, "model");
	o->incremental = sluice_json_bool(given, "incremental", 1);
	if (!object_name_good(o->name, "_"))
		return sluice_fail(run, SLUICE_EARGUMENT, "a configuration's model is no name of an object: %s",
		                   sluice_json_print(run, sluice_json_get(given, "model")));
	if (cJSON_GetArraySize(fields) == 0)
		return sluice_fail(run, SLUICE_EARGUMENT,
		                   "the configuration of %s has no fields: give \"fields\": [\"Name\"]", o->name);
	list = o->incremental ? "Id,SystemModstamp" : "Id";
	cJSON_ArrayForEach(field, fields) {
		const char *name = cJSON_IsString(field) ? field->valuestring : NULL;
		if (!object_name_good(name, "_."))
			return sluice_fail(run, SLUICE_EARGUMENT,
			                   "the configuration of %s has a field that is none: %s", o->name,
			                   sluice_json_print(run, field));
		if (strcasecmp(name, "Id") && !(o->incremental && strcasecmp(name, "SystemModstamp") == 0) &&
		    !holds(fields, field, name))
			list = sluice_format(run, "%s,%s", list, name);
	}
	o->fields = list;
	o->hash = hash_of(run, list);
	o->model = model_of(o->name);
	return 0;
}
