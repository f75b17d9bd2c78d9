/*
 * Properties: done is called once, whatever happens in between, and never before work has returned; after that nothing of the call's
 * data is touched.
 *
 * Operation: a call's thread works inside the session, gives up the data, leaves the session, and hands the call to the dispatch,
 * which is a part of it, so that nothing can fail by then. Closing and shutting down end the work as they end every call inside.
 *
 * Safety: `lock` guards whether the work goes on, so that whoever cancels finds the data and the session there; the identity's lock is
 * taken under it.
 */
#include "session/async.h"

#include "base/error.h"
#include "session/call.h"
#include "session/client.h"
#include "session/session.h"

#include <stdlib.h>

typedef struct async_call {
    tacit_call base;

    /* set at the start, then read-only */
    tacit_client *client;   /* counted, until the delivery is queued */
    tacit_session *session; /* entered, while the work goes on */
    const ti_async_ops *ops;
    void *data; /* the work's, until it has returned */
    tacit_done_fn done;

    pthread_mutex_t lock;
    bool works; /* guarded by lock */

    tacit_error error; /* the work's, then the delivery's */
    ti_helper_job job;
} async_call;

static void cancel(tacit_call *base) {
    async_call *call = (async_call *)base;

    pthread_mutex_lock(&call->lock);
    if (call->works) call->ops->cancel(call->session, call->data);
    pthread_mutex_unlock(&call->lock);
}

static void deliver(tacit_call *base) {
    async_call *call = (async_call *)base;
    bool ok = call->error.status == TACIT_OK;

    call->done(base, NULL, ok ? NULL : &call->error, base->user_data);
}

static void free_call(tacit_call *base) {
    async_call *call = (async_call *)base;

    pthread_mutex_destroy(&call->lock);
    free(call);
}

static const ti_call_ops call_ops = {.cancel = cancel, .deliver = deliver, .free = free_call};

static void work(ti_helper_job *job) {
    async_call *call = (async_call *)((char *)job - offsetof(async_call, job));
    tacit_client *client = call->client;

    call->ops->work(call->session, call->data, &call->error);
    pthread_mutex_lock(&call->lock);
    call->works = false;
    pthread_mutex_unlock(&call->lock);
    call->ops->release(call->data);
    ti_session_leave(call->session);
    ti_call_end(&call->base, client->dispatch);
    ti_dispatch_kick(client->dispatch);
    tacit_client_unref(client);
}

static async_call *new_call(tacit_session *session, const ti_async_ops *ops, void *data,
                            tacit_done_fn done, void *user_data) {
    async_call *call = calloc(1, sizeof *call);

    if (call == NULL) return NULL;
    ti_call_init(&call->base, &call_ops, user_data);
    pthread_mutex_init(&call->lock, NULL);
    call->client = ti_client_ref(session->identity->client);
    call->session = session;
    call->ops = ops;
    call->data = data;
    call->done = done;
    call->works = true;
    call->job.run = work;
    return call;
}

/* One that never began. */
static void drop(async_call *call) {
    tacit_client_unref(call->client);
    free_call(&call->base);
}

static tacit_status start(async_call *call, tacit_error *error) {
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
    async_call *call;

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
    return call == NULL ? NULL : &call->base;
}
