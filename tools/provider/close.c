/* close.c - /close/api/v1/...: lists as Close serves them, paged by _skip and _limit.
 *
 * Newest first unless _order_by (or _sort) says otherwise; date_updated__gte and date_created__gte narrow the list, and
 * so does query=date_updated>="...". POST with x-http-method-override: GET carries the parameters as {"_params":
 * {...}}. Credentials: a key that begins with api_ (Basic) or any bearer token is good; ..._expired is expired,
 * ..._noscope may not. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "base/mem.h"
#include "provider.h"
#include "window.h"

#define BY_WHOM "'created_by':'<ref user>','created_by_name':'<first> <last>','updated_by':'<ref user>'"
#define ORG "orga_bwwWG475zqWiQGur0thQshwVXo8rIYecQHDWFanqhen"
#define WHEN "'date_created':'<created_at>','date_updated':'<updated_at>','organization_id':'" ORG "'"

static const char *const lead_shapes[] = {
        "{'id':'<id>','display_name':'<word> <word> <pick GmbH|Ltd|Inc|SA>',"
        "'name':'<word> <word> <pick GmbH|Ltd|Inc|SA>','description':'<~text 8>','url':'https://<word>.example.com',"
        "'html_url':'https://app.close.com/lead/<id>/','status_id':'stat_<hex 20>',"
        "'status_label':'<~pick Potential|Qualified|Customer|Lost>','addresses':[{'label':'business',"
        "'address_1':'<num 1 300> <word> road','address_2':'','city':'<word>','state':'',"
        "'zipcode':'<num 10000 99999>','country':'<pick DE|FR|US|SE>'}],'contacts':[{'id':'cont_<hex 43>',"
        "'lead_id':'<id>','name':'<first> <last>','title':'<pick CEO|CTO|Buyer>',"
        "'emails':[{'email':'<word>.<hex 6>@example.com','type':'office'}],'phones':[],'urls':[],"
        "'date_created':'<created_at>'}],'opportunities':[],'tasks':[],'integration_links':[],"
        "'custom':{'Industry':'<~pick Retail|Energy|Software>','Seats':<~num 1 900>},"
        "'custom.cf_<pick QqSv|aB3x>K7mEz0pLwYt1nRd5uHc':'<~word>'," BY_WHOM "," WHEN "}",
        NULL};
static const char *const contact_shapes[] = {
        "{'id':'<id>','lead_id':'<parent lead>','name':'<first> <last>',"
        "'title':'<~pick CEO|CTO|Buyer|Head of Sales>','emails':[{'email':'<word>.<hex 6>@example.com',"
        "'type':'office','is_unsubscribed':<~pick true|false>}],'phones':[{'phone':'+49<num 1000000 9999999>',"
        "'country':'DE','type':'mobile'}],'urls':[],'integration_links':[],'display_name':'<first> <last>'," BY_WHOM
        "," WHEN "}",
        NULL};
static const char *const opportunity_shapes[] = {
        "{'id':'<id>','lead_id':'<parent lead>','lead_name':'<word> <word>','contact_id':'<ref contact>',"
        "'user_id':'<ref user>','user_name':'<first> <last>','value':<~num 1000 900000>,'value_formatted':null,"
        "'value_currency':'<pick USD|EUR>','value_period':'<pick one_time|monthly|annual>',"
        "'confidence':<~num 0 100>,'expected_value':<~num 0 900000>,'annualized_value':<~num 1000 900000>,"
        "'status_id':'stat_<hex 20>','status_label':'<~pick Active|Won|Lost>',"
        "'status_type':'<~pick active|won|lost>','note':'<~text 7>','date_won':null,'date_lost':null," BY_WHOM "," WHEN
        "}",
        NULL};
#define ABOUT "'lead_id':'<parent lead>','contact_id':'<ref contact>','user_id':'<ref user>',"
#define ACTIVITY ABOUT "'user_name':'<first> <last>','activity_at':'<created_at>'," BY_WHOM "," WHEN

static const char *const activity_shapes[] = {
        "{'id':'<id>','_type':'Note'," ACTIVITY ",'note':'<~text 12>','attachments':[]}",
        "{'id':'<id>','_type':'Call'," ACTIVITY ",'duration':<num 0 3600>,'direction':'<pick inbound|outbound>',"
        "'disposition':'<~pick answered|no-answer|busy>','phone':'+49<num 1000000 9999999>','note':'<~text 4>',"
        "'recording_url':null,'status':'completed'}",
        "{'id':'<id>','_type':'Email'," ACTIVITY ",'subject':'<text 4>','body_text':'<text 30>',"
        "'body_html':'<text 2>','status':'<~pick sent|inbox|draft>','direction':'<pick incoming|outgoing>',"
        "'sender':'<word>@example.com','to':['<word>.<hex 6>@example.com'],'cc':[],'opens':[],'opens_summary':null}",
        NULL};
static const char *const user_shapes[] = {
        "{'id':'<id>','email':'<word>.<hex 6>@example.com','first_name':'<first>','last_name':'<last>','image':'',"
        "'last_used_timezone':'Europe/Berlin','email_verified_at':'<created_at>',"
        "'organizations':['orga_bwwWG475zqWiQGur0thQshwVXo8rIYecQHDWFanqhen']," WHEN "}",
        NULL};
static const char *const field_shapes[] = {
        "{'id':'<id>','name':'<word> <word>','description':'<~text 3>','type':'text',"
        "'accepts_multiple_values':false,'choices':null,'editable_with_roles':[],'required':false," BY_WHOM "," WHEN
        "}",
        "{'id':'<id>','name':'<word> <word>','description':null,'type':'choices',"
        "'accepts_multiple_values':<pick true|false>,'choices':['<~word>','<word>','<word>'],"
        "'editable_with_roles':[],'required':false," BY_WHOM "," WHEN "}",
        NULL};

const struct kind close_kinds[] = {
        {"close", "lead", "lead_", 43, false, 1, 1, 1, lead_shapes},
        {"close", "contact", "cont_", 43, false, 1, 1, 1, contact_shapes},
        {"close", "opportunity", "oppo_", 43, false, 1, 2, 1, opportunity_shapes},
        {"close", "activity", "acti_", 43, false, 1, 1, 1, activity_shapes},
        {"close", "user", "user_", 43, false, 1, 100, 3, user_shapes},
        {"close", "custom_field/lead", "cf_", 43, false, 1, 0, 7, field_shapes},
        {"close", "custom_field/contact", "cf_", 43, false, 1, 0, 4, field_shapes},
        {"close", "custom_field/opportunity", "cf_", 43, false, 1, 0, 3, field_shapes},
        {"close", "custom_field/activity", "cf_", 43, false, 1, 0, 2, field_shapes},
        {"close", "custom_field/custom_object_type", "cf_", 43, false, 1, 0, 2, field_shapes},
        {"close", "custom_field/shared", "cf_", 43, false, 1, 0, 2, field_shapes},
        KINDS_END,
};

/* What differs from list to list. */
static const struct list_trait {
	const char *name;
	unsigned most; /* items on a page at most */
	bool total;    /* says total_results */
} traits[] = {{"lead", 200, true}, {"opportunity", 200, true}, {"activity", 100, false}};

