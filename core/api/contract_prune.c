/* contract_prune.c - PATCH /records/prune: an application has read records up to a cursor, and their content may go.
 *
 * What stays of them says core/store/hollow.c. One request is one commit of at most `limit` records; count is exact, and has_more
 * tells whether another finds any. Awkward: what was pruned earlier stands before what is to be, and may be millions; so they are
 * looked for on a thread of the loop's own, in short snapshots. */
#include <stdlib.h>
#include <string.h>
#include "api/contract.h"
#include "base/mem.h"

#define LIMIT_USUAL 1000
#define LIMIT_MOST 10000

struct pruning {
	uv_work_t work;
	struct http_call *call;
	struct store *store;
	struct prunable_query query;
	struct commit *commit;
	size_t n;
	bool more;
	struct err err;
};

static void
prune_add(void *arg, uint64_t sequence)
{
	struct pruning *p = arg;

	commit_record_prune(p->commit, p->query.dataset, sequence);
	p->n++;
}

/* On that thread. */
static void
prune_look(uv_work_t *work)
{
	struct pruning *p = work->data;
	struct prunable_query q = p->query;
	int rc;

	do {
		q.limit = p->query.limit - p->n;
		rc = store_prunable(p->store, &q, prune_add, p, &q.after, &p->more, &p->err);
	} while (rc == 0 && p->more && p->n < p->query.limit);
}

static void
prune_durable(void *arg, const struct commit_result *result)
{
	struct pruning *p = arg;
	struct buf text = {0};
	struct json_out o = json_out(&text);

	if (result->err.cls != ERR_NONE) {
		http_fail_err(p->call, &result->err);
	} else {
		json_open(&o, '{');
		json_kv_int(&o, "count", result->n_counts ? (int64_t)result->counts[0].deleted : 0);
		json_kv_bool(&o, "has_more", p->more);
		json_close(&o, '}');
		http_reply(p->call, 200, buf_view(&text));
	}
	buf_free(&text);
	free(p);
}

static void
prune_found(uv_work_t *work, int status)
{
	struct pruning *p = work->data;

	(void)status;
	if (p->err.cls == ERR_NONE) {
		store_commit(p->store, p->commit, true, prune_durable, p);
		return;
	}
	http_fail_err(p->call, &p->err);
	commit_free(p->commit);
	free(p);
}

static void
prune_begin(struct api *a, struct http_call *c, const struct cursor *until, size_t limit)
{
	struct pruning *p = XNEW(struct pruning);

	*p = (struct pruning){.call = c,
	                      .store = api_store(a),
	                      .commit = commit_new(api_store(a), (struct fence){0}),
	                      .query = {.dataset = until->dataset, .until = until->after, .limit = limit}};
	p->work.data = p;
	uv_queue_work(host_loop(api_host(a)), &p->work, prune_look, prune_found);
}

static void
records_prune(struct http_call *c, void *arg)
{
	struct api *a = arg;
	char *model = http_field_text(c, "model"), *variant = http_field_text(c, "variant"),
	     *text = http_field_text(c, "until_cursor");
	struct cursor until = {0};
	int64_t limit = LIMIT_USUAL;

	json_int(http_field(c, "limit"), &limit);
	if (contract_dataset(a, c, model, variant, &until.dataset) && contract_cursor(c, api_store(a), text, &until))
		prune_begin(a, c, &until, (size_t)limit);
	free(model);
	free(variant);
	free(text);
}

static const struct http_param prune_params[] = {CONTRACT_OF_CONNECTION, {0}};
static const struct http_field prune_body[] = {
	{.name = "model", .type = HTTP_NAME, .required = true, .help = "whose records"},
	{.name = "until_cursor", .type = HTTP_TEXT, .required = true, .help = "the records up to it, that one included"},
	{.name = "limit", .type = HTTP_INT, .min = 1, .max = LIMIT_MOST, .help = "at most so many at once; 1000"},
	{.name = "variant", .type = HTTP_NAME, .help = "of the sync that brings them; base"},
	{0},
};
static const struct http_schema prune_schema = {
	"PruneResult",
	(const struct http_field[]){
		{.name = "count", .type = HTTP_INT, .required = true, .help = "records whose content was given up"},
		{.name = "has_more", .type = HTTP_BOOL, .required = true, .help = "there are others: ask again"},
		{0}},
	false};

const struct http_route contract_prune_routes[] = {
	{.method = "PATCH",
	 .path = "/records/prune",
	 .name = "pruneRecords",
	 .tag = "Records",
	 .summary = "Gives up the content of records that were read",
	 .help = "Ids, times and cursors stay, and no reader is told. A sync that brings the same content again fills them, unchanged.",
	 .rights = RIGHT_WRITE,
	 .params = prune_params,
	 .body = prune_body,
	 .answers = (const struct http_answer[]){{200, .schema = &prune_schema, .help = "how many were"},
	                                         {400, .help = "unknown_connection, invalid_cursor"},
	                                         {0}},
	 .handle = records_prune},
	{0},
};
