/* exposed.c - secrets that stand in a file which others may read.
 *
 * A warning and no error: the file may lie in a folder that nobody else enters, and a first try on one's own machine
 * shall not end here. One for each file, at the first secret in it. Secrets by env: and file: are not meant: their
 * files are usually made by what hands them out (systemd, Kubernetes), with a mode of its own. */
#include <string.h>
#include <sys/stat.h>
#include "base/log.h"
#include "config/settings.h"

void
settings_exposed(const struct settings *s)
{
	const char *last = ""; /* what is shown stands file by file, but for [host], which comes first */
	struct stat st;

	for (size_t i = 0; i < s->n_shown; i++) {
		const struct setting_shown *v = &s->shown[i];
		if (!v->literal || !v->at.line || strcmp(v->at.file, last) == 0)
			continue;
		last = v->at.file;
		if (stat(last, &st) != 0 || !(st.st_mode & (S_IRGRP | S_IROTH)))
			continue;
		log_warn("%s:%u: %s: %s: a secret stands here, and others may read this file (mode %03o): chmod 600 it, or "
		         "say env:NAME or file:PATH",
		         v->at.file, v->at.line, v->section, v->key, (unsigned)st.st_mode & 0777);
	}
}
