/* posthog.c - mirrors a PostHog project: its persons, its events, and the conversion of a funnel.
 *
 * Lists answer {"next": URL or null, "results": [...]}; the URL is on PostHog's own public host whatever base_url says,
 * so only its path and query are taken. The slash at the end of an endpoint matters: without it comes a redirect.
 *
 * Awkward: events come newest first and `next` is nothing but "before the last timestamp", strictly. Events of that
 * very instant that did not fit on the page would never be seen, so that instant is listed by itself between two pages
 * (the store knows the ones that come twice by their id). An unlimited list is none: without `after` PostHog shows a
 * day, and of a span of a year or more nothing; so time is cut into windows. */
#include <sluice_json.h>
#include <stdio.h>
#include <time.h>

#define SECOND INT64_C(1000000)
#define DAY (86400 * SECOND)

/* Edges are taken a millisecond wider on each side: both bounds are exclusive, and clocks may be read that coarsely. */
#define EDGE 1000
#define WINDOW (30 * DAY)
/* Browsers and phones send late: each run asks again for what happened this long before the last success. */
#define LATE (3600 * SECOND)

static const char *
endpoint(struct sluice_run *run, const char *rest)
{
	return sluice_format(run, "/api/projects/%s/%s", sluice_get_option(run, "project_id"), rest);
}

/* ---- persons ---- */

static int
fetch_persons(struct sluice_run *run)
{
	const struct sluice_page_request list = {
		.endpoint = endpoint(run, "persons/"), .items = "results", .limit = 100,
		.kind = SLUICE_LINK, .cursor = "next", .flags = SLUICE_LINK_PATH,
	};
	struct sluice_page page;

	while (sluice_paginate(run, &list, &page) > 0)
		sluice_batch_save(run, "PostHogPerson", page.body, page.len);
	return sluice_status(run);
}

/* ---- events ---- */

static const char *
time_text(struct sluice_run *run, int64_t us)
{
	const time_t seconds = (time_t)(us / SECOND);
	struct tm utc;
	char text[32];

	gmtime_r(&seconds, &utc);
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &utc);
	return sluice_format(run, "%s.%06dZ", text, (int)(us % SECOND));
}

/* 2026-06-03T13:56:13.438000+00:00; INT64_MIN: that is no time. */
static int64_t
time_parse(const char *text)
{
	struct tm t = {0};
	int n = 0, hours = 0, minutes = 0, scale = 100000;
	int64_t us = 0;
	char sign;

	if (sscanf(text, "%4d-%2d-%2dT%2d:%2d:%2d%n", &t.tm_year, &t.tm_mon, &t.tm_mday, &t.tm_hour, &t.tm_min,
	           &t.tm_sec, &n) != 6)
		return INT64_MIN;
	text += n;
	if (*text == '.')
		for (text++; *text >= '0' && *text <= '9'; text++, scale /= 10)
			us += (*text - '0') * scale;
	if (sscanf(text, "%c%2d:%2d", &sign, &hours, &minutes) == 3 && sign == '-')
		hours = -hours, minutes = -minutes;
	t.tm_year -= 1900;
	t.tm_mon--;
	return ((int64_t)timegm(&t) - hours * 3600 - minutes * 60) * SECOND + us;
}

/* The text behind `"name":` at the top level of an answer; NULL: it has no such member. The page itself is not made a
 * tree for this. */
static const char *
top_member(const char *p, const char *end, const char *name)
{
	const size_t len = strlen(name);
	int depth = 0;

	for (; p < end; p++) {
		if (*p == '"') {
			const char *from = ++p;
			while (p < end && *p != '"')
				p += *p == '\\' ? 2 : 1;
			if (depth == 1 && p < end && (size_t)(p - from) == len && memcmp(from, name, len) == 0) {
				const char *colon = p + 1 + strspn(p + 1, " \t\r\n");
				if (*colon == ':')
					return colon + 1;
			}
		} else if (*p == '{' || *p == '[') {
			depth++;
		} else if (*p == '}' || *p == ']') {
			depth--;
		}
	}
	return NULL;
}

