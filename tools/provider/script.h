/* script.h - routes whose replies are written out: served in order, the last one again and again.
 *
 *   {"route": "GET /x", "replies": [{"status": 200, "headers": {"X-A": "b"}, "body": {"any": "JSON"}}, {"body":
 * "text"}]}
 *
 * The route names method and path; a query in it must match too. script_load reads a whole script file or control body:
 * one object or an array of them, those with "route" here, the others fault rules. */
#ifndef PROVIDER_SCRIPT_H
#define PROVIDER_SCRIPT_H

#include "base/err.h"
#include "base/json.h"
#include "faults.h"
#include "reply.h"
#include "request.h"

struct script;

struct script *script_new(void);
void script_free(struct script *s);
void script_reset(struct script *s);
int script_load(struct script *s, struct faults *faults, struct slice json, struct err *err);
int script_load_file(struct script *s, struct faults *faults, const char *path, struct err *err);
bool script_answer(struct script *s, const struct request *r, struct reply *p); /* false: no such route */
void script_reply(struct slice json, struct reply *p); /* status, headers, body of a JSON object, put into the reply */

#endif
