#include "session/begun.h"

#include "base/error.h"
#include "session/identity.h"

#include <stdlib.h>

void ti_begun_free(ti_begun *begun) {
    if (begun == NULL) return;
    ti_authorization_end(&begun->authorization);
    free(begun->scope);
    free(begun);
}

void ti_begun_end_locked(tacit_session *session) {
    ti_begun_free(session->begun);
    session->begun = NULL;
}

void ti_begun_end_all_locked(ti_identity *identity) {
    for (ti_view *view = identity->views; view != NULL; view = view->next)
        for (tacit_session *session = view->sessions; session != NULL; session = session->next)
            ti_begun_end_locked(session);
}

tacit_status ti_begun_keep(tacit_session *session, ti_begun *begun, tacit_error *error) {
    ti_identity *identity = session->identity;
    tacit_status status = TACIT_OK;

    pthread_mutex_lock(&identity->lock);
    if (atomic_load(&session->closing)) {
        status = ti_error_set(error, TACIT_ERR_CLOSED, "The session was closed meanwhile.");
    } else {
        ti_begun_end_locked(session);
        session->begun = begun;
    }
    pthread_mutex_unlock(&identity->lock);
    return status;
}

ti_callback ti_begun_take(tacit_session *session, const char *query, size_t size, ti_begun **begun,
                          ti_secret **code, tacit_error *error) {
    ti_identity *identity = session->identity;
    ti_callback callback = TI_CALLBACK_OTHER;

    *begun = NULL;
    *code = NULL;
    pthread_mutex_lock(&identity->lock);
    if (session->begun != NULL)
        callback = ti_authorization_read(&session->begun->authorization, query, size, code, error);
    if (callback == TI_CALLBACK_CODE || callback == TI_CALLBACK_REFUSED) {
        *begun = session->begun;
        session->begun = NULL;
    }
    pthread_mutex_unlock(&identity->lock);
    return callback;
}
