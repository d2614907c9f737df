/* mended.c - see mend.inc: after its update, which takes any number. */
#define NUMBER_TYPE SLUICE_ANY
#define VERSION "1.1.0"
#include "mend.inc"
