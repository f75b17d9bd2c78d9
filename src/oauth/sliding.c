#include "oauth/sliding.h"

#include <strings.h>

const char *ti_sliding_token(const ti_http_answer *answer, const char *header) {
    static const char scheme[] = "Bearer ";
    const char *value = ti_http_answer_header(answer, header, 0);
    if (!value) return NULL;
    if (strncasecmp(value, scheme, sizeof scheme - 1) == 0) {
        value += sizeof scheme - 1;
        while (*value == ' ') value++;
    }
    return *value ? value : NULL;
}
