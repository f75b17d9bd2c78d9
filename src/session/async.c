/*
 * Properties: done is called once, whatever happens in between, and never before work has returned; after that nothing of the call's
 * data is touched.
 *
 * Operation: a call's thread works inside the session, gives up the data, leaves the session, and hands the call to the dispatch,
 * which is a part of it, so that nothing can fail by then. Closing and shutting down end the work as they end every call inside.
 *
 * Safety: `lock` guards whether the work goes on, so that whoever cancels finds the data and the session there; the identity's lock is
 * taken under it. The count has the app's reference and that of the delivery.
 */
#include "session/async.h"

#include "base/error.h"
#include "session/client.h"
#include "session/session.h"

#include <stdlib.h>

struct tacit_call {
    atomic_uint refs;

    /* set at the start, then read-only */
    unsigned process;
    tacit_client *client;   /* counted, until the delivery is queued */
    tacit_session *session; /* entered, while the work goes on */
    const ti_async_ops *ops;
    void *data; /* the work's, until it has returned */
    tacit_done_fn done;
    void *user_data;

    pthread_mutex_t lock;
    bool works; /* guarded by lock */

    tacit_error error; /* the work's, then the delivery's */
    ti_helper_job job;
    ti_dispatch_item delivery;
};

static void unref(tacit_call *call) {
    if (atomic_fetch_sub_explicit(&call->refs, 1, memory_order_acq_rel) > 1) return;
    pthread_mutex_destroy(&call->lock);
    free(call);
}

static void deliver(ti_dispatch_item *item) {
    tacit_call *call = (tacit_call *)((char *)item - offsetof(tacit_call, delivery));
    bool ok = call->error.status == TACIT_OK;

    call->done(call, NULL, ok ? NULL : &call->error, call->user_data);
    unref(call);
}

static void finish(tacit_call *call) {
    tacit_client *client = call->client;

    ti_dispatch_push(client->dispatch, &call->delivery); /* it may be gone from here on */
    ti_dispatch_kick(client->dispatch);
    tacit_client_unref(client);
}

static void work(ti_helper_job *job) {
    tacit_call *call = (tacit_call *)((char *)job - offsetof(tacit_call, job));

    call->ops->work(call->session, call->data, &call->error);
    pthread_mutex_lock(&call->lock);
    call->works = false;
    pthread_mutex_unlock(&call->lock);
    call->ops->release(call->data);
    ti_session_leave(call->session);
    finish(call);
}

static tacit_call *new_call(tacit_session *session, const ti_async_ops *ops, void *data,
                            tacit_done_fn done, void *user_data) {
    tacit_call *call = calloc(1, sizeof *call);

    if (call == NULL) return NULL;
    atomic_init(&call->refs, 2);
    pthread_mutex_init(&call->lock, NULL);
    call->process = ti_os_process();
    call->client = ti_client_ref(session->identity->client);
    call->session = session;
    call->ops = ops;
    call->data = data;
    call->done = done;
    call->user_data = user_data;
    call->works = true;
    call->job.run = work;
    call->delivery.run = deliver;
    return call;
}

/* One that never began. */
static void drop(tacit_call *call) {
    tacit_client_unref(call->client);
    pthread_mutex_destroy(&call->lock);
    free(call);
}

static tacit_status start(tacit_call *call, tacit_error *error) {
    switch (ti_helpers_run(call->client->calls, &call->job)) {
    case TACIT_OK:
        return ti_error_clear(error);
    case TACIT_ERR_CLOSED:
        return ti_error_set(error, TACIT_ERR_CLOSED, "The client was shut down.");
    default:
        return ti_error_no_memory(error);
    }
}

tacit_call *ti_async_start(tacit_session *session, const ti_async_ops *ops, void *data,
                           tacit_done_fn done, void *user_data, tacit_error *error) {
    tacit_call *call;

    if (done == NULL) return ti_error_argument(error, "done", "is NULL"), NULL;
    if (!ti_session_enter(session, error)) return NULL;
    call = new_call(session, ops, data, done, user_data);
    if (call == NULL) {
        ti_error_no_memory(error);
    } else if (start(call, error) != TACIT_OK) {
        drop(call);
        call = NULL;
    }
    if (call == NULL) ti_session_leave(session);
    return call;
}

/* A child has neither the thread nor, perhaps, the locks as they should be. */
static bool is_anothers(const tacit_call *call) {
    return !ti_os_process_is(call->process);
}

void tacit_call_cancel(tacit_call *call) {
    if (call == NULL || is_anothers(call)) return;
    pthread_mutex_lock(&call->lock);
    if (call->works) call->ops->cancel(call->session, call->data);
    pthread_mutex_unlock(&call->lock);
}

void tacit_call_unref(tacit_call *call) {
    if (call != NULL && !is_anothers(call)) unref(call);
}
