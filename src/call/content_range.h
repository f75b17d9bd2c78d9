/* Content-Range (RFC 9110 section 14.4): which bytes of a whole an answer has. */
#ifndef TI_CONTENT_RANGE_H
#define TI_CONTENT_RANGE_H

#include <stdbool.h>
#include <stdint.h>

typedef struct ti_content_range {
    uint64_t first, last;
    int64_t complete; /* the size of the whole; -1: not told */
} ti_content_range;

/* false: not in bytes, or nothing that makes sense. */
bool ti_content_range_parse(const char *value, ti_content_range *range);

#endif
