/* contract_list.c - GET /connections: which there are, by name, integration, end user, tag, or part of a name.
 *
 * Awkward: tags are compared in lower-case keys, as the contract has it; filters are all to be met. */
#include <stdlib.h>
#include <string.h>
#include "api/contract_connections.h"
#include "api/contract_labels.h"
#include "base/mem.h"
#include "run/connections.h"
#include "run/member.h"

#define LIST_MOST 10000

static bool
text_holds(const char *text, const char *part)
{
	return !part || (text && strcasestr(text, part));
}

static bool
label_is(struct slice labels, const char *path, const char *wanted)
{
	struct slice found;

	return !wanted || (json_path(labels, path, &found) && json_string_is(found, wanted));
}

/* Each tags[key]=value of the query, as "key=value"; keys are kept in lower case. */
static bool
tags_fit(const struct http_call *c, struct slice labels)
{
	struct slice tags = member_raw(labels, "tags"), value;
	const char *wanted;

	for (size_t i = 0; (wanted = http_param_at(c, "tags", i)); i++) {
		const char *equals = strchr(wanted, '=');
		char *key = equals ? xstrndup(wanted, (size_t)(equals - wanted)) : xstrdup("");
		bool fits;

		for (char *p = key; *p; p++)
			*p = *p >= 'A' && *p <= 'Z' ? (char)(*p - 'A' + 'a') : *p;
		fits = equals && tags.len && json_member(tags, key, &value) && json_string_is(value, equals + 1);
		free(key);
		if (!fits)
			return false;
	}
	return true;
}

static bool
integration_fits(const struct http_call *c, const char *name)
{
	const char *wanted;
	size_t i = 0;

	for (; (wanted = http_param_at(c, "integrationId", i)); i++)
		if (!strcmp(wanted, name))
			return true;
	return i == 0;
}

static bool
search_fits(const char *part, const struct connection_settings *c, struct slice labels)
{
	static const char *const paths[] = {"end_user.id", "end_user.email", "end_user.display_name"};
	struct slice found;
	bool fits = text_holds(c->name, part);

	for (size_t i = 0; i < LENGTH(paths) && !fits; i++)
		if (json_path(labels, paths[i], &found) && json_type(found) == JSON_STRING) {
			char *text = json_text(found);
			fits = text_holds(text, part);
			free(text);
		}
	return fits;
}

static bool
wanted(const struct http_call *c, const struct connection_settings *k, struct slice labels)
{
	const char *id = http_param(c, "connectionId");

	return (!id || !strcmp(id, k->name)) && integration_fits(c, k->integration->name) &&
	       search_fits(http_param(c, "search"), k, labels) && label_is(labels, "end_user.id", http_param(c, "endUserId")) &&
	       label_is(labels, "end_user.organization.id", http_param(c, "endUserOrganizationId")) && tags_fit(c, labels);
}

static void
list_handle(struct http_call *c, void *arg)
{
	const struct settings *s = host_settings(api_host(arg));
	int64_t limit = http_param_int(c, "limit", LIST_MOST), skip = http_param_int(c, "page", 0) * limit, seen = 0;
	struct buf body = {0}, labels = {0};
	struct json_out o = json_out(&body);
	char added[TIME_TEXT_MAX];

	json_open(&o, '{');
	json_key(&o, "connections");
	json_open(&o, '[');
	for (size_t i = 0; i < s->n_connections && seen < skip + limit; i++) {
		const struct connection_settings *k = s->connections[i];

		buf_clear(&labels);
		contract_labels(arg, k, &labels);
		if (!wanted(c, k, buf_view(&labels)) || seen++ < skip)
			continue;
		if (!connection_added_at(api_store(arg), k, added))
			time_format(0, added);
		contract_connection_common(arg, &o, k, buf_view(&labels));
		json_kv_str(&o, "created", added);
		json_close(&o, '}');
	}
	json_close(&o, ']');
	json_close(&o, '}');
	http_reply(c, 200, buf_view(&body));
	buf_free(&body);
	buf_free(&labels);
}

static const struct http_param list_params[] = {
	{.name = "connectionId", .type = HTTP_NAME, .help = "only of this name"},
	{.name = "search", .type = HTTP_TEXT, .max = 255, .help = "part of the name, or of the end user's id, address or name"},
	{.name = "endUserId", .type = HTTP_NAME, .help = "only of this end user"},
	{.name = "endUserOrganizationId", .type = HTTP_NAME, .help = "only of end users of this organization"},
	{.name = "integrationId", .type = HTTP_NAME, .repeated = true, .comma = true, .help = "only of these integrations"},
	{.name = "tags", .type = HTTP_TEXT, .repeated = true, .brackets = true, .help = "tags[key]=value: only with this tag"},
	{.name = "limit", .type = HTTP_INT, .min = 1, .max = LIST_MOST, .help = "at most so many; without it 10000"},
	{.name = "page", .type = HTTP_INT, .min = 0, .max = 1000000, .help = "of so many each, from 0"},
	{0}};

static const struct http_field listed_fields[] = {CONTRACT_CONNECTION_FIELDS, {.name = "created", .type = HTTP_TEXT, .required = true}, {0}};
static const struct http_schema listed_schema = {.name = "ListedConnection", .fields = listed_fields};
static const struct http_field list_fields[] = {
	{.name = "connections", .type = HTTP_ARRAY, .required = true, .of = &listed_schema}, {0}};
static const struct http_schema list_schema = {.name = "ConnectionList", .fields = list_fields};
static const struct http_answer list_answers[] = {{.status = 200, .schema = &list_schema}, {0}};

const struct http_route contract_list_routes[] = {
	{.method = "GET", .path = "/connections", .name = "listConnections", .tag = "Connections", .summary = "Which connections there are",
	 .rights = RIGHT_READ | RIGHT_WRITE | RIGHT_ADMIN, .params = list_params, .answers = list_answers, .handle = list_handle},
	{0}};
