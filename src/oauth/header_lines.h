/* The header lines of one request: borrowed, each name once, the last one counts. */
#ifndef TI_HEADER_LINES_H
#define TI_HEADER_LINES_H

#include <stdbool.h>
#include <stddef.h>

typedef struct ti_header_lines {
    const char **lines; /* NULL-terminated where not NULL */
    size_t count, capacity;
    bool failed; /* there was no memory for one of them */
} ti_header_lines;
#define TI_HEADER_LINES_INIT                                                                       \
    { .lines = NULL }
void ti_header_lines_free(ti_header_lines *lines);

/* "Name: value", instead of what is there of that name; "Name:" keeps libcurl's own away. */
void ti_header_lines_set(ti_header_lines *lines, const char *line);
void ti_header_lines_set_all(ti_header_lines *lines, const char *const *list); /* NULL: none */
/* The line of that name, or NULL. */
const char *ti_header_lines_find(const ti_header_lines *lines, const char *name);

#endif
