/* A build without dialects: whoever needs one hears so, and all is as the RFCs have it. */
#include "oauth/dialect.h"

#include "base/error.h"

ti_dialect *ti_dialect_parse(const json_t *dialect, tacit_error *error) {
    (void)dialect;
    ti_error_set(error, TACIT_ERR_UNSUPPORTED,
                 "This build of tacit knows only OAuth as it is, and no \"dialect\"; it was made "
                 "with TACIT_WITH_DIALECTS=OFF.");
    return NULL;
}

void ti_dialect_free(ti_dialect *dialect) {
    (void)dialect;
}

bool ti_dialect_equal(const ti_dialect *a, const ti_dialect *b) {
    return a == b;
}

bool ti_dialect_method_has_body(const char *method) {
    (void)method; /* POST */
    return true;
}
