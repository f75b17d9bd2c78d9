#include "support/sending.h"

#include <pthread.h>

bool through_engine;

/* What done brings to the thread that waits for it. */
typedef struct outcome {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool over;
    tacit_response *response;
    tacit_error error;
} outcome;

static void on_done(tacit_call *call, tacit_response *response, const tacit_error *error,
                    void *user_data) {
    outcome *o = user_data;

    (void)call;
    pthread_mutex_lock(&o->lock);
    o->response = response;
    if (error != NULL) o->error = *error;
    o->over = true;
    pthread_cond_signal(&o->changed);
    pthread_mutex_unlock(&o->lock);
}

static void wait_for(outcome *o) {
    pthread_mutex_lock(&o->lock);
    while (!o->over) pthread_cond_wait(&o->changed, &o->lock);
    pthread_mutex_unlock(&o->lock);
}

static tacit_status send_async(tacit_session *session, const tacit_request *request,
                               tacit_response **response, tacit_error *error) {
    outcome o = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};
    tacit_call *call = tacit_send_async(session, request, on_done, &o, error);

    *response = NULL;
    if (call == NULL) return error->status;
    wait_for(&o);
    tacit_call_unref(call);
    *response = o.response;
    *error = o.error;
    return o.error.status;
}

tacit_status send_either(tacit_session *session, const tacit_request *request,
                         tacit_response **response, tacit_error *error) {
    return through_engine ? send_async(session, request, response, error)
                          : tacit_send(session, request, response, error);
}
