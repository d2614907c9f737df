/* hot_one.c - see hot.inc: the first version. */
#define VERSION "1.0"
#include "hot.inc"
