/* The kernel's keyring, in a build without it. */
#include <tacit/store.h>

#include "base/error.h"

tacit_store *tacit_store_kernel_keyring(const char *application_id, tacit_error *error) {
    if (application_id == NULL || *application_id == '\0')
        ti_error_argument(error, "application_id", "is NULL or empty");
    else
        ti_error_set(error, TACIT_ERR_UNSUPPORTED,
                     "This build of tacit has no kernel keyring; it is for another system than "
                     "Linux, or was made with TACIT_WITH_KEYCTL=OFF.");
    return NULL;
}
