/* tacit_provider_read_answer() in a build without dialects. */
#include <tacit/provider.h>

#include "base/error.h"

char *tacit_provider_read_answer(tacit_provider *provider, tacit_answer_kind kind,
                                 const char *answer, size_t size, tacit_error *error) {
    (void)kind, (void)size;
    if (!provider) {
        ti_error_argument(error, "provider", "is NULL");
    } else if (!answer) {
        ti_error_argument(error, "answer", "is NULL");
    } else {
        ti_error_set(error, TACIT_ERR_UNSUPPORTED,
                     "This build of tacit shows no answers; it was made with "
                     "TACIT_WITH_DIALECTS=OFF.");
    }
    return NULL;
}
