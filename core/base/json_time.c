/* json_time.c - see json_time.h. */
#include "base/json_time.h"

#include "base/clock.h"

void
json_kv_time(struct json_out *o, const char *key, int64_t us)
{
	char text[TIME_TEXT_MAX];

	json_kv_str(o, key, us ? time_format(us, text) : NULL);
}

void
json_kv_time_ms(struct json_out *o, const char *key, int64_t us)
{
	char text[TIME_TEXT_MAX];

	json_kv_str(o, key, us ? time_format_ms(us, text) : NULL);
}
