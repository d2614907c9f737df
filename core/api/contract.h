/* contract.h - what the areas of the contract share: finding what a request names, and its texts. The shapes are those of an
 * existing product's HTTP interface, whose clients work here unchanged; where that product is known to be wrong the same shapes
 * hold the right thing. */
#ifndef SLUICE_API_CONTRACT_H
#define SLUICE_API_CONTRACT_H

#include "api/api.h"
#include "api/cursor.h"

#define CONTRACT_VARIANT "base"  /* the variant that every sync and dataset has */
#define CONTRACT_ID_MAX 37       /* with its NUL */

/* NULL: there is none. Borrowed until settings change. */
const struct connection_settings *contract_connection(const struct api *a, const char *connection, const char *integration);
bool contract_integration(const struct api *a, const char *integration);
/* The connection that the headers Connection-Id and Provider-Config-Key name; NULL: there is none, and c has been answered
 * with 400 unknown_connection. */
const struct connection_settings *contract_connection_header(const struct api *a, struct http_call *c);
void contract_unknown_connection(struct http_call *c, int status, const char *connection, const char *integration);
void contract_unknown_integration(struct http_call *c, const char *integration); /* 400 unknown_provider_config */
/* Before a 429: how long nothing is let pass; 0 or less: nobody said, and a moment is. */
void contract_retry_after(struct http_call *c, int64_t ms);
/* The dataset of a model of the connection that the headers name, 0: it has none yet. False: there is no such connection, and c
 * has been answered. */
bool contract_dataset(const struct api *a, struct http_call *c, const char *model, const char *variant, uint32_t *dataset);
/* A cursor of cursor->dataset; false: it is none, and c has been answered with 400 invalid_cursor. */
bool contract_cursor(struct http_call *c, const struct store *s, const char *text, struct cursor *cursor);
#define CONTRACT_OF_CONNECTION \
	{.name = "Connection-Id", .place = IN_HEADER, .type = HTTP_TEXT, .required = true, .help = "name of the connection"}, \
	{.name = "Provider-Config-Key", .place = IN_HEADER, .type = HTTP_TEXT, .required = true, .help = "name of its integration"}
const char *contract_time(int64_t us, char out[TIME_TEXT_MAX]); /* 2026-11-23T06:55:17.123456+00:00 */
/* Something in the form of a UUID that is always the same for the same names; each ends with a NUL, the list too. */
const char *contract_id(char out[CONTRACT_ID_MAX], const char *const *names);

#endif
