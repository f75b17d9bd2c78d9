/* NULL-terminated lists of strings, as options carry them. */
#ifndef TI_STRINGS_H
#define TI_STRINGS_H

#include <stdbool.h>
#include <stddef.h>

/* A copy of the list and its strings; NULL stays NULL. false: no memory, and *copy is NULL. */
bool ti_strings_copy(char ***copy, const char *const *list);
void ti_strings_free(char **list); /* wiped: parameters may be secrets. Takes NULL */

/* A copy of the string; NULL stays NULL. */
bool ti_string_copy(char **copy, const char *text);
/* The first size bytes, as a string. NULL: no memory. */
char *ti_string_of(const char *bytes, size_t size);

/* Either may be NULL, which equals NULL only. */
bool ti_string_equal(const char *a, const char *b);
bool ti_strings_equal(char *const *a, char *const *b);

#endif
