/* rest.c - any JSON API without code: each [dataset] section of a connection says what to ask for, and is a model and a
 * sync.
 *
 * Where a section does not say where the list is or how its pages follow each other, the first answer of a run is
 * looked at (detect.c), and the run's log says what was found. A dataset may be below another one: then it is asked for
 * once for each record of its parent, which is listed for that in the same run, so that a parent that is new or gone is
 * known at once.
 *
 * Guarantee: without a map, a dotted id or a parent, pages are handed on as they came.
 * Awkward: what was found has to be the same in all steps of a run, and a step may be another process: it stands in the
 * checkpoint, with the time of the run that it holds for. */
#include "rest.h"
#include <stdlib.h>

static int
fetch(struct sluice_run *run)
{
	struct walk w = {.depth = 0};
	const struct dataset *d = &w.chain[0];
	const struct skim kept = kept_read(run);
	const char *size = sluice_get_option(run, "page_size"); /* that of [sync] goes before the section's */

	if (walk_load(run, &w, sluice_dataset(run)))
		return sluice_status(run);
	if (size)
		w.chain[0].page_size = atoi(size);
	w.since = since_value(run, d, kept);
	if (d->since_param && sluice_is_full(run) && sluice_last_success(run) > 0)
		sluice_log(run, SLUICE_WARN,
		           "dataset %s: since = %s is not used: a full sync lists everything; say kind = incremental",
		           d->name, d->since_param);
	w.seen = skim_get(kept, "seen");
	if (!w.seen.p)
		w.seen = skim_get(kept, "since");
	walk_all(run, &w);
	if (w.seen.p && d->since_path) /* all was read: the next run asks from here on */
		kept_write(run, w.seen, (struct skim){NULL, 0}, "");
	return sluice_status(run);
}

/* One section, as far as it can be tried without a parent's record. */
static void
check_dataset(struct sluice_run *run, struct skim name, cJSON *facts)
{
	struct walk w = {.depth = 0};
	struct dataset *d = &w.chain[0];
	struct sluice_response answer;
	struct asked a;
	struct skim list;
	cJSON *told;

	if (walk_load(run, &w, sluice_format(run, "%.*s", (int)name.len, name.p)))
		return;
	told = cJSON_AddObjectToObject(facts, d->name);
	if (d->parent) {
		cJSON_AddStringToObject(told, "parent", d->parent);
		return;
	}
	if (asked_make(run, &w, 0, &a) || asked_fetch(run, d, &a, &answer) || answer_judge(run, d, &answer) ||
	    d->single || shape_detect(run, d, answer.body, answer.len, answer.headers))
		return;
	list = skim_get(skim_of(answer.body, answer.len), d->items);
	if (items_judge(run, d, list))
		return;
	cJSON_AddStringToObject(told, "items", *d->items ? d->items : ".");
	cJSON_AddStringToObject(told, "paginate", d->paging.words);
	cJSON_AddNumberToObject(told, "records", (double)skim_count(list));
}

static int
check(struct sluice_run *run)
{
	struct skim_walk w = skim_walk(sections(run));
	cJSON *facts = cJSON_CreateObject(), *datasets = cJSON_AddObjectToObject(facts, "datasets");

	while (!sluice_status(run) && skim_next(&w))
		check_dataset(run, w.key, datasets);
	if (!cJSON_GetArraySize(datasets))
		sluice_fail(run, SLUICE_EFAILED,
		            "no dataset is named yet: add a section [dataset CONNECTION : INTEGRATION : NAME] with "
		            "path = /the/list");
	if (!sluice_status(run))
		sluice_reply(run, sluice_json_print(run, facts));
	cJSON_Delete(facts);
	return sluice_status(run);
}

/* ---- what is declared ---- */

#define TEXT(name_, help_)                                                                                             \
	{                                                                                                              \
		.name = name_, .type = SLUICE_STRING, .help = help_                                                    \
	}
#define FORM(name_, form_, help_)                                                                                      \
	{                                                                                                              \
		.name = name_, .type = SLUICE_STRING, .help = help_, .form = form_                                     \
	}

static const struct sluice_option options[] = {
        TEXT("auth", "bearer, basic, header NAME [PREFIX], query NAME, or none; by itself what the credentials are"),
        {0},
};
static const struct sluice_option of_dataset[] = {
        {.name = "path",
         .type = SLUICE_STRING,
         .flags = SLUICE_REQUIRED,
         .help = "below base_url: path = /v1/users",
         .form = "/[<path...>] | https://<url...> | http://<url...>"},
        {.name = "method",
         .type = SLUICE_STRING,
         .fallback = "GET",
         .help = "GET, or POST with a body",
         .form = "GET | POST"},
        FORM("query", "<name>=[<value...>]& ...", "parameters, as in a URL: state=all&order_by=updated_at"),
        {.name = "headers", .type = SLUICE_OBJECT, .help = "headers: {\"X-Version\": \"3\"}"},
        {.name = "body", .type = SLUICE_OBJECT, .help = "JSON body of a POST; cursor, page and size go into it"},
        TEXT("items", "path of the list in the answer, . for the answer itself; by itself seen in the first answer"),
        FORM("paginate",
             "none | cursor <path> <param> [<size>] | last <path> <param> [<size>] | link [<path>] | "
             "offset [<param> [<size>]] | page [<param> [<size>]]",
             "how the pages follow each other; by itself seen"),
        {.name = "page_size",
         .type = SLUICE_INTEGER,
         .fallback = "100", /* PAGE_SIZE */
         .help = "records asked for in a page",
         .form = "<1..100000>"},
        TEXT("page_size_param", "parameter that takes page_size; without one it is not sent"),
        TEXT("has_more", "path of the boolean that says whether there is another page"),
        {.name = "start", .type = SLUICE_INTEGER, .help = "number of the first page (1), or the first offset (0)"},
        FORM("since", "<param> [<path>]",
             "what an incremental run asks from, and the record's member that it is compared with"),
        FORM("since_format", "rfc3339 | date | unix | unix_ms", "by itself as the records have it"),
        FORM("map", "* | <name>[:<path>[:string|integer|time]], ...",
             "members of the record: name:profile.name, mail:emails.0.value, created:created_ts:time; * keeps the rest"),
        FORM("parent", "<dataset>",
             "this one is listed for each record of that; ${id} in path and query is theirs"),
        {.name = "parent_field",
         .type = SLUICE_STRING,
         .fallback = "parent_id",
         .help = "member that takes the parent's id"},
        {.name = "single", .type = SLUICE_BOOLEAN, .fallback = "false", .help = "the answer is the one record"},
        {.name = "skip_404", .type = SLUICE_BOOLEAN, .fallback = "false", .help = "status 404 is an empty list"},
        {0},
};
static const struct sluice_sync dataset = {
        .kind = SLUICE_FULL,
        .flags = SLUICE_TRACK_DELETES,
        .every = "every hour",
        .endpoint = "its path",
        .fetch = fetch,
        .description = "each [dataset] section",
};
static const struct sluice_rate rate = {.remaining = "x-ratelimit-remaining", .reset = "x-ratelimit-reset"};

SLUICE_EXPORT const struct sluice_connector sluice_connector = {
        SLUICE_ABI,
        .name = "rest",
        .version = "1.0.0",
        .description = "any JSON API, described in the configuration",
        .auth = SLUICE_ANY_AUTH,
        .rate = &rate,
        .options = options,
        .dataset = &dataset,
        .dataset_options = of_dataset,
        .check = check,
};
