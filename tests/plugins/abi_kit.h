/* abi_kit.h - structs of other minor versions, by hand: what a connector built with an older or a newer sluice.h would hold.
 *
 * The prefix is the frozen one. Older: the last members are missing. Newer: members follow that this host has never heard of, filled with
 * something that must not be mistaken for a list's next element. */
#ifndef TESTS_ABI_KIT_H
#define TESTS_ABI_KIT_H

#include <sluice.h>

struct abi_prefix {
	uint16_t abi_major, abi_minor;
	uint16_t size_connector, size_field, size_model, size_option, size_sync, size_action, size_rate;
	uint16_t size_request, size_response, size_page_request, size_page, size_map, size_pair;
	uint16_t reserved[3];
};

#define SIZES_OF_CALLS \
	sizeof(struct sluice_request), sizeof(struct sluice_response), sizeof(struct sluice_page_request), sizeof(struct sluice_page), \
	sizeof(struct sluice_map), sizeof(struct sluice_pair), {0, 0, 0}

static int
abi_fetch(struct sluice_run *run)
{
	sluice_log(run, SLUICE_INFO, "fetched %s", "well");
	return sluice_status(run);
}

#endif
