#include "sign_in/sign_in.h"

#include "base/error.h"
#include "session/session.h"

tacit_status tacit_sign_out(tacit_session *session, int timeout_ms, tacit_error *error) {
    tacit_error why;
    tacit_status status;

    if (session != NULL && timeout_ms < TACIT_TIMEOUT_DEFAULT)
        return ti_error_argument(error, "timeout_ms", "is below -1");
    if (!ti_session_enter(session, &why)) return ti_error_copy(error, &why);
    if (timeout_ms < 0) timeout_ms = TI_SIGN_OUT_TIMEOUT_MS;
    status = ti_job_sign_out(session, ti_session_deadline(session, timeout_ms), error);
    ti_session_leave(session);
    return status;
}
