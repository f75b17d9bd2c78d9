/* JSON pointers (RFC 6901): where in an answer a member stands. Pure, and without memory of its own. */
#ifndef TI_JSON_POINTER_H
#define TI_JSON_POINTER_H

#include <stdbool.h>

#include <jansson.h>

/* Empty, or "/name" as often as one likes; ~ only as ~0 and ~1. */
bool ti_json_pointer_is_valid(const char *pointer);

/* Borrowed from root, which may be NULL. NULL: nothing is there, or the pointer is not valid. */
json_t *ti_json_pointer_find(json_t *root, const char *pointer);
/* The same for the value around it: what holds the last member that is named. */
json_t *ti_json_pointer_holder(json_t *root, const char *pointer);

#endif