/* The instant at which a page breaks off: `before` in its next link. 0: there is no next page, or none by time. */
static int64_t
page_edge(struct sluice_run *run, const struct sluice_page *page)
{
	const char *next = top_member(page->answer, page->answer + page->answer_len, "next"), *stop = NULL, *p = NULL;
	char text[64], *to = text;
	int64_t edge;

	if (next && *(next += strspn(next, " \t\r\n")) == '"' && (stop = strchr(next + 1, '"')))
		p = strstr(next, "before=");
	if (!p || p > stop)
		return 0;
	for (p += strlen("before="); p < stop && *p != '&' && *p != '\\' && to < text + sizeof(text) - 1; to++) {
		unsigned byte;
		if (*p == '%' && sscanf(p + 1, "%2x", &byte) == 1) {
			*to = (char)byte;
			p += 3;
		} else {
			*to = *p++;
		}
	}
	*to = '\0';
	edge = time_parse(text);
	if (edge == INT64_MIN)
		sluice_fail(run, SLUICE_EDATA, "the next page of events is before '%s', which is no time", text);
	return edge;
}

/* Everything that happened at one instant. */
static void
save_instant(struct sluice_run *run, int64_t at)
{
	const struct sluice_pair query[] = {
		{"after", time_text(run, at - EDGE)}, {"before", time_text(run, at + EDGE)}, {NULL, NULL},
	};
	const struct sluice_page_request list = {
	        .endpoint = endpoint(run, "events/"),
	        .query = query,
	        .items = "results",
	        .limit = 1000,
	        .kind = SLUICE_OFFSET,
	};
	struct sluice_page page;

	while (sluice_paginate(run, &list, &page) > 0)
		sluice_batch_save(run, "PostHogEvent", page.body, page.len);
}

/* to 0: until now, and a little beyond, as PostHog sees it. */
static void
save_window(struct sluice_run *run, int64_t from, int64_t to)
{
	const struct sluice_pair query[] = {
		{"after", time_text(run, from - EDGE)}, {"before", to ? time_text(run, to) : NULL}, {NULL, NULL},
	};
	const struct sluice_page_request list = {
		.endpoint = endpoint(run, "events/"), .query = query, .items = "results", .limit = 100,
		.kind = SLUICE_LINK, .cursor = "next", .flags = SLUICE_LINK_PATH,
	};
	struct sluice_page page;

	while (sluice_paginate(run, &list, &page) > 0) {
		const int64_t edge = page_edge(run, &page);
		sluice_batch_save(run, "PostHogEvent", page.body, page.len);
		if (edge > 0)
			save_instant(run, edge);
	}
}

/* Windows begin at midnight, so that a run that goes on after a crash asks the same again. */
static int
fetch_events(struct sluice_run *run)
{
	const int64_t now = sluice_now(run), last = sluice_last_success(run), today = now - now % DAY;
	const int64_t since =
	        last ? last - LATE : today - strtoll(sluice_get_option(run, "backfill_days"), NULL, 10) * DAY;
	int64_t from = today, to = 0;

	do {
		from = from - WINDOW > since ? from - WINDOW : since;
		save_window(run, from, to);
		to = from;
	} while (from > since && sluice_status(run) == 0);
	return sluice_status(run);
}

/* ---- conversion ---- */

/* Per cent with two decimals; null where there was nobody to convert. */
static cJSON *
rate(double part, double whole)
{
	return whole > 0 ? cJSON_CreateNumber((double)(int64_t)(part / whole * 10000 + 0.5) / 100) : cJSON_CreateNull();
}

static void
copy_member(cJSON *to, const cJSON *step, const char *name)
{
	const cJSON *value = sluice_json_get(step, name);

	if (value)
		cJSON_AddItemToObject(to, name, cJSON_Duplicate(value, 1));
}

