/* contract.c - see contract.h.
 *
 * Awkward: merged datasets belong to no connection of the configuration; they are read under "merge" and "merge", as everywhere
 * else. Whether there is such a dataset is the reader's to find out. */
#include "api/contract.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include "base/mem.h"

const struct connection_settings *
contract_connection(const struct api *a, const char *connection, const char *integration)
{
	return connection && integration ? settings_connection(host_settings(api_host(a)), connection, integration) : NULL;
}

bool
contract_integration(const struct api *a, const char *integration)
{
	const struct settings *s = host_settings(api_host(a));

	for (size_t i = 0; i < s->n_integrations; i++)
		if (strcmp(s->integrations[i]->name, integration) == 0)
			return true;
	return false;
}

const struct connection_settings *
contract_connection_header(const struct api *a, struct http_call *c)
{
	const char *connection = http_param(c, "Connection-Id"), *integration = http_param(c, "Provider-Config-Key");
	const struct connection_settings *k = contract_connection(a, connection, integration);

	if (!k)
		contract_unknown_connection(c, 400, connection, integration);
	return k;
}

void
contract_unknown_connection(struct http_call *c, int status, const char *connection, const char *integration)
{
	http_fail(c, status, "unknown_connection", "there is no connection '%s' of integration '%s'", connection ? connection : "",
	          integration ? integration : "");
}

void
contract_unknown_integration(struct http_call *c, const char *integration)
{
	http_fail(c, 400, "unknown_provider_config", "there is no integration '%s'", integration);
}

void
contract_retry_after(struct http_call *c, int64_t ms)
{
	char seconds[24];

	if (ms <= 0)
		return;
	snprintf(seconds, sizeof seconds, "%lld", (long long)((ms + 999) / 1000));
	http_answer_header(c, "Retry-After", seconds);
}

bool
contract_dataset(const struct api *a, struct http_call *c, const char *model, const char *variant, uint32_t *dataset)
{
	struct dataset_name n = {.connection = http_param(c, "Connection-Id"),
	                         .integration = http_param(c, "Provider-Config-Key"),
	                         .model = model,
	                         .variant = variant && strcmp(variant, CONTRACT_VARIANT) != 0 ? variant : NULL};
	struct store *s = api_store(a);

	*dataset = s ? store_dataset_find(s, &n) : 0;
	if (*dataset && strcmp(n.connection, "merge") == 0 && strcmp(n.integration, "merge") == 0)
		return true;
	return contract_connection_header(a, c) != NULL;
}

bool
contract_cursor(struct http_call *c, const struct store *s, const char *text, struct cursor *cursor)
{
	struct err err;

	cursor->of = CURSOR_CONTRACT;
	if (s && cursor->dataset && cursor_read(s, text, cursor, &err) == 0)
		return true;
	http_fail(c, 400, "invalid_cursor", "this is no cursor of these records: take it from an earlier answer, unchanged");
	return false;
}

const char *
contract_time(int64_t us, char out[TIME_TEXT_MAX])
{
	size_t len = strlen(time_format(us, out));

	snprintf(out + len - 1, TIME_TEXT_MAX - len, "+00:00"); /* in the place of the Z */
	return out;
}

const char *
contract_id(char out[CONTRACT_ID_MAX], const char *const *names)
{
	crypto_generichash_state state;
	uint8_t id[16];

	crypto_generichash_init(&state, NULL, 0, sizeof id);
	for (; *names; names++)
		crypto_generichash_update(&state, (const uint8_t *)*names, strlen(*names) + 1);
	crypto_generichash_final(&state, id, sizeof id);
	id[6] = (uint8_t)((id[6] & 0x0f) | 0x80); /* RFC 9562: version 8, a hash of one's own */
	id[8] = (uint8_t)((id[8] & 0x3f) | 0x80);
	snprintf(out, CONTRACT_ID_MAX, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", id[0], id[1], id[2],
	         id[3], id[4], id[5], id[6], id[7], id[8], id[9], id[10], id[11], id[12], id[13], id[14], id[15]);
	return out;
}
