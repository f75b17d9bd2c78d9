/* Sign-in by browser in a build without it. */
#include "sign_in/sign_in.h"

#include "base/error.h"

static tacit_status refuse(tacit_error *error) {
    return ti_error_set(
        error, TACIT_ERR_UNSUPPORTED,
        "This build of tacit cannot sign in by browser; it was made with TACIT_WITH_BROWSER=OFF.");
}

static bool check(const tacit_session *session, const tacit_sign_in_options *options,
                  tacit_error *error) {
    (void)session, (void)options;
    refuse(error);
    return false;
}

const ti_sign_in_way ti_sign_in_browser = {.check = check};

tacit_status tacit_sign_in_with_browser(tacit_session *session,
                                        const tacit_sign_in_options *options, tacit_error *error) {
    return ti_sign_in(session, &ti_sign_in_browser, options, error);
}

char *tacit_sign_in_browser_begin(tacit_session *session, const tacit_sign_in_options *options,
                                  tacit_error *error) {
    ti_sign_in(session, &ti_sign_in_browser, options, error);
    return NULL;
}

tacit_status tacit_sign_in_browser_finish(tacit_session *session, const char *callback_url,
                                          int timeout_ms, tacit_error *error) {
    (void)timeout_ms;
    if (callback_url == NULL) return ti_error_argument(error, "callback_url", "is NULL");
    return ti_sign_in(session, &ti_sign_in_browser, NULL, error);
}
