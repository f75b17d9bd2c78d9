#include "support/many_calls.h"

#include "support/unit.h"

#include <stdlib.h>

typedef struct one {
    many_calls *calls;
    int number;
} one;

static void on_done(tacit_call *call, tacit_response *response, const tacit_error *error,
                    void *data) {
    one o = *(one *)data;
    bool either = (response == NULL) == (error != NULL);
    int status = error != NULL ? -(int)error->status : tacit_response_status(response);

    tacit_response_free(response);
    free(data);
    atomic_store(&o.calls->statuses[o.number], either ? status : 0);
    atomic_fetch_add(&o.calls->ends[o.number], 1);
    if (o.calls->then != NULL) o.calls->then(o.calls, call, o.number);
    atomic_fetch_add(&o.calls->done, 1); /* the test may end now */
}

int many_try_start(many_calls *c, tacit_error *error) {
    tacit_request request = c->request;
    one *o = malloc(sizeof *o);
    int number = c->started++;
    tacit_call *call;

    assert_non_null(o);
    assert_true(number < CALLS_MAX);
    if (request.struct_size == 0) request = (tacit_request)TACIT_REQUEST_INIT;
    if (request.url == NULL)
        request.url = server_url(world_server(c->world), c->path != NULL ? c->path : "/api/x");
    *o = (one){c, number};
    call = tacit_send_async(world_session(c->world), &request, on_done, o, error);
    if (call == NULL) {
        c->started--;
        free(o);
        return -1;
    }
    c->handles[number] = call;
    return number;
}

int many_start(many_calls *c) {
    tacit_error error;
    int number = many_try_start(c, &error);

    if (number < 0) fail_msg("%s: %s", tacit_status_name(error.status), error.message);
    return number;
}

void many_start_all(many_calls *c, int count) {
    for (int i = 0; i < count; i++) many_start(c);
}

static bool are_done(void *data) {
    const many_calls *c = data;

    return atomic_load(&c->done) >= c->started;
}

void many_await(many_calls *c) {
    world_wait(are_done, c, "every call ends");
    for (int i = 0; i < c->started; i++)
        if (atomic_load(&c->ends[i]) != 1)
            fail_msg("call %d of %d ended %d times", i, c->started, atomic_load(&c->ends[i]));
}

int many_count(const many_calls *c, int status) {
    int count = 0;

    for (int i = 0; i < c->started; i++) count += atomic_load(&c->statuses[i]) == status;
    return count;
}

void many_unref(many_calls *c) {
    for (int i = 0; i < c->started; i++) {
        tacit_call_unref(c->handles[i]);
        c->handles[i] = NULL;
    }
}
