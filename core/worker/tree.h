/* tree.h - fast memory for the cJSON trees that plugins build. */
#ifndef SLUICE_WORKER_TREE_H
#define SLUICE_WORKER_TREE_H

#include <stddef.h>

void tree_memory_install(void); /* from now on cJSON in this process takes its memory here; not in sanitized builds */
void *tree_alloc(size_t n);     /* NULL when there is none: cJSON reports it */
void tree_free(void *p);        /* NULL is fine */
size_t tree_chunks(void);       /* chunks in use, for tests */

#endif