/* A breakdown's value as a part of an id: Firefox, or for several at once Firefox,Linux. */
static const char *
value_text(struct sluice_run *run, const cJSON *value)
{
	const cJSON *part;
	const char *text = NULL;

	if (cJSON_IsString(value))
		return value->valuestring;
	if (!cJSON_IsArray(value))
		return sluice_json_print(run, value);
	cJSON_ArrayForEach(part, value)
		text = text ? sluice_format(run, "%s,%s", text, value_text(run, part)) : value_text(run, part);
	return text ? text : "";
}

/* One funnel's steps in their order; with a breakdown there is one for each of its values. */
static void
add_steps(struct sluice_run *run, cJSON *records, const char *funnel, const cJSON *steps)
{
	const cJSON *step;
	double first = 0, before = 0;
	int number = 0;

	cJSON_ArrayForEach(step, steps) {
		const double count = sluice_json_double(step, "count", 0);
		const char *custom = sluice_json_text(step, "custom_name"),
		           *name = custom ? custom : sluice_json_text(step, "name");
		const cJSON *value = sluice_json_get(step, "breakdown_value");
		const char *series = value ? sluice_format(run, "%s_%s", funnel, value_text(run, value)) : funnel;
		cJSON *record = cJSON_CreateObject();

		if (number == 0)
			first = before = count;
		cJSON_AddStringToObject(record, "id", sluice_format(run, "%s_%d", series, number));
		cJSON_AddStringToObject(record, "funnel", funnel);
		cJSON_AddNumberToObject(record, "order", number++);
		if (name)
			cJSON_AddStringToObject(record, "name", name);
		copy_member(record, step, "action_id");
		copy_member(record, step, "count");
		cJSON_AddItemToObject(record, "step_rate", rate(count, before));
		cJSON_AddItemToObject(record, "overall_rate", rate(count, first));
		cJSON_AddNumberToObject(record, "dropped", before - count);
		copy_member(record, step, "average_conversion_time");
		copy_member(record, step, "median_conversion_time");
		copy_member(record, step, "breakdown_value");
		cJSON_AddItemToArray(records, record);
		before = count;
	}
}

static void
save_funnel(struct sluice_run *run, const struct sluice_page_request *list, const char *funnel)
{
	struct sluice_page page;

	while (sluice_paginate(run, list, &page) > 0) {
		cJSON *answer = sluice_json_page(run, &page), *records = cJSON_CreateArray(), *part;
		if (answer && cJSON_IsArray(answer->child))
			cJSON_ArrayForEach(part, answer)
				add_steps(run, records, funnel, part);
		else
			add_steps(run, records, funnel, answer);
		sluice_json_save(run, "PostHogConversionData", records);
		cJSON_Delete(records);
		cJSON_Delete(answer);
	}
}

/* What is asked for the steps of the option: names of events, or series as PostHog writes them. NULL: it failed. */
static const char *
funnel_query(struct sluice_run *run, const char *steps)
{
	cJSON *given = cJSON_Parse(steps), *root = cJSON_CreateObject(),
	      *query = cJSON_AddObjectToObject(root, "query"), *step;
	cJSON *series;
	const char *body = NULL;

	cJSON_AddStringToObject(query, "kind", "FunnelsQuery");
	series = cJSON_AddArrayToObject(query, "series");
	cJSON_ArrayForEach(step, given) {
		cJSON *node = cJSON_IsObject(step) ? cJSON_Duplicate(step, 1) : cJSON_CreateObject();
		if (!sluice_json_get(node, "kind"))
			cJSON_AddStringToObject(node, "kind", "EventsNode");
		if (cJSON_IsString(step)) {
			cJSON_AddStringToObject(node, "event", step->valuestring);
			cJSON_AddStringToObject(node, "name", step->valuestring);
		}
		cJSON_AddItemToArray(series, node);
	}
	cJSON_AddStringToObject(cJSON_AddObjectToObject(query, "funnelsFilter"), "funnelVizType", "steps");
	cJSON_AddStringToObject(cJSON_AddObjectToObject(query, "dateRange"), "date_from",
	                        sluice_get_option(run, "funnel_from"));
	if (cJSON_GetArraySize(series) < 2)
		sluice_fail(run, SLUICE_EARGUMENT,
		            "funnel_steps needs two events at least: [\"$pageview\", \"sign up\"]");
	else
		body = sluice_json_print(run, root);
	cJSON_Delete(given);
	cJSON_Delete(root);
	return body;
}

