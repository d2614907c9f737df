/* salesforce.h - an object as a configuration names it, and what Salesforce's refusals mean. */
#ifndef SALESFORCE_H
#define SALESFORCE_H

#include <sluice_json.h>

struct object {
	const char *name, *model, *fields; /* "Id,SystemModstamp,Name" */
	const char *hash;                  /* of the fields */
	int incremental;                   /* it has a SystemModstamp */
};

/* object.c. Reads a configuration: {"model": "Account", "fields": ["Name"]}. 0, or the run's failure. */
int object_read(struct sluice_run *run, const cJSON *given, struct object *o);
/* Letters, digits and these; a letter first. */
int object_name_good(const char *text, const char *besides);

/* refusal.c. The statuses that come with errors, for .accept. */
extern const int refusals[];
/* Fails with what Salesforce says. */
int refusal_fail(struct sluice_run *run, const cJSON *answer, int http_status);
/* For .judge: fails but for what the loop deals with, a cursor that is gone; */
int refusal_judge(struct sluice_run *run, const struct sluice_response *answer);
/* and objects that cannot be deleted, which have no IsDeleted. */
int refusal_judge_deleted(struct sluice_run *run, const struct sluice_response *answer);
/* Is the page the answer to a cursor that Salesforce has forgotten? */
int refusal_of_cursor(const struct sluice_page *page);

#endif
