/* refusal.c - what Salesforce means when it refuses a request.
 *
 * https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/errorcodes.htm
 *
 * Awkward: an answer is an array of errors, and the code of the first matters more than the status: a used-up quota is a
 * 403 like credentials that are refused, and a cursor that was forgotten is a 400 like a query that is none. */
#include "salesforce.h"

const int refusals[] = {400, 403, 404, 0};

static const struct {
	const char *code;
	int status;
} meanings[] = {
	{"REQUEST_LIMIT_EXCEEDED", SLUICE_ERATE},
	{"INVALID_SESSION_ID", SLUICE_ECREDENTIALS},
	{"INSUFFICIENT_ACCESS", SLUICE_ECREDENTIALS},
	{"INSUFFICIENT_ACCESS_OR_READONLY", SLUICE_ECREDENTIALS},
	{"API_DISABLED_FOR_ORG", SLUICE_ECREDENTIALS},
	{"API_CURRENTLY_DISABLED", SLUICE_ECREDENTIALS},
};

/* Is this error code the answer's first one? */
static int
refusal_says(const cJSON *answer, const char *code)
{
	const char *text = sluice_json_text(cJSON_GetArrayItem(answer, 0), "errorCode");

	return text && strcmp(text, code) == 0;
}

int
refusal_fail(struct sluice_run *run, const cJSON *answer, int http_status)
{
	const cJSON *first = cJSON_GetArrayItem(answer, 0);
	const char *code = sluice_json_text(first, "errorCode"), *message = sluice_json_text(first, "message");
	int status = http_status == 403 ? SLUICE_ECREDENTIALS : SLUICE_EDATA;

	for (size_t i = 0; i < sizeof(meanings) / sizeof(*meanings); i++)
		if (refusal_says(answer, meanings[i].code))
			status = meanings[i].status;
	return sluice_fail(run, status, "Salesforce says %s (status %d): %s", code ? code : "no", http_status,
	                   message ? message : "without a reason");
}

/* Fails but for what the loop deals with: a cursor that is gone, and `besides`. */
static int
judge_but(struct sluice_run *run, const struct sluice_response *answer, const char *besides)
{
	cJSON *root;
	int status = 0;

	if (answer->status < 400)
		return 0;
	root = sluice_json_parse(answer->body, answer->len);
	if (!refusal_says(root, "INVALID_QUERY_LOCATOR") && !refusal_says(root, besides))
		status = refusal_fail(run, root, answer->status);
	cJSON_Delete(root);
	return status;
}

int
refusal_judge(struct sluice_run *run, const struct sluice_response *answer)
{
	return judge_but(run, answer, "");
}

int
refusal_judge_deleted(struct sluice_run *run, const struct sluice_response *answer)
{
	return judge_but(run, answer, "INVALID_FIELD");
}

int
refusal_of_cursor(const struct sluice_page *page)
{
	cJSON *root = page->status < 400 ? NULL : sluice_json_parse(page->answer, page->answer_len);
	const int gone = refusal_says(root, "INVALID_QUERY_LOCATOR");

	cJSON_Delete(root);
	return gone;
}
