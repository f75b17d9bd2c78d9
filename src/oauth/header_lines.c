#include "oauth/header_lines.h"

#include "oauth/ascii.h"

#include <stdlib.h>
#include <string.h>

void ti_header_lines_free(ti_header_lines *lines) {
    free(lines->lines);
    *lines = (ti_header_lines)TI_HEADER_LINES_INIT;
}

/* Up to the colon of either, which may be the end of the text. */
static bool same_name(const char *a, const char *b) {
    size_t size = strcspn(a, ":");
    if (strcspn(b, ":") != size) return false;
    for (size_t i = 0; i < size; i++) {
        if (ti_ascii_lower(a[i]) != ti_ascii_lower(b[i])) return false;
    }
    return true;
}

/* count: there is none. */
static size_t place_of(const ti_header_lines *lines, const char *name) {
    size_t i = 0;
    while (i < lines->count && !same_name(lines->lines[i], name)) i++;
    return i;
}

static bool grow(ti_header_lines *lines) {
    if (lines->count + 1 < lines->capacity) return true;
    size_t capacity = lines->capacity > 0 ? 2 * lines->capacity : 8;
    const char **grown = realloc(lines->lines, capacity * sizeof *grown);
    if (!grown) return !(lines->failed = true);
    lines->lines = grown;
    lines->capacity = capacity;
    return true;
}

void ti_header_lines_set(ti_header_lines *lines, const char *line) {
    size_t place = place_of(lines, line);
    if (place < lines->count) {
        lines->lines[place] = line;
    } else if (grow(lines)) {
        lines->lines[lines->count++] = line;
        lines->lines[lines->count] = NULL;
    }
}

void ti_header_lines_set_all(ti_header_lines *lines, const char *const *list) {
    for (; list && *list; list++) ti_header_lines_set(lines, *list);
}

const char *ti_header_lines_find(const ti_header_lines *lines, const char *name) {
    size_t place = place_of(lines, name);
    return place < lines->count ? lines->lines[place] : NULL;
}
