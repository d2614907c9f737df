/* hot_three.c - see hot.inc: one that breaks what was: a sync is gone, an option is required. */
#define VERSION "2.0"
#define DEMANDING
#include "hot.inc"
