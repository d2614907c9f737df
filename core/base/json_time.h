/* json_time.h - times as members of JSON: RFC 3339 text in UTC, null where there is none. */
#ifndef SLUICE_BASE_JSON_TIME_H
#define SLUICE_BASE_JSON_TIME_H

#include "base/json.h"

/* us: microseconds since 1970; 0: null. */
void json_kv_time(struct json_out *o, const char *key, int64_t us);    /* to the microsecond */
void json_kv_time_ms(struct json_out *o, const char *key, int64_t us); /* to the millisecond */

#endif
