/* The encrypted file of a build without one. */
#include <tacit/store.h>

#include "base/error.h"

tacit_store *tacit_store_file(const tacit_store_file_options *options, tacit_error *error) {
    if (options == NULL)
        ti_error_argument(error, "options", "is NULL");
    else
        ti_error_set(error, TACIT_ERR_UNSUPPORTED,
                     "This build of tacit keeps no encrypted files; it was made with "
                     "TACIT_WITH_FILE_STORE=OFF.");
    return NULL;
}
