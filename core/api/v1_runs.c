/* v1_runs.c - /api/v1 about what was: runs, their steps and their log lines, page by page. */
#include "api/v1.h"

#define ASK(name, ...) &(const struct v1_question){.query = (name), __VA_ARGS__}

static const struct http_param run_filters[] = {
	V1_FILTERS,
	V1_SYNC_FILTER("only of this sync"),
	V1_TEXT("status", "only runs of this status: success, partial, error, stopped, running, interrupted"),
	{.name = "since", .place = IN_QUERY, .type = HTTP_TIME, .help = "only runs that began then or later"},
	V1_INT("before", 1, INT64_MAX, "only runs with smaller numbers: `before` of the page that came before"),
	V1_LIMIT,
	{0},
};
#define RUN {.name = "run", .place = IN_PATH, .type = HTTP_INT, .required = true, .min = 1, .max = INT64_MAX, .help = "the run's number"}
static const struct http_param of_run[] = {RUN, {0}};
static const struct http_param page_params[] = {
	RUN, V1_INT("after", 0, INT64_MAX, "behind this one: `after` of the page before"), V1_LIMIT, {0}};

static const struct http_field run_fields[] = {
	{.name = "run", .type = HTTP_INT, .required = true},
	{.name = "connection", .type = HTTP_TEXT, .required = true},
	{.name = "integration", .type = HTTP_TEXT, .required = true},
	{.name = "sync", .type = HTTP_TEXT, .required = true},
	{.name = "status", .type = HTTP_TEXT, .required = true},
	{.name = "started_at", .type = HTTP_TEXT},
	{0},
};
static const struct http_schema run_schema = {.name = "Run", .fields = run_fields, .loose = true};
static const struct http_field runs_fields[] = {
	{.name = "data", .type = HTTP_ARRAY, .required = true, .of = &run_schema},
	{.name = "before", .type = HTTP_INT, .help = "where the next page goes on"},
	{.name = "more", .type = HTTP_BOOL},
	{0},
};
static const struct http_schema runs_schema = {.name = "Runs", .fields = runs_fields};
static const struct http_answer runs_answers[] = {{.status = 200, .schema = &runs_schema}, {0}};
static const struct http_field one_fields[] = {
	{.name = "data", .type = HTTP_OBJECT, .required = true, .of = &run_schema}, {0}};
static const struct http_schema one_schema = {.name = "RunAnswer", .fields = one_fields};
static const struct http_answer one_answers[] = {{.status = 200, .schema = &one_schema}, {0}};
static const struct http_field page_fields[] = {
	{.name = "data", .type = HTTP_ARRAY, .required = true},
	{.name = "after", .type = HTTP_INT, .required = true, .help = "where the next page goes on"},
	{.name = "more", .type = HTTP_BOOL, .required = true},
	{0},
};
static const struct http_schema page_schema = {.name = "RunPage", .fields = page_fields};
static const struct http_answer page_answers[] = {{.status = 200, .schema = &page_schema}, {0}};

const struct http_route v1_run_routes[] = {
	{.method = "GET", .path = "/api/v1/runs", .name = "listRuns", .tag = "Runs", .rights = RIGHT_READ,
	 .summary = "Runs, the newest first", .params = run_filters, .answers = runs_answers, .data = ASK("history"),
	 .handle = v1_ask},
	{.method = "GET", .path = "/api/v1/runs/{run}", .name = "getRun", .tag = "Runs", .rights = RIGHT_READ,
	 .summary = "One run: how it ended, what it counted, where its time went", .params = of_run, .answers = one_answers,
	 .data = ASK("run", .shape = V1_ONE, .missing = true, .with = "\"bare\":true"), .handle = v1_ask},
	{.method = "GET", .path = "/api/v1/runs/{run}/steps", .name = "listSteps", .tag = "Runs", .rights = RIGHT_READ,
	 .summary = "The steps of a run, with what each fetched, saved and waited for", .params = page_params,
	 .answers = page_answers, .data = ASK("steps", .missing = true), .handle = v1_ask},
	{.method = "GET", .path = "/api/v1/runs/{run}/logs", .name = "listLogs", .tag = "Runs", .rights = RIGHT_READ,
	 .summary = "The log lines of a run", .params = page_params, .answers = page_answers, .data = ASK("log"),
	 .handle = v1_ask},
	{0},
};
