/* config_settings.c - settings from INI, environment and command line: precedence, every type, every message, and what
 * must never be shown. Each test writes its files into a folder of its own and works in there. */
#include "config/settings.h"
#include "tests/tap.h"
TEST("x"){}