static struct list_trait
trait_find(const char *name)
{
	for (size_t i = 0; i < LENGTH(traits); i++)
		if (!strcmp(traits[i].name, name))
			return traits[i];
	return (struct list_trait){name, 200, false};
}

/* ---- parameters ---- */

/* From the query, or from the body of a POST that stands for a GET. */
static bool
close_param(const struct request *r, const char *name, char *out, size_t cap)
{
	struct slice params, v;

	if (request_param(r, name, out, cap))
		return true;
	if (!request_is(r, "POST") || !json_check(r->body, JSON_DEPTH_MAX, NULL) ||
	    !json_member(r->body, "_params", &params) || !json_member(params, name, &v))
		return false;
	char *text = json_text(v);
	snprintf(out, cap, "%s", text);
	free(text);
	return true;
}

static int64_t
close_number(const struct request *r, const char *name, int64_t otherwise)
{
	char text[32], *end;

	if (!close_param(r, name, text, sizeof(text)))
		return otherwise;
	int64_t v = strtoll(text, &end, 10);
	return end == text || v < 0 ? otherwise : v;
}

/* A date, or a time whose '+' may have come as a blank. */
static bool
close_time(char *text, int64_t *us)
{
	char whole[80];

	for (char *p = text; *p; p++)
		if (*p == ' ')
			*p = '+';
	snprintf(whole, sizeof(whole), strlen(text) == 10 ? "%sT00:00:00Z" : "%s", text);
	return time_parse(slice_str(whole), us) || (strcat(whole, "Z"), time_parse(slice_str(whole), us));
}

