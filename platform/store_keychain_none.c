/* The Keychain, where there is none. */
#include <tacit/store.h>

#include "base/error.h"

tacit_store *tacit_store_keychain(const tacit_store_keychain_options *options, tacit_error *error) {
    tacit_store_keychain_options own;

    if (!ti_struct_read(&own, sizeof own, options, "options", "TACIT_STORE_KEYCHAIN_OPTIONS_INIT",
                        error))
        return NULL;
    if (own.application_id == NULL || *own.application_id == '\0')
        ti_error_argument(error, "options->application_id", "is NULL or empty");
    else
        ti_error_set(error, TACIT_ERR_UNSUPPORTED, "Only macOS has a Keychain.");
    return NULL;
}
