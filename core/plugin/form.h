/* form.h - how the text of an option is written: a small grammar that a connector declares and the host judges.
 *
 *   none | link [<path>] | page [<param> [<size>]]     one of these; [ ] may be left out, at the end only
 *   rfc3339 | date | unix                              one of some words
 *   <1..100000>   <0..>                                a whole number of that range
 *   <character>                                        a single one, of ASCII
 *   /[<path...>]                                       a placeholder with dots takes all that is left
 *   * | <name>[:<path>[:string|integer|time]], ...     several of them, separated by the sign before the dots
 *   <dataset>                                          another dataset of the connection (run/sections.c)
 *
 * A placeholder holds at least one character, and none that follows a placeholder anywhere in the same form: so in one with
 * blanks between its parts none holds a blank. Blanks around a part mean nothing, nor do empty elements of a list; text that is
 * empty is no text. There is no repetition but the list and nothing to go back for, so judging costs a walk for each
 * alternative, whatever a connector claims. Shared with the worker: base/ only. */
#ifndef SLUICE_PLUGIN_FORM_H
#define SLUICE_PLUGIN_FORM_H

#include <stdbool.h>
#include "base/buf.h"

#define FORM_DATASET "<dataset>"
#define FORM_WORDS 32 /* that are remembered for a hint */

struct form_miss {                      /* why a text does not fit; borrowed from form and text */
	struct slice entry;             /* the text, or its element that does not fit */
	struct slice form;              /* the alternative that came furthest; all of the form where several did */
	struct slice word;              /* where it came no further; empty: something is missing, or a sign too much */
	struct slice words[FORM_WORDS]; /* fixed words that would have been right there */
	size_t n_words;
};

/* NULL, or what is wrong with the form itself. */
const char *form_fault(const char *form);
/* The form is one that form_fault passes. miss may be NULL. */
bool form_fits(const char *form, struct slice text, struct form_miss *miss);

#endif
