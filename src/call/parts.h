/* The parts of a form: what may be in them, and how they are read while a request is under way. */
#ifndef TI_PARTS_H
#define TI_PARTS_H

#include <tacit/request.h>

/* parts may be NULL. The error names the part by its number. */
tacit_status ti_parts_check(const tacit_part *const *parts, tacit_error *error);
/* Of checked ones: whether a callback is read, and whether each of those can be rewound. */
bool ti_parts_streamed(const tacit_part *const *parts);
bool ti_parts_rewindable(const tacit_part *const *parts);

typedef struct ti_parts ti_parts;

/* Full-size copies of checked parts, whose strings are borrowed; *begun becomes true with the first
 * byte that is asked of a callback. NULL: no memory. */
ti_parts *ti_parts_new(const tacit_part *const *parts, bool *begun);
void ti_parts_free(ti_parts *parts); /* takes NULL */
const tacit_part *const *ti_parts_list(const ti_parts *parts);
/* Those that were begun; false: one cannot start over. */
bool ti_parts_rewind(ti_parts *parts);

#endif
