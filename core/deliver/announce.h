/* announce.h - alerts (schedule/alerts.h) as events for applications: when one begins, and when it is over. */
#ifndef SLUICE_DELIVER_ANNOUNCE_H
#define SLUICE_DELIVER_ANNOUNCE_H

#include "run/run.h"

void announce_alerts(struct host *h); /* from now on, of the host's service; none: nothing */
void announce_end(struct host *h);    /* before the service goes */

#endif
