/* loaded.h - what settings_load hands out, for settings.c and loaded.c only. */
#ifndef SLUICE_CONFIG_LOADED_H
#define SLUICE_CONFIG_LOADED_H

#include "config/settings.h"

/* What callers get a pointer to, with what they need not see. */
struct loaded {
	struct settings s; /* first */
	char **files;      /* the text of origins */
	size_t n_files;
};

#endif
