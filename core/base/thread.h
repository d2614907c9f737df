/* thread.h - threads that let others go first. */
#ifndef SLUICE_BASE_THREAD_H
#define SLUICE_BASE_THREAD_H

/* The calling thread stands back from now on: where processors are scarce the others of this process get theirs first. Called
 * again it costs a comparison. */
void thread_yields(void);

#endif
