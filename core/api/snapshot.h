/* snapshot.h - all live records of a dataset as lines, piece by piece; see v1_snapshot.c. */
#ifndef SLUICE_API_SNAPSHOT_H
#define SLUICE_API_SNAPSHOT_H

#include "api/v1.h"

struct snapshot_lines {
	struct feed feed;     /* limit and bytes: of a piece */
	struct cursor cursor; /* of the changes behind it */
	uint64_t end;
	struct buf *out;
	bool over;
};

void snapshot_lines_begin(struct snapshot_lines *s, const struct feed *from); /* the moment is now */
bool snapshot_lines_pull(void *arg, struct buf *out); /* false: that was the last piece. Any thread */

#endif
