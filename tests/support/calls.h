/* What the tests of asynchronous calls share: starting them, and what their done got. */
#ifndef TS_CALLS_H
#define TS_CALLS_H

#include "support/sending.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

/* Of one call, or of many that are alike. */
typedef struct call_outcome {
    atomic_int done, ok, failed; /* done is counted last */
    atomic_int status;           /* HTTP's, or minus tacit's; the last one's */
    atomic_int attempts, retries;
    tacit_error error;
    pthread_t thread;
    char body[1024];
} call_outcome;

static inline void on_outcome(tacit_call *call, tacit_response *response, const tacit_error *error,
                              void *data) {
    call_outcome *o = data;

    (void)call;
    o->thread = pthread_self();
    if ((response == NULL) != (error != NULL)) abort(); /* no assertion on this thread */
    if (error != NULL) {
        o->error = *error;
        atomic_store(&o->status, -(int)error->status);
        atomic_fetch_add(&o->failed, 1);
    } else {
        atomic_store(&o->status, tacit_response_status(response));
        atomic_store(&o->attempts, tacit_response_attempts(response));
        atomic_store(&o->retries, tacit_response_retries(response));
        snprintf(o->body, sizeof o->body, "%s", tacit_response_body(response));
        atomic_fetch_add(&o->ok, tacit_response_status(response) == 200);
        tacit_response_free(response);
    }
    atomic_fetch_add(&o->done, 1);
}

typedef struct expected_outcomes {
    call_outcome *o;
    int done;
} expected_outcomes;

static inline bool outcomes_are_there(void *data) {
    const expected_outcomes *e = data;

    return atomic_load(&e->o->done) >= e->done;
}

static inline void await_outcomes(call_outcome *o, int done) {
    expected_outcomes e = {o, done};

    world_wait(outcomes_are_there, &e, "every done is called");
    assert_int_equal(atomic_load(&o->done), done);
}

static inline tacit_call *must_start(tacit_session *session, const tacit_request *request,
                                     call_outcome *o) {
    tacit_error error;
    tacit_call *call = tacit_send_async(session, request, on_outcome, o, &error);

    if (call == NULL) fail_msg("%s", error.message);
    assert_int_equal(error.status, TACIT_OK);
    return call;
}

static inline void start_get(world *w, const char *path, call_outcome *o) {
    tacit_request request = request_to(server_url(world_server(w), path));

    tacit_call_unref(must_start(world_session(w), &request, o));
}

#endif
