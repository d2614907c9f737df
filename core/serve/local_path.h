/* local_path.h - the path of sluice.sock in a form that fits a socket address, however deep the directory. */
#ifndef SLUICE_SERVE_LOCAL_PATH_H
#define SLUICE_SERVE_LOCAL_PATH_H

#include <sys/un.h>
#include "base/err.h"

struct local_path {
	int dir; /* 0: none */
	char text[sizeof((struct sockaddr_un *)0)->sun_path];
};

int local_path_open(struct local_path *p, const char *data_dir, struct err *err);
void local_path_close(struct local_path *p);

#endif
