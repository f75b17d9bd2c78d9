/* Sign-in by browser in two calls, for apps to which the system hands the callback. */
#include "sign_in/browser.h"

#include "base/error.h"
#include "session/attempt.h"
#include "session/begun.h"
#include "session/library_thread.h"
#include "session/session.h"
#include "session/view.h"
#include "sign_in/redirect_uri.h"

#include <stdlib.h>
#include <string.h>

enum { CALLBACK_SIZE_MAX = 64 * 1024 };

/* On a thread of the library, too, where nothing has to be waited for. */
static bool may_discover(const tacit_session *session, tacit_error *error) {
    tacit_provider *provider = session->view->grant.provider;
    int64_t wall_ms = ti_clock_wall_ms(ti_session_clock(session));

    if (!ti_on_library_thread() || ti_provider_is_fresh(provider, wall_ms)) return true;
    ti_error_set(error, TACIT_ERR_REENTRANT,
                 "This would have to wait for the server's metadata on a thread of the library.");
    return false;
}

/* NULL: error says why. */
static char *begin(tacit_session *session, const tacit_sign_in_options *options, ti_begun *begun,
                   tacit_error *error) {
    int64_t deadline = ti_sign_in_deadline(session, options, TI_SIGN_IN_TIMEOUT_MS);
    char *url;

    if (options->scope != NULL) {
        begun->scope = strdup(options->scope);
        if (begun->scope == NULL) return ti_error_no_memory(error), NULL;
    }
    if (!may_discover(session, error) ||
        ti_browser_authorize(session, options, options->redirect_uri, deadline,
                             ti_session_closing(session), &begun->authorization, &url,
                             error) != TACIT_OK)
        return NULL;
    if (ti_begun_keep(session, begun, error) == TACIT_OK) return url;
    free(url);
    return NULL;
}

char *tacit_sign_in_browser_begin(tacit_session *session, const tacit_sign_in_options *options,
                                  tacit_error *error) {
    tacit_sign_in_options o;
    tacit_error why = TACIT_ERROR_INIT;
    ti_begun *begun;
    char *url = NULL;

    if (session == NULL) return ti_error_argument(error, "session", "is NULL"), NULL;
    if (!ti_sign_in_options(&o, options, error) || !ti_redirect_uri_check(o.redirect_uri, error) ||
        !ti_session_enter(session, error))
        return NULL;
    begun = calloc(1, sizeof *begun);
    if (begun != NULL)
        url = begin(session, &o, begun, &why);
    else
        ti_error_no_memory(&why);
    if (url == NULL) ti_begun_free(begun);
    ti_error_copy(error, &why);
    ti_session_leave(session);
    return url;
}

/* Between ? and #. */
static const char *query_of(const char *callback_url, size_t *size) {
    const char *query = callback_url + strcspn(callback_url, "?#");

    if (*query == '?') query++;
    *size = strcspn(query, "#");
    return query;
}

static tacit_status finish(tacit_session *session, ti_attempt *attempt, const char *callback_url,
                           int64_t deadline_boot_ms, tacit_error *error) {
    size_t size;
    const char *query = query_of(callback_url, &size);
    tacit_error why = TACIT_ERROR_INIT;
    ti_begun *begun;
    ti_secret *code;
    tacit_status status;

    if (ti_begun_take(session, query, size, &begun, &code, &why) == TI_CALLBACK_CODE) {
        status = ti_browser_redeem(session, attempt, &begun->authorization, begun->scope, code,
                                   deadline_boot_ms, error);
    } else {
        if (why.status == TACIT_OK)
            ti_error_argument(&why, "callback_url",
                              "does not belong to a sign-in that this session has begun");
        ti_attempt_end(session, attempt);
        status = ti_error_copy(error, &why);
    }
    ti_begun_free(begun);
    return status;
}

tacit_status tacit_sign_in_browser_finish(tacit_session *session, const char *callback_url,
                                          int timeout_ms, tacit_error *error) {
    ti_attempt attempt = {.caller = NULL};
    tacit_error why;
    tacit_status status;

    if (session == NULL) return ti_error_argument(error, "session", "is NULL");
    if (callback_url == NULL) return ti_error_argument(error, "callback_url", "is NULL");
    if (strnlen(callback_url, CALLBACK_SIZE_MAX) == CALLBACK_SIZE_MAX)
        return ti_error_argument(error, "callback_url", "is over 64 KiB");
    if (timeout_ms < TACIT_TIMEOUT_DEFAULT)
        return ti_error_argument(error, "timeout_ms", "is below -1");
    if (!ti_session_enter(session, &why)) return ti_error_copy(error, &why);
    if (timeout_ms < 0) timeout_ms = TI_SIGN_IN_TIMEOUT_MS;
    status = ti_attempt_begin(session, &attempt, error);
    if (status == TACIT_OK)
        status = finish(session, &attempt, callback_url, ti_session_deadline(session, timeout_ms),
                        error);
    ti_session_leave(session);
    return status;
}
