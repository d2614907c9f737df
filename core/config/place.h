/* place.h - where the installation lies: found from the executable, so that it may be moved and stand anywhere. */
#ifndef SLUICE_CONFIG_PLACE_H
#define SLUICE_CONFIG_PLACE_H

/* "plugins" or "../etc/sluice", seen from the executable's folder; NULL: nothing of that name is there. yours */
char *place_find(const char *relative);

#endif
