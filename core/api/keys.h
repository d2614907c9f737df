/* keys.h - the API's keys out of the configuration, or the one that was made where it names none. */
#ifndef SLUICE_API_KEYS_H
#define SLUICE_API_KEYS_H

#include "http/http.h"
#include "run/run.h"

/* From now on the keys of the settings in force. first: the host starts; a key that is made now is told on stderr, once. */
int api_keys_settle(struct http *http, struct host *h, bool first, struct err *err);

#endif
