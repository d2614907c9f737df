/* member.h - one member of a JSON object that has been checked before, as a C value, or what to take in its stead. */
#ifndef SLUICE_RUN_MEMBER_H
#define SLUICE_RUN_MEMBER_H

#include "base/json.h"

int64_t member_int(struct slice object, const char *name, int64_t otherwise);
bool member_bool(struct slice object, const char *name, bool otherwise);
int64_t member_time(struct slice object, const char *name);       /* of RFC 3339 text: microseconds since 1970; 0: none */
char *member_text(struct slice object, const char *name);         /* yours; NULL: absent or null */
struct slice member_raw(struct slice object, const char *name);   /* the JSON text; empty when absent */

#endif