static int
fetch_conversion(struct sluice_run *run)
{
	static const struct sluice_pair fresh[] = {{"refresh", "blocking"}, {NULL, NULL}};
	const char *insight = sluice_get_option(run, "funnel_insight"), *steps = sluice_get_option(run, "funnel_steps");
	struct sluice_page_request list = {.endpoint = endpoint(run, "query/"), .items = "results"};

	if (!insight && !steps)
		return sluice_fail(
		        run, SLUICE_EARGUMENT,
		        "no funnel is named: set funnel_steps = [\"$pageview\", \"sign up\"] in the connection, or "
		        "funnel_insight");
	if (insight) {
		list.endpoint = endpoint(run, sluice_format(run, "insights/%s/", insight));
		list.query = fresh;
		list.items = "result";
		save_funnel(run, &list, insight);
	}
	if (steps && (list.body = funnel_query(run, steps))) {
		list.endpoint = endpoint(run, "query/");
		list.query = NULL;
		list.items = "results";
		save_funnel(run, &list, "funnel");
	}
	return sluice_status(run);
}

/* Persons and events need a scope each; PostHog's refusal names the one that is lacking. */
static int
check(struct sluice_run *run)
{
	static const struct sluice_pair one[] = {{"limit", "1"}, {NULL, NULL}};
	struct sluice_response answer;

	sluice_proxy_get(run, endpoint(run, "persons/"), one, &answer);
	if (sluice_proxy_get(run, endpoint(run, "events/"), one, &answer) == 0)
		sluice_reply(run,
		             sluice_format(run, "{\"account\":\"project %s\"}", sluice_get_option(run, "project_id")));
	return sluice_status(run);
}

/* ---- what is declared ---- */

#define OPTIONAL(name_, type_, text_) {.name = name_, .type = type_, .flags = SLUICE_OPTIONAL, .description = text_}
#define PERSONAL(name_, type_, text_) \
	{.name = name_, .type = type_, .flags = SLUICE_OPTIONAL | SLUICE_SENSITIVE, .description = text_}

static const struct sluice_field person[] = {
	{.name = "id", .type = SLUICE_STRING, .flags = SLUICE_KEY, .description = "PostHog's uuid of the person"},
	OPTIONAL("created_at", SLUICE_TIME, "when the person was first seen"),
	OPTIONAL("last_seen_at", SLUICE_TIME, "when last, where PostHog keeps it"),
	PERSONAL("name", SLUICE_STRING, "as PostHog shows the person: an address, a name or an id"),
	PERSONAL("distinct_ids", SLUICE_ARRAY, "ids under which it sent events"),
	PERSONAL("properties", SLUICE_OBJECT, "what is known of the person"),
	{0},
};
static const struct sluice_field event[] = {
	{.name = "id", .type = SLUICE_STRING, .flags = SLUICE_KEY, .description = "PostHog's uuid of the event"},
	{.name = "event", .type = SLUICE_STRING, .description = "its name: $pageview, sign up, ..."},
	{.name = "timestamp", .type = SLUICE_TIME, .description = "when it happened"},
	PERSONAL("distinct_id", SLUICE_STRING, "who sent it"),
	PERSONAL("properties", SLUICE_ANY, "what came with it"),
	PERSONAL("person", SLUICE_ANY, "who that was, as known when it was listed"),
	OPTIONAL("elements", SLUICE_ANY, "what was clicked on, for events that were captured automatically"),
	{0},
};
static const struct sluice_field conversion[] = {
	{.name = "id", .type = SLUICE_STRING, .flags = SLUICE_KEY,
	 .description = "FUNNEL_order; with a breakdown FUNNEL_value_order"},
	{.name = "funnel", .type = SLUICE_STRING,
	 .description = "id of the insight, or \"funnel\": the steps of the option"},
	{.name = "order", .type = SLUICE_INTEGER, .description = "of the step, from 0"},
	OPTIONAL("name", SLUICE_STRING, "of the step"),
	OPTIONAL("action_id", SLUICE_ANY, "the event or action"),
	{.name = "count", .type = SLUICE_NUMBER, .description = "how many came this far"},
	OPTIONAL("step_rate", SLUICE_NUMBER, "per cent of those of the step before"),
	OPTIONAL("overall_rate", SLUICE_NUMBER, "per cent of those of the first step"),
	{.name = "dropped", .type = SLUICE_NUMBER, .description = "how many of the step before did not"},
	OPTIONAL("average_conversion_time", SLUICE_NUMBER, "seconds since the step before"),
	OPTIONAL("median_conversion_time", SLUICE_NUMBER, "seconds since the step before"),
	OPTIONAL("breakdown_value", SLUICE_ANY, "whose funnel this is, where the insight has a breakdown"),
	{0},
};
static const struct sluice_model models[] = {
	{.name = "PostHogPerson", .fields = person, .description = "someone who sent events"},
	{.name = "PostHogEvent", .fields = event, .description = "something that happened"},
	{.name = "PostHogConversionData", .fields = conversion,
	 .description = "a step of a funnel, and how many reached it"},
	{0},
};

