/* errors.c - GraphQL says that something is wrong in the body of an answer with status 200.
 *
 * No data: the run fails, with the provider's words and, where its code says so, as refused credentials or as a limit.
 * Data and errors together are partial data: they are kept (unless the section says otherwise), and the run says so and
 * deletes nothing. */
#include "graphql.h"

static const struct {
	const char *word; /* in the code, or in the message where there is none */
	int status;
} codes[] = {
        {"UNAUTHENTICATED", SLUICE_ECREDENTIALS},
        {"AUTHENTICATION", SLUICE_ECREDENTIALS},
        {"UNAUTHORIZED", SLUICE_ECREDENTIALS},
        {"FORBIDDEN", SLUICE_ECREDENTIALS},
        {"RATE_LIMIT", SLUICE_ERATE},
        {"RATELIMIT", SLUICE_ERATE},
        {"THROTTLED", SLUICE_ERATE},
        {"TOO_MANY", SLUICE_ERATE},
};

/* The errors of an answer: a list, never empty; .p NULL: none. */
static struct skim
errors_of(const char *answer, size_t len)
{
	const struct skim errors = skim_get(skim_of(answer, len), "errors");

	return skim_kind(errors) == '[' && skim_member(errors, "0").p ? errors : (struct skim){NULL, 0};
}

static const char *
errors_text(struct sluice_run *run, struct skim errors)
{
	const struct skim first = skim_member(errors, "0"), path = skim_get(first, "path");
	const char *message = skim_text(run, skim_get(first, "message")),
	           *code = skim_text(run, skim_get(first, "extensions.code"));
	const size_t n = skim_count(errors);

	return sluice_format(run, "%.400s%s%s%s%s%.*s%s", message ? message : "an error without a message",
	                     code ? " (" : "", code ? code : "", code ? ")" : "", path.p ? ", at " : "",
	                     path.len < 200 ? (int)path.len : 0, path.p ? path.p : "",
	                     n > 1 ? sluice_format(run, ", and %zu more", n - 1) : "");
}

static int
errors_status(struct sluice_run *run, struct skim errors)
{
	const struct skim first = skim_member(errors, "0");
	const char *code = skim_text(run, skim_get(first, "extensions.code"));

	if (!code)
		code = skim_text(run, skim_get(first, "type")); /* GitHub's */
	for (size_t i = 0; code && i < sizeof(codes) / sizeof(*codes); i++)
		if (strstr(code, codes[i].word))
			return codes[i].status;
	return SLUICE_EFAILED;
}

int
errors_judge(struct sluice_run *run, const char *dataset, int strict, const struct sluice_response *answer)
{
	const struct skim whole = skim_of(answer->body, answer->len), errors = errors_of(answer->body, answer->len);
	const char *p = skim_blank(answer->body, answer->body + answer->len);
	const char data = skim_kind(skim_get(whole, "data"));

	if (*p == '<')
		return sluice_fail(run, SLUICE_EDATA,
		                   "dataset %s: the answer is a web page, not JSON: does base_url with path lead to "
		                   "the GraphQL endpoint "
		                   "(often /graphql)? %.60s",
		                   dataset, p);
	if (errors.p && (strict || !data || data == 'n'))
		return sluice_fail(run, data == '{' ? SLUICE_EDATA : errors_status(run, errors), "dataset %s: %s",
		                   dataset, errors_text(run, errors));
	if (whole.p && !errors.p && data != '{')
		return sluice_fail(run, SLUICE_EDATA,
		                   "dataset %s: the answer has neither data nor errors, so it is none of a GraphQL "
		                   "endpoint; it has: %s",
		                   dataset, skim_members(run, whole, 1));
	return 0;
}

int
errors_tell(struct sluice_run *run, const char *dataset, const char *answer, size_t len)
{
	const struct skim errors = errors_of(answer, len);

	if (errors.p)
		sluice_partial(run, "dataset %s: partial data: %s", dataset, errors_text(run, errors));
	return errors.p != NULL;
}
