#include "call/content_range.h"

#include <string.h>
#include <strings.h>

/* false: no digits there, or too many. */
static bool read_number(const char **text, uint64_t *number) {
    const char *begin = *text;

    *number = 0;
    for (; **text >= '0' && **text <= '9'; (*text)++) {
        if (*number > (INT64_MAX - 9) / 10) return false;
        *number = 10 * *number + (uint64_t)(**text - '0');
    }
    return *text != begin;
}

static bool skip(const char **text, char expected) {
    if (**text != expected) return false;
    (*text)++;
    return true;
}

static bool read_complete(const char **text, int64_t *complete) {
    uint64_t number;

    *complete = -1;
    if (skip(text, '*')) return true;
    if (!read_number(text, &number)) return false;
    *complete = (int64_t)number;
    return true;
}

bool ti_content_range_parse(const char *value, ti_content_range *range) {
    static const char unit[] = "bytes ";

    if (strncasecmp(value, unit, sizeof unit - 1) != 0) return false;
    value += sizeof unit - 1;
    if (!read_number(&value, &range->first) || !skip(&value, '-')) return false;
    if (!read_number(&value, &range->last) || !skip(&value, '/')) return false;
    if (!read_complete(&value, &range->complete) || *value != '\0') return false;
    return range->first <= range->last &&
           (range->complete < 0 || range->last < (uint64_t)range->complete);
}
