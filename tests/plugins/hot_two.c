/* hot_two.c - see hot.inc: a later one, which declares more. */
#define VERSION "1.1"
#define MORE
#include "hot.inc"
