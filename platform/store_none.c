/* The keyring of a build without one. */
#include <tacit/store.h>

#include "platform/store_keyring.h"

#include "base/error.h"

tacit_store *tacit_store_keyring(const char *application_id, tacit_error *error) {
    if (application_id == NULL || *application_id == '\0')
        ti_error_argument(error, "application_id", "is NULL or empty");
    else
        ti_error_set(
            error, TACIT_ERR_UNSUPPORTED,
            "This build of tacit has no keyring; it was made with TACIT_WITH_LIBSECRET=OFF.");
    return NULL;
}

ti_keyring_presence ti_keyring_look(void) {
    return TI_KEYRING_UNSUPPORTED;
}
