#include "session/context.h"

#include <stdlib.h>

ti_context *ti_context_new(const tacit_client_options *options) {
    ti_context *context = calloc(1, sizeof *context);

    if (context == NULL) return NULL;
    context->process = ti_os_process();
    ti_os_boot_id(context->boot_id);
    atomic_init(&context->refs, 1);
    if (options->clock != NULL) context->clock.injected = *options->clock;
    if (context->process == 0 ||
        !ti_log_init(&context->log, options->log, options->log_data, options->log_level)) {
        free(context);
        return NULL;
    }
    return context;
}

ti_context *ti_context_ref(ti_context *context) {
    atomic_fetch_add_explicit(&context->refs, 1, memory_order_relaxed);
    return context;
}

void ti_context_unref(ti_context *context) {
    if (context == NULL) return;
    if (atomic_fetch_sub_explicit(&context->refs, 1, memory_order_acq_rel) != 1) return;
    ti_log_destroy(&context->log);
    if (context->release != NULL) context->release(context->release_data);
    free(context);
}