/* What a request selects from a list, and in which order. */
struct selection {
	bool by_update, ascending;
	size_t skip; /* so many of the oldest (by that order) are not in it */
	size_t end;  /* the place behind the last that is */
};

static bool
selection_time(const struct request *r, const char *name, int64_t *us, bool *given, struct reply *p)
{
	char text[64];

	*given = close_param(r, name, text, sizeof(text));
	if (!*given || close_time(text, us))
		return true;
	reply_error(p, 400, "%s: '%s' is no date", name, text);
	return false;
}

/* query=date_updated>="2026-01-01" date_updated<"2026-02-01": the time behind FIELD OPERATOR */
static bool
query_time(const struct request *r, const char *field, const char *op, int64_t *us)
{
	char query[512], text[64], name[64];

	snprintf(name, sizeof(name), "%s%s\"", field, op);
	if (!close_param(r, "query", query, sizeof(query)))
		return false;
	const char *at = strstr(query, name);
	if (!at)
		return false;
	at += strlen(name);
	snprintf(text, sizeof(text), "%.*s", (int)strcspn(at, "\""), at);
	return close_time(text, us);
}

/* A bound of the list on that field, from a parameter or from the search. */
static bool
selection_bound(const struct request *r, const char *field, const char *op, int64_t *us, bool *given, struct reply *p)
{
	char name[64];

	snprintf(name, sizeof(name), "%s__%s", field, strcmp(op, ">=") ? "lt" : "gte");
	if (!selection_time(r, name, us, given, p))
		return false;
	*given = *given || query_time(r, field, op, us);
	return true;
}

static bool
selection_read(struct selection *s, const struct request *r, const struct dataset *d, struct reply *p)
{
	int64_t updated = 0, created = 0, updated_end = 0, created_end = 0;
	bool by_updated, by_created, till_updated, till_created;
	char order[64];

	if (!selection_bound(r, "date_updated", ">=", &updated, &by_updated, p) ||
	    !selection_bound(r, "date_updated", "<", &updated_end, &till_updated, p) ||
	    !selection_bound(r, "date_created", ">=", &created, &by_created, p) ||
	    !selection_bound(r, "date_created", "<", &created_end, &till_created, p))
		return false;
	if (!close_param(r, "_order_by", order, sizeof(order)) && !close_param(r, "_sort", order, sizeof(order)))
		order[0] = 0;
	s->by_update = by_updated || till_updated || strstr(order, "date_updated");
	s->ascending = order[0] && order[0] != '-';
	s->skip = by_updated                    ? dataset_updated_since(d, updated)
	          : by_created && !s->by_update ? dataset_since(d, created)
	                                        : 0;
	s->end = till_updated                    ? dataset_updated_since(d, updated_end)
	         : till_created && !s->by_update ? dataset_since(d, created_end)
	                                         : d->live_count;
	s->end = s->end < s->skip ? s->skip : s->end;
	return true;
}

static uint32_t
selection_at(const struct selection *s, const struct dataset *d, size_t place)
{
	size_t k = s->ascending ? s->skip + place : s->end - 1 - place;

	return s->by_update ? dataset_at_update(d, k) : dataset_at(d, k);
}

/* ---- serving ---- */

