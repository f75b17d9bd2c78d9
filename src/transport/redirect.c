#include "transport/transport.h"

#include <string.h>

const char *ti_redirect_method(int status, const char *method, bool *keep_body) {
    if (!method) method = "GET";
    *keep_body = true;
    switch (status) {
    case 301:
    case 302:
        /* section 15.4.2: user agents turn POST into GET, for historical reasons */
        if (strcmp(method, "POST") != 0) return method;
        *keep_body = false;
        return "GET";
    case 303:
        *keep_body = false;
        return strcmp(method, "HEAD") == 0 ? method : "GET";
    case 307:
    case 308:
        return method;
    default:
        return NULL;
    }
}
