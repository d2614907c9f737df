/* load.h - the plugin in memory: loading it, agreeing on the ABI, and reading its structs whatever minor version they have.
 *
 * A plugin's structs may be shorter (older minor) or longer (newer) than ours. So nobody but load.c dereferences a
 * plugin's array: plugin_* copies element i, found by the plugin's own stride, into a zero-filled struct of ours, min(size) bytes of it.
 * Pointers inside the copies are the plugin's and may be NULL anywhere. */
#ifndef SLUICE_WORKER_LOAD_H
#define SLUICE_WORKER_LOAD_H

#include <sluice.h>
#include "base/buf.h"
#include "base/err.h"

struct abi { /* from the plugin's frozen prefix: version and bytes of each of its structs */
	uint16_t major, minor;
	uint16_t connector, field, model, option, sync, action, rate;
	uint16_t request, response, page_request, page, map, pair;
	uint16_t oauth, rate_group; /* 0: built before 1.1 */
	uint16_t webhook;           /* 0: built before 1.2 */
};

struct plugin {
	const struct sluice_connector *raw; /* as exported; only load.c looks inside */
	struct abi abi;
	struct sluice_connector connector;  /* copy, zero-filled beyond the plugin's size */
};

/* dlopen of the plugin's open file, symbol, ABI. -1: err says what is wrong and the remedy (other major: both numbers). */
int plugin_load(struct plugin *p, int fd, struct err *err);
/* The ABI part alone, on any struct: p is filled from `raw`. */
int plugin_accept(struct plugin *p, const struct sluice_connector *raw, struct err *err);

/* Element i of an array of the plugin. false: there is no array, or i is at its end (name NULL); *out is then all zero.
 * The arrays of the connector itself: */
bool plugin_option(const struct plugin *p, size_t i, struct sluice_option *out);
bool plugin_model(const struct plugin *p, size_t i, struct sluice_model *out);
bool plugin_sync(const struct plugin *p, size_t i, struct sluice_sync *out);
bool plugin_action(const struct plugin *p, size_t i, struct sluice_action *out);
bool plugin_webhook(const struct plugin *p, size_t i, struct sluice_webhook *out);
bool plugin_dataset_option(const struct plugin *p, size_t i, struct sluice_option *out);
bool plugin_dataset(const struct plugin *p, struct sluice_sync *out); /* the pattern of datasets that operators name; false: none */
/* Arrays that other structs or calls point to; `array` may be NULL: */
bool plugin_field(const struct plugin *p, const struct sluice_field *array, size_t i, struct sluice_field *out);
bool plugin_pair(const struct plugin *p, const struct sluice_pair *array, size_t i, struct sluice_pair *out);
bool plugin_map(const struct plugin *p, const struct sluice_map *array, size_t i, struct sluice_map *out); /* ends at a NULL `to` */
bool plugin_oauth(const struct plugin *p, struct sluice_oauth *out); /* false: none declared */
bool plugin_rate(const struct plugin *p, struct sluice_rate *out); /* false: none declared */
bool plugin_rate_group(const struct plugin *p, const struct sluice_rate_group *array, size_t i, struct sluice_rate_group *out);
/* Structs that calls take (in) or fill (out); out never writes more than the plugin's struct has room for. NULL in: zeros. */
void plugin_request(const struct plugin *p, const struct sluice_request *in, struct sluice_request *out);
void plugin_page_request(const struct plugin *p, const struct sluice_page_request *in, struct sluice_page_request *out);
void plugin_page_in(const struct plugin *p, const struct sluice_page *in, struct sluice_page *out);
void plugin_response_out(const struct plugin *p, const struct sluice_response *from, struct sluice_response *plugins);
void plugin_page_out(const struct plugin *p, const struct sluice_page *from, struct sluice_page *plugins);

#endif