static const struct sluice_option options[] = {
	{.name = "project_id", .type = SLUICE_STRING, .flags = SLUICE_REQUIRED,
	 .help = "number of the project, from its settings"},
	{.name = "region", .type = SLUICE_STRING, .fallback = "us",
	 .help = "of PostHog Cloud: us or eu; counts for nothing where base_url is given"},
	{.name = "backfill_days", .type = SLUICE_INTEGER, .fallback = "30",
	 .help = "how far back the first sync of events, and a full refresh, goes"},
	{.name = "funnel_steps", .type = SLUICE_ARRAY,
	 .help = "the funnel's events in their order, [\"$pageview\", \"sign up\"]; a step may also be written as "
	         "PostHog's query writes it, {\"event\": ..., \"properties\": [...]}"},
	{.name = "funnel_from", .type = SLUICE_STRING, .fallback = "-7d",
	 .help = "what span of time funnel_steps looks at: -7d, -24h, mStart, or a date"},
	{.name = "funnel_insight", .type = SLUICE_STRING,
	 .help = "number of a saved funnel, instead of funnel_steps or besides"},
	{0},
};

static const struct sluice_sync syncs[] = {
	{.name = "active-users", .model = "PostHogPerson", .kind = SLUICE_INCREMENTAL, .flags = SLUICE_TRACK_DELETES,
	 .every = "every 15 minutes", .endpoint = "GET /api/projects/*/persons/",
	 .description = "persons with their properties",
	 .fetch = fetch_persons},
	{.name = "total-events", .model = "PostHogEvent", .kind = SLUICE_INCREMENTAL,
	 .every = "every hour", .endpoint = "GET /api/projects/*/events/", .description = "events of every name",
	 .fetch = fetch_events},
	{.name = "conversion-rate", .model = "PostHogConversionData", .kind = SLUICE_FULL,
	 .flags = SLUICE_TRACK_DELETES, .every = "every 30 minutes", .endpoint = "POST /api/projects/*/query/",
	 .description = "how many reach each step of a funnel", .fetch = fetch_conversion},
	{0},
};

static const char *const scopes[] = {"person:read", "query:read", "insight:read", NULL};
/* What PostHog allows for whatever asks its event database. */
static const struct sluice_rate_group hourly[] = {
	{.match = "/api/projects/*", .requests = 1200, .per_ms = 3600000},
	{0},
};
static const struct sluice_rate limits = {.requests = 240, .per_ms = 60000, .groups = hourly};

SLUICE_EXPORT const struct sluice_connector sluice_connector = {
	SLUICE_ABI,
	.name = "posthog",
	.version = "1.0.0",
	.description = "Product analytics: persons, events, conversion",
	.base_url = "https://${region}.posthog.com",
	.auth = SLUICE_BEARER,
	.scopes = scopes,
	.rate = &limits,
	.options = options,
	.models = models,
	.syncs = syncs,
	.check = check,
};