static bool
close_admits(const struct request *r, const char *what, struct reply *p)
{
	char key[256];
	struct slice header;

	if (!request_token(r, key, sizeof(key))) {
		reply_header(p, "WWW-Authenticate", "Basic realm=\"Close API\"");
		reply_error(
		        p, 401,
		        "You are not authenticated. Send your API key as the user name of HTTP Basic authentication.");
		return false;
	}
	bool basic = request_header(r, "authorization", &header) && strncasecmp(header.p, "basic", 5) == 0;
	if (strstr(key, "_expired")) {
		reply_error(p, 401, basic ? "The API key has expired." : "The access token has expired.");
		return false;
	}
	if (strstr(key, "_noscope")) {
		reply_error(p, 403,
		            "You do not have permission to perform this action: the key lacks the scope '%s.read'.",
		            what);
		return false;
	}
	if (!basic || strncmp(key, "api_", 4) == 0)
		return true;
	reply_error(p, 401, "The supplied API key is invalid.");
	return false;
}

static void
close_list(struct provider *v, const struct request *r, const struct dataset *d, struct reply *p)
{
	struct list_trait trait = trait_find(d->kind->name);
	int64_t limit = close_number(r, "_limit", 100), skip = close_number(r, "_skip", 0);
	struct selection s;

	if (limit > trait.most) {
		reply_error(p, 400, "_limit: %lld is more than the maximum of %u", (long long)limit, trait.most);
		return;
	}
	if (v->settings.close_max_skip && skip > v->settings.close_max_skip) {
		reply_error(p, 400, "The skip you set is larger than the maximum skip for this resource (max_skip = %u). "
		            "Please refine your search query.",
		            v->settings.close_max_skip);
		return;
	}
	if (!selection_read(&s, r, d, p))
		return;
	struct window w = {.total = s.end - s.skip, .start = (size_t)skip, .limit = (size_t)limit};
	window_cut(&w, r);
	reply_json(p, 200);
	buf_puts(&p->body, "{\"data\":");
	reply_items_begin(p);
	for (size_t k = 0; k < w.count; k++) {
		if (k)
			buf_putc(&p->body, ',');
		dataset_render(d, selection_at(&s, d, window_rotate(&w, r, k)), &p->body);
	}
	reply_items_end(p, !w.more);
	buf_puts(&p->body, w.more ? ",\"has_more\":true" : ",\"has_more\":false");
	if (trait.total || limit == 0)
		buf_printf(&p->body, ",\"total_results\":%zu", w.total);
	buf_putc(&p->body, '}');
}

static void
close_me(struct reply *p)
{
	reply_json(p, 200);
	buf_puts(&p->body,
	         "{\"id\":\"user_Example0000000000000000000000000000000000000000\",\"email\":\"owner@example.com\","
	         "\"first_name\":\"Ada\",\"last_name\":\"Example\",\"organizations\":[{\"id\":"
	         "\"orga_bwwWG475zqWiQGur0thQshwVXo8rIYecQHDWFanqhen\",\"name\":\"Example Co\"}]}");
}

void
close_handle(struct provider *v, const struct request *r, struct slice rest, struct reply *p)
{
	char name[128];
	uint32_t i;

	if (slice_starts(rest, "api/"))
		rest = slice_of(rest.p + 4, rest.len - 4);
	if (!slice_starts(rest, "v1/")) {
		reply_error(p, 404, "Not found: the paths of this API begin with /api/v1/");
		return;
	}
	snprintf(name, sizeof(name), "%.*s", (int)rest.len - 3, rest.p + 3);
	size_t end = strlen(name);
	if (end && name[end - 1] == '/')
		name[end - 1] = 0;
	if (!close_admits(r, name, p))
		return;
	const struct dataset *d = world_find(&v->world, "close", name);
	char *slash = strrchr(name, '/');
	if (d) {
		close_list(v, r, d, p);
		return;
	}
	if (!strcmp(name, "me")) {
		close_me(p);
		return;
	}
	if (slash)
		*slash = 0;
	d = slash ? world_find(&v->world, "close", name) : NULL;
	if (d && dataset_find(d, slash + 1, &i) && dataset_has(d, i)) {
		reply_json(p, 200);
		dataset_render(d, i, &p->body);
	} else {
		reply_error(p, 404, "Not found.");
	}
}
