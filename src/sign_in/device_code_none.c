/* Sign-in by device code in a build without it. */
#include "sign_in/sign_in.h"

#include "base/error.h"

static bool check(const tacit_session *session, const tacit_sign_in_options *options,
                  tacit_error *error) {
    (void)session, (void)options;
    ti_error_set(error, TACIT_ERR_UNSUPPORTED,
                 "This build of tacit cannot sign in by device code; it was made with "
                 "TACIT_WITH_DEVICE_CODE=OFF.");
    return false;
}

const ti_sign_in_way ti_sign_in_device_code = {.check = check};

tacit_status tacit_sign_in_with_device_code(tacit_session *session,
                                            const tacit_sign_in_options *options,
                                            tacit_error *error) {
    return ti_sign_in(session, &ti_sign_in_device_code, options, error);
}
