/* faults.h - rules that say which requests are answered wrongly, and how.
 *
 * A rule is a JSON object: {"match": "GET /stripe/v1/", "nth": 3, "do": "429", "retry_after": 1}. README.md has all of
 * it. The first rule that wants a request gets it. Ordinals count the requests that a rule's match fits, from 1. */
#ifndef PROVIDER_FAULTS_H
#define PROVIDER_FAULTS_H

#include "base/err.h"
#include "base/json.h"
#include "reply.h"
#include "request.h"

struct fault;
struct faults;

/* One kind of misbehaviour; the table of all is in misbehave.c. */
struct fault_kind {
	const char *name;
	enum bend bend; /* the page is bent before the handler makes it */
	void (*apply)(const struct fault *f, const struct request *r, struct reply *p); /* to the reply; may be NULL */
	int64_t number; /* a default that means something to apply */
};
const struct fault_kind *fault_kind_find(const char *name); /* digits are the kind of that status; NULL: none */

bool fault_spoiler_known(const char *with); /* a value of "with" */

struct faults *faults_new(uint64_t seed);
void faults_free(struct faults *s);
void faults_reset(struct faults *s);
int faults_add(struct faults *s, struct slice rule, struct err *err); /* rule: a checked JSON object */
void faults_show(const struct faults *s, struct json_out *o); /* an array: every rule, and how often it was used */

const struct fault *faults_pick(struct faults *s, struct request *r);      /* NULL: none; may bend the request */
const struct fault *faults_pick_last(struct faults *s, struct request *r); /* among those for last pages */
void fault_apply(const struct fault *f, const struct request *r, struct reply *p);

/* Parameters of a rule. */
struct slice fault_rule(const struct fault *f); /* the whole object */
const struct fault_kind *fault_kind_of(const struct fault *f);
int64_t fault_number(const struct fault *f, const char *name, int64_t otherwise);
bool fault_flag(const struct fault *f, const char *name);
bool fault_value(const struct fault *f, const char *name, struct slice *json);
char *fault_text(const struct fault *f, const char *name); /* yours; NULL: not given */

#endif
