/* mend.c - see mend.inc: as it was. */
#define NUMBER_TYPE SLUICE_INTEGER
#define VERSION "1.0.0"
#include "mend.inc"
