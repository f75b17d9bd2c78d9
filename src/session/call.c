#include "session/call.h"

#include "platform/os.h"

static void unref(tacit_call *call) {
    if (atomic_fetch_sub_explicit(&call->refs, 1, memory_order_acq_rel) == 1) call->ops->free(call);
}

static void deliver(ti_dispatch_item *item) {
    tacit_call *call = (tacit_call *)((char *)item - offsetof(tacit_call, delivery));

    call->ops->deliver(call);
    unref(call);
}

void ti_call_init(tacit_call *call, const ti_call_ops *ops, void *user_data) {
    call->ops = ops;
    call->user_data = user_data;
    call->process = ti_os_process();
    atomic_init(&call->refs, 2);
    call->delivery.run = deliver;
}

void ti_call_end(tacit_call *call, ti_dispatch *dispatch) {
    ti_dispatch_push(dispatch, &call->delivery);
}

/* A child has neither the thread nor, perhaps, the locks as they should be. */
static bool is_anothers(const tacit_call *call) {
    return !ti_os_process_is(call->process);
}

void tacit_call_cancel(tacit_call *call) {
    if (call != NULL && !is_anothers(call)) call->ops->cancel(call);
}

static void pause(tacit_call *call, bool on) {
    if (call == NULL || is_anothers(call) || call->ops->pause == NULL) return;
    call->ops->pause(call, on);
}

void tacit_call_pause(tacit_call *call) {
    pause(call, true);
}

void tacit_call_resume(tacit_call *call) {
    pause(call, false);
}

void tacit_call_unref(tacit_call *call) {
    if (call != NULL && !is_anothers(call)) unref(call);
}
