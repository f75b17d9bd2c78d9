/* Letters as protocols compare them: ASCII, whatever the app's locale says. */
#ifndef TI_ASCII_H
#define TI_ASCII_H

#include <stdbool.h>

static inline char ti_ascii_lower(char c) {
    return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

static inline bool ti_ascii_equal_ignoring_case(const char *a, const char *b) {
    while (*a && ti_ascii_lower(*a) == ti_ascii_lower(*b)) {
        a++;
        b++;
    }
    return ti_ascii_lower(*a) == ti_ascii_lower(*b);
}

#endif
