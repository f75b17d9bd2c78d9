/* Asynchronous requests in a build without them. */
#include <tacit/request.h>

#include "base/error.h"

static tacit_call *refuse(const tacit_session *session, bool has_done, tacit_error *error) {
    if (session == NULL)
        ti_error_argument(error, "session", "is NULL");
    else if (!has_done)
        ti_error_argument(error, "done", "is NULL");
    else
        ti_error_set(error, TACIT_ERR_UNSUPPORTED,
                     "This build of tacit has no asynchronous requests; it was made with "
                     "TACIT_WITH_ASYNC=OFF.");
    return NULL;
}

tacit_call *tacit_send_async(tacit_session *session, const tacit_request *request,
                             tacit_done_fn done, void *user_data, tacit_error *error) {
    (void)request, (void)user_data;
    return refuse(session, done != NULL, error);
}

tacit_call *tacit_session_token_async(tacit_session *session, const tacit_token *refused,
                                      int min_valid_s, int timeout_ms, tacit_token_fn done,
                                      void *user_data, tacit_error *error) {
    (void)refused, (void)min_valid_s, (void)timeout_ms, (void)user_data;
    return refuse(session, done != NULL, error);
}
