#include "oauth/sliding.h"

#include "oauth/token_response.h"

#include <string.h>
#include <strings.h>

const char *ti_sliding_token(const ti_http_answer *answer, const char *header) {
    static const char scheme[] = "Bearer";
    const char *value = ti_http_answer_header(answer, header, 0);
    if (!value) return NULL;
    if (strncasecmp(value, scheme, sizeof scheme - 1) == 0) {
        const char *rest = value + sizeof scheme - 1;
        if (*rest == '\0' || *rest == ' ' || *rest == '\t') value = rest + strspn(rest, " \t");
    }
    return *value ? value : NULL;
}

bool ti_sliding_is_token(const char *text) {
    return text && !ti_access_token_fault(text, strlen(text));
}
